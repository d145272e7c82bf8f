//! Turns metadata into request bodies, one after the other: each line on standard input is a YAML document
//! as a JSON string, each line on standard output its body, or `!` and why there is none.
//! `data/compare.py` runs it beside `PyYAML`.

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let document: String = serde_json::from_str(&line?)?;
        match products::yaml::to_json(document.as_bytes()) {
            Ok(body) => out.write_all(&body)?,
            Err(error) => write!(out, "!{error}")?,
        }
        writeln!(out)?;
    }
    Ok(())
}
