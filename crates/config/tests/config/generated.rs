//! Plans made by chance, printed and read back. A failing number is a plan that fails every time.

use std::time::Duration;

use config::{ConfigError, Plan, StreamPlan, parse_str, to_toml};
use model::{Happening, HappeningSet};
use settle::{
    After, Ask, Clause, Completion, Count, DicomKey, Expr, Extras, Grouping, KeyPattern, Late, Manifest,
    ManifestStyle, Marker, Metadata, NameForm, OnDeadline, PRESETS, Pattern, Quiet, Rule, Shape, Take,
};

/// So many plans; each has a few rules.
const PLANS: u64 = 500;

#[test]
fn every_rule_survives() {
    for seed in 1..=PLANS {
        let plan = plan(&mut Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let text = to_toml(&plan);
        let loaded = parse_str("printed.toml", &text, &|_| None)
            .unwrap_or_else(|error| panic!("plan {seed}: {error}\n{text}"));
        assert!(loaded.plan == plan, "plan {seed}\n{text}\n{:#?}\n{plan:#?}", loaded.plan);
    }
}

/// What was a good rule, with parts of it exchanged, is good or has findings with places; nothing else.
#[test]
fn broken_rules_are_findings() {
    let (mut good, mut wrong) = (0, 0);
    for seed in 1..=PLANS / 5 {
        let chance = &mut Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = to_toml(&plan(chance));
        for _ in 0..10 {
            match parse_str("broken.toml", &broken(&text, chance), &|_| None) {
                Ok(_) => good += 1,
                Err(ConfigError::Invalid(found)) => {
                    assert!(found.iter().all(|finding| finding.line > 0 && finding.column > 0), "{seed}");
                    wrong += 1;
                }
                Err(other) => panic!("plan {seed}: {other}"),
            }
        }
    }
    assert!(good > 100 && wrong > 100, "{good} good, {wrong} wrong");
}

/// Words and values of the text, some of them in the place of another, or gone.
fn broken(text: &str, chance: &mut Chance) -> String {
    let rule = text.split_once("[[").map_or("", |(_, rule)| rule);
    let mut words: Vec<&str> = rule.split_inclusive([' ', ',', '{', '[', '\n']).collect();
    for _ in 0..=chance.below(3) {
        let (at, other) = (chance.below(words.len()), chance.below(words.len()));
        match chance.below(3) {
            0 => words.swap(at, other),
            1 => words[at] = words[other],
            _ => words[at] = "",
        }
    }
    format!("[source.s]\npath = \"/d\"\n[[{}", words.concat())
}

/// Numbers that look like chance and are the same on every day (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn often(&mut self) -> bool {
        self.below(3) > 0
    }
}

const LEAST: &str = "[source.s]\npath = \"/d\"\n[sink.local]\ntype = \"queue\"\n[sink.log]\ntype = \"scribe\"\n\
                     [sink.lines]\ntype = \"jsonl\"\npath = \"/l\"\n";

fn plan(chance: &mut Chance) -> Plan {
    let mut plan = parse_str("x", LEAST, &|_| None).expect("the least configuration").plan;
    plan.sources[0].gap_events = chance.often();
    let count = 1 + chance.below(4);
    let mut rules: Vec<Rule> = (0..count).map(|at| rule(at, chance)).collect();
    for inner in 1..count {
        let outer = chance.below(inner);
        let alike = match (&rules[inner].shape.take, &rules[outer].shape.take) {
            (Take::Dataset(_), Take::Dataset(_)) | (Take::Group(_), Take::Group(_)) => true,
            (Take::File | Take::Dataset(_) | Take::Group(_), _) => false,
        };
        rules[inner].shape.of = (alike && chance.often()).then_some(outer);
    }
    // What `of` means does not depend on the order.
    if chance.often() {
        rules.reverse();
        for rule in &mut rules {
            rule.shape.of = rule.shape.of.map(|of| count - 1 - of);
        }
    }
    plan.sources[0].streams = rules.iter_mut().filter_map(|rule| stream(rule, chance)).collect();
    plan.sources[0].rules.rules = rules;
    plan
}

/// Whom a rule tells: of arrivals the queue and the file, of events the log and the file.
fn stream(rule: &mut Rule, chance: &mut Chance) -> Option<StreamPlan> {
    let mut names = ["local", "log", "lines"];
    let at = chance.below(3);
    names.swap(0, at);
    let to = names[..=chance.below(3)].iter().map(|name| (*name).to_owned());
    let to: Vec<String> = to.collect();
    let without = |not: &str| to.iter().filter(|name| *name != not).cloned().collect::<Vec<_>>();
    let (arrivals, events) = (without("log"), without("local"));
    if rule.shape.take != Take::File || events.is_empty() || !chance.often() {
        rule.to = if arrivals.is_empty() { vec!["lines".into()] } else { arrivals };
        return None;
    }
    // Who takes no events is not named where nothing else is told.
    let silent = events.len() == to.len() && chance.often();
    rule.to = if silent { Vec::new() } else { arrivals };
    let some = |chance: &mut Chance| {
        (0..=chance.below(4)).fold(HappeningSet::EMPTY, |set, _| set.with(chance.one(&Happening::ALL)))
    };
    let what = if chance.often() { some(chance) } else { HappeningSet::ALL };
    let (include, exclude) = (rule.include.clone(), rule.exclude.clone());
    Some(StreamPlan { rule: rule.name.clone(), what, include, exclude, to: events })
}

const PATTERNS: [&str; 5] = ["*.ms", "re:^a\\.[0-9]{2}$", "it's \"x\"", "${HOME}/**", "py:(?i)^.*\\.t$"];

fn patterns(chance: &mut Chance, least: usize) -> Vec<Pattern> {
    let count = least + chance.below(3);
    (0..count).map(|_| Pattern::parse(chance.one(&PATTERNS)).expect("a good pattern")).collect()
}

fn rule(at: usize, chance: &mut Chance) -> Rule {
    let shape = shape(chance);
    let dataset = matches!(shape.take, Take::Dataset(_));
    Rule {
        name: format!("{} {at}", chance.one(&["a", "\u{e9} \"q\"", "it's", "${x}"])),
        include: if dataset { Vec::new() } else { patterns(chance, 1) },
        exclude: patterns(chance, 0),
        completion: completion(&shape.take, chance),
        to: vec!["local".into()],
        shape,
    }
}

fn shape(chance: &mut Chance) -> Shape {
    const KEYS: [&str; 2] = ["re:^(?<key>[^_']+)_\\d+of(?<total>\\d+)", "re:(?P<key>\"?.)"];
    let take = match chance.below(4) {
        0 => Take::File,
        1 => Take::Dataset(patterns(chance, 1)),
        2 => Take::Group(Grouping::Name(KeyPattern::parse(chance.one(&KEYS)).expect("a good pattern"))),
        _ => Take::Group(Grouping::Dicom(chance.one(&[DicomKey::Series, DicomKey::Study]))),
    };
    let late = if chance.often() { Late::Generation } else { Late::Ignore };
    Shape { take, late, of: None, removed: chance.often() }
}

fn completion(take: &Take, chance: &mut Chance) -> Completion {
    let mut completion = if chance.below(3) == 0 { preset(take, chance) } else { own(take, chance) };
    let file = *take == Take::File;
    if chance.often() {
        let all = [OnDeadline::Alert, OnDeadline::Deliver, OnDeadline::Hold, OnDeadline::AnnounceIncomplete];
        let then = chance.one(&all[..if file { 3 } else { 4 }]);
        completion.deadline = Some((duration(chance), then));
    }
    completion
}

fn preset(take: &Take, chance: &mut Chance) -> Completion {
    let fits = |completion: &Completion, datasets: bool| match take {
        Take::File => !datasets,
        Take::Dataset(_) => completion.preset != Some("local"),
        Take::Group(_) => !completion.has(Clause::RenamedIn) && !completion.has(Clause::SeenRenamed),
    };
    let mut completion = loop {
        let preset = chance.one(&PRESETS);
        let completion = preset.completion();
        if fits(&completion, preset.datasets) {
            break completion;
        }
    };
    if chance.often() {
        completion = completion.clone().with_quiet(duration(chance)).unwrap_or(completion);
    }
    if chance.often() {
        let age = Expr::Clause(Clause::MinAge(duration(chance)));
        completion.expr = Expr::All(vec![completion.expr, age]);
    }
    completion
}

fn own(take: &Take, chance: &mut Chance) -> Completion {
    let mut asks = Vec::new();
    let expr = expr(take, 0, &mut asks, chance);
    Completion { asks, ..Completion::of(expr) }
}

fn expr(take: &Take, depth: usize, asks: &mut Vec<Ask>, chance: &mut Chance) -> Expr {
    if depth > 3 || asks.len() > 20 || chance.below(2) == 0 {
        return Expr::Clause(clause(take, asks, chance));
    }
    let count = 2 + chance.below(2);
    let parts = (0..count).map(|_| expr(take, depth + 1, asks, chance)).collect();
    if chance.often() { Expr::All(parts) } else { Expr::Any(parts) }
}

fn clause(take: &Take, asks: &mut Vec<Ask>, chance: &mut Chance) -> Clause {
    let group = matches!(take, Take::Group(_));
    match chance.below(10) {
        0 if !group => Clause::RenamedIn,
        1 if *take != Take::File => Clause::Members,
        2 => chance.one(&[Clause::Appeared, Clause::Closed, Clause::WriterGone, Clause::Announce]),
        3 => Clause::MinAge(duration(chance)),
        4 => Clause::Quiet(Quiet::For(duration(chance))),
        5 => {
            let (one, other) = (duration(chance), duration(chance));
            let factor = 1 + u32::try_from(chance.below(100)).expect("below 100");
            Clause::Quiet(Quiet::Adaptive { least: one.min(other), most: one.max(other), factor })
        }
        _ => {
            let number = u8::try_from(asks.len()).expect("few");
            asks.push(ask(take, chance));
            Clause::Ask(number)
        }
    }
}

fn ask(take: &Take, chance: &mut Chance) -> Ask {
    let form = form(take, chance);
    match chance.below(6) {
        0 => Ask::Lock(form),
        5 => Ask::Whole,
        1 => {
            let key = chance.one(&[None, Some("a"), Some("a.\"b\".c\\'")]);
            Ask::Metadata(Metadata { form, key: key.map(str::to_owned) })
        }
        2 if !matches!(take, Take::Group(_)) => manifest(form, chance),
        2 => Ask::Count(count(take, chance)),
        _ => {
            // Deleting what is there for everything in a directory is allowed, and warned of.
            Ask::Marker(Marker { form, after: chance.one(&[After::Keep, After::Delete]) })
        }
    }
}

fn form(take: &Take, chance: &mut Chance) -> NameForm {
    let forms =
        ["{name}.done", "{stem}.ok", ".done-{name}", "_SUCCESS", "it's \\ \"$x\" \u{1}", "meta/info.yaml"];
    // Only datasets have directories in them.
    let known = if matches!(take, Take::Dataset(_)) { 6 } else { 5 };
    NameForm::parse(chance.one(&forms[..known])).expect("a good name")
}

fn manifest(form: NameForm, chance: &mut Chance) -> Ask {
    let styles = [
        ManifestStyle::Auto,
        ManifestStyle::List,
        ManifestStyle::Md5,
        ManifestStyle::Sha1,
        ManifestStyle::Sha256,
        ManifestStyle::Sha512,
        ManifestStyle::Blake3,
    ];
    let rates =
        [None, Some(1), Some(1 << 10), Some(100 << 20), Some(3 << 40), Some((1 << 53) - 1), Some(1 << 62)];
    Ask::Manifest(Manifest {
        form,
        style: chance.one(&styles),
        extras: chance.one(&[Extras::Ignore, Extras::Refuse]),
        rate: chance.one(&rates),
    })
}

fn count(take: &Take, chance: &mut Chance) -> Count {
    let least = Count::Least(1 + chance.below(1000) as u64);
    match take {
        Take::Group(Grouping::Dicom(_)) => chance.one(&[least, Count::Header]),
        Take::Group(Grouping::Name(pattern)) if pattern.has_total() => chance.one(&[least, Count::Captured]),
        _ => least,
    }
}

fn duration(chance: &mut Chance) -> Duration {
    chance.one(&[
        Duration::from_nanos(1),
        Duration::from_millis(1500),
        Duration::from_secs(2),
        Duration::from_mins(90),
        Duration::from_hours(48),
    ])
}
