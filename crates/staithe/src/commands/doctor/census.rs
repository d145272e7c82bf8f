//! Walking a source's tree: how many directories, and which of them this user cannot read.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use config::{Backend, SourcePlan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use settle::RuleMask;
use sys::filesystem::Trust;
use sys::{Dir, EntryKind, Errno};

use super::patience::PATIENCE;
use super::trees::{Census, End};

/// So many directories are walked at most.
const MOST: u64 = 5_000_000;
/// And for so long.
const LONGEST: Duration = Duration::from_mins(2);
/// How often the walk is looked after.
const ROUND: Duration = Duration::from_millis(100);
/// How many unreadable directories are named.
const NAMED: usize = 8;

/// How far a walk is, and whether it should end.
#[derive(Default)]
struct Pace {
    directories: AtomicU64,
    /// Grows with each listing and with each slice of a long one.
    steps: AtomicU64,
    stop: AtomicBool,
}

/// Whether a directory with this trust gets an inotify watch.
pub(super) fn is_watched(backend: Backend, trust: Trust, may_mark: Option<bool>) -> bool {
    match backend {
        Backend::Inotify => true,
        // A layered file system cannot be marked: inotify takes the place of fanotify.
        Backend::Fanotify if may_mark != Some(false) => trust == Trust::Partly,
        Backend::Auto | Backend::Fanotify => matches!(trust, Trust::Events | Trust::Partly),
        Backend::Poll => false,
    }
}

/// Walks the tree in a thread of its own, so that a server that is away holds up only that thread.
/// `fates` says for each mount, by its path below the root, whether its directories get a watch.
pub(super) fn take(plan: &SourcePlan, fates: HashMap<Vec<u8>, bool>) -> Census {
    let pace = Arc::new(Pace::default());
    // Room for the one answer, so that a thread that nobody waits for can end.
    let (done, answer) = sync_channel(1);
    let (walked, shared) = (plan.clone(), Arc::clone(&pace));
    let walk = move || {
        let _ = done.send(walk(&walked, &fates, &shared));
    };
    if std::thread::Builder::new().name("staithe-census".into()).spawn(walk).is_err() {
        return Census { end: End::Broken, ..Census::default() };
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let (begun, mut last) = (Instant::now(), (0, Instant::now()));
    let census = loop {
        match answer.recv_timeout(ROUND) {
            Ok(census) => break census,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break stuck(&pace),
        }
        let directories = pace.directories.load(Ordering::Relaxed);
        bar.set_message(format!("source {}: {directories} directories looked at", plan.name));
        bar.tick();
        let steps = pace.steps.load(Ordering::Relaxed);
        if steps != last.0 {
            last = (steps, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            break stuck(&pace);
        }
        if begun.elapsed() > LONGEST || directories >= MOST {
            pace.stop.store(true, Ordering::Relaxed);
        }
    };
    bar.finish_and_clear();
    census
}

fn stuck(pace: &Pace) -> Census {
    pace.stop.store(true, Ordering::Relaxed);
    Census { directories: pace.directories.load(Ordering::Relaxed), end: End::Stuck, ..Census::default() }
}

/// A directory to walk.
struct Next {
    path: Vec<u8>,
    mask: RuleMask,
    watched: bool,
}

fn walk(plan: &SourcePlan, fates: &HashMap<Vec<u8>, bool>, pace: &Pace) -> Census {
    let mut census = Census::default();
    let root = match Dir::open_root(&plan.path) {
        Ok(root) => root,
        Err(error) => {
            refuse(&mut census, &[], error);
            return census;
        }
    };
    let watched = fates.get(&b""[..]).copied().unwrap_or(false);
    let mut todo = vec![Next { path: Vec::new(), mask: RuleMask::EMPTY, watched }];
    while let Some(next) = todo.pop() {
        if pace.stop.load(Ordering::Relaxed) {
            census.end = End::Broken;
            break;
        }
        census.directories += 1;
        census.watched += u64::from(next.watched);
        pace.directories.store(census.directories, Ordering::Relaxed);
        match children(&root, &next.path, pace) {
            Ok(names) if plan.recursive => {
                todo.extend(names.into_iter().filter_map(|name| below(plan, fates, &next, &name)));
            }
            // It went away meanwhile, or another thing took its place.
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(error) => refuse(&mut census, &next.path, error),
        }
    }
    census
}

fn refuse(census: &mut Census, path: &[u8], error: Errno) {
    census.unreadable_count += 1;
    if census.unreadable.len() < NAMED {
        let why = error.to_string();
        // "Permission denied" says enough without its number.
        let why = why.split(" (os error").next().unwrap_or(&why).to_owned();
        census.unreadable.push((path.to_vec(), why));
    }
}

/// The names of the directories in a directory.
fn children(root: &Dir, path: &[u8], pace: &Pace) -> Result<Vec<Vec<u8>>, Errno> {
    let dir = root.open_below(if path.is_empty() { b"." } else { path })?;
    // Names may be listed without the permission to look any of them up.
    dir.open_below(b".")?;
    let mut listing = dir.into_listing();
    let (mut names, mut unclear) = (Vec::new(), Vec::new());
    let mut more = true;
    while more && !pace.stop.load(Ordering::Relaxed) {
        more = listing.next_slice(1, &mut |_, name, kind| match kind {
            EntryKind::Directory => names.push(name.to_vec()),
            EntryKind::Unknown => unclear.push(name.to_vec()),
            _ => {}
        })?;
        pace.steps.fetch_add(1, Ordering::Relaxed);
    }
    let is_directory =
        |name: &Vec<u8>| listing.dir().look_at(name).is_ok_and(|look| look.kind() == EntryKind::Directory);
    names.extend(unclear.into_iter().filter(is_directory));
    Ok(names)
}

/// The directory `name` in `above`, unless every rule excludes it.
fn below(plan: &SourcePlan, fates: &HashMap<Vec<u8>, bool>, above: &Next, name: &[u8]) -> Option<Next> {
    let mut path = above.path.clone();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    let mask = plan.rules.directory_mask(&path, above.mask);
    let watched = fates.get(&path).copied().unwrap_or(above.watched);
    (!plan.rules.prunes(mask)).then_some(Next { path, mask, watched })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_are_needed_where_inotify_hears() {
        let of = |backend, trust| is_watched(backend, trust, Some(true));
        assert!(of(Backend::Auto, Trust::Events) && of(Backend::Auto, Trust::Partly));
        assert!(!of(Backend::Auto, Trust::Remote) && of(Backend::Inotify, Trust::Remote));
        assert!(!of(Backend::Fanotify, Trust::Events) && of(Backend::Fanotify, Trust::Partly));
        assert!(is_watched(Backend::Fanotify, Trust::Events, Some(false)), "it falls back");
        assert!(!is_watched(Backend::Fanotify, Trust::Remote, Some(false)), "as auto does");
        assert!(!of(Backend::Poll, Trust::Events));
    }
}
