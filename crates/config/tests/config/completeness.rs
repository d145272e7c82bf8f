//! What a rule takes and every clause of completeness, as they are read.

use std::time::Duration;

use settle::{
    After, Ask, Clause, Completion, Count, DicomKey, Expr, Extras, Grouping, Late, Manifest, ManifestStyle,
    Marker, Metadata, NameForm, OnDeadline, PRESETS, Pattern, Quiet, Rule, Shape, Take,
};

use crate::{SOURCE, good};

const DATASET: &str = "dataset = '*.ms'";
const NAMES: &str = "group = 're:^(?<key>[^_]+)_[0-9]+of(?<total>[0-9]+)'";
const DICOM: &str = "group = { dicom = 'study' }";

fn rules(text: &str) -> Vec<Rule> {
    let loaded = good(&format!("{SOURCE}{text}"));
    assert_eq!(loaded.warnings, [], "{text}");
    loaded.plan.sources.into_iter().flat_map(|source| source.rules.rules).collect()
}

fn rule(keys: &str) -> Rule {
    rules(&format!("[[source.s.rule]]\n{keys}")).remove(0)
}

fn complete(take: &str, value: &str) -> Completion {
    rule(&format!("{take}\ncomplete = {value}")).completion
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn form(text: &str) -> NameForm {
    NameForm::parse(text).expect(text)
}

/// What is asked for where nothing but that is.
#[track_caller]
fn ask(take: &str, value: &str) -> Ask {
    let bare = complete(take, value);
    assert_eq!(bare.expr, Expr::Clause(Clause::Ask(0)));
    assert_eq!(complete(take, &format!("{{ all = [{value}] }}")), bare, "the same in a list");
    let [ask] = bare.asks.as_slice() else { panic!("{:?}", bare.asks) };
    ask.clone()
}

#[test]
fn what_a_rule_takes() {
    let texts = |patterns: &[Pattern]| -> Vec<String> {
        patterns.iter().map(|pattern| pattern.text().to_owned()).collect()
    };
    let file = rule("");
    assert_eq!((file.shape, texts(&file.include)), (Shape::default(), vec!["*".to_owned()]));
    let Take::Dataset(one) = rule(DATASET).shape.take else { panic!("no dataset") };
    assert_eq!(texts(&one), ["*.ms"]);
    let two = rule("dataset = ['*.ms', 're:run_\\d+$']\nexclude = ['*.log']");
    assert!(two.include.is_empty() && texts(&two.exclude) == ["*.log"]);
    let Take::Dataset(two) = two.shape.take else { panic!("no dataset") };
    assert_eq!(texts(&two), ["*.ms", "re:run_\\d+$"]);
    let names = rule(&format!("{NAMES}\ninclude = ['*.fits']"));
    assert_eq!(texts(&names.include), ["*.fits"]);
    let Take::Group(Grouping::Name(pattern)) = names.shape.take else { panic!("no group") };
    assert_eq!(pattern.key(b"a_1of3"), Some((&b"a"[..], Some(3))));
    for (word, key) in [("series", DicomKey::Series), ("study", DicomKey::Study)] {
        let rule = rule(&format!("group = {{ dicom = '{word}' }}"));
        assert_eq!(rule.shape.take, Take::Group(Grouping::Dicom(key)));
    }
}

#[test]
fn what_becomes_of_it_afterwards() {
    for take in ["", DATASET, NAMES, DICOM] {
        assert_eq!(rule(take).shape.late, Late::Generation);
        assert_eq!(rule(&format!("{take}\nlate = 'ignore'")).shape.late, Late::Ignore);
    }
    assert_eq!(rule(&format!("{NAMES}\nlate = 'generation'")).shape.late, Late::Generation);
    assert!(!rule("").shape.removed && rule("removed = true").shape.removed);
    assert!(rule(&format!("{DATASET}\nremoved = true")).shape.removed);
    let gaps = |text: &str| good(&format!("{SOURCE}{text}")).plan.sources[0].gap_events;
    assert!(!gaps("") && !gaps("gap_events = false") && gaps("gap_events = true"));
}

#[test]
fn units_lie_in_those_of_the_rule_that_is_named_wherever_it_stands() {
    let inner = "[[source.s.rule]]\nname = 'series'\ndataset = 'series-*'\nof = 'study'\n";
    let outer = "[[source.s.rule]]\nname = 'study'\ndataset = 'study-*'\n";
    let innermost = "[[source.s.rule]]\ndataset = 'x'\nof = 'series'\n";
    let of = |text: &[&str]| -> Vec<Option<usize>> {
        rules(&text.concat()).iter().map(|rule| rule.shape.of).collect()
    };
    assert_eq!(of(&[inner, outer]), [Some(1), None]);
    assert_eq!(of(&[outer, innermost, inner]), [None, Some(2), Some(0)]);
    assert_eq!(of(&[outer, inner, inner.replace("series'", "other'").as_str()]), [None, Some(0), Some(0)]);
    let unnamed = "[[source.s.rule]]\ngroup = { dicom = 'study' }\n[[source.s.rule]]\n\
                   group = { dicom = 'series' }\nof = 'rule-1'\n";
    assert_eq!(of(&[unnamed]), [None, Some(0)]);
}

#[test]
fn what_holds_where_nothing_is_said() {
    assert_eq!(rule("").completion, Completion::local());
    assert_eq!(Some(rule(DATASET).completion), Completion::preset("measurement-set"));
    assert_eq!(Some(rule(DICOM).completion), Completion::preset("dicom-series"));
    let quiet = Clause::Quiet(Quiet::For(secs(10)));
    let expr = Expr::All(vec![Expr::Clause(Clause::Members), Expr::Clause(quiet)]);
    assert_eq!(rule(NAMES).completion, Completion::of(expr));
}

#[test]
fn every_preset_with_and_without_another_quiet() {
    for preset in PRESETS.iter().filter(|preset| preset.name != "local") {
        let named = complete(DATASET, &format!("'{}'", preset.name));
        assert_eq!(named, preset.completion());
        assert_eq!(complete(DATASET, &format!("{{ preset = '{}' }}", preset.name)), named);
        let aged = complete(DATASET, &format!("{{ preset = '{}', min_age = '1m' }}", preset.name));
        let both = Expr::All(vec![named.expr.clone(), Expr::Clause(Clause::MinAge(secs(60)))]);
        assert_eq!(aged, Completion { expr: both, ..named.clone() });
        if let Some(other) = named.with_quiet(secs(600)) {
            let value = format!("{{ preset = '{}', quiet = '10m' }}", preset.name);
            assert_eq!(complete(DATASET, &value), other);
        }
    }
}

#[test]
fn words() {
    let clause = |take, word: &str| complete(take, &format!("{{ any = ['{word}'] }}")).expr;
    for take in [DATASET, NAMES, DICOM] {
        assert_eq!(clause(take, "members"), Expr::Clause(Clause::Members));
        assert_eq!(clause(take, "closed"), Expr::Clause(Clause::Closed));
    }
    assert_eq!(clause(DATASET, "renamed_in"), Expr::Clause(Clause::RenamedIn));
    for take in ["", DATASET, NAMES] {
        assert_eq!(clause(take, "announce"), Expr::Clause(Clause::Announce));
    }
}

#[test]
fn quiet_that_follows_the_writer() {
    let expr = |value: &str| complete("", value).expr;
    let adaptive = |least, most, factor| {
        Expr::Clause(Clause::Quiet(Quiet::Adaptive { least: secs(least), most: secs(most), factor }))
    };
    assert_eq!(expr("{ quiet = { least = '2s', most = '5m', factor = 7 } }"), adaptive(2, 300, 7));
    assert_eq!(expr("{ quiet = { least = '2s', most = '2s' } }"), adaptive(2, 2, 3));
    assert_eq!(
        expr("{ all = [{ quiet = { least = '1s', most = '2s', factor = 100 } }] }"),
        adaptive(1, 2, 100)
    );
}

#[test]
fn companions() {
    let marker = |name, after| Ask::Marker(Marker { form: form(name), after });
    assert_eq!(ask("", "{ marker = '{name}.done' }"), marker("{name}.done", After::Keep));
    assert_eq!(ask(NAMES, "{ marker = { name = 'done-{name}' } }"), marker("done-{name}", After::Keep));
    assert_eq!(
        ask("", "{ marker = { name = '{stem}.ok', after = 'delete' } }"),
        marker("{stem}.ok", After::Delete)
    );
    assert_eq!(ask(DATASET, "{ marker = 'a/_SUCCESS' }"), marker("a/_SUCCESS", After::Keep));
    assert_eq!(ask("", "{ lock_gone = '{name}.lock' }"), Ask::Lock(form("{name}.lock")));
    let metadata =
        |key: Option<&str>| Ask::Metadata(Metadata { form: form("m.yaml"), key: key.map(str::to_owned) });
    assert_eq!(ask(DICOM, "{ metadata = 'm.yaml' }"), metadata(None));
    assert_eq!(ask(DATASET, "{ metadata = { file = 'm.yaml' } }"), metadata(None));
    assert_eq!(ask("", "{ metadata = { file = 'm.yaml', key = 'a.b' } }"), metadata(Some("a.b")));
}

#[test]
fn manifests() {
    let plain =
        Manifest { form: form("SHA256SUMS"), style: ManifestStyle::Auto, extras: Extras::Ignore, rate: None };
    assert_eq!(ask(DATASET, "{ manifest = 'SHA256SUMS' }"), Ask::Manifest(plain.clone()));
    assert_eq!(ask("", "{ manifest = { file = 'SHA256SUMS' } }"), Ask::Manifest(plain.clone()));
    let full = "{ manifest = { file = 'SHA256SUMS', style = 'blake3', extras = 'refuse', rate = '100MiB' } }";
    let (style, extras, rate) = (ManifestStyle::Blake3, Extras::Refuse, Some(100 << 20));
    assert_eq!(ask(DATASET, full), Ask::Manifest(Manifest { style, extras, rate, ..plain.clone() }));
    for (word, style) in [
        ("auto", ManifestStyle::Auto),
        ("list", ManifestStyle::List),
        ("md5", ManifestStyle::Md5),
        ("sha1", ManifestStyle::Sha1),
        ("sha256", ManifestStyle::Sha256),
        ("sha512", ManifestStyle::Sha512),
    ] {
        let value =
            format!("{{ manifest = {{ file = 'SHA256SUMS', style = '{word}', extras = 'ignore' }} }}");
        assert_eq!(ask(DATASET, &value), Ask::Manifest(Manifest { style, ..plain.clone() }));
    }
}

#[test]
fn counts() {
    assert_eq!(ask(NAMES, "{ count = 12 }"), Ask::Count(Count::Least(12)));
    assert_eq!(ask(DICOM, "{ count = 0x10 }"), Ask::Count(Count::Least(16)));
    assert_eq!(ask(NAMES, "{ count = 'captured' }"), Ask::Count(Count::Captured));
    assert_eq!(ask(DICOM, "{ count = 'header' }"), Ask::Count(Count::Header));
}

#[test]
fn everything_in_one_expression() {
    let found = complete(
        DATASET,
        "{ any = ['announce', { all = ['members', { marker = 'a' }, { any = [{ lock_gone = 'b' }, \
         { metadata = 'c' }] }, { min_age = '1s' }] }, { manifest = 'd' }], min_age = '2s', \
         deadline = '1h', on_deadline = 'announce_incomplete' }",
    );
    let clause = |clause| Expr::Clause(clause);
    let number = |number| clause(Clause::Ask(number));
    let inner = Expr::Any(vec![number(1), number(2)]);
    let old = |n| clause(Clause::MinAge(secs(n)));
    let all = Expr::All(vec![clause(Clause::Members), number(0), inner, old(1)]);
    let any = Expr::Any(vec![clause(Clause::Announce), all, number(3)]);
    assert_eq!(found.expr, Expr::All(vec![any, old(2)]));
    let names: Vec<&str> = found
        .asks
        .iter()
        .map(|ask| match ask {
            Ask::Marker(marker) => marker.form.text(),
            Ask::Lock(form) => form.text(),
            Ask::Metadata(metadata) => metadata.form.text(),
            Ask::Manifest(manifest) => manifest.form.text(),
            Ask::Count(_) | Ask::Whole => "",
        })
        .collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!(found.deadline, Some((secs(3600), OnDeadline::AnnounceIncomplete)));
}
