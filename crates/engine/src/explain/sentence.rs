//! Each reason in words: what is missing, and what to do about it.

use std::borrow::Cow;

use model::text::safe;
use model::{ManifestGap, Reason};

/// The reason in words: a fragment that reads well after "it waits: ".
#[must_use]
pub fn reason_detail(reason: &Reason) -> String {
    match reason {
        Reason::WaitingLook => "it was noticed a moment ago and is looked at next".into(),
        Reason::WaitingClosed => "it was created, and its writer has not closed it yet".into(),
        Reason::WaitingWriterOpen => "a process has it open for writing; `lsof` names it".into(),
        Reason::WaitingRenamedIn => "no rename to this name was seen, and its rule wants one".into(),
        Reason::WaitingQuiet => "it changed a moment ago, and must stay unchanged for a while".into(),
        Reason::WaitingMinAge => "its last change is more recent than its rule allows (min_age)".into(),
        Reason::WaitingPermission => {
            "it cannot be looked at: a permission is missing, or its file system is away".into()
        }
        Reason::WaitingDeadline => {
            "its deadline has passed, and its rule holds it; any change makes it be judged again".into()
        }
        Reason::WaitingAnnounce => "nobody has said that it is finished; `staithe notify PATH` does".into(),
        Reason::WaitingInspection => "its members or contents are being read".into(),
        Reason::WaitingScan => {
            "the first comparison of the tree is not through, so members may be missing".into()
        }
        Reason::WaitingMarker { .. }
        | Reason::WaitingManifest(_)
        | Reason::WaitingMembers { .. }
        | Reason::WaitingCount { .. }
        | Reason::WaitingMetadata { .. }
        | Reason::WaitingWhole { .. }
        | Reason::WaitingLock { .. }
        | Reason::WaitingChildren { .. } => missing(reason),
        Reason::BlockedSinkDown { .. }
        | Reason::BlockedSinkConfiguration { .. }
        | Reason::BlockedPaused { .. }
        | Reason::BlockedBackpressure
        | Reason::BlockedLedger { .. }
        | Reason::DeadRejected { .. }
        | Reason::DeadMaxAttempts { .. } => held_up(reason),
        Reason::IgnoredMarker { .. }
        | Reason::IgnoredFilter { .. }
        | Reason::IgnoredTempName { .. }
        | Reason::IgnoredSymlink
        | Reason::IgnoredSpecialFile
        | Reason::IgnoredDirectory => ignored(reason),
    }
}

/// The reason in a line of the log and of a timeline: its code, and what stands in the way where only that says what to
/// do.
pub(crate) fn reason_line(reason: &Reason) -> Cow<'static, str> {
    match reason {
        Reason::WaitingWhole { .. } => format!("{}: {}", reason.code(), missing(reason)).into(),
        _ => reason.code().into(),
    }
}

/// What a unit lacks whose rule asks for more than the unit itself.
fn missing(reason: &Reason) -> String {
    match reason {
        Reason::WaitingMarker { marker, stale: false } => {
            format!("the marker \"{}\" is not there yet", safe(marker))
        }
        Reason::WaitingMarker { marker, stale: true } => {
            format!(
                "the marker \"{}\" is older than the data; make it again when all is written",
                safe(marker)
            )
        }
        Reason::WaitingManifest(gap) => manifest(gap),
        Reason::WaitingMembers { present, expected, blocking } => {
            let all = expected.map_or_else(String::new, |expected| format!(" of {expected}"));
            format!("{present}{all} members are complete{}", first_of("not yet", blocking))
        }
        Reason::WaitingCount { present, expected: Some(expected) } => {
            format!("{present} of {expected} members have arrived")
        }
        Reason::WaitingCount { present, expected: None } => {
            format!("{} arrived, and nothing has told yet how many there will be", members(*present))
        }
        Reason::WaitingMetadata { file, problem } => {
            format!(
                "the metadata file \"{}\" is not as its rule wants it: {}",
                safe(file),
                safe(problem.as_bytes())
            )
        }
        Reason::WaitingWhole { count, file, missing } => cut_off(*count, file, *missing),
        Reason::WaitingLock { lock } => {
            format!("the lock \"{}\" is there; remove it if its owner is gone", safe(lock))
        }
        Reason::WaitingChildren { count, blocking } => {
            let units = if *count == 1 { "1 unit".to_owned() } else { format!("{count} units") };
            format!("{units} inside still to be completed{}", first_of("waiting", blocking))
        }
        _ => String::new(),
    }
}

fn members(count: u64) -> String {
    if count == 1 { "1 member has".to_owned() } else { format!("{count} members have") }
}

fn manifest(gap: &ManifestGap) -> String {
    let file = safe(&gap.file);
    if let Some(problem) = &gap.problem {
        return format!("the manifest \"{file}\" cannot be used: {}", safe(problem.as_bytes()));
    }
    let ManifestGap { total, good, missing, wrong, extra, .. } = gap;
    let parts =
        [(*missing, "missing"), (*wrong, "wrong or still being written"), (*extra, "not named in it")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let rest = if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) };
    format!(
        "{good} of {total} members in the manifest \"{file}\" are right{rest}{}",
        first_of("see", &gap.blocking)
    )
}

fn cut_off(count: u64, file: &[u8], missing: Option<u64>) -> String {
    let file = safe(file);
    let others = match count.saturating_sub(1) {
        0 => String::new(),
        1 => ", and another file".to_owned(),
        others => format!(", and {others} other files"),
    };
    match missing {
        Some(missing) => {
            let plural = if missing == 1 { "" } else { "s" };
            format!(
                "\"{file}\" is cut off: its header tells of {missing} byte{plural} more at least{others}; send it again"
            )
        }
        None => format!("\"{file}\" cannot be read, so nobody knows whether it is whole{others}"),
    }
}

/// So many names stand in a sentence; `reason_args` has more.
const NAMED: usize = 3;

/// `; not yet: a, b, c, …`, or nothing.
fn first_of(label: &str, names: &[Box<[u8]>]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let few: Vec<String> = names.iter().take(NAMED).map(|name| safe(name)).collect();
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("; {label}: {}{more}", few.join(", "))
}

fn held_up(reason: &Reason) -> String {
    match reason {
        Reason::BlockedSinkDown { sink } => format!("sink {sink} cannot be reached, and is tried again"),
        Reason::BlockedSinkConfiguration { sink } => {
            format!("sink {sink} refuses us; mend its configuration, then `staithe reload`")
        }
        Reason::BlockedPaused { sink } => format!("sink {sink} is paused; `staithe resume {sink}` goes on"),
        Reason::BlockedLedger { sink: Some(sink), problem } => {
            format!("sink {sink} waits for the ledger: {}", safe(problem.as_bytes()))
        }
        Reason::BlockedLedger { sink: None, problem } => {
            let problem = safe(problem.as_bytes());
            format!("not stored yet: the ledger cannot be written ({problem}), so intake is paused")
        }
        Reason::DeadRejected { sink } => {
            format!("sink {sink} rejected it; see `staithe dead show`, `staithe dead retry`")
        }
        Reason::DeadMaxAttempts { sink } => {
            format!(
                "sink {sink} refused it as often as it may; see `staithe dead show`, `staithe dead retry`"
            )
        }
        _ => "it is sent when its turn comes".into(),
    }
}

fn ignored(reason: &Reason) -> String {
    match reason {
        Reason::IgnoredMarker { rule } => {
            format!("it tells of a unit of rule \"{}\" and is no data itself", safe(rule.as_bytes()))
        }
        Reason::IgnoredFilter { rule, pattern } if rule.is_empty() && pattern.is_empty() => {
            "no rule includes it".into()
        }
        Reason::IgnoredFilter { rule, pattern } => {
            format!("rule \"{}\" excludes it by \"{}\"", safe(rule.as_bytes()), safe(pattern.as_bytes()))
        }
        Reason::IgnoredTempName { pattern } => format!(
            "its name is that of a file in the making (\"{}\"); it is looked at when it is renamed. If the name is \
             final, set temp_names = false",
            safe(pattern.as_bytes())
        ),
        Reason::IgnoredSymlink => {
            "it is a symbolic link; links are not followed, or this one leads to nothing that is a unit"
                .into()
        }
        Reason::IgnoredDirectory => "its files are the units; ask about one of them".into(),
        _ => "it is a FIFO, socket or device".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Box<[u8]>> {
        names.iter().map(|name| name.as_bytes().into()).collect()
    }

    #[test]
    fn sentences_name_what_is_missing() {
        let gap = ManifestGap {
            file: b"SUMS".to_vec(),
            total: 100,
            good: 98,
            missing: 1,
            wrong: 1,
            ..ManifestGap::default()
        };
        let gap = ManifestGap { blocking: names(&["a", "b"]), ..gap };
        let said = reason_detail(&Reason::WaitingManifest(Box::new(gap)));
        let wanted = "98 of 100 members in the manifest \"SUMS\" are right, 1 missing, 1 wrong or still being written; see: a, b";
        assert_eq!(said, wanted);
        let blocking = names(&["a", "b", "c", "d"]);
        let members = Reason::WaitingMembers { present: 1, expected: Some(5), blocking };
        assert_eq!(reason_detail(&members), "1 of 5 members are complete; not yet: a, b, c, …");
    }

    #[test]
    fn no_sentence_holds_a_control_byte() {
        let problem = "at \u{1b}[31m".to_owned();
        let said = reason_detail(&Reason::WaitingMetadata { file: b"m\n".to_vec(), problem });
        assert!(!said.chars().any(char::is_control), "{said:?}");
    }
}
