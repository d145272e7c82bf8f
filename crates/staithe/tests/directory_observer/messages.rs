//! Messages: normalising what was received, and comparing it with what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::Precision;

/// For each list the messages in the order of `BRPOP`, time stamps and folder replaced.
pub(crate) type Queues = BTreeMap<String, Vec<String>>;

/// The message with `<TS>` for a time stamp of the right form and `<ROOT>` for the folder.
pub(crate) fn normal(message: &[u8], root: &str) -> String {
    let text: String = message.iter().map(|&byte| char::from(byte)).collect();
    let text = text.replace(root, "<ROOT>");
    let mark = "\"event_timestamp\": ";
    let Some(at) = text.find(mark) else { return text };
    let (before, stamp) = text.split_at(at + mark.len());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match stamp.strip_suffix('}').and_then(|stamp| stamp.split_once('.')) {
        Some((whole, fraction)) if digits(whole) && digits(fraction) => format!("{before}<TS>}}"),
        _ => text,
    }
}

/// What is wanted of the lists.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// These messages in this order. `C a` is `created` for `a` in `in/d1`, `X a` is `exists`,
    /// `? a` either, `= text` the text itself.
    Exactly(&'static [(&'static str, &'static [&'static str])]),
    /// One of several outcomes, each as above.
    OneOf(&'static [&'static [(&'static str, &'static [&'static str])]]),
    /// These messages, in any order and any number, but no others; the ones marked `~` may be absent.
    Kinds(&'static [(&'static str, &'static [&'static str])]),
    /// Something of its own.
    Check(fn(&Queues) -> Result<(), String>),
}

type List = (&'static str, &'static [&'static str]);

impl Wanted {
    pub(crate) fn judge(&self, queues: &Queues) -> Result<(), String> {
        match self {
            Self::Exactly(lists) => exactly(lists, queues),
            Self::OneOf(cases) => {
                let problems: Vec<String> =
                    cases.iter().filter_map(|lists| exactly(lists, queues).err()).collect();
                if problems.len() < cases.len() { Ok(()) } else { Err(problems.join("\n  or ")) }
            }
            Self::Kinds(lists) => {
                same_keys(lists, queues).and_then(|()| lists.iter().try_for_each(|list| kinds(list, queues)))
            }
            Self::Check(check) => check(queues),
        }
    }
}

fn exactly(lists: &[List], queues: &Queues) -> Result<(), String> {
    same_keys(lists, queues)?;
    for (key, wanted) in lists {
        let got = &queues[*key];
        let fits = got.len() == wanted.len() && got.iter().zip(*wanted).all(|(got, short)| fits(got, short));
        if !fits {
            return Err(format!("{key}: wanted {wanted:?}, got {}", shown(got)));
        }
    }
    Ok(())
}

fn same_keys(lists: &[List], queues: &Queues) -> Result<(), String> {
    let wanted: BTreeSet<&str> = lists.iter().map(|(key, _)| *key).collect();
    let got: BTreeSet<&str> = queues.keys().map(String::as_str).collect();
    if wanted == got { Ok(()) } else { Err(format!("wanted the lists {wanted:?}, got {queues:?}")) }
}

fn kinds((key, wanted): &List, queues: &Queues) -> Result<(), String> {
    let got = &queues[*key];
    let plain = |short: &'static str| short.strip_prefix('~').unwrap_or(short);
    let absent =
        wanted.iter().find(|short| !short.starts_with('~') && !got.iter().any(|got| fits(got, short)));
    let other = got.iter().find(|got| !wanted.iter().any(|short| fits(got, plain(short))));
    match (absent, other) {
        (None, None) => Ok(()),
        _ => Err(format!("{key}: absent {absent:?}, not wanted {other:?}, got {}", shown(got))),
    }
}

fn fits(got: &str, short: &str) -> bool {
    let (kind, name) = short.split_once(' ').expect("a kind and a name");
    match kind {
        "C" => got == message(name, "created"),
        "X" => got == message(name, "exists"),
        "?" => got == message(name, "created") || got == message(name, "exists"),
        "=" => got == name,
        _ => panic!("unknown kind {kind}"),
    }
}

fn message(name: &str, event: &str) -> String {
    format!(
        "{{\"directory\": \"in/d1\", \"filename\": \"{name}\", \"event\": \"{event}\", \"event_timestamp\": <TS>}}"
    )
}

/// The comparison that the recording itself asks for.
pub(crate) fn as_recorded(wanted: &Queues, got: &Queues, precision: Precision) -> Result<(), String> {
    let keys = |queues: &Queues| queues.keys().cloned().collect::<Vec<_>>();
    if keys(wanted) != keys(got) {
        return Err(format!("wanted the lists {:?}, got {got:?}", keys(wanted)));
    }
    for (key, wanted) in wanted {
        let got = &got[key];
        if !fits_recording(wanted, got, precision) {
            return Err(format!("{key}: wanted {}, got {}", shown(wanted), shown(got)));
        }
    }
    Ok(())
}

/// Of a long list the recording keeps the ends and the length.
fn fits_recording(wanted: &[String], got: &[String], precision: Precision) -> bool {
    let length =
        |entry: &String| entry.strip_prefix("... ")?.strip_suffix(" entries in all ...")?.parse().ok();
    let length: Option<usize> = wanted.iter().find_map(length);
    match (length, precision) {
        (None, Precision::Exact) => wanted == got,
        (None, Precision::Kinds) => wanted.iter().collect::<BTreeSet<_>>() == got.iter().collect(),
        (Some(length), Precision::Exact) => {
            let ends = got.starts_with(&wanted[..3]) && got.ends_with(&wanted[wanted.len() - 2..]);
            ends && length == got.len()
        }
        (Some(_), Precision::Kinds) => panic!("this needs a decision: the recording says nothing"),
    }
}

fn shown(list: &[String]) -> String {
    let lines: String = list.iter().take(40).flat_map(|entry| ["\n    ", entry]).collect();
    format!("{} messages{lines}", list.len())
}
