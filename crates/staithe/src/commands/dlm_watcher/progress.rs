//! How far a backlog is, now and then.

use std::time::Duration;

/// So often it is said while it goes on.
const PAUSE: Duration = Duration::from_secs(10);
/// Where nothing moves, less and less often, but never less than this.
const LONGEST: Duration = Duration::from_mins(10);

/// The lines about one backlog, from when something is to do until nothing is. Time is a parameter.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What was registered when nothing was to do.
    idle: Option<u64>,
    backlog: Option<Backlog>,
}

#[derive(Debug)]
struct Backlog {
    begun: Duration,
    /// What was registered before.
    before: u64,
    /// When the last line was due, and how much was done by then.
    last: (Duration, u64),
    /// Until the next line.
    pause: Duration,
    told: bool,
}

impl Progress {
    /// The counts at a moment; gives a line where one is due.
    pub(super) fn at(&mut self, now: Duration, delivered: u64, open: u64) -> Option<String> {
        let Some(backlog) = &mut self.backlog else {
            if open > 0 {
                let (before, last) = (self.idle.unwrap_or(delivered), (now, 0));
                self.backlog = Some(Backlog { begun: now, before, last, pause: PAUSE, told: false });
            } else {
                self.idle = Some(delivered);
            }
            return None;
        };
        // Less than before where old products were forgotten meanwhile.
        let done = delivered.saturating_sub(backlog.before);
        if open == 0 {
            let line = backlog.told.then(|| format!("all of {}", backlog.end(now, done)));
            *self = Self { idle: Some(delivered), backlog: None };
            return line;
        }
        (now >= backlog.last.0 + backlog.pause).then(|| backlog.line(now, done, open))
    }
}

impl Backlog {
    fn line(&mut self, now: Duration, done: u64, open: u64) -> String {
        let (then, before) = std::mem::replace(&mut self.last, (now, done));
        let (fresh, passed) = (done.saturating_sub(before), now.saturating_sub(then));
        self.told = true;
        self.pause = if fresh > 0 { PAUSE } else { (self.pause * 2).min(LONGEST) };
        let all = done + open;
        let share = done * 100 / all.max(1);
        let so_far = format!("{done} of {all} products registered ({share} %), {open} to go");
        if fresh == 0 {
            return format!("{so_far}; none in the last {}", span(passed));
        }
        let rate = fresh as f64 / passed.as_secs_f64().max(0.001);
        let left = Duration::try_from_secs_f64(open as f64 / rate).unwrap_or(Duration::MAX);
        format!("{so_far}; {rate:.1} products/s, about {} left", span(left))
    }

    fn end(&self, now: Duration, done: u64) -> String {
        format!("{done} products registered in {}; nothing to go", span(now.saturating_sub(self.begun)))
    }
}

/// Two units are enough.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_line_says_what_is_done_how_fast_and_what_is_left() {
        let mut progress = Progress::default();
        assert_eq!(progress.at(seconds(1), 500, 0), None);
        assert_eq!(progress.at(seconds(2), 503, 10_197), None, "nothing is known yet");
        assert_eq!(progress.at(seconds(11), 1200, 9500), None, "too early");
        let line = progress.at(seconds(12), 1280, 9420).unwrap();
        let wanted =
            "780 of 10200 products registered (7 %), 9420 to go; 78.0 products/s, about 2 min 0 s left";
        assert_eq!(line, wanted);
        let line = progress.at(seconds(23), 1390, 9310).unwrap();
        assert!(
            line.ends_with("; 10.0 products/s, about 15 min 31 s left"),
            "of late, not on average: {line}"
        );
        let end = progress.at(seconds(142), 10_700, 0).unwrap();
        assert_eq!(end, "all of 10200 products registered in 2 min 20 s; nothing to go");
        assert_eq!(progress.at(seconds(200), 10_700, 0), None);
    }

    #[test]
    fn what_is_quickly_done_is_not_talked_of() {
        let mut progress = Progress::default();
        for second in (0..100).step_by(2) {
            assert_eq!(progress.at(seconds(second), second, 1), None);
            assert_eq!(progress.at(seconds(second + 1), second + 1, 0), None);
        }
    }

    #[test]
    fn where_nothing_moves_the_lines_become_rarer_until_something_does() {
        let mut progress = Progress::default();
        let said = |progress: &mut Progress, from: u64, to: u64, delivered: u64| {
            (from..to)
                .filter_map(|at| progress.at(seconds(at), delivered, 3).map(|line| (at, line)))
                .collect()
        };
        let lines: Vec<(u64, String)> = said(&mut progress, 0, 4000, 7);
        let times: Vec<u64> = lines.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [10, 30, 70, 150, 310, 630, 1230, 1830, 2430, 3030, 3630]);
        assert_eq!(lines[1].1, "0 of 3 products registered (0 %), 3 to go; none in the last 20 s");
        let moved: Vec<(u64, String)> = said(&mut progress, 4000, 4300, 8);
        // At the time that was set before it moved; then as at the beginning.
        assert_eq!(moved.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [4230, 4240, 4260]);
    }

    #[test]
    fn counts_that_shrink_do_no_harm() {
        let mut progress = Progress::default();
        assert_eq!(progress.at(seconds(0), 100, 5), None);
        let line = progress.at(seconds(10), 20, 5).unwrap();
        assert!(line.starts_with("0 of 5 products registered"), "{line}");
    }

    #[test]
    fn spans() {
        let shown = [0, 59, 60, 3599, 3600, 90_061].map(|at| span(seconds(at)));
        assert_eq!(shown, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "25 h 1 min"]);
    }
}
