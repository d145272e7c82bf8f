//! How much the volatile mode takes in before it waits for the sinks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::{Admission, Entry, Fate};
use model::{Kind, Members};

use crate::house::{House, admission, delivered, wait};

/// Whoever does not wait has long gone on by then; who does cannot fail here.
#[test]
fn long_events_fill_the_memory_of_the_volatile_mode_no_further() {
    const DATASETS: u64 = 2_500;
    let house = House::volatile();
    let sink = house.sink("s");
    let fate = Fate::Announce(house.route(&[sink]));
    let listed = (0..256).map(|number| format!("{number:0180}").into_bytes().into()).collect();
    let members = Some(Arc::new(Members { count: 256, listed, key: None }));
    let entry = |number: u64| {
        let path = format!("d{number}");
        let admission = admission(house.source, fate, path.as_bytes(), 1);
        Entry::Admit(Box::new(Admission { kind: Kind::Dataset, members: members.clone(), ..admission }))
    };
    std::thread::scope(|scope| {
        let submitting = scope.spawn(|| house.submit((0..DATASETS).map(entry)));
        wait("the first thousand", || house.ledger.end().unwrap() >= 1_000);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(300) && !submitting.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(house.ledger.end().unwrap() < DATASETS, "more than 64 MiB are pending");
        wait("the others, as the sink takes them", || {
            let end = house.ledger.end().unwrap();
            house.ledger.report(sink, delivered(end, 0)).unwrap();
            end == DATASETS
        });
    });
}
