//! `of`: which rule's units the units of a rule lie in.

use settle::{Rule, Take};

use crate::fields::{Report, Text};
use crate::nearest::nearest;
use crate::source_text::shown;

/// Finds the rules that are meant. `named` has what stands at `of`, for each rule.
pub(super) fn resolve(rules: &mut [Rule], named: &[Option<Text>], source: &str, report: &mut Report<'_>) {
    for (inner, text) in named.iter().enumerate() {
        let Some(text) = text else { continue };
        let of = outer(rules, inner, text, source, report);
        if let Some(rule) = rules.get_mut(inner) {
            rule.shape.of = of;
        }
    }
    circles(rules, named, report);
}

fn outer(rules: &[Rule], inner: usize, text: &Text, source: &str, report: &mut Report<'_>) -> Option<usize> {
    let Some(outer) = rules.iter().position(|rule| rule.name == text.value) else {
        unknown(rules, inner, text, source, report);
        return None;
    };
    let (message, help) = match (&rules.get(inner)?.shape.take, &rules.get(outer)?.shape.take) {
        _ if inner == outer => {
            ("the rule's units cannot lie in themselves", "name the rule of the outer units")
        }
        (Take::Dataset(_), Take::Dataset(_)) | (Take::Group(_), Take::Group(_)) => return Some(outer),
        (_, Take::File) => (
            "the units of that rule are files, and nothing lies in a file",
            "name a rule with `dataset` or `group`",
        ),
        _ => ("datasets lie in datasets, and groups in groups", "give both rules `dataset`, or both `group`"),
    };
    report.error(&text.place, message, Some(help.into()));
    None
}

fn unknown(rules: &[Rule], inner: usize, text: &Text, source: &str, report: &mut Report<'_>) {
    let others = rules.iter().enumerate().filter(|&(at, rule)| at != inner && rule.shape.take != Take::File);
    let others: Vec<&str> = others.map(|(_, rule)| rule.name.as_str()).collect();
    let help = match nearest(&text.value, others.iter().copied()) {
        Some(near) => format!("did you mean \"{}\"?", shown(near)),
        None if others.is_empty() => "no other rule of the source has `dataset` or `group`".into(),
        None => format!("there are: {}", shown(&others.join(", "))),
    };
    report.error(&text.place, format!("{source} has no rule {}", text.quoted()), Some(help));
}

/// Each circle is said once, at the first of its rules.
fn circles(rules: &[Rule], named: &[Option<Text>], report: &mut Report<'_>) {
    for (start, text) in named.iter().enumerate() {
        let Some(text) = text else { continue };
        let mut path = vec![start];
        let mut next = rules.get(start).and_then(|rule| rule.shape.of);
        while let Some(at) = next.filter(|at| *at > start && !path.contains(at)) {
            path.push(at);
            next = rules.get(at).and_then(|rule| rule.shape.of);
        }
        if next != Some(start) {
            continue;
        }
        let round = path.iter().skip(1).chain([&start]).filter_map(|at| rules.get(*at));
        let round: Vec<String> = round.map(|rule| format!("\"{}\"", shown(&rule.name))).collect();
        let message =
            format!("the rule's units would lie in themselves, by way of {}", round.join(", then "));
        report.error(&text.place, message, Some("take `of` away from the outermost".into()));
    }
}
