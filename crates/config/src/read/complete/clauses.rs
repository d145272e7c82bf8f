//! The clauses of `complete`: words, and keys with a value.

use settle::{Ask, Clause, Completion, Expr};
use toml::de::DeValue;

use super::{companions, quiet};
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::COMPLETE;
use crate::read::choices::{CLAUSES, WHOLE};
use crate::read::shape::Kind;
use crate::source_text::Place;

/// Deeper expressions are no rules but mistakes.
const DEPTH_LIMIT: usize = 8;

/// The keys that hold one clause each and may stand in `complete` itself.
pub(super) const CLAUSE_KEYS: [&str; 6] = ["quiet", "marker", "lock_gone", "manifest", "metadata", "count"];

/// What each key needs, and how it is written.
const NEEDS: [(&str, &str, &str); 7] = [
    ("quiet", "a duration", "{ quiet = \"2s\" }"),
    ("min_age", "a duration", "{ min_age = \"2s\" }"),
    ("marker", "a file name", "{ marker = \"{name}.done\" }"),
    ("lock_gone", "a file name", "{ lock_gone = \"{name}.lock\" }"),
    ("manifest", "a file name", "{ manifest = \"SHA256SUMS\" }"),
    ("metadata", "a file name", "{ metadata = \"meta.yaml\" }"),
    ("count", "a number", "{ count = 12 }"),
];

/// The clauses of one rule, while they are read.
pub(super) struct Clauses {
    kind: Kind,
    asks: Vec<Ask>,
}

impl Clauses {
    pub(super) fn of(kind: Kind) -> Self {
        Self { kind, asks: Vec::new() }
    }

    /// What the clauses ask for beside the unit.
    pub(super) fn into_asks(self) -> Vec<Ask> {
        self.asks
    }

    /// The clause or list that stands at `key`.
    pub(super) fn keyed(
        &mut self,
        key: &'static str,
        place: &Place,
        value: &Value<'_>,
        depth: usize,
        report: &mut Report<'_>,
    ) -> Option<Expr> {
        self.fits(key, place, report)?;
        let kind = self.kind;
        let clause = match key {
            "any" => return self.list(value, depth, report).map(|list| joined(list, Expr::Any)),
            "all" => return self.list(value, depth, report).map(|list| joined(list, Expr::All)),
            "min_age" => value.period(report, key).map(Clause::MinAge),
            "marker" => companions::marker(value, kind, report).and_then(|ask| self.ask(ask, place, report)),
            "lock_gone" => companions::lock(value, kind, report).and_then(|ask| self.ask(ask, place, report)),
            "manifest" => {
                companions::manifest(value, kind, report).and_then(|ask| self.ask(ask, place, report))
            }
            "metadata" => {
                companions::metadata(value, kind, report).and_then(|ask| self.ask(ask, place, report))
            }
            "count" => companions::count(value, kind, report).and_then(|ask| self.ask(ask, place, report)),
            _ => quiet::read(value, report).map(Clause::Quiet),
        };
        clause.map(Expr::Clause)
    }

    /// Whether units of this kind can be asked that.
    fn fits(&self, key: &str, place: &Place, report: &mut Report<'_>) -> Option<()> {
        let (message, help) = match (key, self.kind) {
            ("manifest", Kind::Group { .. }) => (
                "`manifest` is for files and datasets, not for groups",
                "ask for the list itself: { marker = \"{name}.sha256\" }, or count the members: { count = 12 }",
            ),
            ("count", Kind::File) => (
                "`count` is for groups: a file has no members",
                "say what belongs together: group = \"re:(?<key>…)\"",
            ),
            ("count", Kind::Dataset) => (
                "`count` is for groups; a dataset says by a manifest what is in it",
                "write { manifest = \"SHA256SUMS\" }, or { marker = \"_SUCCESS\" }",
            ),
            _ => return Some(()),
        };
        report.error(place, message, Some(help.into()));
        None
    }

    fn ask(&mut self, ask: Ask, place: &Place, report: &mut Report<'_>) -> Option<Clause> {
        let number = self.asks.len();
        // Counted beyond the limit too, so that it is said once.
        self.asks.push(ask);
        if number == Completion::ASKS {
            let message = format!("a rule can ask for {} companions at most", Completion::ASKS);
            report.error(place, message, Some("let one manifest or marker stand for the others".into()));
        }
        u8::try_from(number).ok().map(Clause::Ask)
    }

    fn list(&mut self, value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<Vec<Expr>> {
        if depth > DEPTH_LIMIT {
            report.error(&value.place, format!("lists nest deeper than {DEPTH_LIMIT}"), None);
            return None;
        }
        let values = value.list(report)?;
        if values.is_empty() {
            report.error(&value.place, "the list is empty and says nothing", None);
            return None;
        }
        let members: Vec<Expr> =
            values.iter().filter_map(|value| self.member(value, depth, report)).collect();
        (members.len() == values.len()).then_some(members)
    }

    fn member(&mut self, value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<Expr> {
        let DeValue::Table(table) = value.value else {
            let text = value.text(report, "a name such as \"closed\", or { quiet = \"2s\" }")?;
            return self.word(&text, report).map(Expr::Clause);
        };
        let mut fields = Fields::of(table, &COMPLETE, "a member of `complete`".into(), value.place.clone());
        for key in ["preset", "deadline", "on_deadline"] {
            if let Some((place, _)) = fields.entry(key) {
                report.error(&place, format!("`{key}` stands outside of the lists"), None);
            }
        }
        let inner = inner_keys(&mut fields, report);
        let mut found = None;
        for key in ["any", "all", "min_age"].into_iter().chain(CLAUSE_KEYS) {
            if let Some((place, value)) = fields.entry(key) {
                let expr = self.keyed(key, &place, &value, depth + 1, report);
                found = found.or(expr);
            }
        }
        words_as_keys(&mut fields, report);
        let place = fields.place().clone();
        let known = fields.finish(report) && !inner;
        if known && table.len() != 1 {
            let help =
                "write each as a member of its own: { quiet = \"2s\" }, { min_age = \"1m\" }".to_owned();
            report.error(&place, "a member holds exactly one key", Some(help));
            return None;
        }
        found
    }

    fn word(&mut self, text: &Text, report: &mut Report<'_>) -> Option<Clause> {
        if let Some((_, needs, written)) = NEEDS.iter().find(|(key, _, _)| *key == text.value) {
            let message = format!("{} needs {needs}", text.quoted());
            report.error(&text.place, message, Some(format!("write {written}")));
            return None;
        }
        let words: Vec<_> = CLAUSES.iter().map(|(word, clause)| (*word, Some(*clause))).collect();
        let words = [words, vec![(WHOLE, None)]].concat();
        let Some(clause) = text.one_of(report, "signal", &words, &[])? else {
            return self.ask(Ask::Whole, &text.place, report);
        };
        let (message, help) = match (clause, self.kind) {
            (Clause::Members, Kind::File) => (
                "\"members\" is for datasets and groups: a file has none",
                "write \"writer_gone\", or say what the rule takes: dataset = \"*.ms\"",
            ),
            (Clause::RenamedIn, Kind::Group { .. }) => (
                "\"renamed_in\" cannot hold for a group, which is never renamed as a whole",
                "write \"members\": each member is judged by itself",
            ),
            _ => return Some(clause),
        };
        report.error(&text.place, message, Some(help.into()));
        None
    }
}

/// A list of one is its member.
fn joined(mut members: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    if members.len() == 1 { members.swap_remove(0) } else { join(members) }
}

/// What stands beside a companion's name although it belongs into its braces: the key, whose it is, and how the
/// name is called there.
const INNER: [(&str, &str, &str); 5] = [
    ("after", "marker", "name"),
    ("style", "manifest", "file"),
    ("extras", "manifest", "file"),
    ("rate", "manifest", "file"),
    ("key", "metadata", "file"),
];

/// `{ marker = "{name}.done", after = "delete" }`: says how it is written. Returns whether there was any.
pub(super) fn inner_keys(fields: &mut Fields<'_>, report: &mut Report<'_>) -> bool {
    let mut any = false;
    for (key, whose, name) in INNER {
        let companion = fields.peek(whose).map(Value::sketch);
        let Some((place, value)) = fields.stray(key) else { continue };
        any = true;
        let companion = companion.unwrap_or_else(|| "…".to_owned());
        let help = format!("write {whose} = {{ {name} = {companion}, {key} = {} }}", value.sketch());
        report.error(&place, format!("`{key}` belongs to `{whose}`"), Some(help));
    }
    any
}

/// `{ members = true }`: says how it is written. Returns whether there was any.
pub(super) fn words_as_keys(fields: &mut Fields<'_>, report: &mut Report<'_>) -> bool {
    let mut any = false;
    for word in CLAUSES.map(|(word, _)| word).into_iter().chain([WHOLE]) {
        if let Some((place, _)) = fields.stray(word) {
            any = true;
            let help = format!("write the word alone, in a list: {{ all = [\"{word}\"] }}");
            report.error(&place, format!("`{word}` has no value"), Some(help));
        }
    }
    any
}
