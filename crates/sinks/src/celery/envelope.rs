//! A message as it lies in a Redis list: what kombu's virtual transports put around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::message::{Header, Message, Unfit};
use super::reader::read;
use super::value::Value;

/// What stands between a queue's name and its priority.
const SEPARATOR: [u8; 2] = [6, 22];
/// The priorities that have a list of their own beside the first, which is the plain queue.
const STEPS: [u8; 3] = [9, 6, 3];

/// The key of the list that messages of this priority go to.
pub(crate) fn key(prefix: &str, queue: &str, priority: u8) -> Vec<u8> {
    let mut key = [prefix.as_bytes(), queue.as_bytes()].concat();
    if let Some(step) = STEPS.into_iter().find(|step| *step <= priority) {
        key.extend_from_slice(&SEPARATOR);
        key.push(b'0' + step);
    }
    key
}

/// The list's element. It has been read again and says what it should: a worker that finds something else in its
/// queue may end.
pub(crate) fn element(message: &Message) -> Result<Vec<u8>, Unfit> {
    let mut out = Vec::with_capacity(1024 + 2 * message.body.len());
    envelope(message).push_json(&mut out);
    check(&out, message)?;
    Ok(out)
}

fn envelope(message: &Message) -> Value {
    table([
        ("body", text(&STANDARD.encode(&message.body))),
        ("content-encoding", text(message.content_encoding)),
        ("content-type", text(message.content_type)),
        ("headers", Header::table(&message.headers)),
        ("properties", properties(message)),
    ])
}

fn properties(message: &Message) -> Value {
    let priority = || Value::Integer(message.priority.into());
    let mut delivery =
        vec![("exchange", text(&message.exchange)), ("routing_key", text(&message.routing_key))];
    if message.headers.is_empty() {
        // Celery 3.1 has it there.
        delivery.insert(0, ("priority", priority()));
    }
    table([
        ("correlation_id", text(&message.correlation_id)),
        ("reply_to", text(&message.reply_to)),
        ("delivery_mode", Value::Integer(2)),
        ("delivery_info", table(delivery)),
        ("priority", priority()),
        ("body_encoding", text("base64")),
        ("delivery_tag", text(&message.delivery_tag)),
    ])
}

fn table(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Table(members.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.as_bytes().to_vec())
}

/// Reads an element as a worker does.
fn check(element: &[u8], message: &Message) -> Result<(), Unfit> {
    let read = read(element).ok_or(Unfit::Garbled("envelope"))?;
    let at = |path: &[&str]| path.iter().try_fold(&read, |value, name| value.member(name));
    let says = |path: &[&str], expected: &str| match at(path).and_then(Value::as_text) {
        Some(found) if found == expected.as_bytes() => Ok(()),
        _ => Err(Unfit::Garbled("envelope")),
    };
    says(&["properties", "delivery_tag"], &message.delivery_tag)?;
    says(&["properties", "delivery_info", "exchange"], &message.exchange)?;
    says(&["properties", "delivery_info", "routing_key"], &message.routing_key)?;
    says(&["properties", "correlation_id"], &message.id)?;
    says(&["properties", "body_encoding"], "base64")?;
    says(&["content-type"], "application/json")?;
    if !message.headers.is_empty() {
        says(&["headers", "id"], &message.id)?;
        says(&["headers", "task"], &message.task)?;
    }
    let headers = message.headers.iter().all(|(name, value)| at(&["headers", name]) == Some(&value.value()));
    let body = at(&["body"]).and_then(Value::as_text).and_then(|body| STANDARD.decode(body).ok());
    match (headers, body) {
        (false, _) => Err(Unfit::Garbled("headers")),
        (true, Some(body)) if body == message.body => message.validate(),
        (true, _) => Err(Unfit::Garbled("body")),
    }
}
