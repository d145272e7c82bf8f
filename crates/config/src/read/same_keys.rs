//! Rules whose groups may be taken for one another: a group is known by its directory and its key.

use settle::{Grouping, Rule, Take};

use crate::fields::{Report, Value};
use crate::source_text::shown;

/// Warns of each rule that makes groups by names after another one that does, unless one lies in the other.
/// `values` has a rule for each of `rules`, or there were errors.
pub(super) fn warn(rules: &[Rule], values: &[Value<'_>], report: &mut Report<'_>) {
    if values.len() != rules.len() {
        return;
    }
    let by_name = |rule: &Rule| matches!(rule.shape.take, Take::Group(Grouping::Name(_)));
    for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| by_name(rule)) {
        let earlier = rules.iter().enumerate().take(at).filter(|(_, rule)| by_name(rule));
        let mut apart =
            earlier.filter(|(other, _)| !is_inside(rules, at, *other) && !is_inside(rules, *other, at));
        let (Some((_, other)), Some(value)) = (apart.next(), values.get(at)) else { continue };
        let message = format!(
            "the rules \"{}\" and \"{}\" both make groups by names: where they give the same key in one \
             directory, their files become one unit",
            shown(&other.name),
            shown(&rule.name)
        );
        let help =
            "capture keys that differ, write one expression for both, or make a second source of the same \
                    path"
                .to_owned();
        report.warn(&value.place, message, Some(help));
    }
}

/// Whether the units of one rule lie in those of another.
fn is_inside(rules: &[Rule], inner: usize, outer: usize) -> bool {
    let next = |at: &usize| rules.get(*at).and_then(|rule| rule.shape.of);
    std::iter::successors(Some(inner), next).take(rules.len()).any(|at| at == outer)
}
