//! Lists and dictionaries that are changed: a value may have several names, and whoever is handed it may change it. What
//! may be the same thing is told by being equal, which is more than is the same; never less.

use std::collections::BTreeMap;

use super::lines::{Line, outside, statements};
use super::place::At;
use super::scope::{Frame, Reader};
use super::token::{Kind, Token};
use super::value::Value;

/// Calls that change nothing that they are handed.
const HARMLESS: [&str; 1] = ["print"];
/// Calls that may change any name.
const UNTAMED: [&str; 5] = ["exec", "globals", "locals", "vars", "setattr"];
/// With more parts than that, everything that can be changed may be one of them.
const PARTS: usize = 64;

impl Reader<'_> {
    /// What a name stands for is not known any more, nor what may be the same or hold it.
    pub(super) fn spoil(&mut self, frame: &mut Frame, at: At, name: &str, why: &str) {
        let Some(held) = self.held(frame, name) else { return };
        // What was imported is no setting.
        if matches!(held, Value::Named(_) | Value::Unknown(_)) {
            return;
        }
        let mut parts = Vec::new();
        changeable(&held, &mut parts);
        self.spoil_all_with(frame, at, &parts, why);
        let value = self.unknown(frame, at, why);
        self.assign(frame, name, value);
    }

    /// `NAME += …` changes a list or a set itself, whatever other names it has.
    pub(super) fn spoil_others(&mut self, frame: &mut Frame, at: At, changed: &Value) {
        if is_changeable(changed) {
            self.spoil_all_with(frame, at, &[changed], "it may be what is changed here by another name");
        }
    }

    /// What stands in a statement whose calls are not worked out may be changed by them.
    pub(super) fn handed_over(&mut self, frame: &mut Frame, tokens: &[Token]) {
        for pair in tokens.windows(2).filter(|pair| pair[1].is_sign(":=")) {
            if let Some(name) = pair[0].name() {
                self.spoil(frame, pair[0].at, name, "it is assigned within an expression");
            }
        }
        if !tokens.iter().any(|token| token.is_sign("("))
            || HARMLESS.iter().any(|known| tokens[0].is_name(known))
        {
            return;
        }
        if let Some(token) = tokens.iter().find(|token| UNTAMED.iter().any(|name| token.is_name(name))) {
            let text = format!(
                "{} is not run; what it may change is not known here",
                token.name().unwrap_or_default()
            );
            self.warnings.push((self.place(frame, token.at), text));
        }
        for (number, token) in tokens.iter().enumerate() {
            let is_attribute = number > 0 && tokens[number - 1].is_sign(".");
            let Some(name) = token.name().filter(|_| !is_attribute) else { continue };
            if self.held(frame, name).is_some_and(|value| holds_changeable(&value)) {
                self.spoil(frame, token.at, name, "it is handed to a call, which is not run");
            }
        }
    }

    fn held(&self, frame: &Frame, name: &str) -> Option<Value> {
        let local = frame.locals.as_ref().and_then(|locals| locals.get(name));
        local.or_else(|| self.modules.get(frame.module)?.names.get(name)).cloned()
    }

    fn spoil_all_with(&mut self, frame: &mut Frame, at: At, parts: &[&Value], why: &str) {
        if parts.is_empty() {
            return;
        }
        let value = self.unknown(frame, at, why);
        let is_one = |held: &Value| holds(held, &mut |part| parts.len() > PARTS || parts.contains(&part));
        let mut cost = 0;
        // What a function has made is its own.
        let names = match &mut frame.locals {
            Some(locals) => Some(locals),
            None => self.modules.get_mut(frame.module).map(|module| &mut module.names),
        };
        for held in names.into_iter().flat_map(BTreeMap::values_mut) {
            cost += held.weight().0;
            if is_one(held) {
                *held = value.clone();
            }
        }
        self.spend(cost);
    }
}

fn is_changeable(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Set(_) | Value::Dict(_))
}

/// Whether a part that can be changed, or the whole, is such a one.
fn holds(value: &Value, is: &mut impl FnMut(&Value) -> bool) -> bool {
    if is_changeable(value) && is(value) {
        return true;
    }
    match value {
        Value::Tuple(items) | Value::List(items) | Value::Set(items) => {
            items.iter().any(|item| holds(item, is))
        }
        Value::Dict(pairs) => pairs.iter().any(|(_, value)| holds(value, is)),
        _ => false,
    }
}

fn holds_changeable(value: &Value) -> bool {
    holds(value, &mut |_| true)
}

fn changeable<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
    if is_changeable(value) {
        out.push(value);
    }
    match value {
        Value::Tuple(items) | Value::List(items) | Value::Set(items) => {
            for item in items {
                changeable(item, out);
            }
        }
        Value::Dict(pairs) => pairs.iter().for_each(|(_, value)| changeable(value, out)),
        _ => {}
    }
}

/// The names that a function changes without having made them: of lists and dictionaries of the module.
pub(super) fn of_function(line: &Line) -> BTreeMap<String, At> {
    let (mut changed, mut own) = (BTreeMap::new(), BTreeMap::new());
    collect(line, &mut changed, &mut own);
    changed.retain(|name, _| !own.contains_key(name));
    changed
}

fn collect(line: &Line, changed: &mut BTreeMap<String, At>, own: &mut BTreeMap<String, At>) {
    let rest = if line.word() == "def" { line.rest() } else { &line.tokens[..] };
    for statement in statements(rest) {
        let Some(name) = statement[0].name() else { continue };
        let assigns =
            |token: &Token| matches!(&token.kind, Kind::Sign(sign) if sign.ends_with('=') && sign.len() < 3);
        let is_part = statement.get(1).is_some_and(|token| token.is_sign(".") || token.is_sign("["));
        match outside(statement, assigns).next() {
            Some(1) => drop(own.insert(name.to_owned(), statement[0].at)),
            _ if is_part => drop(changed.insert(name.to_owned(), statement[0].at)),
            _ => {}
        }
    }
    for inner in line.block.iter() {
        collect(inner, changed, own);
    }
}
