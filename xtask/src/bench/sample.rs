//! What one run has shown.

use std::fmt;
use std::time::{Duration, Instant};

use super::usage::Usage;
use super::workload::{Workload, Written};

/// One run of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The workload.
    pub(crate) workload: Workload,
    /// The peer's name.
    pub(crate) peer: String,
    /// Files that were never reported.
    pub(crate) missing: usize,
    /// Whether the peer said that it lost something.
    pub(crate) told: bool,
    /// Processor time for each file, in µs.
    pub(crate) cpu_us: f64,
    /// Files per second, from the first writer's start to the last report.
    pub(crate) rate: f64,
    /// From the last close to the last report, in ms.
    pub(crate) tail_ms: f64,
    /// Half of the files were reported sooner after their close than this, in µs.
    pub(crate) p50_us: f64,
    /// 99 % of the files were.
    pub(crate) p99_us: f64,
    /// The most memory that was resident, in MB.
    pub(crate) peak_mb: f64,
}

impl Sample {
    /// From the times of the writers and of the consumer, and the peer's use before and after.
    pub(crate) fn new(
        workload: Workload,
        peer: &str,
        written: &Written,
        seen: &[Option<Instant>],
        used: (Usage, Usage),
    ) -> Self {
        let files = written.closed.len();
        let mut delays: Vec<Duration> = seen
            .iter()
            .zip(&written.closed)
            .filter_map(|(seen, closed)| Some((*seen)?.saturating_duration_since(*closed)))
            .collect();
        delays.sort_unstable();
        let share = |share: usize| {
            delays.get(delays.len() * share / 100).map_or(0.0, |delay| delay.as_secs_f64() * 1e6)
        };
        let last_seen = seen.iter().flatten().max().copied().unwrap_or(written.begun);
        let last_closed = written.closed.iter().max().copied().unwrap_or(written.begun);
        let (before, after) = used;
        Self {
            workload,
            peer: peer.to_owned(),
            missing: files - delays.len(),
            told: false,
            cpu_us: after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / files as f64,
            rate: delays.len() as f64
                / last_seen.saturating_duration_since(written.begun).as_secs_f64().max(1e-9),
            tail_ms: last_seen.saturating_duration_since(last_closed).as_secs_f64() * 1e3,
            p50_us: share(50),
            p99_us: share(99),
            peak_mb: after.peak_kb as f64 / 1024.0,
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<20} missing {:>6}, {:>7.2} µs CPU/file, {:>7.0} files/s, tail {:>8.1} ms, p50 {:>8.0} µs, p99 {:>8.0} µs, {:>6.1} MB",
            self.peer,
            self.missing,
            self.cpu_us,
            self.rate,
            self.tail_ms,
            self.p50_us,
            self.p99_us,
            self.peak_mb
        )
    }
}
