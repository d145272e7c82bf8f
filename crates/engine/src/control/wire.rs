//! The lines on the control socket, and the client's end of it.

use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

/// A request longer than this is refused.
const LONGEST_REQUEST: u64 = 4 << 20;

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
        self.writer.write_all(&line)?;
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon closed the connection"));
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

/// The server's end of one connection.
pub(super) struct Talk<'a> {
    reader: BufReader<&'a UnixStream>,
    writer: BufWriter<&'a UnixStream>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(connection: &'a UnixStream) -> Self {
        Self { reader: BufReader::new(connection), writer: BufWriter::new(connection) }
    }

    /// The next request; nothing when the client has gone.
    pub(super) fn request(&mut self) -> io::Result<Option<Result<Value, String>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(LONGEST_REQUEST);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the request is too long or cut off"));
        }
        Ok(Some(serde_json::from_slice(&line).map_err(|error| format!("the request is no JSON: {error}"))))
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
        let (mark, value) = match answer {
            Answer::Done(value) => (b".", value.clone()),
            Answer::Failed { error, code } => (b"!", serde_json::json!({"error": error, "code": code})),
        };
        self.writer.write_all(mark)?;
        self.writer.write_all(&serde_json::to_vec(&value)?)?;
        self.writer.write_all(b"\n")?;
        self.writer.flush()
    }
}
