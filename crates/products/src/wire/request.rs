//! A request as data.

use super::query::percent_encode;

/// One of the four services; each has its own base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Registers items.
    Ingest,
    /// Answers questions about items.
    Request,
    /// Knows locations and storages.
    Storage,
    /// Copies items between storages.
    Migration,
}

impl Service {
    /// The first segment of the service's paths, also its name in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Request => "request",
            Self::Storage => "storage",
            Self::Migration => "migration",
        }
    }
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Asks; may be repeated.
    Get,
    /// Changes something.
    Post,
}

impl Method {
    /// The method as it is written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request to one of the services, without the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose base URL comes before the path.
    pub service: Service,
    /// How it is sent.
    pub method: Method,
    /// The path, with a leading slash. It is appended to the base URL as it is.
    pub path: &'static str,
    /// The query in the order of the wire, values not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// The body. A POST without one says `Content-Length: 0`.
    pub body: Option<Vec<u8>>,
    /// Whether `Content-Type: application/json` is sent. Some POSTs send it without having a body.
    pub content_type: bool,
}

impl Request {
    /// The query as it stands behind the `?`, empty if there is none.
    #[must_use]
    pub fn raw_query(&self) -> String {
        let pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        pairs.join("&")
    }

    /// Path and query, as they stand behind the base URL.
    #[must_use]
    pub fn target(&self) -> String {
        let query = self.raw_query();
        if query.is_empty() { self.path.to_owned() } else { format!("{}?{query}", self.path) }
    }

    /// The headers that are the same whoever sends it; `Host` and `Content-Length` are the sender's.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let mut headers = vec![("Accept-Encoding", "identity"), ("Accept", "application/json")];
        if self.content_type {
            headers.push(("Content-Type", "application/json"));
        }
        headers.push(("User-Agent", "OpenAPI-Generator/1.0.0/python"));
        headers
    }

    pub(super) fn get(service: Service, path: &'static str) -> Self {
        Self { service, method: Method::Get, path, query: Vec::new(), body: None, content_type: false }
    }

    pub(super) fn post(service: Service, path: &'static str) -> Self {
        Self { method: Method::Post, ..Self::get(service, path) }
    }

    /// A POST that may carry JSON; it says so even when it does not.
    pub(super) fn post_json(service: Service, path: &'static str, body: Option<Vec<u8>>) -> Self {
        Self { body, content_type: true, ..Self::post(service, path) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a pair if there is a value: absent values are left out of a query.
    pub(super) fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}
