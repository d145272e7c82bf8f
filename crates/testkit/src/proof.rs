//! What a core test of the reliability battery has shown: one line of JSON, from which `docs/proof.md` is made.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::oracle::Judgement;

/// The file to which rows are appended.
const ROWS: &str = "STAITHE_ROWS";
/// Asks for the long form of a test: the numbers of the battery's description instead of those for CI.
const LONG: &str = "STAITHE_LONG";

/// The guarantees that a negative control takes away.
const WITHOUT: &str = "STAITHE_WITHOUT";

/// The variable that takes guarantees away, where it is set: for programs that are started without our environment.
#[must_use]
pub fn without() -> Option<(&'static str, OsString)> {
    std::env::var_os(WITHOUT).map(|names| (WITHOUT, names))
}

/// Whether the long form is asked for.
#[must_use]
pub fn is_long() -> bool {
    std::env::var_os(LONG).is_some_and(|value| value != "0")
}

/// The number for this run: the battery's own in the long form, a smaller one in CI.
#[must_use]
pub fn size(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Says aloud that this machine does not let the row's test show what it is there for, and leaves that in place of figures: who
/// shows nothing must not pass for one who did.
pub fn skip(id: &'static str, why: &str) {
    println!("SKIPPED {id}: {why}");
    leave(&skipped(id, why));
}

fn skipped(id: &str, why: &str) -> String {
    json!({ "row": id, "skipped": why.trim() }).to_string()
}

/// Appends a line to the file that `STAITHE_ROWS` names.
fn leave(line: &str) {
    if let Some(file) = std::env::var_os(ROWS) {
        append(Path::new(&file), line);
    }
}

/// What one test has shown.
#[derive(Clone, Debug)]
pub struct Row {
    id: &'static str,
    begun: Instant,
    seed: Option<u64>,
    counts: Map<String, Value>,
    figures: Vec<Value>,
}

impl Row {
    /// The row of this id, as `A01`; the test's time counts from now.
    #[must_use]
    pub fn new(id: &'static str) -> Self {
        Self { id, begun: Instant::now(), seed: None, counts: Map::new(), figures: Vec::new() }
    }

    /// The seed with which the run can be repeated.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// A figure for people, with its unit in the name: `p99 ms`.
    #[must_use]
    pub fn figure(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::Number(number) if number.is_f64() => json!(rounded(number.as_f64().unwrap_or_default())),
            value => value,
        };
        self.figures.push(json!([name, value]));
        self
    }

    /// A length of time, in milliseconds.
    #[must_use]
    pub fn milliseconds(self, name: &str, time: Duration) -> Self {
        self.figure(&format!("{name} ms"), time.as_secs_f64() * 1e3)
    }

    /// One of the oracle's counts: `lost`, `early`, `repeated`…
    #[must_use]
    pub fn count(mut self, name: &str, count: usize) -> Self {
        self.counts.insert(name.to_owned(), count.into());
        self
    }

    /// All counts of a comparison; those of several comparisons add up.
    #[must_use]
    pub fn judged(mut self, judgement: &Judgement) -> Self {
        let found = [
            ("receipts", judgement.receipts),
            ("lost", judgement.lost.len()),
            ("early", judgement.early.len()),
            ("again", judgement.again.len()),
            ("repeated", judgement.repeated.len()),
            ("split", judgement.split.len()),
            ("disordered", judgement.disordered.len()),
            ("unknown", judgement.unknown.len()),
        ];
        for (name, count) in found {
            let before = self.counts.get(name).and_then(Value::as_u64).unwrap_or_default();
            self.counts.insert(name.to_owned(), (before + count as u64).into());
        }
        self
    }

    fn line(&self) -> String {
        json!({
            "row": self.id,
            "seed": self.seed,
            "long": is_long(),
            "seconds": rounded(self.begun.elapsed().as_secs_f64()),
            "counts": self.counts,
            "figures": self.figures,
        })
        .to_string()
    }

    /// Prints the line, and appends it to the file that `STAITHE_ROWS` names.
    pub fn print(&self) {
        let line = self.line();
        println!("{line}");
        leave(&line);
    }
}

/// One write, so that the lines of tests that run at the same time do not mix.
fn append(file: &Path, line: &str) {
    let mut rows = OpenOptions::new().create(true).append(true).open(file).expect("the file of rows opens");
    rows.write_all(format!("{line}\n").as_bytes()).expect("the file of rows takes a line");
}

/// To three digits that mean something.
fn rounded(value: f64) -> f64 {
    let scale = if value.abs() < 10.0 { 1_000.0 } else { 10.0 };
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_with_everything_in_it() {
        let judgement = Judgement { receipts: 3, lost: vec!["a".into()], ..Judgement::default() };
        let row = Row::new("A01").seed(7).figure("p99 ms", 12.345_6).judged(&judgement).judged(&judgement);
        let value: Value = serde_json::from_str(&row.line()).unwrap();
        assert_eq!((&value["row"], &value["seed"]), (&json!("A01"), &json!(7)));
        assert_eq!(value["figures"], json!([["p99 ms", 12.3]]));
        assert_eq!((&value["counts"]["lost"], &value["counts"]["receipts"]), (&json!(2), &json!(6)));
    }

    #[test]
    fn what_is_skipped_is_one_line_with_the_reason() {
        let value: Value = serde_json::from_str(&skipped("C04", "no \"loop\" devices\n")).unwrap();
        assert_eq!(value, json!({"row": "C04", "skipped": "no \"loop\" devices"}));
    }

    #[test]
    fn rows_are_appended() {
        let scratch = crate::Scratch::on_disk("rows");
        let file = scratch.path().join("rows");
        append(&file, "{}");
        append(&file, "[]");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{}\n[]\n");
    }
}
