//! How tasks end, as the workers' result backend tells it: it is only read, and changes nothing about delivery.

use std::collections::HashMap;
use std::time::Duration;

use model::text::safe;
use model::{Parcel, Stamp};
use redis::{Pipeline, Value};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::message::task_id;
use super::step::{Pursued, Step};
use crate::journal::{Hands, JournalError, Note, Pursuit};
use crate::redis_list::Pusher;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// How long the follower rests between two rounds; after rounds without an answer longer, up to the other.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));
/// So many are read, and at most asked for, in one round.
const PAGE: usize = 512;
/// After so many rounds without an answer it is told, once.
const WORTH_TELLING: u32 = 3;
/// The times of the next looks are kept for so many; of others it is looked at sooner.
const REMEMBERED: usize = 65_536;
/// So many notes are on their way to the ledger at once, so that they share commits.
const NOTES: usize = 32;
/// What was delivered is written down for so long; what is not written then is not followed.
const NOTING: Duration = Duration::from_secs(5);
/// So much of what a worker says about a failure is repeated.
const QUOTED: usize = 300;

/// A sink of tasks whose ends are looked at.
pub(crate) struct Followed {
    inner: Box<dyn Sink>,
    name: String,
    hands: Hands,
    /// Until the follower has it.
    backend: Option<Pusher>,
    follower: Option<AbortOnDrop>,
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Followed {
    pub(crate) fn new(inner: Box<dyn Sink>, name: &str, backend: Pusher, hands: &Hands) -> Self {
        Self { inner, name: name.to_owned(), hands: hands.clone(), backend: Some(backend), follower: None }
    }

    fn start(&mut self) {
        if let Some(backend) = self.backend.take() {
            let task = tokio::spawn(follow(backend, self.hands.clone()));
            self.follower = Some(AbortOnDrop(task.abort_handle()));
        }
    }
}

/// Writes down what is looked at from now on, of the sink of this name.
async fn note_all(name: &str, hands: &Hands, batch: &[Parcel], outcomes: &[Outcome]) {
    let now = (hands.now)();
    let delivered = batch
        .iter()
        .zip(outcomes)
        .filter(|(parcel, outcome)| parcel.kind.is_unit() && **outcome == Outcome::Delivered);
    let mut noting = JoinSet::new();
    for (parcel, _) in delivered {
        if noting.len() >= NOTES {
            noting.join_next().await;
        }
        let task = task_id(parcel, name);
        let pursued = Pursued { task: task.clone(), shown: safe(&parcel.path), since: now.sec };
        let (seq, steps) = (parcel.seq, vec![Step::Sent { task }.encode()]);
        let (note, hands) = (Note { seq, steps, pursuit: Pursuit::Set(pursued.encode()) }, hands.clone());
        // What cannot be written is not followed; the lane tells of a disk that fails.
        noting.spawn(async move { drop(hands.journal.note(note).await) });
    }
    noting.join_all().await;
}

impl Sink for Followed {
    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        self.start();
        self.inner.prepare()
    }

    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            self.start();
            let outcomes = self.inner.deliver(batch).await?;
            // They have been delivered, whatever becomes of this.
            let _ = timeout(NOTING, note_all(&self.name, &self.hands, batch, &outcomes)).await;
            Ok(outcomes)
        })
    }

    fn batch_limit(&self) -> usize {
        self.inner.batch_limit()
    }

    fn takes_whole_batches(&self) -> bool {
        self.inner.takes_whole_batches()
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        self.inner.ping()
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        self.inner.backlog()
    }

    fn reopen(&mut self) {
        self.inner.reopen();
    }

    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        self.follower = None;
        self.inner.close(within)
    }
}

/// Follows tasks until it is dropped.
async fn follow(backend: Pusher, hands: Hands) {
    let mut follower = Follower { backend, hands, after: 0, next: HashMap::new() };
    let (mut rest, mut failed) = (REST.0, 0);
    loop {
        sleep(rest).await;
        match follower.round().await {
            Ok(()) => (rest, failed) = (REST.0, 0),
            Err(Cut::Journal) => rest = REST.0,
            Err(Cut::Backend(trouble)) => {
                (rest, failed) = ((rest * 2).min(REST.1), failed + 1);
                // A backend that restarts is no news.
                if failed == WORTH_TELLING {
                    (follower.hands.remark)(&format!(
                        "W-SINK-RESULTS: how tasks end is not known for now, their delivery goes on: {trouble}"
                    ));
                }
            }
        }
    }
}

struct Follower {
    backend: Pusher,
    hands: Hands,
    /// Where the next round goes on.
    after: u64,
    /// When each is looked at next.
    next: HashMap<u64, i64>,
}

/// Why a round ends early.
enum Cut {
    Journal,
    Backend(String),
}

impl From<JournalError> for Cut {
    fn from(_: JournalError) -> Self {
        Cut::Journal
    }
}

impl Follower {
    /// Looks at some of those whose time has come; the others have their turn in the next rounds.
    async fn round(&mut self) -> Result<(), Cut> {
        let page = self.hands.journal.pursuits(self.after, PAGE).await?;
        let now = (self.hands.now)();
        let following = page.last().filter(|_| page.len() == PAGE).map_or(0, |(seq, _)| *seq);
        // What a later version wrote, nobody here can follow.
        let read = page.into_iter().filter_map(|(seq, bytes)| Some((seq, Pursued::decode(&bytes)?)));
        let is_due = |seq: &u64| self.next.get(seq).is_none_or(|next| Pursued::is_due(*next, now));
        let due: Vec<_> = read.filter(|(seq, _)| is_due(seq)).collect();
        let answers = self.ask(&due).await?;
        let mut given_up = 0;
        for ((seq, pursued), answer) in due.into_iter().zip(answers) {
            match answer.and_then(|answer| ended(&answer)) {
                Some((status, why)) => self.end(seq, &pursued, status, why).await?,
                None if pursued.is_over(now) => {
                    given_up += 1;
                    self.note(seq, Step::GivenUp { task: pursued.task }).await?;
                }
                None => self.wait(seq, &pursued, now),
            }
        }
        if given_up > 0 {
            (self.hands.remark)(&format!(
                "W-SINK-TASK-RESULT: {given_up} tasks that were sent have had no result for a day, and are looked at \
                 no more. Fix: see whether workers run, and whether they write results"
            ));
        }
        self.after = following;
        Ok(())
    }

    async fn ask(&mut self, due: &[(u64, Pursued)]) -> Result<Vec<Option<Value>>, Cut> {
        let mut commands = Pipeline::with_capacity(due.len());
        for (_, pursued) in due {
            commands.cmd("GET").arg(format!("{KEY}{}", pursued.task));
        }
        self.backend.ask(&commands).await.map_err(|trouble| {
            // What follows in that sentence is about events.
            let text = trouble.to_string();
            Cut::Backend(text.split("; nothing is lost").next().unwrap_or_default().to_owned())
        })
    }

    async fn end(&mut self, seq: u64, pursued: &Pursued, status: String, why: String) -> Result<(), Cut> {
        if status != "SUCCESS" {
            (self.hands.remark)(&format!(
                "W-SINK-TASK-RESULT: the task {} for {} ended as {status}{}{why}. Fix: see the worker's log",
                pursued.task,
                pursued.shown,
                if why.is_empty() { "" } else { ": " },
            ));
        }
        self.note(seq, Step::Ended { task: pursued.task.clone(), status, why }).await
    }

    async fn note(&mut self, seq: u64, step: Step) -> Result<(), Cut> {
        self.next.remove(&seq);
        let note = Note { seq, steps: vec![step.encode()], pursuit: Pursuit::Clear };
        Ok(self.hands.journal.note(note).await?)
    }

    fn wait(&mut self, seq: u64, pursued: &Pursued, now: Stamp) {
        if self.next.len() >= REMEMBERED {
            self.next.clear();
        }
        self.next.insert(seq, pursued.next(now));
    }
}

/// What the workers' backend puts in front of a task's id.
pub(crate) const KEY: &str = "celery-task-meta-";

/// How a task ended, and what is said about it; nothing where it is still under way.
fn ended(answer: &Value) -> Option<(String, String)> {
    let Value::BulkString(bytes) = answer else { return None };
    let Ok(result) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return Some(("ended".into(), "its result is no JSON".into()));
    };
    let status = result.get("status").and_then(serde_json::Value::as_str).unwrap_or("?");
    match status {
        "SUCCESS" => Some((status.to_owned(), String::new())),
        "FAILURE" | "REVOKED" => Some((status.to_owned(), exception(result.get("result")?))),
        _ => None,
    }
}

/// An exception as the backend keeps it, on one line.
fn exception(result: &serde_json::Value) -> String {
    let part = |name: &str| match result.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Array(parts)) => {
            let text =
                |part: &serde_json::Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
            parts.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Some(other) if !other.is_null() => other.to_string(),
        _ => String::new(),
    };
    let whole = [part("exc_type"), part("exc_message")];
    let whole: Vec<&str> = whole.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let short: String = whole.join(": ").chars().take(QUOTED).collect();
    safe(short.as_bytes())
}
