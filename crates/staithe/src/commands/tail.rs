//! `staithe tail`: live events.

use model::text::safe;
use serde_json::{Value, json};

use crate::args::ClientJson;
use crate::client;
use crate::exit::Exit;
use crate::show;

pub(crate) fn run(args: &ClientJson) -> anyhow::Result<Exit> {
    let mut connection = client::connect(&args.client)?;
    let mut after = Value::Null;
    let colour = show::colour();
    loop {
        let request = json!({"cmd": "tail", "after": after, "wait_ms": 10_000});
        let done = client::ask(&mut connection, &request, &mut |line| {
            if args.json {
                return client::print_line(line);
            }
            let event: Value = serde_json::from_slice(line)?;
            client::print_line(row(&event, colour).as_bytes())
        })?;
        after = done["after"].clone();
    }
}

fn row(event: &Value, colour: bool) -> String {
    let data = &event["data"];
    let (word, paint) = show::happened(event["type"].as_str().unwrap_or_default());
    let clock = show::text(event, "time").get(11..19).unwrap_or_default().to_owned();
    // A gap is about a source, and has no path.
    let path = Some(show::path(data, "path")).filter(|path| !path.is_empty());
    let size = data["size"].as_u64().map(show::size);
    let signals: Vec<&str> =
        data["complete"]["signals"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let cause = Some(show::text(&data["gap"], "cause")).filter(|cause| !cause.is_empty());
    let why = cause.or_else(|| (!signals.is_empty()).then(|| signals.join(", ")));
    let parts = [
        Some(clock),
        Some(show::paint(&word, paint, colour)),
        Some(source(event)),
        path,
        size,
        show::generation(data),
        why.map(|why| format!("({why})")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// The name of the source, which stands last and percent-encoded in the event's `source`.
fn source(event: &Value) -> String {
    let urn = event["source"].as_str().unwrap_or_default();
    safe(&decoded(urn.rsplit(':').next().unwrap_or_default().as_bytes()))
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                rest = &after[2..];
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, data: &Value) -> String {
        let event = json!({"type": format!("staithe.{kind}"), "source": "urn:staithe:my%20site:stage%2F1",
            "time": "2026-11-21T12:34:56.000Z", "data": data});
        row(&event, false)
    }

    #[test]
    fn each_event_is_called_what_it_is() {
        let file =
            json!({"path": "a\n", "size": 3, "generation": 1, "complete": {"signals": ["closed", "scan"]}});
        assert_eq!(said("file.complete", &file), "12:34:56  complete  stage/1  a\\n  3 B  (closed, scan)");
        let newer = json!({"path": "a.ms", "size": 3, "generation": 2, "complete": {"signals": []}});
        assert_eq!(
            said("dataset.complete", &newer),
            "12:34:56  dataset complete  stage/1  a.ms  3 B  generation 2"
        );
        assert!(said("dataset.incomplete", &newer).starts_with("12:34:56  incomplete  stage/1  a.ms"));
        let gone = json!({"path": "a", "size": 3, "generation": 1, "removed": {"rule": "r"}});
        assert_eq!(said("file.removed", &gone), "12:34:56  removed  stage/1  a  3 B");
        let gap = json!({"path": "", "kind": "gap", "gap": {"number": 1, "cause": "the root is away"}});
        assert_eq!(said("gap.opened", &gap), "12:34:56  gap opened  stage/1  (the root is away)");
        assert!(said("gap.closed", &gap).starts_with("12:34:56  gap closed  stage/1"));
    }

    #[test]
    fn a_name_that_only_looks_encoded_stays() {
        assert_eq!(decoded(b"a%2Fb%c3%a9%4%zz%"), b"a/b\xc3\xa9%4%zz%");
    }
}
