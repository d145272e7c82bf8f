use super::*;
use crate::rule::Completion;
use crate::temp_names;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

fn rule(name: &str, include: &[&str], exclude: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        include: patterns(include),
        exclude: patterns(exclude),
        completion: Completion::local(),
        to: vec!["local".into()],
        shape: crate::rule::Shape::default(),
    }
}

fn rules(rules: Vec<Rule>) -> Rules {
    Rules { rules, temp_names: temp_names::default_patterns() }
}

fn filtered(rule: &str, pattern: &str) -> Selection {
    Selection::Ignored(Reason::IgnoredFilter { rule: rule.into(), pattern: pattern.into() })
}

/// What a walk from the source's directory down would have computed.
fn mask_of(rules: &Rules, path: &[u8]) -> RuleMask {
    ancestors(path).fold(RuleMask::EMPTY, |mask, dir| rules.directory_mask(dir, mask))
}

fn select(rules: &Rules, path: &[u8]) -> Selection {
    rules.select(path, mask_of(rules, path))
}

#[test]
fn the_first_rule_that_takes_a_path_decides() {
    let rules = rules(vec![rule("csv", &["*.csv"], &[]), rule("rest", &["*"], &[])]);
    assert_eq!(select(&rules, b"a/b.csv"), Selection::Taken(0));
    assert_eq!(select(&rules, b"a/b.dat"), Selection::Taken(1));
}

#[test]
fn what_one_rule_excludes_goes_on_to_the_next() {
    let rules = rules(vec![rule("a", &["*"], &["*.raw"]), rule("b", &["*.raw"], &["bad*"])]);
    assert_eq!(select(&rules, b"x.raw"), Selection::Taken(1));
    assert_eq!(select(&rules, b"bad.raw"), filtered("b", "bad*"));
}

#[test]
fn the_last_excluder_is_named_even_when_later_rules_do_not_include() {
    let rules = rules(vec![rule("a", &["*"], &["*.raw"]), rule("b", &["*.csv"], &[])]);
    assert_eq!(select(&rules, b"x.raw"), filtered("a", "*.raw"));
}

#[test]
fn a_path_that_nothing_includes_has_no_excluder() {
    let rules = rules(vec![rule("a", &["*.csv"], &["x*"])]);
    assert_eq!(select(&rules, b"x.raw"), filtered("", ""));
}

#[test]
fn temporary_names_come_before_every_rule() {
    let rules = rules(vec![rule("all", &["*"], &[])]);
    let expected = Selection::Ignored(Reason::IgnoredTempName { pattern: "*.t".into() });
    assert_eq!(select(&rules, b"d/x.t"), expected);
    assert_eq!(select(&rules, b".d.t/x"), Selection::Taken(0), "directories are not asked");
    let without = Rules { temp_names: Vec::new(), ..rules };
    assert_eq!(select(&without, b"d/x.t"), Selection::Taken(0));
}

#[test]
fn an_excluded_directory_excludes_what_lies_below() {
    let rules = rules(vec![rule("a", &["*"], &["skip"]), rule("b", &["*.csv"], &[])]);
    assert_eq!(select(&rules, b"x/skip/y/z.dat"), filtered("a", "skip"));
    assert_eq!(select(&rules, b"x/skip/y/z.csv"), Selection::Taken(1));
    let mask = mask_of(&rules, b"x/skip/y/z.csv");
    assert!(mask.contains(0) && !mask.contains(1));
    assert!(!rules.prunes(mask), "rule b still wants what lies there");
}

#[test]
fn a_directory_that_every_rule_excludes_is_pruned() {
    let rules = rules(vec![rule("a", &["*"], &["skip"]), rule("b", &["*"], &["x/skip"])]);
    assert!(rules.prunes(mask_of(&rules, b"x/skip/f")));
    assert!(!rules.prunes(mask_of(&rules, b"y/skip/f")));
    assert!(!rules.prunes(RuleMask::EMPTY));
    assert_eq!(rules.directory_mask(b"", RuleMask::EMPTY), RuleMask::EMPTY);
    let none = Rules { rules: Vec::new(), temp_names: Vec::new() };
    assert!(!none.prunes(RuleMask::EMPTY), "no rules is no reason to prune");
}

#[test]
fn why_tells_what_every_rule_says() {
    let rules = rules(vec![
        rule("csv", &["*.csv"], &[]),
        rule("a", &["*"], &["skip"]),
        rule("b", &["*"], &["*.raw"]),
        rule("c", &["x*", "*.raw"], &[]),
        rule("never asked", &["*"], &[]),
    ]);
    let why = rules.why(b"d/skip/y.raw");
    let says: Vec<_> = why.says.iter().map(|(rule, say)| (rule.name.as_str(), *say)).collect();
    let of = |name: &str| rules.rules.iter().find(|rule| rule.name == name).unwrap();
    let below = Say::ExcludedBelow { directory: b"d/skip", pattern: &of("a").exclude[0] };
    assert_eq!(
        says,
        [
            ("csv", Say::NotIncluded),
            ("a", below),
            ("b", Say::Excluded(&of("b").exclude[0])),
            ("c", Say::Takes(&of("c").include[1])),
        ]
    );
    assert!(why.temp_name.is_none());
    assert_eq!(rules.why(b"x.tmp").temp_name.unwrap().text(), "*.tmp");
}

#[test]
fn a_mask_holds_as_many_rules_as_a_source_can_have() {
    let full = (0..Rules::LIMIT).fold(RuleMask::EMPTY, RuleMask::with);
    assert!((0..Rules::LIMIT).all(|rule| full.contains(rule)));
    assert!(!full.contains(Rules::LIMIT));
    assert_eq!(full.with(Rules::LIMIT + 1), full);
    assert!(RuleMask::EMPTY.is_empty() && !full.is_empty());
    let many: Vec<_> = (0..Rules::LIMIT).map(|_| rule("r", &["*"], &["skip"])).collect();
    assert!(rules(many).prunes(full));
}

#[test]
fn hostile_names_are_only_bytes() {
    let rules = rules(vec![rule("all", &["*"], &["*\u{e9}*", "re:\\x1b"])]);
    assert_eq!(select(&rules, b"a\n\xff/\xfe\"'"), Selection::Taken(0));
    assert_eq!(select(&rules, "caf\u{e9}".as_bytes()), filtered("all", "*\u{e9}*"));
    assert_eq!(select(&rules, b"a\x1b[31m"), filtered("all", "re:\\x1b"));
    assert_eq!(select(&rules, &b"x".repeat(4096)), Selection::Taken(0));
}
