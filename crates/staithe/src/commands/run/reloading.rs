//! Reading the configuration again: when somebody asks for it, and when it has changed.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use config::{ConfigError, Loaded, Reading};
use engine::Engine;
use engine::control::Host;
use serde_json::{Value, json};

use super::following::{Following, News};
use crate::commands::simple;
use crate::log;

/// How often the files are compared with what they held before.
const PERIOD: Duration = Duration::from_millis(250);

/// Reads a configuration; the error is the whole diagnosis.
pub(crate) fn load(path: &Path) -> Result<Loaded, String> {
    let read = config::load(path, &|name| std::env::var(name).ok());
    read.map_err(|error| diagnosis(&error, log::coloured(std::io::stderr().is_terminal())))
}

fn diagnosis(error: &ConfigError, colour: bool) -> String {
    let found = error.diagnostics();
    if found.is_empty() {
        return format!("failed to {error}");
    }
    let shown: Vec<String> = found.iter().map(|diagnostic| diagnostic.render(colour)).collect();
    format!("the configuration is not good:\n{}", shown.join("\n"))
}

/// The configuration of a daemon.
pub(super) struct Reloader {
    engine: Weak<Engine>,
    /// It is followed whatever it says itself.
    always: bool,
    /// One reload at a time.
    following: Mutex<Following>,
    standing: Mutex<Standing>,
    closed: AtomicBool,
    /// Wakes the thread that follows it. One word waits at most; a second would say the same.
    wake: SyncSender<()>,
}

/// How it stands with the configuration, for `status`.
#[derive(Clone, Debug, Default)]
struct Standing {
    watched: bool,
    last_error: Option<String>,
    /// How many times a new content was taken over.
    applied: u64,
}

/// A configuration that was read for a start, with who follows it from now on.
pub(super) struct First {
    always: bool,
    following: Following,
    pub(super) loaded: Loaded,
}

impl First {
    /// Reads the configuration; the error is the whole diagnosis.
    pub(super) fn read(config: &Path, always: bool) -> Result<Self, String> {
        let mut following = Following::new(config);
        let colour = log::coloured(std::io::stderr().is_terminal());
        let loaded = following.read().result.map_err(|error| diagnosis(&error, colour))?;
        Ok(Self { always, following, loaded })
    }

    /// Follows it on behalf of `engine`, on a thread of its own: a file system that hangs holds up nothing else.
    pub(super) fn follow(self, engine: &Arc<Engine>) -> std::io::Result<Arc<Reloader>> {
        let Self { always, mut following, loaded } = self;
        let watched = always || loaded.plan.watch_config;
        if !watched {
            following.leave();
        }
        let (wake, woken) = sync_channel(1);
        let reloader = Arc::new(Reloader {
            engine: Arc::downgrade(engine),
            always,
            following: Mutex::new(following),
            standing: Mutex::new(Standing { watched, ..Standing::default() }),
            closed: AtomicBool::new(false),
            wake,
        });
        let host = Arc::downgrade(&reloader);
        std::thread::Builder::new()
            .name("staithe-config".into())
            .spawn(move || keep_looking(&host, &woken))?;
        Ok(reloader)
    }
}

/// Looks from time to time, as long as somebody wants it.
fn keep_looking(host: &Weak<Reloader>, woken: &Receiver<()>) {
    loop {
        let Some(watched) = host.upgrade().map(|host| host.standing().watched) else { return };
        let word =
            if watched { woken.recv_timeout(PERIOD) } else { woken.recv().map_err(RecvTimeoutError::from) };
        match (word, host.upgrade()) {
            (Err(RecvTimeoutError::Disconnected), _) | (_, None) => return,
            (_, Some(host)) => host.look(),
        }
    }
}

impl Host for Reloader {
    fn reload(&self) -> Result<Value, String> {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = following.read();
        let done = self.take_over(&reading, News::default());
        self.settle(&mut following);
        done.inspect(|done| log::info(&simple::reloaded(done)))
    }

    fn config(&self) -> Value {
        let Standing { watched, last_error, applied } = self.standing().clone();
        json!({"watched": watched, "last_error": last_error, "applied": applied})
    }
}

impl Reloader {
    /// Nothing is taken over any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what is new, if anything is.
    fn look(&self) {
        let Some(engine) = self.engine.upgrade() else { return };
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((news, reading)) = following.look(engine.clock().mono()) else { return };
        if let Ok(done) = self.take_over(&reading, news) {
            log::info(&format!("the configuration has changed: {}", simple::reloaded(&done)));
        }
        self.settle(&mut following);
    }

    /// Takes it over, or nothing of it; an error is said, and shown in the status.
    fn take_over(&self, reading: &Reading, news: News) -> Result<Value, String> {
        let kept = "the old configuration stays in force, whole";
        let done = match &reading.result {
            Ok(loaded) => self.apply(loaded, news).map_err(|error| (error.clone(), error)),
            Err(error) => {
                let colour = log::coloured(std::io::stderr().is_terminal());
                Err((diagnosis(error, colour), diagnosis(error, false)))
            }
        };
        done.inspect(|_| self.standing().last_error = None).map_err(|(shown, plain)| {
            log::error(&format!("{shown}\n{kept}"));
            let plain = format!("{plain}\n{kept}");
            self.standing().last_error = Some(plain.clone());
            plain
        })
    }

    fn apply(&self, loaded: &Loaded, news: News) -> Result<Value, String> {
        let engine = self.engine.upgrade().filter(|_| !self.closed.load(Ordering::Acquire));
        let engine = engine.ok_or("the daemon is stopping")?;
        for warning in &loaded.warnings {
            log::plain(warning.render(false).trim_end());
        }
        let new = news.altered || engine.plan() != loaded.plan;
        let done = engine.reload(&loaded.plan).map_err(|error| format!("failed to reload: {error}"))?;
        let mut standing = self.standing();
        standing.watched = self.always || loaded.plan.watch_config;
        standing.applied += u64::from(new);
        Ok(json!({"added": done.added, "removed": done.removed, "changed": done.changed}))
    }

    /// Follows the files, or does so no more, as the plan in force has it.
    fn settle(&self, following: &mut Following) {
        if !self.standing().watched {
            following.leave();
        }
        // A word that waits says the same.
        let _ = self.wake.try_send(());
    }
}
