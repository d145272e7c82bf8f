//! A product that takes long does not hold up those that come after it.

use std::time::{Duration, Instant};

use model::Parcel;
use sinks::{Outcome, Sink};
use testkit::dlm::Dlm;

use crate::rig::{Rig, SOURCE, deliver_all};

/// A directory of so many children, and its event.
fn big(rig: &Rig, seq: u64, name: &str, children: usize) -> Parcel {
    std::fs::create_dir(rig.root().join(name)).unwrap();
    for child in 0..children {
        std::fs::write(rig.root().join(format!("{name}/{child:05}")), "").unwrap();
    }
    rig.event(seq, name)
}

fn slow(latency: u64) -> Rig {
    let mut rig = Rig::with(Dlm::builder().usual_state().latency(Duration::from_millis(latency)).start());
    rig.plan.target = None;
    rig.plan.access_check = false;
    rig
}

fn registered(rig: &Rig, name: &str) -> bool {
    rig.dlm.items_on(SOURCE).iter().any(|row| row.item_name.as_deref() == Some(name))
}

#[tokio::test]
async fn a_big_directory_does_not_hold_up_a_later_file() {
    const CHILDREN: usize = 3000;
    let mut rig = slow(5);
    rig.plan.parallel = 2;
    let (large, small) = (big(&rig, 1, "large", CHILDREN), rig.file(2, "small"));
    let mut sink = rig.sink();
    let begun = Instant::now();
    let outcomes = sink.deliver(&[large.clone(), small]).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let [Outcome::Underway(progress), Outcome::Delivered] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(progress.ends_with("of 3001 items are registered"), "{progress}");
    assert!(registered(&rig, "small"));
    let done = rig.dlm.items_on(SOURCE).len();
    assert!(done > 100 && done < CHILDREN, "{done}");
    // Each call goes on where the last one ended.
    let mut calls = 1;
    loop {
        let outcome = sink.deliver(std::slice::from_ref(&large)).await.unwrap().remove(0);
        calls += 1;
        match outcome {
            Outcome::Underway(_) => assert!(calls < 40, "it takes for ever"),
            outcome => break assert_eq!(outcome, Outcome::Delivered),
        }
    }
    assert!(calls > 2, "{calls}");
    assert_eq!(rig.dlm.items_on(SOURCE).len(), CHILDREN + 2);
    assert_eq!(rig.dlm.count("register_data_item"), CHILDREN + 2, "nothing was sent twice");
    assert_eq!(rig.dlm.count("query_data_item"), 0, "every answer was recorded: nothing to ask for");
}

#[tokio::test]
async fn where_one_is_allowed_at_a_time_the_first_of_a_call_gets_its_turn() {
    let mut rig = slow(20);
    rig.plan.parallel = 1;
    // The third belongs behind the first, whose turn this must not put off.
    let events = [rig.file(1, "f"), big(&rig, 2, "large", 400), rig.event(3, "f")];
    let mut sink = rig.sink();
    let outcomes = sink.deliver(&events).await.unwrap();
    assert!(
        matches!(
            &outcomes[..],
            [Outcome::Delivered, Outcome::Underway(_)]
                | [Outcome::Delivered, Outcome::Underway(_), Outcome::Delivered]
        ),
        "{outcomes:?}"
    );
    deliver_all(&mut sink, &events).await;
    assert_eq!(rig.dlm.items_on(SOURCE).len(), 402);
}

#[tokio::test]
async fn a_kill_between_two_slices_sends_nothing_twice() {
    let rig = slow(5);
    let large = big(&rig, 1, "large", 1500);
    let outcome = rig.sink().deliver(std::slice::from_ref(&large)).await.unwrap().remove(0);
    assert!(matches!(outcome, Outcome::Underway(_)), "{outcome:?}");
    deliver_all(&mut rig.sink(), &[large]).await;
    assert_eq!(rig.dlm.items_on(SOURCE).len(), 1501);
    assert_eq!((rig.dlm.count("register_data_item"), rig.dlm.count("query_data_item")), (1501, 0));
}
