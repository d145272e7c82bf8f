//! The suite that every sink passes, with a plugin that writes native events to a file.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use config::{PluginManifest, PluginSink};
use model::Parcel;
use tempfile::TempDir;

use super::Plugin;
use crate::conformance::{Rig, check, sample};
use crate::journal::Hands;
use crate::sink::Sink;

const RECORDER: &str = r#"
import os, sys, time
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
def say(line):
    stdout.write(line + b"\n")
    stdout.flush()
stdin.readline()
say(b'{"type":"hello","protocol":1,"name":"recorder"}')
for line in stdin:
    if not line.startswith(b'{"type":"event"'):
        continue
    if os.path.exists("harm"):
        sys.exit("harmed")
    while os.path.exists("hang"):
        time.sleep(60)
    with open("events", "ab", buffering=0) as file:
        file.write(line[line.index(b'"event":') + 8:-2] + b"\n")
    say(b'{"type":"ack","seq":%d}' % int(line.split(b",")[1].split(b":")[1]))
"#;

struct PluginRig {
    dir: TempDir,
    next: u64,
}

impl PluginRig {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Rig for PluginRig {
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink> {
        fs::write(self.path("recorder.py"), RECORDER).unwrap();
        let manifest = PluginManifest {
            command: "python3".into(),
            args: vec!["recorder.py".into()],
            env: Vec::new(),
            directory: self.dir.path().to_owned(),
            memory: None,
            hello_within: Duration::from_secs(20),
            // A busy machine may need longer than the suite's shortest for the first acknowledgement.
            ack_within: timeout.max(Duration::from_millis(1500)),
            window: 256,
            line_limit: 1 << 20,
            version: 1,
        };
        let plan = PluginSink {
            plugin: "recorder".into(),
            manifest: Ok(manifest),
            options: "{}".into(),
            arrivals: true,
        };
        Box::new(Plugin::new(plan, timeout, Hands::in_memory()))
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.next += 1;
        sample(self.next, path)
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let bytes = fs::read(self.path("events")).unwrap_or_default();
        let _ = fs::remove_file(self.path("events"));
        bytes.split_inclusive(|&byte| byte == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect()
    }

    fn harm(&mut self) -> bool {
        fs::write(self.path("harm"), b"").unwrap();
        true
    }

    fn hang(&mut self) -> bool {
        fs::write(self.path("hang"), b"").unwrap();
        true
    }

    fn heal(&mut self) {
        for name in ["harm", "hang"] {
            let _ = fs::remove_file(self.path(name));
        }
    }
}

#[tokio::test]
async fn passes_the_suite_of_all_sinks() {
    check(&mut PluginRig { dir: TempDir::new().unwrap(), next: 0 }).await;
}
