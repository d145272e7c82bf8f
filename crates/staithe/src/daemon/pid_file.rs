//! The pid file: whoever holds its lock is the daemon. The number in it is for people, and for signals.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::files::{Moved, Place, Seat};
use crate::exit::{Exit, failure};

/// Whoever takes the lock writes its number at once, and whoever only looks lets go of it at once: so long it is asked
/// again before somebody else is taken for the daemon.
const ROUNDS: u32 = 100;
const ROUND: Duration = Duration::from_millis(20);

/// Nobody else may lock it, for that would look like a daemon.
const MODE: u32 = 0o600;

/// The lock of a pid file: held until this is dropped, which also removes the file.
#[derive(Debug)]
pub(crate) struct PidFile {
    file: File,
    path: PathBuf,
}

/// What a pid file says about a daemon.
#[derive(Debug)]
pub(crate) enum Found {
    /// There is no file.
    Nothing,
    /// There is a file that nobody holds, with or without a number.
    Stale(Option<u32>),
    /// A daemon holds it.
    Held(Held),
}

/// A pid file that a daemon holds.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    pub(crate) pid: u32,
}

impl PidFile {
    /// Takes the lock and writes our number; says so if the file is somewhere else than wanted. A file that nobody holds is
    /// taken over, whatever is in it.
    pub(crate) fn lock(place: &Place) -> anyhow::Result<(Self, Option<Moved>)> {
        let broken = |path: &Path, error: io::Error| {
            let path = path.display();
            let fix = "Fix: name another with --pid-file, or make its directory, writable for this user";
            failure(Exit::Failed, format!("failed to write the pid file {path}: {error}. {fix}"))
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        for _ in 0..ROUNDS {
            let opened = place.open(&options, MODE).map_err(|error| broken(&place.path, error))?;
            let (path, mut file) = (opened.path, opened.file);
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
                // The last holder may have removed it after we opened it.
                if leads_to(&path, &file) {
                    write_number(&mut file).map_err(|error| broken(&path, error))?;
                    return Ok((Self { file, path }, opened.moved));
                }
                continue;
            }
            if let Some(pid) = number(&mut file).filter(|pid| holds(*pid, &file) != Some(false)) {
                return Err(taken(&path, Some(pid)));
            }
            std::thread::sleep(ROUND);
        }
        Err(taken(&place.path, None))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Somebody may have put another in its place; that one is not ours.
        if leads_to(&self.path, &self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The error of a file that another process holds.
pub(super) fn taken(path: &Path, pid: Option<u32>) -> anyhow::Error {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let path = path.display();
    let fix = format!("Stop it first with `staithe stop --pid-file {path}`, or use another pid file");
    failure(Exit::Failed, format!("already running: {who} holds {path}. {fix}"))
}

fn write_number(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

/// Whether the path still leads to this very file.
fn leads_to(path: &Path, file: &File) -> bool {
    let (Ok(there), Ok(here)) = (fs::metadata(path), file.metadata()) else { return false };
    (there.dev(), there.ino()) == (here.dev(), here.ino())
}

/// The number in the file; nothing while it is being written. Our own was left there by somebody else.
fn number(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(64).read_to_string(&mut text).ok()?;
    text.strip_suffix('\n')?.trim().parse().ok().filter(|pid| *pid > 0 && *pid != std::process::id())
}

/// Whether that process has this file open: a number that somebody left behind may be anybody's by now. Nothing where we
/// may not look.
fn holds(pid: u32, file: &File) -> Option<bool> {
    let here = file.metadata().ok()?;
    let open = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    let same = |meta: fs::Metadata| (meta.dev(), meta.ino()) == (here.dev(), here.ino());
    Some(open.filter_map(Result::ok).any(|entry| fs::metadata(entry.path()).is_ok_and(same)))
}

/// Looks who holds it.
pub(crate) fn look(seat: &Seat) -> io::Result<Found> {
    let mut file = match seat.open() {
        Ok(file) => file,
        // What others put into a directory that is everybody's says nothing about our daemon.
        Err(_) if seat.is_shared => return Ok(Found::Nothing),
        // A file where a directory should be holds no pid file either.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Found::Nothing);
        }
        Err(error) => return Err(error),
    };
    let mut told = None;
    for _ in 0..ROUNDS {
        // Shared: those who only look are not in each other's way.
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            return Ok(Found::Stale(number(&mut file)));
        }
        told = number(&mut file).filter(|pid| holds(*pid, &file) != Some(false));
        if told.is_some_and(|pid| holds(pid, &file).is_some()) {
            break;
        }
        std::thread::sleep(ROUND);
    }
    let nobody = || io::Error::other("another process holds it, and the number in it is not that one's");
    told.map(|pid| Found::Held(Held { file, pid })).ok_or_else(nobody)
}

impl Held {
    /// Whether the daemon of that number holds it still.
    pub(crate) fn still(&self) -> bool {
        holds(self.pid, &self.file) != Some(false)
            && flock(&self.file, FlockOperation::NonBlockingLockShared).is_err()
    }
}

/// Whether it will be somewhere else than wanted, asked without taking the lock. A file that is made on the way stays for
/// the daemon, which comes next.
pub(crate) fn would_move(place: &Place) -> Option<Moved> {
    if !place.falls_back {
        return None;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    place.open(&options, MODE).ok()?.moved
}

/// Removes a file that nobody holds.
pub(crate) fn clear(seat: &Seat) -> io::Result<()> {
    let file = seat.open()?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() && leads_to(&seat.path, &file) {
        fs::remove_file(&seat.path)?;
    }
    Ok(())
}
