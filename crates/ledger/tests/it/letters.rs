//! Dead letters stay until somebody has taken what they hold.

use ledger::Report;
use model::State;

use crate::house::{House, at, dead, delivered, parked};

#[test]
fn a_letter_leaves_only_when_its_redelivery_is_acknowledged() {
    let mut house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a", "b", "c"]);
    house.report(sink, Report { dead: vec![dead(1), dead(2)], ..delivered(3, 1) });
    for _ in 0..2 {
        assert_eq!(house.ledger.dead_retry(sink, &[1, 3, 77], at(300)).unwrap(), 1);
        let retries = house.ledger.retries(sink).unwrap();
        assert_eq!((retries.len(), retries[0].parcel.seq, retries[0].next), (1, 1, at(300)));
        assert_eq!(house.ledger.dead(None).unwrap().len(), 2, "still listed");
        assert_eq!(house.ledger.counts().unwrap().get(State::Dead), 2);
        house = house.reopen();
        assert_eq!(house.ledger.retries(sink).unwrap().len(), 1, "a restart remembers the retry");
        house.report(sink, Report { dead: vec![dead(1)], at: at(301), ..Report::default() });
        assert!(house.ledger.retries(sink).unwrap().is_empty(), "refused again: it is put back");
        assert_eq!(house.ledger.dead(Some("s")).unwrap().len(), 2);
    }
    house.ledger.dead_retry(sink, &[1], at(302)).unwrap();
    house.report(sink, Report { parked: vec![parked(1, 5)], at: at(302), ..Report::default() });
    assert_eq!(house.ledger.dead(None).unwrap().len(), 2, "refused for now: still a letter");
    assert_eq!(house.ledger.sink_counts(sink).unwrap().retrying, 0);
    house.report(sink, Report { unparked_delivered: vec![1], at: at(303), ..Report::default() });
    let letters = house.ledger.dead(None).unwrap();
    assert_eq!((letters.len(), letters[0].parcel.seq), (1, 2));
    assert_eq!(house.ledger.counts().unwrap().get(State::Delivered), 2);
    let record = &house.ledger.records(house.source, b"a").unwrap()[0];
    assert_eq!((record.state, record.sinks[0].delivered_at), (State::Delivered, Some(at(303))));
}

#[test]
fn a_purged_letter_is_listed_no_more_and_was_never_delivered() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a", "b"]);
    house.report(sink, Report { dead: vec![dead(1)], ..delivered(2, 1) });
    assert_eq!(house.ledger.dead_purge(sink, &[1, 2]).unwrap(), 1);
    assert!(house.ledger.dead(None).unwrap().is_empty());
    let house = house.reopen();
    assert!(house.ledger.dead(None).unwrap().is_empty());
    assert_eq!(house.ledger.sink_counts(sink).unwrap().dead, 0);
    assert_eq!(house.ledger.counts().unwrap().get(State::Dead), 1);
    assert_eq!(house.ledger.dead_retry(sink, &[1], at(9)).unwrap(), 0);
    assert_eq!(house.ledger.records(house.source, b"a").unwrap()[0].state, State::Dead);
}

/// Its bytes may be cleared away by then: it must not come back without them.
#[test]
fn a_letter_that_is_purged_while_it_is_tried_stays_purged() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a", "b"]);
    house.report(sink, Report { dead: vec![dead(1), dead(2)], ..delivered(2, 0) });
    house.ledger.dead_retry(sink, &[1, 2], at(300)).unwrap();
    house.ledger.dead_purge(sink, &[1, 2]).unwrap();
    house.report(sink, Report { parked: vec![parked(1, 5)], dead: vec![dead(2)], ..Report::default() });
    let day = std::time::Duration::from_hours(24);
    assert_eq!(house.ledger.prune(at(400), day, day).unwrap().bodies, 2);
    let house = house.reopen();
    assert!(house.ledger.dead(None).unwrap().is_empty() && house.ledger.retries(sink).unwrap().is_empty());
    assert_eq!(house.ledger.counts().unwrap().get(State::Dead), 2);
}
