//! Random rules, in words of their own: made into `settle`'s for the driver, read by the reference as they are.

use std::sync::OnceLock;
use std::time::Duration;

use settle::companion::{After, Ask, Count, Marker, Metadata, NameForm};
use settle::{
    Clause, Completion, Expr, Grouping, KeyPattern, Late, OnDeadline, Pattern, Quiet, Rule, Rules, Shape,
    Take,
};

use crate::rng::Rng;
use crate::world::Ms;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Say {
    Appeared,
    RenamedIn,
    /// In the presets of uploads.
    SeenRenamed,
    LinkedIn,
    Closed,
    WriterGone,
    NoWriterKnown,
    Quiet(Ms),
    Adaptive(Ms, Ms, u32),
    MinAge(Ms),
    Members,
    Announce,
    /// `{name}.done`
    DoneFile,
    /// `_SUCCESS`
    Success,
    /// `{name}.lock`
    LockGone,
    /// `meta.yaml`; it is good when it has so many bytes.
    Metadata,
    /// Every member has so many bytes as a good metadata file.
    Whole,
    Count(u64),
    Captured,
    Any(Vec<Say>),
    All(Vec<Say>),
}

/// So many bytes make a good metadata file.
pub(crate) const GOOD: u64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `*.ms` without `*.log`
    Dataset,
    /// By the part of the name before the first `_`.
    Group,
    /// `*.dat`
    Dat,
    /// `*`
    Any,
}

#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) takes: Takes,
    pub(crate) say: Say,
    pub(crate) preset: Option<&'static str>,
    pub(crate) deadline: Option<(Ms, OnDeadline)>,
}

impl Spec {
    pub(crate) fn random(rng: &mut Rng) -> Vec<Self> {
        let order: &[Takes] = match rng.below(6) {
            0 => &[Takes::Any],
            1 => &[Takes::Dat, Takes::Dataset],
            2 => &[Takes::Group, Takes::Any],
            3 => &[Takes::Any, Takes::Dataset],
            4 => &[Takes::Dataset, Takes::Group, Takes::Dat],
            _ => &[Takes::Group, Takes::Dataset, Takes::Any],
        };
        order.iter().map(|takes| Self::of(*takes, rng)).collect()
    }

    fn of(takes: Takes, rng: &mut Rng) -> Self {
        let actions = [
            OnDeadline::Alert,
            OnDeadline::Deliver,
            OnDeadline::Hold,
            OnDeadline::Alert,
            OnDeadline::AnnounceIncomplete,
        ];
        let actions =
            if matches!(takes, Takes::Dataset | Takes::Group) { &actions[..] } else { &actions[..4] };
        let deadline = rng.chance(25).then(|| (rng.pick(&[3_000, 45_000]), rng.pick(actions)));
        if rng.chance(35) {
            let (preset, say) = preset(rng);
            return Self { takes, say, preset: Some(preset), deadline };
        }
        Self { takes, say: Say::random(takes, 2, rng), preset: None, deadline }
    }
}

/// The presets again, as the guide words them.
fn preset(rng: &mut Rng) -> (&'static str, Say) {
    let renamed = Say::All(vec![Say::RenamedIn, Say::NoWriterKnown]);
    let seen = Say::All(vec![Say::SeenRenamed, Say::NoWriterKnown]);
    let upload = Say::All(vec![Say::Closed, Say::WriterGone, Say::Quiet(5_000)]);
    match rng.below(7) {
        0 => ("local", Say::Any(vec![renamed, Say::All(vec![Say::Closed, Say::WriterGone])])),
        1 => ("network", Say::Quiet(10_000)),
        2 => ("sftp", Say::Any(vec![seen, Say::LinkedIn, upload])),
        3 => ("measurement-set", Say::All(vec![Say::Members, Say::Quiet(60_000)])),
        4 => ("done-file", Say::All(vec![Say::DoneFile, Say::WriterGone])),
        5 => {
            let moved = Say::All(vec![Say::SeenRenamed, Say::Members]);
            ("data-product", Say::Any(vec![moved, Say::All(vec![Say::WriterGone, Say::Quiet(5_000)])]))
        }
        _ => {
            let quiet = Say::Adaptive(5_000, 120_000, 3);
            ("scanner", Say::All(vec![Say::Closed, Say::WriterGone, quiet]))
        }
    }
}

impl Say {
    fn random(takes: Takes, depth: usize, rng: &mut Rng) -> Self {
        if depth > 0 && rng.chance(60) {
            let parts = (0..2 + rng.below(2)).map(|_| Self::random(takes, depth - 1, rng)).collect();
            return if rng.chance(50) { Say::Any(parts) } else { Say::All(parts) };
        }
        let period = rng.pick(&[700, 4_000, 20_000]);
        match rng.below(if takes == Takes::Group { 15 } else { 13 }) {
            0 => Say::RenamedIn,
            1 => Say::Closed,
            2 => Say::WriterGone,
            3 | 4 => Say::Quiet(period),
            5 => Say::Adaptive(period, 30_000, 2),
            6 => Say::MinAge(period),
            7 => Say::Members,
            8 => Say::Announce,
            9 => Say::DoneFile,
            10 => Say::Success,
            11 => Say::LockGone,
            12 => match rng.below(3) {
                0 => Say::Metadata,
                1 => Say::Whole,
                _ => Say::Appeared,
            },
            13 => Say::Count(2),
            _ => Say::Captured,
        }
    }

    fn expr(&self, asks: &mut Vec<Ask>) -> Expr {
        let clause = match self {
            Say::Any(parts) => return Expr::Any(parts.iter().map(|part| part.expr(asks)).collect()),
            Say::All(parts) => return Expr::All(parts.iter().map(|part| part.expr(asks)).collect()),
            Say::Appeared => Clause::Appeared,
            Say::RenamedIn => Clause::RenamedIn,
            Say::SeenRenamed => Clause::SeenRenamed,
            Say::LinkedIn => Clause::LinkedIn,
            Say::Closed => Clause::Closed,
            Say::WriterGone => Clause::WriterGone,
            Say::NoWriterKnown => Clause::NoWriterKnown,
            Say::Quiet(ms) => Clause::Quiet(Quiet::For(Duration::from_millis(*ms))),
            Say::Adaptive(least, most, factor) => Clause::Quiet(Quiet::Adaptive {
                least: Duration::from_millis(*least),
                most: Duration::from_millis(*most),
                factor: *factor,
            }),
            Say::MinAge(ms) => Clause::MinAge(Duration::from_millis(*ms)),
            Say::Members => Clause::Members,
            Say::Announce => Clause::Announce,
            Say::DoneFile => ask(asks, Ask::Marker(Marker { form: form("{name}.done"), after: After::Keep })),
            Say::Success => ask(asks, Ask::Marker(Marker { form: form("_SUCCESS"), after: After::Keep })),
            Say::LockGone => ask(asks, Ask::Lock(form("{name}.lock"))),
            Say::Metadata => ask(asks, Ask::Metadata(Metadata { form: form("meta.yaml"), key: None })),
            Say::Whole => ask(asks, Ask::Whole),
            Say::Count(least) => ask(asks, Ask::Count(Count::Least(*least))),
            Say::Captured => ask(asks, Ask::Count(Count::Captured)),
        };
        Expr::Clause(clause)
    }

    pub(crate) fn any(&self, is: &dyn Fn(&Say) -> bool) -> bool {
        match self {
            Say::Any(parts) | Say::All(parts) => parts.iter().any(|part| part.any(is)),
            one => is(one),
        }
    }

    /// The longest time in it.
    pub(crate) fn longest(&self) -> Ms {
        match self {
            Say::Any(parts) | Say::All(parts) => parts.iter().map(Say::longest).max().unwrap_or(0),
            Say::Quiet(ms) | Say::MinAge(ms) | Say::Adaptive(_, ms, _) => *ms,
            _ => 0,
        }
    }
}

fn form(text: &str) -> NameForm {
    NameForm::parse(text).expect("a form")
}

fn ask(asks: &mut Vec<Ask>, ask: Ask) -> Clause {
    asks.push(ask);
    Clause::Ask(asks.len() as u8 - 1)
}

pub(crate) fn completion(spec: &Spec) -> Completion {
    let deadline = spec.deadline.map(|(after, action)| (Duration::from_millis(after), action));
    if let Some(preset) = spec.preset {
        return Completion { deadline, ..Completion::preset(preset).expect("a preset") };
    }
    let mut asks = Vec::new();
    let expr = spec.say.expr(&mut asks);
    Completion { preset: None, expr, asks, deadline }
}

pub(crate) fn rules(specs: &[Spec]) -> Rules {
    let rule = |spec: &Spec| Rule {
        name: format!("{:?}", spec.takes),
        include: vec![if spec.takes == Takes::Dat { patterns().dat.clone() } else { patterns().any.clone() }],
        exclude: if spec.takes == Takes::Dataset { vec![patterns().log.clone()] } else { Vec::new() },
        completion: completion(spec),
        to: Vec::new(),
        shape: Shape { take: take(spec.takes), late: Late::Generation, of: None, removed: false },
    };
    Rules { rules: specs.iter().map(rule).collect(), temp_names: vec![patterns().tmp.clone()] }
}

fn take(takes: Takes) -> Take {
    match takes {
        Takes::Dataset => Take::Dataset(vec![patterns().ms.clone()]),
        Takes::Group => Take::Group(Grouping::Name(patterns().key.clone())),
        Takes::Dat | Takes::Any => Take::File,
    }
}

struct Patterns {
    dat: Pattern,
    any: Pattern,
    log: Pattern,
    tmp: Pattern,
    ms: Pattern,
    key: KeyPattern,
}

/// Compiling costs more than a case takes.
fn patterns() -> &'static Patterns {
    static PATTERNS: OnceLock<Patterns> = OnceLock::new();
    let pattern = |text| Pattern::parse(text).expect("a pattern");
    PATTERNS.get_or_init(|| Patterns {
        dat: pattern("*.dat"),
        any: pattern("*"),
        log: pattern("*.log"),
        tmp: pattern("*.tmp"),
        ms: pattern("*.ms"),
        key: KeyPattern::parse("re:^(?<key>g[0-9])_(?:of(?<total>[0-9])_)?").expect("a pattern"),
    })
}
