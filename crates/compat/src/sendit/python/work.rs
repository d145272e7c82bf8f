//! Working out what an expression is.

use super::place::At;
use super::scope::{Frame, Reader};
use super::term::{Form, Term};
use super::token::{Kind, Token};
use super::value::Value;
use super::{paths, percent, term};
use crate::sendit::mask;

impl Reader<'_> {
    /// The value of an expression that some tokens are.
    pub(super) fn value(&mut self, frame: &Frame, tokens: &[Token]) -> Value {
        match term::read(tokens) {
            Ok(term) => self.work_out(frame, &term),
            Err(fault) => self.faulty(frame, fault),
        }
    }

    pub(super) fn work_out(&mut self, frame: &Frame, term: &Term) -> Value {
        let at = term.at;
        if !self.spend(1) {
            return self.unknown(frame, at, "it is too large");
        }
        match &term.form {
            Form::Literal(kind) => self.literal(frame, at, kind),
            Form::Name(name) => self.look_up(frame, at, name),
            Form::Tuple(parts) => Value::Tuple(self.each(frame, parts)),
            Form::List(parts) => Value::List(self.each(frame, parts)),
            Form::Set(parts) => Value::Set(self.each(frame, parts)),
            Form::Dict(pairs) => {
                let pair =
                    |(key, value): &(Term, Term)| (self.work_out(frame, key), self.work_out(frame, value));
                Value::Dict(pairs.iter().map(pair).collect())
            }
            Form::Attribute(of, name) => {
                let of = self.work_out(frame, of);
                self.attribute(frame, at, of, name)
            }
            Form::Call(callee, given, named) => self.call(frame, at, callee, given, named),
            Form::Index(of, index) => {
                let (of, index) = (self.work_out(frame, of), self.work_out(frame, index));
                self.index(frame, at, of, index)
            }
            Form::Unary(sign, of) => {
                let of = self.work_out(frame, of);
                self.unary(frame, at, sign, of)
            }
            Form::Binary(sign, one, other) => self.binary(frame, at, sign, one, other),
            Form::Choice(condition, one, other) => {
                let condition = self.work_out(frame, condition);
                match condition.truth() {
                    Some(true) => self.work_out(frame, one),
                    Some(false) => self.work_out(frame, other),
                    None => self.because(frame, at, condition, "the condition is not known"),
                }
            }
        }
    }

    pub(super) fn each(&mut self, frame: &Frame, parts: &[Term]) -> Vec<Value> {
        parts.iter().map(|part| self.work_out(frame, part)).collect()
    }

    fn literal(&mut self, frame: &Frame, at: At, kind: &Kind) -> Value {
        let value = match kind {
            Kind::Integer(number) => Value::Integer(*number),
            Kind::Float(number) => Value::Float(*number),
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Bytes(text) => Value::Bytes(text.clone()),
            Kind::Strange(why) => return self.unknown(frame, at, *why),
            _ => return self.unknown(frame, at, "this is no value"),
        };
        self.made(frame, at, value)
    }

    /// Where a part is not known, that is why the whole is not; else for the reason given.
    pub(super) fn because(&self, frame: &Frame, at: At, part: Value, why: &str) -> Value {
        match part {
            Value::Unknown(_) => part,
            Value::Named(name) => self.unknown(frame, at, format!("{why} (it depends on {name})")),
            _ => self.unknown(frame, at, why),
        }
    }

    fn attribute(&mut self, frame: &Frame, at: At, of: Value, name: &str) -> Value {
        match of {
            Value::Named(of) => {
                let full = format!("{of}.{name}");
                self.named(frame, at, full)
            }
            Value::Path(path) => match paths::attribute(&path, name) {
                Some(path) => Value::Path(path),
                None => self.unknown(frame, at, format!("{name} of a path is not worked out")),
            },
            of => self.because(frame, at, of, &format!("its attribute {name} is not worked out")),
        }
    }

    /// What an imported name is, where that is known.
    pub(super) fn named(&mut self, frame: &Frame, at: At, full: String) -> Value {
        let inner =
            full.strip_prefix("pyinotify.").map(|name| name.strip_prefix("EventsCodes.").unwrap_or(name));
        let bit = |name: &str| mask::number(name).map(|bit| Value::Integer(bit.into()));
        match inner {
            Some(name) if name.starts_with("IN_") || name == "ALL_EVENTS" => bit(name).unwrap_or_else(|| {
                let why = format!(
                    "pyinotify has no {name}; see man 7 inotify for the names (IN_CLOSE is IN_CLOSE_WRITE | \
                     IN_CLOSE_NOWRITE, IN_MOVE is IN_MOVED_FROM | IN_MOVED_TO)"
                );
                self.unknown(frame, at, why)
            }),
            _ if full == "os.sep" || full == "os.path.sep" => Value::Text(b"/".to_vec()),
            _ => self.made(frame, at, Value::Named(full)),
        }
    }

    fn index(&mut self, frame: &Frame, at: At, of: Value, index: Value) -> Value {
        match (&of, &index) {
            (Value::Named(name), Value::Text(key)) if name == "os.environ" => {
                let name = String::from_utf8_lossy(key).into_owned();
                self.variable(&name).unwrap_or_else(|| {
                    let why = format!("the environment variable {name} is not set");
                    // Where nobody catches it, Python ends; here nothing need depend on it.
                    if self.tries > 0 {
                        self.raise("KeyError", self.place(frame, at), why.clone());
                    }
                    self.unknown(frame, at, why)
                })
            }
            (Value::Named(name), Value::Text(key))
                if name.starts_with("pyinotify.EventsCodes.") && name.ends_with("_FLAGS") =>
            {
                let name = format!("pyinotify.{}", String::from_utf8_lossy(key));
                self.named(frame, at, name)
            }
            (Value::Tuple(items) | Value::List(items), Value::Integer(number)) => {
                item(items, *number).unwrap_or_else(|| self.unknown(frame, at, "there is no such item"))
            }
            (Value::Dict(pairs), key) if key.is_plain() => {
                let found =
                    pairs.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.clone());
                found.unwrap_or_else(|| self.unknown(frame, at, "there is no such key"))
            }
            _ if matches!(index, Value::Unknown(_)) => index,
            _ => self.because(frame, at, of, "such an index is not worked out"),
        }
    }

    fn unary(&mut self, frame: &Frame, at: At, sign: &str, of: Value) -> Value {
        let made = match (sign, &of) {
            ("not", _) => of.truth().map(|truth| Value::Flag(!truth)),
            ("-", Value::Integer(number)) => number.checked_neg().map(Value::Integer),
            ("-", Value::Float(number)) => Some(Value::Float(-number)),
            ("+", Value::Integer(_) | Value::Float(_)) => Some(of.clone()),
            ("~", Value::Integer(number)) => Some(Value::Integer(!number)),
            _ => None,
        };
        made.unwrap_or_else(|| self.because(frame, at, of, &format!("\"{sign}\" of this is not worked out")))
    }

    fn binary(&mut self, frame: &Frame, at: At, sign: &str, one: &Term, other: &Term) -> Value {
        let one = self.work_out(frame, one);
        if let "and" | "or" = sign {
            return match one.truth() {
                Some(truth) if truth == (sign == "or") => one,
                Some(_) => self.work_out(frame, other),
                None => self.because(frame, at, one, "the condition is not known"),
            };
        }
        let other = self.work_out(frame, other);
        for part in [&one, &other] {
            if let Value::Unknown(_) = part {
                return part.clone();
            }
        }
        if let Some(value) = compare(sign, &one, &other).or_else(|| combine(sign, &one, &other)) {
            return self.made(frame, at, value);
        }
        let why = format!("{} {sign} {} is not worked out", one.shown(), other.shown());
        self.unknown(frame, at, why)
    }

    /// `NAME += …` and its like.
    pub(super) fn augmented(
        &mut self,
        frame: &Frame,
        at: At,
        sign: &str,
        one: &Value,
        other: &Value,
    ) -> Value {
        for part in [one, other] {
            if let Value::Unknown(_) = part {
                return part.clone();
            }
        }
        match combine(sign, one, other) {
            Some(value) => self.made(frame, at, value),
            None => self.unknown(frame, at, format!("\"{sign}=\" is not worked out here")),
        }
    }
}

fn item(items: &[Value], number: i64) -> Option<Value> {
    let length = i64::try_from(items.len()).ok()?;
    let at = if number < 0 { number.checked_add(length)? } else { number };
    items.get(usize::try_from(at).ok()?).cloned()
}

fn compare(sign: &str, one: &Value, other: &Value) -> Option<Value> {
    if !(one.is_plain() && other.is_plain()) {
        return None;
    }
    let number = |value: &Value| matches!(value, Value::Integer(_) | Value::Float(_) | Value::Flag(_));
    // To Python 1, 1.0 and True are the same.
    if number(one) && number(other) && std::mem::discriminant(one) != std::mem::discriminant(other) {
        return None;
    }
    let is_single = |value: &Value| matches!(value, Value::None | Value::Flag(_));
    let within = || match (one, other) {
        (one, Value::Tuple(items) | Value::List(items) | Value::Set(items)) => Some(items.contains(one)),
        (one, Value::Dict(pairs)) => Some(pairs.iter().any(|(key, _)| key == one)),
        (Value::Text(part), Value::Text(whole)) => {
            Some(part.is_empty() || whole.windows(part.len()).any(|window| window == &part[..]))
        }
        _ => None,
    };
    let numbers = || match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
        _ => None,
    };
    let truth = match sign {
        "==" => one == other,
        "!=" => one != other,
        "is" if is_single(one) || is_single(other) => one == other,
        "is not" if is_single(one) || is_single(other) => one != other,
        "in" => within()?,
        "not in" => !within()?,
        "<" => numbers()?.is_lt(),
        "<=" => numbers()?.is_le(),
        ">" => numbers()?.is_gt(),
        ">=" => numbers()?.is_ge(),
        _ => return None,
    };
    Some(Value::Flag(truth))
}

fn combine(sign: &str, one: &Value, other: &Value) -> Option<Value> {
    let joined = |one: &[Value], other: &[Value]| [one, other].concat();
    match (sign, one, other) {
        (_, Value::Integer(one), Value::Integer(other)) => {
            whole_numbers(sign, *one, *other).map(Value::Integer)
        }
        ("+", Value::Text(one), Value::Text(other)) => Some(Value::Text([&one[..], other].concat())),
        ("+", Value::Bytes(one), Value::Bytes(other)) => Some(Value::Bytes([&one[..], other].concat())),
        ("+", Value::Tuple(one), Value::Tuple(other)) => Some(Value::Tuple(joined(one, other))),
        ("+", Value::List(one), Value::List(other) | Value::Tuple(other)) => {
            Some(Value::List(joined(one, other)))
        }
        ("/", Value::Path(_) | Value::Text(_), Value::Path(_) | Value::Text(_)) => {
            let is_path = matches!(one, Value::Path(_)) || matches!(other, Value::Path(_));
            let joined = paths::join(one.as_path()?, other.as_path()?);
            is_path.then(|| Value::Path(paths::plain(&joined)))
        }
        ("%", Value::Text(text), given) => percent::filled(text, given).map(Value::Text),
        _ => None,
    }
}

fn whole_numbers(sign: &str, one: i64, other: i64) -> Option<i64> {
    match sign {
        "+" => one.checked_add(other),
        "-" => one.checked_sub(other),
        "*" => one.checked_mul(other),
        "|" => Some(one | other),
        "&" => Some(one & other),
        "^" => Some(one ^ other),
        "<<" => {
            u32::try_from(other).ok().filter(|bits| *bits < 62).and_then(|bits| one.checked_mul(1 << bits))
        }
        ">>" => u32::try_from(other).ok().and_then(|bits| one.checked_shr(bits)),
        _ => None,
    }
}
