//! What an undisturbed product sends, against the recordings of the original.
//!
//! The order of children is the original's only by accident (that of the directory's listing), and outside of strict
//! mode its first child is not copied again. So the recording is taken apart into items, a model makes the requests of
//! them, and that model must give the recording before it may judge the sink.

use std::fs;

use config::{DlmDialect, DlmSink};
use products::wire::percent_encode;
use testkit::dlm::{Scenario, golden};

use crate::lines::{WORDS, numbered, received, recorded};
use crate::rig::{Rig, deliver_all};

const METADATA: &str = "execution_block: eb-m001-20191031-12345\n\
    interface: http://schema.skao.int/ska-data-product-meta/0.1\n\
    context:\n  observer: AIV\n  date: 2019-10-31\nfiles: []\n";

/// An item as it was registered.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    kind: String,
    size: Option<String>,
    body: Option<String>,
}

/// What differs between scenarios.
struct Manner {
    r21: bool,
    target: String,
    phase: &'static str,
    check: &'static str,
    strict: bool,
}

impl Manner {
    fn of(scenario: &Scenario, plan: &DlmSink) -> Self {
        let target = plan.target.clone().unwrap();
        let phase = if target == "second" { "LIQUID" } else { "SOLID" };
        let check = if plan.access_check { "true" } else { "false" };
        Self { r21: scenario.is_r21(), target, phase, check, strict: plan.strict }
    }
}

/// The items of a recording, in its order: those registered on the source storage.
fn parts(scenario: &Scenario) -> Vec<Part> {
    let all = scenario.requests.iter().filter(|one| one.path.ends_with("/register_data_item"));
    let param = |query: &[(String, String)], name: &str| {
        query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    all.filter(|one| param(&one.query, "storage_name").as_deref() == Some("dir-watcher"))
        .map(|one| Part {
            name: param(&one.query, "item_name").unwrap(),
            kind: param(&one.query, "item_type").unwrap(),
            size: param(&one.query, "decompressed_size"),
            body: one.body_as_sent(),
        })
        .collect()
}

/// What is sent for these items.
fn model(parts: &[Part], manner: &Manner) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut top, mut at) = ("", 0);
    for part in parts {
        if !part.name.contains('/') {
            (top, at) = (&part.name, 0);
        }
        let (name, kind) = (percent_encode(&part.name), &part.kind);
        let parents = if at == 0 || manner.r21 { String::new() } else { format!("&parents=<uuid-{top}>") };
        let size = part.size.as_ref().map_or(String::new(), |size| format!("&decompressed_size={size}"));
        let body = part.body.clone().unwrap_or_else(|| "-".into());
        let check = manner.check;
        let register = |storage: &str, more: &str, check: &str| {
            format!(
                "POST /ingest/register_data_item?item_name={name}&uri={name}&item_type={kind}&storage_name={storage}\
                 {more}&do_storage_access_check={check} application/json {body}"
            )
        };
        lines.push(register("dir-watcher", &format!("{parents}{size}"), check));
        let uid = format!("<uuid-{}>", part.name);
        if at == 0 || (at == 1 && manner.strict) {
            let target = &manner.target;
            lines.push(format!("POST /migration/copy_data_item?uid={uid}&destination_name={target} - -"));
        } else if manner.r21 {
            lines.push(register(&manner.target, "", "false"));
        } else {
            lines.push(format!("GET /request/query_data_item?uid={uid} - -"));
            lines.push(init(part, &uid, manner));
        }
        at += 1;
    }
    lines
}

fn init(part: &Part, uid: &str, manner: &Manner) -> String {
    let (name, kind, phase) = (&part.name, &part.kind, manner.phase);
    let size = part.size.as_deref().unwrap_or("null");
    let expiration = if manner.target == "dlm-archive" { format!("\"{WORDS}\"") } else { "null".into() };
    format!(
        "POST /ingest/init_data_item? application/json {{\"item_name\": \"{name}\", \"oid\": \"{uid}\", \
         \"storage_id\": \"<uuid-target>\", \"uid_phase\": \"{phase}\", \"uri\": \"{name}\", \"target_phase\": \
         \"SOLID\", \"item_type\": \"{kind}\", \"item_state\": \"READY\", \"item_owner\": \"SKA\", \
         \"uid_expiration\": {expiration}, \"item_size\": null, \"decompressed_size\": {size}}}"
    )
}

/// What is sent for these items here: children in order of their names, with sizes of their own outside of strict mode.
fn expected(rig: &Rig, parts: &[Part], manner: &Manner) -> Vec<String> {
    let mut sorted: Vec<Vec<Part>> = Vec::new();
    for part in parts {
        if part.name.contains('/') {
            sorted.last_mut().unwrap().push(part.clone());
        } else {
            sorted.push(vec![part.clone()]);
        }
    }
    for family in &mut sorted {
        family.sort_by(|one, other| one.name.cmp(&other.name));
        for part in family.iter_mut().filter(|part| part.kind == "file" && part.name.contains('/')) {
            let path = rig.root().join(&part.name);
            let sized = if manner.strict { path.parent().unwrap() } else { &path };
            let size = fs::metadata(sized).unwrap().len().to_string();
            part.size = part.size.as_ref().map(|_| size);
        }
    }
    model(&sorted.concat(), manner)
}

/// Runs one scenario in both modes.
async fn replay(id: &str, files: &[(&str, &str)], tops: &[&str], prepare: impl Fn(&mut Rig)) {
    let scenario = golden().scenario(id);
    let parts = parts(scenario);
    for strict in [true, false] {
        let mut rig = Rig::new();
        rig.write(files);
        rig.plan.strict = strict;
        if scenario.is_r21() {
            rig = rig.dialect(DlmDialect::V21);
        }
        prepare(&mut rig);
        let manner = Manner::of(scenario, &rig.plan);
        if strict {
            let products = scenario.requests.iter().filter(|one| !one.path.starts_with("/storage/"));
            let original: Vec<String> = products.map(recorded).collect();
            assert_eq!(numbered(&model(&parts, &manner)), numbered(&original), "the model of {id}");
        }
        let mut sink = rig.sink();
        for (seq, top) in (1..).zip(tops) {
            deliver_all(&mut sink, &[rig.event(seq, top)]).await;
        }
        let root = rig.root().display().to_string();
        let sent: Vec<String> = rig.product_requests().iter().map(|one| received(one, &root)).collect();
        let expected = expected(&rig, &parts, &manner);
        assert_eq!(numbered(&sent), numbered(&expected), "{id}, strict: {strict}");
        assert_eq!(rig.remarks(), Vec::<String>::new(), "{id}");
    }
}

fn nothing(_: &mut Rig) {}

const MEASUREMENT: [(&str, &str); 2] = [("vis.ms/table.dat", HUNDRED), ("vis.ms/SUB/table.f0", FIFTY)];
const FIFTY: &str = "12345678901234567890123456789012345678901234567890";
const HUNDRED: &str =
    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";

#[tokio::test]
async fn single_files() {
    replay("B01", &[("file1.dat", "12345")], &["file1.dat"], nothing).await;
    replay("R02", &[("file1.dat", "12345")], &["file1.dat"], nothing).await;
    replay("O01", &[("f1", "1234567890")], &["f1"], |rig| rig.plan.access_check = false).await;
}

#[tokio::test]
async fn directories() {
    let files = [("dp/data.bin", "1"), ("dp/weights", "12"), ("dp/third", "123")];
    replay("C02", &files, &["dp"], nothing).await;
    replay("C03", &[("empty/", "")], &["empty"], nothing).await;
    let nested = [
        ("dp/ska-data-product.yaml", METADATA),
        ("dp/top.bin", "1"),
        ("dp/sub/a.bin", "12"),
        ("dp/sub/deep/b.bin", "123"),
        ("dp/meta_sub/ska-data-product.yaml", &METADATA.replace("12345", "99999")),
        ("dp/meta_sub/c.bin", "1234"),
    ];
    replay("C04", &nested, &["dp"], nothing).await;
}

#[tokio::test]
async fn another_target_in_another_phase() {
    let files = [("dp/data.bin", "1"), ("dp/weights", "12"), ("dp/third", "123")];
    let second = |rig: &mut Rig| {
        rig.dlm.add_storage("second", "/second", "LIQUID");
        rig.plan.target = Some("second".into());
    };
    replay("O08", &files, &["dp"], second).await;
}

#[tokio::test]
async fn measurement_sets() {
    let with_metadata = [MEASUREMENT[0], MEASUREMENT[1], ("ska-data-product.yaml", METADATA)];
    replay("M01", &MEASUREMENT, &["vis.ms"], nothing).await;
    replay("M02", &with_metadata, &["vis.ms"], nothing).await;
    replay("R05", &with_metadata, &["vis.ms"], nothing).await;
    replay("M05", &[("plain.ms", "12345"), ("dp/x.ms", "1")], &["plain.ms", "dp"], nothing).await;
    let two = [
        ("dp/ska-data-product.yaml", METADATA),
        ("dp/vis0.ms/table.dat", HUNDRED),
        ("dp/vis1.ms/table.dat", HUNDRED),
        ("dp/log.txt", "12345"),
    ];
    replay("R06", &two, &["dp"], nothing).await;
}

#[tokio::test]
async fn every_request_has_the_headers_of_the_original() {
    let mut rig = Rig::new();
    rig.plan.authorized_keys = Some(rig.beside("keys"));
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "dp")]).await;
    drop(sink);
    deliver_all(&mut rig.sink(), &[rig.file(2, "f")]).await;
    let mut kinds = 0;
    for request in rig.dlm.requests() {
        // The one without a recording of its headers is of the same make.
        let key =
            format!("{} {}", request.method, request.path.replace("rclone_config", "create_storage_config"));
        let Some((_, case)) =
            golden().headers.iter().find(|(known, _)| known.split(" (").next() == Some(&key))
        else {
            panic!("{key} was never recorded: {:?}", golden().headers.keys());
        };
        kinds += 1;
        for name in ["Accept", "Accept-Encoding", "User-Agent", "Content-Type"] {
            let recorded = case.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
            assert_eq!(request.header(name), recorded.map(|(_, value)| value.as_str()), "{name} of {key}");
        }
        assert_eq!(request.header("Authorization"), None);
        assert_eq!(request.header("Cookie"), None);
        let length = request.header("Content-Length");
        assert_eq!(length.is_some(), request.method == "POST", "{key}: {length:?}");
    }
    assert!(kinds > 20, "{kinds}");
}
