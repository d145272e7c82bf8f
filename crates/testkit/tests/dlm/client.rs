//! As little of an HTTP client as there can be: one connection for each request.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use testkit::dlm::{Dlm, Service};

const PATIENCE: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// The JSON value, else the text as a string.
    pub(crate) body: Value,
}

/// Registers a file on the storage `dir-watcher`.
pub(crate) fn register(dlm: &Dlm, name: &str) -> Result<Reply> {
    let target = format!("/ingest/register_data_item?item_name={name}&uri={name}&storage_name=dir-watcher");
    ask(dlm.ingest(), "POST", &target, "")
}

/// Has the row with this uid copied to the archive.
pub(crate) fn copy(dlm: &Dlm, uid: &str) -> Reply {
    let target = format!("/migration/copy_data_item?uid={uid}&destination_name=dlm-archive");
    ask(dlm.migration(), "POST", &target, "").unwrap()
}

/// A double with the two usual storages.
pub(crate) fn both_storages() -> Dlm {
    let dlm = Dlm::with_usual_state();
    dlm.add_storage("dir-watcher", "/watched", "GAS");
    dlm
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
        write!(text, "{name}: {value}\r\n").unwrap();
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

/// A connection that is used again and again.
pub(crate) struct Kept(BufReader<TcpStream>);

impl Kept {
    pub(crate) fn open(service: &Service) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", service.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Asks without a body; gives the status.
    pub(crate) fn status(&mut self, method: &str, target: &str) -> u16 {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection was closed");
            if line == "\r\n" {
                break;
            }
            head.push(line);
        }
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        head[0].split(' ').nth(1).unwrap().parse().unwrap()
    }
}
