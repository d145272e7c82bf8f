//! Pausing, stopping, restarting, replacing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use model::{Parcel, Stamp};
use sinks::Outcome;
use tempfile::TempDir;

use super::house::*;
use crate::lane::WAITING_LIMIT;
use crate::{SinkState, SinkStatus};

fn durable(dir: &TempDir, actor: &Actor, max_attempts: u32) -> House {
    House::build(Some(dir.path().to_owned()), &[actor], max_attempts)
}

#[test]
fn a_paused_sink_takes_nothing_until_it_is_resumed() {
    let actor = Actor::new(deliver);
    let house = House::of(&actor, 0);
    house.admit(["before"]);
    assert!(house.drain(SOON));
    house.dispatch.pause(house.sinks[0]);
    house.wait_for_state(SinkState::Paused);
    house.admit(paths(5));
    assert!(!house.drain(Duration::from_millis(100)));
    assert_eq!(actor.taken(), 1);
    house.dispatch.resume(house.sinks[0]);
    assert!(house.drain(SOON));
    assert_eq!(house.wait_for_state(SinkState::Ok).last_error, None);
    house.close();
}

#[test]
fn stopping_finishes_what_is_in_hand_and_records_it() {
    let dir = TempDir::new().unwrap();
    let actor = Actor::new(deliver);
    actor.hang();
    let house = durable(&dir, &actor, 0);
    house.admit(paths(25));
    wait("the call", || actor.stage().calls == 1);
    let releasing = actor.clone();
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        releasing.release();
    });
    house.close();
    release.join().unwrap();

    assert_eq!(actor.taken(), 10);
    let again = Actor::new(deliver);
    let house = durable(&dir, &again, 0);
    assert!(house.drain(SOON));
    assert_eq!(again.paths(), paths(25)[10..]);
    house.close();
}

#[test]
fn stopping_gives_up_what_does_not_end_in_time_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let actor = Actor::new(deliver);
    let house = durable(&dir, &actor, 0);
    house.admit(paths(50));
    assert!(house.drain(SOON));
    actor.hang();
    house.admit(paths(100));
    wait("the call", || actor.stage().taken.len() > 50);
    let begun = Instant::now();
    house.dispatch.stop(Duration::from_millis(100));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    house.ledger.close().unwrap();
    drop(house);

    let first: Vec<Taken> = actor.stage().taken.clone();
    let again = Actor::new(deliver);
    let house = durable(&dir, &again, 0);
    assert!(house.drain(SOON));
    let second: Vec<Taken> = again.stage().taken.clone();
    let seqs: HashSet<u64> = first.iter().chain(&second).map(|taken| taken.seq).collect();
    assert_eq!(seqs.len(), 150, "nothing is lost");
    let twice: Vec<&Taken> =
        second.iter().filter(|taken| first.iter().any(|old| old.seq == taken.seq)).collect();
    assert!(twice.len() <= 10, "no more than one batch comes twice: {}", twice.len());
    assert!(twice.iter().all(|taken| first.contains(taken)), "and with the same ids");
    house.close();
}

#[test]
fn refused_events_and_their_order_survive_a_restart() {
    let dir = TempDir::new().unwrap();
    let refuse = |batch: &[Parcel]| {
        let answer = |parcel: &Parcel| {
            if parcel.path == b"hot" { Outcome::Retry("no".into()) } else { Outcome::Delivered }
        };
        Ok(batch.iter().map(answer).collect())
    };
    let actor = Actor::new(refuse);
    let house = durable(&dir, &actor, 0);
    house.admit(["hot", "a", "hot", "b", "hot"]);
    wait("the lane to wait", || house.status().parked == 3 && actor.taken() == 2);
    let tried = actor.stage().offered.iter().filter(|(seq, _)| *seq == 1).count() as u32;
    house.close();

    let again = Actor::new(deliver);
    let house = durable(&dir, &again, 0);
    house.admit(["hot"]);
    assert!(house.drain(SOON));
    assert_eq!(again.seqs(), [1, 3, 5, 6]);
    assert!(again.stage().offered[0].1 >= tried, "attempts go on counting");
    house.close();
}

#[test]
fn a_dead_letter_is_tried_again_on_request_and_leaves_when_it_is_taken() {
    let dir = TempDir::new().unwrap();
    let reject = |batch: &[Parcel]| Ok(vec![Outcome::Rejected("no".into()); batch.len()]);
    let actor = Actor::new(reject);
    let house = durable(&dir, &actor, 0);
    house.admit(["a", "b"]);
    wait("two letters", || house.ledger.dead(None).unwrap().len() == 2);
    let now = Stamp::new(1_800_000_000, 0);
    house.ledger.dead_retry(house.sinks[0], &[1], now).unwrap();
    house.dispatch.wake(house.sinks[0]);
    wait("another rejection to be recorded", || {
        let letters = house.ledger.dead(None).unwrap();
        letters.iter().any(|row| row.parcel.seq == 1 && row.attempts == 2 && !row.retrying)
    });
    actor.play(deliver);
    house.admit(["c"]);
    house.ledger.dead_retry(house.sinks[0], &[1, 2], now).unwrap();
    house.dispatch.wake(house.sinks[0]);
    wait("all to be taken", || actor.taken() == 3);
    wait("the letters to leave", || house.ledger.dead(None).unwrap().is_empty());
    let mut taken = actor.seqs();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3]);
    house.close();
}

/// More than are held in memory at once.
#[test]
fn thousands_of_dead_letters_are_tried_again_each_once() {
    let dir = TempDir::new().unwrap();
    let reject = |batch: &[Parcel]| Ok(vec![Outcome::Rejected("no".into()); batch.len()]);
    let actor = Actor::new(reject).limit(500);
    let house = durable(&dir, &actor, 0);
    let count = WAITING_LIMIT + 1500;
    house.admit(paths(count));
    assert!(house.drain(SOON));
    actor.play(deliver);
    let seqs: Vec<u64> = (1..=count as u64).collect();
    house.ledger.dead_retry(house.sinks[0], &seqs, Stamp::new(1_800_000_000, 0)).unwrap();
    house.dispatch.wake(house.sinks[0]);
    house.admit(["new"]);
    wait("all to be taken", || actor.taken() > count);
    wait("the letters to leave", || house.ledger.dead(None).unwrap().is_empty());
    let mut taken = actor.seqs();
    taken.sort_unstable();
    assert_eq!(taken, (1..=count as u64 + 1).collect::<Vec<_>>());
    house.close();
}

#[test]
fn a_sink_that_is_replaced_under_load_loses_and_repeats_nothing() {
    let dir = TempDir::new().unwrap();
    let first = Actor::new(deliver);
    let house = durable(&dir, &first, 0);
    let id = house.sinks[0];
    let mut actors = vec![first];
    for round in 0..10 {
        house.admit(paths(200));
        let before = actors.iter().map(Actor::taken).sum::<usize>();
        wait("the load to flow", || actors.iter().map(Actor::taken).sum::<usize>() > before);
        let next = Actor::new(deliver);
        if round % 2 == 0 {
            house.dispatch.remove(id);
            assert_eq!(house.status(), SinkStatus::not_running());
        }
        house.dispatch.add(id, plan("sink0", 0), next.sink());
        actors.push(next);
    }
    assert!(house.drain(SOON));
    let seqs: Vec<u64> = actors.iter().flat_map(Actor::seqs).collect();
    assert_eq!(seqs, (1..=2000).collect::<Vec<_>>());
    house.close();
}

#[test]
fn a_removed_sink_leaves_its_backlog_in_the_ledger() {
    let actor = Actor::new(down);
    let house = House::of(&actor, 0);
    house.admit(paths(20));
    house.wait_for_state(SinkState::Retrying);
    house.dispatch.remove(house.sinks[0]);
    assert_eq!(house.status().state, SinkState::Failed);
    let later = Actor::new(deliver);
    house.dispatch.add(house.sinks[0], plan("sink0", 0), later.sink());
    assert!(house.drain(SOON));
    assert_eq!(later.paths(), paths(20));
    house.close();
}

#[test]
fn a_closed_ledger_ends_the_tasks() {
    let actor = Actor::new(deliver);
    let house = House::of(&actor, 0);
    house.admit(paths(3));
    assert!(house.drain(SOON));
    house.ledger.close().unwrap();
    let begun = Instant::now();
    house.dispatch.stop(Duration::from_secs(3));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_sink_that_panics_takes_only_its_own_task_with_it() {
    let (bad, well) = (Actor::new(|_: &[Parcel]| panic!("on purpose")), Actor::new(deliver));
    let house = House::build(None, &[&bad, &well], 0);
    house.admit(paths(100));
    wait("the other to take all", || well.taken() == 100);
    wait("the status to say so", || house.status() == SinkStatus::not_running());
    house.close();
}

#[test]
fn a_sink_lets_go_of_its_files_when_it_is_told_to() {
    let actor = Actor::new(deliver);
    let house = House::of(&actor, 0);
    for times in 1..3 {
        house.dispatch.reopen(house.sinks[0]);
        wait("the word", || actor.stage().reopens == times);
    }
    house.admit(["a"]);
    assert!(house.drain(SOON));
    assert_eq!(actor.stage().reopens, 2, "each word counts once");
    house.close();
}

#[test]
fn what_is_handed_over_is_waited_for_and_a_sink_that_is_down_is_not() {
    let (good, bad) = (Actor::new(deliver), Actor::new(down));
    let house = House::build(None, &[&good, &bad], 0);
    good.hang();
    house.admit(paths(30));
    wait("trouble", || house.dispatch.status(house.sinks[1]).state == SinkState::Retrying);
    let begun = Instant::now();
    assert_eq!(house.dispatch.hand_over(&house.sinks[1..], SOON), [(house.sinks[1], 30)]);
    assert!(begun.elapsed() < SOON / 2, "nobody waits for one that is down");
    let left = house.dispatch.hand_over(&house.sinks, Duration::from_millis(50));
    assert_eq!(left.len(), 2, "time was up");
    good.release();
    assert_eq!(house.dispatch.hand_over(&house.sinks[..1], SOON), []);
    assert_eq!(good.taken(), 30);
    house.close();
}

#[test]
fn what_a_sink_has_refused_for_now_is_not_waited_for_and_is_left() {
    let actor = Actor::new(|batch| Ok(vec![Outcome::Retry("not now".into()); batch.len()]));
    let house = House::of(&actor, 0);
    house.admit(paths(30));
    wait("the refusals", || house.ledger.sink_counts(house.sinks[0]).unwrap().retrying == 30);
    let begun = Instant::now();
    assert_eq!(house.dispatch.hand_over(&house.sinks, SOON), [(house.sinks[0], 30)]);
    assert!(begun.elapsed() < SOON / 2);
    house.close();
}

#[test]
fn a_sink_is_told_to_end_and_not_waited_for_beyond_the_end() {
    let actor = Actor::new(deliver);
    let house = House::of(&actor, 0);
    house.admit(["a"]);
    assert!(house.drain(SOON));
    actor.stage().clings = true;
    let begun = Instant::now();
    house.dispatch.stop(Duration::from_millis(100));
    assert!(begun.elapsed() < SOON / 2);
    assert_eq!(actor.taken(), 1);
    assert_eq!(actor.stage().closes, 1);
    house.close();
}
