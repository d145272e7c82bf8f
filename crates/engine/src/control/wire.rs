//! The lines on the control socket, and the client's end of it.

use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use settle::Mono;

use super::answering::EXIT_UNREACHED;
use crate::clock::Clock;

/// A request longer than this is refused.
const LONGEST_REQUEST: usize = 4 << 20;
/// A client has so long to say what it wants, or the rest of what it has begun to say: it holds one of a few places.
const SAYING: Duration = Duration::from_secs(10);

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was done.
    Done(Value),
    /// It was not.
    Failed {
        /// Why, for a person.
        error: String,
        /// The exit code that a command should end with.
        code: u8,
    },
}

/// The client's end.
pub struct Client {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Client {
    /// Connects to the daemon at `path`.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let writer = UnixStream::connect(path)?;
        Ok(Self { reader: BufReader::new(writer.try_clone()?), writer })
    }

    /// Sends `request` and calls `each` with every data line (without its mark and newline).
    pub fn ask(
        &mut self,
        request: &Value,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        // Who is not served is told so and not listened to: then there is an answer all the same.
        let unheard = match self.writer.write_all(&line) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            written => written.err(),
        };
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                let gone =
                    || io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon closed the connection");
                return Err(unheard.unwrap_or_else(gone));
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            match line.split_first() {
                Some((b'=', data)) => each(data)?,
                Some((b'.', value)) => return Ok(Answer::Done(serde_json::from_slice(value)?)),
                Some((b'!', value)) => return Ok(failed(&serde_json::from_slice(value)?)),
                _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "a line that is no answer")),
            }
        }
    }
}

fn failed(value: &Value) -> Answer {
    let error = value["error"].as_str().unwrap_or("no reason given").to_owned();
    let code = value["code"].as_u64().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Answer::Failed { error, code }
}

/// Tells a client that it is not served, and why. One short line fits into the buffer of a new connection: nobody is waited
/// for.
pub(super) fn refuse(connection: &UnixStream, error: String) {
    let mut writer = BufWriter::new(connection);
    // A client that has gone already is nobody's trouble.
    let _ = write_end(&mut writer, &Answer::Failed { error, code: EXIT_UNREACHED });
}

fn write_end(writer: &mut BufWriter<&UnixStream>, answer: &Answer) -> io::Result<()> {
    let (mark, value) = match answer {
        Answer::Done(value) => (b".", value.clone()),
        Answer::Failed { error, code } => (b"!", serde_json::json!({"error": error, "code": code})),
    };
    writer.write_all(mark)?;
    writer.write_all(&serde_json::to_vec(&value)?)?;
    writer.write_all(b"\n")?;
    writer.flush()
}

/// The server's end of one connection.
pub(super) struct Talk<'a> {
    connection: &'a UnixStream,
    reader: BufReader<&'a UnixStream>,
    writer: BufWriter<&'a UnixStream>,
    clock: Clock,
    /// Between two requests it may rest as long as it likes: it writes to somebody who reads slowly, or passes words on.
    pub(super) may_rest: bool,
}

/// What came from a client.
pub(super) enum Said {
    Request(Value),
    /// It was not understood.
    Garbage(String),
    /// It has kept its place too long without a word.
    TooLate(String),
    /// The client has gone.
    Gone,
}

impl<'a> Talk<'a> {
    pub(super) fn new(connection: &'a UnixStream, clock: Clock) -> Self {
        let (reader, writer) = (BufReader::new(connection), BufWriter::new(connection));
        Self { connection, reader, writer, clock, may_rest: false }
    }

    /// The next request.
    pub(super) fn request(&mut self) -> io::Result<Said> {
        let mut line = Vec::new();
        let mut until = (!self.may_rest).then(|| self.clock.mono() + SAYING);
        while line.last() != Some(&b'\n') {
            match self.read(&mut line, until) {
                Ok(0) if line.is_empty() => return Ok(Said::Gone),
                Ok(0) => return Err(io::Error::new(io::ErrorKind::InvalidData, "the request is cut off")),
                Ok(_) => until = until.or(Some(self.clock.mono() + SAYING)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let seconds = SAYING.as_secs();
                    let text = format!("no whole request came within {seconds} s: the connection is closed");
                    return Ok(Said::TooLate(text));
                }
                Err(error) => return Err(error),
            }
            if line.len() > LONGEST_REQUEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the request is too long"));
            }
        }
        let read = serde_json::from_slice(&line);
        Ok(read.map_or_else(|error| Said::Garbage(format!("the request is no JSON: {error}")), Said::Request))
    }

    /// Appends what is there of the line, and says how much that was; waits for it until then.
    fn read(&mut self, line: &mut Vec<u8>, until: Option<Mono>) -> io::Result<usize> {
        let left = until.map(|until| until.saturating_sub(self.clock.mono()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.connection.set_read_timeout(left)?;
        let there = self.reader.fill_buf()?;
        let end = there.iter().position(|byte| *byte == b'\n').map_or(there.len(), |at| at + 1);
        line.extend_from_slice(&there[..end]);
        self.reader.consume(end);
        Ok(end)
    }

    pub(super) fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.writer.write_all(b"=")?;
        self.writer.write_all(line)?;
        self.writer.write_all(b"\n")
    }

    pub(super) fn value(&mut self, value: &Value) -> io::Result<()> {
        self.data(&serde_json::to_vec(value)?)
    }

    pub(super) fn close(&mut self, answer: &Answer) -> io::Result<()> {
        write_end(&mut self.writer, answer)
    }
}
