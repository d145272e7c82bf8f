//! The Redis protocol, as much of it as a test needs: binary safe, one connection, blocking.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK` and the like.
    Status(String),
    /// `-ERR …`.
    Error(String),
    /// A number.
    Integer(i64),
    /// A value of any bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Nil,
    /// Several replies.
    Array(Vec<Reply>),
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects; `patience` bounds each read and write.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: impl ToSocketAddrs, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one command and reads its reply.
    ///
    /// # Errors
    /// When the connection breaks, the patience ends, or the reply is no reply. An error reply of
    /// the server is [`Reply::Error`].
    pub fn command(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        self.stream.get_mut().write_all(&request(words))?;
        self.reply()
    }

    /// Like [`Connection::command`], for commands that are plain words.
    ///
    /// # Errors
    /// As there.
    pub fn words(&mut self, line: &str) -> io::Result<Reply> {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.command(&words)
    }

    fn reply(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let (kind, rest) = line.split_first().ok_or_else(|| broken("an empty line"))?;
        let text = String::from_utf8_lossy(rest).into_owned();
        Ok(match kind {
            b'+' => Reply::Status(text),
            b'-' => Reply::Error(text),
            b':' => Reply::Integer(number(&text)?),
            b'$' => self.bulk(number(&text)?)?,
            b'*' => self.array(number(&text)?)?,
            _ => return Err(broken("an unknown kind of reply")),
        })
    }

    fn bulk(&mut self, length: i64) -> io::Result<Reply> {
        let Ok(length) = usize::try_from(length) else { return Ok(Reply::Nil) };
        let mut value = vec![0; length + 2];
        self.stream.read_exact(&mut value)?;
        value.truncate(length);
        Ok(Reply::Bulk(value))
    }

    fn array(&mut self, length: i64) -> io::Result<Reply> {
        let Ok(length) = usize::try_from(length) else { return Ok(Reply::Nil) };
        (0..length).map(|_| self.reply()).collect::<io::Result<_>>().map(Reply::Array)
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\r\n") {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.len() - 2);
        Ok(line)
    }
}

impl Reply {
    /// The values in it: of an array all, of a bulk the one, of nothing none.
    #[must_use]
    pub fn values(self) -> Vec<Vec<u8>> {
        match self {
            Reply::Bulk(value) => vec![value],
            Reply::Array(items) => items.into_iter().flat_map(Reply::values).collect(),
            _ => Vec::new(),
        }
    }

    /// The number in it.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Reply::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| broken("a length that is no number"))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that answers every request with `answer`.
    fn answering(answer: &'static [u8]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 1024];
            while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
                stream.write_all(answer).unwrap();
            }
        });
        Connection::open(address, Duration::from_secs(5)).unwrap()
    }

    #[test]
    fn requests_are_binary_safe() {
        assert_eq!(request(&[b"SET", b"a\r\n\xff"]), b"*2\r\n$3\r\nSET\r\n$4\r\na\r\n\xff\r\n");
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        let mut connection = answering(b"*5\r\n+OK\r\n-ERR no\r\n:-3\r\n$3\r\n\r\n\x00\r\n$-1\r\n");
        let reply = connection.words("ANY THING").unwrap();
        let expected = [
            Reply::Status("OK".into()),
            Reply::Error("ERR no".into()),
            Reply::Integer(-3),
            Reply::Bulk(b"\r\n\x00".to_vec()),
            Reply::Nil,
        ];
        assert_eq!(reply, Reply::Array(expected.to_vec()));
        assert_eq!(reply.values(), [b"\r\n\x00"]);
    }

    #[test]
    fn a_broken_reply_is_an_error() {
        assert!(answering(b"?\r\n").words("PING").is_err());
        assert!(answering(b"$x\r\n").words("PING").is_err());
    }
}
