//! What the program says on stderr: one line each, plain when piped, coloured on a terminal.

mod outages;

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::{Level, Notice, Observer};
use model::Parcel;
use sinks::Trouble;

use self::outages::Outages;

/// Whether stderr may be coloured.
pub(crate) fn coloured(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn line(level: Level, text: &str) {
    let stderr = std::io::stderr();
    let (name, colour) = match level {
        Level::Info => ("info", "\x1b[2m"),
        Level::Warning => ("warning", "\x1b[33m"),
        Level::Error => ("error", "\x1b[31m"),
    };
    // Every log line is one write: lines of several threads are never mixed.
    let line = if coloured(stderr.is_terminal()) {
        format!("{colour}{name}:\x1b[0m {text}\n")
    } else {
        format!("{name}: {text}\n")
    };
    let _ = stderr.lock().write_all(line.as_bytes());
}

/// An error.
pub(crate) fn error(text: &str) {
    line(Level::Error, text);
}

/// A warning.
pub(crate) fn warning(text: &str) {
    line(Level::Warning, text);
}

/// Good to know.
pub(crate) fn info(text: &str) {
    line(Level::Info, text);
}

/// A line that scripts wait for: without any mark.
pub(crate) fn plain(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// How loud a sentence is that begins with a code.
pub(crate) fn level_of(sentence: &str) -> Level {
    match sentence.get(..2) {
        Some("E-") => Level::Error,
        Some("W-") => Level::Warning,
        _ => Level::Info,
    }
}

/// Says on stderr what the engine has to say.
pub(crate) struct StderrLog {
    /// What is less loud is not said.
    least: Level,
    outages: Mutex<Outages>,
}

impl StderrLog {
    /// Says what is at least that loud.
    pub(crate) const fn new(least: Level) -> Self {
        Self { least, outages: Mutex::new(Outages::new()) }
    }

    fn outages(&self) -> MutexGuard<'_, Outages> {
        self.outages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for StderrLog {
    fn notice(&self, notice: &Notice<'_>) {
        if notice.level() >= self.least {
            line(notice.level(), &notice.text());
        }
    }
}

impl dispatch::Observer for StderrLog {
    fn trouble(&self, sink: &str, trouble: &Trouble, retry_in: Duration) {
        if matches!(trouble, Trouble::Closed(_)) {
            // Nobody will ever read there again, and the backlog grows.
            warning(&format!(
                "sink {sink}: {trouble} (W-SINK-CLOSED). Its events are kept in the ledger. Fix: start the program anew \
                 with a reader, or let the sink write to a file"
            ));
            return;
        }
        let sentence = trouble.to_string();
        let Some(unsaid) = self.outages().failed(sink, &sentence, Instant::now()) else { return };
        let seconds = retry_in.as_secs_f64();
        let tries =
            if unsaid == 0 { String::new() } else { format!("{unsaid} more tries since the last line, ") };
        warning(&format!("sink {sink}: {sentence} ({tries}next try in {seconds:.1} s)"));
    }

    fn recovered(&self, sink: &str) {
        let over = self.outages().recovered(sink, Instant::now());
        let after = over.map_or(String::new(), |over| {
            let tries = if over.tries == 1 { "try" } else { "tries" };
            format!(" after {:.1} s and {} {tries} in vain", over.lasted.as_secs_f64(), over.tries)
        });
        info(&format!("sink {sink}: takes events again{after}"));
    }

    fn remark(&self, sink: &str, text: &str) {
        let level = level_of(text);
        if level >= self.least {
            line(level, &format!("sink {sink}: {text}"));
        }
    }

    fn dead(&self, sink: &str, parcel: &Parcel, error: &str) {
        let path = model::text::safe(&parcel.path);
        warning(&format!("sink {sink}: {path} is a dead letter now: {error}. See `staithe dead list`"));
    }
}
