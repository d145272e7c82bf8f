//! Kernel limits that decide how much can be watched.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A limit by the name that `sysctl` knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
}

/// The limit of inotify watches that is met first: the user's, or a user namespace's own.
#[must_use]
pub fn watches() -> Option<Limit> {
    narrower(
        ("fs.inotify.max_user_watches", max_user_watches()),
        ("user.max_inotify_watches", number("/proc/sys/user/max_inotify_watches")),
    )
}

/// The limit of inotify instances that is met first.
#[must_use]
pub fn instances() -> Option<Limit> {
    narrower(
        ("fs.inotify.max_user_instances", max_user_instances()),
        ("user.max_inotify_instances", number("/proc/sys/user/max_inotify_instances")),
    )
}

/// Outside a user namespace both are one number.
fn narrower(usual: (&'static str, Option<u64>), own: (&'static str, Option<u64>)) -> Option<Limit> {
    let limit = |(name, value): (&'static str, Option<u64>)| value.map(|value| Limit { name, value });
    [limit(usual), limit(own)].into_iter().flatten().min_by_key(|limit| limit.value)
}

/// The user's limit of inotify watches, where it can be read.
#[must_use]
pub fn max_user_watches() -> Option<u64> {
    number("/proc/sys/fs/inotify/max_user_watches")
}

/// The user's limit of inotify instances, where it can be read.
#[must_use]
pub fn max_user_instances() -> Option<u64> {
    number("/proc/sys/fs/inotify/max_user_instances")
}

/// How many events one inotify instance queues before it drops, where it can be read.
#[must_use]
pub fn max_queued_events() -> Option<u64> {
    number("/proc/sys/fs/inotify/max_queued_events")
}

/// How many events one fanotify group without privilege queues before it drops (Linux 5.13).
#[must_use]
pub fn max_fanotify_queue() -> Option<u64> {
    number("/proc/sys/fs/fanotify/max_queued_events")
}

/// The user's limit of fanotify groups (Linux 5.13).
#[must_use]
pub fn max_fanotify_groups() -> Option<u64> {
    number("/proc/sys/fs/fanotify/max_user_groups")
}

/// The user's limit of fanotify marks (Linux 5.13).
#[must_use]
pub fn max_fanotify_marks() -> Option<u64> {
    number("/proc/sys/fs/fanotify/max_user_marks")
}

/// The descriptors of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// How many are open; 0 where `/proc` is missing.
    pub used: u64,
    /// How many there may be now.
    pub soft: u64,
    /// Up to where the process may raise that itself.
    pub hard: u64,
}

/// Counts this process's descriptors.
#[must_use]
pub fn descriptors() -> Descriptors {
    // The listing itself is one.
    let used = std::fs::read_dir("/proc/self/fd").map_or(0, |open| (open.count() as u64).saturating_sub(1));
    let limit = getrlimit(Resource::Nofile);
    Descriptors { used, soft: limit.current.unwrap_or(u64::MAX), hard: limit.maximum.unwrap_or(u64::MAX) }
}

/// Lets this process open as many descriptors as it may: raises the soft limit to the hard one. Gives
/// the soft limit before and after; `None` if the kernel refuses. The soft limit is low only for the sake
/// of programs that use `select`; children inherit it, so lower it for those.
#[must_use]
pub fn raise_descriptors() -> Option<(u64, u64)> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok()?;
    Some((limit.current.unwrap_or(u64::MAX), descriptors().soft))
}

fn number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_descriptors_are_counted() {
        // Other tests open and close some, too; so many at once do not.
        let before = descriptors();
        let held: Vec<_> = (0..500).map(|_| crate::Wake::new().unwrap()).collect();
        let after = descriptors();
        assert!(after.used > before.used + 400, "{before:?} {after:?}");
        assert!(after.used <= after.soft && after.soft <= after.hard);
        drop(held);
    }

    /// Set where the test runs a second time, with a low soft limit.
    const INSIDE: &str = "SYS_TEST_LOW_LIMIT";

    #[test]
    fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
        if std::env::var_os(INSIDE).is_some() {
            assert_eq!(raise_descriptors(), Some((100, 200)));
            assert_eq!((descriptors().soft, descriptors().hard), (200, 200));
            return;
        }
        let done = std::process::Command::new("sh")
            .args(["-c", "ulimit -Sn 100 && ulimit -Hn 200 && exec \"$1\" --exact \"$2\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .arg("limits::tests::the_soft_limit_of_descriptors_is_raised_to_the_hard_one")
            .env(INSIDE, "")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && told.contains("1 passed"), "{told}");
    }

    #[test]
    fn limits_of_this_kernel_are_read() {
        for limit in [max_user_watches(), max_user_instances(), max_queued_events()] {
            assert!(limit.is_some());
        }
        // Since Linux 5.13.
        if std::fs::exists("/proc/sys/fs/fanotify").unwrap() {
            for limit in [max_fanotify_queue(), max_fanotify_groups(), max_fanotify_marks()] {
                assert!(limit.is_some());
            }
        }
    }
}
