//! Taking over a changed configuration or changed plugins while everything runs.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use compat::iobserver::{Planned, Rc, RcError, Trouble};
use config::SinkKind;
use engine::Engine;
use engine::control::Host;
use engine::engine::Reloaded;
use serde_json::{Value, json};
use settle::Mono;

use super::place::Place;
use super::talk::{Talk, bad_file, tell, tell_bad_file};
use super::{Files, say};
use crate::log;

/// What a refused configuration leaves.
const KEPT: &str = "the old configuration stays in force, whole";

/// Reads the configuration again, when it has changed or when somebody asks.
pub(super) struct Reloader {
    place: Place,
    engine: Weak<Engine>,
    talk: Arc<Talk>,
    /// One reload at a time.
    state: Mutex<State>,
    /// For `status`, which must not wait until a reload is through.
    shown: Mutex<Value>,
}

struct State {
    rc: Rc,
    troubles: Vec<Trouble>,
    file: Files,
    plugins: Files,
    /// How often a configuration was taken over, the first not counted.
    applied: u64,
    last_error: Option<String>,
}

impl State {
    fn shown(&self) -> Value {
        let failed = self.troubles.iter().map(|trouble| {
            json!({"watch": trouble.watch, "line": trouble.line, "error": trouble.original, "help": trouble.explanation})
        });
        json!({
            "watched": self.rc.watch_config,
            "plugins_watched": self.rc.watch_plugins,
            "applied": self.applied,
            "last_error": self.last_error,
            "failed": failed.collect::<Vec<_>>(),
        })
    }
}

impl Reloader {
    /// `files` was taken before the configuration was read.
    pub(super) fn new(
        place: Place,
        files: Files,
        (rc, troubles): (Rc, Vec<Trouble>),
        engine: &Arc<Engine>,
        talk: Arc<Talk>,
    ) -> Self {
        let plugins = place.plugin_files();
        let state = State { rc, troubles, file: files, plugins, applied: 0, last_error: None };
        let shown = Mutex::new(state.shown());
        Self { place, engine: Arc::downgrade(engine), talk, state: Mutex::new(state), shown }
    }

    pub(super) fn state_dir(&self) -> &Path {
        &self.place.state_dir
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: &State) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = state.shown();
    }

    /// Looks whether something has changed, as far as that was asked for.
    pub(super) fn look(&self, now: Mono) {
        let mut state = self.state();
        if state.rc.watch_config {
            self.look_at_file(&mut state, now);
        }
        if state.rc.watch_plugins && state.plugins.poll(now).is_some_and(|change| change.altered) {
            self.take_plugins(&mut state);
            self.show(&state);
        }
    }

    fn look_at_file(&self, state: &mut State, now: Mono) {
        let Some(change) = state.file.poll(now) else { return };
        let file = self.place.shown();
        if let Some((_, why)) = change.missing.into_iter().next() {
            let error = RcError::Unreadable(format!("{why}; {KEPT}, and the file is read when it is back"));
            tell_bad_file(&error, &file);
            state.last_error = Some(bad_file(&error, &file));
            self.show(state);
        } else if change.altered {
            // The very bytes that two readings agreed on: half of something newer may stand there already.
            let read = match state.file.bytes(&self.place.file) {
                Some(bytes) => not_empty(bytes).and_then(|bytes| self.place.read(bytes)),
                None => self.place.read_again(),
            };
            // What came of it was said.
            drop(self.take(state, read));
        } else if !change.back.is_empty() {
            state.last_error = None;
            self.show(state);
            log::info(&format!("{file} is back, and says the same as before"));
        }
    }

    /// Takes over what was read, and says what came of it.
    fn take(&self, state: &mut State, read: Result<(Rc, Planned), RcError>) -> Result<Value, String> {
        let file = self.place.shown();
        let done = read.map_err(|error| {
            tell_bad_file(&error, &file);
            log::info(KEPT);
            format!("{}\n{KEPT}", bad_file(&error, &file))
        });
        let done = done.and_then(|(rc, planned)| {
            let done = self.run(&rc, &planned, state).inspect_err(|error| log::error(error))?;
            if state.rc.watch_config && !rc.watch_config {
                say("Stopping config watch.");
            }
            state.rc = rc;
            let done = json!({"added": done.added, "removed": done.removed, "changed": done.changed});
            log::info(&super::super::simple::reloaded(&done));
            Ok(done)
        });
        match &done {
            Ok(_) => (state.applied, state.last_error) = (state.applied + 1, None),
            Err(error) => state.last_error = Some(error.clone()),
        }
        self.show(state);
        done
    }

    /// Plugins came, went or changed; the configuration is the same.
    fn take_plugins(&self, state: &mut State) {
        let rc = state.rc.clone();
        let planned = self.place.plan(&rc);
        match self.run(&rc, &planned, state) {
            Ok(done) if done == Reloaded::default() => {}
            Ok(done) => {
                let done = json!({"added": done.added, "removed": done.removed, "changed": done.changed});
                log::info(&format!("plugins: {}", super::super::simple::reloaded(&done)));
            }
            Err(error) => log::error(&error),
        }
        self.wake_plugins(&planned);
    }

    fn run(&self, rc: &Rc, planned: &Planned, state: &mut State) -> Result<Reloaded, String> {
        let engine = self.engine.upgrade().ok_or("the program is stopping")?;
        self.talk.expect(rc, planned, &self.place);
        let done =
            engine.reload(&planned.plan).map_err(|error| format!("failed to reload: {error}; {KEPT}"))?;
        tell(planned, &state.troubles, &self.place.shown());
        state.troubles.clone_from(&planned.troubles);
        Ok(done)
    }

    /// One that could not be started is tried at once: what was wrong with it may be mended.
    fn wake_plugins(&self, planned: &Planned) {
        let Some(engine) = self.engine.upgrade() else { return };
        let plugins = planned.plan.sinks.iter().filter(|sink| matches!(sink.kind, SinkKind::Plugin(_)));
        for id in plugins.filter_map(|sink| engine.sink_id(&sink.name)) {
            engine.dispatch().wake(id);
        }
    }
}

/// A file of no bytes is one that somebody is about to write: to take it would stop every watch.
fn not_empty(bytes: &[u8]) -> Result<&[u8], RcError> {
    if bytes.trim_ascii().is_empty() {
        let text = "it is empty, which is taken for half a save. To watch nothing, write a line [watches]";
        return Err(RcError::Unreadable(text.into()));
    }
    Ok(bytes)
}

impl Host for Reloader {
    fn reload(&self) -> Result<Value, String> {
        let mut state = self.state();
        // From here on the files are as they are now.
        state.file = self.place.files();
        state.plugins = self.place.plugin_files();
        let read = self.place.read_again();
        let done = self.take(&mut state, read);
        let planned = self.place.plan(&state.rc);
        self.wake_plugins(&planned);
        done
    }

    fn config(&self) -> Value {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
