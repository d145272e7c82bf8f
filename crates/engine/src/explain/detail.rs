//! Why a unit is where it is, as a sentence for a person.

use model::text::safe;
use model::{Cause, Kind, ManifestGap, Reason, State};

use ledger::Record;

use crate::answer::LiveUnit;

pub(super) fn detail(record: &Record, reason: Option<&Reason>) -> String {
    let sinks = || record.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>().join(", ");
    let removed = match (record.absent, record.kind) {
        (false, _) => "",
        (true, Kind::Dataset) => "; it is gone by now",
        (true, _) => "; the file is gone by now",
    };
    let again = match record.cause {
        Cause::Reannounced => "announced again (reannounce) and ",
        Cause::Overdue => "announced as incomplete at its deadline and ",
        Cause::Arrived | Cause::Found => "",
    };
    match record.state {
        State::Delivered => format!("{again}delivered to {}{removed}", sinks()),
        State::Adopted => {
            "it was complete before the source was first watched and was taken over without delivery \
             (initial = \"adopt\")"
                .to_owned()
        }
        State::Gone => "it vanished before it was complete".to_owned(),
        _ => {
            let error = record.sinks.iter().find_map(|sink| sink.last_error.clone());
            let error = error.map(|error| format!(": {error}")).unwrap_or_default();
            let why = reason.map(reason_detail).unwrap_or_default();
            format!("complete and kept in the ledger; {why}{error}{removed}")
        }
    }
}

pub(super) fn live_detail(unit: &LiveUnit) -> String {
    let next =
        unit.next_check.map(|at| format!("; looked at next at {at} at the latest")).unwrap_or_default();
    format!("{}{next}", reason_detail(&unit.reason))
}

/// The reason in words.
#[must_use]
pub fn reason_detail(reason: &Reason) -> String {
    match reason {
        Reason::WaitingQuiet => "it must stay unchanged a little longer".into(),
        Reason::WaitingWriterOpen => "a process has it open for writing".into(),
        Reason::WaitingClosed => "it was created and its writer has not closed it yet".into(),
        Reason::WaitingRenamedIn => "its rule wants it to be renamed to this name".into(),
        Reason::WaitingMinAge => "it is younger than its rule wants".into(),
        Reason::WaitingPermission => "it cannot be looked at: permission is missing".into(),
        Reason::WaitingLook => "it was noticed and is looked at next".into(),
        Reason::WaitingDeadline => "its deadline has passed and its rule says to hold it".into(),
        Reason::IgnoredMarker { rule } => {
            format!("it is a marker of rule \"{}\", not data", safe(rule.as_bytes()))
        }
        Reason::WaitingMarker { .. }
        | Reason::WaitingManifest(_)
        | Reason::WaitingMembers { .. }
        | Reason::WaitingCount { .. }
        | Reason::WaitingMetadata { .. }
        | Reason::WaitingLock { .. }
        | Reason::WaitingAnnounce
        | Reason::WaitingChildren { .. }
        | Reason::WaitingInspection
        | Reason::WaitingScan => missing_detail(reason),
        Reason::IgnoredFilter { rule, pattern } if rule.is_empty() && pattern.is_empty() => {
            "no rule includes it".into()
        }
        Reason::IgnoredFilter { rule, pattern } => {
            format!("rule \"{}\" excludes it by \"{}\"", safe(rule.as_bytes()), safe(pattern.as_bytes()))
        }
        Reason::IgnoredTempName { pattern } => format!(
            "its name looks like a file in the making (built-in \"{}\"); it is looked at when it is renamed, \
             or set temp_names = false",
            safe(pattern.as_bytes())
        ),
        Reason::IgnoredSymlink => "it is a symbolic link; they are not followed".into(),
        Reason::IgnoredSpecialFile => "it is a FIFO, socket or device".into(),
        Reason::IgnoredDirectory => "its files are the units, ask about one of them".into(),
        Reason::BlockedSinkDown { sink } => format!("sink {sink} cannot be reached and is tried again"),
        Reason::BlockedSinkConfiguration { sink } => format!("sink {sink} needs its configuration mended"),
        Reason::BlockedPaused { sink } => format!("sink {sink} is paused; `staithe resume {sink}` goes on"),
        Reason::BlockedBackpressure => "it is sent when its turn comes".into(),
        Reason::DeadRejected { sink } => {
            format!("sink {sink} rejected it; see `staithe dead show`, `staithe dead retry`")
        }
        Reason::DeadMaxAttempts { sink } => {
            format!(
                "sink {sink} refused it as often as it may; see `staithe dead show`, `staithe dead retry`"
            )
        }
    }
}

/// What a unit lacks whose rule asks for more than the unit itself.
fn missing_detail(reason: &Reason) -> String {
    match reason {
        Reason::WaitingMarker { marker, stale: false } => {
            format!("its rule wants the marker \"{}\", which is not there", safe(marker))
        }
        Reason::WaitingMarker { marker, stale: true } => format!(
            "the marker \"{}\" is older than the data; write it again when all is written",
            safe(marker)
        ),
        Reason::WaitingManifest(gap) => manifest_detail(gap),
        Reason::WaitingMembers { present, expected, blocking } => {
            let of = expected.map_or_else(String::new, |expected| format!(" of {expected}"));
            format!("{present}{of} members are complete{}", named(blocking))
        }
        Reason::WaitingCount { present, expected: Some(expected) } => {
            format!("{present} of {expected} members are there")
        }
        Reason::WaitingCount { present, expected: None } => {
            format!("{present} members are there; how many there should be is not known yet")
        }
        Reason::WaitingMetadata { file, problem } => {
            format!("its metadata file \"{}\" does not do: {problem}", safe(file))
        }
        Reason::WaitingLock { lock } => {
            format!("the lock \"{}\" is there; remove it if its owner is gone", safe(lock))
        }
        Reason::WaitingAnnounce => "its producer has not announced it; `staithe notify PATH` does".into(),
        Reason::WaitingChildren { count, blocking } => {
            format!("{count} units inside are not complete{}", named(blocking))
        }
        Reason::WaitingInspection => "its members or contents are being read".into(),
        _ => "the first comparison of the tree is not through; members may be missing".into(),
    }
}

fn manifest_detail(gap: &ManifestGap) -> String {
    let file = safe(&gap.file);
    if let Some(problem) = &gap.problem {
        return format!("its manifest \"{file}\" does not do: {problem}");
    }
    let ManifestGap { total, good, missing, wrong, extra, .. } = gap;
    format!(
        "{good} of {total} members that \"{file}\" names are right; {missing} missing, {wrong} wrong, {extra} \
         not named{}",
        named(&gap.blocking)
    )
}

/// `: a, b`, or nothing.
fn named(names: &[Box<[u8]>]) -> String {
    let names: Vec<String> = names.iter().take(3).map(|name| safe(name)).collect();
    if names.is_empty() { String::new() } else { format!(": first {}", names.join(", ")) }
}
