//! A plugin in Rust, with a parser of JSON and nothing else: how many bytes arrived, and how many events of each kind
//! there were.
//!
//! Option: `file`, where the tally goes at each flush and at the end (standard: `tally.txt` beside the manifest).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufWriter, Write};

use serde_json::{Value, json};

/// Acknowledge at the latest after so many events; the host says "flush" when there are fewer.
const BATCH: u64 = 64;

fn main() -> io::Result<()> {
    let mut tally = Tally { file: "tally.txt".into(), kinds: BTreeMap::new(), bytes: 0, done: 0, acked: 0 };
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        if !tally.hear(&message, &mut out)? {
            break;
        }
    }
    tally.write()
}

struct Tally {
    file: String,
    kinds: BTreeMap<String, u64>,
    bytes: u64,
    /// The last event that was counted, and the last that the host knows of.
    done: u64,
    acked: u64,
}

impl Tally {
    /// One message; false after the last.
    fn hear(&mut self, message: &Value, out: &mut impl Write) -> io::Result<bool> {
        match message["type"].as_str() {
            Some("hello") => {
                say(
                    out,
                    &json!({"type": "hello", "protocol": 1, "name": "tally", "version": "1.0", "batch": BATCH}),
                )?;
            }
            Some("configure") => {
                if let Some(file) = message["options"]["file"].as_str() {
                    file.clone_into(&mut self.file);
                }
            }
            Some("event") => self.count(message, out)?,
            Some("flush") => {
                self.write()?;
                self.acknowledge(out)?;
            }
            Some("bye") => return Ok(false),
            // A message of a later version of the protocol.
            _ => {}
        }
        Ok(true)
    }

    fn count(&mut self, event: &Value, out: &mut impl Write) -> io::Result<()> {
        let kind = event["kind"].as_str().unwrap_or("unknown");
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        self.bytes += event["size"].as_u64().unwrap_or(0);
        self.done = event["seq"].as_u64().unwrap_or(self.done);
        if self.done - self.acked >= BATCH { self.acknowledge(out) } else { Ok(()) }
    }

    fn acknowledge(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.done > self.acked {
            self.acked = self.done;
            say(out, &json!({"type": "ack", "seq": self.done}))?;
        }
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let mut text = format!("bytes {}\n", self.bytes);
        for (kind, count) in &self.kinds {
            let _ = writeln!(text, "{kind} {count}");
        }
        let aside = format!("{}.tmp", self.file);
        fs::write(&aside, text)?;
        fs::rename(aside, &self.file)
    }
}

fn say(out: &mut impl Write, message: &Value) -> io::Result<()> {
    writeln!(out, "{message}")?;
    // The host waits for it.
    out.flush()
}
