//! Every answer to every request at start: the sink waits, nothing is sent to other services, and when the services are
//! well again everything is there once.

use sinks::{Sink, Trouble};
use testkit::dlm::{Dlm, Received};

use crate::answers::{Case, Class, cases};
use crate::rig::{Rig, SOURCE, TARGET, deliver_all};

/// A request of the start.
struct Kind {
    operation: &'static str,
    /// The storage that it is about, if that matters.
    storage: Option<&'static str>,
    /// Whether the services know everything already.
    second_start: bool,
    /// What a good answer says is not looked at.
    unread: bool,
}

const KINDS: [Kind; 9] = [
    first("query_location"),
    first("init_location"),
    first("get_ssh_public_key"),
    Kind { storage: Some(SOURCE), ..first("query_storage") },
    first("init_storage"),
    first("get_storage_config"),
    first("create_storage_config"),
    Kind { unread: true, second_start: true, ..first("rclone_config") },
    Kind { storage: Some(TARGET), ..first("query_storage") },
];

const fn first(operation: &'static str) -> Kind {
    Kind { operation, storage: None, second_start: false, unread: false }
}

impl Kind {
    fn is(&self) -> impl Fn(&Received) -> bool + Send + Sync + 'static {
        let storage = self.storage;
        move |request| storage.is_none_or(|storage| request.param("storage_name") == Some(storage))
    }
}

/// Services that know nothing but the target, which is at another place.
fn rig(kind: &Kind) -> Rig {
    let dlm = Dlm::start();
    dlm.add_location("ELSEWHERE");
    dlm.add_storage(TARGET, "/dlm-archive", "SOLID");
    let mut rig = Rig::with(dlm);
    rig.plan.authorized_keys = Some(rig.beside("keys"));
    if kind.second_start {
        rig.dlm.add_location("SKA-DEV");
        rig.dlm.add_storage(SOURCE, &rig.root().display().to_string(), "GAS");
    }
    rig
}

async fn one(kind: &Kind, case: &Case, acts: bool) {
    let hint = format!("{} {:?}: {}, done: {acts}", kind.operation, kind.storage, case.label);
    let mut rig = rig(kind);
    if case.label.starts_with("hangs") {
        rig.timeout = std::time::Duration::from_secs(2);
    }
    rig.dlm.inject(case.fault(acts).at(kind.operation).when(kind.is()));
    let mut sink = rig.sink();
    let result = sink.prepare().await;
    let told = rig.dlm.transcript();
    match (&result, case.class) {
        (Ok(()), Class::Again) if kind.unread && case.label.starts_with("null") => {}
        (Err(Trouble::Down(text)), Class::Again | Class::Down)
        | (Err(Trouble::Misconfigured(text)), Class::Person | Class::Refused | Class::Again) => {
            // One answer is neither lost nor wrong: what is no list of locations.
            assert!(
                case.class != Class::Again
                    || matches!(&result, Err(Trouble::Down(_)))
                    || text.starts_with("E-DLM-LOCATION"),
                "{hint}: {text}"
            );
            assert!(text.starts_with("E-DLM-") && text.contains("nothing is lost"), "{hint}: {text}");
            assert!(text.contains("Fix: ") && !text.contains("dead retry"), "{hint}: {text}");
        }
        _ => panic!("{hint}: {result:?}\n{told}"),
    }
    assert_eq!(rig.product_requests().len(), 0, "{hint}");
    // The fault was met, or this fails: nothing is cleared.
    sink.prepare().await.unwrap_or_else(|trouble| panic!("{hint}: {trouble}\n{}", rig.dlm.transcript()));
    deliver_all(&mut sink, &[rig.family(1, "dp")]).await;
    rig.assert_whole("dp", &hint);
    assert_eq!((rig.dlm.locations().len(), rig.dlm.storages().len()), (2, 2), "{hint}");
    assert_eq!(rig.dlm.storage_named(SOURCE).unwrap().configs.len(), 1, "{hint}");
    let keys = std::fs::read_to_string(rig.beside("keys")).unwrap();
    assert_eq!(keys.matches("ssh-").count(), 1, "{hint}: {keys}");
}

#[tokio::test]
async fn at_start() {
    for kind in &KINDS {
        for case in cases() {
            for acts in [false, true] {
                // Reading has no effect that could be lost.
                let changes = kind.operation.starts_with("init") || kind.operation.starts_with("create");
                if !acts || (changes && case.may_act()) {
                    one(kind, &case, acts).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn another_program_that_makes_the_location_at_the_same_moment_is_no_misconfiguration() {
    let rig = rig(&first("init_location"));
    let refusal = testkit::dlm::Fault::refusal(422, "ValueAlreadyInDB", "exists");
    rig.dlm.inject(refusal.at("init_location").once());
    let mut sink = rig.sink();
    let trouble = sink.prepare().await.unwrap_err();
    let text = trouble.to_string();
    assert!(matches!(trouble, Trouble::Down(_)), "{text}");
    assert!(
        text.starts_with("E-DLM-") && text.contains("nothing is lost") && text.contains("Fix: "),
        "{text}"
    );
    sink.prepare().await.unwrap();
}
