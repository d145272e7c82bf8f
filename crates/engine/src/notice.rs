//! What the engine has to say: named, typed, for logs and for drop-ins that speak an old program's words.

use std::path::Path;
use std::time::Duration;

use model::text::safe;
use watch::RootChange;

/// One thing worth telling.
#[derive(Clone, Debug)]
pub enum Notice<'a> {
    /// A source's root is watched from now on.
    Watching {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// By what.
        backend: &'static str,
        /// The file system's name.
        filesystem: &'a str,
        /// Why not by events alone, if so.
        why: Option<String>,
        /// Whether it is not what was asked for, or not what the file system deserves.
        falls_back: bool,
    },
    /// A mount below a source's root is watched from now on.
    MountWatched {
        /// The source.
        source: &'a str,
        /// Where it is mounted.
        path: &'a Path,
        /// By what.
        backend: &'static str,
        /// The file system's name.
        filesystem: &'a str,
        /// Why not by events alone, if so.
        why: Option<String>,
    },
    /// Something was mounted or unmounted below a source's root.
    MountChanged {
        /// The source.
        source: &'a str,
        /// Where.
        path: &'a Path,
        /// Whether something is mounted there now.
        mounted: bool,
    },
    /// Events of a mount turned out not to tell everything.
    Distrusted {
        /// The source.
        source: &'a str,
        /// The mount.
        path: &'a Path,
        /// By what it is noticed from now on.
        backend: &'static str,
        /// What showed it.
        why: String,
    },
    /// No canary could be made, so that nothing is proved about events.
    NoCanary {
        /// The source.
        source: &'a str,
        /// The mount.
        path: &'a Path,
        /// Why.
        error: String,
    },
    /// Something else lies at a source's root than what is known there.
    RootHidden {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// How many files are known there.
        known: u64,
    },
    /// The kernel's queue could not be read any more; another one is opened.
    EarLost {
        /// The source.
        source: &'a str,
        /// What the kernel said.
        error: &'a str,
    },
    /// All directories are watched again.
    WatchedAgain {
        /// The source.
        source: &'a str,
    },
    /// Scanners were sent to directories and do not come back.
    Stuck {
        /// The source.
        source: &'a str,
        /// How many directories.
        count: u64,
        /// The first.
        first: &'a Path,
    },
    /// A source's root is no directory; it is looked for until it is.
    RootAbsent {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// What the kernel said.
        error: String,
    },
    /// A source's root went away.
    RootLost {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// What happened to it.
        change: RootChange,
    },
    /// The event stream of a source's tree is told from now on.
    StreamBegun {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// By what it is heard.
        backend: &'static str,
        /// The file system's name.
        filesystem: &'static str,
    },
    /// A source's root is gone or not there yet, so that its event stream has an end.
    StreamAbsent {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// What the kernel said, or what happened to the root.
        error: &'a str,
    },
    /// An event stream cannot be had; it is tried again.
    StreamFailed {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// Why.
        error: &'a str,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The kernel dropped events of a stream.
    StreamOverflow {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
    },
    /// The ledger is written inside of a tree that is told about.
    StreamOwn {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
    },
    /// At its end a stream had not told everything in time.
    StreamCutOff {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
    },
    /// A sink did not take everything in time before the end.
    Unhandled {
        /// The sink.
        sink: &'a str,
        /// How many events are left.
        count: u64,
        /// It is not configured any more, rather than that the program stops.
        dropped: bool,
    },
    /// A source is no longer watched because the program stops.
    Stopped {
        /// Its root.
        path: &'a Path,
    },
    /// The kernel dropped events.
    Overflow {
        /// The source.
        source: &'a str,
        /// How many directories are compared.
        directories: u64,
        /// When: at once, or later while overflows go on.
        comparing_in: Duration,
    },
    /// A gap was closed by a complete comparison.
    GapClosed {
        /// The source.
        source: &'a str,
        /// How long it was open.
        after: Duration,
    },
    /// The first scan of a source is through.
    FirstScan {
        /// The source.
        source: &'a str,
        /// Directories walked.
        directories: u64,
        /// Entries seen.
        entries: u64,
        /// How long it took.
        took: Duration,
    },
    /// The kernel refuses to watch some directories.
    Unwatched {
        /// The source.
        source: &'a str,
        /// How many.
        count: u64,
        /// The first few, below the root.
        named: &'a [Vec<u8>],
        /// What the kernel said of one.
        error: String,
        /// The limit of watches and how many would do.
        limit: Option<sys::limits::Limit>,
        /// How many directories there are, each of which takes a watch.
        directories: u64,
        /// How often they are polled instead.
        poll_interval: Duration,
    },
    /// Directories cannot be read.
    Unreadable {
        /// The source.
        source: &'a str,
        /// How many.
        count: u64,
        /// The first, below the root.
        first: Vec<u8>,
        /// What the kernel said of it.
        error: String,
    },
    /// What a rule takes by its name is neither file nor directory: it is never announced.
    LeftOut {
        /// The source.
        source: &'a str,
        /// The path below the root.
        path: &'a [u8],
        /// Whether it is a link, one that leads nowhere; else a FIFO, socket or device.
        link: bool,
    },
    /// A marker that is to go when its unit is delivered cannot be deleted.
    MarkerStays {
        /// Its name.
        source: &'a str,
        /// The marker, below the root.
        path: &'a [u8],
        /// Why.
        error: String,
    },
    /// A unit is still not complete at its rule's deadline.
    DeadlinePassed {
        /// The source.
        source: &'a str,
        /// The path below the root.
        path: &'a [u8],
        /// What is missing: the code of the reason, and more where it names something.
        reason: &'a str,
    },
    /// Members came to a unit after it was announced, or were changed, and its rule says that this is no news.
    Late {
        /// The source.
        source: &'a str,
        /// The unit, below the root.
        path: &'a [u8],
        /// How many members there are now.
        members: u64,
        /// Their sizes together.
        size: u64,
    },
    /// A re-announcement stopped at the length that the sink's queue may have.
    ListingCut {
        /// The source.
        source: &'a str,
        /// Its root.
        path: &'a Path,
        /// The limit.
        limit: u64,
    },
    /// The ledger cannot write.
    LedgerTrouble {
        /// Why.
        error: &'a str,
    },
    /// The ledger writes again.
    LedgerRecovered,
    /// Something in the ledger is not what was written. What it is, what that means, and the fix.
    LedgerDamaged {
        /// All of that.
        error: &'a str,
    },
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody may have to do something.
    Warning,
    /// Somebody has to do something.
    Error,
}

impl Notice<'_> {
    /// How loud it is.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Notice::Watching { falls_back: false, .. }
            | Notice::MountWatched { .. }
            | Notice::StreamBegun { .. }
            | Notice::WatchedAgain { .. }
            | Notice::Stopped { .. }
            | Notice::GapClosed { .. }
            | Notice::FirstScan { .. }
            | Notice::LedgerRecovered => Level::Info,
            Notice::RootAbsent { .. }
            | Notice::RootLost { .. }
            | Notice::StreamAbsent { .. }
            | Notice::StreamFailed { .. }
            | Notice::StreamOverflow { .. }
            | Notice::StreamCutOff { .. }
            | Notice::StreamOwn { .. }
            | Notice::Unhandled { .. }
            | Notice::Watching { falls_back: true, .. }
            | Notice::RootHidden { .. }
            | Notice::EarLost { .. }
            | Notice::MountChanged { .. }
            | Notice::Distrusted { .. }
            | Notice::NoCanary { .. }
            | Notice::Stuck { .. }
            | Notice::Overflow { .. }
            | Notice::Unreadable { .. }
            | Notice::DeadlinePassed { .. }
            | Notice::Late { .. }
            | Notice::LeftOut { .. }
            | Notice::MarkerStays { .. }
            | Notice::ListingCut { .. }
            | Notice::Unwatched { .. } => Level::Warning,
            Notice::LedgerTrouble { .. } | Notice::LedgerDamaged { .. } => Level::Error,
        }
    }

    /// The sentence for a person: what happened, what it means for the data, what to do.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Notice::Watching { source, path, backend, filesystem, why, .. } => {
                let path = shown(path);
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("source {source}: watching {path} ({filesystem}, {backend}{why})")
            }
            Notice::MountWatched { source, path, backend, filesystem, why } => {
                let path = shown(path);
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("source {source}: below it, {path} is watched ({filesystem}, {backend}{why})")
            }
            Notice::MountChanged { source, path, mounted } => mount_changed(source, path, *mounted),
            Notice::Distrusted { source, path, backend, why } => format!(
                "source {source}: events of {} do not tell everything ({why}); from now on: {backend}. Nothing is lost",
                shown(path)
            ),
            Notice::NoCanary { source, path, error } => format!(
                "source {source}: no canary could be made in {} ({error}), so that its events come is not proved; they \
                 are believed. Let the user that runs staithe write there, or set canary = false",
                shown(path)
            ),
            Notice::RootHidden { source, path, known } => format!(
                "source {source}: {} is empty and another directory than before, though {known} files are known \
                 there (W-HIDDEN). Nothing is taken as removed. Is a file system not mounted? findmnt --target {}",
                shown(path),
                shown(path)
            ),
            Notice::EarLost { source, error } => format!(
                "source {source}: the kernel's queue of events cannot be read any more ({error}); another one is opened and \
                 everything is compared, nothing is lost"
            ),
            Notice::WatchedAgain { source } => {
                format!(
                    "source {source}: every directory is watched again, none is polled for want of watches"
                )
            }
            Notice::Stuck { source, count, first } => format!(
                "source {source}: {count} directories have not answered for half a minute (the first: {}). What \
                 arrives in them is found when they answer; the others are not held up. Does its server answer?",
                shown(first)
            ),
            Notice::RootAbsent { source, path, error } => root_absent(source, path, error),
            Notice::RootLost { source, path, change } => format!(
                "source {source}: {} was {}; nothing is taken as removed, and it is caught up with when it \
                 is back",
                shown(path),
                match change {
                    RootChange::Deleted => "deleted",
                    RootChange::Moved => "renamed",
                    RootChange::Unmounted => "unmounted or replaced",
                }
            ),
            Notice::StreamBegun { .. }
            | Notice::StreamAbsent { .. }
            | Notice::StreamFailed { .. }
            | Notice::StreamOverflow { .. }
            | Notice::StreamCutOff { .. }
            | Notice::StreamOwn { .. }
            | Notice::Unhandled { .. } => self.stream_text(),
            Notice::Stopped { path } => format!("stopped watching {}", shown(path)),
            Notice::Overflow { source, directories, comparing_in } => {
                overflow(source, *directories, *comparing_in)
            }
            Notice::GapClosed { source, after } => {
                format!("source {source}: the gap is closed after {:.1} s", after.as_secs_f64())
            }
            Notice::FirstScan { source, directories, entries, took } => format!(
                "source {source}: first scan done, {entries} entries in {directories} directories, {:.1} s",
                took.as_secs_f64()
            ),
            Notice::Unwatched { source, count, named, error, limit, directories, poll_interval } => {
                let fix = limit.map_or_else(String::new, |limit| more_watches(limit, *directories));
                unwatched(source, *count, named, error, *poll_interval) + &fix
            }
            Notice::Unreadable { source, count, first, error } => format!(
                "source {source}: {count} directories cannot be read (the first: {}: {error}); what lies in \
                 them is not seen. Give the user that runs staithe read and search permission",
                safe(first)
            ),
            Notice::DeadlinePassed { source, path, reason } => deadline_passed(source, path, reason),
            Notice::Late { source, path, members, size } => late(source, path, *members, *size),
            Notice::LeftOut { source, path, link } => left_out(source, path, *link),
            Notice::MarkerStays { source, path, error } => format!(
                "source {source}: failed to delete the marker {}: {error}. Its unit is delivered; give the user \
                 that runs staithe write permission for the directory, or set after = \"keep\"",
                safe(path)
            ),
            Notice::ListingCut { source, limit, .. } => format!(
                "source {source}: re-announcing stopped at the sink's queue limit ({limit}); the rest is \
                 announced again at the next turn"
            ),
            Notice::LedgerTrouble { error } => format!(
                "the ledger cannot be written: {error}. Intake is paused; files stay where they are and are \
                 found when there is room again"
            ),
            Notice::LedgerRecovered => "the ledger can be written again".to_owned(),
            Notice::LedgerDamaged { error } => (*error).to_owned(),
        }
    }

    /// The same, of event streams.
    fn stream_text(&self) -> String {
        match self {
            Notice::StreamBegun { source, path, backend, filesystem } => {
                format!("source {source}: telling what happens in {} ({filesystem}, {backend})", shown(path))
            }
            Notice::StreamAbsent { source, path, error } => format!(
                "source {source}: nothing can be told of {} ({error}); it is looked for and told of again when it is \
                 there",
                shown(path)
            ),
            Notice::StreamFailed { source, path, error, retry_in } => format!(
                "source {source}: failed to tell what happens in {}: {error}. It is tried again in {:.1} s; the other \
                 sources are not affected",
                shown(path),
                retry_in.as_secs_f64()
            ),
            Notice::StreamOverflow { source, path } => format!(
                "source {source}: the kernel dropped events of {} (W-OVERFLOW). The tree is compared now, and what is \
                 different is told. If this is frequent: sysctl -w fs.inotify.max_queued_events=131072, and restart",
                shown(path)
            ),
            Notice::StreamOwn { source, path } => format!(
                "source {source}: the state directory lies in {}; what happens there is not told, or each event would make \
                 the next one. Fix: --state-dir with a directory elsewhere",
                shown(path)
            ),
            Notice::StreamCutOff { source, path } => format!(
                "source {source}: more happened in {} than could be told before the end; the rest is lost, and its \
                 sinks were told so (overflow). Fix: stop the writers first",
                shown(path)
            ),
            Notice::Unhandled { sink, count, dropped } => unhandled(sink, *count, *dropped),
            _ => String::new(),
        }
    }
}

fn late(source: &str, path: &[u8], members: u64, size: u64) -> String {
    format!(
        "source {source}: {} has changed after it was announced: {members} members, {size} bytes now. It is not \
         announced again (late = \"ignore\")",
        safe(path)
    )
}

fn deadline_passed(source: &str, path: &[u8], reason: &str) -> String {
    let path = safe(path);
    format!(
        "source {source}: {path} is still not complete at its deadline ({reason}); `staithe explain` tells more"
    )
}

/// The line that gives enough watches for so many directories, and leaves others some.
fn more_watches(limit: sys::limits::Limit, directories: u64) -> String {
    const USUAL: &str = "fs.inotify.max_user_watches";
    let sys::limits::Limit { name, value } = limit;
    let enough = (directories * 2).next_power_of_two().max(65_536);
    // A user namespace has a limit of its own below the usual one.
    let own = if name == USUAL { String::new() } else { format!(" {name}={enough}") };
    format!(
        " Fix: sudo sysctl -w {USUAL}={enough}{own} (have {value}, need about {directories}); keep it in \
         /etc/sysctl.d/60-staithe.conf. Or run with CAP_SYS_ADMIN and backend = \"fanotify\", which needs no watches"
    )
}

fn left_out(source: &str, path: &[u8], link: bool) -> String {
    let what = if link { "a link that leads to nothing" } else { "a FIFO, socket or device" };
    format!("source {source}: {} is {what} and is left out; what is put in its place is taken", safe(path))
}

fn mount_changed(source: &str, path: &Path, mounted: bool) -> String {
    let path = shown(path);
    if mounted {
        format!(
            "source {source}: {path} is another mount now; it is compared, and nothing is taken as removed"
        )
    } else {
        format!(
            "source {source}: {path} was unmounted; nothing is taken as removed, and it is caught up with when it is \
             mounted again"
        )
    }
}

fn overflow(source: &str, directories: u64, comparing_in: Duration) -> String {
    let when = match comparing_in.as_secs() {
        0 => "now".to_owned(),
        seconds => format!("in {seconds} s, because this is not the first time"),
    };
    format!(
        "source {source}: events were dropped, nobody knows how many (W-OVERFLOW). Comparing {directories} directories \
         {when}, nothing is lost. If this is frequent: sysctl -w fs.inotify.max_queued_events=131072, and restart \
         (the limit is read at the start)"
    )
}

fn unwatched(source: &str, count: u64, named: &[Vec<u8>], error: &str, poll_interval: Duration) -> String {
    let mut first: Vec<String> = named.iter().take(5).map(|name| safe(name)).collect();
    if count > first.len() as u64 {
        first.push("…".to_owned());
    }
    format!(
        "source {source}: {count} directories cannot be watched ({error}; E-WATCH-LIMIT if this says \"no space\", \
         then the disk is not full): {}. They are polled every {:.1} s instead; nothing is lost, they are slower.",
        first.join(", "),
        poll_interval.as_secs_f64()
    )
}

fn root_absent(source: &str, path: &Path, error: &str) -> String {
    format!(
        "source {source}: {} cannot be opened as a directory ({error}); it is looked for every \
                 second and caught up with when it is there",
        shown(path)
    )
}

fn unhandled(sink: &str, count: u64, dropped: bool) -> String {
    let when = if dropped { "when it is configured again" } else { "at the next start" };
    format!("sink {sink}: {count} events are unhandled; they are kept and go out {when}")
}

fn shown(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    safe(path.as_os_str().as_bytes())
}

/// Whoever wants to be told.
pub trait Observer: dispatch::Observer {
    /// Something happened. Called from the engine's threads: return soon.
    fn notice(&self, notice: &Notice<'_>);
}
