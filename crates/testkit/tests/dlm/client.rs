//! As little of an HTTP client as there can be: one connection for each request.

use std::io::{Read as _, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use testkit::dlm::Service;

const PATIENCE: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// The JSON value, else the text as a string.
    pub(crate) body: Value,
}

/// A request with JSON, if with anything.
pub(crate) fn ask(service: &Service, method: &str, target: &str, body: &str) -> Result<Reply> {
    ask_with(service, method, target, &[("Content-Type", "application/json")], body)
}

/// The same with other headers.
pub(crate) fn ask_with(
    service: &Service,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", service.port()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let mut text =
        format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

fn parse(answer: &str) -> Option<Reply> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: "))?.to_owned();
    let json =
        content_type.contains("json").then(|| serde_json::from_str(body).expect("a JSON answer is JSON"));
    Some(Reply { status, content_type, body: json.unwrap_or_else(|| Value::String(body.to_owned())) })
}
