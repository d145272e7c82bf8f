//! Log lines in the SKA format, one for each record, on standard output:
//! `1|2026-01-02T03:04:05.678Z|LEVEL|thread|function|file#line|tags|message`.
//!
//! A message never breaks its line: what would is escaped.

use std::io::Write;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use config::DlmDialect;
use model::Stamp;
use model::text::safe;

use crate::environment::Environment;
use crate::level::Level;

/// Names of levels that Python's `logging` knows besides.
const ALSO: [(&str, Level); 2] = [("WARN", Level::Warning), ("FATAL", Level::Critical)];

/// What is less loud is not written; and what to say about the variable. Only the newest version asks
/// `LOGLEVEL`. A name that does not exist ends the original; here it is reported.
#[must_use]
pub fn least_level(environment: &Environment, dialect: DlmDialect) -> (Level, Option<String>) {
    let asked = environment.get("LOGLEVEL").filter(|_| dialect == DlmDialect::Main);
    let Some(asked) = asked else { return (Level::Info, None) };
    let unknown = || format!("LOGLEVEL {} is unknown: INFO is used", safe(asked.as_bytes()));
    Level::named(asked, &ALSO).map_or_else(|| (Level::Info, Some(unknown())), |level| (level, None))
}

/// Where lines go. Shared by all threads; lines are never mixed.
pub struct Log {
    least: Level,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// A log that leaves out what is less loud.
    #[must_use]
    pub fn new(least: Level, out: Box<dyn Write + Send>) -> Self {
        Self { least, out: Mutex::new(out) }
    }

    /// Whether a record of that level is written.
    #[must_use]
    pub fn says(&self, level: Level) -> bool {
        level >= self.least
    }

    /// Writes a record. What cannot be written is not: logging never stops the work.
    #[track_caller]
    pub fn write(&self, now: Stamp, level: Level, function: &str, message: &str) {
        if !self.says(level) {
            return;
        }
        let thread = std::thread::current();
        let line = line(now, level, thread_name(thread.name()), function, Location::caller(), message);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

/// The first thread is called as Python calls it.
fn thread_name(name: Option<&str>) -> &str {
    match name {
        Some("main") => "MainThread",
        Some(name) => name,
        None => "Thread",
    }
}

fn line(now: Stamp, level: Level, thread: &str, function: &str, at: &Location<'_>, message: &str) -> String {
    let file = at.file().rsplit('/').next().unwrap_or_default();
    format!(
        "1|{}|{}|{}|{function}|{file}#{}||{}\n",
        timestamp(now),
        level.name(),
        field(thread),
        at.line(),
        one_line(message)
    )
}

/// Names in a message were made safe before, and their backslashes must not be doubled; what was not is made so here.
fn one_line(message: &str) -> String {
    let parts: Vec<String> = message.split('\\').map(|part| safe(part.as_bytes())).collect();
    parts.join("\\")
}

/// A field that is none of the last must not have a bar in it.
fn field(text: &str) -> String {
    text.replace('|', "/")
}

/// UTC with milliseconds, always three digits.
fn timestamp(now: Stamp) -> String {
    let instant = jiff::Timestamp::new(now.sec, now.nsec as i32).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(least: Level, records: &[(Level, &str)]) -> Vec<String> {
        let kept = Kept::default();
        let log = Log::new(least, Box::new(kept.clone()));
        for (level, message) in records {
            log.write(Stamp { sec: 1_767_323_045, nsec: 678_999_999 }, *level, "watch", message);
        }
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_record_is_one_line_of_eight_fields() {
        let lines = written(Level::Info, &[(Level::Warning, "a|b\nc ü \\xff"), (Level::Error, "")]);
        assert_eq!(lines.len(), 2, "{lines:?}");
        let fields: Vec<&str> = lines[0].splitn(8, '|').collect();
        assert_eq!(fields[..3], ["1", "2026-01-02T03:04:05.678Z", "WARNING"]);
        assert_eq!((fields[4], fields[6], fields[7]), ("watch", "", r"a|b\nc ü \xff"));
        let (file, line) = fields[5].split_once('#').unwrap();
        assert!(file == "log.rs" && line.parse::<u32>().is_ok(), "{}", fields[5]);
        assert_eq!(
            (thread_name(Some("main")), thread_name(Some("lane")), thread_name(None)),
            ("MainThread", "lane", "Thread")
        );
    }

    #[test]
    fn what_is_less_loud_is_left_out() {
        let all = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Critical]
            .map(|level| (level, "x"));
        assert_eq!(written(Level::Debug, &all).len(), 5);
        assert_eq!(written(Level::Error, &all).len(), 2);
    }

    #[test]
    fn the_level_is_asked_for_in_the_newest_version_only() {
        let least = |value: &str, dialect| least_level(&[("LOGLEVEL", value)].into_iter().collect(), dialect);
        assert_eq!(least("debug", DlmDialect::Main), (Level::Debug, None));
        assert_eq!(least("Warn", DlmDialect::Main), (Level::Warning, None));
        assert_eq!(least("error", DlmDialect::V21), (Level::Info, None));
        let (level, said) = least("loud", DlmDialect::Main);
        assert!(level == Level::Info && said.is_some_and(|said| said.contains("loud")));
        assert_eq!(least_level(&Environment::default(), DlmDialect::Main), (Level::Info, None));
    }
}
