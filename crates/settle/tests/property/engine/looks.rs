//! What looks, walks and companions show: read off the simulated world as it is now.

use model::{Reason, Signal};
use settle::companion::{Ask, NameForm};
use settle::group::group_path;
use settle::{Answer, Grouping, RuleMask, Rules, Selection, Take, View};

use super::{stamp, text};
use crate::rng::Rng;
use crate::spec::GOOD;
use crate::world::{Content, Inode, Ms, World, is_below, last, parent};

pub(super) fn dataset(world: &World, rules: &Rules, rule: usize, unit: &str) -> Content {
    let mut content = Content::new();
    for path in world.files.keys().filter(|path| is_below(path, unit)) {
        let rest = &path[unit.len() + 1..];
        let taken =
            rules.select(path.as_bytes(), RuleMask::EMPTY) == Selection::Member { rule, len: unit.len() };
        if taken && !rules.rules[rule].is_marker_inside(rest.as_bytes()) {
            content.insert(rest.to_owned(), world.print(path).expect("the inode of a name"));
        }
    }
    content
}

pub(super) fn survey(
    world: &World,
    unit: &str,
    content: &Content,
    leases: bool,
    ask_first: &[Box<[u8]>],
) -> View {
    let inode = |rest: &str| world.inode(&format!("{unit}/{rest}"));
    let is_open = |rest: &str| leases && inode(rest).is_some_and(|inode| inode.writers > 0);
    let still: Vec<Box<[u8]>> = ask_first.iter().filter(|rest| is_open(&text(rest))).cloned().collect();
    if !still.is_empty() {
        return View { open: still.len() as u64, blocking: still, partial: true, ..View::default() };
    }
    let mut view = View { writers_unknown: !leases, ..View::default() };
    for (rest, print) in content {
        view.count += 1;
        view.size += print.size;
        view.newest_mtime = view.newest_mtime.max(stamp(print.mtime));
        view.newest_ctime = view.newest_ctime.max(stamp(inode(rest).map_or(0, |inode| inode.ctime)));
        let mut one = Rng::new(print.size ^ print.mtime.rotate_left(20) ^ print.inode.rotate_left(50));
        let name = rest.bytes().fold(one.next(), |fold, byte| fold.rotate_left(9) ^ u64::from(byte));
        view.fold = view.fold.wrapping_add(Rng::new(name).next());
        if is_open(rest) {
            view.open += 1;
            view.blocking.push(rest.as_bytes().into());
        }
    }
    view
}

/// The answer to a rule's question, found out by its own forms.
pub(super) fn companion(world: &World, unit: &str, rule: &settle::Rule, ask: &Ask) -> Answer {
    let dataset = matches!(rule.shape.take, Take::Dataset(_));
    let whole = unit.strip_suffix('/').unwrap_or(unit);
    let places = |form: &NameForm| -> Vec<String> {
        let dir = if dataset && !form.is_beside() { whole } else { parent(whole) };
        let slash = if dir.is_empty() { "" } else { "/" };
        form.names(last(whole).as_bytes()).iter().map(|name| format!("{dir}{slash}{}", text(name))).collect()
    };
    let newest = newest_mtime(world, unit, rule);
    let missing =
        |form: &NameForm, stale| Answer::Missing(Reason::WaitingMarker { marker: form.text().into(), stale });
    match ask {
        Ask::Marker(marker) => {
            let found: Vec<Inode> =
                places(&marker.form).iter().filter_map(|path| world.inode(path)).collect();
            match found.iter().map(|inode| inode.ctime).max() {
                Some(ctime) if ctime >= newest => Answer::Holds(Signal::Marker),
                found => missing(&marker.form, found.is_some()),
            }
        }
        Ask::Lock(form) => match places(form).iter().find(|path| world.files.contains_key(*path)) {
            Some(lock) => Answer::Missing(Reason::WaitingLock { lock: lock.clone().into() }),
            None => Answer::Holds(Signal::LockGone),
        },
        Ask::Metadata(metadata) => {
            let good = |path: &String| world.inode(path).is_some_and(|inode| inode.size >= GOOD);
            if places(&metadata.form).iter().any(good) {
                return Answer::Holds(Signal::Metadata);
            }
            let file = metadata.form.text().into();
            Answer::Missing(Reason::WaitingMetadata { file, problem: "too short".into() })
        }
        Ask::Whole => {
            let paths = data(world, unit, rule);
            let is_short = |path: &&String| world.inode(path).is_some_and(|inode| inode.size < GOOD);
            match paths.iter().find(is_short) {
                None => Answer::Holds(Signal::Whole),
                Some(path) => {
                    let file = path.clone().into();
                    Answer::Missing(Reason::WaitingWhole { count: 1, file, missing: Some(1) })
                }
            }
        }
        // Nobody can count what is no group.
        Ask::Count(_) | Ask::Manifest(_) => Answer::Missing(Reason::WaitingInspection),
    }
}

fn newest_mtime(world: &World, unit: &str, rule: &settle::Rule) -> Ms {
    let paths = data(world, unit, rule);
    let mtimes = paths.iter().filter_map(|path| world.inode(path));
    mtimes.map(|inode| inode.mtime).max().unwrap_or(0)
}

/// The unit's files.
fn data(world: &World, unit: &str, rule: &settle::Rule) -> Vec<String> {
    let paths: Vec<String> = match &rule.shape.take {
        Take::File => vec![unit.to_owned()],
        Take::Dataset(_) => world.files.keys().filter(|path| is_below(path, unit)).cloned().collect(),
        Take::Group(Grouping::Name(pattern)) => {
            let is_member = |path: &&String| {
                let key = pattern.key(last(path).as_bytes()).map(|(key, _)| key);
                key.is_some_and(|key| group_path(parent(path).as_bytes(), key) == unit.as_bytes().into())
            };
            world.files.keys().filter(is_member).cloned().collect()
        }
        Take::Group(_) => Vec::new(),
    };
    let is_data = |path: &String| {
        let rest = path.strip_prefix(unit).and_then(|rest| rest.strip_prefix('/'));
        rest.is_none_or(|rest| !rule.is_marker_inside(rest.as_bytes()) && !ends(rest, ".log"))
    };
    paths.into_iter().filter(is_data).collect()
}

/// Whether a name has that ending; the rules of the test know no other case.
fn ends(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some()
}
