//! Datasets, groups, units inside units, and the companions beside them.

use super::*;
use crate::companion::{After, Marker, Metadata, NameForm};
use crate::group::{DicomKey, KeyPattern};
use crate::rule::{Clause, Completion, Expr, Shape};
use crate::temp_names;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

fn file(name: &str, include: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        include: patterns(include),
        exclude: Vec::new(),
        completion: Completion::local(),
        to: Vec::new(),
        shape: Shape::default(),
    }
}

fn dataset(name: &str, pattern: &str) -> Rule {
    let shape = Shape { take: Take::Dataset(patterns(&[pattern])), ..Shape::default() };
    Rule { shape, ..file(name, &["*"]) }
}

fn group(name: &str, pattern: &str) -> Rule {
    let take = Take::Group(Grouping::Name(KeyPattern::parse(pattern).unwrap()));
    Rule { shape: Shape { take, ..Shape::default() }, ..file(name, &["*"]) }
}

fn of(rule: Rule, outer: usize) -> Rule {
    Rule { shape: Shape { of: Some(outer), ..rule.shape }, ..rule }
}

fn without(rule: Rule, exclude: &[&str]) -> Rule {
    Rule { exclude: patterns(exclude), ..rule }
}

fn asking(rule: Rule, ask: Ask) -> Rule {
    let completion = Completion { asks: vec![ask], ..Completion::of(Expr::Clause(Clause::Ask(0))) };
    Rule { completion, ..rule }
}

fn form(text: &str) -> NameForm {
    NameForm::parse(text).unwrap()
}

fn marker(text: &str) -> Ask {
    Ask::Marker(Marker { form: form(text), after: After::Keep })
}

fn metadata(text: &str) -> Ask {
    Ask::Metadata(Metadata { form: form(text), key: None })
}

fn rules<const N: usize>(rules: [Rule; N]) -> Rules {
    Rules { rules: rules.into(), temp_names: temp_names::default_patterns() }
}

/// As a walk from the source's directory down asks.
fn select(rules: &Rules, path: &[u8]) -> Selection {
    let mask = ancestors(path).fold(RuleMask::EMPTY, |mask, dir| rules.directory_mask(dir, mask));
    rules.select(path, mask)
}

fn is_marker(rules: &Rules, path: &[u8]) -> bool {
    matches!(select(rules, path), Selection::Ignored(Reason::IgnoredMarker { .. }))
}

fn above(rules: &Rules, dir: &[u8]) -> Vec<(usize, usize)> {
    rules.units_above(dir).into_iter().map(|unit| (unit.rule, unit.len)).collect()
}

fn member(rule: usize, len: usize) -> Selection {
    Selection::Member { rule, len }
}

#[test]
fn dataset_rules_come_first_wherever_they_stand() {
    let rules = rules([file("all", &["*"]), dataset("ms", "*.ms")]);
    assert_eq!(select(&rules, b"d/x.ms/table/f1"), member(1, 6));
    assert_eq!(select(&rules, b"d/x.ms"), Selection::Taken(0), "a file of that name is a file");
    assert_eq!(select(&rules, b"d/x"), Selection::Taken(0));
    let says: Vec<&str> = rules.why(b"x.ms/f").says.iter().map(|(rule, _)| rule.name.as_str()).collect();
    assert_eq!(says, ["ms"]);
}

#[test]
fn the_outermost_directory_wins() {
    let rules = rules([dataset("inner", "*.tab"), dataset("outer", "*.ms")]);
    assert_eq!(select(&rules, b"x.ms/y.tab/f"), member(1, 4));
    assert_eq!(select(&rules, b"x.ms/y.ms/f"), member(1, 4));
    assert_eq!(select(&rules, b"y.tab/x.ms/f"), member(0, 5));
    assert_eq!(above(&rules, b"x.ms/y.tab"), [(1, 4)], "what is not `of` it is no unit inside it");
    assert_eq!(above(&rules, b"d"), []);
    assert_eq!(above(&rules, b""), [], "the source itself is no dataset");
}

#[test]
fn of_two_rules_for_one_directory_the_first_decides() {
    let rules = rules([dataset("a", "x*"), dataset("b", "*.ms")]);
    assert_eq!(select(&rules, b"x.ms/f"), member(0, 4));
    assert_eq!(select(&rules, b"y.ms/f"), member(1, 4));
}

#[test]
fn temporary_names_are_members_of_datasets_only() {
    let rules = rules([dataset("ms", "*.ms"), file("all", &["*"])]);
    for name in [&b"x.ms/table.lock"[..], b"x.ms/.hidden", b"x.ms/a.tmp", b"x.ms/a~"] {
        assert_eq!(select(&rules, name), member(0, 4), "{}", name.escape_ascii());
    }
    assert!(matches!(select(&rules, b"a.tmp"), Selection::Ignored(Reason::IgnoredTempName { .. })));
}

#[test]
fn an_excluded_member_goes_on_to_the_next_rule() {
    let rules = rules([without(dataset("ms", "*.ms"), &["*.log", "scratch"]), file("logs", &["*.log"])]);
    assert_eq!(select(&rules, b"x.ms/run.log"), Selection::Taken(1));
    assert_eq!(select(&rules, b"x.ms/f"), member(0, 4));
    // Below an excluded directory, too.
    let filtered = |pattern: &str| {
        Selection::Ignored(Reason::IgnoredFilter { rule: "ms".into(), pattern: pattern.into() })
    };
    assert_eq!(select(&rules, b"x.ms/scratch/f"), filtered("scratch"));
    let says = rules.why(b"x.ms/scratch/f").says;
    assert!(matches!(says[0].1, Say::ExcludedBelow { directory: b"x.ms/scratch", .. }), "{says:?}");
}

#[test]
fn a_dataset_in_an_excluded_directory_is_none() {
    let rules = rules([without(dataset("ms", "*.ms"), &["old", "bad.ms"]), file("all", &["*"])]);
    for path in [&b"old/x.ms/f"[..], b"bad.ms/f", b"a/old/b/x.ms/f"] {
        assert_eq!(select(&rules, path), Selection::Taken(1), "{}", path.escape_ascii());
    }
    assert_eq!(above(&rules, b"old/x.ms"), []);
    // The outer one is none, so the inner one is a dataset of its own.
    assert_eq!(select(&rules, b"bad.ms/x.ms/f"), Selection::Taken(1), "an excluded directory is pruned");
    assert_eq!(select(&rules, b"a/x.ms/f"), member(0, 6));
}

#[test]
fn units_inside_units_are_found_from_the_outside_in() {
    let rules =
        rules([dataset("study", "st*"), of(dataset("series", "se*"), 0), of(dataset("image", "im*"), 1)]);
    assert_eq!(select(&rules, b"st1/se1/f"), member(0, 3), "the outermost is named");
    assert_eq!(above(&rules, b"st1/a/se1/im1/b"), [(0, 3), (1, 9), (2, 13)]);
    assert_eq!(above(&rules, b"st1/im1"), [(0, 3)], "an image that lies in no series is none");
    assert_eq!(above(&rules, b"se1/im1"), [], "nor is a series that lies in no study");
    assert!(!matches!(select(&rules, b"se1/f"), Selection::Member { .. }));
    assert_eq!(above(&rules, b"st1/se1/se2"), [(0, 3), (1, 7)], "a series in a series is a part of it");
}

#[test]
fn of_leaves_files_to_the_innermost_rule() {
    let rules = rules([group("outer", "re:^(?<key>[a-z])"), of(group("inner", "re:^(?<key>[a-z]1)"), 0)]);
    assert_eq!(select(&rules, b"a1x"), Selection::Taken(1));
    assert_eq!(select(&rules, b"a2x"), Selection::Taken(0));
}

#[test]
fn groups_take_what_has_a_key() {
    let dicom = Shape { take: Take::Group(Grouping::Dicom(DicomKey::Series)), ..Shape::default() };
    let dicom = Rule { shape: dicom, ..file("dicom", &["*.dcm"]) };
    let rules = rules([group("scans", "re:^(?<key>s[0-9]+)_"), dicom, file("rest", &["*"])]);
    assert_eq!(select(&rules, b"d/s1_a"), Selection::Taken(0));
    assert_eq!(select(&rules, b"d/a.dcm"), Selection::Taken(1), "what its key is, its header tells");
    assert_eq!(select(&rules, b"d/a"), Selection::Taken(2));
    let says = rules.why(b"d/a").says;
    assert_eq!(says[0].1, Say::NotIncluded, "{says:?}");
}

#[test]
fn companions_beside_their_units_are_no_units() {
    let by_name = rules([asking(file("f", &["*.dat"]), marker("{name}.done")), file("rest", &["*"])]);
    assert!(is_marker(&by_name, b"d/x.dat.done"));
    assert_eq!(
        select(&by_name, b"d/x.txt.done"),
        Selection::Taken(1),
        "of a file that no rule with a marker takes"
    );
    assert_eq!(select(&by_name, b"d/x.dat"), Selection::Taken(0));
    let by_stem = rules([asking(file("f", &["*.dat"]), marker("{stem}.ok"))]);
    assert!(is_marker(&by_stem, b"x.ok"));
    assert_eq!(by_stem.marker_of(b"d/x.ok").map(|(rule, of)| (rule, of.is(b"x.dat"))), Some((0, true)));
    let prefix = rules([asking(file("f", &["*.dat"]), marker("done-{name}")), file("rest", &["*"])]);
    assert!(is_marker(&prefix, b"d/done-x.dat") && !is_marker(&prefix, b"d/done-x.txt"));
    let locked = rules([asking(file("f", &["*.dat"]), Ask::Lock(form("{name}.lck"))), file("rest", &["*"])]);
    assert!(is_marker(&locked, b"x.dat.lck"));
    let groups = rules([asking(group("g", "re:^(?<key>g.)_"), marker("{name}.done")), file("rest", &["*"])]);
    assert!(is_marker(&groups, b"g1.done"));
}

#[test]
fn a_fixed_companion_is_everybodys_in_its_directory() {
    let files = rules([asking(file("f", &["*"]), marker("_SUCCESS"))]);
    assert!(is_marker(&files, b"_SUCCESS") && is_marker(&files, b"a/_SUCCESS"));
    assert_eq!(files.marker_of(b"a/_SUCCESS"), Some((0, Of::All)));
    let deep = rules([asking(file("f", &["*"]), marker("meta/done"))]);
    assert!(is_marker(&deep, b"meta/done") && is_marker(&deep, b"a/meta/done"));
    for other in [&b"done"[..], b"xmeta/done", b"meta/x/done", b"meta/done/x"] {
        assert_eq!(select(&deep, other), Selection::Taken(0), "{}", other.escape_ascii());
    }
    let away =
        rules([without(asking(file("f", &["*"]), marker("_SUCCESS")), &["raw"]), file("rest", &["*"])]);
    assert_eq!(
        select(&away, b"raw/_SUCCESS"),
        Selection::Taken(1),
        "where the rule takes nothing it has no marker"
    );
    let own = rules([without(asking(file("f", &["*"]), marker("{name}.done")), &["*.done"])]);
    assert!(is_marker(&own, b"x.done"), "to exclude markers does not make them units, nor forget them");
}

#[test]
fn companions_of_datasets_lie_beside_them_or_are_members() {
    let beside = rules([asking(dataset("ms", "*.ms"), marker("{name}.done")), file("rest", &["*"])]);
    assert!(is_marker(&beside, b"d/x.ms.done"));
    assert_eq!(select(&beside, b"d/x.dat.done"), Selection::Taken(1));
    assert_eq!(select(&beside, b"x.ms/x.ms.done"), member(0, 4));
    let inside = rules([asking(dataset("ms", "*.ms"), marker("_SUCCESS")), file("rest", &["*"])]);
    assert_eq!(select(&inside, b"x.ms/_SUCCESS"), member(0, 4));
    assert_eq!(select(&inside, b"_SUCCESS"), Selection::Taken(1), "outside it is a file like others");
    let ms = &inside.rules[0];
    assert!(ms.is_marker_inside(b"_SUCCESS") && !ms.is_marker_inside(b"sub/_SUCCESS"));
    assert!(!beside.rules[0].is_marker_inside(b"{name}.done"));
    let described = asking(dataset("ms", "*.ms"), metadata("meta/info.yaml"));
    assert!(!described.is_marker_inside(b"meta/info.yaml"), "what describes the data is data");
}

#[test]
fn metadata_may_be_the_unit_itself() {
    let stem = rules([asking(file("f", &["*"]), metadata("{stem}.json"))]);
    assert_eq!(select(&stem, b"x.json"), Selection::Taken(0));
    let others = rules([asking(file("f", &["*.dat"]), metadata("{stem}.json")), file("rest", &["*"])]);
    assert!(is_marker(&others, b"x.json"), "it is no unit of the rule, so it is nobody's");
    let mut two = asking(file("f", &["*"]), marker("all.json"));
    two.completion.asks.push(metadata("{stem}.json"));
    let both = rules([two]);
    assert!(is_marker(&both, b"all.json") && !is_marker(&both, b"x.json"), "only its own metadata is a unit");
    let fixed = rules([asking(file("f", &["*"]), metadata("meta.yaml"))]);
    assert!(is_marker(&fixed, b"d/meta.yaml"));
}

#[test]
fn a_marker_with_a_temporary_name_is_a_marker() {
    let rules = rules([asking(file("f", &["*.dat"]), marker(".{name}.done"))]);
    assert!(is_marker(&rules, b".x.dat.done"));
}

/// A file is not kept back for a unit that cannot be where it lies.
#[test]
fn a_companion_of_any_unit_is_one_only_where_such_a_unit_can_be() {
    let images = asking(file("images", &["images/*.fits"]), marker("{stem}.json"));
    let apart = rules([images.clone(), file("tables", &["*.json"])]);
    assert!(is_marker(&apart, b"images/x.json"));
    assert_eq!(select(&apart, b"other/x.json"), Selection::Taken(1));
    assert_eq!(select(&apart, b"x.json"), Selection::Taken(1));
    assert_eq!(select(&apart, b"images/deep/x.json"), Selection::Taken(1));
    let before = rules([file("tables", &["*.json"]), images]);
    assert!(is_marker(&before, b"images/x.json"), "wherever its rule stands");
    let anywhere =
        rules([asking(file("f", &["*.fits"]), marker("{stem}.json")), file("tables", &["*.json"])]);
    assert!(is_marker(&anywhere, b"other/x.json"));
}
