//! `notify`: a producer, perhaps on another machine, says that a file is finished.
//!
//! Its word is never trusted. The path is looked at, the source's rule decides, and the answer says
//! how the file stands.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use ledger::LedgerError;
use model::Reason;
use model::text::safe;
use serde_json::{Map, Value};
use sys::{EntryKind, Errno, Links, Look};

use crate::answer::{Heeded, Refusal};
use crate::control::{EXIT_FAILED, EXIT_NOTHING};
use crate::engine::Engine;
use crate::explain::{Explained, Place, Unwritable, look_below, outside, reason_detail};
use crate::orders::Order;

/// A source's thread answers between two batches; while it waits for a full ledger it cannot.
const PATIENCE: Duration = Duration::from_secs(10);
/// What was heard is looked at and remembered within so long, unless a walk comes first.
const SETTLING: Duration = Duration::from_secs(2);
/// How often the unit is asked for meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// What became of a producer's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The source looks at the file; its state says how it stands.
    Taken,
    /// The file is known and nobody has written to it since: it is not announced again.
    Already,
    /// No rule takes it.
    Ignored,
    /// It is a directory.
    Directory,
    /// It cannot be looked at.
    Unreadable,
    /// The source's thread is busy and will heed the word when it goes on; or the ledger does not hold the file yet.
    Unanswered,
    /// Nothing lies there.
    Absent,
    /// No source covers it.
    Outside,
}

impl Outcome {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Taken => "taken",
            Outcome::Already => "already",
            Outcome::Ignored => "ignored",
            Outcome::Directory => "directory",
            Outcome::Unreadable => "unreadable",
            Outcome::Unanswered => "unanswered",
            Outcome::Absent => "absent",
            Outcome::Outside => "outside",
        }
    }

    /// The exit code that a command should end with.
    #[must_use]
    pub const fn exit(self) -> u8 {
        match self {
            Outcome::Taken | Outcome::Already => 0,
            Outcome::Ignored | Outcome::Directory | Outcome::Unreadable | Outcome::Unanswered => EXIT_FAILED,
            Outcome::Absent | Outcome::Outside => EXIT_NOTHING,
        }
    }
}

/// The answer to a producer.
#[derive(Clone, Debug)]
pub struct Notified {
    /// What became of its word.
    pub outcome: Outcome,
    /// Everything, as `explain --json` has it, with the members `outcome` and `error`.
    pub value: Value,
}

impl Engine {
    /// Takes a producer's word that `path` (absolute, or relative to a source's root) is finished.
    pub fn notify(&self, path: &Path) -> Result<Notified, LedgerError> {
        let resolved = resolve(path);
        let mut best: Option<Notified> = None;
        // Where sources overlap, each of them hears of it, as it would from the kernel.
        for place in self.places(&resolved).into_iter().filter(|place| !climbs(&place.path)) {
            let notified = self.notify_in(path, &place)?;
            if best.as_ref().is_none_or(|best| notified.outcome < best.outcome) {
                best = Some(notified);
            }
        }
        Ok(best.unwrap_or_else(|| {
            let roots = self.roots();
            let error = outside_error(path, &roots);
            tell(Outcome::Outside, outside(path, &roots), Some(error))
        }))
    }

    fn notify_in(&self, asked: &Path, place: &Place) -> Result<Notified, LedgerError> {
        let before = self.newest(place)?;
        let heeded = self.give_word(place);
        let settling = match &heeded {
            Some(Heeded::Heard | Heeded::Walking) => SETTLING,
            // The source knows it and the ledger not yet: whoever is told that it is known may rely on that.
            Some(Heeded::Unchanged) if before.is_none() => SETTLING,
            _ => Duration::ZERO,
        };
        let explained = self.explain_when_looked_at(asked, place, before.as_ref(), settling)?;
        let outcome = match &heeded {
            Some(Heeded::Heard | Heeded::Walking) if explained["state"] == "ignored" => Outcome::Ignored,
            Some(Heeded::Heard | Heeded::Walking) => Outcome::Taken,
            Some(Heeded::Unchanged) => Outcome::Already,
            Some(Heeded::Refused(refusal)) => outcome_of(refusal),
            None => Outcome::Unanswered,
        };
        let error = match &heeded {
            Some(Heeded::Refused(refusal)) => Some(refusal_error(asked, &place.source, refusal)),
            None => Some(unanswered_error(asked, &place.source)),
            Some(_) if is_unstored(&explained, outcome) => {
                let error = unstored_error(asked, self.unwritable().as_ref());
                return Ok(tell(Outcome::Unanswered, explained, Some(error)));
            }
            Some(_) => None,
        };
        Ok(tell(outcome, explained, error))
    }

    /// Looks at the path and passes the word on. The look is made here, in the client's own thread: a
    /// file system that hangs holds up nobody else.
    fn give_word(&self, place: &Place) -> Option<Heeded> {
        let (reply, answer) = sync_channel(1);
        let (orders, root, follow) = {
            let state = self.lock();
            let running = state.sources.iter().find(|source| source.plan.name == place.source)?;
            let plan = &running.plan;
            (Arc::clone(&running.orders), plan.path.clone(), plan.follow_symlinks)
        };
        let looked = look(&root, &place.path, follow);
        orders.give(Order::Notify { path: place.path.clone(), looked, reply });
        answer.recv_timeout(PATIENCE).ok()
    }

    /// The id of the path's newest generation in the ledger.
    fn newest(&self, place: &Place) -> Result<Option<Value>, LedgerError> {
        Ok(self.records_of(place)?.pop().map(|record| record.id.to_string().into()))
    }

    /// Explains the path as soon as there is something new to say of it.
    fn explain_when_looked_at(
        &self,
        asked: &Path,
        place: &Place,
        before: Option<&Value>,
        patience: Duration,
    ) -> Result<Value, LedgerError> {
        let until = self.clock.mono() + patience;
        loop {
            let (found, value) = match self.explain_in(asked, place)? {
                Explained::Found(value) => (true, value),
                Explained::NeverSeen(value) => (false, value),
            };
            // What has no id is not in the ledger yet: it is about to be looked at, waits or is ignored. What waits for
            // the ledger only may still come into it.
            let looked_at = value["reason"] != Reason::WaitingLook.code() && !waits_for_ledger(&value);
            let is_news = looked_at && value.get("id").is_none_or(|id| Some(id) != before);
            if (found && is_news) || self.clock.mono() >= until {
                return Ok(value);
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Whether all is well with a unit but that the ledger, which cannot be written, does not hold it.
fn waits_for_ledger(explained: &Value) -> bool {
    explained["id"].is_null() && explained["reason"] == "blocked.ledger"
}

/// Whether what the source knows, or has just been told of, would be forgotten if the program ended now.
fn is_unstored(explained: &Value, outcome: Outcome) -> bool {
    (outcome == Outcome::Already && explained["id"].is_null() && explained["reason"].is_null())
        || waits_for_ledger(explained)
}

/// Looks at the file; where links are followed, at what one leads to, unless that is a directory.
fn look(root: &Path, path: &[u8], follow: bool) -> Result<Look, Errno> {
    let look = look_below(root, path, Links::Refuse)?;
    if !follow || look.kind() != EntryKind::Symlink {
        return Ok(look);
    }
    let through = look_below(root, path, Links::Follow).ok();
    Ok(through.filter(|through| through.kind() != EntryKind::Directory).unwrap_or(look))
}

/// The path without links and `..` above its name, as far as there is such a directory.
fn resolve(path: &Path) -> PathBuf {
    let resolved = || {
        let (parent, name) = (path.parent()?, path.file_name()?);
        Some(parent.canonicalize().ok()?.join(name))
    };
    if path.is_relative() { path.to_owned() } else { resolved().unwrap_or_else(|| path.to_owned()) }
}

/// Whether the path leads upwards somewhere; below a root that means anything or nothing.
fn climbs(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|name| name == b"..")
}

const fn outcome_of(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Absent => Outcome::Absent,
        Refusal::Directory => Outcome::Directory,
        Refusal::TooDeep | Refusal::Ignored(_) => Outcome::Ignored,
        Refusal::Unreadable(_) => Outcome::Unreadable,
    }
}

fn tell(outcome: Outcome, explained: Value, error: Option<String>) -> Notified {
    let mut value = match explained {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    value.insert("outcome".into(), outcome.name().into());
    value.insert("error".into(), error.into());
    Notified { outcome, value: Value::Object(value) }
}

fn shown(path: &Path) -> String {
    safe(path.as_os_str().as_bytes())
}

/// What to do with a file that is not for any rule.
fn ignored_fix(source: &str, reason: &Reason) -> String {
    let change = match reason {
        Reason::IgnoredSpecialFile => return "name a plain file; nothing else is ever announced".into(),
        Reason::IgnoredSymlink => "set follow_symlinks = true for",
        Reason::IgnoredTempName { .. } => "set temp_names = false for",
        _ => "change the rules of",
    };
    format!(
        "if it should be, {change} source \"{source}\" and `staithe reload`; the file stays where it is and is \
         found then"
    )
}

fn refusal_error(path: &Path, source: &str, refusal: &Refusal) -> String {
    let path = shown(path);
    match refusal {
        Refusal::Absent => format!(
            "nothing lies at {path}, so nothing is announced. Fix: check the name; on a network mount this \
             machine may see a new file seconds later than the one that wrote it: call `staithe notify` again, \
             or leave it to the next scan"
        ),
        Refusal::Directory => format!(
            "{path} is a directory, and its files are the units; nothing is announced. Fix: notify each file, \
             or compare the whole source: `staithe rescan {source}`"
        ),
        Refusal::TooDeep => format!(
            "{path} lies in a directory below source \"{source}\", which is not recursive, so it is not \
             announced. Fix: set recursive = true, or put the file into the source's own directory"
        ),
        Refusal::Ignored(reason) => format!(
            "{path} is not announced: {}. Fix: {}",
            reason_detail(reason),
            ignored_fix(source, reason)
        ),
        Refusal::Unreadable(error) => format!(
            "{path} cannot be looked at ({error}), so it is not announced. Fix: let the user of the daemon \
             search the directories above it (chmod g+x, or CAP_DAC_READ_SEARCH); it is found by the next scan"
        ),
    }
}

fn unanswered_error(path: &Path, source: &str) -> String {
    format!(
        "source \"{source}\" has not answered within {} s: it waits for its file system or for room in the \
         ledger. The word for {} is kept in memory and heeded when it goes on; nothing is lost. See `staithe status`",
        PATIENCE.as_secs(),
        shown(path)
    )
}

fn unstored_error(path: &Path, unwritable: Option<&Unwritable>) -> String {
    let path = shown(path);
    match unwritable {
        Some(unwritable) => format!(
            "the ledger cannot be written at the moment ({}): {path} is known to the source and not yet stored; it is \
             delivered when {}. Call again then",
            safe(unwritable.why.as_bytes()),
            unwritable.remedy()
        ),
        None => format!(
            "the ledger has not stored {path} within {} s, though it is known to the source: its disk is slow. It is \
             delivered when it is stored. Call again then; see `staithe status`",
            SETTLING.as_secs()
        ),
    }
}

fn outside_error(path: &Path, roots: &[PathBuf]) -> String {
    let roots: Vec<String> = roots.iter().map(|root| shown(root)).collect();
    format!(
        "no source covers {}, so nobody is told of it. Fix: name the path as this machine sees it; watched are {}",
        shown(path),
        roots.join(", ")
    )
}
