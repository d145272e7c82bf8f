//! What is held in memory is bounded, whatever the sinks do.

use model::Parcel;
use sinks::Outcome;

use super::house::*;
use crate::lane::WAITING_LIMIT;

/// The most that was held while `condition` was waited for.
fn most_held(house: &House, what: &str, mut condition: impl FnMut() -> bool) -> u64 {
    let mut most = 0;
    wait(what, || {
        most = most.max(house.status().held);
        condition()
    });
    most
}

#[test]
fn a_sink_that_is_down_holds_two_batches() {
    let actor = Actor::new(down);
    let house = House::of(&actor, 0);
    house.admit(paths(10_000));
    let most = most_held(&house, "many tries", || house.notes.read().troubles.len() > 20);
    assert!(most <= 30, "{most} held");
    actor.play(deliver);
    assert!(house.drain(SOON));
    assert_eq!(actor.paths(), paths(10_000));
    house.close();
}

#[test]
fn a_sink_that_refuses_everything_holds_no_more_than_the_limit() {
    let actor = Actor::new(|batch: &[Parcel]| Ok(vec![Outcome::Retry("no".into()); batch.len()])).limit(100);
    let house = House::of(&actor, 0);
    let count = WAITING_LIMIT + 2000;
    house.admit(paths(count));
    let most = most_held(&house, "the limit", || house.status().parked as usize >= WAITING_LIMIT);
    assert!(most as usize <= WAITING_LIMIT + 300, "{most} held");
    let offered = actor.stage().offered.len();
    wait("more tries", || actor.stage().offered.len() > offered + 500);
    assert!(house.status().parked as usize <= WAITING_LIMIT + 100);
    actor.play(deliver);
    assert!(house.drain(SOON));
    let mut taken = actor.seqs();
    taken.sort_unstable();
    assert_eq!(taken, (1..=count as u64).collect::<Vec<_>>());
    house.close();
}
