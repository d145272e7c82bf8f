//! The words that stand for values, and the values that stand where nothing is said. The
//! printer uses them too, so that it writes what is read.

use std::time::Duration;

use settle::{After, Clause, Count, DicomKey, Extras, Late, ManifestStyle, OnDeadline};

use crate::plan::{Announce, Backend, DlmDialect, Durability, IdentityRule, Push, ScribeStyle, TaskProtocol};

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
pub(crate) const ON_DEADLINE: [(&str, OnDeadline); 4] = [
    ("alert", OnDeadline::Alert),
    ("announce_incomplete", OnDeadline::AnnounceIncomplete),
    ("deliver", OnDeadline::Deliver),
    ("hold", OnDeadline::Hold),
];
pub(crate) const CLAUSES: [(&str, Clause); 6] = [
    ("appeared", Clause::Appeared),
    ("renamed_in", Clause::RenamedIn),
    ("closed", Clause::Closed),
    ("writer_gone", Clause::WriterGone),
    ("members", Clause::Members),
    ("announce", Clause::Announce),
];
/// The word for [`settle::Ask::Whole`], which stands among the clauses.
pub(crate) const WHOLE: &str = "whole";
pub(crate) const AFTERS: [(&str, After); 2] = [("keep", After::Keep), ("delete", After::Delete)];
pub(crate) const STYLES: [(&str, ManifestStyle); 7] = [
    ("auto", ManifestStyle::Auto),
    ("list", ManifestStyle::List),
    ("md5", ManifestStyle::Md5),
    ("sha1", ManifestStyle::Sha1),
    ("sha256", ManifestStyle::Sha256),
    ("sha512", ManifestStyle::Sha512),
    ("blake3", ManifestStyle::Blake3),
];
pub(crate) const EXTRAS: [(&str, Extras); 2] = [("ignore", Extras::Ignore), ("refuse", Extras::Refuse)];
pub(crate) const COUNTS: [(&str, Count); 2] = [("captured", Count::Captured), ("header", Count::Header)];
pub(crate) const LATES: [(&str, Late); 2] = [("generation", Late::Generation), ("ignore", Late::Ignore)];
pub(crate) const DICOM_KEYS: [(&str, DicomKey); 2] =
    [("series", DicomKey::Series), ("study", DicomKey::Study)];
pub(crate) const DIALECTS: [(&str, DlmDialect); 3] =
    [("main", DlmDialect::Main), ("2.1", DlmDialect::V21), ("2.0", DlmDialect::V20)];
pub(crate) const PUSHES: [(&str, Push); 2] = [("left", Push::Left), ("right", Push::Right)];
pub(crate) const PROTOCOLS: [(u64, TaskProtocol); 2] = [(1, TaskProtocol::V1), (2, TaskProtocol::V2)];
pub(crate) const SCRIBE_STYLES: [(&str, ScribeStyle); 4] = [
    ("text", ScribeStyle::Text),
    ("json", ScribeStyle::Json),
    ("dicom", ScribeStyle::Dicom),
    ("events", ScribeStyle::Events),
];

/// What `factor` is where only the bounds of an adaptive quiet are given.
pub(crate) const QUIET_FACTOR: u32 = 3;
/// How long a group by names must be unchanged, where nothing is said.
pub(crate) const GROUP_QUIET: Duration = Duration::from_secs(10);
/// How often polled directories are looked at.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often tree and ledger are compared.
pub(crate) const RESCAN: Duration = Duration::from_mins(5);
