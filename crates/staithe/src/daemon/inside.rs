//! Being the daemon: the first steps of the new process, and what it tells the one that started it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, SocketType};

use crate::exit::Exit;

/// The word behind the program's name by which the new process is known, also to `ps`. An environment variable would be
/// inherited by every plugin, and taking one away is not safe once there are threads.
pub(crate) const MARK: &str = "--in-background";

/// So much of an error is handed over; a socket's message has an end.
const LONGEST: usize = 60_000;
/// A parent that does not take its last word for so long does not want it.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What is said to the parent. One message each, kept apart by the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// How far the start is.
    Progress(String),
    /// It is ready: it goes on alone.
    Ready,
    /// It cannot start.
    Failed(Exit, String),
}

impl Word {
    fn bytes(&self) -> Vec<u8> {
        let mut text = match self {
            Word::Progress(text) => format!("progress {text}"),
            Word::Ready => "ready".into(),
            Word::Failed(exit, text) => format!("failed {} {text}", exit.code()),
        };
        text.truncate(text.floor_char_boundary(LONGEST));
        text.into_bytes()
    }

    /// What bytes say; nothing that we do not know.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (kind, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match kind {
            "progress" => Some(Word::Progress(rest.to_owned())),
            "ready" => Some(Word::Ready),
            "failed" => {
                let (code, text) = rest.split_once(' ')?;
                Some(Word::Failed(Exit::from_code(code.parse().ok()?), text.to_owned()))
            }
            _ => None,
        }
    }
}

/// What the process is.
enum State {
    /// Not a daemon.
    Ordinary,
    /// A daemon whose parent waits.
    Starting(OwnedFd),
    /// A daemon that goes on alone.
    Alone,
}

static STATE: Mutex<State> = Mutex::new(State::Ordinary);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first step of the process: if it is to be a daemon, it leaves its parent's session and terminal. Gives the words
/// without the mark.
pub(crate) fn begin(mut words: Vec<OsString>) -> io::Result<Vec<OsString>> {
    if words.get(1).map(OsString::as_os_str) != Some(OsStr::new(MARK)) || !called_by_ourselves() {
        return Ok(words);
    }
    words.remove(1);
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    // Refused only to one that leads a session already.
    let _ = rustix::process::setsid();
    // It was started by way of a link called `exe`.
    let _ = rustix::thread::set_name(c"staithe");
    *state() = State::Starting(socket);
    Ok(words)
}

/// Whether standard input is such a socket as `launch` makes.
fn called_by_ourselves() -> bool {
    rustix::net::sockopt::socket_type(io::stdin()).is_ok_and(|kind| kind == SocketType::SEQPACKET)
}

/// Whether this process is a daemon.
pub(crate) fn is_inside() -> bool {
    !matches!(*state(), State::Ordinary)
}

/// Tells the parent how far the start is, if it listens.
pub(crate) fn progress(text: &str) {
    if let State::Starting(socket) = &*state() {
        // A parent that is held up misses a line and nothing else.
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _ = rustix::net::send(socket, &Word::Progress(text.to_owned()).bytes(), flags);
    }
}

/// Tells the parent that the daemon is ready; from now on it is alone.
pub(crate) fn ready() {
    last(&Word::Ready);
}

/// The program ends: tells a parent that still waits with which code and why.
pub(crate) fn ended(exit: Exit, text: &str) {
    last(&Word::Failed(exit, text.to_owned()));
}

/// Says the last word, once. A parent that went away does not hear it, and the daemon goes on.
fn last(word: &Word) {
    let mut state = state();
    if let State::Starting(socket) = &*state {
        let mut writable = [PollFd::new(socket, PollFlags::OUT)];
        let _ = rustix::io::retry_on_intr(|| poll(&mut writable, Some(&PATIENCE)));
        let _ = rustix::net::send(socket, &word.bytes(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        *state = State::Alone;
    }
}

/// How often progress is worth a message.
pub(crate) const PROGRESS: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_and_never_too_long() {
        let long = "ä".repeat(LONGEST);
        for word in [
            Word::Progress("first scan: 12 directories".into()),
            Word::Ready,
            Word::Failed(Exit::Usage, "two\nlines ".into()),
            Word::Failed(Exit::Failed, String::new()),
        ] {
            assert_eq!(Word::read(&word.bytes()), Some(word));
        }
        assert!(Word::Failed(Exit::Failed, long).bytes().len() <= LONGEST);
        assert_eq!(Word::read(b"failed x y"), None);
        assert_eq!(Word::read(b""), None);
    }
}
