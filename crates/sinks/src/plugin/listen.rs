//! Reading what a plugin writes: messages from its standard output, lines for people from its standard error.

use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::fault::Fault;
use super::voice::{SHOWN, Voice};
use super::wire::{Said, parse};

/// So many messages are read ahead. When they are not fetched, reading stops, the pipe fills, and the plugin
/// waits: nothing is dropped.
const AHEAD: usize = 256;
/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// So many lines in a row may be no message: a stray print is no reason to end a plugin.
const NO_MESSAGES: u32 = 100;
/// A plugin that floods is read again after this time.
const PAUSE: Duration = Duration::from_millis(100);
/// A line on standard error is kept up to this length; the rest is passed over.
const STDERR_LINE: usize = 2 * SHOWN;

/// What was heard on standard output.
pub(crate) type Heard = Result<Said, Fault>;

/// Two tasks that end with this.
#[derive(Debug)]
pub(crate) struct Ears {
    /// Closed when standard output is.
    pub(crate) heard: mpsc::Receiver<Heard>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Ears {
    /// Begins to listen. `limit` is the longest line that standard output may have.
    pub(crate) fn open(
        stdout: impl AsyncRead + Unpin + Send + 'static,
        stderr: impl AsyncRead + Unpin + Send + 'static,
        limit: usize,
        voice: &Voice,
    ) -> Self {
        // Full: the reading task waits, as said at `AHEAD`.
        let (send, heard) = mpsc::channel(AHEAD);
        let messages = tokio::spawn(hear_messages(stdout, limit, voice.clone(), send));
        let lines = tokio::spawn(hear_lines(stderr, voice.clone()));
        Self { heard, tasks: [messages, lines] }
    }

    /// Waits until standard error has been read to its end, but not for long: what a plugin says last tells why
    /// it ended, and a grandchild may hold the pipe open.
    pub(crate) async fn hear_out(&mut self, within: Duration) {
        let _ = tokio::time::timeout(within, &mut self.tasks[1]).await;
    }
}

/// What the next piece of a line is.
enum Piece {
    /// The line is complete.
    Line,
    /// It is longer than allowed.
    TooLong,
    /// There is no more.
    End,
}

/// Reads up to the end of a line into `line`, which never grows far beyond `limit`.
async fn next_line(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>, limit: usize) -> Piece {
    loop {
        let Ok(chunk) = reader.fill_buf().await else { return Piece::End };
        if chunk.is_empty() {
            return Piece::End;
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        if line.len() + taken > limit {
            return Piece::TooLong;
        }
        line.extend_from_slice(&chunk[..taken]);
        reader.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Piece::Line;
        }
    }
}

async fn hear_messages(
    stdout: impl AsyncRead + Unpin,
    limit: usize,
    voice: Voice,
    send: mpsc::Sender<Heard>,
) {
    let mut reader = BufReader::with_capacity(CHUNK, stdout);
    let (mut line, mut strays) = (Vec::new(), 0);
    loop {
        line.clear();
        let heard = match next_line(&mut reader, &mut line, limit).await {
            // A last line without its end may be half a message.
            Piece::End => return,
            Piece::TooLong => Err(Fault::LongLine(limit)),
            Piece::Line => match parse(&line) {
                Ok(Said::Log { level, message }) => {
                    strays = 0;
                    pass_on_log(&voice, &level, &message);
                    slow_down(&voice).await;
                    continue;
                }
                Ok(said) => {
                    strays = 0;
                    Ok(said)
                }
                Err(_) if strays < NO_MESSAGES => {
                    strays += 1;
                    voice.pass_on(&format!("W-PLUGIN-STRAY: no message from \"{}\": ", voice.name()), &line);
                    slow_down(&voice).await;
                    continue;
                }
                Err(why) => Err(Fault::Garbage { lines: strays + 1, why }),
            },
        };
        let is_fault = heard.is_err();
        if send.send(heard).await.is_err() || is_fault {
            return;
        }
    }
}

fn pass_on_log(voice: &Voice, level: &str, message: &str) {
    let mark = match level {
        "error" | "critical" => "E-PLUGIN-SAYS: ",
        "warning" | "warn" => "W-PLUGIN-SAYS: ",
        // Counted, but not said: nobody asked for it.
        "debug" | "trace" => return voice.count(message.len()),
        _ => "",
    };
    voice.pass_on(mark, message.as_bytes());
}

async fn slow_down(voice: &Voice) {
    if voice.is_flooding() {
        sleep(PAUSE).await;
    }
}

async fn hear_lines(stderr: impl AsyncRead + Unpin, voice: Voice) {
    let mut reader = BufReader::with_capacity(CHUNK, stderr);
    let mut line = Vec::new();
    loop {
        let more = next_piece(&mut reader, &mut line).await;
        if !line.is_empty() {
            voice.remember(&line);
            voice.pass_on("stderr: ", &line);
        }
        if !more {
            return;
        }
        slow_down(&voice).await;
    }
}

/// The beginning of the next line of standard error; false after the last.
async fn next_piece(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> bool {
    line.clear();
    loop {
        let Ok(chunk) = reader.fill_buf().await else { return false };
        if chunk.is_empty() {
            return false;
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        let room = STDERR_LINE.saturating_sub(line.len()).min(taken);
        line.extend_from_slice(&chunk[..room]);
        reader.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Hands;

    async fn hear(text: impl Into<Vec<u8>>, limit: usize) -> Vec<Heard> {
        let voice = Voice::new("p", Hands::in_memory());
        let text = std::io::Cursor::new(text.into());
        let mut ears = Ears::open(text, tokio::io::empty(), limit, &voice);
        let mut heard = Vec::new();
        while let Some(one) = ears.heard.recv().await {
            heard.push(one);
        }
        heard
    }

    #[tokio::test]
    async fn messages_come_in_order_and_strays_are_passed_over() {
        let heard =
            hear(b"oops\n{\"type\":\"ack\",\"seq\":1}\n\n{\"type\":\"ack\",\"seq\":2}\n{\"type\"", 100).await;
        assert_eq!(heard, [Ok(Said::Ack(1)), Ok(Said::Ack(2))]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_ends_it() {
        assert_eq!(hear(vec![b'x'; 200_000], 100_000).await, [Err(Fault::LongLine(100_000))]);
    }

    #[tokio::test]
    async fn garbage_ends_it_after_a_while() {
        let heard = hear(vec![b'\n'; 5000], 100).await;
        assert!(matches!(heard[..], [Err(Fault::Garbage { lines: 101, .. })]), "{heard:?}");
    }
}
