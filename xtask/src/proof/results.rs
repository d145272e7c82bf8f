//! The lines of JSON that core tests leave (`testkit::proof::Row`, `testkit::proof::skip`).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use super::rows::{self, Row};

/// Counts of which none may be anything but zero in any row.
const NEVER: &[&str] = &["lost", "early", "again", "split", "disordered", "unknown"];

/// The last line of each row.
#[derive(Debug, Default)]
pub(super) struct Results {
    lines: BTreeMap<String, Value>,
    /// So many tests of each row have left figures.
    shown: BTreeMap<String, usize>,
}

impl Results {
    /// Takes in a file of lines.
    pub(super) fn read(&mut self, file: &Path) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for line in text.lines() {
            let mut value: Value = serde_json::from_str(line).with_context(|| format!("no row: {line}"))?;
            let id = value["row"].as_str().with_context(|| format!("no row's id in {line}"))?.to_owned();
            // Several tests have several.
            value["seeds"] = value["seed"].as_u64().into_iter().collect();
            *self.shown.entry(id.clone()).or_default() += usize::from(!value["skipped"].is_string());
            let has_several = || rows::all().any(|row| row.id == id && !row.also.is_empty());
            match self.lines.get_mut(&id) {
                // One row, several tests; or a test that has skipped a part and shown the rest.
                Some(line) if line["skipped"].is_string() || has_several() => join(line, &value),
                _ => {
                    self.lines.insert(id, value);
                }
            }
        }
        Ok(())
    }

    pub(super) fn of(&self, row: &Row) -> Option<&Value> {
        self.lines.get(row.id)
    }

    /// Why the row's test showed nothing on this machine, if so.
    pub(super) fn skipped(&self, row: &Row) -> Option<&str> {
        self.of(row)?["skipped"].as_str()
    }

    /// Whether each of the row's tests has left its line, and nothing was lost, early or unexplained in it. One that this machine
    /// does not let run says so in its line.
    pub(super) fn holds(&self, row: &Row) -> bool {
        let clean = |value: &Value| NEVER.iter().all(|name| value["counts"][name].as_u64().unwrap_or(0) == 0);
        let shown = self.shown.get(row.id).copied().unwrap_or_default();
        let complete = shown >= row.tests().count() || self.skipped(row).is_some();
        complete && self.of(row).is_some_and(clean)
    }

    /// The row's figures, for people.
    pub(super) fn figures(&self, row: &Row) -> String {
        let Some(value) = self.of(row) else { return "no figure".to_owned() };
        let mut parts = Vec::new();
        parts.extend(self.skipped(row).map(|why| format!("SKIPPED here: {why}")));
        if let Some(receipts) = value["counts"]["receipts"].as_u64() {
            parts.push(format!("{receipts} receipts"));
        }
        for figure in value["figures"].as_array().into_iter().flatten() {
            let name = figure[0].as_str().unwrap_or_default();
            let shown = figure[1].as_str().map_or_else(|| figure[1].to_string(), str::to_owned);
            parts.push(format!("{name}: {shown}"));
        }
        for seed in value["seeds"].as_array().into_iter().flatten() {
            parts.push(format!("seed {seed}"));
        }
        parts.join("; ")
    }

    /// Lost, early and repeated, as far as the row counts them.
    pub(super) fn counts(&self, row: &Row) -> String {
        let counts = self.of(row).map(|value| &value["counts"]);
        let count = |name: &str| counts.and_then(|counts| counts[name].as_u64());
        let shown = |name| count(name).map_or("–".to_owned(), |count| count.to_string());
        ["lost", "early", "repeated"].map(shown).join(" / ")
    }
}

/// Takes another line into the row's: figures stand behind each other, counts add up, and what one has skipped is not shown.
fn join(line: &mut Value, other: &Value) {
    for (name, more) in other.as_object().into_iter().flatten() {
        match (&mut line[name.as_str()], more) {
            (Value::Array(seeds), Value::Array(more)) if name == "seeds" => {
                seeds.extend(more.iter().filter(|&seed| !seeds.contains(seed)).cloned().collect::<Vec<_>>());
            }
            (Value::Array(figures), Value::Array(more)) => figures.extend(more.iter().cloned()),
            (Value::Object(counts), Value::Object(more)) => {
                for (name, count) in more {
                    let sum =
                        counts.get(name).and_then(Value::as_u64).unwrap_or(0) + count.as_u64().unwrap_or(0);
                    counts.insert(name.clone(), sum.into());
                }
            }
            (nothing @ Value::Null, more) => *nothing = more.clone(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_line_or_with_a_loss_does_not_hold() {
        let row = rows::all().next().unwrap();
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let mut results = Results::default();
        results.read(scratch.path()).unwrap();
        assert!(!results.holds(row));
        for (lost, holds) in [(0, true), (1, false)] {
            let line =
                format!(r#"{{"row":"{}","counts":{{"lost":{lost}}},"figures":[["p99 ms",2.5]]}}"#, row.id);
            std::fs::write(scratch.path(), line).unwrap();
            results.read(scratch.path()).unwrap();
            assert_eq!(results.holds(row), holds);
        }
        assert_eq!((results.figures(row), results.counts(row)), ("p99 ms: 2.5".into(), "1 / – / –".into()));
    }

    #[test]
    fn what_was_skipped_is_told_and_is_no_loss() {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let single = rows::all().find(|row| row.also.is_empty()).unwrap();
        let several = rows::all().find(|row| !row.also.is_empty()).unwrap();
        let skipped = |row: &Row| format!(r#"{{"row":"{}","skipped":"no such thing"}}"#, row.id);
        let shown = format!(r#"{{"row":"{}","counts":{{"lost":0}},"figures":[["a",2]]}}"#, several.id);
        let rest =
            format!(r#"{{"row":"{}","counts":{{"lost":0}},"figures":[["b",3]],"long":true}}"#, single.id);
        let text = format!("{}\n{rest}\n{}\n{shown}\n", skipped(single), skipped(several));
        std::fs::write(scratch.path(), text).unwrap();
        let mut results = Results::default();
        results.read(scratch.path()).unwrap();
        assert!(results.holds(single) && results.holds(several));
        assert_eq!(results.skipped(single), Some("no such thing"));
        assert_eq!(results.figures(single), "SKIPPED here: no such thing; b: 3", "a part, and the rest");
        assert_eq!(results.of(single).map(|line| &line["long"]), Some(&Value::Bool(true)));
        assert_eq!(results.figures(several), "SKIPPED here: no such thing; a: 2");
    }

    #[test]
    fn a_row_of_several_tests_does_not_hold_without_one_of_them() {
        let row = rows::all().find(|row| !row.also.is_empty()).unwrap();
        let line = format!("{{\"row\":\"{}\",\"counts\":{{}},\"figures\":[]}}\n", row.id);
        let scratch = tempfile::NamedTempFile::new().unwrap();
        for (missing, holds) in [(1, false), (0, true)] {
            std::fs::write(scratch.path(), line.repeat(row.tests().count() - missing)).unwrap();
            let mut results = Results::default();
            results.read(scratch.path()).unwrap();
            assert_eq!(results.holds(row), holds, "{missing} missing");
        }
    }

    #[test]
    fn lines_of_several_tests_are_one() {
        let row = rows::all().find(|row| !row.also.is_empty()).unwrap();
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let line = |figure: &str| {
            format!(r#"{{"row":"{}","counts":{{"lost":1}},"figures":[["{figure}",2]],"seed":5}}"#, row.id)
        };
        std::fs::write(scratch.path(), format!("{}\n{}\n", line("a"), line("b"))).unwrap();
        let mut results = Results::default();
        results.read(scratch.path()).unwrap();
        assert_eq!(
            (results.figures(row), results.counts(row)),
            ("a: 2; b: 2; seed 5".into(), "2 / – / –".into())
        );
    }
}
