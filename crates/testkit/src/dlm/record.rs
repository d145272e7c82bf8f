//! What was received, in order.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use serde_json::Value;

use super::contract::ServiceName;

/// How much of a body is shown in messages, in characters.
const SHOWN: usize = 400;

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    /// Counts from 0 over all services, in order of arrival.
    pub number: usize,
    /// Who got it.
    pub service: ServiceName,
    /// `POST`.
    pub method: String,
    /// `/ingest/register_data_item`.
    pub path: String,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// As sent.
    pub raw_query: String,
    /// In the order sent.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The same as JSON, if it is that.
    pub json: Option<Value>,
    /// Which item it is about, if that can be told: from the query, the body, or by the uid.
    pub item_name: Option<String>,
    /// When it had arrived whole.
    pub at: SystemTime,
    /// The same in seconds since the double was started.
    pub seconds: f64,
    /// What it was answered; nothing yet, or nothing ever.
    pub status: Option<u16>,
    /// Whether another registration of the same name on the same storage was not answered yet.
    pub overlapping: bool,
}

/// All requests.
#[derive(Debug)]
pub(super) struct Log {
    begun: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: Vec<Received>,
    /// By the last part of the path: how many came, and how many were answered with 2xx.
    counts: HashMap<String, (usize, usize)>,
    /// Registrations in the hand of the double: what they register, and how many.
    in_flight: HashMap<(String, String), usize>,
}

impl Received {
    /// The last part of the path.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What is registered where, if this is a registration.
    fn registers(&self) -> Option<(String, String)> {
        if self.operation() != "register_data_item" {
            return None;
        }
        let storage = self.param("storage_name").filter(|name| !name.is_empty());
        let storage = storage.or_else(|| self.param("storage_id")).unwrap_or_default();
        Some((self.param("item_name")?.to_owned(), storage.to_owned()))
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if !self.raw_query.is_empty() {
            write!(f, "?{}", self.raw_query)?;
        }
        if !self.body.is_empty() {
            let shown: String = self.text().chars().take(SHOWN).collect();
            write!(f, " {shown}")?;
        }
        match self.status {
            Some(status) => write!(f, " -> {status}"),
            None => write!(f, " -> no answer"),
        }
    }
}

impl Log {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), inner: Mutex::default() }
    }

    /// Enters a request; gives what was entered, with its number, its time and whether it overlaps.
    pub(super) fn enter(&self, mut request: Received) -> Received {
        let mut inner = self.inner();
        request.number = inner.requests.len();
        request.at = SystemTime::now();
        request.seconds = self.begun.elapsed().as_secs_f64();
        if let Some(what) = request.registers() {
            let there = inner.in_flight.entry(what).or_default();
            *there += 1;
            request.overlapping = *there > 1;
        }
        inner.counts.entry(request.operation().to_owned()).or_default().0 += 1;
        inner.requests.push(request.clone());
        request
    }

    /// The request is out of hand: answered, or its sender is gone.
    pub(super) fn leave(&self, request: &Received, status: Option<u16>) {
        let mut inner = self.inner();
        inner.requests[request.number].status = status;
        if status.is_some_and(|status| (200..300).contains(&status)) {
            inner.counts.entry(request.operation().to_owned()).or_default().1 += 1;
        }
        if let Some(what) = request.registers()
            && let Some(there) = inner.in_flight.get_mut(&what)
        {
            *there -= 1;
            if *there == 0 {
                inner.in_flight.remove(&what);
            }
        }
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&[Received]) -> T) -> T {
        look(&self.inner().requests)
    }

    pub(super) fn counts(&self, operation: &str) -> (usize, usize) {
        self.inner().counts.get(operation).copied().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.inner().requests.len()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
