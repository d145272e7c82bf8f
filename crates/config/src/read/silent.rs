//! Rules that take files and tell nobody of them, before rules that would: what such a rule takes, no later rule gets.

use settle::{RuleMask, Rules, Say, Selection};

use super::rule::Asked;
use crate::fields::Report;
use crate::source_text::shown;

/// So many patterns are asked about names for each source: a configuration may hold thousands of them.
const ASKED: usize = 1 << 16;
/// Longer patterns are left out of it.
const LONG: usize = 256;

/// Warns of each rule that gets no word of some files because a silent rule stands before it. `asked` has where each
/// rule stands. Patterns are compared by example: what is warned of is true, and not everything is found. Gives the
/// indices of the rules that it has warned of.
pub(super) fn warn(rules: &Rules, asked: &[Asked], report: &mut Report<'_>) -> Vec<usize> {
    let mut warned = Vec::new();
    let mut left = ASKED;
    for (late, (rule, place)) in rules.rules.iter().zip(asked).enumerate() {
        let Some((early, example)) = taken_by_silent(rules, asked, late, &mut left) else { continue };
        let (Some(taker), Some(how)) = (rules.rules.get(early), asked.get(early)) else { continue };
        let why = if how.arrivals { "its sinks take only events" } else { "arrivals = false" };
        let message = format!(
            "the rule \"{}\" is never told of files that the rule \"{}\" before it includes as well, such as \"{}\": \
             that one takes them, and tells nobody that they arrived ({why})",
            shown(&rule.name),
            shown(&taker.name),
            shown(&example)
        );
        let help = format!(
            "move this one above \"{}\", which hears of every event wherever it stands, or exclude such files there",
            shown(&taker.name)
        );
        report.warn(&place.place, message, Some(help));
        warned.push(late);
    }
    warned
}

/// The first silent rule before this one that takes a file which this one includes, and such a file.
fn taken_by_silent(rules: &Rules, asked: &[Asked], late: usize, left: &mut usize) -> Option<(usize, String)> {
    let rule = rules.rules.get(late).filter(|rule| !rule.to.is_empty())?;
    let silent = |at: &usize| {
        let tells_nobody = rules.rules.get(*at).is_some_and(|rule| rule.to.is_empty());
        tells_nobody && asked.get(*at).is_some_and(|asked| asked.events.is_some())
    };
    for early in (0..late).filter(silent) {
        let patterns = &rules.rules.get(early)?.include;
        let pairs = patterns.iter().flat_map(|one| rule.include.iter().map(move |other| (one, other)));
        for example in pairs.flat_map(|(one, other)| examples(one.text(), other.text())) {
            *left = left.checked_sub(rule.include.len())?;
            let path = example.as_bytes();
            if matches!(rule.say(path), Say::Takes(_)) && taker(rules, path) == Some(early) {
                return Some((early, example));
            }
        }
    }
    None
}

/// The rule that takes a file.
fn taker(rules: &Rules, path: &[u8]) -> Option<usize> {
    let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
    let mask = slashes.fold(RuleMask::EMPTY, |mask, (at, _)| rules.directory_mask(&path[..at], mask));
    match rules.select(path, mask) {
        Selection::Taken(rule) => Some(rule),
        Selection::Member { .. } | Selection::Ignored(_) => None,
    }
}

/// Paths that both patterns may match: each with what is fixed of the other in the place of its wildcards.
fn examples(one: &str, other: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (glob, other) in [(one, other), (other, one)] {
        if glob.len() > LONG || other.len() > LONG {
            continue;
        }
        let (Some(parts), fixed) = (parts(glob), parts(other).unwrap_or_default().concat()) else { continue };
        let fixed = fixed.trim_matches('/');
        for filling in [format!("x{fixed}"), fixed.to_owned(), format!("{fixed}x"), "1".to_owned()] {
            // In the last wildcard alone, and in each.
            let last = parts.len().saturating_sub(1);
            let (front, back) = parts.split_at(last);
            found.push(format!("{}{filling}{}", front.join("x"), back.concat()));
            found.push(parts.join(&filling));
        }
    }
    found
}

/// What is fixed of a glob, cut at its wildcards; nothing where it is no glob. Of choices the first is taken.
fn parts(glob: &str) -> Option<Vec<String>> {
    if glob.starts_with("re:") || glob.starts_with("py:") {
        return None;
    }
    let mut parts = vec![String::new()];
    let mut rest = glob.strip_prefix('/').unwrap_or(glob).chars().peekable();
    while let Some(next) = rest.next() {
        let part = parts.last_mut()?;
        match next {
            '*' => {
                let crosses = rest.next_if_eq(&'*').is_some();
                // `**/` may be nothing.
                if !(crosses && rest.next_if_eq(&'/').is_some()) {
                    parts.push(String::new());
                }
            }
            '?' => part.push('x'),
            '[' => {
                let first = rest.next().filter(|first| !['!', '^'].contains(first));
                part.push(first.unwrap_or('x'));
                rest.by_ref().take_while(|one| *one != ']').for_each(drop);
            }
            '{' => {
                let choices: String = rest.by_ref().take_while(|one| *one != '}').collect();
                part.push_str(choices.split(',').next().unwrap_or_default());
            }
            '\\' => part.extend(rest.next()),
            other => part.push(other),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|text| settle::Pattern::parse(text).unwrap());
        let matches = |path: &String| one.matches(path.as_bytes()) && other.matches(path.as_bytes());
        examples(one.text(), other.text()).iter().any(matches)
    }

    #[test]
    fn an_example_is_found_for_patterns_that_overlap() {
        for (one, other) in [
            ("*", "*"),
            ("*", "*.csv"),
            ("*.log", "run*"),
            ("run*", "*.log"),
            ("*.log", "a/*"),
            ("a/*", "*/b"),
            ("**/tmp/*.dat", "obs*"),
            ("*_raw.*", "m31*.fits"),
            ("*.{csv,tsv}", "x?.csv"),
            ("[ab]*.csv", "*1.csv"),
            ("/in/*.x", "*"),
            ("re:\\.csv$", "*.csv"),
            ("re:^[0-9]+", "*.csv"),
            ("\\*x", "*"),
            ("a/**", "*.b"),
        ] {
            assert!(both(one, other), "{one} {other}: {:?}", examples(one, other));
        }
    }

    #[test]
    fn and_none_for_others() {
        for (one, other) in [("*.log", "*.csv"), ("a/*", "b/*"), ("run1*", "run2*"), ("x", "y")] {
            assert!(!both(one, other), "{one} {other}");
        }
        assert!(examples(&"*".repeat(300), "*").is_empty());
    }
}
