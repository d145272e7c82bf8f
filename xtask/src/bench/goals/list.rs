//! The goals, as they were set before the program was written: ratios to what a peer or the kernel reaches in the same
//! run.

use super::check::{Bound, Check, Measure, Spot};
use crate::bench::figure::Figure;
use crate::bench::peers::{
    DIRECTORIES, FAN, FLUSH_EACH, FLUSH_HUNDRED, FULL_PASS, INO, INO_PUSH, INOTIFYWAIT, NOTIFY, NOTIFY_POLL,
    OBSERVER, QUICK_PASS, RUN, RUN_POWER, STAND_IN, STAT, WATCH, WATCH_FANOTIFY, WATCH_POLL, WATCHDOG,
    WATCHDOG_SNAPSHOT,
};
use crate::bench::workload::Workload;

/// What each goal is about.
pub(crate) const GOALS: &[(&str, &str)] = &[
    ("G1", "a burst costs little and loses nothing"),
    ("G2", "a reader that stands still loses nothing"),
    ("G3", "an overflow is told and healed"),
    ("G4", "an arrival is told at once"),
    ("G5", "a start on a large tree is cheap"),
    ("G6", "new directories lose nothing, in any mode"),
    ("G7", "polling is cheap"),
    ("G8", "into Redis, far above what was there before"),
    ("G9", "into Redis at once"),
    ("G10", "idle is idle"),
    ("G11", "the journal does not hold up a burst"),
];

/// What each goal demands.
pub(crate) const CHECKS: &[Check] = &[
    at_most("G1", "CPU, inotify", ratio(W1, CPU, &[WATCH], &[INO]), 1.5),
    at_most("G1", "CPU, fanotify", ratio(W1, CPU, &[WATCH_FANOTIFY], &[FAN]), 1.5),
    at_most("G1", "CPU", ratio(W1, CPU, &[WATCH], &[NOTIFY]), 0.75),
    at_most("G1", "CPU", ratio(W1, CPU, &[WATCH], &[WATCHDOG]), 0.05),
    at_most(
        "G1",
        "lost of 50 000, inotify and fanotify",
        Measure::Most(
            &[spot(W1, LOST, &[WATCH]), spot(W1, LOST, &[WATCH_FANOTIFY])],
            spot(W1, LOST, &[WATCHDOG]),
        ),
        0.0,
    ),
    at_most("G1", "lost of 200 000", most(&[spot(Workload::W1Big, LOST, &[WATCH])], &[NOTIFY]), 0.0),
    at_most(
        "G2",
        "lost of 100 000, 1 s",
        most(&[spot(STALL, LOST, &[WATCH]), spot(STALL, LOST, &[RUN])], &[NOTIFY]),
        0.0,
    ),
    at_most("G2", "lost of 100 000, 5 s", most(&[spot(Workload::W1Stall5, LOST, &[WATCH])], &[NOTIFY]), 0.0),
    at_most(
        "G2",
        "bytes grown for each file, with a ledger",
        middle(STALL, Figure::Growth, &[RUN], &[NOTIFY]),
        100.0,
    ),
    at_most(
        "G2",
        "bytes grown for each file, in memory",
        middle(STALL, Figure::Growth, &[WATCH], &[NOTIFY]),
        100.0,
    ),
    at_most("G3", "lost of 50 000", most(&[spot(Workload::W1Overflow, LOST, &[WATCH])], &[NOTIFY]), 0.0),
    at_least(
        "G3",
        "share of the runs in which it is told",
        Measure::Told(
            spot(Workload::W1Overflow, LOST, &[WATCH]),
            spot(Workload::W1Overflow, LOST, &[INOTIFYWAIT]),
        ),
        1.0,
    ),
    at_most("G4", "p50 with the ledger", ratio(W2, P50, &[RUN], &[INO]), 2.0),
    at_most("G4", "p50 with the ledger", ratio(W2, P50, &[RUN], &[INOTIFYWAIT]), 1.5),
    at_most("G4", "p50 without a ledger", ratio(W2, P50, &[WATCH], &[INO]), 2.0),
    at_most("G4", "a flush for each commit adds to p50, in fdatasyncs", surplus(W2, &[RUN]), 1.0),
    at_most("G5", "CPU of the start", ratio(W3, Figure::StartCpuMs, &[WATCH], &[INO]), 1.3),
    at_most("G5", "CPU of the start", ratio(W3, Figure::StartCpuMs, &[WATCH], &[NOTIFY]), 0.6),
    at_most("G5", "resident memory", ratio(W3, Figure::ResidentMb, &[WATCH], &[NOTIFY]), 0.5),
    at_most(
        "G5",
        "ms of the start, fanotify",
        middle(W3, Figure::StartMs, &[WATCH_FANOTIFY], &[NOTIFY]),
        50.0,
    ),
    at_most("G6", "lost, inotify", new_folders(&LOST_BY_INOTIFY), 0.0),
    at_most("G6", "lost, fanotify", new_folders(&LOST_BY_FANOTIFY), 0.0),
    at_most("G6", "lost, polling", new_folders(&LOST_BY_POLLING), 0.0),
    at_most(
        "G6",
        "repeated, %, all three",
        Measure::Most(&REPEATED, spot(W4C, Figure::Repeated, &[INO])),
        2.0,
    ),
    at_most("G7", "a pass over unchanged directories", ratio(W5, PASS, &[QUICK_PASS], &[DIRECTORIES]), 2.0),
    at_most("G7", "a pass over unchanged directories", ratio(W5, PASS, &[QUICK_PASS], &[STAT]), 0.025),
    at_most("G7", "a full pass", ratio(W5, PASS, &[FULL_PASS], &[STAT]), 1.5),
    at_most("G7", "a full pass", ratio(W5, PASS, &[FULL_PASS], &[WATCHDOG_SNAPSHOT]), 0.125),
    at_most("G7", "memory", ratio(W5, Figure::PeakMb, &[FULL_PASS], &[WATCHDOG_SNAPSHOT]), 0.125),
    at_most(
        "G7",
        "10 000 directories each second",
        ratio(Workload::W7Poll, Figure::Percent, &[WATCH_POLL], &[NOTIFY_POLL]),
        0.1,
    ),
    at_least("G8", "files/s", ratio(W6, Figure::Rate, &[RUN], BEFORE), 10.0),
    at_least("G8", "files/s by itself", middle(W6, Figure::Rate, &[RUN], BEFORE), 25_000.0),
    at_least("G8", "files/s", ratio(W6, Figure::Rate, &[RUN], &[INO_PUSH]), 0.7),
    at_most("G8", "CPU in a burst", ratio(W6, CPU, &[RUN], BEFORE), 0.1),
    at_most("G8", "CPU at 2 000 files/s", ratio(PACED, CPU, &[RUN], BEFORE), 0.333),
    at_most("G8", "tail of the burst, ms", middle(W6, Figure::TailMs, &[RUN], BEFORE), 100.0),
    at_most("G8", "tail at 2 000 files/s, ms", middle(PACED, Figure::TailMs, &[RUN], BEFORE), 100.0),
    at_most("G8", "lost of 50 000", most(&[spot(W6, LOST, &[RUN])], BEFORE), 0.0),
    at_most("G9", "p50 without a flush", ratio(W6LAT, P50, &[RUN], BEFORE), 0.5),
    at_most("G9", "p50 with a flush beyond that, in fdatasyncs", surplus(W6LAT, BEFORE), 1.0),
    at_most("G10", "% of a core, inotify", middle(W7, Figure::Percent, &[WATCH], &[NOTIFY]), 0.05),
    at_most("G10", "% of a core, fanotify", middle(W7, Figure::Percent, &[WATCH_FANOTIFY], &[NOTIFY]), 0.05),
    at_least("G11", "records/s with a flush for each commit", journal(&[FLUSH_HUNDRED]), 0.5),
    at_least(
        "G11",
        "files/s by itself",
        middle(Workload::Journal, Figure::PerSecond, &[RUN_POWER], &[FLUSH_EACH]),
        20_000.0,
    ),
];

const W1: Workload = Workload::W1;
const STALL: Workload = Workload::W1Stall;
const W2: Workload = Workload::W2;
const W3: Workload = Workload::W3;
const W4A: Workload = Workload::W4a;
const W4B: Workload = Workload::W4b;
const W4C: Workload = Workload::W4c;
const W5: Workload = Workload::W5;
const W6: Workload = Workload::W6;
const PACED: Workload = Workload::W6Paced;
const W6LAT: Workload = Workload::W6Lat;
const W7: Workload = Workload::W7;
const LOST: Figure = Figure::Missing;
const CPU: Figure = Figure::CpuUs;
const P50: Figure = Figure::P50;
const PASS: Figure = Figure::PassMs;

/// What G8 and G9 are compared with: the original where it is here, else what stands in for it.
const BEFORE: &[&str] = &[OBSERVER, STAND_IN];

const LOST_BY_INOTIFY: [Spot; 3] = lost_in_new_folders(&[WATCH]);
const LOST_BY_FANOTIFY: [Spot; 3] = lost_in_new_folders(&[WATCH_FANOTIFY]);
const LOST_BY_POLLING: [Spot; 3] = lost_in_new_folders(&[WATCH_POLL]);
const REPEATED: [Spot; 9] = [
    spot(W4A, Figure::Repeated, &[WATCH]),
    spot(W4B, Figure::Repeated, &[WATCH]),
    spot(W4C, Figure::Repeated, &[WATCH]),
    spot(W4A, Figure::Repeated, &[WATCH_FANOTIFY]),
    spot(W4B, Figure::Repeated, &[WATCH_FANOTIFY]),
    spot(W4C, Figure::Repeated, &[WATCH_FANOTIFY]),
    spot(W4A, Figure::Repeated, &[WATCH_POLL]),
    spot(W4B, Figure::Repeated, &[WATCH_POLL]),
    spot(W4C, Figure::Repeated, &[WATCH_POLL]),
];

/// What was removed before anybody could look is fair to miss.
const fn lost_in_new_folders(ours: &'static [&'static str]) -> [Spot; 3] {
    [spot(W4A, LOST, ours), spot(W4B, LOST, ours), spot(W4C, Figure::MissingAtEnd, ours)]
}

const fn new_folders(spots: &'static [Spot; 3]) -> Measure {
    Measure::Most(spots, spot(W4B, LOST, &[NOTIFY]))
}

const fn spot(workload: Workload, figure: Figure, programs: &'static [&'static str]) -> Spot {
    Spot { workload, figure, programs }
}

const fn ratio(
    workload: Workload,
    figure: Figure,
    ours: &'static [&'static str],
    beside: &'static [&'static str],
) -> Measure {
    Measure::Ratio(spot(workload, figure, ours), spot(workload, figure, beside))
}

const fn middle(
    workload: Workload,
    figure: Figure,
    ours: &'static [&'static str],
    beside: &'static [&'static str],
) -> Measure {
    Measure::Middle(spot(workload, figure, ours), spot(workload, figure, beside))
}

const fn most(spots: &'static [Spot], beside: &'static [&'static str]) -> Measure {
    let first = spots[0];
    Measure::Most(spots, spot(first.workload, first.figure, beside))
}

/// What a flush for each commit adds to half the latencies, measured in single flushes of the same disk.
const fn surplus(workload: Workload, beside: &'static [&'static str]) -> Measure {
    let flush = spot(Workload::Journal, Figure::UnitUs, &[FLUSH_EACH]);
    Measure::Surplus(spot(workload, P50, &[RUN_POWER]), spot(workload, P50, beside), flush)
}

const fn journal(beside: &'static [&'static str]) -> Measure {
    ratio(Workload::Journal, Figure::PerSecond, &[RUN_POWER], beside)
}

const fn at_most(goal: &'static str, says: &'static str, measure: Measure, most: f64) -> Check {
    Check { goal, says, measure, bound: Bound::AtMost(most) }
}

const fn at_least(goal: &'static str, says: &'static str, measure: Measure, least: f64) -> Check {
    Check { goal, says, measure, bound: Bound::AtLeast(least) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::turns;

    #[test]
    fn every_goal_has_demands_and_every_demand_has_its_programs() {
        for (goal, _) in GOALS {
            assert!(CHECKS.iter().any(|check| check.goal == *goal), "{goal}");
        }
        for check in CHECKS {
            let mut spots = Vec::new();
            match check.measure {
                Measure::Ratio(a, b) | Measure::Middle(a, b) | Measure::Told(a, b) => spots.extend([a, b]),
                Measure::Surplus(a, b, c) => spots.extend([a, b, c]),
                Measure::Most(all, b) => spots.extend(all.iter().copied().chain([b])),
            }
            for spot in spots {
                let here = turns(spot.workload, false);
                let all = spot.programs.iter().all(|program| here.contains(program));
                assert!(all, "{} {:?}", check.goal, spot);
            }
        }
    }
}
