use std::path::PathBuf;
use std::time::Duration;

use config::{Announce, Backend, IdentityRule, Initial};
use settle::{Completion, KeyPattern, Shape};

use super::*;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

fn rule(name: &str, include: &[&str], exclude: &[&str], take: Take) -> Rule {
    Rule {
        name: name.into(),
        include: patterns(include),
        exclude: patterns(exclude),
        completion: Completion::local(),
        to: vec!["local".into()],
        shape: Shape { take, ..Shape::default() },
    }
}

fn files(name: &str, include: &[&str], exclude: &[&str]) -> Rule {
    rule(name, include, exclude, Take::File)
}

fn datasets(name: &str, pattern: &str) -> Rule {
    rule(name, &[], &[], Take::Dataset(patterns(&[pattern])))
}

fn source(rules: Vec<Rule>) -> SourcePlan {
    SourcePlan {
        name: "s".into(),
        path: PathBuf::from("/data"),
        recursive: true,
        backend: Backend::Auto,
        poll_interval: Duration::from_secs(1),
        poll_full: None,
        canary: false,
        rescan: None,
        initial: Initial::Deliver,
        follow_symlinks: false,
        identity: IdentityRule::Auto,
        announce: Announce::Generations,
        reannounce: None,
        gap_events: false,
        streams: Vec::new(),
        rules: Rules { rules, temp_names: settle::temp_names::default_patterns() },
    }
}

fn taken<'a>(finding: &Finding<'a>) -> Option<&'a str> {
    finding.taken.map(|rule| rule.name.as_str())
}

fn asked<'a>(finding: &Finding<'a>) -> Vec<&'a str> {
    finding.says.iter().map(|(rule, _)| rule.name.as_str()).collect()
}

fn code(finding: &Finding<'_>) -> &'static str {
    finding.reason.as_ref().map_or("", Reason::code)
}

#[test]
fn a_file_below_an_excluded_directory_is_not_taken() {
    let source = source(vec![files("a", &["*"], &["tmp"]), files("b", &["*.csv"], &[])]);
    let finding = Finding::of(&source, b"tmp/x.dat", Lies::Nothing);
    assert_eq!((taken(&finding), code(&finding)), (None, "ignored.filter"));
    assert!(matches!(finding.says[0].1, Say::ExcludedBelow { directory: b"tmp", .. }));
    assert_eq!(taken(&Finding::of(&source, b"tmp/x.csv", Lies::Nothing)), Some("b"));
}

#[test]
fn datasets_are_asked_first_and_hold_whatever_lies_in_them() {
    let source = source(vec![files("rest", &["*"], &[]), datasets("ms", "*.ms")]);
    let member = Finding::of(&source, b"d/x.ms/table.lock", Lies::Nothing);
    assert_eq!((taken(&member), asked(&member)), (Some("ms"), vec!["ms"]));
    assert_eq!((member.datasets[0].path, member.datasets[0].pattern), (&b"d/x.ms"[..], "*.ms"));
    assert!(member.temp_name.is_some() && member.reason.is_none());
    // The directory itself, there or not; but not a file of that name.
    for lies in [Lies::Directory, Lies::Nothing] {
        let itself = Finding::of(&source, b"d/x.ms", lies);
        assert_eq!((taken(&itself), itself.datasets.len()), (Some("ms"), 1), "{lies:?}");
    }
    assert_eq!(taken(&Finding::of(&source, b"d/x.ms", Lies::File)), Some("rest"));
    let other = Finding::of(&source, b"d", Lies::Directory);
    assert_eq!((taken(&other), code(&other)), (None, "ignored.directory"));
}

#[test]
fn a_unit_inside_a_unit_takes_what_lies_in_both() {
    let mut inner = datasets("series", "study_*/series_*");
    inner.shape.of = Some(0);
    let source = source(vec![datasets("study", "study_*"), inner]);
    let finding = Finding::of(&source, b"study_1/series_2/x", Lies::File);
    assert_eq!(taken(&finding), Some("series"));
    let paths: Vec<&[u8]> = finding.datasets.iter().map(|dataset| dataset.path).collect();
    assert_eq!(paths, [&b"study_1/series_2"[..], b"study_1"]);
    assert_eq!(asked(&finding), ["study", "series"]);
    assert_eq!(taken(&Finding::of(&source, b"study_1/y", Lies::File)), Some("study"));
}

#[test]
fn a_member_of_a_group_has_its_key() {
    let pattern = KeyPattern::parse("re:^(?<key>[^_]+)_[0-9]+of(?<total>[0-9]+)").unwrap();
    let group = rule("shots", &["*.fits"], &[], Take::Group(Grouping::Name(pattern)));
    let source = source(vec![group]);
    let finding = Finding::of(&source, b"d/m31_2of5.fits", Lies::Nothing);
    let Some(Group { key: Key::Name { key, total, .. }, .. }) = finding.group else { panic!("a member") };
    assert_eq!((key, total), (&b"m31"[..], Some(5)));
    let other = Finding::of(&source, b"d/dark.fits", Lies::Nothing);
    assert!(other.taken.is_none() && other.group.is_none());
    assert_eq!(code(&other), "ignored.filter");
}

#[test]
fn companions_are_told_from_data() {
    let mut beside = files("done", &["*.dat"], &[]);
    beside.completion = Completion::preset("done-file").unwrap();
    let mut inside = datasets("spark", "part=*");
    let form = settle::NameForm::parse("_SUCCESS").unwrap();
    inside.completion.asks = vec![Ask::Marker(settle::Marker { form, after: settle::After::Keep })];
    let source = source(vec![beside, inside]);
    let marker = Finding::of(&source, b"x.dat.done", Lies::Nothing);
    let companion = marker.marker_of.as_ref().expect("a marker");
    assert_eq!((companion.rule.name.as_str(), companion.of), ("done", Of::Name(b"x.dat")));
    assert_eq!((taken(&marker), code(&marker)), (None, "ignored.marker"));
    let success = Finding::of(&source, b"part=1/_SUCCESS", Lies::Nothing);
    assert_eq!((taken(&success), code(&success), success.datasets.len()), (None, "ignored.marker", 1));
    assert_eq!(taken(&Finding::of(&source, b"part=1/a/_SUCCESS", Lies::Nothing)), Some("spark"));
}

#[test]
fn what_lies_too_deep_or_is_no_file_is_not_taken() {
    let mut source = source(vec![files("all", &["*"], &[])]);
    assert_eq!(code(&Finding::of(&source, b"pipe", Lies::Special)), "ignored.special-file");
    assert_eq!(code(&Finding::of(&source, b"link", Lies::Symlink)), "ignored.symlink");
    source.follow_symlinks = true;
    assert_eq!(taken(&Finding::of(&source, b"link", Lies::Symlink)), Some("all"));
    source.recursive = false;
    let deep = Finding::of(&source, b"d/x", Lies::File);
    assert!(deep.too_deep && deep.taken.is_none() && deep.reason.is_none());
    assert_eq!(taken(&Finding::of(&source, b"x", Lies::File)), Some("all"));
}

/// The answer must be the engine's: `select` with the mask that a walk would have made.
#[test]
fn the_answer_is_that_of_the_rules() {
    let source = source(vec![
        datasets("ms", "*.ms"),
        files("a", &["*.dat", "d/**"], &["d/skip", "*.bad"]),
        files("b", &["*"], &["e"]),
    ]);
    let paths: [&[u8]; 9] =
        [b"x.dat", b"d/skip/x", b"d/y", b"e/x.dat", b"e/y", b"z.bad", b"q.ms/a", b".hid", b"\xff.tmp"];
    for path in paths {
        let finding = Finding::of(&source, path, Lies::File);
        let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        let mask =
            slashes.fold(RuleMask::EMPTY, |mask, (at, _)| source.rules.directory_mask(&path[..at], mask));
        let (rule, reason) = match source.rules.select(path, mask) {
            Selection::Taken(rule) | Selection::Member { rule, .. } => (Some(rule), None),
            Selection::Ignored(reason) => (None, Some(reason)),
        };
        let rule = rule.map(|rule| source.rules.rules[rule].name.as_str());
        assert_eq!((taken(&finding), &finding.reason), (rule, &reason), "{}", path.escape_ascii());
        // And the last rule that says something is the one that takes it.
        if let Some(rule) = rule {
            assert_eq!(asked(&finding).last(), Some(&rule));
        }
    }
}
