//! Statements: assignments are taken over, imports of files beside the module followed, everything else is passed over.

use std::collections::BTreeMap;

use super::blocks;
use super::changes;
use super::lines::{Line, outside, statements};
use super::place::At;
use super::scope::{Frame, Function, Reader};
use super::token::Token;
use super::value::Value;

/// How it goes on behind a statement.
pub(super) enum Flow {
    /// With the next one.
    On,
    /// The function has returned this.
    Return(Value),
    /// Whether the function has returned, and what, only Python could tell.
    Unclear(At),
}

/// Signs that change what a name stands for.
const CHANGES: [(&str, &str); 12] = [
    ("+=", "+"),
    ("-=", "-"),
    ("*=", "*"),
    ("|=", "|"),
    ("&=", "&"),
    ("^=", "^"),
    ("%=", "%"),
    ("/=", "/"),
    ("//=", "//"),
    ("**=", "**"),
    (">>=", ">>"),
    ("<<=", "<<"),
];

impl Reader<'_> {
    /// The block of a compound statement, or what stands behind its colon.
    pub(super) fn body(&mut self, frame: &mut Frame, line: &Line) -> Flow {
        match self.on_one_line(frame, line.rest()) {
            Flow::On => self.block(frame, &line.block),
            other => other,
        }
    }

    pub(super) fn block(&mut self, frame: &mut Frame, lines: &[Line]) -> Flow {
        let mut next = 0;
        while let Some(line) = lines.get(next) {
            if self.raised.is_some() || self.failed.is_some() || !self.spend(1 + line.tokens.len()) {
                return Flow::On;
            }
            // The parts of one statement: `if` with its `elif` and `else`, `try` with its `except`.
            let parts = 1 + lines[next + 1..].iter().take_while(|part| blocks::goes_on(line, part)).count();
            let flow = self.statement(frame, &lines[next..next + parts]);
            if next > 0 && lines[next - 1].tokens.first().is_some_and(|token| token.is_sign("@")) {
                self.decorated(frame, line);
            }
            if !matches!(flow, Flow::On) {
                return flow;
            }
            next += parts;
        }
        Flow::On
    }

    fn statement(&mut self, frame: &mut Frame, parts: &[Line]) -> Flow {
        let Some(line) = parts.first() else { return Flow::On };
        match line.word() {
            "if" => self.choice(frame, parts),
            "try" => self.attempt(frame, parts),
            "def" => {
                self.define(frame, line);
                Flow::On
            }
            "for" | "while" | "with" | "class" | "async" | "elif" | "else" | "except" | "finally" => {
                self.pass_over(frame, parts)
            }
            _ if !line.block.is_empty() => self.pass_over(frame, parts),
            _ => self.on_one_line(frame, &line.tokens),
        }
    }

    /// A function without parameters can be run; the others, and what they change, are not known.
    fn define(&mut self, frame: &mut Frame, line: &Line) {
        let Some(name) = line.tokens.get(1).and_then(Token::name) else { return };
        let at = line.tokens[1].at;
        let plain = line.tokens.get(2).is_some_and(|token| token.is_sign("("))
            && line.tokens.get(3).is_some_and(|token| token.is_sign(")"));
        let value = if plain && !line.says("yield") {
            self.functions.push(Function { module: frame.module, line: line.clone() });
            Value::Function(self.functions.len() - 1)
        } else {
            self.unknown(frame, at, format!("{name} is a function with parameters, which is not run"))
        };
        self.assign(frame, name, value);
        let mut changed = BTreeMap::new();
        blocks::globals(line, &mut changed);
        if let Some(module) = self.modules.get_mut(frame.module) {
            module.changed.extend(changed);
            module.filled.extend(changes::of_function(line));
        }
    }

    /// What a decorator makes of a function, only Python could tell.
    fn decorated(&mut self, frame: &mut Frame, line: &Line) {
        let Some((name, at)) = line.tokens.get(1).and_then(|token| Some((token.name()?, token.at))) else {
            return;
        };
        let value = self.unknown(frame, at, format!("{name} has a decorator, which is not run"));
        self.assign(frame, name, value);
    }

    fn on_one_line(&mut self, frame: &mut Frame, tokens: &[Token]) -> Flow {
        for statement in statements(tokens) {
            let flow = self.simple(frame, statement);
            if !matches!(flow, Flow::On) || self.raised.is_some() || self.failed.is_some() {
                return flow;
            }
        }
        Flow::On
    }

    fn simple(&mut self, frame: &mut Frame, tokens: &[Token]) -> Flow {
        let Some(first) = tokens.first() else { return Flow::On };
        match first.name() {
            Some("import") => self.import(frame, tokens),
            Some("from") => self.import_from(frame, tokens),
            Some("return") if frame.locals.is_some() => {
                let value = match tokens.get(1..) {
                    Some(value) if !value.is_empty() => self.value(frame, value),
                    _ => Value::None,
                };
                return Flow::Return(value);
            }
            Some("raise") if frame.locals.is_some() => return Flow::Unclear(first.at),
            Some("del") => {
                for name in tokens.iter().skip(1).filter_map(Token::name) {
                    self.forget(frame, name);
                }
            }
            Some("pass" | "assert" | "global" | "nonlocal" | "raise") => {}
            _ => self.assignment(frame, tokens),
        }
        Flow::On
    }

    fn assignment(&mut self, frame: &mut Frame, tokens: &[Token]) {
        let equals: Vec<usize> = outside(tokens, |token| token.is_sign("=")).collect();
        let change = |token: &Token| CHANGES.iter().any(|(sign, _)| token.is_sign(sign));
        if let Some(&last) = equals.last() {
            let value = self.value(frame, &tokens[last + 1..]);
            let value = self.made(frame, tokens[0].at, value);
            if let (Value::Unknown(_), Some(1..)) = (&value, tokens.len().checked_sub(last + 1)) {
                self.handed_over(frame, &tokens[last + 1..]);
            }
            let mut begin = 0;
            for end in equals {
                self.target(frame, &tokens[begin..end], value.clone());
                begin = end + 1;
            }
        } else if let Some(at) = outside(tokens, change).next() {
            self.change(frame, tokens, at);
        } else {
            self.expression(frame, tokens);
        }
    }

    /// One of the things that a value is assigned to.
    fn target(&mut self, frame: &mut Frame, target: &[Token], value: Value) {
        let Some(first) = target.first() else { return };
        match (first.name(), target.get(1)) {
            (Some(name), None) => self.assign(frame, name, value),
            // An annotation says nothing about the value.
            (Some(name), Some(second)) if second.is_sign(":") => self.assign(frame, name, value),
            (Some("os"), Some(_)) if is_environ(target) => self.set_variable(frame, target, value),
            (Some(name), Some(second)) if second.is_sign("[") || second.is_sign(".") => {
                self.spoil(frame, first.at, name, "a part of it is assigned here");
            }
            _ => {
                for token in target {
                    if let Some(name) = token.name() {
                        let value = self.unknown(frame, token.at, "several names are assigned at once");
                        self.assign(frame, name, value);
                    }
                }
            }
        }
    }

    fn set_variable(&mut self, frame: &Frame, target: &[Token], value: Value) {
        let name = self.value(frame, &target[4..target.len() - 1]);
        if let Value::Text(name) = name {
            self.set.insert(String::from_utf8_lossy(&name).into_owned(), value);
        }
    }

    /// `NAME += …`
    fn change(&mut self, frame: &mut Frame, tokens: &[Token], sign: usize) {
        let Some(name) = tokens.first().and_then(Token::name) else { return };
        let at = tokens[0].at;
        if sign != 1 {
            return self.spoil(frame, at, name, "a part of it is changed here");
        }
        let plain =
            CHANGES.iter().find(|(change, _)| tokens[1].is_sign(change)).map_or("", |(_, plain)| plain);
        let one = self.look_up(frame, at, name);
        let other = self.value(frame, &tokens[2..]);
        self.spoil_others(frame, at, &one);
        let value = self.augmented(frame, at, plain, &one, &other);
        self.assign(frame, name, value);
    }

    /// A call that stands for itself may change what it is a method of.
    fn expression(&mut self, frame: &mut Frame, tokens: &[Token]) {
        let (Some(first), Some(second)) = (tokens.first(), tokens.get(1)) else { return };
        let Some(name) = first.name() else { return self.handed_over(frame, tokens) };
        if is_environ(tokens) {
            return self.set_default(frame, tokens);
        }
        if second.is_sign(".") || second.is_sign("[") {
            self.spoil(frame, first.at, name, "it is changed by a call, which is not run");
        }
        self.handed_over(frame, tokens);
    }

    /// `os.environ.setdefault("NAME", value)`
    fn set_default(&mut self, frame: &Frame, tokens: &[Token]) {
        let is_default = tokens.get(4).is_some_and(|token| token.is_name("setdefault"));
        let inner = tokens.get(6..tokens.len().saturating_sub(1)).unwrap_or_default();
        let Some(comma) = outside(inner, |token| token.is_sign(",")).next().filter(|_| is_default) else {
            return;
        };
        let (name, value) = (self.value(frame, &inner[..comma]), self.value(frame, &inner[comma + 1..]));
        if let Value::Text(name) = name {
            let name = String::from_utf8_lossy(&name).into_owned();
            if self.variable(&name).is_none() {
                self.set.insert(name, value);
            }
        }
    }
}

/// Whether it begins with `os.environ[` or `os.environ.`.
fn is_environ(tokens: &[Token]) -> bool {
    let is = |at: usize, sign: &str| tokens.get(at).is_some_and(|token| token.is_sign(sign));
    let begins = tokens.first().is_some_and(|token| token.is_name("os")) && is(1, ".");
    begins
        && tokens.get(2).is_some_and(|token| token.is_name("environ"))
        && ((is(3, "[") && is(tokens.len() - 1, "]")) || is(3, "."))
}
