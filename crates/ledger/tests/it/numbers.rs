//! The running numbers against counting each event, after random histories.

use std::collections::BTreeMap;

use ledger::{Counts, Fate, Report, SinkId};
use model::{Kind, State};

use crate::house::{Dice, House, admit, admit_as, at, dead, parked, removed};

/// What became of one event at one sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Parked,
    Dead,
}

/// The plain truth, kept event by event.
#[derive(Default)]
struct Truth {
    /// The sinks of each event in order of admission; `None`: adopted or gone.
    events: Vec<Result<Vec<SinkId>, State>>,
    cursors: BTreeMap<SinkId, u64>,
    in_flight: BTreeMap<SinkId, u64>,
    trouble: BTreeMap<(u64, SinkId), Trouble>,
}

const LADDER: [State; 5] = [State::Queued, State::Retrying, State::Delivering, State::Dead, State::Delivered];

impl Truth {
    fn seqs_behind(&self, sink: SinkId) -> Vec<u64> {
        let cursor = self.cursors[&sink];
        let mine = |seq: &u64| matches!(&self.events[*seq as usize - 1], Ok(sinks) if sinks.contains(&sink));
        (cursor + 1..=self.events.len() as u64).filter(mine).collect()
    }

    fn at_sink(&self, seq: u64, sink: SinkId) -> State {
        match self.trouble.get(&(seq, sink)) {
            Some(Trouble::Parked) => return State::Retrying,
            Some(Trouble::Dead) => return State::Dead,
            None if seq <= self.cursors[&sink] => return State::Delivered,
            None => {}
        }
        let flying = self.in_flight[&sink] as usize;
        let place = self.seqs_behind(sink).iter().position(|other| *other == seq);
        if place.is_some_and(|place| place < flying) { State::Delivering } else { State::Queued }
    }

    fn state(&self, seq: u64) -> State {
        let sinks = match &self.events[seq as usize - 1] {
            Ok(sinks) => sinks,
            Err(state) => return *state,
        };
        let states = sinks.iter().map(|sink| self.at_sink(seq, *sink));
        states.min_by_key(|state| LADDER.iter().position(|step| step == state)).unwrap_or(State::Delivered)
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for seq in 1..=self.events.len() as u64 {
            counts.add(self.state(seq), 1);
        }
        counts
    }

    /// A random report of `sink`, and what it means.
    fn report(&mut self, sink: SinkId, dice: &mut Dice) -> Report {
        let behind = self.seqs_behind(sink);
        let take = dice.below(behind.len() as u64 + 1) as usize;
        let mut report = Report { at: at(dice.below(1000) as i64), ..Report::default() };
        for seq in &behind[..take] {
            report.cursor = Some(*seq);
            match dice.below(8) {
                0 => {
                    report.parked.push(parked(*seq, 1));
                    self.trouble.insert((*seq, sink), Trouble::Parked);
                }
                1 => {
                    report.dead.push(dead(*seq));
                    self.trouble.insert((*seq, sink), Trouble::Dead);
                }
                _ => report.delivered += 1,
            }
        }
        let end = self.events.len() as u64;
        if take == behind.len() && dice.below(2) == 0 && end > self.cursors[&sink] {
            report.cursor = Some(end);
        }
        let held: Vec<u64> = self.trouble.keys().filter(|(_, id)| *id == sink).map(|(seq, _)| *seq).collect();
        for seq in held {
            let fresh = report.cursor.is_some_and(|_| behind[..take].contains(&seq));
            if fresh || dice.below(3) != 0 {
                continue;
            }
            match (self.trouble[&(seq, sink)], dice.below(3)) {
                (Trouble::Parked, 0) => {
                    report.dead.push(dead(seq));
                    self.trouble.insert((seq, sink), Trouble::Dead);
                }
                (Trouble::Parked, 1) => report.parked.push(parked(seq, 2)),
                _ => {
                    report.unparked_delivered.push(seq);
                    self.trouble.remove(&(seq, sink));
                }
            }
        }
        if let Some(cursor) = report.cursor {
            self.cursors.insert(sink, cursor);
        }
        report.in_flight = dice.below(6).min(self.seqs_behind(sink).len() as u64);
        self.in_flight.insert(sink, report.in_flight);
        report
    }
}

fn agree(house: &House, truth: &Truth, place: &str) {
    assert_eq!(house.ledger.counts().unwrap(), truth.counts(), "{place}");
    for sink in truth.cursors.keys() {
        let counts = house.ledger.sink_counts(*sink).unwrap();
        let behind = truth.seqs_behind(*sink).len() as u64;
        let of = |wanted| {
            truth.trouble.iter().filter(|((_, id), trouble)| id == sink && **trouble == wanted).count() as u64
        };
        assert_eq!(counts.in_flight, truth.in_flight[sink], "{place}");
        assert_eq!(counts.queued + counts.in_flight, behind, "{place}");
        assert_eq!((counts.retrying, counts.dead), (of(Trouble::Parked), of(Trouble::Dead)), "{place}");
        assert_eq!(counts.oldest_admitted.is_some(), behind + counts.retrying > 0, "{place}");
    }
    if house.dir.is_some() {
        let mut listed = BTreeMap::new();
        let each = &mut |record: ledger::Record| listed.insert(record.seq, record.state).is_none();
        house.ledger.each_record(None, each).unwrap();
        for seq in 1..=truth.events.len() as u64 {
            assert_eq!(listed.get(&seq), Some(&truth.state(seq)), "{place}, event {seq}");
        }
    }
}

fn random_history(mut house: House, seed: u64) {
    let mut dice = Dice(seed);
    let mut truth = Truth::default();
    let sinks: Vec<SinkId> = ["one", "two", "three"].iter().map(|name| house.sink(name)).collect();
    for sink in &sinks {
        truth.cursors.insert(*sink, 0);
        truth.in_flight.insert(*sink, 0);
    }
    let sets = [vec![0], vec![1], vec![0, 1], vec![], vec![1, 2], vec![0, 1, 2]];
    let sets: Vec<Vec<SinkId>> =
        sets.iter().map(|set| set.iter().map(|at: &usize| sinks[*at]).collect()).collect();
    let mut path = 0;
    for step in 0..60 {
        let few = dice.below(3) + 1;
        for _ in 0..dice.below(12) {
            path += 1;
            let choice = dice.below(few * 2 + 2) as usize;
            let (fate, event) = match choice {
                6 => (Fate::Adopt, Err(State::Adopted)),
                7 => (Fate::Gone, Err(State::Gone)),
                at => (Fate::Announce(house.route(&sets[at])), Ok(sets[at].clone())),
            };
            let (source, name) = (house.source, format!("p{path}"));
            house.submit([admit(source, fate, name.as_bytes(), 1)]);
            let announced = event.is_ok();
            truth.events.push(event);
            let other = &sets[dice.below(6) as usize];
            let fate = Fate::Announce(house.route(other));
            match dice.below(5) {
                0 => {
                    house.submit([removed(source, fate, name.as_bytes())]);
                    truth.events.extend(announced.then(|| Ok(other.clone())));
                }
                1 => {
                    house.submit([admit_as(Kind::Gap { closed: false }, source, fate, b"", path)]);
                    truth.events.push(Ok(other.clone()));
                }
                _ => {}
            }
        }
        house.ledger.flush().unwrap();
        for _ in 0..dice.below(3) {
            let sink = sinks[dice.below(3) as usize];
            let report = truth.report(sink, &mut dice);
            house.report(sink, report);
        }
        if dice.below(20) == 0 && house.dir.is_some() {
            house = house.reopen();
            truth.in_flight.values_mut().for_each(|flying| *flying = 0);
        }
        if step % 4 == 0 {
            agree(&house, &truth, &format!("seed {seed}, step {step}"));
        }
    }
    agree(&house, &truth, &format!("seed {seed}, the end"));
}

#[test]
fn running_numbers_agree_with_counting_on_disk() {
    for seed in 0..25 {
        random_history(House::durable(), seed);
    }
}

#[test]
fn running_numbers_agree_with_counting_in_memory() {
    for seed in 0..100 {
        random_history(House::volatile(), seed);
    }
}
