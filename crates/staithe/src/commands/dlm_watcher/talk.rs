//! Says everything in the SKA's log format.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use compat::dlm_watcher::{Level, Log};
use engine::{Clock, Notice, Observer};
use model::Parcel;
use model::text::safe;
use sinks::Trouble;

use crate::commands::run::saved;

pub(super) struct Talk {
    log: Log,
    clock: Clock,
    /// Whether the sink was in trouble, ever.
    troubled: AtomicBool,
    /// What each sink that is in trouble said last, so that a long outage fills no disk.
    troubles: Mutex<HashMap<String, String>>,
}

impl Talk {
    pub(super) fn new(log: Log, clock: Clock) -> Self {
        Self { log, clock, troubled: AtomicBool::new(false), troubles: Mutex::default() }
    }

    #[track_caller]
    pub(super) fn say(&self, level: Level, function: &str, message: &str) {
        self.log.write(self.clock.wall(), level, function, message);
    }

    /// Whether the sink could not do its work at any time.
    pub(super) fn sink_was_in_trouble(&self) -> bool {
        self.troubled.load(Ordering::Acquire)
    }

    /// Damage that was put aside at the start must not go unnoticed.
    pub(super) fn damage(&self, report: &ledger::OpenReport) {
        let Some(damaged) = &report.quarantined else { return };
        let text = format!(
            "the ledger was damaged ({}); it was put aside into {}. {}; what is lost is registered again, and the \
             services say that it is there",
            damaged.damage,
            damaged.dir.display(),
            saved(damaged)
        );
        self.say(Level::Error, "start", &text);
    }
}

fn native(level: engine::Level) -> Level {
    match level {
        engine::Level::Info => Level::Info,
        engine::Level::Warning => Level::Warning,
        engine::Level::Error => Level::Error,
    }
}

impl Observer for Talk {
    fn notice(&self, notice: &Notice<'_>) {
        self.say(native(notice.level()), "watch", &notice.text());
    }
}

impl dispatch::Observer for Talk {
    fn delivered(&self, sink: &str, parcels: &[Parcel]) {
        if self.log.says(Level::Info) {
            for parcel in parcels {
                self.say(Level::Info, sink, &format!("registered {}", safe(&parcel.path)));
            }
        }
    }

    fn trouble(&self, sink: &str, trouble: &Trouble, retry_in: Duration) {
        self.troubled.store(true, Ordering::Release);
        let sentence = trouble.to_string();
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let again = troubles.insert(sink.to_owned(), sentence.clone()).as_ref() == Some(&sentence);
        drop(troubles);
        let level = if again { Level::Debug } else { Level::Error };
        self.say(level, sink, &format!("{sentence} (next try in {:.1} s)", retry_in.as_secs_f64()));
    }

    fn recovered(&self, sink: &str) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(sink);
        self.say(Level::Info, sink, "the services answer again");
    }

    fn remark(&self, sink: &str, text: &str) {
        self.say(native(crate::log::level_of(text)), sink, text);
    }

    fn dead(&self, sink: &str, parcel: &Parcel, error: &str) {
        let path = safe(&parcel.path);
        self.say(
            Level::Error,
            sink,
            &format!("{path} is NOT added to DLM: {error}. See `staithe dead list`"),
        );
    }
}
