//! The words that stand for values, and the values that stand where nothing is said. The
//! printer uses them too, so that it writes what is read.

use std::time::Duration;

use settle::{Clause, OnDeadline};

use crate::plan::{Announce, Backend, Durability, IdentityRule, Push};

pub(crate) const DURABILITIES: [(&str, Durability); 2] =
    [("process", Durability::Process), ("power", Durability::Power)];
pub(crate) const BACKENDS: [(&str, Backend); 4] = [
    ("auto", Backend::Auto),
    ("inotify", Backend::Inotify),
    ("fanotify", Backend::Fanotify),
    ("poll", Backend::Poll),
];
pub(crate) const IDENTITIES: [(&str, IdentityRule); 3] =
    [("auto", IdentityRule::Auto), ("inode", IdentityRule::Inode), ("no-inode", IdentityRule::NoInode)];
pub(crate) const ANNOUNCES: [(&str, Announce); 2] =
    [("generations", Announce::Generations), ("arrivals", Announce::Arrivals)];
pub(crate) const ON_DEADLINE: [(&str, OnDeadline); 3] =
    [("alert", OnDeadline::Alert), ("deliver", OnDeadline::Deliver), ("hold", OnDeadline::Hold)];
pub(crate) const CLAUSES: [(&str, Clause); 4] = [
    ("appeared", Clause::Appeared),
    ("renamed_in", Clause::RenamedIn),
    ("closed", Clause::Closed),
    ("writer_gone", Clause::WriterGone),
];
pub(crate) const PUSHES: [(&str, Push); 2] = [("left", Push::Left), ("right", Push::Right)];

/// How often polled directories are looked at.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often tree and ledger are compared.
pub(crate) const RESCAN: Duration = Duration::from_mins(5);
