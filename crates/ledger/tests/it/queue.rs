//! The embedded queue: leases, acknowledgements, pruning.

use std::time::Duration;

use ledger::{Entry, Fate, QueueDepth, Report, SinkId};
use model::{Parcel, PathKey};

use crate::house::{House, absent, admit, at, dead, delivered, print};

fn filled(house: &House, number: u64) -> SinkId {
    let queue = house.ledger.register_sink("q", "queue").unwrap();
    let route = house.route(&[queue]);
    house.announce(route, (0..number).map(|number| format!("f{number}")));
    let seqs: Vec<u64> = house.backlog(queue).iter().map(|parcel| parcel.seq).collect();
    house.ledger.queue_put(queue, seqs.clone()).unwrap();
    house.report(queue, delivered(seqs.last().copied().unwrap_or(0), number));
    queue
}

fn seqs(parcels: &[Parcel]) -> Vec<(u64, u32)> {
    parcels.iter().map(|parcel| (parcel.seq, parcel.attempt)).collect()
}

fn depth(house: &House, queue: SinkId) -> (u64, u64, u64) {
    let QueueDepth { ready, leased, acked } = house.ledger.queue_depth(queue).unwrap();
    (ready, leased, acked)
}

#[test]
fn leases_end_and_entries_come_back_with_the_next_attempt() {
    let house = House::durable();
    let queue = filled(&house, 5);
    let take = |max, until, now| house.ledger.queue_take(queue, max, until, now).unwrap();
    assert_eq!(seqs(&take(2, None, at(0))), [(1, 1), (2, 1)], "a look leaves everything as it is");
    assert_eq!(seqs(&take(2, Some(at(60)), at(0))), [(1, 1), (2, 1)]);
    assert_eq!(seqs(&take(2, Some(at(70)), at(1))), [(3, 1), (4, 1)]);
    assert_eq!(depth(&house, queue), (1, 4, 0));
    let again = take(9, Some(at(130)), at(61));
    assert_eq!(seqs(&again), [(1, 2), (2, 2), (5, 1)]);
    assert_eq!(house.ledger.queue_ack(Some(queue), &[again[0].event.id], at(62)).unwrap(), []);
    assert_eq!(depth(&house, queue), (0, 4, 1));
    let house = house.reopen();
    assert_eq!(depth(&house, queue), (0, 4, 1));
    let late = house.ledger.queue_take(queue, 9, Some(at(900)), at(500)).unwrap();
    assert_eq!(seqs(&late), [(2, 3), (3, 2), (4, 2), (5, 2)], "leases survive a restart");
}

#[test]
fn an_acknowledgement_is_final_even_when_the_entry_is_put_again() {
    let house = House::durable();
    let queue = filled(&house, 3);
    let taken = house.ledger.queue_take(queue, 3, Some(at(60)), at(0)).unwrap();
    let ids: Vec<_> = taken.iter().map(|parcel| parcel.event.id).collect();
    // After a restart nothing is remembered of who took what.
    let house = house.reopen();
    let stranger = crate::house::id(b"stranger", 1, 0);
    let unknown = house.ledger.queue_ack(None, &[ids[1], stranger, ids[0]], at(1)).unwrap();
    assert_eq!(unknown, [stranger]);
    assert_eq!(house.ledger.queue_ack(None, &ids[..1], at(2)).unwrap(), [], "twice is harmless");
    house.ledger.queue_put(queue, vec![1, 2, 3]).unwrap();
    assert_eq!(depth(&house, queue), (0, 1, 2));
    assert_eq!(seqs(&house.ledger.queue_take(queue, 9, None, at(600)).unwrap()), [(3, 2)]);
}

#[test]
fn entries_without_end_of_lease_are_taken_once_by_many_consumers() {
    let house = House::durable();
    let queue = filled(&house, 400);
    let mut taken: Vec<u64> = std::thread::scope(|scope| {
        let consumer = || {
            let mut mine = Vec::new();
            loop {
                let parcels = house.ledger.queue_take(queue, 7, Some(at(60)), at(0)).unwrap();
                if parcels.is_empty() {
                    return mine;
                }
                let ids: Vec<_> = parcels.iter().map(|parcel| parcel.event.id).collect();
                assert!(house.ledger.queue_ack(Some(queue), &ids, at(1)).unwrap().is_empty());
                mine.extend(parcels.iter().map(|parcel| parcel.seq));
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(consumer)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    taken.sort_unstable();
    assert_eq!(taken, (1..=400).collect::<Vec<u64>>());
    assert_eq!(depth(&house, queue), (0, 0, 400));
}

#[test]
fn pruning_takes_only_what_nobody_needs() {
    const DAY: Duration = Duration::from_hours(24);
    let house = House::durable();
    let queue = filled(&house, 4);
    let other = house.sink("other");
    let route = house.route(&[other]);
    let source = house.source;
    house.announce(route, ["a", "b", "c", "d"]);
    let now = |days: u32| at(i64::from(days) * 86_400);
    let taken = house.ledger.queue_take(queue, 2, Some(at(60)), at(0)).unwrap();
    let ids: Vec<_> = taken.iter().map(|parcel| parcel.event.id).collect();
    house.ledger.queue_ack(None, &ids, at(1)).unwrap();
    house.report(other, Report { dead: vec![dead(6)], ..delivered(7, 2) });
    house.submit([absent(source, b"f0"), absent(source, b"a"), absent(source, b"b"), absent(source, b"d")]);
    house.ledger.flush().unwrap();

    let pruned = house.ledger.prune(now(1), DAY * 7, DAY * 30).unwrap();
    assert_eq!((pruned.acked, pruned.bodies, pruned.rows), (0, 2, 0), "bodies of a and c");
    let pruned = house.ledger.prune(now(10), DAY * 7, DAY * 30).unwrap();
    assert_eq!((pruned.acked, pruned.bodies, pruned.rows), (2, 2, 0));
    let pruned = house.ledger.prune(now(60), DAY * 7, DAY * 30).unwrap();
    assert_eq!((pruned.acked, pruned.bodies, pruned.rows), (0, 0, 2), "f0 and a are absent and settled");

    assert_eq!(house.ledger.counts().unwrap().get(model::State::Seen), 6);
    let house = house.reopen();
    let counts = house.ledger.counts().unwrap();
    assert_eq!((counts.get(model::State::Seen), counts.get(model::State::Dead)), (6, 1));
    assert_eq!(seqs(&house.ledger.queue_take(queue, 9, None, now(60)).unwrap()), [(3, 1), (4, 1)]);
    assert_eq!(house.backlog(other).len(), 1, "d is absent, and still owed");
    assert_eq!(house.ledger.dead(None).unwrap()[0].parcel.path, b"b");
    assert!(house.ledger.records(source, b"a").unwrap().is_empty());
    let seq = house.announce(route, ["new"]);
    assert_eq!(seq, 9, "numbers are never used twice");
    let sample = Entry::Sample {
        source,
        key: PathKey::of(b"a"),
        path: (*b"a").into(),
        sample: print(4),
        ctime: at(4),
    };
    house.submit([sample, admit(source, Fate::Announce(route), b"a", 1)]);
    house.ledger.flush().unwrap();
    assert_eq!(house.ledger.records(source, b"a").unwrap()[0].generation, 1);
}
