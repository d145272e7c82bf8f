//! From sections to monitors: what the original's start does, in its order, with its words.

use std::fmt;
use std::time::Duration;

use settle::Pattern;

use super::ini::{Ini, Section};
use super::line::{Level, Line};
use super::load::Stop;
use super::{mask, pytext};

/// All active sections, and what they share.
#[derive(Clone, Debug)]
pub struct Monitors {
    /// The one Redis server.
    pub endpoint: Endpoint,
    /// After so many seconds without any event the program ends; `None`: never.
    pub inactivity: Option<u64>,
    /// The monitors, in the order of the file.
    pub list: Vec<Monitor>,
}

/// Where Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Host name or address, and port.
    Tcp(String, u16),
    /// The path of a socket.
    Unix(String),
}

/// `host:port` or the path.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// One watched directory with its list.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// The section's name.
    pub section: String,
    /// The line of the section's header, from 1.
    pub line: u32,
    /// The directory, as configured; relative to the working directory. Empty: never valid.
    pub directory: String,
    /// The list's key.
    pub queue: String,
    /// The key that counts the pushes.
    pub counter: Option<String>,
    /// How long a call of Redis may take; `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// How often everything is listed again; `None`: only at the start.
    pub forced_poll: Option<Duration>,
    /// How long the list may grow by listings; `None`: any length.
    pub poll_queue_limit: Option<u64>,
    /// A name must match this.
    pub only: Option<Pattern>,
    /// And none of these.
    pub ignore: Vec<Pattern>,
    /// When a file is announced.
    pub announce: AnnounceAt,
}

/// When a file is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceAt {
    /// When its name appears, whatever has been written: the original's instant.
    Create,
    /// When it is complete.
    Complete,
}

const DEFAULT_PORT: i64 = 6379;
const DEFAULT_TIMEOUT: i64 = 10;
const DEFAULT_INACTIVITY: i64 = 300;
const DEFAULT_QUEUE_LIMIT: i64 = 10_000;
/// Longer times are as good as this one, and can be added to a clock.
const HUNDRED_YEARS: u64 = 3_155_760_000;

/// Examines the sections of `file` (its name for messages). `lines` gets what is to be logged.
pub fn examine(ini: &Ini, file: &str, lines: &mut Vec<Line>) -> Result<Monitors, Stop> {
    for warning in &ini.warnings {
        lines.push(Line::Note(Level::Warning, format!("{file}:{}: {}", warning.line, warning.text)));
    }
    let mut shared = Shared::default();
    let mut list = Vec::new();
    for section in &ini.sections {
        list.extend(Examined { section, file, lines }.monitor(&mut shared)?);
    }
    if list.is_empty() {
        lines.push(Line::NoDirectory);
        return Err(Stop::quiet());
    }
    let inactivity = shared.inactivity.unwrap_or(DEFAULT_INACTIVITY);
    let inactivity = u64::try_from(inactivity).ok().filter(|&seconds| seconds > 0);
    let endpoint = shared.endpoint(lines)?;
    Ok(Monitors { endpoint, inactivity, list })
}

/// What all active sections must agree on.
#[derive(Default)]
struct Shared {
    server: Option<String>,
    port: Option<i64>,
    unix_socket: Option<String>,
    /// -1: never.
    inactivity: Option<i64>,
}

impl Shared {
    fn endpoint(self, lines: &mut Vec<Line>) -> Result<Endpoint, Stop> {
        if let Some(path) = self.unix_socket {
            return Ok(Endpoint::Unix(path));
        }
        let server = self.server.unwrap_or_default();
        let port = self.port.unwrap_or(DEFAULT_PORT);
        match u16::try_from(port) {
            Ok(port) if !server.is_empty() => Ok(Endpoint::Tcp(server, port)),
            _ => {
                let text = format!(
                    "redis_server=\"{server}\" with redis_port={port} is no address that could be reached"
                );
                lines.push(Line::Note(Level::Error, text));
                lines.push(Line::CannotPingExit);
                Err(Stop { traceback: None, status: 1 })
            }
        }
    }
}

/// One section under examination.
struct Examined<'a> {
    section: &'a Section,
    file: &'a str,
    lines: &'a mut Vec<Line>,
}

impl Examined<'_> {
    fn monitor(mut self, shared: &mut Shared) -> Result<Option<Monitor>, Stop> {
        if !self.boolean("active")?.unwrap_or(false) || !self.redis(shared)? {
            return Ok(None);
        }
        if let Some(seconds) = self.int("monitor_inactivitytimeout")? {
            let seconds = if seconds <= 0 { -1 } else { seconds };
            self.agree(&mut shared.inactivity, seconds, "monitor_inactivitytimeout")?;
        }
        let Some(directory) = self.needed("directory")? else { return Ok(None) };
        let Some(queue) = self.needed("queue")? else { return Ok(None) };
        if queue.is_empty() {
            self.lines.push(Line::InvalidQueue);
            return Ok(None);
        }
        let timeout = self.int("timeout")?.unwrap_or(DEFAULT_TIMEOUT);
        let forced_poll = self.int("forced_poll")?.unwrap_or(0);
        let limit = self.int("poll_queue_limit")?.unwrap_or(DEFAULT_QUEUE_LIMIT);
        let only = self.text("only")?;
        let only = mask::only(only.as_deref(), self.lines);
        let ignore = self.text("ignore")?;
        let ignore = mask::ignore(ignore.as_deref(), self.lines);
        Ok(Some(Monitor {
            section: self.section.name.clone(),
            line: self.section.line,
            directory,
            queue,
            counter: self.text("counter")?.filter(|key| !key.is_empty()),
            timeout: seconds(timeout),
            forced_poll: seconds(forced_poll),
            poll_queue_limit: u64::try_from(limit).ok().filter(|&limit| limit > 0),
            only,
            ignore,
            announce: self.announce()?,
        }))
    }

    /// Whether the section may be a monitor, as far as its server is concerned. The original
    /// also skips sections without `redis_unix_socket` or `redis_port`, and so its README's own
    /// sample file; here they have defaults.
    fn redis(&mut self, shared: &mut Shared) -> Result<bool, Stop> {
        let Some(server) = self.needed("redis_server")? else { return Ok(false) };
        self.agree(&mut shared.server, server, "redis server")?;
        if let Some(path) = self.text("redis_unix_socket")? {
            shared.unix_socket = Some(path).filter(|path| !path.is_empty() && path != "null");
        }
        if let Some(port) = self.int("redis_port")? {
            self.agree(&mut shared.port, port, "redis port")?;
        }
        Ok(true)
    }

    fn agree<T: PartialEq + fmt::Display>(
        &mut self,
        held: &mut Option<T>,
        value: T,
        what: &'static str,
    ) -> Result<(), Stop> {
        match held {
            Some(other) if *other != value => {
                let (file, line, name) = (self.file, self.section.line, &self.section.name);
                self.lines.push(Line::OnlyOne(what));
                let text = format!("{file}:{line}: [{name}] says {value}, a section before it {other}");
                self.lines.push(Line::Note(Level::Error, text));
                Err(Stop::quiet())
            }
            _ => {
                *held = Some(value);
                Ok(())
            }
        }
    }

    /// The value of a key without which the section is skipped. The original skips silently;
    /// `[common]` is active in many files only so that the others inherit it.
    fn needed(&mut self, key: &'static str) -> Result<Option<String>, Stop> {
        let value = self.text(key)?;
        if value.is_none() {
            let (file, line, name) = (self.file, self.section.line, &self.section.name);
            let level = if name == "common" { Level::Debug } else { Level::Warning };
            let text = format!("{file}:{line}: [{name}] is active but has no {key}: skipped");
            self.lines.push(Line::Note(level, text));
        }
        Ok(value)
    }

    fn announce(&self) -> Result<AnnounceAt, Stop> {
        match self.text("announce")?.as_deref() {
            None | Some("complete") => Ok(AnnounceAt::Complete),
            Some("create") => Ok(AnnounceAt::Create),
            Some(other) => {
                let words = format!("announce is \"create\" or \"complete\", not {}", pytext::repr(other));
                Err(self.traceback("announce", "ValueError", &words))
            }
        }
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, Stop> {
        self.text(key)?
            .map(|text| pytext::boolean(&text).map_err(|words| self.value_error(key, &words)))
            .transpose()
    }

    fn int(&self, key: &str) -> Result<Option<i64>, Stop> {
        self.text(key)?
            .map(|text| pytext::int(&text).map_err(|words| self.value_error(key, &words)))
            .transpose()
    }

    fn text(&self, key: &str) -> Result<Option<String>, Stop> {
        match self.section.get(key).map(|value| &value.text) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text.clone())),
            Some(Err(reason)) => Err(self.traceback(key, "TemplateError", reason)),
        }
    }

    fn value_error(&self, key: &str, words: &str) -> Stop {
        self.traceback(key, "ValueError", words)
    }

    /// The original dies of an exception here. The last line is the one that people search for.
    fn traceback(&self, key: &str, error: &str, words: &str) -> Stop {
        let line = self.section.get(key).map_or(self.section.line, |value| value.line);
        let text = format!(
            "Traceback (most recent call last):\n  File \"{}\", line {line}, in [{}] {key}\n{error}: {words}\n",
            self.file, self.section.name
        );
        Stop { traceback: Some(text), status: 1 }
    }
}

/// Zero and less mean "not at all".
fn seconds(seconds: i64) -> Option<Duration> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    Some(Duration::from_secs(seconds.min(HUNDRED_YEARS)))
}

#[cfg(test)]
mod tests;
