//! What a group of processes has used so far, from `/proc`.

use std::fs;
use std::time::Duration;

/// Processor time and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time of all threads that live.
    pub(crate) cpu: Duration,
    /// The memory that is resident, in kB, summed over the processes.
    pub(crate) resident_kb: u64,
    /// The most memory that was resident, in kB, summed over the processes.
    pub(crate) peak_kb: u64,
}

/// Of all processes in a process group.
pub(crate) fn of_group(group: u32) -> Usage {
    let mut total = Usage::default();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if process_group(id) == Some(group) {
            let one = of_process(id);
            total.cpu += one.cpu;
            total.resident_kb += one.resident_kb;
            total.peak_kb += one.peak_kb;
        }
    }
    total
}

/// Of one process.
pub(crate) fn of_process(id: u32) -> Usage {
    // The scheduler's own account of each thread is exact; the one in `stat` counts ticks of 10 ms.
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    let cpu = Duration::from_nanos(nanoseconds.sum());
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = |key: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(key));
        value.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
    };
    Usage { cpu, resident_kb: line("VmRSS:"), peak_kb: line("VmHWM:") }
}

fn process_group(id: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything; after it come state, parent, group.
    text.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_work_is_seen() {
        let id = std::process::id();
        let before = of_process(id).cpu;
        let sum = (0..3_000_000_u64).fold(1_u64, |sum, n| sum.wrapping_mul(31) ^ n);
        assert_ne!(sum, 0);
        let after = of_process(id);
        assert!(after.cpu > before && after.peak_kb > 0 && after.resident_kb > 0, "{after:?}");
    }
}
