//! The program ends at any point; the next start finds its journal, and the services as they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use config::DlmDialect;
use model::Parcel;
use sinks::{Outcome, Sink, Trouble};
use testkit::dlm::{Dlm, Fault, Received};

use crate::book::Cut;
use crate::rig::{Rig, TARGET, deliver_all, deliver_one, dropped_when};

/// The ways in which a product can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Main,
    R21,
    RegistrationOnly,
    R21RegistrationOnly,
}

const WAYS: [Way; 4] = [Way::Main, Way::R21, Way::RegistrationOnly, Way::R21RegistrationOnly];

fn rig(way: Way) -> Rig {
    let mut rig = Rig::with(Dlm::with_usual_state());
    if matches!(way, Way::R21 | Way::R21RegistrationOnly) {
        rig.plan.dialect = DlmDialect::V21;
    }
    if matches!(way, Way::RegistrationOnly | Way::R21RegistrationOnly) {
        rig.plan.target = None;
    }
    rig
}

/// How many requests an undisturbed product takes.
const fn requests(way: Way) -> usize {
    match way {
        Way::Main => 2 + 4 * 3,
        Way::R21 => 2 + 4 * 2,
        Way::RegistrationOnly | Way::R21RegistrationOnly => 5,
    }
}

/// True for the request with this number, from 1, of those about products.
fn nth(number: usize) -> impl Fn(&Received) -> bool + Send + Sync {
    let seen = Arc::new(AtomicUsize::new(0));
    move |request| !request.path.starts_with("/storage/") && seen.fetch_add(1, Ordering::SeqCst) + 1 == number
}

/// The next start: the same journal, and nothing wrong any more.
async fn start_again(rig: &Rig, event: &Parcel, hint: &str) {
    rig.dlm.clear_faults();
    rig.book.heal();
    deliver_all(&mut rig.sink(), std::slice::from_ref(event)).await;
    rig.assert_whole("dp", hint);
    // Every item was registered by one request that was taken, on each storage.
    let taken = rig.dlm.requests_at("register_data_item");
    let mut taken: Vec<_> = taken
        .iter()
        .filter(|one| one.status == Some(200))
        .map(|one| (one.param("storage_name").map(str::to_owned), one.item_name.clone()))
        .collect();
    // Asked for first, not sent and refused: between these two a real service may have it half done.
    let refused =
        rig.dlm.requests_at("register_data_item").iter().filter(|one| one.status == Some(422)).count();
    assert_eq!(refused, 0, "{hint}: registered without a question\n{}", rig.dlm.transcript());
    let all = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), all, "{hint}: registered twice\n{}", rig.dlm.transcript());
    let before = rig.dlm.total();
    deliver_all(&mut rig.sink(), std::slice::from_ref(event)).await;
    let news: Vec<String> = rig.dlm.requests()[before..].iter().map(ToString::to_string).collect();
    assert!(
        news.iter().all(|one| one.contains("/storage/")),
        "{hint}: a product that is done asks nothing: {news:?}"
    );
}

#[tokio::test]
async fn an_undisturbed_product_takes_as_many_requests_as_these_tests_think() {
    for way in WAYS {
        let rig = rig(way);
        deliver_all(&mut rig.sink(), &[rig.family(1, "dp")]).await;
        assert_eq!(rig.product_requests().len(), requests(way), "{way:?}\n{}", rig.dlm.transcript());
        rig.assert_whole("dp", "undisturbed");
        // Nobody asked for what a first try cannot have made.
        let names = rig
            .product_requests()
            .iter()
            .filter(|one| one.operation() == "query_data_item" && one.param("item_name").is_some())
            .count();
        assert_eq!(names, 0, "{way:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_at_any_request() {
    for way in WAYS {
        for number in 1..=requests(way) {
            for acts in [false, true] {
                let hint = format!("{way:?}, request {number}, done: {acts}");
                let rig = rig(way);
                let event = rig.family(1, "dp");
                let fault = Fault::close().when(nth(number));
                rig.dlm.inject(if acts { fault.after_acting() } else { fault });
                let trouble = rig.sink().deliver(std::slice::from_ref(&event)).await.unwrap_err();
                assert!(matches!(&trouble, Trouble::Down(_)), "{hint}: {trouble:?}");
                assert_eq!(
                    rig.product_requests().len(),
                    number,
                    "{hint}: nothing was sent after it, nor again"
                );
                start_again(&rig, &event, &hint).await;
            }
        }
    }
}

#[tokio::test]
async fn a_kill_while_any_request_is_not_answered() {
    for way in WAYS {
        for number in 1..=requests(way) {
            for acts in [false, true] {
                let hint = format!("{way:?}, request {number}, done: {acts}");
                let rig = rig(way);
                let event = rig.family(1, "dp");
                let fault = Fault::hang().when(nth(number));
                rig.dlm.inject(if acts { fault.after_acting() } else { fault });
                let mut sink = rig.sink();
                dropped_when(sink.deliver(std::slice::from_ref(&event)), &hint, || {
                    rig.dlm.count("register_data_item")
                        + rig.dlm.count("copy_data_item")
                        + rig.dlm.count("query_data_item")
                        + rig.dlm.count("init_data_item")
                        == number
                })
                .await;
                // Either the whole program ended, or only this call.
                if number % 2 == 0 {
                    drop(sink);
                    start_again(&rig, &event, &hint).await;
                } else {
                    rig.dlm.clear_faults();
                    deliver_all(&mut sink, std::slice::from_ref(&event)).await;
                    start_again(&rig, &event, &hint).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_kill_before_and_after_any_note() {
    for way in WAYS {
        for cut in [Cut::EndsBefore, Cut::EndsAfter] {
            // One for the beginning, one for each request; the end is noted with the last.
            for number in 1..=requests(way) + 1 {
                let hint = format!("{way:?}, note {number}, {cut:?}");
                let rig = rig(way);
                let event = rig.family(1, "dp");
                let mut sink = rig.sink();
                sink.prepare().await.unwrap();
                rig.book.cut(number, cut);
                dropped_when(sink.deliver(std::slice::from_ref(&event)), &hint, || {
                    rig.book.begun() == number && (cut == Cut::EndsBefore || rig.book.notes().len() == number)
                })
                .await;
                drop(sink);
                start_again(&rig, &event, &hint).await;
            }
        }
    }
}

#[tokio::test]
async fn a_journal_that_fails_stops_all_requests_and_says_so() {
    for way in WAYS {
        for number in 1..=requests(way) + 1 {
            let hint = format!("{way:?}, note {number}");
            let rig = rig(way);
            let event = rig.family(1, "dp");
            let mut sink = rig.sink();
            rig.book.cut(number, Cut::Fails);
            let sent = number - 1;
            for _ in 0..2 {
                let trouble = sink.deliver(std::slice::from_ref(&event)).await.unwrap_err();
                let text = trouble.to_string();
                assert!(matches!(trouble, Trouble::Down(_)), "{hint}: {text}");
                assert!(
                    text.starts_with("E-DLM-JOURNAL") && text.contains("the disk is full"),
                    "{hint}: {text}"
                );
            }
            let asked: Vec<_> = rig.product_requests().iter().map(ToString::to_string).skip(sent).collect();
            assert!(asked.iter().all(|one| one.starts_with("GET")), "{hint}: {asked:?}");
            start_again(&rig, &event, &hint).await;
        }
    }
}

#[tokio::test]
async fn each_answer_is_durable_before_the_next_request() {
    for way in WAYS {
        let rig = rig(way);
        let event = rig.family(1, "dp");
        *rig.book.delay.lock().unwrap() = std::time::Duration::from_millis(20);
        let mut sink = rig.sink();
        sink.prepare().await.unwrap();
        let before = rig.dlm.total();
        deliver_all(&mut sink, &[event]).await;
        let mut answered = 0;
        let notes = rig.book.notes();
        for noted in &notes {
            for step in &noted.note.steps {
                let step: serde_json::Value = serde_json::from_slice(step).unwrap();
                let of_a_request = ["reg", "query", "target", "copy"];
                answered += usize::from(of_a_request.iter().any(|key| step.get(key).is_some()));
            }
            assert_eq!(noted.requests - before, answered, "{way:?}: {noted:?}\n{}", rig.dlm.transcript());
        }
        assert_eq!(answered, requests(way), "{way:?}");
        assert!(
            rig.book.steps(1)[0].get("begin").is_some() && notes[0].requests == before,
            "begun before all"
        );
        assert_eq!(rig.book.steps_with(1, "done").len(), 1);
    }
}

#[tokio::test]
async fn a_lost_ledger_makes_nothing_twice() {
    for way in WAYS {
        let rig = rig(way);
        deliver_all(&mut rig.sink(), &[rig.family(1, "dp")]).await;
        // Another event number has no steps: as if the ledger were new.
        deliver_all(&mut rig.sink(), &[rig.event(2, "dp")]).await;
        rig.assert_whole("dp", &format!("{way:?}"));
        assert!(
            rig.remarks().iter().any(|text| text.starts_with("W-DLM-KNOWN: dp was")),
            "{:?}",
            rig.remarks()
        );
    }
}

#[tokio::test]
async fn a_tree_that_changed_meanwhile_is_read_anew() {
    let rig = rig(Way::Main);
    let event = rig.family(1, "dp");
    rig.dlm.inject(Fault::close().when(nth(8)));
    rig.sink().deliver(std::slice::from_ref(&event)).await.unwrap_err();
    rig.write(&[("dp/0-comes-first.bin", "new")]);
    rig.dlm.clear_faults();
    deliver_all(&mut rig.sink(), std::slice::from_ref(&event)).await;
    let mut names: Vec<_> = rig.dlm.items_on(TARGET).into_iter().map(|row| row.item_name.unwrap()).collect();
    names.sort();
    assert_eq!(names, ["dp", "dp/0-comes-first.bin", "dp/a.bin", "dp/sub", "dp/sub/b.bin", "dp/z.bin"]);
    std::fs::remove_dir_all(rig.root().join("dp")).unwrap();
    let outcome = deliver_one(&mut rig.sink(), &event).await.unwrap();
    assert_eq!(outcome, Outcome::Delivered, "what is done needs no tree");
    let gone = rig.event(2, "dp");
    let outcome = deliver_one(&mut rig.sink(), &gone).await.unwrap();
    assert!(matches!(&outcome, Outcome::Rejected(text) if text.starts_with("E-DLM-GONE")), "{outcome:?}");
}
