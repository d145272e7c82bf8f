//! The path index and its arrears: which rows may be about a path.
//!
//! An index in key order costs a random page for each new row. So new rows are kept in a map in
//! memory first and are merged into the table in sorted slices, many rows to a page. Rows that were
//! pruned meanwhile may still be named here and in the table: whoever asks finds no such row.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use model::hashed::AsIs;

/// How many rows are gathered before they are merged.
const MERGE_AT: usize = 32_768;

/// The rows of one key, oldest first.
#[derive(Debug)]
enum Seqs {
    One(u64),
    Many(Vec<u64>),
}

/// The rows that are not (all) in the table yet.
#[derive(Debug, Default)]
pub(crate) struct Arrears {
    /// Everything behind `indexed_to`.
    map: HashMap<i64, Seqs, BuildHasherDefault<AsIs>>,
    /// What was gathered since the last merge began, in order of `seq`.
    gathered: Vec<(i64, u64)>,
    /// What is being merged, in order of key.
    merging: Vec<(i64, u64)>,
    /// How much of it lies in the table, and how much of that is committed.
    merged: usize,
    committed: usize,
    /// The last row of what is being merged.
    merging_to: u64,
}

impl Arrears {
    /// A new row.
    pub(crate) fn add(&mut self, key: i64, seq: u64) {
        self.gathered.push((key, seq));
        match self.map.entry(key) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(Seqs::One(seq));
            }
            std::collections::hash_map::Entry::Occupied(mut taken) => match taken.get_mut() {
                Seqs::One(first) => {
                    let both = vec![*first, seq];
                    taken.insert(Seqs::Many(both));
                }
                Seqs::Many(seqs) => seqs.push(seq),
            },
        }
    }

    /// The rows here with that key, oldest first.
    pub(crate) fn rows(&self, key: i64) -> &[u64] {
        match self.map.get(&key) {
            None => &[],
            Some(Seqs::One(seq)) => std::slice::from_ref(seq),
            Some(Seqs::Many(seqs)) => seqs,
        }
    }

    fn remove(&mut self, key: i64, seq: u64) {
        let empty = match self.map.get_mut(&key) {
            Some(Seqs::One(only)) => *only == seq,
            Some(Seqs::Many(seqs)) => {
                seqs.retain(|other| *other != seq);
                seqs.is_empty()
            }
            None => false,
        };
        if empty {
            self.map.remove(&key);
        }
    }

    /// The next slice to write into the table, at most `most` rows.
    pub(crate) fn slice(&mut self, most: usize) -> Range<usize> {
        if self.merging.is_empty() && self.gathered.len() >= MERGE_AT {
            self.merging = std::mem::take(&mut self.gathered);
            self.merging_to = self.merging.last().map_or(0, |(_, seq)| *seq);
            self.merging.sort_unstable();
        }
        let from = self.merged;
        self.merged = self.merging.len().min(from + most);
        from..self.merged
    }

    /// A row of the merge.
    pub(crate) fn merging(&self, slice: Range<usize>) -> &[(i64, u64)] {
        self.merging.get(slice).unwrap_or(&[])
    }

    /// The new `indexed_to`, when the slices given so far finish the merge.
    pub(crate) fn finished(&self) -> Option<u64> {
        (!self.merging.is_empty() && self.merged == self.merging.len()).then_some(self.merging_to)
    }

    /// The round was committed.
    pub(crate) fn commit(&mut self) {
        self.committed = self.merged;
        if self.finished().is_some() {
            for (key, seq) in std::mem::take(&mut self.merging) {
                self.remove(key, seq);
            }
            (self.merged, self.committed) = (0, 0);
        }
    }

    /// The round was rolled back: rows behind `end` do not exist.
    pub(crate) fn roll_back(&mut self, end: u64) {
        self.merged = self.committed;
        while let Some((key, seq)) = self.gathered.pop_if(|(_, seq)| *seq > end) {
            self.remove(key, seq);
        }
        // A merge that began in this round may hold rows of it.
        if self.merged == 0 && self.merging_to > end {
            self.gathered = std::mem::take(&mut self.merging);
            self.gathered.sort_unstable_by_key(|(_, seq)| *seq);
            self.merging_to = 0;
            while let Some((key, seq)) = self.gathered.pop_if(|(_, seq)| *seq > end) {
                self.remove(key, seq);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(arrears: &mut Arrears, seqs: Range<u64>) {
        for seq in seqs {
            arrears.add((seq as i64).wrapping_mul(7_919) % 1_000, seq);
        }
    }

    #[test]
    fn a_merge_in_slices_loses_nothing() {
        let mut arrears = Arrears::default();
        let mut table = Vec::new();
        let mut indexed_to = 0;
        let mut next = 1;
        while indexed_to < 3 * MERGE_AT as u64 {
            fill(&mut arrears, next..next + 1_000);
            next += 1_000;
            let slice = arrears.slice(2_500);
            table.extend_from_slice(arrears.merging(slice));
            if let Some(to) = arrears.finished() {
                indexed_to = to;
            }
            arrears.commit();
            let here: usize = (0..1_000).map(|key| arrears.rows(key).len()).sum();
            assert!(here as u64 >= next - 1 - indexed_to);
        }
        table.sort_unstable_by_key(|(_, seq)| *seq);
        let seqs: Vec<u64> = table.iter().map(|(_, seq)| *seq).take(indexed_to as usize).collect();
        assert_eq!(seqs, (1..=indexed_to).collect::<Vec<u64>>());
    }

    #[test]
    fn a_rolled_back_round_leaves_no_trace() {
        let mut arrears = Arrears::default();
        fill(&mut arrears, 1..MERGE_AT as u64);
        arrears.commit();
        fill(&mut arrears, MERGE_AT as u64..MERGE_AT as u64 + 50);
        let slice = arrears.slice(100);
        assert_eq!(slice, 0..100);
        arrears.roll_back(MERGE_AT as u64 - 1);
        let here: usize = (0..1_000).map(|key| arrears.rows(key).len()).sum();
        assert_eq!(here, MERGE_AT - 1);
        assert_eq!(arrears.slice(100), 0..0, "one row is missing again");
        fill(&mut arrears, MERGE_AT as u64..MERGE_AT as u64 + 50);
        assert_eq!(arrears.slice(100), 0..100);
        arrears.commit();
        assert_eq!(arrears.slice(100), 100..200);
        arrears.roll_back(MERGE_AT as u64 + 49);
        assert_eq!(arrears.slice(100), 100..200, "written again");
    }
}
