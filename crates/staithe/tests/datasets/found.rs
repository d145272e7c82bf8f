//! Datasets in directories that were just made. What happens in a directory before it is watched nobody hears: a walk
//! finds what came meanwhile, and cannot know whether it was renamed to there or is only being begun.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use testkit::chance::Chance;

use crate::stage::{Dataset, Event, POLLING, Stage, content, with_each_backend};

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { any = ["renamed_in", { all = ["members", { quiet = "4s" }] }] }

    [[source.inbox.rule]]
    name = "renamed"
    dataset = "*.renamed"
    complete = { any = ["renamed_in"] }

    [[source.inbox.rule]]
    name = "marked"
    dataset = "*.marked"
    complete = { any = ["renamed_in", { marker = "{name}.done" }] }
"#;

/// The quiet that the first of them asks for.
const QUIET: Duration = Duration::from_secs(4);

/// Has the program sleep while something is done: nothing of it is heard where the directory is new.
fn unheard<T>(stage: &mut Stage, act: impl FnOnce(&Stage) -> T) -> T {
    stage.landing.daemon().freeze();
    let done = act(stage);
    stage.landing.daemon().resume();
    done
}

/// The rename, or what stands in for it, and nothing less.
#[track_caller]
fn is_by_a_rename_or_its_stand_in(event: &Event) {
    let signals = event.signals();
    assert!([&["renamed_in"][..], &["writer_gone", "quiet"]].contains(&&*signals), "{event:?}");
}

#[test]
fn a_rename_that_nobody_could_hear_has_a_stand_in() {
    with_each_backend(|source| {
        let mut stage = Stage::start("found-renamed", source, RULES);
        let mut chance = Chance::from_environment();
        let names = ["new/a.ms", "new/b.renamed", "new/c.marked"];
        let sets = names.map(|name| {
            let outside = stage.landing.out(&name.replace('/', "-"));
            let mut set = Dataset::at(outside.clone());
            set.fill(1 + chance.below(300), &mut chance);
            (outside, set)
        });
        let sets = unheard(&mut stage, |stage| {
            fs::create_dir(stage.path("new")).expect("the tree takes directories");
            sets.map(|(outside, set)| {
                let name = outside.file_name().and_then(|name| name.to_str()).expect("it has a name");
                fs::rename(&outside, stage.path(&name.replace('-', "/"))).expect("it can be renamed");
                set
            })
        });
        for (set, name) in sets.iter().zip(names) {
            let event = stage.wait_event(name, 1);
            set.is_in(&event);
            if name == "new/a.ms" {
                // Of an `any` it is either part.
                assert!(
                    event.signals().iter().any(|signal| ["renamed_in", "quiet"].contains(signal)),
                    "{event:?}"
                );
            } else {
                is_by_a_rename_or_its_stand_in(&event);
            }
        }
        stage.assert_only(&names.map(|name| (name, 1)));
    });
}

/// What is written after it was found shows that there was no rename that finished it.
#[test]
fn what_is_written_after_it_was_found_was_not_renamed() {
    with_each_backend(|source| {
        if source == POLLING {
            // There the writing is not heard either, and could be a rename as well.
            return;
        }
        let mut stage = Stage::start("found-written", source, RULES);
        let names = ["new/b.renamed", "new/c.marked"];
        let begun = unheard(&mut stage, |stage| {
            names.map(|name| {
                let mut set = Dataset::at(stage.path(name));
                set.member("one", "1");
                let straggler = set.open("two");
                (set, straggler)
            })
        });
        for name in names {
            stage.wait_answer(name, "waiting for its writer", |it| {
                it["reason"] == "waiting.members" || it["reason"] == "waiting.marker"
            });
        }
        let mut sets = begun.map(|(mut set, mut straggler)| {
            set.append(&mut straggler, b"22");
            set.close(straggler);
            set
        });
        stage.wait_reason(names[0], "waiting.renamed-in");
        stage.wait_reason(names[1], "waiting.marker");
        stage.settle();
        stage.assert_only(&[]);
        sets[1].finished = SystemTime::now();
        stage.write("new/c.marked.done", "");
        sets[1].is_in(stage.wait_event(names[1], 1).is_by(&["marker"]));
        fs::rename(stage.path(names[0]), stage.path("new/again.renamed")).expect("it can be renamed");
        stage.wait_event("new/again.renamed", 1).is_first().is_complete(2, 3);
    });
}

/// A dataset that somebody fills with pauses, holding nothing open in them.
struct Filling {
    name: String,
    set: Dataset,
    longest_pause: Duration,
}

fn fill_slowly(name: String, mut set: Dataset, pause: Duration, chance: &mut Chance) -> Filling {
    let mut longest_pause = Duration::ZERO;
    let mut last = Instant::now();
    for number in 0..3 + chance.below(10) {
        let sub = ["", "sub/", "sub/deeper/"][chance.below(3)];
        set.member(&format!("{sub}{number}"), content(number));
        longest_pause = longest_pause.max(last.elapsed());
        last = Instant::now();
        // The instants at which the program looks are what is tested; nothing is waited for.
        std::thread::sleep(chance.up_to(pause));
    }
    Filling { name, set, longest_pause }
}

impl Filling {
    /// It is announced once, after its last member: unless this machine stood still for longer than the rule waits.
    fn is_announced(&self, stage: &Stage) -> bool {
        if self.longest_pause >= QUIET / 2 {
            eprintln!(
                "{}: its writer stood still for {:?}, which proves nothing",
                self.name, self.longest_pause
            );
            return false;
        }
        self.set.is_in(&stage.wait_event(&self.name, 1));
        true
    }
}

#[test]
fn what_is_begun_in_a_new_directory_is_not_taken_for_renamed() {
    with_each_backend(|source| {
        let mut stage = Stage::start("found-begun", source, RULES);
        let mut chance = Chance::from_environment();
        let mut judged = 0;
        for number in 0..2 {
            let name = format!("new{number}/a.ms");
            let empty = chance.flip();
            let set = unheard(&mut stage, |stage| {
                let mut set = Dataset::at(stage.path(&name));
                if !empty {
                    set.member("first", "1");
                }
                set
            });
            stage.wait_answer(&name, "found", |it| it["state"] == "waiting");
            let filling = fill_slowly(name, set, Duration::from_millis(300), &mut chance);
            judged += usize::from(filling.is_announced(&stage));
        }
        assert!(judged > 0, "this machine is too slow for this test");
    });
}

/// Nobody begins, and that is not complete either.
#[test]
fn an_empty_directory_that_was_found_waits_for_members() {
    with_each_backend(|source| {
        let mut stage = Stage::start("found-empty", source, RULES);
        let names = ["new/a.ms", "new/b.renamed"];
        unheard(&mut stage, |stage| names.map(|name| Dataset::at(stage.path(name))));
        for name in names {
            stage.wait_reason(name, "waiting.members");
        }
        stage.settle();
        stage.settle();
        stage.assert_only(&[]);
    });
}

/// Whatever the program is doing when a directory appears: walking, arming, listing.
#[test]
fn many_that_are_filled_slowly_in_new_directories_are_announced_after_their_last_member() {
    with_each_backend(|source| {
        let stage = Stage::start("found-many", source, RULES);
        let chance = Chance::from_environment();
        let filling = AtomicBool::new(true);
        let fillings: Vec<Filling> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..6)
                .map(|writer| {
                    let (mut chance, root) = (chance.fork(writer), stage.root());
                    scope.spawn(move || {
                        let name = |number| format!("w{writer}/{number}/x{}/{number}.ms", number % 2);
                        let fill = |number| {
                            let pause = chance.pick(&[0, 5, 50, 300]);
                            let pause = Duration::from_millis(pause);
                            fill_slowly(
                                name(number),
                                Dataset::at(root.join(name(number))),
                                pause,
                                &mut chance,
                            )
                        };
                        (0..6).map(fill).collect::<Vec<_>>()
                    })
                })
                .collect();
            // Beside them the program has less than one processor.
            for _ in 0..2 {
                scope.spawn(|| {
                    while filling.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let done = writers.into_iter().flat_map(|writer| writer.join().expect("it writes")).collect();
            filling.store(false, Ordering::Relaxed);
            done
        });
        let judged = fillings.iter().filter(|filling| filling.is_announced(&stage)).count();
        assert!(judged > 0, "this machine is too slow for this test");
    });
}
