//! Says what there is to say: the old program's words first where it has some, then ours.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use compat::iobserver::trouble::missing_path;
use compat::iobserver::{Planned, Rc, RcError, Trouble as Misconfigured};
use engine::{Level, Notice, Observer};
use model::Parcel;
use model::text::safe;
use sinks::Trouble;
use std::os::unix::ffi::OsStrExt as _;

use super::place::Place;
use crate::log::{self, StderrLog};

/// What every other command writes to standard error.
static LOG: StderrLog = StderrLog::new(Level::Info);

/// Why a configuration says nothing: in the old words on a line of their own, then in ours.
pub(super) fn tell_bad_file(error: &RcError, file: &str) {
    if let Some(original) = error.original() {
        log::plain(&original);
    }
    for explanation in error.explanations(file) {
        log::error(&explanation);
    }
}

/// The same as one text.
pub(super) fn bad_file(error: &RcError, file: &str) -> String {
    error.original().into_iter().chain(error.explanations(file)).collect::<Vec<_>>().join("\n")
}

/// Says what is wrong or odd in a configuration, but for what was wrong with the one `before`.
pub(super) fn tell(planned: &Planned, before: &[Misconfigured], file: &str) {
    for (line, text) in &planned.warnings {
        log::warning(&format!("{file}:{line}: {text}"));
    }
    if planned.plan.sources.is_empty() && planned.plan.sinks.is_empty() {
        log::warning(&format!(
            "{file}: nothing is watched. Fix: add `[watches]`, and a section for each path in it"
        ));
    }
    let said = |trouble: &Misconfigured| before.iter().any(|other| other.original == trouble.original);
    for trouble in planned.troubles.iter().filter(|trouble| !said(trouble)) {
        log::plain(&trouble.original);
        log::error(&format!("{file}:{}: {}", trouble.line, trouble.explanation));
    }
}

/// The observer of everything that runs.
#[derive(Default)]
pub(super) struct Talk {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Sinks that cannot work as they are configured; that was said when the configuration was read.
    refused: BTreeSet<String>,
    /// The other sinks: their watch and plugin.
    plugins: HashMap<String, (String, String)>,
    /// What each sink that is in trouble said last.
    troubles: HashMap<String, String>,
}

impl Talk {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose words may come from now on.
    pub(super) fn expect(&self, rc: &Rc, planned: &Planned, place: &Place) {
        let mut known = self.known();
        let bound = |name: &str| {
            planned
                .plan
                .sources
                .iter()
                .any(|source| source.streams.iter().any(|stream| stream.to.iter().any(|to| to == name)))
        };
        let names = planned.plan.sinks.iter().map(|sink| sink.name.as_str());
        known.refused = names.filter(|name| !bound(name)).map(str::to_owned).collect();
        known.plugins.clear();
        for watch in &rc.watches {
            let path = place.leads_to(&watch.name);
            let begin = format!("{}-", compat::iobserver::place::name_of(&path));
            let path = safe(path.as_os_str().as_bytes());
            for sink in &planned.plan.sinks {
                if let Some(plugin) = sink.name.strip_prefix(&begin) {
                    known.plugins.insert(sink.name.clone(), (path.clone(), plugin.to_owned()));
                }
            }
        }
    }

    fn is_refused(&self, sink: &str) -> bool {
        self.known().refused.contains(sink)
    }
}

impl Observer for Talk {
    fn notice(&self, notice: &Notice<'_>) {
        let missing = |path: &Path, error: &str| {
            if error.contains("(os error 2)") {
                log::plain(&missing_path(&safe(path.as_os_str().as_bytes())));
            }
        };
        match notice {
            Notice::RootAbsent { path, error, .. } => missing(path, error),
            Notice::StreamAbsent { path, error, .. } => missing(path, error),
            _ => {}
        }
        LOG.notice(notice);
    }
}

impl dispatch::Observer for Talk {
    /// A failing sink is tried again and again; what it says is worth a line once.
    fn trouble(&self, sink: &str, trouble: &Trouble, retry_in: Duration) {
        if self.is_refused(sink) {
            return;
        }
        if matches!(trouble, Trouble::Closed(_)) {
            return LOG.trouble(sink, trouble, retry_in);
        }
        let text = trouble.to_string();
        let mut known = self.known();
        if known.troubles.insert(sink.to_owned(), text.clone()).as_ref() == Some(&text) {
            return;
        }
        let Some((watch, plugin)) = known.plugins.get(sink) else {
            return LOG.trouble(sink, trouble, retry_in);
        };
        log::plain(&format!("Watch: {watch}: Plugin '{plugin}' reported error: {text}"));
        let begin = format!("sink {sink}: it is tried again, next in {:.1} s", retry_in.as_secs_f64());
        log::warning(&format!("{begin}; nothing is lost, and the others are not affected"));
    }

    fn recovered(&self, sink: &str) {
        self.known().troubles.remove(sink);
        LOG.recovered(sink);
    }

    fn remark(&self, sink: &str, text: &str) {
        LOG.remark(sink, text);
    }

    fn dead(&self, sink: &str, parcel: &Parcel, error: &str) {
        LOG.dead(sink, parcel, error);
    }
}
