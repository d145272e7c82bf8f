//! `type = "celery"` and `"amqp"`: sinks that talk to message brokers.

use super::arguments;
use super::url::{self, Certificates};
use crate::amqp_url::is_amqp;
use crate::fields::{Fields, Report, Text};
use crate::plan::{AmqpSink, Argument, CeleryBroker, CelerySink, Piece, Secret, TaskProtocol};
use crate::read::choices::PROTOCOLS;
use crate::source_text::Place;

/// Names in AMQP are short strings: so many bytes.
const AMQP_NAME_LIMIT: usize = 255;
/// The priorities that Redis has lists for, and the highest that a task can ask for there.
const REDIS_STEPS: [u8; 4] = [0, 3, 6, 9];

pub(super) fn celery(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<CelerySink> {
    no_format(fields, report);
    let url = url::read(&url::BROKER, fields, report);
    let amqp = url.as_ref().map(|url| is_amqp(url.expose()));
    let task = fields.required(report, "task").and_then(|value| value.text(report, "a string"));
    let task = task.and_then(|text| filled(text, "task", report)).map(|text| text.value);
    let arguments = arguments::read(fields, report);
    let key_prefix = key_prefix(fields, amqp, report);
    let route = Route::read(fields, amqp, report);
    let priority = priority(fields, amqp, report);
    let expires = fields.period(report, "expires");
    let delay = delay(fields, expires, report);
    let protocol = protocol(fields, report).unwrap_or(TaskProtocol::V2);
    let results = url::read(&url::RESULTS, fields, report);
    let certificates = Certificates::read(fields, report);
    let url = url?;
    let urls: Vec<&Secret> = std::iter::once(&url).chain(&results).collect();
    certificates.used_by(&urls, fields, report);
    let Certificates { ca_file, client_cert, .. } = certificates;
    let broker = if amqp? { CeleryBroker::Amqp { url } } else { CeleryBroker::Redis { url, key_prefix } };
    let (args, kwargs) = arguments?;
    let Route { queue, exchange, routing_key } = route;
    Some(CelerySink {
        broker,
        task: task?,
        args,
        kwargs,
        queue,
        exchange,
        routing_key,
        priority,
        expires,
        delay,
        protocol,
        results,
        ca_file,
        client_cert,
    })
}

pub(super) fn amqp(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<AmqpSink> {
    let url = url::read(&url::AMQP, fields, report);
    let exchange = fields.text(report, "exchange").and_then(|text| short(text, "exchange", report));
    let exchange = exchange.map(|text| text.value).unwrap_or_default();
    let key = fields.required(report, "routing_key").and_then(|value| value.text(report, "a string"));
    let routing_key = key.and_then(|text| routing_key(text, &exchange, report));
    let certificates = Certificates::read(fields, report);
    let url = url?;
    certificates.used_by(&[&url], fields, report);
    let Certificates { ca_file, client_cert, .. } = certificates;
    Some(AmqpSink { url, exchange, routing_key: routing_key?, ca_file, client_cert })
}

/// What other sinks are told how to write is fixed here.
fn no_format(fields: &mut Fields<'_>, report: &mut Report<'_>) {
    for key in ["format", "template"] {
        let Some((place, _)) = fields.stray(key) else { continue };
        let message = format!("`{key}` says nothing here: what is sent is a task");
        report.error(&place, message, Some("remove it; `args` and `kwargs` say what the task gets".into()));
    }
}

/// Where the tasks go.
struct Route {
    queue: String,
    exchange: Option<String>,
    routing_key: Option<String>,
}

impl Route {
    fn read(fields: &mut Fields<'_>, amqp: Option<bool>, report: &mut Report<'_>) -> Self {
        let mut text = |key: &'static str| {
            let text = fields.text(report, key)?;
            if amqp == Some(true) { short(text, key, report) } else { Some(text) }
        };
        let (queue, exchange, routing_key) = (text("queue"), text("exchange"), text("routing_key"));
        let queue_place = queue.as_ref().map(|text| text.place.clone());
        let queue = queue.and_then(|text| filled(text, "queue", report)).map(|text| text.value);
        let routing_key =
            routing_key.and_then(|text| filled(text, "routing_key", report)).map(|text| text.value);
        let exchange = exchange.and_then(|text| named_exchange(text, amqp, report));
        if let (Some(true), None, Some(key), Some(place)) = (amqp, &exchange, &routing_key, queue_place)
            && queue.as_ref() != Some(key)
        {
            let message =
                "`queue` says nothing here: on the default exchange the routing key names the queue";
            report.warn(&place, message, Some("leave out one of `queue` and `routing_key`".into()));
        }
        Self { queue: queue.unwrap_or_else(|| CelerySink::QUEUE.to_owned()), exchange, routing_key }
    }
}

/// The empty name is that of AMQP's default exchange.
fn named_exchange(text: Text, amqp: Option<bool>, report: &mut Report<'_>) -> Option<String> {
    if !text.value.is_empty() {
        return Some(text.value);
    }
    if amqp == Some(false) {
        let message = "`exchange` is empty: workers of Celery 3.1 cannot put such a task back";
        report.error(&text.place, message, Some("leave it out: then it is the queue's name".into()));
    }
    None
}

fn filled(text: Text, key: &str, report: &mut Report<'_>) -> Option<Text> {
    if text.value.is_empty() {
        report.error(&text.place, format!("`{key}` is empty"), None);
        return None;
    }
    Some(text)
}

fn short(text: Text, key: &str, report: &mut Report<'_>) -> Option<Text> {
    if text.value.len() > AMQP_NAME_LIMIT {
        report.error(&text.place, too_long(key), None);
        return None;
    }
    Some(text)
}

fn too_long(key: &str) -> String {
    format!("`{key}` is longer than the {AMQP_NAME_LIMIT} bytes that AMQP has for it")
}

/// A routing key with fields.
fn routing_key(text: Text, exchange: &str, report: &mut Report<'_>) -> Option<String> {
    if text.value.is_empty() && exchange.is_empty() {
        let help = "name the queue, or an `exchange` that needs no key".to_owned();
        let message = "`routing_key` is empty, and the default exchange routes by nothing else";
        report.error(&text.place, message, Some(help));
        return None;
    }
    if !arguments::with_fields(&text, report) {
        return None;
    }
    let pieces = Argument::pieces(&text.value).ok()?;
    if let Some(Piece::Field(field)) = pieces.iter().find(|piece| is_read_from_files(piece)) {
        let message = format!("{{{field}}} is not known for a routing key: no file is read for it");
        let help = "use it in the arguments of a `celery` sink; {key} is the key of a group".to_owned();
        report.error(&text.place, message, Some(help));
        return None;
    }
    let plain = |piece: &Piece| match piece {
        Piece::Plain(plain) => plain.len(),
        Piece::Field(_) => 0,
    };
    let least: usize = pieces.iter().map(plain).sum();
    if least > AMQP_NAME_LIMIT {
        report.error(&text.place, too_long("routing_key"), None);
        return None;
    }
    Some(text.value)
}

fn is_read_from_files(piece: &Piece) -> bool {
    matches!(piece, Piece::Field("StudyInstanceUID" | "SeriesInstanceUID"))
}

fn key_prefix(fields: &mut Fields<'_>, amqp: Option<bool>, report: &mut Report<'_>) -> String {
    let Some((place, value)) = fields.entry("key_prefix") else { return String::new() };
    if amqp == Some(true) {
        let message = "`key_prefix` means nothing for an AMQP broker: it has no keys";
        report.error(&place, message, Some("remove it".into()));
    }
    value.text(report, "a string").map(|text| text.value).unwrap_or_default()
}

fn priority(fields: &mut Fields<'_>, amqp: Option<bool>, report: &mut Report<'_>) -> Option<u8> {
    let value = fields.take("priority")?;
    let number = value.integer(report)?;
    let most = if amqp == Some(false) { 9 } else { u8::MAX };
    let Some(priority) = u8::try_from(number).ok().filter(|number| *number <= most) else {
        let message = format!("`priority` is not from 0 to {most}");
        let help = (most == 9).then(|| "Redis has the priorities 0, 3, 6 and 9".to_owned());
        report.error(&value.place, message, help);
        return None;
    };
    let step = REDIS_STEPS.into_iter().rfind(|step| *step <= priority).unwrap_or_default();
    if amqp == Some(false) && step != priority {
        let message = format!("Redis has no priority {priority}: the tasks get {step}");
        report.warn(&value.place, message, Some("write 0, 3, 6 or 9; 0 is served first".into()));
    }
    Some(priority)
}

fn delay(
    fields: &mut Fields<'_>,
    expires: Option<std::time::Duration>,
    report: &mut Report<'_>,
) -> Option<std::time::Duration> {
    let place: Option<Place> = fields.peek("delay").map(|value| value.place.clone());
    let delay = fields.period(report, "delay")?;
    if let (Some(place), Some(expires)) = (place, expires)
        && expires <= delay
    {
        let message =
            "every task would have expired before it may run: `delay` is not shorter than `expires`";
        report.error(&place, message, Some("both count from the moment of publishing".into()));
    }
    Some(delay)
}

fn protocol(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<TaskProtocol> {
    let value = fields.take("protocol")?;
    let number = value.integer(report)?;
    let known = PROTOCOLS.iter().find(|(known, _)| *known == number).map(|(_, protocol)| *protocol);
    if known.is_none() {
        let help = "2 is Celery's own since version 4; 1 is for workers before 3.1.25".to_owned();
        report.error(&value.place, "`protocol` is neither 1 nor 2", Some(help));
    }
    known
}
