//! The steps of a delivery, and what is followed after it.

use std::time::Duration;

use ledger::{Fate, LedgerError, Pursuit, Report, SinkId, Step, StepNote};

use crate::house::{Dice, House, absent, admit, at, dead, delivered, parked};

const DAY: i64 = 86_400;

fn both(test: impl Fn(House)) {
    test(House::durable());
    test(House::volatile());
}

fn note(seq: u64, sec: i64, steps: &[&str]) -> StepNote {
    let steps = steps.iter().map(|step| step.as_bytes().to_vec()).collect();
    StepNote { seq, at: at(sec), steps, pursuit: Pursuit::Keep }
}

fn set(seq: u64, what: &str) -> StepNote {
    StepNote { pursuit: Pursuit::Set(what.into()), ..note(seq, 0, &[]) }
}

fn clear(seq: u64) -> StepNote {
    StepNote { pursuit: Pursuit::Clear, ..note(seq, 0, &[]) }
}

fn step(number: u32, sec: i64, what: &str) -> Step {
    Step { number, at: at(sec), what: what.into() }
}

fn numbers(steps: &[Step]) -> Vec<u32> {
    steps.iter().map(|step| step.number).collect()
}

fn followed(house: &House, sink: SinkId) -> Vec<(u64, String)> {
    let pursuits = house.ledger.pursuits(sink, 0, 99).unwrap();
    assert_eq!(house.ledger.pursuits_count(sink).unwrap(), pursuits.len() as u64);
    pursuits.into_iter().map(|(seq, what)| (seq, String::from_utf8(what).unwrap())).collect()
}

fn rows(house: &House, table: &str) -> i64 {
    let db = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn steps_are_numbered_and_kept_in_order_for_each_event_and_sink() {
    both(|house| {
        let (one, two) = (house.sink("one"), house.sink("two"));
        house.announce(house.route(&[one, two]), ["a", "b"]);
        let noted = vec![note(2, 1, &["reg", "copy"]), note(1, 2, &["other"]), note(2, 3, &["query"])];
        house.ledger.note_steps(one, noted).unwrap();
        house.ledger.note_steps(two, vec![note(2, 4, &["mine"])]).unwrap();
        house.ledger.note_steps(one, vec![note(2, 5, &["", "\0\u{ff}"])]).unwrap();
        house.ledger.note_steps(one, Vec::new()).unwrap();
        let house = house.reopen();
        let expected = [
            step(1, 1, "reg"),
            step(2, 1, "copy"),
            step(3, 3, "query"),
            step(4, 5, ""),
            step(5, 5, "\0\u{ff}"),
        ];
        assert_eq!(house.ledger.steps(one, 2).unwrap(), expected);
        assert_eq!(house.ledger.steps(one, 1).unwrap(), [step(1, 2, "other")]);
        assert_eq!(house.ledger.steps(two, 2).unwrap(), [step(1, 4, "mine")]);
        assert_eq!(house.ledger.steps(two, 1).unwrap(), []);
        house.ledger.note_steps(one, vec![note(2, 6, &["on"])]).unwrap();
        assert_eq!(house.ledger.steps(one, 2).unwrap()[5], step(6, 6, "on"));
    });
}

#[test]
fn an_outline_leaves_the_middle_out_and_says_how_many_there_are() {
    both(|house| {
        let sink = house.sink("s");
        house.announce(house.route(&[sink]), ["a"]);
        let outline = |head, tail| {
            let (steps, all) = house.ledger.steps_outline(sink, 1, head, tail).unwrap();
            (numbers(&steps), all)
        };
        assert_eq!(outline(3, 3), (vec![], 0));
        house.ledger.note_steps(sink, vec![note(1, 0, &["x"; 10])]).unwrap();
        assert_eq!(outline(2, 3), (vec![1, 2, 8, 9, 10], 10));
        assert_eq!(outline(0, 1), (vec![10], 10));
        assert_eq!(outline(1, 0), (vec![1], 10));
        assert_eq!(outline(0, 0), (vec![], 10));
        for (head, tail) in [(5, 5), (6, 9), (10, 0), (0, 10), (usize::MAX, usize::MAX), (99, 1), (1, 99)] {
            assert_eq!(outline(head, tail), ((1..=10).collect(), 10), "{head} and {tail}");
        }
    });
}

#[test]
fn a_pursuit_is_set_replaced_cleared_and_listed_in_order() {
    both(|house| {
        let (one, two) = (house.sink("one"), house.sink("two"));
        let route = house.route(&[one, two]);
        house.announce(route, ["a", "b", "c", "d"]);
        house.ledger.note_steps(one, vec![set(3, "c"), set(1, "a"), set(4, "d"), set(1, "a2")]).unwrap();
        house.ledger.note_steps(two, vec![set(2, "b")]).unwrap();
        house.report(one, delivered(4, 4));
        house
            .ledger
            .note_steps(one, vec![note(3, 1, &["kept"]), clear(4), set(2, "late"), clear(2)])
            .unwrap();
        let house = house.reopen();
        assert_eq!(followed(&house, one), [(1, "a2".into()), (3, "c".into())]);
        assert_eq!(followed(&house, two), [(2, "b".into())]);
        let seqs = |after, limit| -> Vec<u64> {
            house.ledger.pursuits(one, after, limit).unwrap().iter().map(|(seq, _)| *seq).collect()
        };
        assert_eq!((seqs(0, 1), seqs(1, 9), seqs(3, 9)), (vec![1], vec![3], vec![]));
        assert_eq!(seqs(0, 0), Vec::<u64>::new());
        house.ledger.note_steps(one, vec![set(2, "after the delivery"), clear(1), clear(3)]).unwrap();
        assert_eq!(followed(&house, one), [(2, "after the delivery".into())]);
    });
}

#[test]
fn what_is_no_event_of_the_sink_is_passed_over() {
    both(|house| {
        let (one, two) = (house.sink("one"), house.sink("two"));
        house.announce(house.route(&[two]), ["a"]);
        let strange = |seq| StepNote { pursuit: Pursuit::Set(b"x".to_vec()), ..note(seq, 0, &["x"]) };
        house.ledger.note_steps(one, vec![strange(1), strange(77)]).unwrap();
        assert_eq!(
            (house.ledger.steps(one, 1).unwrap(), house.ledger.steps(one, 77).unwrap()),
            (vec![], vec![])
        );
        assert_eq!(followed(&house, one), []);
        let unknown = house.ledger.note_steps(SinkId(9), vec![strange(1)]);
        assert!(matches!(unknown, Err(LedgerError::UnknownSink(SinkId(9)))), "{unknown:?}");
        house.ledger.close().unwrap();
        assert!(house.ledger.note_steps(one, Vec::new()).is_err());
        assert!(house.ledger.steps(one, 1).is_err() && house.ledger.pursuits(one, 0, 1).is_err());
    });
}

/// The same notes and reports, thrown: as long as events are to be delivered, both modes say the same.
#[test]
fn both_modes_give_the_same_answers() {
    const EVENTS: u64 = 12;
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let (mut disk, memory) = (House::durable(), House::volatile());
        let (sink, other) = (disk.sink("s"), disk.sink("other"));
        assert_eq!((memory.sink("s"), memory.sink("other")), (sink, other));
        for house in [&disk, &memory] {
            house.announce(house.route(&[sink, other]), (0..EVENTS).map(|number| format!("f{number}")));
        }
        let (mut cursor, mut waiting) = (0, Vec::new());
        for turn in 0..120 {
            let seq = 1 + dice.below(EVENTS);
            let words = [format!("{turn}"), "b".repeat(dice.below(40) as usize)];
            let pursuit = match dice.below(6) {
                0 => Pursuit::Set(words[0].clone().into()),
                1 => Pursuit::Clear,
                _ => Pursuit::Keep,
            };
            let steps = words.iter().take(dice.below(3) as usize).map(|word| word.clone().into()).collect();
            let noted = StepNote { seq, at: at(turn), steps, pursuit };
            let settled = seq <= cursor && !waiting.contains(&seq);
            // In memory nothing more is kept of what was delivered than what is followed.
            let noted = if settled { StepNote { steps: Vec::new(), ..noted } } else { noted };
            let report = match dice.below(10) {
                0 if cursor < EVENTS => {
                    cursor += 1;
                    waiting.push(cursor);
                    Some(Report { parked: vec![parked(cursor, 1)], ..delivered(cursor, 0) })
                }
                1 => waiting.pop().map(|seq| Report { unparked_delivered: vec![seq], ..Report::default() }),
                _ => None,
            };
            for house in [&disk, &memory] {
                house.ledger.note_steps(sink, vec![noted.clone()]).unwrap();
                if let Some(report) = &report {
                    house.report(sink, report.clone());
                }
            }
            if dice.below(40) == 0 {
                disk = disk.reopen();
            }
            assert_eq!(followed(&disk, sink), followed(&memory, sink), "seed {seed}, turn {turn}");
        }
        for seq in (1..=EVENTS).filter(|seq| *seq > cursor || waiting.contains(seq)) {
            let of =
                |house: &House| (house.ledger.steps(sink, seq), house.ledger.steps_outline(sink, seq, 2, 3));
            let (one, two) = (of(&disk), of(&memory));
            assert_eq!(one.0.unwrap(), two.0.unwrap(), "seed {seed}, event {seq}");
            assert_eq!(one.1.unwrap(), two.1.unwrap(), "seed {seed}, event {seq}");
        }
    }
}

#[test]
fn a_dead_letter_that_is_told_again_finds_its_steps() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a"]);
    house.ledger.note_steps(sink, vec![note(1, 1, &["reg"])]).unwrap();
    house.report(sink, Report { dead: vec![dead(1)], ..delivered(1, 0) });
    house.ledger.dead_retry(sink, &[1], at(4)).unwrap();
    let house = house.reopen();
    assert_eq!(house.ledger.retries(sink).unwrap().len(), 1);
    assert_eq!(house.ledger.steps(sink, 1).unwrap(), [step(1, 1, "reg")]);
    house.ledger.note_steps(sink, vec![note(1, 5, &["copy"])]).unwrap();
    house.report(sink, Report { unparked_delivered: vec![1], at: at(6), ..Report::default() });
    assert_eq!(numbers(&house.ledger.steps(sink, 1).unwrap()), [1, 2], "and keeps them after the delivery");
}

#[test]
fn in_memory_steps_go_with_the_delivery_and_a_dead_event_keeps_few() {
    let house = House::volatile();
    let (sink, other) = (house.sink("s"), house.sink("other"));
    house.announce(house.route(&[sink, other]), ["a", "b", "c", "d"]);
    let many = ["x"; 100];
    house.ledger.note_steps(sink, (1..=4).map(|seq| note(seq, 1, &many)).collect()).unwrap();
    house.ledger.note_steps(sink, vec![set(1, "still")]).unwrap();
    house.ledger.note_steps(other, vec![note(1, 1, &["y"])]).unwrap();
    let count = |sink, seq| house.ledger.steps(sink, seq).unwrap().len();
    let report = Report { parked: vec![parked(2, 1)], dead: vec![dead(3)], ..delivered(3, 1) };
    house.report(sink, report);
    assert_eq!([1, 2, 3, 4].map(|seq| count(sink, seq)), [0, 100, 16, 100]);
    let (steps, all) = house.ledger.steps_outline(sink, 3, 9, 1).unwrap();
    assert_eq!((numbers(&steps), all), ((1..=8).chain([100]).collect(), 100));
    assert_eq!(count(other, 1), 1, "another sink's stay");
    house.ledger.note_steps(sink, vec![note(1, 2, &["too late"])]).unwrap();
    assert_eq!(count(sink, 1), 0);
    assert_eq!(followed(&house, sink), [(1, "still".into())]);
    house.report(sink, Report { unparked_delivered: vec![2], at: at(9), ..delivered(4, 1) });
    assert_eq!([2, 4].map(|seq| count(sink, seq)), [0, 0]);
}

#[test]
fn in_memory_the_oldest_pursuits_make_room() {
    let house = House::volatile();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), (0..40).map(|number| format!("f{number}")));
    let large = || Pursuit::Set(vec![0; 1 << 20]);
    for seq in 1..=40 {
        house.ledger.note_steps(sink, vec![StepNote { pursuit: large(), ..note(seq, 0, &[]) }]).unwrap();
    }
    let seqs: Vec<u64> = house.ledger.pursuits(sink, 0, 99).unwrap().iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (10..=40).collect::<Vec<u64>>());
}

#[test]
fn callers_that_come_together_share_commits() {
    const THREADS: u64 = 32;
    const EACH: u64 = 40;
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), (0..THREADS).map(|number| format!("f{number}")));
    let before = house.ledger.commits();
    std::thread::scope(|scope| {
        for seq in 1..=THREADS {
            let house = &house;
            scope.spawn(move || {
                for number in 1..=EACH {
                    let own = note(seq, 1, &[&format!("{seq}.{number}")]);
                    house.ledger.note_steps(sink, vec![own, note(1, 1, &["all"])]).unwrap();
                    let there = house.ledger.steps(sink, seq).unwrap().len() as u64;
                    assert!(there >= number, "{there} of {number}: committed when it returns");
                }
            });
        }
    });
    let commits = house.ledger.commits() - before;
    assert!(commits < THREADS * EACH / 2, "{commits} commits for {} notes", THREADS * EACH);
    assert_eq!(
        numbers(&house.ledger.steps(sink, 1).unwrap()),
        (1..=(THREADS * EACH + EACH) as u32).collect::<Vec<_>>()
    );
    let own: Vec<Vec<u8>> = house.ledger.steps(sink, 7).unwrap().into_iter().map(|step| step.what).collect();
    assert_eq!(own, (1..=EACH).map(|number| format!("7.{number}").into_bytes()).collect::<Vec<_>>());
}

#[test]
fn a_reader_in_the_middle_of_a_list_holds_nobody_up() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a"]);
    house.ledger.note_steps(sink, vec![note(1, 1, &["one"])]).unwrap();
    let reader = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let seen = || -> i64 { reader.query_row("SELECT count(*) FROM step", [], |row| row.get(0)).unwrap() };
    assert_eq!(seen(), 1);
    house.ledger.note_steps(sink, vec![note(1, 2, &["two"])]).unwrap();
    assert_eq!((seen(), house.ledger.steps(sink, 1).unwrap().len()), (1, 2));
}

#[test]
fn steps_are_pruned_with_their_row_and_never_while_it_is_followed() {
    let house = House::durable();
    let (sink, other) = (house.sink("s"), house.sink("other"));
    house.announce(house.route(&[sink, other]), ["a", "b", "c"]);
    let noted = vec![note(1, 1, &["x"]), note(2, 1, &["x"]), set(2, "x"), note(3, 1, &["x"])];
    house.ledger.note_steps(sink, noted).unwrap();
    house.ledger.note_steps(other, vec![note(1, 1, &["y"])]).unwrap();
    house.submit([b"a", b"b"].map(|path| absent(house.source, path)));
    for sink in [sink, other] {
        house.report(sink, delivered(3, 3));
    }
    let prune = |house: &House| {
        let pruned = house.ledger.prune(at(60 * DAY), Duration::ZERO, Duration::from_hours(24)).unwrap();
        (pruned.bodies, pruned.rows)
    };
    assert_eq!(prune(&house), (3, 1), "c is still there, b is followed");
    assert_eq!((rows(&house, "step"), house.ledger.steps(sink, 1).unwrap()), (2, vec![]));
    // Nobody asks for the sinks any more: their names and what they follow stay.
    let house = house.reopen();
    assert_eq!(prune(&house), (0, 0));
    assert_eq!(followed(&house, sink), [(2, "x".into())]);
    house.ledger.note_steps(sink, vec![clear(2)]).unwrap();
    assert_eq!(prune(&house), (0, 1));
    assert_eq!((rows(&house, "step"), rows(&house, "pursuit")), (1, 0));
    house.ledger.note_steps(sink, vec![set(2, "too late"), note(2, 1, &["too late"])]).unwrap();
    assert_eq!((rows(&house, "step"), rows(&house, "pursuit")), (1, 0), "nothing is left of it");
}

#[test]
fn steps_change_no_state_and_no_export() {
    let house = House::durable();
    let sink = house.sink("s");
    house.submit([admit(house.source, Fate::Announce(house.route(&[sink])), b"a", 1)]);
    house.ledger.flush().unwrap();
    let counts = house.ledger.counts().unwrap();
    let record = house.ledger.records(house.source, b"a").unwrap();
    house.ledger.note_steps(sink, vec![note(1, 1, &["x"]), set(1, "x")]).unwrap();
    assert_eq!(house.ledger.counts().unwrap(), counts);
    assert_eq!(house.ledger.records(house.source, b"a").unwrap(), record);
    assert_eq!(ledger::check(house.path()).unwrap().damage, Vec::<String>::new());
    house.ledger.close().unwrap();
    let mut lines = Vec::new();
    ledger::export(house.path(), &mut lines).unwrap();
    assert_eq!(std::str::from_utf8(&lines).unwrap().lines().count(), 1);
}

#[test]
fn a_pursuit_that_begins_while_rows_are_pruned_keeps_its_row() {
    const EVENTS: u64 = 3_000;
    let house = House::durable();
    let sink = house.sink("s");
    let paths = || (1..=EVENTS).map(|number| format!("f{number}"));
    house.announce(house.route(&[sink]), paths());
    house.submit(paths().map(|path| absent(house.source, path.as_bytes())));
    house.report(sink, delivered(EVENTS, EVENTS));
    std::thread::scope(|scope| {
        let house = &house;
        scope.spawn(|| house.ledger.prune(at(60 * DAY), Duration::ZERO, Duration::ZERO).unwrap());
        for seq in (1..=EVENTS).rev() {
            house.ledger.note_steps(sink, vec![set(seq, "x")]).unwrap();
        }
    });
    let db = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    let sql = "SELECT count(*) FROM pursuit WHERE seq NOT IN (SELECT seq FROM generation)";
    let orphans: i64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
    let (kept, left) = (rows(&house, "pursuit"), rows(&house, "generation"));
    assert_eq!((orphans, kept), (0, left));
    assert!(kept > 0 && kept < EVENTS as i64, "{kept}: they met");
}
