//! HTTP/1.1 as far as a service needs it.
//!
//! By hand and not with a library, because a test wants to say what no library lets it say: close the connection
//! now, never answer, show me the query as it was sent.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer::Answer;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// A connection and what was read of it too early.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Incoming {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        // The answers are small; waiting for more of them costs 40 ms each.
        let _ = stream.set_nodelay(true);
        Self { stream, buffer: Vec::new() }
    }

    /// The next request, or nothing when the other side has said all.
    pub(super) async fn request(&mut self) -> Result<Option<Incoming>> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if !self.read_more().await? {
                return Ok(None);
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let mut incoming = parse_head(&head[..end])?;
        if incoming.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        incoming.body = self.body(&incoming).await?;
        Ok(Some(incoming))
    }

    /// Writes an answer; says whether the connection can be used again.
    pub(super) async fn answer(&mut self, answer: &Answer, last: bool) -> Result<()> {
        let mut text = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n",
            answer.status,
            reason(answer.status),
            answer.content_type,
            answer.body.len(),
        )
        .into_bytes();
        text.extend_from_slice(if last { b"connection: close\r\n\r\n" } else { b"\r\n" });
        text.extend_from_slice(&answer.body);
        self.stream.write_all(&text).await
    }

    /// Returns when the other side has closed the connection.
    pub(super) async fn left(&self) {
        let mut byte = [0];
        // More bytes would be the next request before this one is answered; none of our clients does that.
        if self.stream.peek(&mut byte).await.is_ok_and(|count| count > 0) {
            std::future::pending::<()>().await;
        }
    }

    async fn body(&mut self, incoming: &Incoming) -> Result<Vec<u8>> {
        if incoming.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return self.chunks().await;
        }
        let length = incoming.header("content-length").map_or(Ok(0), str::parse);
        self.exactly(length.map_err(|_| bad("content-length"))?).await
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| bad("chunk size"))?;
            body.extend(self.exactly(size).await?);
            self.line().await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.read_on().await?;
        }
    }

    async fn exactly(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.read_on().await?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    async fn read_on(&mut self) -> Result<()> {
        if self.read_more().await? { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    async fn read_more(&mut self) -> Result<bool> {
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

fn parse_head(head: &[u8]) -> Result<Incoming> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(bad("request line")) };
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Ok(Incoming {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
    })
}

/// The pairs of a query, decoded as the services' framework does it: `+` is a space.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, next) = match (first, tail) {
            (b'+', _) => (b' ', tail),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high * 16 + low, after),
                _ => (b'%', tail),
            },
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = next;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("a bad {what}"))
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        422 => "Unprocessable Content",
        500 => "Internal Server Error",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_pair_by_pair() {
        let query = "item_name=a%20b%26c%3Dd%2Be%25f%23g%3Fh&uri=%C3%BC+%E2%88%9A&empty=&bare&bad=%zz%4";
        let expected =
            [("item_name", "a b&c=d+e%f#g?h"), ("uri", "ü √"), ("empty", ""), ("bare", ""), ("bad", "%zz%4")];
        let found = pairs(query);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }
}
