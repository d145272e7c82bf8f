//! An announcement that is repeated, in both modes: only what every sink has, and nothing that was
//! never announced.

use ledger::{Entry, Fate, Report};

use crate::house::{House, absent, admission, admit, at, dead, delivered, parked};

fn again(house: &House, fate: Fate, path: &[u8], mtime: i64) -> u64 {
    house.submit([Entry::Again(Box::new(admission(house.source, fate, path, mtime)))]);
    house.ledger.flush().unwrap()
}

fn both(check: impl Fn(House)) {
    check(House::durable());
    check(House::volatile());
}

#[test]
fn what_is_on_its_way_to_any_sink_is_not_repeated() {
    both(|house| {
        let (fast, slow) = (house.sink("fast"), house.sink("slow"));
        let fate = Fate::Announce(house.route(&[fast, slow]));
        assert_eq!(again(&house, fate, b"a", 1), 1, "never announced: no repetition");
        assert_eq!(again(&house, fate, b"a", 1), 1, "queued for both");
        house.report(fast, delivered(1, 1));
        assert_eq!(again(&house, fate, b"a", 1), 1, "queued for one");
        assert_eq!(again(&house, fate, b"a", 2), 2, "another content");
        house.report(slow, delivered(2, 2));
        house.report(fast, delivered(2, 1));
        assert_eq!(again(&house, fate, b"a", 2), 3);
        let parcel = house.backlog(fast).remove(0);
        assert_eq!(parcel.generation, 3);
    });
}

#[test]
fn what_a_sink_has_refused_is_not_repeated() {
    both(|house| {
        let sink = house.sink("sink");
        let fate = Fate::Announce(house.route(&[sink]));
        house.submit([b"dead", b"wait"].map(|path| admit(house.source, fate, path, 1)));
        house.ledger.flush().unwrap();
        let refused = Report { dead: vec![dead(1)], parked: vec![parked(2, 1)], ..delivered(2, 0) };
        house.report(sink, refused);
        assert_eq!(again(&house, fate, b"dead", 1), 2);
        assert_eq!(again(&house, fate, b"wait", 1), 2);
        house.report(sink, Report { unparked_delivered: vec![2], at: at(100), ..Report::default() });
        assert_eq!(again(&house, fate, b"wait", 1), 3);
    });
}

#[test]
fn what_was_adopted_is_not_repeated_and_what_came_back_is_news() {
    both(|house| {
        let sink = house.sink("sink");
        let fate = Fate::Announce(house.route(&[sink]));
        house.submit([admit(house.source, Fate::Adopt, b"a", 1)]);
        assert_eq!(again(&house, fate, b"a", 1), 1);
        house.submit([admit(house.source, fate, b"b", 1), absent(house.source, b"b")]);
        assert_eq!(again(&house, fate, b"b", 1), 3, "it was away");
    });
}
