//! `type = "dlm"`.

use super::{file, first_line};
use crate::fields::{Fields, Report, Text};
use crate::http_url;
use crate::plan::{DlmPlace, DlmSink, Secret};
use crate::read::choices::DIALECTS;
use crate::read::source::absolute;
use crate::source_text::Place;

/// The settings, and the places that later checks point at.
pub(super) struct Read {
    pub(super) sink: DlmSink,
    /// Where `root` stands.
    pub(super) root: Option<Place>,
    /// Where `status_file` stands.
    pub(super) status_file: Option<Place>,
}

pub(super) fn read(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Read> {
    let usual = DlmSink::default();
    no_format(fields, report);
    let storage = fields.required(report, "storage").and_then(|value| value.text(report, "a string"));
    let storage = storage.and_then(|text| filled(text, "storage", report));
    let root = fields.text(report, "root").and_then(|text| Some((absolute(report, &text)?, text.place)));
    let (root, root_place) = root.unzip();
    let status_place = fields.peek("status_file").map(|value| value.place.clone());
    let sink = DlmSink {
        storage,
        target: target(fields, usual.target, report),
        root,
        dialect: fields.one_of(report, "dialect", &DIALECTS, &[]).unwrap_or(usual.dialect),
        strict: fields.flag(report, "strict").unwrap_or(usual.strict),
        access_check: fields.flag(report, "access_check").unwrap_or(usual.access_check),
        place: place(fields, usual.place, report),
        authorized_keys: file(fields, "authorized_keys", report),
        follow_copies: fields.flag(report, "follow_copies").unwrap_or(usual.follow_copies),
        parallel: parallel(fields, report).unwrap_or(usual.parallel),
        status_file: file(fields, "status_file", report),
        reload_status_file: reload(fields, status_place.is_some(), report),
        token: token(fields, report),
        ca_file: file(fields, "ca_file", report),
        ..services(fields, report)
    };
    unprotected(&sink, fields, report);
    sink.storage.is_some().then_some(Read { sink, root: root_place, status_file: status_place })
}

/// What other sinks are told how to write is fixed here.
fn no_format(fields: &mut Fields<'_>, report: &mut Report<'_>) {
    for key in ["format", "template"] {
        let Some((place, _)) = fields.stray(key) else { continue };
        let message = format!("`{key}` says nothing here: what is sent are the services' own requests");
        report.error(&place, message, Some("remove it; `dialect` chooses between versions of them".into()));
    }
}

/// The four services; `url` stands for those that are not named.
fn services(fields: &mut Fields<'_>, report: &mut Report<'_>) -> DlmSink {
    let gateway = service(fields, "url", report);
    let usual = DlmSink::default();
    let mut one = |key, usual: String| {
        let own = service(fields, key, report);
        own.or_else(|| gateway.clone()).unwrap_or(usual)
    };
    DlmSink {
        ingest_url: one("ingest_url", usual.ingest_url),
        request_url: one("request_url", usual.request_url),
        storage_url: one("storage_url", usual.storage_url),
        migration_url: one("migration_url", usual.migration_url),
        ..DlmSink::default()
    }
}

fn service(fields: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<String> {
    let text = fields.text(report, key)?;
    if let Err(words) = http_url::check(&text.value) {
        // The URL itself is never quoted: a wrong one may hold a password.
        let help = "http://host[:port][/path] or https://…; a token goes into `token_file`".to_owned();
        report.error(&text.place, format!("`{key}` is no base URL: {words}"), Some(help));
        return None;
    }
    if text.value.ends_with('/') {
        let message = "the services' paths are appended as they are: they would begin with //";
        report.warn(&text.place, message, Some("remove the / at the end".into()));
    }
    Some(text.value)
}

fn target(fields: &mut Fields<'_>, usual: Option<String>, report: &mut Report<'_>) -> Option<String> {
    let register_only = fields.flag(report, "register_only").unwrap_or(false);
    let Some((place, value)) = fields.entry("target") else {
        return usual.filter(|_| !register_only);
    };
    if register_only {
        let help = "keep one of the two".to_owned();
        report.error(&place, "nothing is copied to `target`: there is `register_only`", Some(help));
        return None;
    }
    let text = value.text(report, "a string")?;
    if text.value.is_empty() {
        let help = "write register_only = true for no copies".to_owned();
        report.error(&text.place, "`target` is empty", Some(help));
    }
    Some(text.value)
}

fn place(fields: &mut Fields<'_>, usual: DlmPlace, report: &mut Report<'_>) -> DlmPlace {
    let mut text = |key| fields.text(report, key).and_then(|text| filled(text, key, report));
    DlmPlace {
        host: text("host"),
        user: text("user").unwrap_or(usual.user),
        location: text("location").unwrap_or(usual.location),
        location_type: text("location_type").unwrap_or(usual.location_type),
        country: text("country").unwrap_or(usual.country),
        city: text("city").unwrap_or(usual.city),
        facility: text("facility").unwrap_or(usual.facility),
    }
}

fn filled(text: Text, key: &str, report: &mut Report<'_>) -> Option<String> {
    if text.value.is_empty() {
        report.error(&text.place, format!("`{key}` is empty"), None);
        return None;
    }
    Some(text.value)
}

fn parallel(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<u16> {
    let value = fields.take("parallel")?;
    let number = value.integer(report)?;
    let parallel = u16::try_from(number).ok().filter(|number| (1..=DlmSink::PARALLEL_LIMIT).contains(number));
    if parallel.is_none() {
        let help = "so many products are under way at once; 8 is usual".to_owned();
        let message = format!("`parallel` is not from 1 to {}", DlmSink::PARALLEL_LIMIT);
        report.error(&value.place, message, Some(help));
    }
    parallel
}

fn reload(fields: &mut Fields<'_>, has_file: bool, report: &mut Report<'_>) -> bool {
    let Some((place, value)) = fields.entry("reload_status_file") else { return false };
    let reload = value.flag(report).unwrap_or(false);
    if reload && !has_file {
        let help = "add status_file = \"…\"".to_owned();
        report.error(&place, "there is no `status_file` that could be read", Some(help));
    }
    reload
}

fn token(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Secret> {
    let given = (fields.take("token"), fields.text(report, "token_file"));
    let (token, place) = match given {
        (Some(_), Some(_)) => {
            let message = format!("{} has both `token` and `token_file`", fields.what());
            report.error(fields.place(), message, None);
            return None;
        }
        (Some(value), None) if value.value.as_str().is_none() => {
            // Without the help that would show it.
            value.mismatch(report, "a string", None);
            return None;
        }
        (Some(value), None) => {
            let text = value.text(report, "a string")?;
            if !text.written.contains("${") {
                let help = "put it into a file and write token_file = \"…\", or use ${VAR}".to_owned();
                report.warn(&text.place, "the token stands in the configuration file", Some(help));
            }
            (text.value, text.place)
        }
        (None, Some(text)) => (first_line(&text, "the token", report)?, text.place),
        (None, None) => return None,
    };
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // It is never quoted.
        let wrong = if token.is_empty() { "is empty" } else { "holds what no header can hold" };
        let help = "a bearer token is made of visible ASCII characters, without spaces".to_owned();
        report.error(&place, format!("the token {wrong}"), Some(help));
        return None;
    }
    Some(Secret::new(token))
}

/// A token that is sent unencrypted, and certificates that nothing is compared with.
fn unprotected(sink: &DlmSink, fields: &Fields<'_>, report: &mut Report<'_>) {
    let urls = [&sink.ingest_url, &sink.request_url, &sink.storage_url, &sink.migration_url];
    let encrypted = urls.iter().filter(|url| http_url::is_https(url)).count();
    if sink.token.is_some() && encrypted < urls.len() {
        let message = "the token is sent unencrypted: not all of the services' URLs are https://";
        report.warn(fields.place(), message, Some("write https://, or let nobody else listen".into()));
    }
    if sink.ca_file.is_some() && encrypted == 0 {
        let message = "the certificates would not be used: no URL of the services is https://";
        report.error(fields.place(), message, Some("write https://, or remove `ca_file`".into()));
    }
}
