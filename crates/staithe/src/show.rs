//! Text for people: tables, sizes, ages. Nothing here prints a raw control byte.

use std::io::IsTerminal as _;

use model::text::safe;
use serde_json::Value;

/// Whether standard output is a terminal that may be coloured.
pub(crate) fn colour() -> bool {
    crate::log::coloured(std::io::stdout().is_terminal())
}

/// Puts `text` into a colour, if colours are wanted.
pub(crate) fn paint(text: &str, code: &str, wanted: bool) -> String {
    if wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// The colour of a state.
pub(crate) fn state_colour(state: &str) -> &'static str {
    match state {
        "ok" | "delivered" | "adopted" => "32",
        "degraded" | "waiting" | "retrying" | "absent" | "paused" | "starting" => "33",
        "stuck" | "dead" | "failed" => "31",
        _ => "2",
    }
}

/// What an event says has happened, by its `type`, and the colour of that.
pub(crate) fn happened(kind: &str) -> (String, &'static str) {
    let (word, colour) = match kind {
        "staithe.file.complete" => ("complete", "32"),
        "staithe.dataset.complete" => ("dataset complete", "32"),
        "staithe.dataset.incomplete" => ("incomplete", "33"),
        "staithe.file.removed" => ("removed", "33"),
        "staithe.gap.opened" => ("gap opened", "31"),
        "staithe.gap.closed" => ("gap closed", "32"),
        // What a stream tells is called what the configuration calls it.
        other => return (safe(other.strip_prefix("staithe.fs.").unwrap_or(other).as_bytes()), "2"),
    };
    (word.to_owned(), colour)
}

/// `1 source`, `2 sources`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `generation 2`, if it is not the first.
pub(crate) fn generation(value: &Value) -> Option<String> {
    let number = value["generation"].as_u64().filter(|number| *number > 1)?;
    Some(format!("generation {number}"))
}

/// Columns padded to the widest cell; the last column is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if column + 1 < row.len() {
                let pad = widths[column].saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', pad));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A path member of a JSON object, safe for a terminal.
pub(crate) fn path(value: &Value, name: &str) -> String {
    let bytes = model::text::json_path(value, name).unwrap_or_default();
    if switch::is_off("names-are-shown-safely") {
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        safe(&bytes)
    }
}

/// A text member, safe for a terminal.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().map(|text| safe(text.as_bytes())).unwrap_or_default()
}

/// A number member as text.
pub(crate) fn number(value: &Value, name: &str) -> String {
    value[name].as_u64().map(|number| number.to_string()).unwrap_or_default()
}

/// Seconds as `3s`, `5m12s`, `2h3m`, `4d7h`.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Bytes as `512 B`, `3.4 kB`, `18.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        value /= 1000.0;
        unit = next;
        if value < 999.95 {
            break;
        }
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_read_well() {
        assert_eq!([size(0), size(999), size(18_200_000)], ["0 B", "999 B", "18.2 MB"]);
        assert_eq!([age(5), age(312), age(7380), age(370_000)], ["5s", "5m12s", "2h3m", "4d6h"]);
    }

    #[test]
    fn every_type_of_event_has_its_word() {
        use model::{Cause, Kind};
        for kind in Kind::all() {
            for cause in [Cause::Arrived, Cause::Overdue] {
                let (word, _) = happened(kind.type_name(cause));
                assert!(!word.contains("staithe."), "{word}");
                assert_eq!(word.ends_with("incomplete"), (kind, cause) == (Kind::Dataset, Cause::Overdue));
            }
        }
        assert_eq!(happened("new\u{1b}").0, "new\\x1b");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            [counted(0, "sink"), counted(1, "sink"), counted(2, "sink")],
            ["0 sinks", "1 sink", "2 sinks"]
        );
    }

    #[test]
    fn tables_line_up() {
        let rows = [vec!["A".into(), "B".into()], vec!["long".into(), "x".into()]];
        assert_eq!(table(&rows), "A     B\nlong  x\n");
    }
}
