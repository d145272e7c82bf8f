//! Kernel limits that decide how much can be watched.

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

fn number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
