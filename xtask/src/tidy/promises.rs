//! The promises in `ARCHITECTURE.md`: each names the tests that guard it, or says "not yet".

use super::Finding;
use super::borders::PAGE;
use super::sources::Source;
use crate::workspace::Workspace;

/// The page has at least these; those behind them are checked, too.
const PROMISES: usize = 17;

/// The findings.
pub(crate) fn check(workspace: &Workspace, sources: &[Source]) -> Vec<Finding> {
    // That the page is missing is said once, by the rule about borders.
    workspace.read(PAGE).map(|text| check_page(&text, sources)).unwrap_or_default()
}

fn check_page(text: &str, sources: &[Source]) -> Vec<Finding> {
    let more = (PROMISES + 1..1000).take_while(|number| paragraph(&format!("P{number}"), text).is_some());
    (1..=PROMISES)
        .chain(more)
        .flat_map(|number| check_promise(&format!("P{number}"), text, sources))
        .collect()
}

fn check_promise(name: &str, text: &str, sources: &[Source]) -> Vec<Finding> {
    let Some(paragraph) = paragraph(name, text) else {
        return vec![Finding::new(PAGE, format!("has no line `- **{name}** …`"))];
    };
    let tests = named_tests(&paragraph);
    if tests.is_empty() && !paragraph.contains("not yet") {
        return vec![Finding::new(PAGE, format!("{name} names no test and does not say \"not yet\""))];
    }
    let missing = tests.into_iter().filter(|test| !exists(test, sources));
    missing
        .map(|test| Finding::new(PAGE, format!("{name} names the test `{test}`, which does not exist")))
        .collect()
}

/// The list item of a promise, its continuation lines included.
fn paragraph(name: &str, text: &str) -> Option<String> {
    let begin = format!("- **{name}**");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&begin));
    let first = lines.next()?;
    let rest = lines.take_while(|line| line.starts_with(' ') && !line.trim().is_empty());
    Some(rest.fold(first.to_owned(), |all, line| format!("{all} {}", line.trim())))
}

/// What stands in backticks after `test:` or `tests:`.
fn named_tests(paragraph: &str) -> Vec<&str> {
    let after =
        ["test:", "tests:"].iter().find_map(|word| paragraph.split_once(word)).map(|(_, after)| after);
    after.unwrap_or_default().split('`').skip(1).step_by(2).collect()
}

/// Whether there is a test function of that name: `crate::path::name` anywhere in the crate,
/// `tests/file.rs::name` in that file of any crate.
fn exists(test: &str, sources: &[Source]) -> bool {
    let Some((place, name)) = test.rsplit_once("::") else { return false };
    let mut candidates: Vec<&Source> = if place.contains('/') {
        sources.iter().filter(|source| source.path.ends_with(place)).collect()
    } else {
        let krate = place.split("::").next().unwrap_or(place);
        sources.iter().filter(|source| source.krate() == krate).collect()
    };
    candidates.retain(|source| has_test(&source.code, name) || is_listed(&source.code, name));
    !candidates.is_empty()
}

fn has_test(code: &str, name: &str) -> bool {
    code.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        // Attributes stand between the end of the item before and this function.
        let before = &code[..at];
        let attributes = before.rfind(['}', ';', '{']).map_or(before, |end| &before[end..]);
        attributes.contains("test]") || attributes.contains("test(")
    })
}

/// Whether the function is one of those in the list of a macro that makes tests of them.
fn is_listed(code: &str, name: &str) -> bool {
    code.contains("macro_rules!") && code.contains("#[test]") && code.lines().any(|line| line.trim() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Vec<Source> {
        vec![
            Source::new("crates/settle/src/a/tests.rs", "#[test]\nfn waits() {}\nfn plain() {}\n"),
            Source::new("crates/staithe/tests/battery.rs", "#[test]\nfn survives() {}\n"),
        ]
    }

    fn page(first: &str) -> String {
        (2..=PROMISES)
            .fold(format!("{first}\n"), |page, number| page + &format!("- **P{number}** x. not yet\n"))
    }

    #[test]
    fn named_tests_must_exist() {
        let good = "- **P1** A sentence.\n  test: `settle::a::waits`, `tests/battery.rs::survives`";
        assert_eq!(check_page(&page(good), &sources()), []);
        for bad in ["`settle::a::plain`", "`watch::a::waits`", "`tests/cli.rs::survives`", "`waits`"] {
            let findings = check_page(&page(&format!("- **P1** A sentence. test: {bad}")), &sources());
            assert_eq!(findings.len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_promise_without_a_test_must_say_so() {
        assert_eq!(check_page(&page("- **P1** A sentence."), &sources()).len(), 1);
        assert_eq!(check_page(&page("no first promise"), &sources()).len(), 1);
        assert_eq!(check_page(&page("- **P1** A sentence. test: not yet"), &sources()), []);
    }
}
