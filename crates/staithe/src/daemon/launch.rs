//! Starting a daemon: what the process does that somebody typed the command into.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use rustix::process::{Pid, Signal, kill_process};

use super::files::{Files, Moved, warning};
use super::inside::{MARK, Word};
use super::logs::{self, Logs};
use super::pid_file;
use crate::exit::{Exit, failure};
use crate::log;
use crate::signals::{Asked, Waiting};

/// How often the parent looks whether it was interrupted.
const ROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// So long an interrupted daemon gets to end in order.
const GRACE: Duration = Duration::from_secs(30);
/// So long one that has said its last word gets to end.
const ENDING: Duration = Duration::from_secs(10);
/// So many lines of the log are shown of a daemon that ended without a word.
const LAST_LINES: usize = 10;
/// More than the longest word.
const ROOM: usize = 64 * 1024;

/// A daemon to be started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The words to run again with, the program's name first.
    pub(crate) argv: Vec<OsString>,
    pub(crate) files: Files,
}

/// The words that this process was started with.
pub(crate) fn own_words() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// Starts it and waits until it is ready, as long as that takes; gives its number. An error carries the exit code that the
/// daemon ended with.
pub(crate) fn launch(launch: &Launch) -> anyhow::Result<u32> {
    let mut signals = Waiting::start()?;
    already_running(&launch.files)?;
    let mut logs =
        Logs::open(&launch.files).map_err(|error| failure(Exit::Failed, format!("failed to {error}")))?;
    tell_of_moves(launch, &mut logs);
    let before = logs.err.metadata().map_or(0, |meta| meta.len());
    let (ours, theirs) = socket()?;
    let child = start(launch, &logs, theirs)?;
    drop(logs);
    let mut starting = Starting { child, socket: ours, bar: bar() };
    let word = starting.wait(&mut signals);
    starting.bar.finish_and_clear();
    match word {
        Heard::Word(Word::Ready) => Ok(starting.child.id()),
        Heard::Word(Word::Failed(Exit::Done, _)) => {
            let pid = starting.child.id();
            starting.ended(GRACE);
            let text = format!("the daemon (process {pid}) was asked to end before it was ready");
            Err(failure(Exit::Failed, text))
        }
        Heard::Word(Word::Failed(exit, text)) => {
            starting.ended(ENDING);
            let text = if text.is_empty() { last_lines(&launch.files, before) } else { text };
            Err(failure(exit, text))
        }
        Heard::Word(Word::Progress(_)) | Heard::Nothing => {
            Err(wordless(starting.ended(ENDING), &launch.files, before))
        }
        Heard::Interrupted => Err(starting.give_up()),
    }
}

/// One that runs already is told before anything is opened or started. The lock decides again later.
fn already_running(files: &Files) -> anyhow::Result<()> {
    match super::running(&files.pid_file) {
        Ok(Some((path, pid))) => Err(pid_file::taken(&path, Some(pid))),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// One warning about everything that is not where it was wanted: here, and in the log.
fn tell_of_moves(launch: &Launch, logs: &mut Logs) {
    let mut moved: Vec<Moved> = logs.moved.drain(..).collect();
    moved.extend(pid_file::would_move(&launch.files.pid_file));
    if let Some(text) = warning(&moved) {
        log::warning(&text);
        let _ = logs.err.write_all(format!("warning: {text}\n").as_bytes());
    }
}

fn socket() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    Ok(rustix::net::socketpair(family, kind, SocketFlags::CLOEXEC, None)?)
}

fn start(launch: &Launch, logs: &Logs, socket: OwnedFd) -> anyhow::Result<Child> {
    let (name, words) =
        launch.argv.split_first().map_or((None, &[][..]), |(name, words)| (Some(name), words));
    sys::inherited::keep_from_children();
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name.map_or_else(|| "staithe".into(), OsString::clone)).arg(MARK).args(words);
    command.stdin(socket).stdout(logs.out.try_clone()?).stderr(logs.err.try_clone()?);
    command.spawn().map_err(|error| failure(Exit::Failed, format!("failed to start the daemon: {error}")))
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{spinner} starting … {msg} [{elapsed}]");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}

/// What came of waiting.
enum Heard {
    Word(Word),
    /// It closed the socket.
    Nothing,
    Interrupted,
}

/// A daemon that is not ready yet.
struct Starting {
    child: Child,
    socket: OwnedFd,
    bar: ProgressBar,
}

impl Starting {
    /// Until it says its last word.
    fn wait(&mut self, signals: &mut Waiting) -> Heard {
        loop {
            if signals.next(Duration::ZERO) == Some(Asked::Stop) {
                return Heard::Interrupted;
            }
            self.bar.tick();
            match self.hear() {
                None => {}
                Some(Heard::Word(Word::Progress(text))) => self.bar.set_message(text),
                // What was asked for before it was ready counts, also if both come in one moment.
                Some(_) if signals.next(Duration::ZERO) == Some(Asked::Stop) => return Heard::Interrupted,
                Some(last) => return last,
            }
        }
    }

    /// One message, if one comes soon.
    fn hear(&self) -> Option<Heard> {
        let mut readable = [PollFd::new(&self.socket, PollFlags::IN)];
        if !poll(&mut readable, Some(&ROUND)).is_ok_and(|ready| ready > 0) {
            return None;
        }
        let mut room = vec![0; ROOM];
        match rustix::net::recv(&self.socket, &mut room, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => Some(Heard::Nothing),
            Ok((_, length)) => Word::read(&room[..length]).map(Heard::Word),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => None,
            Err(_) => Some(Heard::Nothing),
        }
    }

    /// Waits for its end, and ends it after a while.
    fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        const STEP: Duration = Duration::from_millis(20);
        for _ in 0..patience.as_millis() / STEP.as_millis() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(STEP);
        }
        let _ = self.child.kill();
        self.child.wait().ok()
    }

    /// Somebody does not want it any more.
    fn give_up(&mut self) -> anyhow::Error {
        let pid = self.child.id();
        // It is not waited for yet, so the number is still its own.
        if let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        self.ended(GRACE);
        let text = format!("interrupted before it was ready; the daemon (process {pid}) was stopped");
        failure(Exit::Failed, text)
    }
}

/// It ended, or closed the socket, without a word.
fn wordless(status: Option<ExitStatus>, files: &Files, before: u64) -> anyhow::Error {
    let how = match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => format!("exit code {code}"),
        Some((_, Some(signal))) => format!("signal {signal}"),
        _ => "an unknown status".into(),
    };
    let code = status.and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    let exit = code.filter(|code| *code != 0).map_or(Exit::Failed, Exit::from_code);
    let mut text = format!("the daemon ended with {how} before it was ready");
    let said = last_lines(files, before);
    if !said.is_empty() {
        text = format!("{text}. Its log says:\n{said}");
    }
    failure(exit, text)
}

/// What the daemon wrote into its error log.
fn last_lines(files: &Files, before: u64) -> String {
    let Some(place) = &files.log_err else { return String::new() };
    let fallback = place.fallback();
    let path = Some(&place.path).filter(|path| path.exists()).or(fallback.as_ref());
    path.and_then(|path| File::open(path).ok())
        .map_or_else(String::new, |mut file| logs::tail(&mut file, before, LAST_LINES))
}
