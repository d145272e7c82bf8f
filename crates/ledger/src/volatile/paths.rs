//! What the volatile mode remembers of the paths of one source.

use std::collections::HashMap;

use model::{Cause, Fingerprint, Kind, PathKey, Stamp};

use crate::answer::KnownRow;
use crate::lineage::{Earlier, Lineage, Place};

/// How many absent paths are remembered at least; beyond twice that the older half is forgotten.
const ABSENT_KEPT: usize = 65_536;

/// How many older generations of one path are remembered.
const OLDER_KEPT: usize = 256;

/// The generations of the paths of one source.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    latest: HashMap<PathKey, Latest>,
    /// Older generations, oldest first, of the few paths that have any.
    older: HashMap<PathKey, Vec<Earlier>>,
    absent: usize,
}

#[derive(Debug)]
struct Latest {
    row: Earlier,
    seq: u64,
    /// Nothing when it is gone: then nobody asks for its path.
    there: Option<There>,
}

/// What of a path is needed only as long as it is there. With its path it is bounded by what lies in the tree.
#[derive(Clone, Debug)]
pub(crate) struct There {
    pub(crate) path: Box<[u8]>,
    pub(crate) cause: Cause,
    pub(crate) ctime: Stamp,
    /// As it looks now, where that is not as it was announced.
    redated: Option<Box<Fingerprint>>,
}

impl There {
    pub(crate) fn new(path: Box<[u8]>, cause: Cause, ctime: Stamp) -> Self {
        Self { path, cause, ctime, redated: None }
    }
}

/// A path that is there, taken out of the ledger's memory for somebody who asks.
#[derive(Debug)]
pub(crate) struct Present {
    key: PathKey,
    row: Earlier,
    there: There,
}

impl Present {
    pub(crate) fn row(&self) -> KnownRow<'_> {
        let There { path, cause, ctime, redated } = &self.there;
        KnownRow {
            path,
            key: self.key,
            kind: self.row.kind,
            cause: *cause,
            sample: redated.as_deref().copied().unwrap_or(self.row.fingerprint),
            ctime: *ctime,
            adopted: !self.row.announced,
        }
    }
}

impl Paths {
    /// The place of a new generation.
    pub(crate) fn place(&self, key: PathKey, kind: Kind, fingerprint: Fingerprint) -> Place {
        let mut lineage = Lineage::of(kind, fingerprint);
        if let Some(latest) = self.latest.get(&key)
            && lineage.look(&latest.row)
        {
            for row in self.older.get(&key).into_iter().flatten().rev() {
                if !lineage.look(row) {
                    break;
                }
            }
        }
        lineage.place()
    }

    /// The latest generation of a path that is there, and its number.
    pub(crate) fn present(&self, key: PathKey) -> Option<(&Earlier, u64)> {
        self.latest.get(&key).filter(|latest| latest.there.is_some()).map(|latest| (&latest.row, latest.seq))
    }

    /// The keys of all paths that are there.
    pub(crate) fn keys(&self) -> Vec<PathKey> {
        let there = self.latest.iter().filter(|(_, latest)| latest.there.is_some());
        there.map(|(key, _)| *key).collect()
    }

    /// What is known of a path that is there.
    pub(crate) fn known(&self, key: PathKey) -> Option<Present> {
        let Latest { row, there, .. } = self.latest.get(&key)?;
        Some(Present { key, row: *row, there: there.clone()? })
    }

    /// It looks different without being another generation.
    pub(crate) fn looks(&mut self, key: PathKey, sample: Fingerprint, ctime: Stamp) {
        let Some(Latest { row, there: Some(there), .. }) = self.latest.get_mut(&key) else { return };
        there.redated = (sample != row.fingerprint).then(|| Box::new(sample));
        there.ctime = ctime;
    }

    /// Remembers a generation as the latest of its path.
    pub(crate) fn put(&mut self, key: PathKey, row: Earlier, seq: u64, there: There) {
        let latest = Latest { row, seq, there: Some(there) };
        let Some(before) = self.latest.insert(key, latest) else { return };
        self.absent -= usize::from(before.there.is_none());
        // An equal one with a greater recurrence says all that this one says.
        let said = row.announced && row.kind == before.row.kind && row.fingerprint == before.row.fingerprint;
        if !said {
            let older = self.older.entry(key).or_default();
            older.push(before.row);
            if older.len() > OLDER_KEPT {
                older.remove(0);
            }
        }
    }

    /// The path is gone.
    pub(crate) fn absent(&mut self, key: PathKey) {
        let Some(latest) = self.latest.get_mut(&key) else { return };
        if latest.there.take().is_some() {
            self.absent += 1;
        }
        if self.absent > 2 * ABSENT_KEPT {
            self.forget_half();
        }
    }

    fn forget_half(&mut self) {
        let mut seqs: Vec<u64> =
            self.latest.values().filter(|latest| latest.there.is_none()).map(|latest| latest.seq).collect();
        let middle = seqs.len() / 2;
        let (_, limit, _) = seqs.select_nth_unstable(middle);
        let limit = *limit;
        self.latest.retain(|_, latest| latest.there.is_some() || latest.seq >= limit);
        self.older.retain(|key, _| self.latest.contains_key(key));
        self.absent = self.latest.values().filter(|latest| latest.there.is_none()).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::EventId;

    fn put(paths: &mut Paths, key: u128, mtime: i64, seq: u64) -> Place {
        let fingerprint = Fingerprint { size: 1, mtime: Stamp::new(mtime, 0), inode: 0 };
        let place = paths.place(PathKey(key), Kind::File, fingerprint);
        let row = Earlier {
            announced: true,
            kind: Kind::File,
            fingerprint,
            number: place.number,
            recurrence: place.recurrence,
            id: EventId([0; 16]),
            topmost: place.topmost,
        };
        paths.put(PathKey(key), row, seq, There::new(b"path"[..].into(), Cause::Arrived, Stamp::default()));
        place
    }

    #[test]
    fn absent_paths_do_not_fill_the_memory() {
        let mut paths = Paths::default();
        let many = 3 * ABSENT_KEPT as u64;
        for seq in 1..=many {
            put(&mut paths, u128::from(seq), 1, seq);
            paths.absent(PathKey(u128::from(seq)));
        }
        assert!(paths.latest.len() <= 2 * ABSENT_KEPT + 1);
        assert!(paths.keys().is_empty(), "none of them is there");
        assert_eq!(put(&mut paths, u128::from(many), 1, many + 1).recurrence, 1, "the newest are remembered");
        assert_eq!(put(&mut paths, 1, 1, many + 2).recurrence, 0, "the oldest are not");
    }

    #[test]
    fn a_path_announced_again_and_again_takes_no_more_room() {
        let mut paths = Paths::default();
        for seq in 1..1000 {
            assert_eq!(u64::from(put(&mut paths, 7, 1, seq).recurrence), seq - 1);
        }
        assert!(paths.older.is_empty());
        for seq in 1000..3000 {
            put(&mut paths, 7, seq as i64, seq);
        }
        assert_eq!(paths.older[&PathKey(7)].len(), OLDER_KEPT);
    }
}
