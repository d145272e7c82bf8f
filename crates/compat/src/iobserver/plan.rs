//! From a configuration to the plan that the engine runs: a source for each watch, a sink for each plugin of it.

mod bound;
mod watching;

use std::path::Path;

use config::Plan;
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

use self::watching::Watching;
use super::directory::Directory;
use super::place::{of_bytes, real};
use super::rc::{Rc, Watch};
use super::trouble::Trouble;
use crate::plain;

/// What a configuration does not say itself.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// What relative paths are relative to.
    pub working: &'a Path,
    /// Where plugins lie.
    pub plugins: Directory<'a>,
    /// Where the ledger lies, if it is known: in a watched tree each event would make more of them.
    pub state_dir: Option<&'a Path>,
}

/// A plan, and what to say about it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What is run.
    pub plan: Plan,
    /// What cannot work as it is; the plan has a failed sink for each.
    pub troubles: Vec<Trouble>,
    /// What is odd: line and sentence.
    pub warnings: Vec<(usize, String)>,
    /// Old plugins that nothing here can run; only where there is no adapter.
    pub old_plugins: Vec<std::path::PathBuf>,
}

/// The plan of a configuration.
#[must_use]
pub fn plan(rc: &Rc, around: Around<'_>) -> Planned {
    let mut warnings = rc.odd.clone();
    let mut plan = plain::plan();
    let (mut troubles, mut old_plugins) = (Vec::new(), Vec::new());
    for (watch, place) in last_of_each(rc, around.working, &mut warnings) {
        let mut watching = Watching::new(watch, place, around);
        watching.look();
        plan.sources.extend(watching.source());
        plan.sinks.append(&mut watching.sinks);
        troubles.append(&mut watching.troubles);
        warnings.append(&mut watching.warnings);
        old_plugins.append(&mut watching.old_plugins);
    }
    if plan.sinks.iter().any(|sink| matches!(sink.kind, config::SinkKind::Plugin(_))) {
        plan.plugin_dir = std::path::absolute(around.plugins.path).ok();
    }
    warnings.sort();
    old_plugins.sort();
    old_plugins.dedup();
    Planned { plan, troubles, warnings, old_plugins }
}

/// Each watch with its real path. Of two that are one, the last wins.
fn last_of_each<'a>(
    rc: &'a Rc,
    working: &Path,
    warnings: &mut Vec<(usize, String)>,
) -> Vec<(&'a Watch, std::path::PathBuf)> {
    let mut kept: Vec<(&Watch, std::path::PathBuf)> = Vec::new();
    for watch in &rc.watches {
        let place = real(of_bytes(&watch.name), working);
        if let Some(at) = kept.iter().position(|(_, earlier)| *earlier == place) {
            let (earlier, _) = kept.remove(at);
            let (one, other) = (safe(&earlier.name), safe(&watch.name));
            let text = format!(
                "[[{one}]] is left out: it is the same place as [[{other}]] in line {}, and the last counts ({})",
                watch.line,
                safe(place.as_os_str().as_bytes())
            );
            warnings.push((earlier.line, text));
        }
        kept.push((watch, place));
    }
    kept
}

#[cfg(test)]
mod tests;
