//! Services that are down, that answer nonsense, that do not answer: all is registered once in the end.

use std::time::{Duration, Instant};

use testkit::dlm::{Dlm, Fault, Received, Service};
use testkit::{Process, wait_until};

use crate::stage::{PATIENCE, SOURCE, Stage, TARGET};

const FILES: [(&str, &str); 3] = [("a", "1"), ("b", "22"), ("ska-data-product.yaml", "x: 1\n")];

/// The requests of a product, and which item of it they are about.
const REQUESTS: [(&str, &str); 5] = [
    ("register_data_item", ""),
    ("copy_data_item", ""),
    ("register_data_item", "/a"),
    ("init_data_item", "/a"),
    ("query_data_item", "/a"),
];

fn is_about(request: &Received, name: &str) -> bool {
    request.item_name.as_deref() == Some(name)
}

/// A service stops, a product comes, the service is back.
fn outage(service: fn(&Dlm) -> &Service, name: &str) {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    service(&stage.dlm).stop();
    stage.move_in("dp", &FILES);
    wait_until(PATIENCE, "the outage in the log", || {
        watcher.says(&format!("E-DLM-UNREACHED: the {name} service"))
    });
    assert!(watcher.is_running() && stage.is_ready());
    service(&stage.dlm).start();
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert!(watcher.says("the services answer again"));
    assert_eq!(watcher.terminate(), Some(0));
}

#[test]
fn each_service_may_go_and_come_back() {
    std::thread::scope(|scope| {
        scope.spawn(|| outage(|dlm| dlm.ingest(), "ingest"));
        scope.spawn(|| outage(|dlm| dlm.request(), "request"));
        scope.spawn(|| outage(|dlm| dlm.migration(), "migration"));
    });
}

#[test]
fn all_services_may_come_after_the_watcher() {
    let stage = Stage::new();
    let all = [stage.dlm.ingest(), stage.dlm.request(), stage.dlm.storage(), stage.dlm.migration()];
    for service in all {
        service.stop();
    }
    let mut watcher = stage.start(&["--dir-updates-wait-time=1"]);
    wait_until(PATIENCE, "the outage in the log", || watcher.says("E-DLM-UNREACHED: the storage service"));
    // Those that come before the watch stands were there at the start.
    wait_until(PATIENCE, "the first look", || watcher.says("first scan done"));
    stage.move_in("dp", &FILES);
    stage.write("file", "12345");
    assert!(!stage.is_ready() && watcher.is_running());
    assert_eq!(stage.dlm.total(), 0);
    for service in all {
        service.start();
    }
    stage.wait_ready();
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}

/// The start-up requests, answered wrongly, done and not done.
#[test]
fn whatever_the_start_is_answered_its_rows_are_made_once() {
    type Spoil = fn() -> Fault;
    const ASKING: &[&str] = &["query_location", "get_ssh_public_key", "query_storage", "get_storage_config"];
    const MAKING: &[&str] = &["init_location", "init_storage", "create_storage_config"];
    let cases: [(&[&str], Spoil); 5] = [
        (ASKING, Fault::internal_error),
        (ASKING, Fault::html),
        (MAKING, Fault::internal_error),
        (MAKING, || Fault::internal_error().after_acting()),
        (MAKING, || Fault::close().after_acting()),
    ];
    std::thread::scope(|scope| {
        for (operations, fault) in cases {
            scope.spawn(move || {
                let dlm = Dlm::start();
                dlm.add_location("elsewhere");
                let stage = Stage::with(dlm);
                stage.dlm.add_storage(TARGET, "/archive", "SOLID");
                for operation in operations {
                    stage.dlm.inject(fault().at(operation).once());
                }
                let mut watcher = stage.start_ready(&[]);
                assert_eq!(stage.dlm.locations(), ["elsewhere", "SKA-DEV"], "{operations:?}");
                let mut storages = stage.dlm.storages();
                storages.retain(|storage| storage.name == SOURCE);
                assert_eq!((storages.len(), storages[0].configs.len()), (1, 1), "{operations:?}");
                let keys = std::fs::read_to_string(stage.home().join(".ssh/authorized_keys"));
                assert_eq!(keys.expect("it was made").lines().count(), 2, "an empty line, and the key once");
                assert_eq!(watcher.terminate(), Some(0));
            });
        }
    });
}

/// Every request, answered in every wrong way, done and not done.
#[test]
fn whatever_a_request_is_answered_its_row_is_made_once() {
    let busy = || Fault::answer(503, "text/plain", "busy");
    let answers: [fn() -> Fault; 5] =
        [Fault::internal_error, Fault::close, Fault::html, Fault::octets, Fault::null];
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    let mut number = 0;
    let mut spoil = |operation: &str, item: &str, fault: Fault| {
        let product = format!("p{number}");
        number += 1;
        let name = format!("{product}{item}");
        let of = move |request: &Received| is_about(request, &name);
        stage.dlm.inject(fault.at(operation).when(of).times(2));
        stage.move_in(&product, &FILES);
    };
    for (operation, item) in REQUESTS {
        spoil(operation, item, busy());
        for fault in answers {
            spoil(operation, item, fault());
            spoil(operation, item, fault().after_acting());
        }
    }
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}

/// With each kind of request in hand.
#[test]
fn hung_services_do_not_hold_up_an_end() {
    let stage = Stage::new();
    let words = &["--dir-updates-wait-time=1"];
    let mut watcher = stage.start_ready(words);
    assert_eq!(watcher.terminate(), Some(0));
    let mut held = Vec::new();
    for (number, (operation, item)) in REQUESTS.into_iter().enumerate() {
        for acts in [false, true] {
            let product = format!("p{number}{acts}");
            let name = format!("{product}{item}");
            let of = name.clone();
            let fault = Fault::hang().at(operation).when(move |request| is_about(request, &of));
            stage.dlm.inject(if acts { fault.after_acting() } else { fault });
            stage.move_in(&product, &FILES);
            held.push((operation, name));
        }
    }
    // All are complete before the sink begins, and so they are under way at the same time, as many as may be.
    stage.dlm.inject(Fault::late(Duration::from_secs(3)).at("query_location"));
    let mut watcher = stage.start(words);
    stage.dlm.wait_for(PATIENCE, "eight that hang", |all| {
        let hangs = |(operation, name): &&(&str, String)| {
            all.iter().any(|one| one.operation() == *operation && is_about(one, name) && one.status.is_none())
        };
        held.iter().filter(hangs).count() >= 8
    });
    let begun = Instant::now();
    assert_eq!(watcher.terminate(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    stage.dlm.clear_faults();
    let mut watcher = stage.start_ready(words);
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}

/// Two that wait long and do little share their wait.
#[test]
fn a_black_hole_is_left_and_a_copy_that_fails_is_asked_for_again() {
    std::thread::scope(|scope| {
        scope.spawn(a_black_hole_is_left_after_the_timeout);
        scope.spawn(a_copy_that_fails_is_asked_for_again_and_explain_says_how_it_stands);
    });
}

/// Connections are taken, requests are taken, nothing ever comes back: as behind a firewall that drops packets.
fn a_black_hole_is_left_after_the_timeout() {
    let stage = Stage::new();
    let file = stage.native(&[], |text| text.replace("type = \"dlm\"", "type = \"dlm\"\ntimeout = \"1s\""));
    let mut command = stage.run_native(&file);
    let mut daemon = Process::spawn("daemon", &stage.scratch.path().join("logs"), &mut command);
    stage.dlm.wait_until(PATIENCE, "the start-up requests", |dlm| dlm.answered("create_storage_config") == 1);
    wait_until(PATIENCE, "it to be ready", || stage.status()["ready"] == true);
    // The second half of them is done all the same.
    stage.dlm.inject(Fault::hang().at("register_data_item").times(2));
    stage.dlm.inject(Fault::hang().at("register_data_item").after_acting().times(2));
    for name in ["p0", "p1", "p2"] {
        stage.move_in(name, &FILES);
    }
    stage.dlm.wait_until(PATIENCE, "all to hang", |dlm| dlm.count("register_data_item") >= 4);
    let sinks = || stage.status()["sinks"][0].to_string();
    wait_until(PATIENCE, "the sink to say so", || sinks().contains("no answer in time"));
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(daemon.terminate(PATIENCE).code(), Some(0));
}

/// The original never asks what became of a copy.
fn a_copy_that_fails_is_asked_for_again_and_explain_says_how_it_stands() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    stage.dlm.inject(Fault::copy_fails().once());
    stage.move_in("dp", &FILES);
    let place = stage.watched().join("dp");
    let explained = || {
        let answer = stage.ask(&["explain", place.to_str().expect("a plain name")]);
        String::from_utf8(answer).expect("text")
    };
    wait_until(PATIENCE, "the failure to be known", || {
        watcher.says("W-DLM-COPY: the copy of dp failed (try 1)")
    });
    assert!(
        explained().contains("DELIVERED") && !explained().contains("the copy is finished"),
        "{}",
        explained()
    );
    stage.wait_answered("copy_data_item", 2);
    wait_until(PATIENCE, "the success to be known", || explained().contains("the copy is finished"));
    stage.wait_all_there();
    assert_eq!((stage.dlm.count("register_data_item"), stage.dlm.count("copy_data_item")), (3, 2));
    assert_eq!(watcher.terminate(), Some(0));
}

/// A request that kills its worker, or that a gateway cuts off: others must not wait behind it, and it is no dead letter.
#[test]
fn a_product_that_is_cut_off_each_time_holds_up_nobody_else() {
    let stage = Stage::new();
    stage.dlm.inject(Fault::close().at("register_data_item").item("poison"));
    let mut watcher = stage.start_ready(&[]);
    let (poison, good) = (["poison"], ["good1", "good2", "good3"]);
    for name in poison.iter().chain(&good) {
        stage.move_in(name, &FILES);
    }
    wait_until(PATIENCE, "the others", || {
        good.iter().all(|name| {
            stage.dlm.items_on(SOURCE).iter().any(|item| item.item_name == Some(format!("{name}/b")))
        })
    });
    wait_until(PATIENCE, "the good ones to be told", || stage.status()["counts"]["delivered"] == 3);
    assert!(stage.dead().is_empty());
    let counts = &stage.status()["counts"];
    assert_eq!((&counts["retrying"], &counts["dead"]), (&1.into(), &0.into()));
    // It is tried again by itself; whoever knows that it is well now need not wait for that.
    stage.dlm.clear_faults();
    stage.ask(&["resume", "dlm"]);
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}
