//! Blocks: of an `if` whose condition is known one part is run; of what is not run, the names that it assigns are not
//! known any more.

use std::collections::BTreeMap;

use super::lines::{Line, outside, statements};
use super::place::At;
use super::run::Flow;
use super::scope::{Frame, Reader};
use super::token::{Kind, Token};
use super::value::Value;

/// Whether `part` belongs to the statement that begins with `line`.
pub(super) fn goes_on(line: &Line, part: &Line) -> bool {
    match line.word() {
        "if" => matches!(part.word(), "elif" | "else"),
        "try" => matches!(part.word(), "except" | "else" | "finally"),
        "for" | "while" | "async" => part.word() == "else",
        _ => false,
    }
}

/// The names that a line or its block declares `global`.
pub(super) fn globals(line: &Line, out: &mut BTreeMap<String, At>) {
    let all = [&line.tokens[..], line.rest()];
    for statement in all.into_iter().flat_map(statements).filter(|statement| statement[0].is_name("global")) {
        let names = statement.iter().skip(1).filter_map(|token| Some((token.name()?.to_owned(), token.at)));
        out.extend(names);
    }
    for inner in line.block.iter() {
        globals(inner, out);
    }
}

impl Reader<'_> {
    /// `if`, `elif`, `else`.
    pub(super) fn choice(&mut self, frame: &mut Frame, parts: &[Line]) -> Flow {
        for (number, part) in parts.iter().enumerate() {
            if part.word() == "else" {
                return self.body(frame, part);
            }
            let condition = self.value(frame, part.head());
            if self.raised.is_some() {
                return Flow::On;
            }
            match condition.truth() {
                Some(true) => return self.body(frame, part),
                Some(false) => {}
                None => return self.pass_over(frame, &parts[number..]),
            }
        }
        Flow::On
    }

    /// `try`: where nothing but imports and assignments is tried, it is known whether it fails.
    pub(super) fn attempt(&mut self, frame: &mut Frame, parts: &[Line]) -> Flow {
        let Some(tried) = parts.first() else { return Flow::On };
        let known = tried.block.iter().all(|line| line.block.is_empty() && is_harmless(&line.tokens));
        if !known || !is_harmless(tried.rest()) {
            return self.pass_over(frame, parts);
        }
        self.tries += 1;
        let flow = self.body(frame, tried);
        self.tries -= 1;
        if !matches!(flow, Flow::On) {
            return flow;
        }
        let handler = match self.raised.take() {
            None => parts.iter().find(|part| part.word() == "else"),
            Some((exception, place, why)) => {
                let handler = parts.iter().find(|part| part.word() == "except" && catches(part, exception));
                if handler.is_none() {
                    self.raised = Some((exception, place, why));
                }
                handler
            }
        };
        let flow = handler.map_or(Flow::On, |handler| self.body(frame, handler));
        match parts.iter().find(|part| part.word() == "finally") {
            Some(last) if matches!(flow, Flow::On) => self.body(frame, last),
            _ => flow,
        }
    }

    /// What is not run: whatever it may assign is not known from here on.
    pub(super) fn pass_over(&mut self, frame: &mut Frame, parts: &[Line]) -> Flow {
        let Some(first) = parts.first() else { return Flow::On };
        let at = first.tokens.first().map(|token| token.at).unwrap_or_default();
        if first.word() == "class" {
            // Its names are its own.
            if let Some(name) = first.tokens.get(1).and_then(Token::name) {
                let value = self.unknown(frame, at, "it is a class, which is not run");
                self.assign(frame, name, value);
            }
            return Flow::On;
        }
        let why = format!(
            "it is assigned in the \"{}\" of line {}, which is not run, because what becomes of it is not known",
            first.word(),
            at.line
        );
        let mut touched = BTreeMap::new();
        for part in parts {
            touch(part, &mut touched);
        }
        for (name, at) in touched {
            // What was imported before is imported again, if at all.
            if matches!(self.look_up(frame, at, &name), Value::Named(_)) {
                continue;
            }
            let value = self.unknown(frame, at, why.clone());
            self.assign(frame, &name, value);
        }
        if frame.locals.is_some() && parts.iter().any(|part| part.says("return")) {
            return Flow::Unclear(at);
        }
        Flow::On
    }
}

fn catches(part: &Line, exception: &str) -> bool {
    let head = part.head();
    let also = match exception {
        "ImportError" => "ModuleNotFoundError",
        _ => "LookupError",
    };
    let names = [exception, also, "Exception", "BaseException"];
    head.is_empty() || head.iter().any(|token| names.iter().any(|name| token.is_name(name)))
}

/// Whether all that a line can do is to import and to assign.
fn is_harmless(tokens: &[Token]) -> bool {
    statements(tokens).all(|statement| {
        let word = statement[0].name().unwrap_or_default();
        let assigns = outside(statement, |token| token.is_sign("=")).next().is_some();
        matches!(word, "import" | "from" | "pass") || assigns || matches!(statement[0].kind, Kind::Text(_))
    })
}

/// The names that a line and its block may assign or change.
fn touch(line: &Line, out: &mut BTreeMap<String, At>) {
    match line.word() {
        // What they assign inside is their own.
        "def" | "class" => {
            out.extend(line.tokens.get(1).and_then(|token| Some((token.name()?.to_owned(), token.at))));
            return;
        }
        "for" | "while" | "with" | "if" | "elif" | "else" | "try" | "except" | "finally" | "async"
        | "match" | "case" => {
            let end = line.head().iter().position(|token| token.is_name("in")).unwrap_or(0);
            touch_in(&line.head()[..end], &line.tokens, out);
            statements(line.rest()).for_each(|statement| touch_in(changed(statement), statement, out));
        }
        _ => statements(&line.tokens).for_each(|statement| touch_in(changed(statement), statement, out)),
    }
    for inner in line.block.iter() {
        touch(inner, out);
    }
}

/// What a simple statement changes.
fn changed(statement: &[Token]) -> &[Token] {
    let is_sign = |token: &Token| matches!(&token.kind, Kind::Sign(sign) if assigns(sign));
    match statement[0].name().unwrap_or_default() {
        "import" | "from" => {
            let from = statement.iter().position(|token| token.is_name("import")).unwrap_or(0);
            &statement[from + 1..]
        }
        "del" | "global" => &statement[1..],
        _ => match outside(statement, is_sign).last() {
            Some(end) => &statement[..end],
            // A call that stands for itself may change what it is a method of.
            None => &statement[..usize::from(statement.len() > 2)],
        },
    }
}

fn touch_in(names: &[Token], whole: &[Token], out: &mut BTreeMap<String, At>) {
    let bound = whole.windows(2).filter(|pair| pair[0].is_name("as")).map(|pair| &pair[1]);
    let walrus = whole.windows(2).filter(|pair| pair[1].is_sign(":=")).map(|pair| &pair[0]);
    for token in names.iter().chain(bound).chain(walrus) {
        out.extend(token.name().map(|name| (name.to_owned(), token.at)));
    }
}

fn assigns(sign: &str) -> bool {
    sign.ends_with('=') && !matches!(sign, "==" | "!=" | "<=" | ">=" | ":=")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sendit::python::{lines::lines, token::tokens};

    #[test]
    fn what_a_block_may_assign_is_known() {
        let text = "for a, b in c:\n    d = e = f(g=1)\n    h[1] = 2\n    i.append(3)\n    j += 1\n    from k import l as m\n    with o() as p: q = 1\n    class r:\n        s = 1\n";
        let mut touched = BTreeMap::new();
        for line in lines(tokens(text).unwrap()).iter() {
            touch(line, &mut touched);
        }
        for name in ["a", "b", "d", "e", "h", "i", "j", "l", "m", "p", "q", "r"] {
            assert!(touched.contains_key(name), "{name}: {touched:?}");
        }
        for name in ["f", "g", "s", "o", "c"] {
            assert!(!touched.contains_key(name), "{name}: {touched:?}");
        }
    }
}
