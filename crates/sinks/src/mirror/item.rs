//! What a mirror needs to know of an event.

use model::{Detail, Happening, Kind, Parcel, Stamp, text};
use serde_json::Value;

/// One event, as the mirror's thread gets it.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its place in the ledger.
    pub(crate) seq: u64,
    /// Below the root; empty for the root itself.
    pub(crate) path: Box<[u8]>,
    /// What it says.
    pub(crate) what: Hint,
    /// It was found by comparing, and others of its kind may be missing: nobody heard of them.
    pub(crate) guessed: bool,
}

/// What an event says to a mirror: a reason to look at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// The file is complete.
    Complete(Complete),
    /// Something there is new or has other metadata.
    Look,
    /// Something was removed from there.
    Gone,
    /// Something may have been removed from there.
    Doubt,
    /// A writer closed it.
    Closed {
        /// When that was heard.
        at: Stamp,
    },
    /// It was renamed away.
    MovedFrom {
        /// What it has in common with the other half.
        cookie: u32,
    },
    /// It was renamed hither.
    MovedTo {
        /// What it has in common with the other half.
        cookie: u32,
        /// Where it was, if that is in this tree and was told.
        from: Option<Box<[u8]>>,
    },
    /// Anything may have changed.
    Compare,
    /// The source's root was removed: whatever takes its place is the source from then on.
    RootGone,
    /// Nothing that concerns a mirror.
    Nothing,
}

/// How a file was when it was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Complete {
    /// Its content can be another one although size and time are those of the copy.
    pub(crate) rewritten: bool,
    /// It was renamed to where it is.
    pub(crate) renamed: bool,
    /// It was found by polling, not heard.
    pub(crate) polled: bool,
    /// Bytes.
    pub(crate) size: u64,
    /// Its inode; 0 where inodes tell nothing.
    pub(crate) inode: u64,
    /// Time of its last change.
    pub(crate) mtime: Stamp,
}

impl Item {
    pub(crate) fn of(parcel: &Parcel) -> Self {
        let path = parcel.path.strip_suffix(b"/").unwrap_or(&parcel.path);
        let what = hint(parcel);
        let guessed = match parcel.kind {
            Kind::File => matches!(what, Hint::Complete(Complete { polled: true, .. })),
            // What lies in a directory that has come is told so, too, where all is heard.
            Kind::Happening(what) => what != Happening::Create && Detail::unpack(parcel.size).synthetic,
            _ => false,
        };
        Self { seq: parcel.seq, path: path.into(), what, guessed }
    }
}

impl Hint {
    /// Whether it says something of its own path, not of the tree or of nothing.
    pub(crate) fn is_about_its_path(&self) -> bool {
        !matches!(self, Self::Nothing | Self::Compare | Self::RootGone)
    }
}

fn hint(parcel: &Parcel) -> Hint {
    let cookie = Detail::unpack(parcel.size).cookie;
    match parcel.kind {
        Kind::File => Hint::Complete(complete(parcel)),
        Kind::Symlink | Kind::Dataset => Hint::Look,
        // The stream tells of removals, too, and whether it was a rename; unless it never saw what was removed.
        Kind::Removal { .. } => Hint::Doubt,
        Kind::Special | Kind::Gap { .. } => Hint::Nothing,
        Kind::Happening(what) => match what {
            Happening::Create | Happening::Attrib => Hint::Look,
            Happening::Delete => Hint::Gone,
            Happening::Modify if Detail::unpack(parcel.size).synthetic => Hint::Closed { at: parcel.mtime },
            Happening::CloseWrite => Hint::Closed { at: parcel.mtime },
            Happening::MovedFrom => Hint::MovedFrom { cookie },
            Happening::MovedTo => Hint::MovedTo { cookie, from: from(parcel) },
            // The second: there is another destination, or something else to be mirrored.
            Happening::WatchInit | Happening::WatchReconfig | Happening::Overflow => Hint::Compare,
            // Only the kernel's word counts: a share that drops out looks like a removed root, too.
            Happening::DeleteSelf if !Detail::unpack(parcel.size).synthetic => Hint::RootGone,
            _ => Hint::Nothing,
        },
    }
}

/// The event says both paths from the root of all on, with links in the root's own path resolved.
fn from(parcel: &Parcel) -> Option<Box<[u8]>> {
    if !Detail::unpack(parcel.size).moved {
        return None;
    }
    let event = event(parcel);
    let moved = event.pointer("/data/event/moved")?;
    let (from, to) = (text::json_path(moved, "from")?, text::json_path(moved, "to")?);
    let root = to.strip_suffix(&parcel.path[..])?;
    from.strip_prefix(root).filter(|below| !below.is_empty()).map(Box::from)
}

/// The body lacks its end, which is put in with each delivery.
fn event(parcel: &Parcel) -> Value {
    let whole = [&parcel.event.body[..], b"1}}}"].concat();
    serde_json::from_slice(&whole).unwrap_or_default()
}

/// The event is our own. What cannot be read of it is taken for a rewrite, which costs a copy.
fn complete(parcel: &Parcel) -> Complete {
    let (size, mtime) = (parcel.size, parcel.mtime);
    let event = event(parcel);
    let inode = event.pointer("/data/inode").and_then(Value::as_u64).unwrap_or(0);
    let signals = event.pointer("/data/complete/signals").and_then(Value::as_array);
    let renamed = signals.is_some_and(|signals| signals.iter().any(|signal| signal == "renamed_in"));
    let backend = event.pointer("/data/observer/backend").and_then(Value::as_str);
    let polled = backend.is_some_and(|backend| backend.contains("poll"));
    Complete { rewritten: parcel.generation > 1 && !renamed, renamed, polled, size, inode, mtime }
}
