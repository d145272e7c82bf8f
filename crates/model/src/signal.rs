//! The evidence that completeness rules speak about.

/// One kind of evidence that a file is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Signal {
    /// The name appeared (created, linked or renamed in), whatever was written so far.
    Appeared = 0,
    /// The file came under its name by a rename.
    RenamedIn = 1,
    /// The last writable descriptor of some writer was closed.
    Closed = 2,
    /// No process has the file open for writing (read-lease probe).
    WriterGone = 3,
    /// Size, times and inode stayed equal over a period.
    Quiet = 4,
    /// The file is at least so old by its change time.
    MinAge = 5,
    /// A marker file is there and not older than the data.
    Marker = 6,
    /// Everything that a manifest names is there and right.
    Manifest = 7,
    /// As many members as the rule wants.
    Count = 8,
    /// Every member is complete.
    Members = 9,
    /// A metadata file parses and has the key.
    Metadata = 10,
    /// The companion lock is not there.
    LockGone = 11,
    /// The producer said so.
    Announce = 12,
    /// Every unit inside is complete.
    Children = 13,
    /// Every DICOM file of it is as long as its elements say.
    Whole = 14,
}

impl Signal {
    /// All signals, in the order of their bits.
    pub const ALL: [Signal; 15] = [
        Signal::Appeared,
        Signal::RenamedIn,
        Signal::Closed,
        Signal::WriterGone,
        Signal::Quiet,
        Signal::MinAge,
        Signal::Marker,
        Signal::Manifest,
        Signal::Count,
        Signal::Members,
        Signal::Metadata,
        Signal::LockGone,
        Signal::Announce,
        Signal::Children,
        Signal::Whole,
    ];

    /// The stable name, as in configuration and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Appeared => "appeared",
            Signal::RenamedIn => "renamed_in",
            Signal::Closed => "closed",
            Signal::WriterGone => "writer_gone",
            Signal::Quiet => "quiet",
            Signal::MinAge => "min_age",
            Signal::Marker => "marker",
            Signal::Manifest => "manifest",
            Signal::Count => "count",
            Signal::Members => "members",
            Signal::Metadata => "metadata",
            Signal::LockGone => "lock_gone",
            Signal::Announce => "announce",
            Signal::Children => "children",
            Signal::Whole => "whole",
        }
    }
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u32);

impl SignalSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);

    /// With `signal` added.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << signal as u8)
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `signal` is in the set.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & 1 << signal as u8 != 0
    }

    /// The signals in the set, in the order of [`Signal::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::ALL.into_iter().filter(move |signal| self.contains(*signal))
    }
}
