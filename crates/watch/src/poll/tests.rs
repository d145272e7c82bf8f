//! Polling on a file system in memory: every property with clocks that are coarse, and wrong.

use super::*;
use fake::{Clock, Dice, World};

#[path = "fake.rs"]
mod fake;

const SECOND: Duration = Duration::from_secs(1);
const EXACT: Clock = Clock { tick: Duration::from_nanos(1), offset: 0 };

fn seconds(seconds: u64) -> Mono {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Mono {
    Duration::from_millis(millis)
}

fn each(interval: Duration) -> Pace {
    Pace { interval, full: None }
}

/// The clocks of ext4, of an older one, of ext3 and of vfat.
const TICKS: [Duration; 4] =
    [Duration::from_nanos(1), Duration::from_millis(4), Duration::from_secs(1), Duration::from_secs(2)];

/// Equal, a little off, hours off, and such that our seconds begin amid theirs.
const OFFSETS: [i64; 5] = [0, 700_000_001, -1_300_000_000, 7_200_000_000_000, -86_400_500_000_000];

/// Runs the test for many seeds; a failure says which.
fn for_seeds(seeds: u64, clock: Clock, test: impl Fn(u64) + std::panic::RefUnwindSafe) {
    for seed in 0..seeds {
        if let Err(panic) = std::panic::catch_unwind(|| test(seed)) {
            eprintln!("failed with seed {seed}, {clock:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Things happen to the directories at random moments, often several within one tick, until `end`.
fn live(world: &mut World<'_>, end: Mono, most_often: u64) -> Mono {
    let dirs = world.fs.ids();
    let mut last = world.now;
    loop {
        let pause = world.dice.millis(most_often);
        if world.now + pause > end {
            return last;
        }
        last = world.now + pause;
        world.run(last);
        for _ in 0..=world.dice.roll(2) {
            let dir = dirs[world.dice.roll(dirs.len() as u64) as usize];
            world.fs.change(dir, last, &mut world.dice);
        }
    }
}

fn assert_all_seen(world: &World<'_>) {
    for (dir, fake) in &world.fs.dirs {
        assert_eq!(world.seen[dir], fake.entries, "{dir:?}");
    }
}

/// The first pass that begins after the last change finds it, whatever the clocks.
#[test]
fn when_all_is_quiet_everything_has_been_seen() {
    for clock in TICKS.into_iter().flat_map(|tick| OFFSETS.map(|offset| Clock { tick, offset })) {
        for_seeds(6, clock, |seed| {
            let mut world = World::new(seed, clock, 6, each(SECOND)).delay(|_, dice| Some(dice.millis(90)));
            let last = live(&mut world, seconds(40), 600);
            // A pass that is under way, its rest, and the pass that finds it.
            world.run(last + SECOND + 3 * millis(90));
            assert_all_seen(&world);
        });
    }
}

/// The same where scanners are slow and some answers never come.
#[test]
fn slow_scanners_and_lost_answers_hide_only_what_they_were_sent_to() {
    for (tick, offset) in [(TICKS[1], OFFSETS[1]), (TICKS[3], OFFSETS[0]), (TICKS[3], OFFSETS[4])] {
        let clock = Clock { tick, offset };
        for_seeds(6, clock, |seed| {
            let slowest = millis(400);
            let mut world = World::new(seed, clock, 6, each(SECOND))
                .delay(move |_, dice| (dice.roll(60) > 0).then(|| dice.millis(400)));
            let last = live(&mut world, seconds(60), 900);
            world.run(last + PATIENCE + CHEAP_SHARE * slowest + 3 * slowest);
            let away: Vec<DirId> = world.book.overdue(Mono::MAX).collect();
            for (dir, fake) in world.fs.dirs.iter().filter(|(dir, _)| !away.contains(dir)) {
                assert_eq!(world.seen[dir], fake.entries, "{dir:?}");
            }
            world.unstick();
            world.run(world.now + SECOND + CHEAP_SHARE * slowest + PATIENCE);
            assert_all_seen(&world);
        });
    }
}

#[test]
fn an_unchanged_tree_costs_one_stat_for_each_directory_and_pass() {
    let mut world = World::new(1, Clock { tick: TICKS[3], offset: 0 }, 50, each(SECOND))
        .delay(|_, dice| Some(dice.millis(50)));
    for dir in world.fs.ids() {
        world.fs.grow(dir, Mono::ZERO);
    }
    world.run(seconds(10));
    world.asked.clear();
    world.run(seconds(40));
    assert!(world.asked.iter().all(|(_, _, want)| *want != Want::Listing), "a trusted directory was listed");
    for dir in world.fs.ids() {
        let asked = world.moments(dir).len();
        assert!((27..=30).contains(&asked), "{dir:?} was asked {asked} times in 30 s");
    }
}

#[test]
fn a_directory_with_changes_is_asked_ten_times_as_often_until_it_cools_down() {
    let mut world = World::new(1, EXACT, 2, each(SECOND));
    let dirs = world.fs.ids();
    world.run(seconds(5));
    for _ in 0..20 {
        world.fs.grow(dirs[0], world.now);
        world.run(world.now + millis(500));
    }
    let quiet = world.now;
    let asked = |world: &World<'_>, dir, from, to| {
        world.moments(dir).iter().filter(|at| (from..to).contains(*at)).count()
    };
    world.run(seconds(60));
    assert!((90..=101).contains(&asked(&world, dirs[0], seconds(5), quiet)), "{:?}", world.moments(dirs[0]));
    assert!((9..=11).contains(&asked(&world, dirs[1], seconds(5), quiet)));
    let cold = quiet + HOT_FOR;
    assert_eq!(asked(&world, dirs[0], cold, seconds(60)), asked(&world, dirs[1], cold, seconds(60)));
}

#[test]
fn no_more_than_so_many_are_hot_and_none_is_asked_too_often() {
    let mut world = World::new(1, EXACT, 2 * HOT_MOST, each(millis(200)));
    world.run(seconds(5));
    for dir in world.fs.ids() {
        world.fs.grow(dir, seconds(5));
    }
    world.run(millis(5200));
    world.asked.clear();
    world.run(millis(5390));
    let asked: std::collections::BTreeSet<DirId> = world.asked.iter().map(|(_, dir, _)| *dir).collect();
    assert_eq!(asked.len(), HOT_MOST);
    for dir in asked {
        let moments = world.moments(dir);
        assert!(
            moments.len() >= 2 && moments.windows(2).all(|two| two[1] >= two[0] + HOT_LEAST),
            "{moments:?}"
        );
    }
}

#[test]
fn a_huge_directory_is_never_hot() {
    let mut book = Book::new(each(SECOND));
    let mut fs = fake::FakeTree::new(EXACT, 1);
    let dir = fs.ids()[0];
    book.take_on(dir, Some(fs.signature(dir)), Mono::ZERO);
    assert_eq!(book.asks(SECOND).len(), 1);
    fs.grow(dir, SECOND);
    book.answered(dir, Some((fs.signature(dir), HOT_ENTRIES + 1)), SECOND);
    assert_eq!(book.next(), Some(2 * SECOND));
    assert_eq!(book.asks(2 * SECOND).len(), 1);
    fs.grow(dir, 2 * SECOND);
    book.answered(dir, Some((fs.signature(dir), HOT_ENTRIES)), 2 * SECOND);
    assert_eq!(book.next(), Some(2 * SECOND + SECOND / HOT_TIMES), "it is small enough now");
}

#[test]
fn a_question_without_an_answer_holds_up_nobody_else() {
    for_seeds(5, EXACT, |seed| {
        let mut world = World::new(seed, EXACT, 8, each(SECOND));
        let dirs = world.fs.ids();
        let stuck = dirs[seed as usize];
        world.delay = Box::new(move |dir, dice| (dir != stuck).then(|| dice.millis(20)));
        world.run(seconds(40));
        assert_eq!(world.moments(stuck).len(), 1, "asked again without an answer");
        assert_eq!(world.book.overdue(world.now).collect::<Vec<_>>(), [stuck]);
        for dir in dirs.iter().filter(|dir| **dir != stuck) {
            let moments = world.moments(*dir);
            let longest = moments.windows(2).map(|two| two[1].saturating_sub(two[0])).max().unwrap();
            // Once, by the first pass.
            assert!(longest <= PATIENCE + SECOND + millis(20), "{longest:?}");
            assert!(moments.len() >= 33, "{dir:?}: {}", moments.len());
        }
        world.fs.grow(stuck, world.now);
        world.unstick();
        world.run(world.now + 2 * SECOND);
        assert_eq!(world.book.overdue(world.now).count(), 0);
        assert!(world.moments(stuck).len() > 1, "never asked again");
        assert_all_seen(&world);
    });
}

/// Four scanners take their time for a large tree: nobody is stuck as long as answers come.
#[test]
fn a_long_queue_is_not_stuck() {
    let mut book = Book::new(each(SECOND));
    let fs = fake::FakeTree::new(EXACT, 100);
    for dir in fs.ids() {
        book.take_on(dir, None, Mono::ZERO);
    }
    let mut now = SECOND;
    let asks = book.asks(now);
    let (last, others) = asks.split_last().unwrap();
    for (dir, _) in others {
        now += SECOND;
        book.answered(*dir, Some((fs.signature(*dir), 0)), now);
        assert_eq!(book.overdue(now).count(), 0);
        assert!(book.asks(now).is_empty(), "the pass is not over");
    }
    now += PATIENCE;
    assert!(book.asks(now).is_empty());
    assert_eq!(book.overdue(now).collect::<Vec<_>>(), [last.0], "this one is");
}

/// Which passes there were: when each began, and whether everything was listed.
fn passes(world: &World<'_>) -> Vec<(Mono, bool)> {
    let mut passes: Vec<(Mono, bool)> = Vec::new();
    for (at, _, want) in &world.asked {
        match passes.last_mut().filter(|(began, _)| began == at) {
            Some((_, full)) => *full &= *want == Want::Listing,
            None => passes.push((*at, *want == Want::Listing)),
        }
    }
    passes
}

fn full_passes(world: &World<'_>, from: Mono) -> Vec<Mono> {
    passes(world).into_iter().filter(|(at, full)| *full && *at >= from).map(|(at, _)| at).collect()
}

#[test]
fn full_passes_come_as_configured_or_take_a_twentieth_of_the_time() {
    let took = millis(500);
    for (full, took, pause) in [
        (Some(seconds(7)), took, seconds(7)),
        (None, millis(100), FULL_LEAST),
        (None, took, FULL_SHARE * took),
        // As configured, but not most of the time.
        (Some(SECOND), seconds(4), seconds(8)),
    ] {
        let pace = Pace { interval: SECOND, full };
        let mut world = World::new(1, EXACT, 5, pace).delay(move |_, _| Some(took));
        world.book.make_full(true, Mono::ZERO);
        world.run(seconds(200));
        // Later than that every directory is trusted, and what lists all is a full pass.
        let full = full_passes(&world, seconds(60));
        assert!(full.len() > 5, "{full:?}");
        let late = if took < SECOND { took + SECOND } else { took + CHEAP_SHARE * took };
        for two in full.windows(2) {
            let paused = two[1].saturating_sub(two[0] + took);
            // A cheap pass that is under way is not cut short.
            assert!(paused >= pause && paused <= pause + late, "{took:?}: {paused:?} instead of {pause:?}");
        }
        world.book.make_full(false, world.now);
        world.run(seconds(400));
        assert_eq!(full_passes(&world, seconds(201)), [], "others make them now");
    }
}

#[test]
fn a_full_pass_lists_hot_directories_and_those_that_were_just_asked() {
    let pace = Pace { interval: SECOND, full: Some(seconds(10)) };
    let mut world = World::new(1, EXACT, 3, pace).delay(|_, dice| Some(dice.millis(150)));
    let dirs = world.fs.ids();
    world.book.make_full(true, Mono::ZERO);
    world.run(seconds(8));
    world.fs.grow(dirs[0], world.now);
    world.run(seconds(36));
    // Hot until second 38 or so, and trusted since 12.
    for from in [seconds(15), seconds(25)] {
        let window = from..from + seconds(10) + seconds(2);
        let listed = |dir| {
            world
                .asked
                .iter()
                .any(|(at, asked, want)| *asked == dir && *want == Want::Listing && window.contains(at))
        };
        assert!(dirs.iter().all(|dir| listed(*dir)), "within {window:?}: {:?}", world.asked);
    }
}

#[test]
fn a_cheap_pass_takes_a_tenth_of_the_time_and_pays_for_no_full_one() {
    // 2 s for a pass: 20 s of rest.
    let mut world = World::new(1, EXACT, 3, each(SECOND)).delay(|_, _| Some(seconds(2)));
    world.run(seconds(100));
    let cheap: Vec<Mono> = passes(&world).iter().map(|(at, _)| *at).collect();
    assert!(
        cheap.windows(2).all(|two| two[1] >= two[0] + seconds(2) + CHEAP_SHARE * seconds(2)),
        "{cheap:?}"
    );
    assert!(cheap.len() >= 4, "{cheap:?}");
    // A stat is fast and a listing takes 4 s.
    let mut book = Book::new(Pace { interval: SECOND, full: Some(seconds(30)) });
    let fs = fake::FakeTree::new(EXACT, 1);
    let dir = fs.ids()[0];
    book.take_on(dir, Some(fs.signature(dir)), Mono::ZERO);
    book.make_full(true, Mono::ZERO);
    assert_eq!(book.asks(seconds(30)), [(dir, Want::Listing)]);
    book.answered(dir, Some((fs.signature(dir), 0)), seconds(34));
    assert_eq!(book.asks(seconds(35)).len(), 1, "cheap passes go on");
}

#[test]
fn a_new_pace_counts_from_the_last_pass() {
    let mut world = World::new(1, EXACT, 2, each(seconds(3600)));
    world.book.make_full(true, Mono::ZERO);
    world.book.set_pace(Pace { interval: seconds(3600), full: Some(seconds(7200)) });
    world.run(seconds(10));
    assert_eq!(world.asked.len(), 0);
    world.book.set_pace(Pace { interval: SECOND, full: Some(seconds(7200)) });
    world.run(seconds(20));
    assert_eq!(passes(&world).len(), 11);
    world.book.set_pace(Pace { interval: seconds(5), full: Some(seconds(7200)) });
    world.asked.clear();
    world.run(seconds(40));
    assert_eq!(passes(&world).len(), 4);
}

/// Directories come and go at any moment, also while they are asked for.
#[test]
fn no_pass_stays_open_for_directories_that_left() {
    for_seeds(40, EXACT, |seed| {
        let mut dice = Dice::new(seed);
        let pace = Pace { interval: SECOND, full: Some(seconds(4)) };
        let mut book = Book::new(pace);
        book.make_full(true, Mono::ZERO);
        let fs = fake::FakeTree::new(EXACT, 6);
        let dirs = fs.ids();
        // Old answers may come after the directory has left and has come again.
        let mut on_the_way: Vec<DirId> = Vec::new();
        let mut now = Mono::ZERO;
        for _ in 0..400 {
            now += dice.millis(200);
            let dir = dirs[dice.roll(6) as usize];
            match dice.roll(4) {
                0 => book.let_go(dir),
                1 => book.take_on(dir, (dice.roll(2) == 0).then(|| fs.signature(dir)), now),
                _ if on_the_way.is_empty() => {}
                _ => {
                    let dir = on_the_way.swap_remove(dice.roll(on_the_way.len() as u64) as usize);
                    book.answered(dir, Some((fs.signature(dir), 0)), now);
                }
            }
            on_the_way.extend(book.asks(now).into_iter().map(|(dir, _)| dir));
        }
        on_the_way.drain(..).for_each(|dir| book.answered(dir, None, now));
        for dir in &dirs {
            book.let_go(*dir);
        }
        assert_eq!((book.len(), book.next()), (0, None));
        book.take_on(dirs[0], None, now);
        // Also an open full pass with nobody left ends at once.
        let mut asks = Vec::new();
        while asks.is_empty() {
            let next = book.next().unwrap();
            assert!(next <= now + SECOND, "{next:?} at {now:?}");
            asks = book.asks(next);
        }
    });
}

#[test]
fn a_pass_whose_last_directory_leaves_is_over() {
    let mut book = Book::new(each(SECOND));
    let fs = fake::FakeTree::new(EXACT, 2);
    let dirs = fs.ids();
    for dir in &dirs {
        book.take_on(*dir, None, Mono::ZERO);
    }
    assert_eq!(book.asks(SECOND).len(), 2);
    book.answered(dirs[0], None, SECOND + millis(10));
    book.let_go(dirs[1]);
    assert_eq!(book.next(), Some(SECOND + millis(10)), "at once, and not after the longest patience");
    assert_eq!(book.asks(SECOND + millis(20)).len(), 0);
    assert_eq!(book.next(), Some(2 * SECOND + millis(20)));
}

#[test]
fn what_could_not_be_listed_is_tried_again_when_its_times_change() {
    let mut book = Book::new(each(SECOND));
    let mut fs = fake::FakeTree::new(EXACT, 1);
    let dir = fs.ids()[0];
    book.take_on(dir, None, Mono::ZERO);
    let mut wants = Vec::new();
    for now in 1..=6 {
        wants.extend(book.asks(seconds(now)));
        book.refused(dir, Some(fs.signature(dir)), seconds(now));
    }
    assert_eq!(wants.last(), Some(&(dir, Want::IfNot(fs.signature(dir)))), "not in every pass");
    let closed = fs.signature(dir);
    fs.grow(dir, seconds(7));
    assert_eq!(book.asks(seconds(7)), [(dir, Want::IfNot(closed))]);
}

/// An answer that was long on its way tells of a listing that may have been made at its beginning.
#[test]
fn a_listing_counts_from_its_question_and_not_from_its_answer() {
    let mut book = Book::new(each(SECOND));
    let fs = fake::FakeTree::new(EXACT, 1);
    let dir = fs.ids()[0];
    let listed = Some((fs.signature(dir), 0));
    book.take_on(dir, None, Mono::ZERO);
    assert_eq!(book.asks(SECOND).len(), 1);
    book.answered(dir, listed, SECOND);
    assert_eq!(book.asks(2 * SECOND), [(dir, Want::Again)]);
    book.answered(dir, listed, 2 * SECOND + TRUST_AFTER);
    let next = book.next().unwrap();
    assert_eq!(book.asks(next), [(dir, Want::Again)]);
}

#[test]
fn an_answer_for_an_earlier_pass_ends_no_later_one() {
    let mut book = Book::new(each(SECOND));
    let fs = fake::FakeTree::new(EXACT, 2);
    let (late, other) = (fs.ids()[0], fs.ids()[1]);
    for dir in fs.ids() {
        book.take_on(dir, None, Mono::ZERO);
    }
    assert_eq!(book.asks(SECOND).len(), 2);
    book.answered(other, None, SECOND);
    assert_eq!(book.asks(SECOND + PATIENCE), []);
    let second = book.next().unwrap();
    assert_eq!(book.asks(second), [(other, Want::Listing)]);
    book.answered(late, None, second);
    assert_eq!(book.next(), Some(second + PATIENCE), "it waits for the other");
}
