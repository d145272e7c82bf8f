//! What is asked of a pair of trees, and what it answers.

use std::time::Duration;

use sys::Look;

use crate::fault::Fault;

/// When a file's content is copied. Everything else (directories, links, modes, times, what is gone) is always made
/// equal at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Never. A file whose size and mtime are those of the source gets its mode, owner and atime; otherwise
    /// the answer is [`Brought::ContentDiffers`], and neither content nor times are touched.
    Never,
    /// Never, and the caller knows that the copy has the bytes which the source's file had when it looked so: if it still
    /// does, all times are set, too. Without that knowledge ask [`Pair::content_equal`](crate::Pair::content_equal) first:
    /// a file that got its times wrongly looks equal for ever.
    OnlyTimesOf(Sample),
    /// If size or mtime (to the nanosecond) differ.
    IfDiffers,
    /// Even if they do not.
    Always,
    /// As [`Content::IfDiffers`], if the source's file still is the one that was judged complete; else
    /// [`Brought::Changing`].
    IfDiffersFrom(Sample),
    /// As [`Content::Always`], if the source's file still is the one that was judged complete; else
    /// [`Brought::Changing`].
    AlwaysOf(Sample),
    /// As [`Content::IfDiffers`], if the file has lain still since `now - still` (ctime and mtime) and the kernel knows of no
    /// writer; else [`Brought::Changing`]. For files nobody judges, as when trees are compared.
    IfStill {
        /// The time by the realtime clock: seconds and nanoseconds.
        now: (i64, u32),
        /// For how long it must have lain still.
        still: Duration,
    },
}

/// How the source's file looked when it was judged complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Bytes.
    pub size: u64,
    /// Time of the last change of content: seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// The inode number.
    pub inode: u64,
}

impl Sample {
    /// Whether a look shows the same.
    #[must_use]
    pub fn fits(&self, look: &Look) -> bool {
        (self.size, self.mtime, self.inode) == (look.size, look.mtime, look.inode)
    }
}

/// What [`Pair::bring`](crate::Pair::bring) did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It was equal already, or is in neither tree.
    Same,
    /// A directory or link was made. What stood there of another kind is gone.
    Made,
    /// A file's content was copied under a new inode. What stood there is gone.
    Copied {
        /// Bytes.
        bytes: u64,
        /// By which means.
        how: How,
    },
    /// Only mode, times or owner were set.
    Attributes,
    /// The source has nothing there (or nothing that is mirrored), so what was there was removed.
    Removed {
        /// How many entries.
        entries: u64,
    },
    /// A file's content is missing or differs, and was not to be copied. Nothing was changed.
    ContentDiffers,
    /// The file is not the one that was expected, is not still, or changed while it was copied. What was there is
    /// as it was.
    Changing,
    /// `keep_going` said no during a copy. What was there is as it was.
    Stopped,
    /// It is not mirrored.
    LeftOut(LeftOut),
}

/// How a content was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As a reference to the same blocks (`FICLONE`).
    Reflink,
    /// By the kernel (`copy_file_range`).
    Kernel,
    /// By reading and writing.
    Bytes,
}

/// Why something is not mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// The patterns leave it out. What the destination has there is left alone.
    Pattern,
    /// It lies in a directory below, and the mirror is not recursive. What the destination has there is left alone.
    Deeper,
    /// It has the name of our marker or of our temporary files. What the destination has there is left alone.
    OurName,
    /// A FIFO, socket or device. What the destination had there was removed.
    Special,
    /// A directory of the source that is the destination's root, reached by another mount.
    Overlap,
}

/// What [`Pair::rename`](crate::Pair::rename) did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// The same inode has the new name now. `bring` both paths nevertheless: the source may have moved on.
    Done,
    /// The destination has nothing under the old name: `bring` both paths (of a directory, all below).
    NotThere,
    /// It was not done, for this reason; nothing was changed. `bring` both paths (of a directory, all below:
    /// [`Compare::below`](crate::Compare::below)).
    Blocked(&'static str),
}

/// One difference between the trees. It is told at once, and the walk goes on afterwards: what was missing may be
/// brought inside the callback. Bring it, do not trust it: [`Pair::bring`](crate::Pair::bring) looks again.
#[derive(Debug)]
pub struct Difference {
    /// The path below both roots; empty for the roots themselves.
    pub path: Vec<u8>,
    /// What is different.
    pub what: What,
}

/// What is different. Of what differs in several ways, the first one of this list is told.
#[derive(Debug)]
pub enum What {
    /// The source has it, the destination has not. Of a directory what is in it is told, too, afterwards.
    MissingThere {
        /// Whether it is a directory.
        directory: bool,
    },
    /// The destination has it, the source has not. Of a directory what is in it is not told.
    ExtraThere {
        /// Whether it is a directory.
        directory: bool,
    },
    /// A temporary file of ours that was left behind. Remove it ([`Pair::remove`](crate::Pair::remove)); it is never the source's.
    Leftover,
    /// They are of different kinds.
    Type,
    /// The content differs by size or time of change.
    Content {
        /// Sizes: source, destination.
        size: (u64, u64),
        /// Times of change: source, destination.
        mtime: ((i64, u32), (i64, u32)),
    },
    /// The links point elsewhere.
    Target,
    /// Mode bits: source, destination (those that are mirrored).
    Mode(u32, u32),
    /// Owner and group: source, destination; only where they are kept.
    Owner((u32, u32), (u32, u32)),
    /// Time of change of a directory or link: source, destination. A directory's is compared after its content.
    Times((i64, u32), (i64, u32)),
    /// It could not be compared, nor what is in it; nothing of it is told as extra.
    Unreadable(Fault),
}
