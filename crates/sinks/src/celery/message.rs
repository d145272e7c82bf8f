//! A task as a message: what it says, whatever broker carries it.

use std::sync::atomic::{AtomicU64, Ordering};

use config::{CeleryBroker, CelerySink, TaskProtocol};
use jiff::Timestamp;
use model::{Parcel, Stamp};

use super::reader::read;
use super::uuid::Uuid;
use super::value::{Value, tuple_repr};
use crate::facts::{Facts, Uids};

pub(crate) const CONTENT_TYPE: &str = "application/json";
pub(crate) const CONTENT_ENCODING: &str = "utf-8";

/// A task, ready to be put into a broker's envelope. A worker is stopped or killed by a message that lacks `id`,
/// `delivery_tag` or `exchange`, so none of them can be missing here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// The task's id, a UUID: of the same event always the same.
    pub(crate) id: String,
    /// The task's registered name.
    pub(crate) task: String,
    /// In the order in which Celery writes them; none in protocol 1.
    pub(crate) headers: Vec<(&'static str, Header)>,
    /// JSON.
    pub(crate) body: Vec<u8>,
    /// [`CONTENT_TYPE`].
    pub(crate) content_type: &'static str,
    /// [`CONTENT_ENCODING`].
    pub(crate) content_encoding: &'static str,
    /// The id once more.
    pub(crate) correlation_id: String,
    /// A UUID of this process.
    pub(crate) reply_to: String,
    /// A UUID of this message and no other.
    pub(crate) delivery_tag: String,
    /// 0 where none is configured.
    pub(crate) priority: u8,
    /// On AMQP empty for the default one.
    pub(crate) exchange: String,
    /// Where the exchange sends it.
    pub(crate) routing_key: String,
    /// The queue that workers take it from.
    pub(crate) queue: String,
    /// What the body has to say.
    arguments: Arguments,
}

/// A header's value, in the kinds that AMQP tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Text(String),
    Null,
    Int(i32),
    Flag(bool),
    List(Vec<Header>),
    Table(Vec<(&'static str, Header)>),
}

/// Why there is no message for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// The time at which it expires or begins cannot be written.
    #[error("`{0}` leads beyond the year 9999")]
    Time(&'static str),
    /// What would be sent does not say what it should.
    #[error("its {0} is not what it should be when it is read again")]
    Garbled(&'static str),
}

/// What tells messages apart, and who sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) id: String,
    pub(crate) delivery_tag: String,
    pub(crate) reply_to: String,
    /// `PROGRAM PID @ HOST`, without spaces.
    pub(crate) origin: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Arguments {
    positional: Value,
    named: Value,
}

/// Until when, and from when.
struct Times {
    eta: Option<String>,
    expires: Option<String>,
}

impl Message {
    /// The task for an event that is published at `now`.
    pub(crate) fn new(
        celery: &CelerySink,
        marks: Marks,
        parcel: &Parcel,
        uids: &Uids,
        now: Stamp,
    ) -> Result<Self, Unfit> {
        let facts = Facts::of(parcel, uids);
        let positional: Vec<Value> = celery.args.iter().map(|arg| Value::of(arg, &facts)).collect();
        let named = Value::table(&celery.kwargs, &facts);
        let times = Times {
            eta: celery.delay.map(|delay| later(now, delay).ok_or(Unfit::Time("delay"))).transpose()?,
            expires: celery.expires.map(|span| later(now, span).ok_or(Unfit::Time("expires"))).transpose()?,
        };
        let headers = match celery.protocol {
            TaskProtocol::V1 => Vec::new(),
            TaskProtocol::V2 => headers(celery, &marks, &times, (tuple_repr(&positional), named.repr())),
        };
        let arguments = Arguments { positional: Value::List(positional), named };
        let body = match celery.protocol {
            TaskProtocol::V1 => arguments.first_body(celery, &marks, &times),
            TaskProtocol::V2 => arguments.second_body(),
        };
        let Marks { id, delivery_tag, reply_to, .. } = marks;
        let exchange = match (&celery.exchange, &celery.broker) {
            (Some(exchange), _) => exchange.clone(),
            (None, CeleryBroker::Amqp { .. }) => String::new(),
            // Workers of Celery 3.1 cannot put back a message that names the empty exchange.
            (None, CeleryBroker::Redis { .. }) => celery.queue.clone(),
        };
        Ok(Self {
            task: celery.task.clone(),
            headers,
            body,
            content_type: CONTENT_TYPE,
            content_encoding: CONTENT_ENCODING,
            correlation_id: id.clone(),
            id,
            reply_to,
            delivery_tag,
            priority: celery.priority.unwrap_or(0),
            exchange,
            routing_key: celery.routing_key.clone().unwrap_or_else(|| celery.queue.clone()),
            queue: celery.queue.clone(),
            arguments,
        })
    }

    /// Reads the message again, as a worker would: it may leave only when it says what it should.
    pub(crate) fn validate(&self) -> Result<(), Unfit> {
        let check = |right: bool, what: &'static str| if right { Ok(()) } else { Err(Unfit::Garbled(what)) };
        let body = read(&self.body).ok_or(Unfit::Garbled("body"))?;
        let (args, kwargs) = if self.headers.is_empty() {
            let text = |name: &str| body.member(name).and_then(Value::as_text);
            check(text("id") == Some(self.id.as_bytes()), "id")?;
            check(text("task") == Some(self.task.as_bytes()), "task")?;
            (body.member("args"), body.member("kwargs"))
        } else {
            let text = |wanted: &str| match self.headers.iter().find(|(name, _)| *name == wanted) {
                Some((_, Header::Text(text))) => Some(text.as_str()),
                _ => None,
            };
            check(self.headers.len() == HEADERS, "number of headers")?;
            check(text("id") == Some(&self.id) && text("root_id") == Some(&self.id), "id")?;
            check(text("task") == Some(&self.task), "task")?;
            match &body {
                Value::List(parts) if parts.len() == 3 => (parts.first(), parts.get(1)),
                _ => return Err(Unfit::Garbled("body")),
            }
        };
        check(args == Some(&self.arguments.positional), "args")?;
        check(kwargs == Some(&self.arguments.named), "kwargs")?;
        check(is_uuid(&self.id) && self.correlation_id == self.id, "id")?;
        check(is_uuid(&self.delivery_tag) && self.delivery_tag != self.id, "delivery_tag")?;
        check(!self.task.is_empty(), "task")?;
        check(!self.routing_key.is_empty() && !self.queue.is_empty(), "routing_key")
    }
}

/// Every one of them is sent: workers of Celery 3.1 end when some are missing.
const HEADERS: usize = 19;

fn headers(
    celery: &CelerySink,
    marks: &Marks,
    times: &Times,
    (args, kwargs): (String, String),
) -> Vec<(&'static str, Header)> {
    let text = |text: &str| Header::Text(text.to_owned());
    let time = |time: &Option<String>| time.as_deref().map_or(Header::Null, text);
    vec![
        ("lang", text("py")),
        ("task", text(&celery.task)),
        ("id", text(&marks.id)),
        ("shadow", Header::Null),
        ("eta", time(&times.eta)),
        ("expires", time(&times.expires)),
        ("group", Header::Null),
        ("group_index", Header::Null),
        ("retries", Header::Int(0)),
        ("timelimit", Header::List(vec![Header::Null, Header::Null])),
        ("root_id", text(&marks.id)),
        ("parent_id", Header::Null),
        ("argsrepr", Header::Text(args)),
        ("kwargsrepr", Header::Text(kwargs)),
        ("origin", text(&marks.origin)),
        ("ignore_result", Header::Flag(false)),
        ("replaced_task_nesting", Header::Int(0)),
        ("stamped_headers", Header::Null),
        ("stamps", Header::Table(Vec::new())),
    ]
}

impl Arguments {
    /// Protocol 2: the arguments, and what follows on the task, which is nothing.
    fn second_body(&self) -> Vec<u8> {
        let mut out = b"[".to_vec();
        self.positional.push_json(&mut out);
        out.extend_from_slice(b", ");
        self.named.push_json(&mut out);
        out.extend_from_slice(br#", {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#);
        out
    }

    /// Protocol 1: everything in one table.
    fn first_body(&self, celery: &CelerySink, marks: &Marks, times: &Times) -> Vec<u8> {
        let text = |text: &str| Value::Text(text.as_bytes().to_vec());
        let time = |time: &Option<String>| time.as_deref().map_or(Value::Null, text);
        let members = [
            ("task", text(&celery.task)),
            ("id", text(&marks.id)),
            ("args", self.positional.clone()),
            ("kwargs", self.named.clone()),
            ("retries", Value::Integer(0)),
            ("eta", time(&times.eta)),
            ("expires", time(&times.expires)),
            ("utc", Value::Flag(true)),
            ("callbacks", Value::Null),
            ("errbacks", Value::Null),
            ("timelimit", Value::List(vec![Value::Null, Value::Null])),
            ("taskset", Value::Null),
            ("chord", Value::Null),
        ];
        let named = members.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value));
        let mut out = Vec::new();
        Value::Table(named.collect()).push_json(&mut out);
        out
    }
}

impl Header {
    /// The same as a value of JSON.
    pub(crate) fn value(&self) -> Value {
        match self {
            Header::Text(text) => Value::Text(text.clone().into_bytes()),
            Header::Null => Value::Null,
            Header::Int(number) => Value::Integer((*number).into()),
            Header::Flag(flag) => Value::Flag(*flag),
            Header::List(items) => Value::List(items.iter().map(Header::value).collect()),
            Header::Table(members) => Header::table(members),
        }
    }

    /// Named ones as a table.
    pub(crate) fn table(members: &[(&'static str, Header)]) -> Value {
        Value::Table(members.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.value())).collect())
    }
}

/// Who sends: everything that a message needs beside the event.
#[derive(Debug)]
pub(crate) struct Sender {
    sink: String,
    origin: String,
    reply_to: String,
}

/// How many messages this process has made, whichever sink: no two have the same `delivery_tag`, also where a clock is
/// set back.
static MADE: AtomicU64 = AtomicU64::new(0);

impl Sender {
    /// This process, for the sink of this name.
    pub(crate) fn new(sink: &str) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let origin = format!("staithe{}@{host}", std::process::id());
        let reply_to = Uuid::STAITHE.of(origin.as_bytes()).to_string();
        Self { sink: sink.to_owned(), origin, reply_to }
    }

    /// The marks of the next message, which is about `parcel`.
    pub(crate) fn marks(&self, parcel: &Parcel, now: Stamp) -> Marks {
        let id = task_id(parcel, &self.sink);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{id} {} {} {number}", now.as_nanos(), self.origin);
        Marks {
            id,
            delivery_tag: Uuid::STAITHE.of(unique.as_bytes()).to_string(),
            reply_to: self.reply_to.clone(),
            origin: self.origin.clone(),
        }
    }
}

/// The id of an event's task: it depends on the event and the sink's name, and on nothing else.
pub(crate) fn task_id(parcel: &Parcel, sink: &str) -> String {
    Uuid::STAITHE.of(format!("{}:{sink}", parcel.event.id).as_bytes()).to_string()
}

fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The moment as Python's `isoformat` writes it.
fn later(now: Stamp, span: std::time::Duration) -> Option<String> {
    let now = Timestamp::new(now.sec, now.nsec as i32).ok()?;
    let then = now.checked_add(span).ok()?;
    let whole = then.subsec_nanosecond() < 1000;
    let form = if whole { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%dT%H:%M:%S.%6f+00:00" };
    Some(then.strftime(form).to_string())
}
