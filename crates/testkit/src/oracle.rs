//! Compares what consumers got with what writers did.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use model::text::safe;

use crate::receipt::Receipt;
use crate::truth::{Published, Truth};

/// Everything that the comparison shows. Each list holds a readable form of one offence.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Paths whose last version nobody received.
    pub lost: Vec<String>,
    /// Receipts at which the file was not yet (or no longer) what was published, or which say that it
    /// had another size.
    pub early: Vec<String>,
    /// Further receipts, under other ids, for paths that were published once.
    pub again: Vec<String>,
    /// Receipts beyond the first with the same id.
    pub repeated: Vec<String>,
    /// One generation of one path under two ids.
    pub split: Vec<String>,
    /// First receipts of a generation after one of a later generation of the same path.
    pub disordered: Vec<String>,
    /// Receipts for paths that nobody published.
    pub unknown: Vec<String>,
    /// Receipts in all.
    pub receipts: usize,
    /// From publication to first receipt, sorted.
    pub delays: Vec<Duration>,
}

/// Compares.
#[must_use]
pub fn judge(truth: &Truth, receipts: &[Receipt]) -> Judgement {
    let mut judgement = Judgement { receipts: receipts.len(), ..Judgement::default() };
    let versions = truth.by_path();
    let mut received: BTreeMap<&[u8], Vec<&Receipt>> = BTreeMap::new();
    for receipt in receipts {
        received.entry(&receipt.path).or_default().push(receipt);
    }
    for (path, versions) in &versions {
        judgement.path(path, versions, received.get(path).map_or(&[][..], Vec::as_slice));
    }
    let strangers = received.keys().filter(|path| !versions.contains_key(*path));
    judgement.unknown.extend(strangers.map(|path| safe(path)));
    judgement.identities(receipts);
    judgement.delays.sort_unstable();
    judgement
}

impl Judgement {
    fn path(&mut self, path: &[u8], versions: &[&Published], receipts: &[&Receipt]) {
        let Some(last) = versions.last() else { return };
        if !receipts.iter().any(|receipt| receipt.hash == Some(last.hash)) {
            self.lost.push(safe(path));
        }
        // While a file is being rewritten, whoever reads it on an older event may see a piece of the
        // newer version; that is not the watcher's doing, so only the last receipt of such a path counts.
        let counted =
            if versions.len() == 1 { receipts } else { &receipts[receipts.len().saturating_sub(1)..] };
        for receipt in counted {
            if receipt.hash != Some(last.hash) {
                let what = if receipt.hash.is_none() { "unreadable" } else { "other content" };
                self.early.push(format!("{} (generation {}, {what})", safe(path), receipt.generation));
            }
        }
        if let ([version], [first, others @ ..]) = (versions, receipts) {
            let mut ids = HashSet::from([&first.id]);
            let news = others.iter().filter(|receipt| ids.insert(&receipt.id));
            self.again
                .extend(news.map(|receipt| format!("{} (generation {})", safe(path), receipt.generation)));
            let sizes =
                counted.iter().filter(|receipt| receipt.hash == Some(last.hash) && receipt.size != last.size);
            self.early.extend(sizes.map(|receipt| format!("{} (size {})", safe(path), receipt.size)));
            self.delays.push(first.at.saturating_duration_since(version.at));
        }
    }

    fn identities(&mut self, receipts: &[Receipt]) {
        let mut seen = HashSet::new();
        let mut ids: HashMap<(&[u8], u64), &str> = HashMap::new();
        let mut newest: HashMap<&[u8], u64> = HashMap::new();
        for receipt in receipts {
            let name =
                || format!("{} (generation {}, id {})", safe(&receipt.path), receipt.generation, receipt.id);
            if seen.insert(&receipt.id) {
                let newest = newest.entry(&receipt.path).or_default();
                if receipt.generation < *newest {
                    self.disordered.push(format!("{} after {newest}", name()));
                }
                *newest = receipt.generation.max(*newest);
            } else {
                self.repeated.push(name());
            }
            let first = ids.entry((&receipt.path, receipt.generation)).or_insert(&receipt.id);
            if *first != receipt.id {
                self.split.push(format!("{}, before {first}", name()));
            }
        }
    }

    /// Fails unless everything arrived once and complete.
    #[track_caller]
    pub fn assert_exact(&self) {
        self.assert_at_least_once(0);
    }

    /// Fails unless everything arrived complete, with at most `repeats` repetitions under equal ids.
    #[track_caller]
    pub fn assert_at_least_once(&self, repeats: usize) {
        let offences = [&self.lost, &self.early, &self.again, &self.split, &self.disordered, &self.unknown];
        let clean = offences.iter().all(|list| list.is_empty());
        assert!(
            clean && self.repeated.len() <= repeats,
            "at most {repeats} repetitions were allowed\n{self}"
        );
    }

    /// The delay that this share (0 to 1) of the files did not exceed.
    #[must_use]
    pub fn delay(&self, share: f64) -> Duration {
        let last = self.delays.len().saturating_sub(1);
        self.delays.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("lost", &self.lost),
            ("early", &self.early),
            ("again", &self.again),
            ("repeated", &self.repeated),
            ("split", &self.split),
            ("disordered", &self.disordered),
            ("unknown", &self.unknown),
        ];
        write!(f, "{} receipts", self.receipts)?;
        for (name, list) in lists {
            write!(f, ", {} {name}", list.len())?;
        }
        let (median, slow) = (self.delay(0.5), self.delay(0.99));
        writeln!(f, "; delay median {median:?}, p99 {slow:?}, max {:?}", self.delay(1.0))?;
        for (name, list) in lists {
            for item in list.iter().take(5) {
                writeln!(f, "  {name}: {item}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn receipt(path: &[u8], id: &str, generation: u64, content: &[u8]) -> Receipt {
        Receipt {
            path: path.to_vec(),
            id: id.into(),
            generation,
            attempt: 1,
            size: content.len() as u64,
            hash: Some(blake3::hash(content)),
            at: Instant::now(),
        }
    }

    fn truth(files: &[(&[u8], &[u8])]) -> Truth {
        let mut truth = Truth::default();
        for (path, content) in files {
            truth.note(path, content);
        }
        truth
    }

    #[test]
    fn a_faithful_delivery_is_exact() {
        let truth = truth(&[(b"a", b"1"), (b"b\xff", b"2")]);
        let judgement = judge(&truth, &[receipt(b"b\xff", "y", 1, b"2"), receipt(b"a", "x", 1, b"1")]);
        judgement.assert_exact();
        assert_eq!(judgement.delays.len(), 2);
    }

    #[test]
    fn each_offence_is_seen() {
        let truth = truth(&[(b"lost", b"1"), (b"early", b"2"), (b"twice", b"3"), (b"split", b"4")]);
        let judgement = judge(
            &truth,
            &[
                receipt(b"early", "e", 1, b""),
                receipt(b"twice", "t", 1, b"3"),
                receipt(b"twice", "t", 1, b"3"),
                receipt(b"split", "s", 1, b"4"),
                receipt(b"split", "z", 1, b"4"),
                receipt(b"ghost", "g", 1, b""),
            ],
        );
        assert_eq!(judgement.lost, ["early", "lost"]);
        assert_eq!(judgement.early, ["early (generation 1, other content)"]);
        assert_eq!(judgement.repeated, ["twice (generation 1, id t)"]);
        assert_eq!(judgement.split.len(), 1);
        assert_eq!(judgement.unknown, ["ghost"]);
        assert!(std::panic::catch_unwind(|| judgement.assert_at_least_once(9)).is_err());
    }

    #[test]
    fn one_version_announced_as_two_or_with_another_size_is_seen() {
        let truth = truth(&[(b"a", b"1")]);
        let one = receipt(b"a", "x", 1, b"1");
        let judgement =
            judge(&truth, &[one.clone(), Receipt { id: "y".into(), generation: 2, ..one.clone() }]);
        assert_eq!(judgement.again, ["a (generation 2)"]);
        let judgement = judge(&truth, &[Receipt { size: 0, ..one }]);
        assert_eq!(judgement.early, ["a (size 0)"]);
    }

    #[test]
    fn an_older_version_after_a_newer_one_is_seen_and_its_repetition_is_not() {
        let truth = truth(&[(b"a", b"old"), (b"a", b"new")]);
        let (old, new) = (receipt(b"a", "x", 1, b"new"), receipt(b"a", "y", 2, b"new"));
        assert_eq!(judge(&truth, &[new.clone(), old.clone()]).disordered, ["a (generation 1, id x) after 2"]);
        judge(&truth, &[old.clone(), new, old]).assert_at_least_once(1);
    }

    #[test]
    fn repetitions_are_counted_against_their_allowance() {
        let truth = truth(&[(b"a", b"1")]);
        let one = receipt(b"a", "x", 1, b"1");
        let judgement = judge(&truth, &[one.clone(), one]);
        judgement.assert_at_least_once(1);
        assert!(std::panic::catch_unwind(|| judgement.assert_exact()).is_err());
    }

    #[test]
    fn of_a_rewritten_file_the_last_version_must_arrive() {
        let truth = truth(&[(b"a", b"old"), (b"a", b"new")]);
        judge(&truth, &[receipt(b"a", "x", 1, b"ol"), receipt(b"a", "y", 2, b"new")]).assert_exact();
        judge(&truth, &[receipt(b"a", "y", 1, b"new")]).assert_exact();
        assert_eq!(judge(&truth, &[receipt(b"a", "x", 1, b"old")]).lost, ["a"]);
    }
}
