//! How much at once, for how long, and with which names.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::Parcel;
use sinks::{Outcome, Sink, Trouble};
use testkit::dlm::{Dlm, Fault};

use crate::rig::{Rig, SOURCE, TARGET, deliver_all, deliver_one, eventually, parcel};

/// The most requests that were in the services' hands at once while `work` was done.
async fn most_at_once(rig: &Rig, work: impl Future<Output = ()>) -> usize {
    let most = AtomicUsize::new(0);
    let watch = async {
        loop {
            let now = rig.dlm.with_requests(|all| all.iter().filter(|one| one.status.is_none()).count());
            most.fetch_max(now, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = watch => {}
    }
    most.into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_run_side_by_side_and_never_more_than_allowed() {
    for parallel in [1, 3, 16] {
        let mut rig = Rig::with(Dlm::builder().usual_state().latency(Duration::from_millis(50)).start());
        rig.plan.parallel = parallel;
        let files: Vec<Parcel> = (1..=32).map(|seq| rig.file(seq, &format!("f{seq}"))).collect();
        let mut sink = rig.sink();
        sink.prepare().await.unwrap();
        let some = files.len().min(sink.batch_limit());
        let most = most_at_once(&rig, deliver_all(&mut sink, &files[..some])).await;
        assert_eq!(most, usize::from(parallel), "of {some} files");
        assert_eq!(rig.dlm.items_on(TARGET).len(), some);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_registered_twice_at_once_whatever_the_names() {
    let mut rig = Rig::with(Dlm::builder().usual_state().latency(Duration::from_millis(5)).start());
    rig.plan.parallel = 16;
    rig.write(&[
        ("dp/sub/a.bin", "1"),
        ("dp/sub/b.bin", "1"),
        ("dp/c.bin", "1"),
        ("dpx/a.bin", "1"),
        ("f", "1"),
    ]);
    let names = [
        "dp/sub/a.bin",
        "f",
        "dp",
        "dp/sub",
        "f",
        "dp/c.bin",
        "dpx",
        "dp",
        "f",
        "dp/sub",
        "dpx/a.bin",
        "dp/sub/b.bin",
        "f",
        "dp",
    ];
    let events: Vec<Parcel> = (1..).zip(names).map(|(seq, name)| rig.event(seq, name)).collect();
    let mut sink = rig.sink();
    deliver_all(&mut sink, &events).await;
    assert_eq!(rig.dlm.overlapping().len(), 0, "{:?}", rig.dlm.overlapping());
    let mut here: Vec<_> = rig.dlm.items_on(SOURCE).into_iter().map(|row| row.item_name.unwrap()).collect();
    here.sort();
    assert_eq!(here, ["dp", "dp/c.bin", "dp/sub", "dp/sub/a.bin", "dp/sub/b.bin", "dpx", "dpx/a.bin", "f"]);
    let mut there: Vec<_> = rig.dlm.items_on(TARGET).into_iter().map(|row| row.item_name.unwrap()).collect();
    there.sort();
    assert_eq!(there, here);
}

#[tokio::test]
async fn a_product_waits_for_one_within_it() {
    let rig = Rig::new();
    rig.write(&[("dp/c.bin", "1")]);
    let its_own = Fault::late(Duration::from_millis(400)).at("register_data_item").item("dp/c.bin");
    rig.dlm.inject(its_own.when(|request| request.param("parents").is_none()).once());
    deliver_all(&mut rig.sink(), &[rig.event(1, "dp/c.bin"), rig.event(2, "dp")]).await;
    assert_eq!(rig.dlm.overlapping().len(), 0, "{}", rig.dlm.transcript());
    assert_eq!((rig.dlm.items_on(SOURCE).len(), rig.dlm.items_on(TARGET).len()), (2, 2));
}

/// A call that is dropped at any moment leaves no second registration behind, and the sink stays usable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_calls_leave_nothing_twice() {
    let mut rig = Rig::with(Dlm::builder().usual_state().latency(Duration::from_millis(3)).start());
    rig.plan.parallel = 8;
    let events: Vec<Parcel> = (1..=8).map(|seq| rig.family(seq, &format!("p{seq}"))).collect();
    let mut sink = rig.sink();
    for pause in (0..120).step_by(7) {
        let _ = tokio::time::timeout(Duration::from_millis(pause), sink.deliver(&events)).await;
    }
    deliver_all(&mut sink, &events).await;
    for seq in 1..=8 {
        rig.assert_whole(&format!("p{seq}"), "after dropped calls");
    }
}

#[tokio::test]
async fn a_hanging_service_is_left_after_the_timeout_and_a_moment() {
    let mut rig = Rig::new();
    rig.timeout = Duration::from_millis(400);
    let events: Vec<Parcel> = (1..=16).map(|seq| rig.family(seq, &format!("p{seq}"))).collect();
    for operation in
        ["query_location", "register_data_item", "copy_data_item", "query_data_item", "init_data_item"]
    {
        let mut sink = rig.sink();
        if operation != "query_location" {
            sink.prepare().await.unwrap();
        }
        rig.dlm.inject(Fault::hang().at(operation));
        for _ in 0..2 {
            let begun = Instant::now();
            let trouble = sink.deliver(&events).await.unwrap_err();
            assert!(
                matches!(&trouble, Trouble::Down(text) if text.contains("no answer in time")),
                "{trouble:?}"
            );
            assert!(begun.elapsed() < Duration::from_secs(5), "{operation}: {:?}", begun.elapsed());
        }
        rig.dlm.clear_faults();
    }
    rig.timeout = Duration::from_secs(20);
    deliver_all(&mut rig.sink(), &events).await;
    for seq in 1..=16 {
        rig.assert_whole(&format!("p{seq}"), "after the services hung");
    }
}

#[tokio::test]
async fn an_answer_that_comes_after_the_timeout_makes_nothing_twice() {
    let mut rig = Rig::new();
    rig.timeout = Duration::from_millis(600);
    let event = rig.family(1, "dp");
    let late = Fault::late(Duration::from_millis(900));
    rig.dlm.inject(late.at("register_data_item").item("dp/a.bin").once());
    rig.dlm.inject(Fault::late(Duration::from_millis(900)).after_acting().at("copy_data_item").once());
    let mut sink = rig.sink();
    let mut troubles = 0;
    while let Err(trouble) = deliver_one(&mut sink, &event).await {
        assert!(matches!(trouble, Trouble::Down(_)));
        troubles += 1;
        // As a lane does.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(troubles >= 2, "{troubles}");
    rig.assert_whole("dp", "late answers");
}

#[tokio::test]
async fn services_that_stop_and_start_lose_nothing() {
    let mut rig = Rig::with(Dlm::builder().usual_state().latency(Duration::from_millis(2)).start());
    rig.timeout = Duration::from_secs(3);
    let events: Vec<Parcel> = (1..=12).map(|seq| rig.family(seq, &format!("p{seq}"))).collect();
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    let dlm = Arc::clone(&rig.dlm);
    let (mut done, mut troubles) = (0, 0);
    let disturb = std::thread::spawn(move || {
        for round in 0..8 {
            std::thread::sleep(Duration::from_millis(40));
            let service = [dlm.ingest(), dlm.request(), dlm.migration(), dlm.storage()][round % 4];
            service.stop();
            std::thread::sleep(Duration::from_millis(40));
            service.start();
        }
    });
    while done < events.len() {
        let offered = &events[done..events.len().min(done + 4)];
        match sink.deliver(offered).await {
            Ok(outcomes) => done += outcomes.iter().take_while(|one| **one == Outcome::Delivered).count(),
            Err(Trouble::Down(text)) => {
                assert!(text.starts_with("E-DLM-UNREACHED") && text.contains("127.0.0.1"), "{text}");
                troubles += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    disturb.join().unwrap();
    assert!(troubles > 0, "nothing was disturbed");
    for seq in 1..=12 {
        rig.assert_whole(&format!("p{seq}"), "services stopped and started");
    }
}

#[tokio::test]
async fn ping_asks_nothing_and_names_the_service_that_is_gone() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    sink.ping().await.unwrap();
    for (service, setting) in [
        (rig.dlm.ingest(), "ingest_url"),
        (rig.dlm.request(), "request_url"),
        (rig.dlm.storage(), "storage_url"),
        (rig.dlm.migration(), "migration_url"),
    ] {
        service.stop();
        let trouble = sink.ping().await.unwrap_err();
        assert!(matches!(&trouble, Trouble::Down(text) if text.contains(setting)), "{trouble:?}");
        service.start();
        sink.ping().await.unwrap();
    }
    assert_eq!(rig.dlm.total(), 0);
}

#[tokio::test]
async fn an_empty_batch_is_no_trouble_and_reopening_loses_nothing() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    assert_eq!(sink.deliver(&[]).await, Ok(Vec::new()));
    deliver_all(&mut sink, &[rig.file(1, "f1")]).await;
    sink.reopen();
    deliver_all(&mut sink, &[rig.file(2, "f2")]).await;
    assert_eq!(sink.backlog().await, Ok(None));
    assert_eq!((rig.dlm.items_on(SOURCE).len(), rig.dlm.count("init_storage")), (2, 1));
}

#[tokio::test]
async fn any_name_that_is_text_arrives_and_one_that_is_not_is_refused_alone() {
    let rig = Rig::new();
    let names = [
        "a b&c=d+e%f#g?h",
        "ü√",
        "new\nline",
        "quote\"s'",
        "-rf $(id)",
        "\u{1}\u{7f}\\",
        "..x",
        &"n".repeat(255),
    ];
    let mut events: Vec<Parcel> = (1..).zip(names).map(|(seq, name)| rig.file(seq, name)).collect();
    let odd = b"\xff\xfe".as_slice();
    std::fs::write(rig.root().join(std::ffi::OsStr::from_bytes(odd)), "x").unwrap();
    events.insert(3, parcel(&rig.root(), 99, odd));
    let outcomes = rig.sink().deliver(&events).await.unwrap();
    for (event, outcome) in events.iter().zip(&outcomes) {
        match outcome {
            Outcome::Rejected(text) if event.seq == 99 => {
                assert!(text.starts_with("E-DLM-PRODUCT"), "{text}");
            }
            outcome => assert_eq!(*outcome, Outcome::Delivered, "{:?}", event.seq),
        }
    }
    assert_eq!(outcomes.len(), events.len());
    for storage in [SOURCE, TARGET] {
        let mut there: Vec<_> =
            rig.dlm.items_on(storage).into_iter().map(|row| row.item_name.unwrap()).collect();
        there.sort();
        let mut all = names.map(str::to_owned).to_vec();
        all.sort();
        assert_eq!(there, all);
    }
}

#[tokio::test]
async fn children_that_cannot_be_items_are_left_out_and_told() {
    let rig = Rig::new();
    let event = rig.family(1, "dp");
    std::os::unix::fs::symlink("/nowhere/at/all", rig.root().join("dp/link")).unwrap();
    std::fs::write(rig.root().join("dp").join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
    rig.dlm.inject(Fault::close().at("copy_data_item").once());
    rig.sink().deliver(std::slice::from_ref(&event)).await.unwrap_err();
    deliver_all(&mut rig.sink(), &[event]).await;
    rig.assert_whole("dp", "with two that are no items");
    assert_eq!(rig.book.steps_with(1, "left").len(), 2, "{:?}", rig.book.steps(1));
    let told = rig.remarks().iter().filter(|text| text.starts_with("W-DLM-LEFT")).count();
    assert_eq!(told, 2, "once each, not once for each try: {:?}", rig.remarks());
}

#[tokio::test]
async fn a_source_beside_the_root_is_refused_and_one_below_it_is_named_from_the_root() {
    let rig = Rig::new();
    rig.write(&[("deep/source/f1", "1")]);
    let below = parcel(&rig.root().join("deep/source"), 1, b"f1");
    let beside = parcel(&rig.beside("other"), 2, b"f2");
    let outcomes = rig.sink().deliver(&[below, beside]).await.unwrap();
    assert!(
        matches!(&outcomes[..], [Outcome::Delivered, Outcome::Rejected(text)] if text.starts_with("E-DLM-ROOT")),
        "{outcomes:?}"
    );
    assert_eq!(rig.dlm.items_on(SOURCE)[0].uri, "deep/source/f1");
}

#[tokio::test]
async fn broken_metadata_are_refused_alone() {
    let rig = Rig::new();
    let (bad, good) = (rig.family(1, "bad"), rig.family(2, "good"));
    rig.write(&[("bad/ska-data-product.yaml", "a: [1")]);
    let outcomes = rig.sink().deliver(&[bad.clone(), good]).await.unwrap();
    assert!(
        matches!(&outcomes[..], [Outcome::Rejected(text), Outcome::Delivered] if text.starts_with("E-DLM-METADATA")),
        "{outcomes:?}"
    );
    rig.assert_whole("good", "beside broken metadata");
    assert!(rig.dlm.items_on(SOURCE).iter().all(|row| row.item_name.as_deref() != Some("bad")));
    rig.write(&[("bad/ska-data-product.yaml", "a: [1]")]);
    deliver_all(&mut rig.sink(), &[bad]).await;
    rig.assert_whole("bad", "after the metadata were mended");
}

#[tokio::test]
async fn a_sink_that_ends_takes_its_tasks_along() {
    let mut rig = Rig::new();
    rig.plan.follow_copies = true;
    rig.plan.status_file = Some(rig.beside("status.json"));
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f1")]).await;
    drop(sink);
    let total = rig.dlm.total();
    rig.advance(1000);
    // Whoever still followed would ask within two seconds.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(rig.dlm.total(), total);
    eventually("nobody holds the journal but the test", || Arc::strong_count(&rig.book) == 1).await;
}
