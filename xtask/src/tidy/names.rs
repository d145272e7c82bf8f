//! Names that say nothing, for types, traits and modules.

use super::Finding;
use super::blank::words;
use super::exceptions::{Offence, Rule, inexcusable};
use super::sources::Source;

/// A name may not end with one of these (in any case, also in the plural).
const EMPTY_ENDINGS: &[&str] = &["manager", "helper", "util", "utility", "misc"];
/// A name may not be one of these.
const EMPTY_NAMES: &[&str] = &["common", "stuff", "handler2"];

/// The findings.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    inexcusable(offences(sources))
}

/// Every declaration with an empty name.
pub(crate) fn offences(sources: &[Source]) -> Vec<Offence> {
    sources.iter().flat_map(source_offences).collect()
}

fn source_offences(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut declared = false;
    for (at, word) in words(&source.code) {
        if declared && is_empty(word) {
            let text = format!("`{word}` says nothing: name it after what it is in the domain");
            offences.push(Offence {
                rule: Rule::Name,
                key: format!("{}::{word}", source.path),
                finding: Finding::at(source, source.line_of(at), text),
            });
        }
        declared = matches!(word, "struct" | "enum" | "trait" | "type" | "mod" | "union");
    }
    offences
}

fn is_empty(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    EMPTY_NAMES.contains(&lower.as_str()) || EMPTY_ENDINGS.iter().any(|ending| singular.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_found() {
        let text = "struct SinkManager;\nmod utils;\nenum Verdict {}\nfn helper() {}\nmod common;\n";
        let keys: Vec<String> = offences(&[Source::new("crates/x/src/a.rs", text)])
            .into_iter()
            .map(|offence| offence.key)
            .collect();
        let expected = ["SinkManager", "utils", "common"].map(|name| format!("crates/x/src/a.rs::{name}"));
        assert_eq!(keys, expected);
    }
}
