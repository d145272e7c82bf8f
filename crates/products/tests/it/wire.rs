//! The requests, compared with what the original was recorded to send.

use products::items::ItemKind;
use products::wire::{
    Dialect, Location, Registration, Request, SftpRemote, SourceStorage, TargetCopy, copy_data_item,
    create_storage_config, get_migration, get_ssh_public_key, get_storage_config, init_data_item,
    init_location, init_storage, query_data_item, query_data_item_named, query_location, query_storage,
    rclone_config, register_data_item,
};
use serde_json::Value as Json;

/// The value of a recorded query parameter. In the recordings placeholders like `<uuid-1>` and `$WATCH_DIR`
/// stand unencoded for what was there.
fn value(recorded: &Json, name: &str) -> Option<String> {
    let raw = recorded["raw_query"].as_str()?;
    let encoded = raw.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

fn kind(text: &str) -> ItemKind {
    if text == "file" { ItemKind::File } else { ItemKind::Container }
}

/// Builds what was recorded from the values in it.
fn rebuild(recorded: &Json) -> Request {
    let get = |name: &str| value(recorded, name).unwrap_or_default();
    let body: Json = recorded["body"].as_str().map_or(Json::Null, |body| serde_json::from_str(body).unwrap());
    let of = |name: &str| body[name].as_str().unwrap_or_default();
    let remote = || SftpRemote {
        name: of("name"),
        host: body["parameters"]["host"].as_str().unwrap(),
        user: body["parameters"]["user"].as_str().unwrap(),
    };
    match recorded["path"].as_str().unwrap() {
        "/storage/query_location" => query_location(&get("location_name")),
        "/storage/init_location" => init_location(&Location {
            name: &get("location_name"),
            kind: &get("location_type"),
            country: &get("location_country"),
            city: &get("location_city"),
            facility: &get("location_facility"),
        }),
        "/storage/get_ssh_public_key" => get_ssh_public_key(),
        "/storage/query_storage" => query_storage(&get("storage_name")),
        "/storage/init_storage" => init_storage(&SourceStorage {
            name: &get("storage_name"),
            root_directory: &get("root_directory"),
            location_id: &get("location_id"),
            location_name: &get("location_name"),
        }),
        "/storage/get_storage_config" => get_storage_config(&get("storage_id")),
        "/storage/create_storage_config" => create_storage_config(&get("storage_id"), &remote()),
        "/storage/rclone_config" => rclone_config(&remote()),
        "/ingest/register_data_item" => register(recorded),
        "/migration/copy_data_item" => copy_data_item(&get("uid"), &get("destination_name")),
        "/request/query_data_item" => query_data_item(&get("uid")),
        "/ingest/init_data_item" => init_data_item(&TargetCopy {
            item_name: of("item_name"),
            item_type: kind(of("item_type")),
            oid: body["oid"].as_str(),
            storage_id: of("storage_id"),
            uid_phase: of("uid_phase"),
            uid_expiration: body["uid_expiration"].as_str(),
            decompressed_size: body["decompressed_size"].as_u64(),
        }),
        other => panic!("no builder for {other}"),
    }
}

/// In the dialect of the scenario; what 2.1.0 does not send is given all the same, and must not appear.
fn register(recorded: &Json) -> Request {
    let old = recorded["scenario"].as_str().is_some_and(|scenario| scenario.starts_with('R'));
    let parents = if old { Some("nobody".to_owned()) } else { value(recorded, "parents") };
    let size =
        if old { Some(1) } else { value(recorded, "decompressed_size").map(|size| size.parse().unwrap()) };
    register_data_item(
        if old { Dialect::R21 } else { Dialect::Main },
        &Registration {
            item_name: &value(recorded, "item_name").unwrap(),
            item_type: kind(&value(recorded, "item_type").unwrap()),
            storage_name: &value(recorded, "storage_name").unwrap(),
            parents: parents.as_deref(),
            decompressed_size: size,
            storage_access_check: value(recorded, "do_storage_access_check").unwrap() == "true",
            metadata: recorded["body"].as_str().map(str::as_bytes),
        },
    )
}

/// Puts the placeholders back that encoding took for text.
fn with_placeholders(query: &str) -> String {
    query.replace("%3C", "<").replace("%3E", ">").replace("%24WATCH_DIR", "$WATCH_DIR")
}

#[test]
fn every_recorded_request_is_rebuilt_byte_for_byte() {
    let recorded: Vec<Json> =
        serde_json::from_str(include_str!("../../data/recorded_requests.json")).unwrap();
    // A01 is another program: of it only the making of the location is like the watcher's.
    let ours = |request: &&Json| request["scenario"] != "A01" || request["path"] == "/storage/init_location";
    let mut count = 0;
    for recorded in recorded.iter().filter(ours) {
        let request = rebuild(recorded);
        let place = format!("{} {}", recorded["scenario"], recorded["index"]);
        assert_eq!(
            with_placeholders(&request.raw_query()),
            recorded["raw_query"].as_str().unwrap(),
            "{place}"
        );
        let body = request.body.as_deref().map(|body| std::str::from_utf8(body).unwrap());
        assert_eq!(body, recorded["body"].as_str(), "{place}");
        assert_eq!(request.method.as_str(), recorded["method"], "{place}");
        assert_eq!(request.service.as_str(), recorded["service"], "{place}");
        assert_eq!(request.path, recorded["path"], "{place}");
        assert_eq!(request.content_type, recorded["content_type"] == "application/json", "{place}");
        count += 1;
    }
    assert!(count > 80, "{count}");
}

#[test]
fn each_endpoint_has_its_recorded_headers() {
    let recorded: Json = serde_json::from_str(include_str!("../../data/recorded_headers.json")).unwrap();
    for (endpoint, recorded) in recorded.as_object().unwrap() {
        let path = endpoint.split_whitespace().nth(1).unwrap();
        let body = recorded["body"].as_str().filter(|body| !body.is_empty());
        let case = serde_json::json!({"scenario": "A02", "path": path, "raw_query": recorded["raw_query"], "body": body});
        let request = rebuild(&case);
        let headers: serde_json::Map<String, Json> =
            request.headers().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let mut wanted = recorded["headers"].as_object().unwrap().clone();
        // These two depend on who sends it, and on the body.
        wanted.remove("Host");
        wanted.remove("Content-Length");
        assert_eq!(headers, wanted, "{endpoint}");
        assert_eq!(request.body.as_deref(), body.map(str::as_bytes), "{endpoint}");
    }
}

#[test]
fn requests_that_only_the_replacement_sends() {
    assert_eq!(
        query_data_item_named("dp/a b", "s-1").target(),
        "/request/query_data_item?item_name=dp/a%20b&storage_id=s-1"
    );
    assert_eq!(get_migration(17).target(), "/migration/get_migration?migration_id=17");
    assert_eq!(get_ssh_public_key().target(), "/storage/get_ssh_public_key");
}

#[test]
fn names_in_bodies_are_escaped() {
    let copy = TargetCopy {
        item_name: "ü\"√",
        item_type: ItemKind::Container,
        oid: None,
        storage_id: "t",
        uid_phase: "SOLID",
        uid_expiration: None,
        decompressed_size: None,
    };
    let body = init_data_item(&copy).body.unwrap();
    assert!(
        body.starts_with(br#"{"item_name": "\u00fc\"\u221a", "oid": null, "storage_id": "t", "#),
        "{}",
        body.escape_ascii()
    );
}
