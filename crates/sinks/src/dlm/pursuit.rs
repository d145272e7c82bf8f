//! Copies whose outcome is still to come, as the ledger keeps them.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Stamp;
use serde_json::{Value, json};

use super::product::Place;

/// The copies of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pursued {
    /// Where the product lies.
    pub(crate) root: PathBuf,
    pub(crate) path: Vec<u8>,
    pub(crate) copies: Vec<Copy>,
}

/// One copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) migration: Option<i64>,
    /// When it was asked for.
    pub(crate) since: i64,
    /// When it is looked at next, in seconds.
    pub(crate) next: i64,
    /// How often it has failed.
    pub(crate) tries: u32,
    /// It failed, and is to be asked for again when its time comes.
    pub(crate) failed: bool,
}

/// The first look comes soon, later ones after a quarter of the time that it has taken already.
const LOOKS: (i64, i64) = (2, 300);
/// A copy that failed is asked for again after so many seconds, then twice as many, up to an hour.
const AGAIN: (i64, i64) = (10, 3600);

const DAY: i64 = 86_400;

impl Copy {
    /// Whether it is to be looked at now. A moment further away than any pause was set by a clock that was ahead.
    pub(crate) fn is_due(&self, now: Stamp) -> bool {
        self.next <= now.sec || self.next - now.sec > AGAIN.1
    }

    /// How many days it has taken by now, where that are more than when it was `looked_at` before.
    pub(crate) fn days_more(&self, looked_at: i64, now: Stamp) -> Option<i64> {
        let days = |at: i64| (at - self.since) / DAY;
        (!self.failed && days(now.sec) > days(looked_at).max(0)).then(|| days(now.sec))
    }

    /// Still under way: when to look again.
    pub(crate) fn wait(&mut self, now: Stamp) {
        self.next = now.sec + ((now.sec - self.since) / 4).clamp(LOOKS.0, LOOKS.1);
    }

    /// It failed once more.
    pub(crate) fn fail(&mut self, now: Stamp) {
        self.tries = self.tries.saturating_add(1);
        self.failed = true;
        self.next = now.sec + (AGAIN.0 << (self.tries - 1).min(16)).min(AGAIN.1);
    }

    /// It was asked for once more.
    pub(crate) fn restart(&mut self, migration: Option<i64>, now: Stamp) {
        (self.migration, self.since, self.failed) = (migration, now.sec, false);
        self.wait(now);
    }
}

impl Pursued {
    pub(crate) fn at(place: &Place) -> Self {
        Self { root: place.root.clone(), path: place.path.clone(), copies: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, uid: &str, migration: Option<i64>, now: Stamp) {
        let (name, uid) = (name.to_owned(), uid.to_owned());
        let mut copy = Copy { name, uid, migration, since: now.sec, next: 0, tries: 0, failed: false };
        copy.wait(now);
        self.copies.push(copy);
    }

    /// As it is kept.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let copy = |copy: &Copy| {
            json!({"name": copy.name, "uid": copy.uid, "migration": copy.migration, "since": copy.since,
                   "next": copy.next, "tries": copy.tries, "failed": copy.failed})
        };
        let copies: Vec<Value> = self.copies.iter().map(copy).collect();
        let (root, path) = (STANDARD.encode(self.root.as_os_str().as_bytes()), STANDARD.encode(&self.path));
        json!({"root": root, "path": path, "copies": copies}).to_string().into_bytes()
    }

    /// From what was kept; nothing where it is of a later version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let bytes = |key: &str| STANDARD.decode(value.get(key)?.as_str()?).ok();
        let copy = |value: &Value| {
            Some(Copy {
                name: value.get("name")?.as_str()?.to_owned(),
                uid: value.get("uid")?.as_str()?.to_owned(),
                migration: value.get("migration").and_then(Value::as_i64),
                since: value.get("since")?.as_i64()?,
                next: value.get("next")?.as_i64()?,
                tries: value.get("tries")?.as_u64()? as u32,
                failed: value.get("failed")?.as_bool()?,
            })
        };
        let copies = value.get("copies")?.as_array()?.iter().map(copy).collect::<Option<_>>()?;
        let root = PathBuf::from(std::ffi::OsString::from_vec(bytes("root")?));
        Some(Self { root, path: bytes("path")?, copies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let place = Place { seq: 1, root: "/w\u{fc}".into(), path: b"d/\xff".to_vec() };
        let mut pursued = Pursued::at(&place);
        pursued.add("dp", "u", Some(3), Stamp::new(100, 0));
        pursued.add("dp/a", "v", None, Stamp::new(100, 0));
        pursued.copies[1].fail(Stamp::new(200, 0));
        assert_eq!(Pursued::decode(&pursued.encode()), Some(pursued));
        assert_eq!(Pursued::decode(b"{}"), None);
    }

    #[test]
    fn looks_become_rarer_and_failures_too_but_neither_stops() {
        let mut pursued = Pursued::at(&Place { seq: 1, root: "/w".into(), path: b"d".to_vec() });
        pursued.add("dp", "u", None, Stamp::new(1000, 0));
        let copy = &mut pursued.copies[0];
        assert_eq!(copy.next, 1002);
        copy.wait(Stamp::new(1400, 0));
        assert_eq!(copy.next, 1500);
        copy.wait(Stamp::new(100_000, 0));
        assert_eq!(copy.next, 100_300);
        let pauses: Vec<i64> = (0..40)
            .map(|_| {
                copy.fail(Stamp::new(0, 0));
                copy.next
            })
            .collect();
        assert_eq!((&pauses[..3], pauses[39]), (&[10, 20, 40][..], 3600));
    }
}
