//! What shall go wrong.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::answer::Answer;
use super::record::Received;

/// Something that goes wrong, with which requests, and how often.
///
/// Until [`Fault::after_acting`] is said, a request that is hit has no effect. The first fault that was injected and
/// fits is taken.
pub struct Fault {
    pub(super) what: What,
    pub(super) acts: bool,
    operation: Option<String>,
    applies: Vec<Predicate>,
    left: Option<usize>,
}

type Predicate = Box<dyn Fn(&Received) -> bool + Send + Sync>;

#[derive(Clone, Debug)]
pub(super) enum What {
    Answer(Answer),
    Close,
    Hang,
    Late(Duration),
    CopyFails,
    CopyHangs,
}

/// What is to be done with one request.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) what: What,
    pub(super) acts: bool,
}

/// The faults that are waiting for their requests.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Fault {
    /// Answers this.
    #[must_use]
    pub fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(What::Answer(Answer::new(status, content_type, body)))
    }

    /// Answers 500 as the services do when nobody caught the exception.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::new(What::Answer(Answer::internal_error()))
    }

    /// Answers an error of the domain: `refusal(422, "ValueAlreadyInDB", "…")`.
    #[must_use]
    pub fn refusal(status: u16, class: &str, message: &str) -> Self {
        Self::new(What::Answer(Answer::refusal(status, class, message)))
    }

    /// Answers 200 with a JSON value.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::new(What::Answer(Answer::json(200, body)))
    }

    /// Answers 200 and `null`.
    #[must_use]
    pub fn null() -> Self {
        Self::json(&Value::Null)
    }

    /// Answers 200 with a page for people, as a proxy or a gateway does.
    #[must_use]
    pub fn html() -> Self {
        Self::answer(200, "text/html", "<html>")
    }

    /// Answers 200 with bytes of no kind.
    #[must_use]
    pub fn octets() -> Self {
        Self::answer(200, "application/octet-stream", b"\x00\x01".as_slice())
    }

    /// Closes the connection and answers nothing.
    #[must_use]
    pub fn close() -> Self {
        Self::new(What::Close)
    }

    /// Never answers and keeps the connection.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(What::Hang)
    }

    /// Waits, then acts and answers. With [`Fault::after_acting`]: acts at once and answers late.
    #[must_use]
    pub fn late(delay: Duration) -> Self {
        Self::new(What::Late(delay))
    }

    /// Takes the request for a copy; the copy fails later, and its row is deleted.
    #[must_use]
    pub fn copy_fails() -> Self {
        Self::new(What::CopyFails).at("copy_data_item")
    }

    /// Takes the request for a copy; the copy never ends ([`super::Dlm::end_copies`] ends it).
    #[must_use]
    pub fn copy_hangs() -> Self {
        Self::new(What::CopyHangs).at("copy_data_item")
    }

    fn new(what: What) -> Self {
        Self { what, acts: false, operation: None, applies: Vec::new(), left: None }
    }

    /// The request takes effect all the same; only its answer is not the real one.
    #[must_use]
    pub fn after_acting(mut self) -> Self {
        self.acts = true;
        self
    }

    /// Only requests of one kind, by the last part of the path (`register_data_item`).
    #[must_use]
    pub fn at(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only requests about items with this in their names.
    #[must_use]
    pub fn item(self, part: &str) -> Self {
        let part = part.to_owned();
        self.when(move |request| request.item_name.as_deref().is_some_and(|name| name.contains(&part)))
    }

    /// Only requests for which this holds.
    #[must_use]
    pub fn when(mut self, holds: impl Fn(&Received) -> bool + Send + Sync + 'static) -> Self {
        self.applies.push(Box::new(holds));
        self
    }

    /// Only the next so many; otherwise until [`super::Dlm::clear_faults`].
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.left = Some(count);
        self
    }

    /// Only the next one.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    pub(super) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    fn hits(&self, request: &Received) -> bool {
        self.left != Some(0)
            && self.operation.as_deref().is_none_or(|operation| operation == request.operation())
            && self.applies.iter().all(|holds| holds(request))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("what", &self.what)
            .field("acts", &self.acts)
            .field("operation", &self.operation)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What goes wrong with this request, if anything does.
    pub(super) fn take(&self, request: &Received) -> Option<Hit> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = faults.iter().position(|fault| fault.hits(request))?;
        let fault = &mut faults[index];
        let hit = Hit { what: fault.what.clone(), acts: fault.acts };
        if let Some(left) = &mut fault.left {
            *left -= 1;
            if *left == 0 {
                faults.remove(index);
            }
        }
        Some(hit)
    }
}
