//! Habits that a word gives away: leftovers, unsafe code, the clock, code in `lib.rs`.

use super::Finding;
use super::blank::words;
use super::exceptions::{Offence, Rule, inexcusable};
use super::sources::Source;

/// Crates that may read the clock; everybody else takes the time as a parameter.
const CLOCK_KEEPERS: &[&str] = &["bench", "dispatch", "engine", "ledger", "staithe", "testkit", "xtask"];
/// The only crate with unsafe code.
const UNSAFE_HOME: &str = "sys";

/// The findings.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = inexcusable(offences(sources));
    for source in sources {
        findings.extend(leftovers(source));
        findings.extend(unsafe_code(source));
        findings.extend(whitespace(source));
    }
    findings
}

/// Offences that may have an exception.
pub(crate) fn offences(sources: &[Source]) -> Vec<Offence> {
    sources.iter().flat_map(|source| module_file(source).into_iter().chain(clock(source))).collect()
}

fn leftovers(source: &Source) -> Vec<Finding> {
    let forbidden = [
        ("#[ignore", "a test that is skipped proves nothing: fix it or remove it"),
        ("#[should_panic", "assert on the error instead of expecting a panic"),
        ("todo!", "unfinished code"),
        ("unimplemented!", "unfinished code"),
        ("dbg!", "a leftover of debugging"),
    ];
    let mut findings = Vec::new();
    for (word, why) in forbidden {
        for (at, _) in source.code.match_indices(word) {
            findings.push(Finding::at(source, source.line_of(at), format!("`{word}`: {why}")));
        }
    }
    findings
}

fn unsafe_code(source: &Source) -> Vec<Finding> {
    if source.krate() == UNSAFE_HOME {
        return Vec::new();
    }
    words(&source.code)
        .filter(|(_, word)| *word == "unsafe")
        .map(|(at, _)| {
            Finding::at(source, source.line_of(at), format!("unsafe code belongs in crate `{UNSAFE_HOME}`"))
        })
        .collect()
}

fn whitespace(source: &Source) -> Vec<Finding> {
    super::repository::whitespace(&source.path, &source.text)
}

fn clock(source: &Source) -> Option<Offence> {
    if CLOCK_KEEPERS.contains(&source.krate()) {
        return None;
    }
    let readers = ["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];
    let at = readers.iter().flat_map(|word| source.code.match_indices(word)).map(|(at, _)| at);
    let first = at.filter(|at| !source.in_test(*at)).min()?;
    let text = format!(
        "reads the clock; only {} may, others take the time as a parameter",
        CLOCK_KEEPERS.join(", ")
    );
    Some(Offence {
        rule: Rule::Clock,
        key: source.path.clone(),
        finding: Finding::at(source, source.line_of(first), text),
    })
}

/// `lib.rs` and `mod.rs` hold documentation, modules and re-exports.
fn module_file(source: &Source) -> Option<Offence> {
    if !matches!(source.file_name(), "lib.rs" | "mod.rs") {
        return None;
    }
    let code = ["fn", "impl", "struct", "enum", "trait", "static", "macro_rules"];
    let (at, word) =
        words(&source.code).find(|(at, word)| code.contains(word) && !source.in_test_module(*at))?;
    Some(Offence {
        rule: Rule::ModuleFile,
        key: source.path.clone(),
        finding: Finding::at(
            source,
            source.line_of(at),
            format!("`{word}` in a file for docs and re-exports"),
        ),
    })
}

impl Source {
    fn in_test_module(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn leftovers_are_found_in_code_only() {
        let text = "// todo!()\nfn a() { let s = \"dbg!\"; }\n#[ignore = \"later\"]\nfn b() { todo!() }\n";
        let found = findings("crates/x/src/a.rs", text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/x/src/a.rs:3:"), "{found:?}");
        assert!(found[1].starts_with("crates/x/src/a.rs:4:"), "{found:?}");
    }

    #[test]
    fn unsafe_code_has_one_home() {
        assert_eq!(findings("crates/x/src/a.rs", "fn a() { unsafe {} }\n").len(), 1);
        assert!(findings("crates/sys/src/a.rs", "fn a() { unsafe {} }\n").is_empty());
        assert!(findings("crates/x/src/a.rs", "#![forbid(unsafe_code)]\n").is_empty());
    }

    #[test]
    fn the_clock_is_read_by_its_keepers_and_by_tests() {
        let text = "fn a() { Instant::now() }\n";
        assert_eq!(findings("crates/settle/src/a.rs", text).len(), 1);
        assert!(findings("crates/engine/src/a.rs", text).is_empty());
        assert!(findings("crates/settle/src/a/tests.rs", text).is_empty());
    }

    #[test]
    fn module_files_hold_no_code() {
        assert_eq!(findings("crates/x/src/lib.rs", "//! Doc.\nmod a;\npub fn b() {}\n").len(), 1);
        assert!(findings("crates/x/src/lib.rs", "//! Doc.\nmod a;\npub use a::b;\n").is_empty());
        assert!(findings("crates/x/src/main.rs", "fn main() {}\n").is_empty());
    }
}
