//! Gaps as events, for consumers that want to know when something may have been missed.

use ledger::{Admission, Entry, Fate};
use model::{Cause, Fingerprint, Kind, PathKey, SignalSet};
use watch::DirId;

use super::Source;

impl Source {
    /// Tells every sink of the source that a gap was opened or closed, if it is to.
    pub(super) fn announce_gap(&mut self, closed: bool) {
        let (Some(route), Some(opened)) = (self.berth.routes.gaps, self.gap_since_wall) else { return };
        let now = self.berth.clock.wall();
        let admission = Admission {
            source: self.berth.id,
            key: PathKey::of(b""),
            path: Box::default(),
            fate: Fate::Announce(route),
            kind: Kind::Gap { closed },
            fingerprint: Fingerprint { size: self.gaps, mtime: opened, inode: 0 },
            ctime: now,
            mode: 0,
            rule: "overflow".into(),
            signals: SignalSet::EMPTY,
            backend: self.watcher.backend(DirId::ROOT),
            first_seen: opened,
            time: now,
            waited_ms: 0,
            cause: Cause::Arrived,
            history: Vec::new(),
            members: None,
            moved: None,
        };
        self.outgoing.push(Entry::Admit(Box::new(admission)));
    }
}
