//! Requests as lines of text, with identifiers that do not depend on who gave them out.

use std::collections::HashMap;
use std::fmt::Write as _;

use testkit::dlm::{Received, Recorded};

/// One line for a recorded request.
pub(crate) fn recorded(request: &Recorded) -> String {
    line(
        &request.method,
        &request.path,
        &request.raw_query,
        request.content_type.as_deref(),
        request.body_as_sent(),
    )
}

/// One line for a received request.
pub(crate) fn received(request: &Received, root: &str) -> String {
    let query = request.raw_query.replace(root, "$WATCH_DIR");
    let body = Some(request.text()).filter(|body| !body.is_empty());
    line(&request.method, &request.path, &query, request.header("content-type"), body)
}

fn line(method: &str, path: &str, query: &str, kind: Option<&str>, body: Option<String>) -> String {
    let (kind, body) = (kind.unwrap_or("-"), without_time(body.unwrap_or_else(|| "-".into())));
    format!("{method} {path}?{query} {kind} {body}")
}

/// The expiry is the recording's words for it, where it has the right form.
fn without_time(body: String) -> String {
    const KEY: &str = "\"uid_expiration\": \"";
    let Some(from) = body.find(KEY).map(|at| at + KEY.len()) else { return body };
    let to = from + body[from..].find('"').unwrap();
    let time = &body[from..to];
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    if form == "9999-99-99T99:99:99.999999" && time.starts_with("2027-11-2") {
        format!("{}{WORDS}{}", &body[..from], &body[to..])
    } else {
        body
    }
}

/// How the recording writes the moment in which a copy expires.
pub(crate) const WORDS: &str = "<now + 365 days, local time, no zone, microseconds>";

/// Writes identifiers as `<1>`, `<2>`, in the order of their first appearance.
pub(crate) fn numbered(lines: &[String]) -> Vec<String> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut numbered = |line: &String| {
        let (mut out, mut rest) = (String::new(), line.as_str());
        while !rest.is_empty() {
            let Some(length) = identifier(rest) else {
                let next = rest.chars().next().unwrap();
                out.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            let next = known.len() + 1;
            let number = known.entry(rest[..length].to_owned()).or_insert(next);
            let _ = write!(out, "<{number}>");
            rest = &rest[length..];
        }
        out
    };
    lines.iter().map(&mut numbered).collect()
}

/// How long the identifier is that the text begins with, if it does.
fn identifier(text: &str) -> Option<usize> {
    if text.starts_with("<uuid-") {
        return text.find('>').map(|at| at + 1);
    }
    let candidate = text.as_bytes().get(..36)?;
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    candidate.iter().enumerate().all(fits).then_some(36)
}
