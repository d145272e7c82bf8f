//! Rules that are never asked, in the simple case: what they include stands in rules before them.

use settle::{Rule, Take};

use super::rule::Asked;
use crate::fields::Report;
use crate::source_text::shown;

/// Warns of each rule all of whose patterns stand in earlier rules for files that exclude nothing. `asked`
/// has where each rule stands; of those that are `warned` of something was said already.
pub(super) fn warn(rules: &[Rule], asked: &[Asked], warned: &[usize], report: &mut Report<'_>) {
    for (at, (rule, asked)) in rules.iter().zip(asked).enumerate() {
        // Datasets are asked about before files, wherever they stand; and no rule takes events from another.
        let apart = matches!(rule.shape.take, Take::Dataset(_)) || asked.events.is_some();
        if apart || rule.include.is_empty() || warned.contains(&at) {
            continue;
        }
        let before = rules.get(..at).unwrap_or_default();
        let takers: Option<Vec<&Rule>> =
            rule.include.iter().map(|pattern| taker(before, pattern.text())).collect();
        let Some(first) = takers.and_then(|takers| takers.first().copied()) else { continue };
        let message = format!(
            "the rule \"{}\" never takes a file: what it includes is taken by rules before it, \
             such as \"{}\"",
            shown(&rule.name),
            shown(&first.name)
        );
        let help = format!(
            "the first rule that includes a file takes it: move this one above \"{}\"",
            shown(&first.name)
        );
        report.warn(&asked.place, message, Some(help));
    }
}

/// The first rule that takes everything that the pattern matches.
fn taker<'a>(before: &'a [Rule], pattern: &str) -> Option<&'a Rule> {
    let takes = |rule: &&Rule| {
        let same = |earlier: &settle::Pattern| earlier.text() == pattern || earlier.text() == "*";
        rule.shape.take == Take::File && rule.exclude.is_empty() && rule.include.iter().any(same)
    };
    before.iter().find(takes)
}
