//! `only` and `ignore`: lists of Python expressions.

use settle::{Pattern, PatternError};

use super::line::{Level, Line};
use super::pytext::repr;

/// Always ignored, whatever the configuration says.
const WORKING: &str = r"^.*\.working$";

/// The patterns of `only`: none (everything is taken) or one. As in the original, a list that
/// does not compile filters nothing; that way round, no file is lost by it.
pub(super) fn only(list: Option<&str>, lines: &mut Vec<Line>) -> Option<Pattern> {
    let list = list.filter(|list| !list.is_empty())?;
    let items: Vec<&str> = list.split(';').collect();
    match compile(&items) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            lines.push(Line::GetMask(error.reason));
            lines.push(note(format!("only={} is not used: every name is taken", repr(list))));
            None
        }
    }
}

/// The patterns of `ignore`; a name is ignored when one matches.
///
/// The original ignores nothing at all when the list does not compile, so half-written files
/// reach the consumers. Here each item stands for itself then, and only the bad ones go.
pub(super) fn ignore(list: Option<&str>, lines: &mut Vec<Line>) -> Vec<Pattern> {
    let mut items: Vec<&str> =
        list.filter(|list| !list.is_empty()).map(|list| list.split(';').collect()).unwrap_or_default();
    if !items.contains(&WORKING) {
        items.insert(0, WORKING);
    }
    match compile(&items) {
        Ok(pattern) => vec![pattern],
        Err(error) => {
            lines.push(Line::GetMask(error.reason));
            items.iter().filter_map(|item| one(item, lines)).collect()
        }
    }
}

fn one(item: &str, lines: &mut Vec<Line>) -> Option<Pattern> {
    match compile(&[item]) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let shown = repr(item);
            lines.push(note(format!("{shown} is left out of ignore, the rest holds: {}", error.reason)));
            None
        }
    }
}

/// Joined as the original joins them, so that numbered back-references mean the same groups.
fn compile(items: &[&str]) -> Result<Pattern, PatternError> {
    match items {
        [item] => Pattern::parse(&format!("py:{item}")),
        items => Pattern::parse(&format!("py:({})", items.join(")|("))),
    }
}

fn note(text: String) -> Line {
    Line::Note(Level::Error, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(patterns: &[Pattern]) -> Vec<&str> {
        patterns.iter().map(Pattern::text).collect()
    }

    #[test]
    fn lists_are_joined_as_the_original_joins_them() {
        let lines = &mut Vec::new();
        assert_eq!(only(None, lines), None);
        assert_eq!(only(Some(""), lines), None);
        assert_eq!(only(Some("(?i)^foo"), lines).unwrap().text(), "py:(?i)^foo");
        assert_eq!(only(Some("^a ; b"), lines).unwrap().text(), "py:(^a )|( b)");
        assert_eq!(texts(&ignore(None, lines)), [r"py:^.*\.working$"]);
        assert_eq!(texts(&ignore(Some(""), lines)), [r"py:^.*\.working$"]);
        assert_eq!(texts(&ignore(Some(r"^.*\.t$;"), lines)), [r"py:(^.*\.working$)|(^.*\.t$)|()"]);
        assert_eq!(texts(&ignore(Some(r"x;^.*\.working$"), lines)), [r"py:(x)|(^.*\.working$)"]);
        assert_eq!(lines, &[]);
    }

    #[test]
    fn an_empty_item_matches_everything() {
        let all = ignore(Some("x;"), &mut Vec::new());
        assert!(all[0].matches(b"anything"));
    }

    #[test]
    fn a_bad_only_takes_everything_and_says_so() {
        let mut lines = Vec::new();
        assert_eq!(only(Some("^(.*"), &mut lines), None);
        assert!(matches!(&lines[0], Line::GetMask(_)), "{lines:?}");
    }

    #[test]
    fn a_bad_ignore_keeps_every_good_item() {
        let mut lines = Vec::new();
        // A flag that may only stand at the beginning of the whole: fine on its own.
        let kept = ignore(Some(r"(?i)^.*\.TMP$"), &mut lines);
        assert_eq!(texts(&kept), [r"py:^.*\.working$", r"py:(?i)^.*\.TMP$"]);
        assert!(kept[1].matches(b"a.tmp") && kept[0].matches(b"a.working"));
        assert_eq!(lines.len(), 1);

        let kept = ignore(Some("^(.*;^.*\\.t$"), &mut lines);
        assert_eq!(texts(&kept), [r"py:^.*\.working$", r"py:^.*\.t$"]);
        assert!(matches!(&lines[1], Line::GetMask(_)));
        assert!(String::from_utf8(lines[2].text()).unwrap().contains("'^(.*' is left out"));
    }
}
