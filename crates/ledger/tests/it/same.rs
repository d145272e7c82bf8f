//! What both modes promise.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::{Entry, Fate, Report};
use model::{Happening, Kind, PathKey, State};

use crate::house::{
    Dice, House, absent, admit, admit_as, at, dead, delivered, id, parked, print, removed, wait,
};

fn both(test: impl Fn(House)) {
    test(House::durable());
    test(House::volatile());
}

#[test]
fn generations_have_numbers_predecessors_and_ids_of_their_own() {
    both(|house| {
        let sink = house.sink("s");
        let fate = Fate::Announce(house.route(&[sink]));
        let source = house.source;
        let entry = |mtime| admit(source, fate, b"a", mtime);
        house.submit([entry(1), entry(2), entry(1), absent(source, b"a"), entry(1), entry(2)]);
        house.ledger.flush().unwrap();
        let parcels = house.backlog(sink);
        let expected = [id(b"a", 1, 0), id(b"a", 2, 0), id(b"a", 1, 1), id(b"a", 1, 2), id(b"a", 2, 1)];
        let found: Vec<_> = parcels.iter().map(|parcel| parcel.event.id).collect();
        assert_eq!(found, expected);
        for (at, parcel) in parcels.iter().enumerate() {
            let value: serde_json::Value = serde_json::from_slice(&parcel.event.line(1)).unwrap();
            assert_eq!(value["data"]["generation"], at as u64 + 1);
            let before = at.checked_sub(1).map(|before| expected[before].to_string());
            assert_eq!(value["data"]["supersedes"].as_str().map(str::to_owned), before);
            assert_eq!((parcel.seq, parcel.attempt), (at as u64 + 1, 1));
            assert_eq!((&*parcel.source, &*parcel.root), ("source", &b"/root"[..]));
        }
    });
}

#[test]
fn what_is_adopted_or_gone_is_no_event_but_counts() {
    both(|house| {
        let sink = house.sink("s");
        let fate = Fate::Announce(house.route(&[sink]));
        let source = house.source;
        house.submit([
            admit(source, Fate::Adopt, b"a", 1),
            admit(source, Fate::Gone, b"a", 2),
            admit(source, fate, b"a", 1),
            admit(source, Fate::Gone, b"b", 1),
            admit(source, fate, b"b", 1),
        ]);
        house.ledger.flush().unwrap();
        let parcels = house.backlog(sink);
        assert_eq!(parcels.len(), 2);
        assert_eq!((parcels[0].generation, parcels[0].event.id), (2, id(b"a", 1, 1)));
        assert_eq!((parcels[1].generation, parcels[1].event.id), (1, id(b"b", 1, 0)));
        let value: serde_json::Value = serde_json::from_slice(&parcels[0].event.line(1)).unwrap();
        assert!(value["data"].get("supersedes").is_none(), "what was adopted was never announced");
        let counts = house.ledger.counts().unwrap();
        let of = |state| counts.get(state);
        assert_eq!((of(State::Adopted), of(State::Gone), of(State::Queued), of(State::Seen)), (1, 2, 2, 5));
    });
}

#[test]
fn each_sink_sees_its_own_events_in_order_and_skips_the_others() {
    both(|house| {
        let (one, two) = (house.sink("one"), house.sink("two"));
        let (first, second, all) = (house.route(&[one]), house.route(&[two]), house.route(&[two, one]));
        assert_eq!(all, house.route(&[one, two, one]));
        for number in 0..90_u64 {
            let route = [first, second, all][(number % 3) as usize];
            house.announce(route, [format!("f{number}")]);
        }
        let seqs: Vec<u64> = house.backlog(one).iter().map(|parcel| parcel.seq).collect();
        let expected: Vec<u64> = (1..=90).filter(|seq| seq % 3 != 2).collect();
        assert_eq!(seqs, expected);
        let fetch = house.ledger.fetch(one, 4, 2).unwrap();
        assert_eq!(fetch.parcels.iter().map(|parcel| parcel.seq).collect::<Vec<_>>(), [6, 7]);
        assert!((7..=8).contains(&fetch.scanned_to), "{}", fetch.scanned_to);
        let fetch = house.ledger.fetch(two, 89, 10).unwrap();
        assert_eq!((fetch.parcels.len(), fetch.scanned_to), (1, 90));
    });
}

#[test]
fn a_new_sink_begins_at_the_end() {
    both(|house| {
        let old = house.sink("old");
        let route = house.route(&[old]);
        house.announce(route, ["a", "b"]);
        let new = house.sink("new");
        assert_eq!((house.ledger.cursor(old).unwrap(), house.ledger.cursor(new).unwrap()), (0, 2));
        assert_eq!(house.sink("old"), old);
        house.announce(house.route(&[old, new]), ["c"]);
        assert_eq!(house.backlog(new).len(), 1);
    });
}

#[test]
fn reports_move_the_cursor_and_remember_refusals() {
    both(|house| {
        let sink = house.sink("s");
        house.announce(house.route(&[sink]), ["a", "b", "c", "d", "e"]);
        let report = Report {
            cursor: Some(4),
            delivered: 2,
            parked: vec![parked(2, 1)],
            dead: vec![dead(3)],
            in_flight: 1,
            at: at(9),
            ..Report::default()
        };
        house.report(sink, report);
        assert_eq!(house.ledger.cursor(sink).unwrap(), 4);
        let retries = house.ledger.retries(sink).unwrap();
        assert_eq!(retries.len(), 1);
        assert_eq!((retries[0].parcel.seq, retries[0].attempts, retries[0].parcel.attempt), (2, 1, 2));
        assert_eq!((retries[0].next, retries[0].error.as_str()), (at(200), "not now"));
        let letters = house.ledger.dead(Some("s")).unwrap();
        assert_eq!((letters.len(), letters[0].parcel.seq, letters[0].rejected), (1, 3, true));
        let counts = house.ledger.sink_counts(sink).unwrap();
        let numbers = (counts.queued, counts.in_flight, counts.delivered, counts.retrying, counts.dead);
        assert_eq!(numbers, (0, 1, 2, 1, 1));
        assert!(counts.oldest_admitted.is_some());
        let counts = house.ledger.counts().unwrap();
        let of = |state| counts.get(state);
        assert_eq!((of(State::Delivered), of(State::Retrying), of(State::Dead)), (2, 1, 1));
        assert_eq!((of(State::Delivering), of(State::Queued), of(State::Seen)), (1, 0, 5));

        house.report(sink, Report { unparked_delivered: vec![2], at: at(10), ..delivered(5, 1) });
        assert!(house.ledger.retries(sink).unwrap().is_empty());
        let counts = house.ledger.sink_counts(sink).unwrap();
        assert_eq!((counts.delivered, counts.retrying, counts.oldest_admitted), (4, 0, None));
        house.report(sink, delivered(1, 0));
        assert_eq!(house.ledger.cursor(sink).unwrap(), 5, "a cursor never moves back");
        house.report(sink, delivered(500, 0));
        assert_eq!(house.ledger.cursor(sink).unwrap(), 5, "nor beyond the end");
    });
}

#[test]
fn events_for_nobody_are_delivered() {
    both(|house| {
        let sink = house.sink("s");
        house.announce(house.route(&[]), ["a"]);
        assert!(house.backlog(sink).is_empty());
        assert_eq!(house.ledger.counts().unwrap().get(State::Delivered), 1);
    });
}

#[test]
fn hooks_hear_of_each_commit_and_a_flood_is_gathered() {
    both(|house| {
        let sink = house.sink("s");
        let fate = Fate::Announce(house.route(&[sink]));
        let (calls, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let seen = (Arc::clone(&calls), Arc::clone(&end));
        house.ledger.on_commit(Box::new(move |now| {
            seen.0.fetch_add(1, Ordering::SeqCst);
            assert!(seen.1.swap(now, Ordering::SeqCst) <= now);
        }));
        for number in 0..2_000 {
            house.submit([admit(house.source, fate, format!("f{number}").as_bytes(), 1)]);
        }
        assert_eq!(house.ledger.flush().unwrap(), 2_000);
        wait("the last hook", || end.load(Ordering::SeqCst) == 2_000);
        if house.dir.is_some() {
            let calls = calls.load(Ordering::SeqCst);
            assert!(calls < 1_000, "{calls} commits for 2000 submits");
        }
    });
}

#[test]
fn sinks_that_are_configured_no_more_are_named_while_they_owe() {
    both(|house| {
        let (one, two) = (house.sink("one"), house.sink("two"));
        house.announce(house.route(&[one, two]), ["a", "b", "c"]);
        house.report(one, delivered(3, 3));
        house.report(two, Report { parked: vec![parked(1, 1)], ..delivered(2, 1) });
        assert_eq!(house.ledger.orphan_sinks(&[one]).unwrap(), [("two".to_owned(), 2)]);
        assert_eq!(house.ledger.orphan_sinks(&[one, two]).unwrap(), []);
        assert_eq!(house.ledger.orphan_sinks(&[]).unwrap(), [("two".to_owned(), 2)]);
    });
}

#[test]
fn a_closed_ledger_says_so() {
    both(|house| {
        let sink = house.sink("s");
        house.ledger.close().unwrap();
        house.ledger.close().unwrap();
        assert!(house.ledger.submit(vec![absent(house.source, b"a")]).is_err());
        assert!(house.ledger.fetch(sink, 0, 1).is_err());
        assert!(house.ledger.flush().is_err());
        assert!(house.ledger.register_sink("t", "test").is_err());
    });
}

#[test]
fn both_modes_give_the_same_bytes_for_the_same_history_across_restarts() {
    let mut kinds = HashSet::new();
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let (mut durable, volatile) = (House::durable(), House::volatile());
        let sink = (durable.sink("s"), volatile.sink("s"));
        let route = (durable.route(&[sink.0]), volatile.route(&[sink.1]));
        assert_eq!((sink.0, route.0), (sink.1, route.1));
        for step in 0..400 {
            let path = [b"abcdef"[dice.below(6) as usize]];
            let mtime = dice.below(4) as i64;
            let source = durable.source;
            let fate = Fate::Announce(route.0);
            let entry = match dice.below(16) {
                0 => absent(source, &path),
                11 => {
                    admit_as(Kind::Happening(Happening::ALL[step as usize % 16]), source, fate, &path, step)
                }
                12 => admit_as(Kind::Dataset, source, fate, &path, mtime),
                13 => admit_as(Kind::Gap { closed: mtime % 2 == 0 }, source, fate, b"", step),
                14 => removed(source, fate, &path),
                15 => removed(source, Fate::Gone, &path),
                1 => admit(source, Fate::Adopt, &path, mtime),
                2 => admit(source, Fate::Gone, &path, mtime),
                3 => Entry::Sample {
                    source,
                    key: PathKey::of(&path),
                    path: path.into(),
                    sample: print(mtime),
                    ctime: at(mtime),
                },
                _ => admit(source, fate, &path, mtime),
            };
            durable.submit([entry.clone()]);
            volatile.submit([entry]);
            if dice.below(60) == 0 {
                durable.ledger.flush().unwrap();
                durable = durable.reopen();
            }
        }
        durable.ledger.flush().unwrap();
        let (one, two) = (durable.backlog(sink.0), volatile.backlog(sink.1));
        assert!(one.len() > 100);
        kinds.extend(one.iter().map(|parcel| parcel.kind));
        assert_eq!(one.len(), two.len(), "seed {seed}");
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(format!("{one:?}"), format!("{two:?}"), "seed {seed}");
        }
        let mut ids: Vec<_> = one.iter().map(|parcel| parcel.event.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), one.len(), "no id twice, seed {seed}");
    }
    assert_eq!(kinds.len(), Kind::all().count() - 2, "all but links and devices: {kinds:?}");
}

#[test]
fn a_sink_that_fetches_under_load_misses_nothing() {
    const EVENTS: u64 = 12_000;
    both(|house| {
        let sink = house.sink("s");
        let other = house.sink("other");
        let fate = Fate::Announce(house.route(&[sink]));
        let all = Fate::Announce(house.route(&[sink, other]));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..EVENTS {
                    // Each rule makes another class of rows, so that new ones appear all the time.
                    let path = format!("f{number}");
                    let fate = if number % 2 == 0 { fate } else { all };
                    let mut admission = crate::house::admission(house.source, fate, path.as_bytes(), 1);
                    admission.rule = format!("rule{}", number / 50).into();
                    house.submit([Entry::Admit(Box::new(admission))]);
                }
            });
            for sink in [sink, other] {
                let house = &house;
                scope.spawn(move || {
                    let wanted = if sink == other { EVENTS / 2 } else { EVENTS };
                    let (mut seen, mut after) = (0, 0);
                    wait("all events", || {
                        let fetch = house.ledger.fetch(sink, after, 37).unwrap();
                        seen += fetch.parcels.len() as u64;
                        after = fetch.scanned_to;
                        let number = fetch.parcels.len() as u64;
                        house.ledger.report(sink, delivered(after, number)).unwrap();
                        seen == wanted
                    });
                });
            }
        });
        house.ledger.flush().unwrap();
        assert_eq!(house.ledger.counts().unwrap().get(State::Delivered), EVENTS);
    });
}
