//! From "complete" to "remembered" for datasets and groups.

use std::sync::Arc;

use ledger::{Admission, Fate};
use model::{Cause, Kind, Members, PathKey, SignalSet, Stamp};
use settle::{Late, View};

use sys::Dir;

use super::Source;
use super::bundles::{Bundle, KnownBundle, News, Standing, What, view_print};
use super::waiting::History;
use crate::notice::Notice;

/// So many members are named in an event.
const LISTED: usize = 256;

impl Source {
    pub(super) fn admit_bundle(
        &mut self,
        root: &Dir,
        path: &[u8],
        mut bundle: Bundle,
        signals: SignalSet,
        overdue: bool,
    ) {
        let view = bundle.view(self.with_inode);
        let rule = self.shared_rule(bundle.rule);
        let late = rule.as_ref().map_or(Late::Generation, |rule| rule.shape.late);
        let known = self.known_bundles.get(path).copied();
        let known_complete = known.filter(|known| !known.overdue);
        let news = known_complete.map_or(News::Changed, |known| known.compare(&view));
        // Another directory than the one that was announced: its members may be older than those before it.
        let replaced = match (&bundle.what, known_complete) {
            (What::Tree(tree), Some(known)) if news != News::None => {
                tree.was_moved_in() || was_made_since(root, path, known.ctime)
            }
            _ => false,
        };
        let news = if replaced && news == News::Less { News::Changed } else { news };
        // It is no late part of what lay there before, either.
        let ignored = news == News::Less || (late == Late::Ignore && known_complete.is_some() && !replaced);
        if ignored {
            self.note_less(path, &view);
            if news == News::Changed {
                self.tell_late(path, &view);
            }
        } else if news == News::Changed {
            let (print, ctime, scan) = (view_print(&view), view.newest_ctime, self.scan_number);
            self.known_bundles.insert(path.into(), KnownBundle { print, ctime, overdue, scan });
            let key = PathKey::of(path);
            self.spend_markers(bundle.rule, path);
            let admission = self.bundle_admission(path, key, &bundle, &view, signals, overdue);
            self.outgoing.push(ledger::Entry::Admit(Box::new(admission)));
        }
        if overdue {
            match &mut bundle.what {
                What::Tree(tree) => tree.mark_overdue(),
                What::Group(group) => group.mark_overdue(),
            }
            bundle.standing = Standing::Waiting;
            bundle.surveyed = false;
            bundle.inquiry.forget_answers();
            self.bundles.insert(path.into(), bundle);
        } else if let Some(mut bundle) = self.settle_down(path, bundle) {
            bundle.history = History::default();
            self.bundles.insert(path.into(), bundle);
        }
    }

    fn bundle_admission(
        &self,
        path: &[u8],
        key: PathKey,
        bundle: &Bundle,
        view: &View,
        signals: SignalSet,
        overdue: bool,
    ) -> Admission {
        // Of what is announced as incomplete no rule was satisfied.
        let signals = if overdue { SignalSet::EMPTY } else { signals };
        let (first_seen, first_seen_wall) = bundle.first_seen();
        let listed = match &bundle.what {
            What::Tree(_) => bundle.listed.clone(),
            What::Group(group) => group.listed(LISTED),
        };
        let name = path.strip_suffix(b"/").map(|path| crate::explain::split(path).1);
        let group_key = name.map(|key| String::from_utf8_lossy(key).into_owned());
        let members = Members { count: view.count, listed, key: group_key };
        let history = bundle.history.clone().into_moments();
        let now = self.now();
        let route = self.berth.routes.rules.get(bundle.rule).copied().map_or(Fate::Adopt, Fate::Announce);
        let fate = if bundle.initial {
            self.initial_fate(route, view.newest_ctime, view.newest_mtime)
        } else {
            route
        };
        Admission {
            source: self.berth.id,
            key,
            path: path.into(),
            fate,
            kind: Kind::Dataset,
            fingerprint: view_print(view),
            ctime: view.newest_ctime,
            mode: 0,
            rule: self.rule_names.get(bundle.rule).map_or_else(|| "".into(), Arc::clone),
            signals,
            backend: self.watcher.backend(self.watcher.tree().at(path).unwrap_or(watch::DirId::ROOT)),
            first_seen: first_seen_wall,
            time: self.berth.clock.wall(),
            waited_ms: now.saturating_sub(first_seen).as_millis() as u64,
            cause: if overdue { Cause::Overdue } else { bundle.cause() },
            history: history.map(|(time, what)| ledger::Moment { time, what }).collect(),
            members: Some(Arc::new(members)),
            moved: None,
        }
    }

    /// It went away before it was complete.
    pub(super) fn set_down_gone_bundle(&mut self, path: &[u8], key: PathKey, bundle: &Bundle) {
        if matches!(&bundle.what, What::Tree(tree) if tree.view().is_none()) && bundle.is_unjudged() {
            // Nobody has ever seen it: what was heard was its removal.
            return self.wake_outer(path, bundle.initial);
        }
        let view = bundle.view(self.with_inode);
        let admission = self.bundle_admission(path, key, bundle, &view, SignalSet::EMPTY, false);
        let admission = Admission { fate: Fate::Gone, ..admission };
        self.outgoing.push(ledger::Entry::Admit(Box::new(admission)));
        self.wake_outer(path, bundle.initial);
    }

    /// What came after its unit was announced, and is announced no more: the log and `explain` tell of it.
    fn tell_late(&mut self, path: &[u8], view: &View) {
        let (source, members, size) = (self.berth.plan.name.as_str(), view.count, view.size);
        self.berth.observer.notice(&Notice::Late { source, path, members, size });
        let plural = if members == 1 { "" } else { "s" };
        let what = format!("late: {members} member{plural} and {size} bytes now, not announced again");
        self.outgoing.push(ledger::Entry::Remark {
            source: self.berth.id,
            key: PathKey::of(path),
            path: path.into(),
            at: self.berth.clock.wall(),
            what,
        });
    }

    /// Somebody has taken members of an announced unit away: that is how it looks now.
    pub(super) fn note_less(&mut self, path: &[u8], view: &View) {
        let (sample, ctime, scan) = (view_print(view), view.newest_ctime, self.scan_number);
        self.known_bundles.insert(path.into(), KnownBundle { print: sample, ctime, overdue: false, scan });
        let (source, key) = (self.berth.id, PathKey::of(path));
        self.outgoing.push(ledger::Entry::Sample { source, key, path: path.into(), sample, ctime });
    }
}

/// Whether the directory was made after what was announced at its place had changed last: nobody has heard of its coming
/// (nothing ran, or one was removed and another made in one moment), and it is another one all the same. Where the file
/// system does not keep when it was made, for a link, and of one that was announced empty, nobody can tell.
fn was_made_since(root: &Dir, path: &[u8], announced: Stamp) -> bool {
    if announced.sec <= 0 {
        return false;
    }
    let made = root.reach_below(path).and_then(|dir| dir.look_closely()).ok().and_then(|look| look.birth);
    made.is_some_and(|(sec, nsec)| Stamp::new(sec, nsec) > announced)
}
