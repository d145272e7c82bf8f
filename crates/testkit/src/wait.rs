//! Waiting for a condition, never for a length of time.

use std::fs::{self, DirEntry};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);
/// What changed before so long is not taken for new.
const OLD: Duration = Duration::from_millis(100);

/// Waits give up after so many seconds at most: for negative controls, in which what is waited for does not come.
const PATIENCE: &str = "STAITHE_PATIENCE";

/// How long to wait where a test would wait that long.
#[must_use]
pub fn patience(deadline: Duration) -> Duration {
    static LIMIT: OnceLock<Option<Duration>> = OnceLock::new();
    let read = || std::env::var(PATIENCE).ok()?.parse().ok().map(Duration::from_secs);
    LIMIT.get_or_init(read).map_or(deadline, |limit| limit.min(deadline))
}

/// Waits until `condition` holds and says how long that took; fails the test after `deadline`.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    wait_for(deadline, what, || condition().then_some(()));
    begun.elapsed()
}

/// Waits until `attempt` gives something; fails the test after `deadline`.
#[track_caller]
pub fn wait_for<T>(deadline: Duration, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = patience(deadline);
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(begun.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
    }
}

/// Waits until everything that lies directly in `folder` now is clearly old. A program that starts takes what
/// changed within the last moment (the kernel's clock for files is coarse) for new, and rightly so.
#[track_caller]
pub fn wait_until_old(folder: &Path) {
    let changed = |entry: DirEntry| {
        let look = entry.metadata().ok()?;
        Some(Duration::new(look.ctime().try_into().ok()?, look.ctime_nsec().try_into().ok()?))
    };
    let Ok(entries) = fs::read_dir(folder) else { return };
    let Some(newest) = entries.flatten().filter_map(changed).max() else { return };
    let old = UNIX_EPOCH + newest + OLD;
    wait_until(Duration::from_secs(10), "files to be old", || SystemTime::now() > old);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_came_in_the_end() {
        let mut looks = 0;
        let found = wait_for(Duration::from_secs(5), "the third look", || {
            looks += 1;
            (looks == 3).then_some("here")
        });
        assert_eq!((found, looks), ("here", 3));
    }

    #[test]
    fn says_what_did_not_come() {
        let result = std::panic::catch_unwind(|| wait_until(Duration::ZERO, "a miracle", || false));
        let text = *result.unwrap_err().downcast::<String>().unwrap();
        assert!(text.ends_with("in vain for a miracle"), "{text}");
    }
}
