//! Every answer to every kind of request about a product: what the sink makes of it, and that nothing is lost.

use std::time::Duration;

use serde_json::json;
use sinks::{Outcome, Sink, Trouble};
use testkit::dlm::{Fault, Received};

use config::DlmDialect;

use crate::rig::{Rig, SOURCE, TARGET, deliver_all, deliver_one};

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The event is tried again.
    Again,
    /// The sink waits, for time to heal it.
    Down,
    /// The sink waits, for a person to heal it.
    Person,
    /// It is final.
    Refused,
}

/// An answer.
pub(crate) struct Case {
    pub(crate) label: String,
    pub(crate) class: Class,
    fault: fn(u16) -> Fault,
    status: u16,
}

impl Case {
    /// What has it happen once.
    pub(crate) fn fault(&self, acts: bool) -> Fault {
        let fault = (self.fault)(self.status).once();
        if acts { fault.after_acting() } else { fault }
    }

    /// Whether a server may have done what it was asked before such an answer.
    pub(crate) fn may_act(&self) -> bool {
        matches!(self.class, Class::Again | Class::Down)
    }
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    use Class::{Again, Down, Person, Refused};
    let plain = |status| Fault::answer(status, "text/plain; charset=utf-8", "some words");
    let case = |label: &str, class, fault: fn(u16) -> Fault, status: u16| Case {
        label: format!("{label} {status}"),
        class,
        fault,
        status,
    };
    let mut all = vec![
        case("null", Again, |_| Fault::null(), 200),
        case("html", Again, |_| Fault::html(), 200),
        case("octets", Again, |_| Fault::octets(), 200),
        case("broken JSON", Again, |_| Fault::answer(200, "application/json", "[{"), 200),
        case("nothing", Again, |_| Fault::answer(204, "text/plain", ""), 204),
        case("closed", Down, |_| Fault::close(), 0),
        case("hangs", Down, |_| Fault::hang(), 0),
        case("unmet", Person, |_| Fault::refusal(422, "UnmetPreconditionForOperation", "No storages"), 422),
        case("query", Refused, |_| Fault::refusal(422, "InvalidQueryParameters", "odd"), 422),
        case(
            "detail",
            Refused,
            |_| Fault::answer(422, "application/json", json!({"detail": []}).to_string()),
            422,
        ),
        case("conflict", Again, |_| Fault::refusal(409, "DatabaseOperationError", "conflict"), 409),
        case("internal", Again, |_| Fault::internal_error(), 500),
    ];
    let classes: [(Class, &[u16]); 4] = [
        (Again, &[500, 501, 505, 507]),
        (Down, &[408, 425, 429, 502, 503, 504]),
        (Person, &[301, 307, 401, 403, 404, 405, 407]),
        (Refused, &[400, 410, 413, 414, 415]),
    ];
    for (class, statuses) in classes {
        all.extend(statuses.iter().map(|status| case("status", class, plain, *status)));
    }
    all
}

/// A kind of request, and which of them is meant for the product of this name.
struct Kind {
    label: &'static str,
    operation: &'static str,
    child: bool,
    /// Whether it is about the target.
    on_target: bool,
    dialect: DlmDialect,
}

impl Kind {
    fn is(&self, product: &str) -> impl Fn(&Received) -> bool + Send + Sync + 'static {
        let name = if self.child { format!("{product}/a.bin") } else { product.to_owned() };
        let on_target = self.on_target;
        move |request| {
            let storage = request.param("storage_name").is_none_or(|name| (name == TARGET) == on_target);
            request.item_name.as_ref() == Some(&name) && request.param("storage_id").is_none() && storage
        }
    }
}

async fn every_answer_to(kind: Kind) {
    let mut rig = Rig::new().dialect(kind.dialect);
    rig.timeout = Duration::from_secs(3);
    let mut sink = rig.sink();
    let mut seq = 0;
    for case in cases() {
        for acts in [false, true] {
            if acts && !case.may_act() {
                continue;
            }
            seq += 1;
            let name = format!("p{seq}");
            let hint = format!("{}: {}, done: {acts}", kind.label, case.label);
            let event = rig.family(seq, &name);
            rig.dlm.inject(case.fault(acts).at(kind.operation).when(kind.is(&name)));
            let result = sink.deliver(std::slice::from_ref(&event)).await;
            check(case.class, result, &kind, &name, &hint, &rig);
            // The fault was met, or this fails: nothing is cleared.
            let end = deliver_one(&mut sink, &event).await;
            assert_eq!(end, Ok(Outcome::Delivered), "{hint}\n{}", rig.dlm.transcript());
            rig.assert_whole(&name, &hint);
        }
    }
}

fn check(
    class: Class,
    result: Result<Vec<Outcome>, Trouble>,
    kind: &Kind,
    name: &str,
    hint: &str,
    rig: &Rig,
) {
    let hint = format!("{hint}: {result:?}\n{}", rig.dlm.transcript());
    let text = match (class, result) {
        (Class::Again, Ok(outcomes)) if matches!(&outcomes[..], [Outcome::Retry(_)]) => text_of(&outcomes),
        (Class::Refused, Ok(outcomes)) if matches!(&outcomes[..], [Outcome::Rejected(_)]) => {
            let text = text_of(&outcomes);
            assert!(!kind.child || text.contains(&format!("{name}/a.bin")), "{hint}");
            text
        }
        (Class::Down, Err(Trouble::Down(text))) | (Class::Person, Err(Trouble::Misconfigured(text))) => {
            assert!(text.contains("nothing is lost"), "{hint}");
            text
        }
        _ => panic!("{class:?} was expected of {hint}"),
    };
    assert!(text.starts_with("E-DLM-") && text.contains("Fix: "), "{hint}");
    if kind.child && matches!(class, Class::Again | Class::Refused) {
        let here = rig.dlm.items_on(SOURCE);
        for sibling in ["sub", "sub/b.bin", "z.bin"].map(|file| format!("{name}/{file}")) {
            assert!(
                here.iter().any(|row| row.item_name.as_ref() == Some(&sibling)),
                "{sibling} is held up: {hint}"
            );
        }
    }
}

fn text_of(outcomes: &[Outcome]) -> String {
    match &outcomes[0] {
        Outcome::Retry(text) | Outcome::Rejected(text) => text.clone(),
        _ => String::new(),
    }
}

const MAIN: DlmDialect = DlmDialect::Main;

#[tokio::test]
async fn to_the_registration_of_a_top_item() {
    let (label, operation) = ("top", "register_data_item");
    every_answer_to(Kind { label, operation, child: false, on_target: false, dialect: MAIN }).await;
}

#[tokio::test]
async fn to_the_registration_of_a_child() {
    let (label, operation) = ("child", "register_data_item");
    every_answer_to(Kind { label, operation, child: true, on_target: false, dialect: MAIN }).await;
}

#[tokio::test]
async fn to_the_request_for_a_copy() {
    let (label, operation) = ("copy", "copy_data_item");
    every_answer_to(Kind { label, operation, child: false, on_target: false, dialect: MAIN }).await;
}

#[tokio::test]
async fn to_the_question_for_an_object() {
    let (label, operation) = ("query", "query_data_item");
    every_answer_to(Kind { label, operation, child: true, on_target: false, dialect: MAIN }).await;
}

#[tokio::test]
async fn to_the_making_of_a_row_on_the_target() {
    let (label, operation) = ("init", "init_data_item");
    every_answer_to(Kind { label, operation, child: true, on_target: true, dialect: MAIN }).await;
}

#[tokio::test]
async fn to_the_registration_on_the_target_as_2_1_does_it() {
    let (label, operation, dialect) = ("second", "register_data_item", DlmDialect::V21);
    every_answer_to(Kind { label, operation, child: true, on_target: true, dialect }).await;
}

#[tokio::test]
async fn a_child_that_is_refused_does_not_keep_another_from_being_tried_again() {
    let rig = Rig::new();
    let event = rig.family(1, "dp");
    let refusal = Fault::answer(400, "text/plain", "never");
    rig.dlm.inject(refusal.at("register_data_item").item("dp/a.bin"));
    rig.dlm.inject(Fault::internal_error().at("register_data_item").item("dp/z.bin").once());
    let mut sink = rig.sink();
    let outcome = deliver_one(&mut sink, &event).await.unwrap();
    assert!(matches!(&outcome, Outcome::Retry(_)), "z.bin may succeed yet: {outcome:?}");
    let outcome = deliver_one(&mut sink, &event).await.unwrap();
    assert!(matches!(&outcome, Outcome::Rejected(text) if text.contains("dp/a.bin")), "{outcome:?}");
    assert!(rig.dlm.items_on(TARGET).iter().any(|row| row.item_name.as_deref() == Some("dp/z.bin")));
    let asked = rig.dlm.requests_at("register_data_item");
    let asked = asked.iter().filter(|one| one.item_name.as_deref() == Some("dp/a.bin")).count();
    assert_eq!(asked, 1, "what was refused is not asked for again until somebody says so");
    rig.dlm.clear_faults();
    deliver_all(&mut sink, std::slice::from_ref(&event)).await;
    rig.assert_whole("dp", "after dead retry");
}

#[tokio::test]
async fn one_product_that_fails_does_not_hold_up_another() {
    let rig = Rig::new();
    let (bad, good) = (rig.family(1, "bad"), rig.family(2, "good"));
    rig.dlm.inject(Fault::internal_error().item("bad"));
    let outcomes = rig.sink().deliver(&[bad.clone(), good]).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Retry(_), Outcome::Delivered]), "{outcomes:?}");
    rig.assert_whole("good", "beside a bad one");
    rig.dlm.clear_faults();
    deliver_all(&mut rig.sink(), &[bad]).await;
    rig.assert_whole("bad", "later");
}

#[tokio::test]
async fn trouble_ends_products_that_are_under_way_and_keeps_others_from_being_begun() {
    let mut rig =
        Rig::with(testkit::dlm::Dlm::builder().usual_state().latency(Duration::from_millis(5)).start());
    rig.plan.parallel = 2;
    for child in 0..200 {
        rig.write(&[(&format!("large/{child:03}"), "")]);
    }
    let events = [rig.event(1, "large"), rig.file(2, "f"), rig.file(3, "g")];
    rig.dlm.inject(Fault::answer(503, "text/plain", "later").at("copy_data_item").item("f"));
    let mut sink = rig.sink();
    sink.deliver(&events).await.unwrap_err();
    let here: Vec<_> = rig.dlm.items_on(SOURCE).into_iter().map(|row| row.item_name.unwrap()).collect();
    assert!(here.len() < 20 && !here.contains(&"g".to_owned()), "{here:?}");
    rig.dlm.clear_faults();
    deliver_all(&mut sink, &events).await;
    assert_eq!((rig.dlm.items_on(SOURCE).len(), rig.dlm.items_on(TARGET).len()), (203, 203));
    assert_eq!(rig.dlm.count("register_data_item"), 203);
}

#[tokio::test]
async fn trouble_ends_all_products_after_their_request_in_hand_and_none_is_lost() {
    let rig = Rig::new();
    let events: Vec<_> = (1..=8).map(|seq| rig.family(seq, &format!("p{seq}"))).collect();
    rig.dlm.inject(Fault::answer(503, "text/plain", "later").at("copy_data_item").item("p2"));
    let mut sink = rig.sink();
    for _ in 0..3 {
        let trouble = sink.deliver(&events).await.unwrap_err();
        assert!(matches!(&trouble, Trouble::Down(text) if text.starts_with("E-DLM-BUSY")), "{trouble:?}");
    }
    rig.dlm.clear_faults();
    deliver_all(&mut sink, &events).await;
    for seq in 1..=8 {
        rig.assert_whole(&format!("p{seq}"), "after the trouble");
    }
}
