//! A short-lived file, to see how soon events come and what time the file system gives it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use sys::{Dir, Inotify, Wake, inotify};

use super::trees::Flight;

/// An event that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(2);

/// The file's name; it is taken away when dropped, whatever happened.
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes a file in `root`, takes its name away at once, and waits until inotify tells of it: the event
/// was queued when it was made. Whatever hangs or fails afterwards, nothing is left behind.
pub(super) fn fly(root: &Path) -> io::Result<Flight> {
    let dir = Dir::open_root(root)?;
    // Without an ear (the limit of instances) the clock can still be compared.
    let ear = Inotify::open().ok().filter(|ear| ear.arm(&dir).is_ok());
    // A temporary name for the built-in patterns: no source announces it.
    let name = format!(".staithe-canary-{}.tmp", std::process::id());
    let path = root.join(&name);
    let begun = Instant::now();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    drop(Name(path));
    let heard = ear.and_then(|ear| listen(&ear, name.as_bytes(), begun));
    Ok(Flight { heard, ahead: ahead(file)? })
}

/// When the event came, counted from `begun`.
fn listen(ear: &Inotify, name: &[u8], begun: Instant) -> Option<Duration> {
    let wake = Wake::new().ok()?;
    let mut buffer = vec![0; 64 * 1024];
    while let Some(rest) = PATIENCE.checked_sub(begun.elapsed()) {
        let filled = ear.read(&mut buffer).ok()?;
        if inotify::events(&buffer[..filled]).any(|event| event.name == name) {
            return Some(begun.elapsed());
        }
        if filled == 0 {
            wake.wait_readable(ear, Some(rest)).ok()?;
        }
    }
    None
}

/// By how much the clock that stamps the file is ahead of ours, in nanoseconds. A server gives the time
/// when the data reaches it, so they are made to.
fn ahead(mut file: File) -> io::Result<i64> {
    let before = now();
    file.write_all(b"staithe doctor: gone in a moment\n")?;
    file.sync_all()?;
    let data = file.metadata()?;
    let after = now();
    let stamp = data.mtime().saturating_mul(1_000_000_000).saturating_add(data.mtime_nsec());
    // Stamped between the two: it agrees.
    Ok(if stamp < before { stamp - before } else { (stamp - after).max(0) })
}

/// Nanoseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
