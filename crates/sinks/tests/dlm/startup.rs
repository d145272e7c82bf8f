//! What is arranged before the first product.

use std::fs;

use config::DlmDialect;
use serde_json::json;
use sinks::{Sink, Trouble};
use testkit::dlm::{Dlm, Fault, golden};

use crate::lines::{numbered, received, recorded};
use crate::rig::{Rig, SOURCE, TARGET, deliver_all};

/// As the recorded watcher was called.
fn rig(dlm: Dlm) -> Rig {
    let mut rig = Rig::with(dlm);
    rig.plan.authorized_keys = Some(rig.beside("ssh/authorized_keys"));
    rig.plan.place.host = Some("<watcher-host>".into());
    rig.plan.place.user = "root".into();
    rig
}

/// Starts a sink and compares what it sends with the start of a recording.
async fn starts_as(id: &str, rig: &Rig) {
    let before = rig.dlm.total();
    rig.sink().prepare().await.unwrap();
    let root = rig.root().display().to_string();
    let sent: Vec<String> = rig.dlm.requests()[before..].iter().map(|one| received(one, &root)).collect();
    let start = golden().scenario(id).requests.iter().take_while(|one| one.service == "storage");
    let start: Vec<String> = start.map(recorded).collect();
    assert_eq!(numbered(&sent), numbered(&start), "{id}");
}

#[tokio::test]
async fn starts_send_what_was_recorded() {
    let strict_and_not = [true, false];
    for strict in strict_and_not {
        let mut main = rig(Dlm::with_usual_state());
        main.plan.strict = strict;
        starts_as("A02", &main).await;
        starts_as("A03", &main).await;
        let mut r21 = rig(Dlm::with_usual_state()).dialect(DlmDialect::V21);
        r21.plan.strict = strict;
        r21.sink().prepare().await.unwrap();
        starts_as("R01", &r21).await;
        let mut unnamed = rig(Dlm::with_usual_state());
        unnamed.plan.strict = strict;
        unnamed.dlm.add_storage(SOURCE, &unnamed.root().display().to_string(), "GAS");
        unnamed.plan.storage = None;
        starts_as("A10", &unnamed).await;
        let mut second = rig(Dlm::with_usual_state());
        second.plan.strict = strict;
        second.sink().prepare().await.unwrap();
        second.dlm.add_storage("second", "/second", "LIQUID");
        second.plan.target = Some("second".into());
        starts_as("O08", &second).await;
    }
}

#[tokio::test]
async fn without_a_storage_of_its_own_nothing_is_registered_anywhere() {
    let mut rig = rig(Dlm::with_usual_state());
    rig.dlm.add_storage(SOURCE, "/elsewhere", "GAS");
    rig.plan.storage = None;
    let event = rig.file(1, "f1");
    let outcomes = rig.sink().deliver(&[event]).await.unwrap();
    assert!(
        matches!(&outcomes[..], [sinks::Outcome::Rejected(text)] if text.contains("E-DLM-")),
        "{outcomes:?}"
    );
    assert_eq!(rig.product_requests().len(), 0, "{}", rig.dlm.transcript());
}

#[tokio::test]
async fn a_location_that_nobody_knows_is_made_and_a_second_start_finds_everything() {
    let rig = rig(Dlm::start());
    let trouble = rig.sink().prepare().await.unwrap_err();
    assert!(matches!(&trouble, Trouble::Down(text) if text.starts_with("E-DLM-TARGET")), "{trouble:?}");
    let location = rig.dlm.requests_at("init_location");
    assert_eq!(
        location[0].raw_query,
        "location_name=SKA-DEV&location_type=local-dev&location_country=AU&location_city=Perth&location_facility=local"
    );
    rig.dlm.add_storage(TARGET, "/dlm-archive", "SOLID");
    rig.sink().prepare().await.unwrap();
    assert_eq!((rig.dlm.locations().len(), rig.dlm.storages().len()), (1, 2));
    assert_eq!((rig.dlm.count("init_location"), rig.dlm.count("init_storage")), (1, 1));
}

#[tokio::test]
async fn a_target_that_comes_later_lets_the_same_sink_begin() {
    let rig = Rig::with(Dlm::start());
    let mut sink = rig.sink();
    let event = rig.family(1, "dp");
    for _ in 0..3 {
        sink.prepare().await.unwrap_err();
        let trouble = sink.deliver(std::slice::from_ref(&event)).await.unwrap_err();
        let text = trouble.to_string();
        assert!(
            text.contains("dlm-archive") && text.contains("nothing is lost") && text.contains("Fix: "),
            "{text}"
        );
    }
    assert_eq!(rig.product_requests().len(), 0, "nothing is sent to other services before");
    rig.dlm.add_storage(TARGET, "/dlm-archive", "SOLID");
    sink.prepare().await.unwrap();
    let before = rig.dlm.total();
    sink.prepare().await.unwrap();
    assert_eq!(rig.dlm.total(), before, "what is prepared is not prepared again");
    deliver_all(&mut sink, &[event]).await;
    rig.assert_whole("dp", "after the target came");
}

#[tokio::test]
async fn the_key_is_added_once_and_in_strict_mode_each_time() {
    let mut rig = rig(Dlm::with_usual_state());
    let keys = rig.plan.authorized_keys.clone().unwrap();
    fs::create_dir_all(keys.parent().unwrap()).unwrap();
    fs::write(&keys, "ssh-rsa AAA somebody\n").unwrap();
    for _ in 0..3 {
        rig.sink().prepare().await.unwrap();
    }
    let text = fs::read_to_string(&keys).unwrap();
    assert!(
        text.starts_with("ssh-rsa AAA somebody\n\nssh-ed25519 ") && text.ends_with("dlm@double\n"),
        "{text}"
    );
    assert_eq!(text.matches("dlm@double").count(), 1, "{text}");
    rig.plan.strict = true;
    for _ in 0..2 {
        rig.sink().prepare().await.unwrap();
    }
    assert_eq!(fs::read_to_string(&keys).unwrap().matches("dlm@double").count(), 3);
    assert_eq!(rig.remarks(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_that_cannot_be_stored_is_told_and_holds_up_nothing() {
    let rig = rig(Dlm::with_usual_state());
    fs::write(rig.beside("ssh"), "in the way").unwrap();
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f1")]).await;
    let remarks = rig.remarks();
    assert!(
        matches!(&remarks[..], [only] if only.starts_with("W-DLM-KEY") && only.contains("ssh/authorized_keys"))
    );
}

#[tokio::test]
async fn no_key_is_asked_for_where_it_goes_nowhere() {
    let rig = Rig::new();
    rig.sink().prepare().await.unwrap();
    assert_eq!(rig.dlm.count("get_ssh_public_key"), 0);
}

#[tokio::test]
async fn another_root_is_remarked_and_a_slash_more_is_not() {
    for (root, remarked) in [("/elsewhere".to_owned(), true), (String::new(), false)] {
        let rig = Rig::new();
        let known = if remarked { root } else { format!("{}/", rig.root().display()) };
        rig.dlm.add_storage(SOURCE, &known, "GAS");
        deliver_all(&mut rig.sink(), &[rig.file(1, "f1")]).await;
        let remarks = rig.remarks();
        assert_eq!(remarks.len(), usize::from(remarked), "{remarks:?}");
        assert!(
            remarks.iter().all(|text| text.starts_with("W-DLM-ROOT") && text.contains(&known)),
            "{remarks:?}"
        );
    }
}

#[tokio::test]
async fn a_configuration_that_rclone_refuses_is_remarked() {
    let rig = Rig::new();
    rig.sink().prepare().await.unwrap();
    rig.dlm.inject(Fault::json(&json!(false)).at("rclone_config"));
    deliver_all(&mut rig.sink(), &[rig.file(1, "f1")]).await;
    let remarks = rig.remarks();
    assert!(matches!(&remarks[..], [only] if only.starts_with("W-DLM-RCLONE")), "{remarks:?}");
}

#[tokio::test]
async fn a_root_is_sent_as_it_is_written() {
    let mut rig = Rig::new();
    let typed = format!("{}/./../watch/", rig.root().display());
    rig.plan.root = Some(typed.clone().into());
    rig.sink().prepare().await.unwrap();
    assert_eq!(rig.dlm.storage_named(SOURCE).unwrap().root_directory, typed);
}

#[tokio::test]
async fn registration_only_asks_for_no_target() {
    let mut rig = Rig::with(Dlm::start());
    rig.plan.target = None;
    deliver_all(&mut rig.sink(), &[rig.family(1, "dp")]).await;
    let names: Vec<_> = rig.dlm.items_on(SOURCE).into_iter().map(|item| item.item_name.unwrap()).collect();
    assert_eq!(names, Rig::family_items("dp"));
    assert_eq!((rig.dlm.count("copy_data_item"), rig.dlm.count("init_data_item")), (0, 0));
    assert_eq!((rig.dlm.count("query_storage"), rig.dlm.count("query_data_item")), (1, 0));
}
