//! What was seen of a source's tree in, findings out.

use std::time::Duration;

use config::Backend;
use model::measure::format_duration;
use model::text::safe;
use sys::filesystem::Trust;

use super::finding::{Finding, bad, count, good, grouped, note};

/// One mount at or below a source's root.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// Where it is mounted, or the root itself.
    pub(super) path: Vec<u8>,
    /// The file system's type.
    pub(super) kind: String,
    pub(super) trust: Trust,
}

impl Region {
    /// Whether its events are relied on, at least in part.
    pub(super) const fn is_heard(&self) -> bool {
        matches!(self.trust, Trust::Events | Trust::Partly)
    }
}

/// What a walk over a tree has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) directories: u64,
    /// Those that need an inotify watch.
    pub(super) watched: u64,
    /// The first few that cannot be read: path below the root, and why.
    pub(super) unreadable: Vec<(Vec<u8>, String)>,
    pub(super) unreadable_count: u64,
    /// How the walk ended.
    pub(super) end: End,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// Everything was walked.
    #[default]
    Whole,
    /// It was broken off: too many directories, or too long.
    Broken,
    /// The file system did not answer.
    Stuck,
}

/// What a canary told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    /// How long until inotify told of it; nothing: it did not.
    pub(super) heard: Option<Duration>,
    /// By how much the file system's clock is ahead of ours, in nanoseconds.
    pub(super) ahead: i64,
}

/// A longer way to hear of a file is worth a word.
const SLOW: Duration = Duration::from_millis(250);
/// A clock that differs by more is told of.
const CLOCK: i64 = 1_000_000_000;

/// How events come from a file system, and what the backend makes of it.
pub(super) fn region(region: &Region, backend: Backend, poll_interval: Duration) -> Finding {
    let (path, kind) = (safe(&region.path), safe(region.kind.as_bytes()));
    let every = format_duration(poll_interval);
    if backend == Backend::Poll {
        return good("I-FILESYSTEM", format!("{path} is {kind} and polled every {every}, as configured"));
    }
    let faster = format!(
        "to hear of files sooner: run staithe on the machine that serves it, let producers call `staithe notify \
         PATH` when they have finished, or shorten poll_interval (now {every})"
    );
    // Where fanotify was asked for and cannot hear, the daemon polls as for "auto".
    let forced = backend == Backend::Inotify;
    let unheard = "what other machines write raises no events here";
    match region.trust {
        Trust::Events => good("I-FILESYSTEM", format!("{path} is {kind}: every change raises an event")),
        Trust::Partly if forced => bad(
            "W-PARTLY",
            format!(
                "{path} is {kind}: events tell only partly, and the backend is set: what is written into the layers \
                 below this mount is found by `rescan` only"
            ),
            "backend = \"auto\" (or \"poll\")",
        ),
        Trust::Partly => note(
            "W-PARTLY",
            format!(
                "{path} is {kind}: events tell only partly. Changes through this mount are heard; what is written \
                 into the layers below it is found by polling. Nothing is lost, only later"
            ),
            "write through the mount and not into its layers, or watch the layer that is written to",
        ),
        Trust::Remote if forced => bad(
            "W-NETFS",
            format!(
                "{path} is {kind}: {unheard}, and the backend is set: such files are found by `rescan` only"
            ),
            "backend = \"auto\" (or \"poll\")",
        ),
        Trust::Remote => note(
            "W-NETFS",
            format!("{path} is {kind}: {unheard}, so it is polled. Nothing is lost, only later"),
            faster,
        ),
        Trust::Unknown if forced => bad(
            "W-UNKNOWN-FS",
            format!(
                "{path} is {kind}: whether all changes raise events is not known, and the backend is set"
            ),
            "backend = \"auto\" (or \"poll\"); `staithe doctor --canary` shows whether events come at all",
        ),
        Trust::Unknown => note(
            "W-UNKNOWN-FS",
            format!(
                "{path} is {kind}: whether all changes raise events is not known, so it is polled. Nothing is \
                 lost, only later"
            ),
            faster,
        ),
    }
}

/// Whether everything can be read by the user who asks.
pub(super) fn permissions(root: &[u8], census: &Census, uid: u32) -> Finding {
    const CODE: &str = "W-PERM";
    let directories = count(census.directories, "directory", "directories");
    if census.unreadable_count == 0 {
        let so_far = if census.end == End::Whole { "" } else { " so far" };
        return good(CODE, format!("{}: all of {directories}{so_far} can be read by uid {uid}", safe(root)));
    }
    let named: Vec<String> = census
        .unreadable
        .iter()
        .map(|(path, why)| format!("{} ({why})", safe(&[root, b"/", path].concat())))
        .collect();
    let more = census.unreadable_count.saturating_sub(named.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first = census.unreadable.first().map(|(path, _)| [root, b"/", path].concat());
    bad(
        CODE,
        format!(
            "{} of {directories} cannot be read by uid {uid}: {}{more}. Files in there do not arrive; they do, without a \
             restart, as soon as permission is given",
            grouped(census.unreadable_count),
            named.join(", ")
        ),
        format!(
            "setfacl -m u:{uid}:rx {} (or chmod o+rx); for all: AmbientCapabilities=CAP_DAC_READ_SEARCH in the \
             [Service] section of the unit; or exclude it in the rules",
            first.and_then(|path| pasteable(&path)).unwrap_or_else(|| "DIRECTORY".into())
        ),
    )
}

/// The path as a word for a shell, if it is plain; names are hostile, and fixes are pasted.
fn pasteable(path: &[u8]) -> Option<String> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,=@".contains(byte);
    path.iter().all(plain).then(|| String::from_utf8_lossy(path).into_owned())
}

/// Whether the walk could be made at all.
pub(super) fn walk(root: &[u8], census: &Census) -> Option<Finding> {
    let (root, seen) = (safe(root), count(census.directories, "directory", "directories"));
    match census.end {
        End::Whole => None,
        End::Broken => Some(note(
            "I-WALK",
            format!("{root} was looked at in part only ({seen}): what is said of it is said of that part"),
            "none is needed; the daemon walks everything",
        )),
        End::Stuck => Some(bad(
            "E-STUCK",
            format!(
                "{root} does not answer any more (after {seen}): a server is away. What is there arrives when it is \
                 back; nothing counts as removed"
            ),
            "look after the server of the mount; `stat` on the directory shows when it answers",
        )),
    }
}

/// How soon events come. Only where events are relied on does their absence matter.
pub(super) fn canary(root: &[u8], flight: &Flight, relies: bool) -> Finding {
    const CODE: &str = "W-CANARY";
    let root = safe(root);
    match flight.heard {
        Some(after) if after <= SLOW => {
            good(CODE, format!("{root}: a file was heard of after {:.1} ms", after.as_secs_f64() * 1000.0))
        }
        Some(after) => note(
            CODE,
            format!(
                "{root}: a file was heard of only after {:.1} s: the machine is busy",
                after.as_secs_f64()
            ),
            "look at the load of the machine and of its disks",
        ),
        None if relies => bad(
            CODE,
            format!(
                "{root}: no event told of a file made there: new files are found by scans only, that is later"
            ),
            "backend = \"poll\" for this source",
        ),
        None => good(
            CODE,
            format!("{root}: no event told of a file made there, which a polled tree does not need"),
        ),
    }
}

/// Why no canary could be made.
pub(super) fn no_canary(root: &[u8], error: &str) -> Finding {
    note(
        "W-CANARY",
        format!(
            "{}: no file could be made there ({error}), so how soon events come is not known",
            safe(root)
        ),
        "none is needed; the daemon itself never writes there unless canary = true",
    )
}

/// Whether the file system's clock is ours.
pub(super) fn clock(root: &[u8], flight: &Flight) -> Finding {
    const CODE: &str = "W-CLOCK";
    let root = safe(root);
    let seconds = flight.ahead.unsigned_abs() as f64 / 1e9;
    if flight.ahead.abs() <= CLOCK {
        return good(
            CODE,
            format!("{root}: times there agree with this machine's clock (within {seconds:.3} s)"),
        );
    }
    let side = if flight.ahead > 0 { "ahead of" } else { "behind" };
    bad(
        CODE,
        format!(
            "{root}: times there are {seconds:.1} s {side} this machine's clock: min_age and newer_than are judged \
             wrongly by so much"
        ),
        "set both clocks by NTP: timedatectl set-ntp true on this machine and on the server",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(30);

    fn judged(kind: &str, trust: Trust, backend: Backend) -> Finding {
        region(&Region { path: b"/data".to_vec(), kind: kind.into(), trust }, backend, POLL)
    }

    #[test]
    fn each_trust_has_its_word() {
        assert_eq!(judged("ext4", Trust::Events, Backend::Auto).code, "I-FILESYSTEM");
        let overlay = judged("overlay", Trust::Partly, Backend::Auto);
        assert!(overlay.ok && overlay.code == "W-PARTLY" && overlay.text.contains("partly"));
        let nfs = judged("nfs4", Trust::Remote, Backend::Auto);
        assert!(nfs.ok && nfs.code == "W-NETFS" && nfs.fix.unwrap_or_default().contains("staithe notify"));
        assert_eq!(judged("fuse.x", Trust::Unknown, Backend::Auto).code, "W-UNKNOWN-FS");
    }

    #[test]
    fn only_a_backend_that_cannot_hear_is_wrong() {
        assert!(!judged("nfs4", Trust::Remote, Backend::Inotify).ok);
        assert!(!judged("zonefs", Trust::Unknown, Backend::Inotify).ok);
        assert!(!judged("overlay", Trust::Partly, Backend::Inotify).ok);
        assert!(judged("nfs4", Trust::Remote, Backend::Fanotify).ok, "it is polled");
        assert!(judged("nfs4", Trust::Remote, Backend::Poll).ok);
    }

    #[test]
    fn unreadable_directories_are_named_and_counted() {
        let census = Census {
            directories: 30,
            unreadable: vec![(b"x/private\x1b".to_vec(), "Permission denied".into())],
            unreadable_count: 14,
            ..Census::default()
        };
        let found = permissions(b"/data", &census, 991);
        assert!(!found.ok);
        for part in ["14 of 30 directories", "uid 991", "/data/x/private", "and 13 more"] {
            assert!(found.text.contains(part), "{part}: {}", found.text);
        }
        assert!(!found.page().contains('\u{1b}'));
        assert!(found.fix.unwrap_or_default().contains("u:991:rx DIRECTORY "));
        let plain = Census { unreadable: vec![(b"x/y".to_vec(), "no".into())], ..census };
        let fix = permissions(b"/data", &plain, 991).fix.unwrap_or_default();
        assert!(fix.contains("u:991:rx /data/x/y "), "{fix}");
        assert!(permissions(b"/data", &Census::default(), 0).ok);
    }

    #[test]
    fn a_server_that_is_away_is_told() {
        let of = |end| walk(b"/data", &Census { end, ..Census::default() });
        assert_eq!(of(End::Whole), None);
        assert!(of(End::Broken).is_some_and(|found| found.ok));
        assert!(of(End::Stuck).is_some_and(|found| !found.ok && found.code == "E-STUCK"));
    }

    #[test]
    fn a_clock_may_differ_by_a_second() {
        let of = |ahead| clock(b"/data", &Flight { heard: None, ahead });
        assert!(of(0).ok && of(-CLOCK).ok);
        let behind = of(-3_200_000_000);
        assert!(!behind.ok && behind.text.contains("3.2 s behind"), "{}", behind.text);
        assert!(of(CLOCK + 1).text.contains("ahead of"));
    }

    #[test]
    fn events_that_do_not_come_matter_where_they_are_relied_on() {
        let of = |heard, relies| canary(b"/data", &Flight { heard, ahead: 0 }, relies);
        assert!(of(Some(Duration::from_millis(3)), true).text.contains("after 3.0 ms"));
        assert!(!of(None, true).ok && of(None, false).ok);
        let slow = of(Some(Duration::from_secs(2)), true);
        assert!(slow.ok && slow.fix.is_some());
    }
}
