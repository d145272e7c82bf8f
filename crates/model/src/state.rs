//! The one vocabulary for what a unit is doing and why: command line, API, metrics and UI use it.

use std::fmt;

use serde_json::{Map, Value};

use crate::text::{insert_json_path, insert_json_paths};

/// Where a unit stands. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Noticed; no rule was asked yet.
    Seen,
    /// A rule takes it and is not yet satisfied.
    Waiting,
    /// Admitted to the ledger, not yet offered to every sink.
    Queued,
    /// A sink refused it for now; it will be offered again.
    Retrying,
    /// A sink has it in hand.
    Delivering,
    /// At least one sink will never take it; it lies in the dead letters.
    Dead,
    /// Every sink has acknowledged it.
    Delivered,
    /// Taken over at the first start without delivery.
    Adopted,
    /// No rule takes it.
    Ignored,
    /// It vanished before it was complete.
    Gone,
    /// A newer generation took its place before delivery.
    Superseded,
}

impl State {
    /// Every state, in the order in which `status` prints the counts.
    pub const ALL: [State; 11] = [
        State::Seen,
        State::Ignored,
        State::Waiting,
        State::Queued,
        State::Delivering,
        State::Retrying,
        State::Delivered,
        State::Dead,
        State::Gone,
        State::Superseded,
        State::Adopted,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Seen => "seen",
            State::Waiting => "waiting",
            State::Queued => "queued",
            State::Retrying => "retrying",
            State::Delivering => "delivering",
            State::Dead => "dead",
            State::Delivered => "delivered",
            State::Adopted => "adopted",
            State::Ignored => "ignored",
            State::Gone => "gone",
            State::Superseded => "superseded",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a unit is not delivered (yet). [`Reason::code`] is stable and bare; the values that go
/// with it are in the variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The unit must stay unchanged for longer.
    WaitingQuiet,
    /// A process has the file open for writing.
    WaitingWriterOpen,
    /// The file was created and its writer has not closed it yet.
    WaitingClosed,
    /// The rule wants a rename and none was seen.
    WaitingRenamedIn,
    /// The file is younger than the rule wants.
    WaitingMinAge,
    /// The file cannot be looked at.
    WaitingPermission,
    /// Noticed a moment ago; it will be looked at next.
    WaitingLook,
    /// The deadline passed and the rule says to hold it.
    WaitingDeadline,
    /// The marker that the rule wants is not there, or is older than the data.
    WaitingMarker {
        /// The marker's name, relative to the directory that it belongs in.
        marker: Vec<u8>,
        /// It is there, but the data was written after it.
        stale: bool,
    },
    /// A checksum file or list is missing, cannot be read, or not everything that it names is right.
    WaitingManifest(Box<ManifestGap>),
    /// Members are missing or not complete.
    WaitingMembers {
        /// How many are there and complete.
        present: u64,
        /// How many there are, as far as is known.
        expected: Option<u64>,
        /// The first few that are not complete.
        blocking: Vec<Box<[u8]>>,
    },
    /// Fewer members than the rule wants.
    WaitingCount {
        /// How many are there.
        present: u64,
        /// How many there should be; nothing if nobody has said so yet.
        expected: Option<u64>,
    },
    /// A metadata file is missing, does not parse or lacks a key.
    WaitingMetadata {
        /// The file's name.
        file: Vec<u8>,
        /// What is wrong, in words.
        problem: String,
    },
    /// DICOM files end before their elements do.
    WaitingWhole {
        /// How many.
        count: u64,
        /// The first of them.
        file: Vec<u8>,
        /// How many bytes it lacks at least; nothing: it cannot be read.
        missing: Option<u64>,
    },
    /// A lock file is there.
    WaitingLock {
        /// Its name.
        lock: Vec<u8>,
    },
    /// The producer has not said yet that it is finished.
    WaitingAnnounce,
    /// Units inside are not complete yet.
    WaitingChildren {
        /// How many.
        count: u64,
        /// The first few.
        blocking: Vec<Box<[u8]>>,
    },
    /// Its members or contents are being read.
    WaitingInspection,
    /// The first comparison of the tree is not through; members may be missing.
    WaitingScan,
    /// A file that tells when others are complete.
    IgnoredMarker {
        /// The rule that it is a marker of.
        rule: String,
    },
    /// No rule includes the path, or every rule that does excludes it.
    IgnoredFilter {
        /// The rule that excluded it last; empty when no rule includes it.
        rule: String,
        /// The pattern that excluded it; empty when no rule includes it.
        pattern: String,
    },
    /// The name looks like a file in the making.
    IgnoredTempName {
        /// The pattern it matched.
        pattern: String,
    },
    /// A symbolic link, and the source does not follow them.
    IgnoredSymlink,
    /// A FIFO, socket or device.
    IgnoredSpecialFile,
    /// A directory, which is not a unit under these rules.
    IgnoredDirectory,
    /// A sink cannot be reached.
    BlockedSinkDown {
        /// The sink's name.
        sink: String,
    },
    /// A sink is configured wrongly (wrong type of key, wrong password).
    BlockedSinkConfiguration {
        /// The sink's name.
        sink: String,
    },
    /// An operator paused the sink.
    BlockedPaused {
        /// The sink's name.
        sink: String,
    },
    /// Waiting behind others.
    BlockedBackpressure,
    /// The ledger is in the way: it cannot be written, or what it gives is not what was written.
    BlockedLedger {
        /// The sink that waits for it; none: the unit is not stored yet.
        sink: Option<String>,
        /// What is wrong with it.
        problem: String,
    },
    /// A sink rejected the event for good.
    DeadRejected {
        /// The sink's name.
        sink: String,
    },
    /// A sink refused the event as often as it may.
    DeadMaxAttempts {
        /// The sink's name.
        sink: String,
    },
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Reason::WaitingQuiet => "waiting.quiet",
            Reason::WaitingWriterOpen => "waiting.writer-open",
            Reason::WaitingClosed => "waiting.closed",
            Reason::WaitingRenamedIn => "waiting.renamed-in",
            Reason::WaitingMinAge => "waiting.min-age",
            Reason::WaitingPermission => "waiting.permission",
            Reason::WaitingLook => "waiting.look",
            Reason::WaitingDeadline => "waiting.deadline",
            Reason::WaitingMarker { .. } => "waiting.marker",
            Reason::WaitingManifest(_) => "waiting.manifest",
            Reason::WaitingMembers { .. } => "waiting.members",
            Reason::WaitingCount { .. } => "waiting.count",
            Reason::WaitingMetadata { .. } => "waiting.metadata",
            Reason::WaitingWhole { .. } => "waiting.whole",
            Reason::WaitingLock { .. } => "waiting.lock",
            Reason::WaitingAnnounce => "waiting.announce",
            Reason::WaitingChildren { .. } => "waiting.children",
            Reason::WaitingInspection => "waiting.inspection",
            Reason::WaitingScan => "waiting.scan",
            Reason::IgnoredMarker { .. } => "ignored.marker",
            Reason::IgnoredFilter { .. } => "ignored.filter",
            Reason::IgnoredTempName { .. } => "ignored.temp-name",
            Reason::IgnoredSymlink => "ignored.symlink",
            Reason::IgnoredSpecialFile => "ignored.special-file",
            Reason::IgnoredDirectory => "ignored.directory",
            Reason::BlockedSinkDown { .. } => "blocked.sink-down",
            Reason::BlockedSinkConfiguration { .. } => "blocked.sink-configuration",
            Reason::BlockedPaused { .. } => "blocked.paused",
            Reason::BlockedBackpressure => "blocked.backpressure",
            Reason::BlockedLedger { .. } => "blocked.ledger",
            Reason::DeadRejected { .. } => "dead.rejected",
            Reason::DeadMaxAttempts { .. } => "dead.max-attempts",
        }
    }

    /// The values that go with the code, for `reason_args`.
    #[must_use]
    pub fn args(&self) -> Map<String, Value> {
        let mut map = Map::new();
        match self {
            Reason::IgnoredFilter { rule, pattern } => {
                map.insert("rule".into(), rule.as_str().into());
                map.insert("pattern".into(), pattern.as_str().into());
            }
            Reason::IgnoredTempName { pattern } => {
                map.insert("pattern".into(), pattern.as_str().into());
            }
            Reason::IgnoredMarker { rule } => {
                map.insert("rule".into(), rule.as_str().into());
            }
            Reason::BlockedSinkDown { sink }
            | Reason::BlockedSinkConfiguration { sink }
            | Reason::BlockedPaused { sink }
            | Reason::DeadRejected { sink }
            | Reason::DeadMaxAttempts { sink } => {
                map.insert("sink".into(), sink.as_str().into());
            }
            Reason::BlockedLedger { sink, problem } => {
                map.insert("sink".into(), sink.as_deref().into());
                map.insert("problem".into(), problem.as_str().into());
            }
            _ => self.push_missing(&mut map),
        }
        map
    }

    /// What a waiting unit lacks.
    fn push_missing(&self, map: &mut Map<String, Value>) {
        match self {
            Reason::WaitingMarker { marker, stale } => {
                insert_json_path(map, "marker", marker);
                map.insert("stale".into(), (*stale).into());
            }
            Reason::WaitingManifest(gap) => gap.push(map),
            Reason::WaitingMembers { present, expected, blocking } => {
                map.insert("present".into(), (*present).into());
                map.insert("expected".into(), (*expected).into());
                insert_json_paths(map, "blocking", blocking);
            }
            Reason::WaitingCount { present, expected } => {
                map.insert("present".into(), (*present).into());
                map.insert("expected".into(), (*expected).into());
            }
            Reason::WaitingMetadata { file, problem } => {
                insert_json_path(map, "file", file);
                map.insert("problem".into(), problem.as_str().into());
            }
            Reason::WaitingWhole { count, file, missing } => {
                insert_json_path(map, "file", file);
                map.insert("missing".into(), (*missing).into());
                map.insert("count".into(), (*count).into());
            }
            Reason::WaitingLock { lock } => insert_json_path(map, "lock", lock),
            Reason::WaitingChildren { count, blocking } => {
                map.insert("count".into(), (*count).into());
                insert_json_paths(map, "blocking", blocking);
            }
            _ => {}
        }
    }
}

/// How far a unit is from what its manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestGap {
    /// The manifest's name.
    pub file: Vec<u8>,
    /// Why it cannot be used, if it cannot: absent, or a mistake in it.
    pub problem: Option<String>,
    /// How many members it names.
    pub total: u64,
    /// How many of them are there and right.
    pub good: u64,
    /// How many are not there.
    pub missing: u64,
    /// How many have another size or hash.
    pub wrong: u64,
    /// How many are there and not named, where that is not allowed.
    pub extra: u64,
    /// The first few of them all, the missing first.
    pub blocking: Vec<Box<[u8]>>,
}

impl ManifestGap {
    fn push(&self, map: &mut Map<String, Value>) {
        insert_json_path(map, "file", &self.file);
        map.insert("problem".into(), self.problem.clone().into());
        let numbers = [
            ("total", self.total),
            ("good", self.good),
            ("missing", self.missing),
            ("wrong", self.wrong),
            ("extra", self.extra),
        ];
        for (name, number) in numbers {
            map.insert(name.into(), number.into());
        }
        insert_json_paths(map, "blocking", &self.blocking);
    }
}
