//! Tokens put together to logical lines, and lines to blocks.

use std::sync::Arc;

use super::token::{Kind, Token};

/// A logical line and the block that belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What stands on it, without the end of the line.
    pub(super) tokens: Vec<Token>,
    /// The lines below it that lie deeper.
    pub(super) block: Arc<[Line]>,
}

impl Line {
    /// Its first word, if it begins with one.
    pub(super) fn word(&self) -> &str {
        self.tokens.first().and_then(Token::name).unwrap_or_default()
    }

    /// Where the block begins, for a line of a compound statement: behind the colon that is in no bracket.
    pub(super) fn colon(&self) -> Option<usize> {
        outside(&self.tokens, |token| token.is_sign(":")).next()
    }

    /// What stands behind the colon on the same line.
    pub(super) fn rest(&self) -> &[Token] {
        self.colon().and_then(|colon| self.tokens.get(colon + 1..)).unwrap_or_default()
    }

    /// What stands between the first word and the colon.
    pub(super) fn head(&self) -> &[Token] {
        self.tokens.get(1..self.colon().unwrap_or(self.tokens.len())).unwrap_or_default()
    }

    /// Whether the word stands anywhere in the line or in its block.
    pub(super) fn says(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.is_name(word)) || self.block.iter().any(|line| line.says(word))
    }
}

/// The lines of a file.
pub(super) fn lines(tokens: Vec<Token>) -> Arc<[Line]> {
    let mut blocks: Vec<Vec<Line>> = vec![Vec::new()];
    let mut line = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Newline => {
                let tokens = std::mem::take(&mut line);
                if let Some(block) = blocks.last_mut() {
                    block.push(Line { tokens, block: Arc::new([]) });
                }
            }
            Kind::Indent => blocks.push(Vec::new()),
            Kind::Dedent => close(&mut blocks),
            _ => line.push(token),
        }
    }
    while blocks.len() > 1 {
        close(&mut blocks);
    }
    blocks.pop().unwrap_or_default().into()
}

fn close(blocks: &mut Vec<Vec<Line>>) {
    if blocks.len() < 2 {
        return;
    }
    let inner = blocks.pop().unwrap_or_default();
    let Some(outer) = blocks.last_mut() else { return };
    match outer.last_mut() {
        Some(line) => line.block = inner.into(),
        // An indented first line: Python refuses it; here its lines count.
        None => outer.extend(inner),
    }
}

/// The positions outside brackets at which something stands; nothing behind a `lambda`, whose colon and equals sign
/// are its own.
pub(super) fn outside(tokens: &[Token], is: impl Fn(&Token) -> bool) -> impl Iterator<Item = usize> {
    let mut depth = 0usize;
    tokens.iter().take_while(|token| !token.is_name("lambda")).enumerate().filter_map(move |(at, token)| {
        match &token.kind {
            Kind::Sign("(" | "[" | "{") => depth += 1,
            Kind::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0 && is(token)).then_some(at)
    })
}

/// The statements of one line.
pub(super) fn statements(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    tokens.split(|token| token.is_sign(";")).filter(|statement| !statement.is_empty())
}
