//! Each preset against the habits of writers, as sequences of facts. The numbers are what the guide promises: when a
//! file is announced, and which habit fools which preset.

use std::time::Duration;

use model::{Reason, Signal, Stamp};
use settle::{Answer, Ask, Beside, Completion, PRESETS, Sample, Step, Unit, What, WriterFact};

/// What happens to the file, or is heard of it.
#[derive(Clone, Copy)]
enum Do {
    Hear(What),
    /// It has so many bytes now, and a writer has it open.
    Write(u64),
    /// Nobody has it open any more.
    Leave,
    /// It has so many names now.
    Links(u64),
    /// `NAME.done` is made.
    Mark,
}

struct Habit {
    /// Events tell of it, and leases of writers.
    told: bool,
    /// At which second what happens.
    story: Vec<(u64, Do)>,
}

const WALL: i64 = 1_800_000_000;

fn stamp(ms: u64) -> Stamp {
    Stamp::new(WALL + (ms / 1000) as i64, (ms % 1000) as u32 * 1_000_000)
}

impl Habit {
    fn told(story: impl Into<Vec<(u64, Do)>>) -> Self {
        Self { told: true, story: story.into() }
    }

    /// In which millisecond the preset believes it, looked at each tenth of a second for five minutes.
    fn believed(&self, preset: &str) -> Option<u64> {
        let rule = Completion::preset(preset).expect("a preset");
        let mut sample = Sample { size: 0, mtime: stamp(0), ctime: stamp(0), inode: 7, links: 1 };
        let (mut open, mut marked) = (false, false);
        let mut unit: Option<Unit> = None;
        let mut story = self.story.iter().peekable();
        for now in (0..300_000u64).step_by(100) {
            while let Some((_, what)) = story.next_if(|(at, _)| at * 1000 <= now) {
                let (mono, wall) = (Duration::from_millis(now), stamp(now));
                match *what {
                    Do::Hear(what) if self.told => {
                        unit.get_or_insert_with(|| Unit::heard(mono, wall)).hear(what);
                    }
                    Do::Hear(_) => {}
                    Do::Write(size) => {
                        open = true;
                        (sample.size, sample.mtime, sample.ctime) = (size, wall, wall);
                    }
                    Do::Leave => open = false,
                    Do::Links(links) => (sample.links, sample.ctime) = (links, wall),
                    Do::Mark => marked = true,
                }
                if !self.told {
                    unit.get_or_insert_with(|| Unit::scanned(mono, wall));
                }
            }
            let Some(unit) = &mut unit else { continue };
            let writer = match (self.told, open) {
                (false, _) => WriterFact::Unknown,
                (true, true) => WriterFact::Open,
                (true, false) => WriterFact::Gone,
            };
            let answer = if rule.asks == [Ask::Whole] {
                Answer::Holds(Signal::Whole)
            } else if marked {
                Answer::Holds(Signal::Marker)
            } else {
                Answer::Missing(Reason::WaitingMarker { marker: b"x.done".to_vec(), stale: false })
            };
            let answers = [answer];
            let beside = Beside { answers: &answers, ..Beside::NOTHING };
            let (mono, wall) = (Duration::from_millis(now), stamp(now));
            unit.look(sample, mono);
            if let Step::Complete(_) = unit.judge(&rule, writer, beside, mono, wall) {
                return Some(now);
            }
        }
        None
    }
}

type Named = (&'static str, fn() -> Habit);

/// Written under another name, renamed at 1 s.
fn renamed() -> Habit {
    Habit::told([(1, Do::Write(9)), (1, Do::Leave), (1, Do::Hear(What::MovedIn))])
}

/// Renamed at 1 s while a process writes it until 20 s.
fn renamed_while_open() -> Habit {
    Habit::told([
        (1, Do::Write(4)),
        (1, Do::Hear(What::MovedIn)),
        (20, Do::Write(9)),
        (20, Do::Leave),
        (20, Do::Hear(What::Closed)),
    ])
}

/// `link` at 1 s, `unlink` of the old name: OpenSSH.
fn linked() -> Habit {
    Habit::told([
        (1, Do::Write(9)),
        (1, Do::Leave),
        (1, Do::Links(2)),
        (1, Do::Hear(What::Created)),
        (2, Do::Links(1)),
        (2, Do::Hear(What::Attrib)),
    ])
}

/// `O_TMPFILE`, `linkat` at 1 s.
fn unnamed() -> Habit {
    Habit::told([(1, Do::Write(9)), (1, Do::Leave), (1, Do::Hear(What::Created))])
}

/// Written in place from 1 s to 4 s.
fn in_place() -> Habit {
    Habit::told([
        (1, Do::Hear(What::Created)),
        (1, Do::Write(4)),
        (4, Do::Write(9)),
        (4, Do::Leave),
        (4, Do::Hear(What::Closed)),
    ])
}

/// All bytes are there at once, and then they are written until 90 s with the file held open.
fn preallocated() -> Habit {
    Habit::told([
        (1, Do::Hear(What::Created)),
        (1, Do::Write(9)),
        (90, Do::Write(9)),
        (90, Do::Leave),
        (90, Do::Hear(What::Closed)),
    ])
}

/// Opened again for each of five pages, four seconds apart; the last one ends at 17 s.
fn pages() -> Habit {
    let page = |number: u64| {
        let at = 1 + 4 * number;
        [(at, Do::Write(number + 1)), (at, Do::Leave), (at, Do::Hear(What::Closed))]
    };
    Habit::told([vec![(1, Do::Hear(What::Created))], (0..5).flat_map(page).collect()].concat())
}

/// Another machine writes each three seconds until 13 s; nothing is heard of it.
fn remote() -> Habit {
    Habit { told: false, story: (0..5).map(|number| (1 + 3 * number, Do::Write(number + 1))).collect() }
}

/// In place until 4 s, and its marker at 30 s.
fn marked() -> Habit {
    let mut habit = in_place();
    habit.story.push((30, Do::Mark));
    habit
}

#[test]
fn each_preset_believes_each_habit_when_it_says() {
    let habits: [Named; 9] = [
        ("renamed", renamed),
        ("renamed while open", renamed_while_open),
        ("linked", linked),
        ("unnamed", unnamed),
        ("in place", in_place),
        ("preallocated", preallocated),
        ("pages", pages),
        ("remote", remote),
        ("marked", marked),
    ];
    let never = None;
    let s = |seconds: u64| Some(seconds * 1000);
    // In the order of the habits. What is fooled: `local` by pages (they end at 17 s), `local` by a remote
    // writer (it ends at 13 s; a rename that cannot have been heard is replaced by 2 s of quiet), `network` by
    // what stalls with the file open.
    let expected = [
        ("local", [s(1), s(20), s(1), s(1), s(4), s(90), s(1), s(3), s(4)]),
        ("network", [s(11), s(11), s(12), s(11), s(14), s(11), s(27), s(23), s(14)]),
        ("sftp", [s(1), s(20), s(1), s(1), s(9), s(95), s(22), s(18), s(9)]),
        ("rsync", [s(1), s(20), s(1), s(1), s(9), s(95), s(22), s(18), s(9)]),
        ("measurement-set", [s(61), s(80), s(62), s(61), s(64), s(150), s(77), s(73), s(64)]),
        ("dicom-series", [s(61), s(80), s(62), s(61), s(64), s(150), s(77), s(73), s(64)]),
        ("done-file", [never, never, never, never, never, never, never, never, s(30)]),
        ("scanner", [s(6), s(77), s(7), s(6), s(13), s(210), s(29), s(22), s(13)]),
        ("data-product", [s(1), s(20), s(7), s(6), s(9), s(95), s(22), s(18), s(9)]),
    ];
    assert_eq!(expected.map(|(preset, _)| preset), PRESETS.map(|preset| preset.name));
    let mut wrong = Vec::new();
    for (preset, times) in expected {
        for ((name, habit), expected) in habits.iter().zip(times) {
            let believed = habit().believed(preset);
            if believed != expected {
                wrong.push(format!("{preset}, {name}: {believed:?} and not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn presets_are_what_they_say() {
    for preset in PRESETS {
        let completion = preset.completion();
        assert_eq!(completion.preset, Some(preset.name));
        assert_eq!(Completion::preset(preset.name), Some(completion.clone()));
        assert!(completion.deadline.is_none());
        for text in [preset.purpose, preset.meaning, preset.trap] {
            assert!(!text.is_empty(), "{}", preset.name);
        }
        let asks = ["marker", "whole"].iter().any(|asked| preset.meaning.contains(asked));
        assert_eq!(asks, !completion.asks.is_empty(), "{}", preset.name);
    }
    assert_eq!(Completion::preset("locla"), None);
}
