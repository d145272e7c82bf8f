//! As the original: what a service does not take is final, and the rest goes on without it. But it is not forgotten.

use sinks::{Outcome, Sink};
use testkit::dlm::Fault;

use crate::answers::{Class, cases};
use crate::rig::{Rig, SOURCE, deliver_all};

#[tokio::test]
async fn every_refusal_is_final_becomes_a_dead_letter_and_the_rest_goes_on() {
    let mut rig = Rig::new();
    rig.plan.strict = true;
    rig.plan.parallel = 64;
    // The original dies when a connection is lost, and waits for ever for an answer; this sink waits and tries again.
    let cases: Vec<_> =
        cases().into_iter().filter(|case| !["closed 0", "hangs 0"].contains(&&*case.label)).collect();
    let mut events = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        for (kind, item) in [
            ("register_data_item", ""),
            ("register_data_item", "/z.bin"),
            ("copy_data_item", ""),
            ("init_data_item", "/z.bin"),
        ] {
            let name = format!("p{at}-{}{}", kind.len(), item.len());
            events.push((name.clone(), kind, item, case, rig.family(events.len() as u64 + 1, &name)));
            let target = format!("{name}{item}");
            let fault = case.fault(false).at(kind);
            rig.dlm.inject(fault.when(move |request| request.item_name.as_ref() == Some(&target)));
        }
    }
    let mut sink = rig.sink();
    let parcels: Vec<_> = events.iter().map(|(.., parcel)| parcel.clone()).collect();
    let mut outcomes = Vec::new();
    for chunk in parcels.chunks(64) {
        let mut rest = chunk.to_vec();
        while !rest.is_empty() {
            let some = sink.deliver(&rest).await.unwrap();
            for (parcel, outcome) in rest.iter().zip(some) {
                if !matches!(outcome, Outcome::Underway(_)) {
                    outcomes.push((parcel.seq, outcome));
                }
            }
            rest.retain(|parcel| outcomes.iter().all(|(seq, _)| *seq != parcel.seq));
        }
    }
    outcomes.sort_by_key(|(seq, _)| *seq);
    assert_eq!(outcomes.len(), events.len());
    for ((name, kind, item, case, _), (_, outcome)) in events.iter().zip(&outcomes) {
        let hint = format!("{kind} of {name}{item}: {}: {outcome:?}", case.label);
        let Outcome::Rejected(text) = outcome else { panic!("{hint}") };
        assert!(text.starts_with("E-DLM-") && text.contains("(1 of 5 items were refused"), "{hint}");
        assert!(text.contains(&format!("{name}{item})")), "{hint}");
        let here = rig.dlm.items_on(SOURCE);
        for other in Rig::family_items(name) {
            let there = here.iter().filter(|row| row.item_name.as_ref() == Some(&other)).count();
            let refused = *kind == "register_data_item" && other == format!("{name}{item}");
            assert_eq!(there, usize::from(!refused), "{other}: {hint}");
        }
    }
    assert!(cases.iter().any(|case| case.class == Class::Down));
    for operation in ["register_data_item", "copy_data_item", "init_data_item"] {
        let sent = rig.dlm.requests_at(operation);
        let mut names: Vec<_> = sent.iter().map(|one| one.item_name.clone()).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{operation} was sent twice for an item");
    }
}

#[tokio::test]
async fn children_of_a_top_item_that_was_not_taken_have_no_parent() {
    let mut rig = Rig::new();
    rig.plan.strict = true;
    rig.dlm.inject(Fault::internal_error().at("register_data_item").once());
    let event = rig.family(1, "dp");
    let outcomes = rig.sink().deliver(&[event]).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Rejected(_)]), "{outcomes:?}");
    let here = rig.dlm.items_on(SOURCE);
    assert_eq!(here.len(), 4);
    assert!(here.iter().all(|row| row.parents.is_none()), "{here:?}");
    let operations: Vec<_> = rig.product_requests().iter().map(|one| one.operation().to_owned()).collect();
    let rest = ["register_data_item", "query_data_item", "init_data_item"];
    assert_eq!(operations[..3], ["register_data_item", "register_data_item", "copy_data_item"]);
    assert_eq!(operations[3..], [rest, rest, rest].concat());
}

#[tokio::test]
async fn a_row_on_the_target_is_made_even_without_an_object() {
    let mut rig = Rig::new();
    rig.plan.strict = true;
    rig.dlm.inject(Fault::internal_error().at("query_data_item"));
    deliver_all(&mut rig.sink(), &[rig.family(1, "dp")]).await;
    let bodies = rig.dlm.requests_at("init_data_item");
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|one| one.json.as_ref().unwrap()["oid"].is_null()));
}

#[tokio::test]
async fn a_lost_connection_is_waited_out_and_nothing_is_lost() {
    let mut rig = Rig::new();
    rig.plan.strict = true;
    rig.dlm.inject(Fault::close().at("register_data_item").once());
    rig.dlm.inject(Fault::close().after_acting().at("register_data_item").item("z.bin").once());
    let event = rig.family(1, "dp");
    let mut sink = rig.sink();
    sink.deliver(std::slice::from_ref(&event)).await.unwrap_err();
    sink.deliver(std::slice::from_ref(&event)).await.unwrap_err();
    deliver_all(&mut sink, &[event]).await;
    let mut names: Vec<_> = rig.dlm.items_on(SOURCE).into_iter().map(|row| row.item_name.unwrap()).collect();
    names.sort();
    assert_eq!(names, Rig::family_items("dp"));
}
