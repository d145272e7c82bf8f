//! The status file.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sinks::{Sink, Trouble};

use crate::rig::{NOW, Rig, SOURCE, deliver_all, eventually};

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.plan.status_file = Some(rig.beside("status.json"));
    rig
}

fn read(rig: &Rig) -> Value {
    serde_json::from_slice(&fs::read(rig.beside("status.json")).unwrap()).unwrap()
}

fn names(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["file_or_directory"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn it_lists_what_was_copied_in_the_shape_of_the_original() {
    let rig = rig();
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    assert!(!rig.beside("status.json").exists(), "nothing was registered yet");
    deliver_all(&mut sink, &[rig.family(1, "dp")]).await;
    eventually("the file", || rig.beside("status.json").exists()).await;
    let uid = rig.dlm.items_on(SOURCE)[0].uid.clone();
    let text = fs::read_to_string(rig.beside("status.json")).unwrap();
    let expected = format!(
        "[\n    {{\n        \"file_or_directory\": \"dp\",\n        \"dlm_storage_name\": null,\n        \
         \"dlm_registration_id\": \"{uid}\",\n        \"time_registered\": {NOW}.123456\n    }}\n]"
    );
    assert_eq!(text, expected);
    drop(sink);
    assert_eq!(fs::read_dir(rig.beside("")).unwrap().count(), 2, "no other file is left beside it");
}

#[tokio::test]
async fn in_strict_mode_it_lists_the_first_child_too() {
    let mut rig = rig();
    rig.plan.strict = true;
    deliver_all(&mut rig.sink(), &[rig.family(1, "dp")]).await;
    assert_eq!(names(&read(&rig)), ["dp", "dp/a.bin"], "written at the end at the latest");
}

#[tokio::test]
async fn where_nothing_is_copied_it_lists_what_was_registered() {
    let mut rig = rig();
    rig.plan.target = None;
    deliver_all(&mut rig.sink(), &[rig.family(1, "dp"), rig.file(2, "f")]).await;
    let mut listed = names(&read(&rig));
    listed.sort();
    assert_eq!(listed, ["dp", "f"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_never_sees_a_part_of_it() {
    let rig = rig();
    let path = rig.beside("status.json");
    let end = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let end = Arc::clone(&end);
        move || {
            let (mut seen, mut last) = (0, 0);
            while !end.load(Ordering::Relaxed) {
                let Ok(bytes) = fs::read(&path) else { continue };
                let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                    panic!("{error}: {} bytes", bytes.len());
                });
                let entries = value.as_array().unwrap().len();
                assert!(entries >= last, "it never shrinks");
                last = entries;
                seen += 1;
            }
            (seen, last)
        }
    });
    let mut sink = rig.sink();
    let begun = std::time::Instant::now();
    let mut seq = 0;
    while begun.elapsed() < std::time::Duration::from_secs(4) {
        let events: Vec<_> = (0..16)
            .map(|_| {
                seq += 1;
                rig.file(seq, &format!("f{seq}"))
            })
            .collect();
        deliver_all(&mut sink, &events).await;
    }
    drop(sink);
    let listed = names(&read(&rig)).len() as u64;
    end.store(true, Ordering::Relaxed);
    let (seen, _) = reader.join().unwrap();
    assert!(seen > 10, "{seen}");
    assert_eq!(listed, seq);
}

#[tokio::test]
async fn what_an_earlier_run_listed_is_asked_for_first_if_that_is_wanted() {
    for (reload, strict) in [(true, false), (false, false), (true, true)] {
        let mut rig = rig();
        (rig.plan.reload_status_file, rig.plan.strict) = (reload, strict);
        let earlier = json!([
            {"file_or_directory": "old", "dlm_storage_name": null, "dlm_registration_id": "u-1", "time_registered": 1.5},
            {"file_or_directory": "odd", "dlm_storage_name": null, "dlm_registration_id": null, "time_registered": 2.5},
            {"file_or_directory": "elsewhere", "dlm_storage_name": null, "dlm_registration_id": "u-2", "time_registered": 3.5},
        ]);
        fs::write(rig.beside("status.json"), earlier.to_string()).unwrap();
        let events = [rig.file(1, "old"), rig.file(2, "odd"), rig.file(3, "new"), rig.file(4, "elsewhere")];
        let mut sink = rig.sink();
        sink.prepare().await.unwrap();
        if reload && !strict {
            rig.dlm.add_item(SOURCE, "old", "file");
            rig.dlm.add_item("dlm-archive", "old", "file");
        }
        deliver_all(&mut sink, &events).await;
        drop(sink);
        let mut sent: Vec<_> =
            rig.dlm.requests_at("register_data_item").into_iter().map(|one| one.item_name.unwrap()).collect();
        sent.sort();
        if reload && !strict {
            // The services do not know the last one, whatever the file says.
            assert_eq!(sent, ["elsewhere", "new", "odd"]);
            assert_eq!(rig.dlm.count("copy_data_item"), 3);
            assert_eq!(names(&read(&rig))[..2], ["old", "odd"], "what was listed stays");
        } else {
            assert_eq!(sent, ["elsewhere", "new", "odd", "old"]);
            assert_eq!(names(&read(&rig)).len(), 4);
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_keeps_the_sink_from_starting() {
    let mut rig = rig();
    rig.plan.reload_status_file = true;
    fs::write(rig.beside("status.json"), "[{").unwrap();
    let mut sink = rig.sink();
    let trouble = sink.prepare().await.unwrap_err();
    assert!(
        matches!(&trouble, Trouble::Misconfigured(text) if text.starts_with("E-DLM-STATUS")),
        "{trouble:?}"
    );
    assert_eq!(rig.dlm.total(), 0);
    fs::remove_file(rig.beside("status.json")).unwrap();
    sink.prepare().await.unwrap();
}

#[tokio::test]
async fn one_that_cannot_be_written_is_told_once_and_holds_up_nothing() {
    let mut rig = rig();
    rig.plan.status_file = Some(rig.beside("missing/status.json"));
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f1")]).await;
    eventually("a remark", || !rig.remarks().is_empty()).await;
    deliver_all(&mut sink, &[rig.file(2, "f2")]).await;
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert!(matches!(&rig.remarks()[..], [only] if only.starts_with("W-DLM-STATUS")), "{:?}", rig.remarks());
    fs::create_dir(rig.beside("missing")).unwrap();
    eventually("the file, without new products", || {
        fs::read(rig.beside("missing/status.json")).is_ok_and(|bytes| {
            serde_json::from_slice::<Value>(&bytes).unwrap().as_array().unwrap().len() == 2
        })
    })
    .await;
}
