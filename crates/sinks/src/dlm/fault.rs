//! What can go wrong with one request, in sentences: what failed, what it means for the data, the fix.

use products::wire::{Request, Service};

use crate::sink::Trouble;

/// How much of a service's own words is repeated.
const QUOTED: usize = 300;

pub(crate) const KEPT: &str = "nothing is lost, products wait and go on where they were";

/// Why a request gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection, or no answer: whether the request was done is not known.
    Unreached(String),
    /// The service says that it cannot work now.
    Busy(String),
    /// Only a person can heal it: wrong address, wrong token, a storage that nobody knows.
    Person(String),
    /// This request failed, and may succeed later.
    Again(String),
    /// This request will never succeed.
    Refused(String),
    /// The item is on the storage already.
    Exists(String),
}

impl Fault {
    /// The sentence.
    pub(crate) fn text(&self) -> &str {
        match self {
            Fault::Unreached(text)
            | Fault::Busy(text)
            | Fault::Person(text)
            | Fault::Again(text)
            | Fault::Refused(text)
            | Fault::Exists(text) => text,
        }
    }

    /// Of a request that every product depends on: no failure of it is one product's own.
    pub(crate) fn into_trouble(self) -> Trouble {
        match self {
            // What exists was made by another program at the same moment; the next look finds it.
            Fault::Unreached(text) | Fault::Busy(text) | Fault::Again(text) | Fault::Exists(text) => {
                Trouble::Down(text)
            }
            Fault::Person(text) | Fault::Refused(text) => Trouble::Misconfigured(text),
        }
    }
}

/// The setting that holds a service's address.
pub(crate) const fn setting(service: Service) -> &'static str {
    match service {
        Service::Ingest => "ingest_url",
        Service::Request => "request_url",
        Service::Storage => "storage_url",
        Service::Migration => "migration_url",
    }
}

/// The request did not get through.
pub(crate) fn unreached(request: &Request, base: &str, what: &str) -> Fault {
    Fault::Unreached(format!(
        "E-DLM-UNREACHED: {} at {base} did not answer {}: {what}; {KEPT}. \
         Fix: see whether the service runs, or correct {}",
        service(request),
        name(request),
        setting(request.service)
    ))
}

/// An answer that is none: whether the request was done is not known.
pub(crate) fn unclear(request: &Request, what: &str) -> Fault {
    Fault::Again(format!(
        "E-DLM-ANSWER: {} answered {} with {what}; nothing is lost, it is asked again what it has. \
         Fix: see the service's log, and whether a proxy answers in its place",
        service(request),
        name(request)
    ))
}

/// The answer has an error status.
pub(crate) fn status(request: &Request, status: u16, words: &str) -> Fault {
    let class = exception(words);
    let quoted = quote(words);
    let said = format!("{} answered {} with {status}: {quoted}", service(request), name(request));
    let setting = setting(request.service);
    match (status, class.as_deref()) {
        (422, Some("ValueAlreadyInDB")) => Fault::Exists(format!(
            "E-DLM-EXISTS: {said}; nothing is lost. Fix: see what the services have under that name, and who made it"
        )),
        (422, Some("UnmetPreconditionForOperation")) => Fault::Person(format!(
            "E-DLM-STORAGE: {said}; {KEPT}. Fix: see that the storage is known and that the services' rclone reaches \
             this host (access_check = false skips that test)"
        )),
        (401 | 403 | 407, _) => Fault::Person(format!(
            "E-DLM-TOKEN: {said}; {KEPT}. Fix: give the sink a valid token or token_file, with the right to do this"
        )),
        (404 | 405 | 300..=399, _) => Fault::Person(format!(
            "E-DLM-ADDRESS: {said}; {KEPT}. Fix: correct {setting}: the services' paths are appended to it as they are"
        )),
        (408 | 425 | 429 | 502 | 503 | 504, _) => Fault::Busy(format!(
            "E-DLM-BUSY: {said}; {KEPT}. Fix: none if it passes; else see the service's log"
        )),
        (400..=499, _) if status != 409 && request.service == Service::Storage => Fault::Person(format!(
            "E-DLM-SETTINGS: {said}; {KEPT}. Fix: correct the names of storage, target and location, or what is said of \
             the location"
        )),
        (400..=499, _) if status != 409 => Fault::Refused(format!(
            "E-DLM-REFUSED: {said}; it will not take this item. Fix: correct the item, or its metadata, and put it \
             there again, or staithe dead retry"
        )),
        _ => Fault::Again(format!(
            "E-DLM-ERROR: {said}; nothing is lost, it is tried again. Fix: see the service's log"
        )),
    }
}

/// The class of the services' own errors: `{"exec": CLASS, "message": …}`.
fn exception(words: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(words).ok()?;
    Some(value.get("exec")?.as_str()?.to_owned())
}

fn quote(words: &str) -> String {
    let mut end = words.len().min(QUOTED);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    let text = model::text::safe(words[..end].trim().as_bytes());
    if text.is_empty() { "nothing".to_owned() } else { text }
}

fn service(request: &Request) -> String {
    format!("the {} service", request.service.as_str())
}

fn name(request: &Request) -> &str {
    request.path.rsplit('/').next().unwrap_or(request.path)
}

#[cfg(test)]
mod tests {
    use products::wire;

    use super::*;

    fn of(code: u16, words: &str) -> Fault {
        status(&wire::query_data_item("u"), code, words)
    }

    #[test]
    fn each_status_has_its_kind() {
        let exec = |class: &str| format!("{{\"exec\":\"{class}\",\"message\":\"m\"}}");
        assert!(matches!(of(422, &exec("ValueAlreadyInDB")), Fault::Exists(_)));
        assert!(matches!(of(422, &exec("UnmetPreconditionForOperation")), Fault::Person(_)));
        assert!(matches!(of(422, &exec("InvalidQueryParameters")), Fault::Refused(_)));
        assert!(matches!(of(422, "{\"detail\":[]}"), Fault::Refused(_)));
        for code in [401, 403, 404, 405, 307] {
            assert!(matches!(of(code, "x"), Fault::Person(_)), "{code}");
        }
        for code in [400, 410, 413, 414, 415] {
            assert!(matches!(of(code, "x"), Fault::Refused(_)), "{code}");
        }
        let at_start = status(&wire::query_storage("s"), 400, "x");
        assert!(matches!(at_start, Fault::Person(text) if !text.contains("dead retry")));
        for code in [408, 425, 429, 502, 503, 504] {
            assert!(matches!(of(code, "x"), Fault::Busy(_)), "{code}");
        }
        for code in [409, 500, 501, 507] {
            assert!(matches!(of(code, &exec("ValueAlreadyInDB")), Fault::Again(_)), "{code}");
        }
    }

    #[test]
    fn a_sentence_says_what_failed_what_it_means_and_the_fix() {
        let text = of(500, &"ü".repeat(400)).text().to_owned();
        assert!(
            text.starts_with("E-DLM-ERROR: the request service answered query_data_item with 500: ü"),
            "{text}"
        );
        assert!(text.contains("nothing is lost") && text.contains("Fix: "), "{text}");
        assert!(text.len() < 600, "{}", text.len());
    }
}
