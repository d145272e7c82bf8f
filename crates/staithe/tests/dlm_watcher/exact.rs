//! Requests to the letter, with names in the place of what is new in each run.

use std::process::Command;
use std::time::UNIX_EPOCH;

use testkit::dlm::{Dlm, Received};

use crate::stage::{PATIENCE, SOURCE, Stage, TARGET, by_product};

/// A request as one line. `<NAME>` is the uid of that item on the source storage, `<=NAME>` that on the target,
/// `<@STORAGE>` a storage's id, `<in a year>` an expiration that is that far away.
pub(crate) fn exact(dlm: &Dlm, request: &Received) -> String {
    let mut line = format!("{} {}", request.method, request.path);
    if !request.raw_query.is_empty() {
        line.push('?');
        line.push_str(&request.raw_query);
    }
    if !request.body.is_empty() {
        line.push(' ');
        line.push_str(&request.text());
    }
    if let Some(until) = request.json.as_ref().and_then(|json| json["uid_expiration"].as_str()) {
        assert!(is_in_a_year(until, request), "{until} in {request}");
        line = line.replace(until, "<in a year>");
    }
    for storage in dlm.storages() {
        let mark = if storage.name == SOURCE { "" } else { "=" };
        for item in dlm.items_on(&storage.name) {
            let name = item.item_name.unwrap_or_default();
            line = line.replace(&item.uid, &format!("<{mark}{name}>"));
        }
        line = line.replace(&storage.id, &format!("<@{}>", storage.name));
    }
    line
}

/// Local time without a zone, with microseconds, 365 days after the request.
fn is_in_a_year(until: &str, request: &Received) -> bool {
    let sent = request.at.duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
    let local = |seconds: u64| {
        let mut date = Command::new("date");
        let date = date.args(["-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%S"]).output();
        String::from_utf8_lossy(&date.expect("there is a date command").stdout).trim().to_owned()
    };
    let year = sent + 365 * 86_400;
    until.len() == "2027-11-21T02:03:04.123456".len()
        && *until >= *local(year - 60)
        && *until < *local(year + 2)
}

/// The lines about one entry of the watched directory.
pub(crate) fn lines(dlm: &Dlm, product: &str) -> Vec<String> {
    let products = by_product(dlm.requests());
    products.get(product).into_iter().flatten().map(|request| exact(dlm, request)).collect()
}

impl Stage {
    /// Waits until nothing is under way or waits for its completion.
    #[track_caller]
    pub(crate) fn wait_idle(&self) {
        testkit::wait_until(PATIENCE, "nothing to be under way", || {
            let status = self.status();
            ["waiting", "queued", "delivering", "retrying"].iter().all(|count| status["counts"][count] == 0)
        });
    }

    /// The lines about one entry of the watched directory.
    pub(crate) fn lines(&self, product: &str) -> Vec<String> {
        lines(&self.dlm, product)
    }

    /// What is about no entry: the requests of the start, without what is asked about copies later.
    pub(crate) fn opening(&self) -> Vec<String> {
        let mut lines = lines(&self.dlm, "");
        lines.retain(|line| !line.contains("/get_migration?"));
        lines
    }
}

/// A registration. `sent` is what stands between the storage's name and the access check.
pub(crate) fn reg(name: &str, kind: &str, sent: &str, body: &str) -> String {
    let space = if body.is_empty() { "" } else { " " };
    format!(
        "POST /ingest/register_data_item?item_name={name}&uri={name}&item_type={kind}&storage_name={SOURCE}{sent}\
         &do_storage_access_check=true{space}{body}"
    )
}

/// A file at the top.
pub(crate) fn reg_file(name: &str, size: usize) -> String {
    reg(name, "file", &format!("&decompressed_size={size}"), "")
}

/// A file below a directory.
pub(crate) fn reg_child(name: &str, size: usize) -> String {
    let top = name.split('/').next().unwrap_or_default();
    reg(name, "file", &format!("&parents=<{top}>&decompressed_size={size}"), "")
}

pub(crate) fn copy(name: &str) -> String {
    format!("POST /migration/copy_data_item?uid=<{name}>&destination_name={TARGET}")
}

pub(crate) fn qry(name: &str) -> String {
    format!("GET /request/query_data_item?uid=<{name}>")
}

/// A child's row on the target. `size`: a number or `null`.
pub(crate) fn init(name: &str, kind: &str, size: &str) -> String {
    init_on(name, kind, size, (TARGET, "SOLID"), "\"<in a year>\"")
}

/// The same on another target.
pub(crate) fn init_on(
    name: &str,
    kind: &str,
    size: &str,
    (target, phase): (&str, &str),
    until: &str,
) -> String {
    format!(
        "POST /ingest/init_data_item {{\"item_name\": \"{name}\", \"oid\": \"<{name}>\", \"storage_id\": \
         \"<@{target}>\", \"uid_phase\": \"{phase}\", \"uri\": \"{name}\", \"target_phase\": \"SOLID\", \"item_type\": \
         \"{kind}\", \"item_state\": \"READY\", \"item_owner\": \"SKA\", \"uid_expiration\": {until}, \"item_size\": null, \
         \"decompressed_size\": {size}}}"
    )
}

/// All that is asked about a child: registered, its object asked for, its row on the target made.
pub(crate) fn child(name: &str, size: usize) -> Vec<String> {
    vec![reg_child(name, size), qry(name), init(name, "file", &size.to_string())]
}

/// A child that is a directory whose content is listed.
pub(crate) fn folder(name: &str, body: &str) -> Vec<String> {
    let top = name.split('/').next().unwrap_or_default();
    let sent = format!("&parents=<{top}>");
    vec![reg(name, "container", &sent, body), qry(name), init(name, "container", "null")]
}

/// A directory at the top.
pub(crate) fn top(name: &str, body: &str) -> Vec<String> {
    vec![reg(name, "container", "", body), copy(name)]
}

/// Everything after each other.
pub(crate) fn all<const N: usize>(parts: [Vec<String>; N]) -> Vec<String> {
    parts.into_iter().flatten().collect()
}
