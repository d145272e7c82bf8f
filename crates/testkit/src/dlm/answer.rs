//! What a service answers, in the forms that the real ones use.

use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header of the same name.
    pub content_type: String,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// Any answer.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: content_type.to_owned(), body: body.into() }
    }

    /// A JSON value with a status.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// 200 and a JSON value.
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// What any exception becomes that nobody caught.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::new(500, "text/plain; charset=utf-8", "Internal Server Error")
    }

    /// An error of the domain, as the services name it.
    #[must_use]
    pub fn refusal(status: u16, class: &str, message: &str) -> Self {
        Self::json(status, &json!({"exec": class, "message": message}))
    }

    pub(super) fn unmet(message: &str) -> Self {
        Self::refusal(422, "UnmetPreconditionForOperation", message)
    }

    pub(super) fn already_there(message: &str) -> Self {
        Self::refusal(422, "ValueAlreadyInDB", message)
    }

    pub(super) fn bad_query(message: &str) -> Self {
        Self::refusal(422, "InvalidQueryParameters", message)
    }

    pub(super) fn conflict(table: &str, message: &str) -> Self {
        let message = format!("('Database conflict on POST http://<postgrest>/{table}', '{message}')");
        Self::refusal(409, "DatabaseOperationError", &message)
    }

    /// What the framework says by itself.
    pub(super) fn detail(status: u16, detail: &Value) -> Self {
        Self::json(status, &json!({ "detail": detail }))
    }
}
