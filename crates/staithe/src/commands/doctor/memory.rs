//! Where the daemon remembers: whether there is room, and what it says of its ledger itself.

use std::path::{Path, PathBuf};

use model::text::safe;
use rustix::fs::{Access, StatVfs};
use serde_json::Value;
use sys::filesystem::{self, FileSystem, Trust};
use sys::{Dir, Errno};

use super::finding::{Finding, bad, good, grouped, note};
use super::patience;

/// The log of commits may take so much before it is written back, beside what is stored.
const ROOM: u64 = 32 << 20;
const MIB: u64 = 1 << 20;
const PLACE: &str = "E-STATE-DIR";
const LEDGER: &str = "E-LEDGER";

/// The directory, or where it would be made, as this process finds it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The directory itself is there.
    exists: bool,
    /// Whether this user may write there.
    writable: Result<(), Errno>,
    /// Bytes that are free.
    free: u64,
    /// Its table of files is full.
    no_names: bool,
    filesystem: FileSystem,
}

/// Looks at the directory or, before the first start, at the nearest one above it.
pub(super) fn look(dir: &Path) -> Option<Result<Found, Errno>> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    patience::ask(move || {
        let there =
            dir.ancestors().find(|above| above.exists()).map_or_else(|| PathBuf::from("/"), Path::to_owned);
        let facts = rustix::fs::statvfs(&there)?;
        let writable = rustix::fs::access(&there, Access::WRITE_OK | Access::EXEC_OK);
        let filesystem =
            Dir::open_root(&there).map_or_else(|_| filesystem::by_kind("unknown"), filesystem::of);
        let no_names = facts.f_files > 0 && facts.f_favail == 0;
        Ok(Found { exists: there == dir, writable, free: free(&facts), no_names, filesystem })
    })
}

/// What root may use is more than what others may.
fn free(facts: &StatVfs) -> u64 {
    let blocks = if rustix::process::geteuid().is_root() { facts.f_bfree } else { facts.f_bavail };
    blocks.saturating_mul(facts.f_frsize)
}

/// Whether what arrives can be remembered there. `daemon`: who holds it, if it is not this user's.
pub(super) fn judge(dir: &Path, found: Option<Result<Found, Errno>>, daemon: Option<&str>) -> Finding {
    let dir = safe(std::os::unix::ffi::OsStrExt::as_bytes(dir.as_os_str()));
    let found = match found {
        Some(Ok(found)) => found,
        Some(Err(error)) => {
            return bad(
                PLACE,
                format!("{dir} cannot be looked at ({error})"),
                format!("make {dir} a directory of the daemon's user"),
            );
        }
        None => {
            return bad(
                PLACE,
                format!(
                    "the file system of {dir} does not answer: nothing can be remembered, so nothing is taken in"
                ),
                "bring its server back, or give --state-dir a directory on a disk of this machine",
            );
        }
    };
    let Found { exists, writable, free, no_names, filesystem } = found;
    let place = if exists {
        dir.clone()
    } else {
        format!("{dir} is not there yet, and where the start would make it")
    };
    let room = format!("{} MiB are free", grouped(free / MIB));
    match (writable, daemon) {
        (Ok(()), _) => {}
        (Err(error), Some(daemon)) => {
            return note(
                PLACE,
                format!(
                    "{place}: {room}; it belongs to the user of {daemon}, and this one may not write there ({error})"
                ),
                "staithe doctor as that user",
            );
        }
        (Err(error), None) => {
            return bad(
                PLACE,
                format!("{place}: this user may not write there ({error}), so staithe cannot start"),
                format!("give the user of the daemon {dir}, mode 700, or --state-dir another directory"),
            );
        }
    }
    if free < ROOM || no_names {
        let what =
            if no_names { "no more files can be made there".to_owned() } else { format!("only {room}") };
        return bad(
            PLACE,
            format!(
                "{place}: {what}. When the disk is full, intake is paused: files stay where they are, nothing is lost"
            ),
            format!("make room in {dir}; intake goes on by itself"),
        );
    }
    if filesystem.trust == Trust::Remote {
        return note(
            PLACE,
            format!(
                "{place}: {room}, on {}: while its server is away nothing can be remembered, so nothing is taken in",
                filesystem.name
            ),
            "--state-dir on a disk of this machine",
        );
    }
    good(PLACE, format!("{place}: this user may write there, {room}"))
}

/// What the daemon says of its ledger in `status`; nothing where that could not be asked.
pub(super) fn ledger(status: Option<&Value>, daemon: &str, dir: &str) -> Option<Finding> {
    let status = status?;
    let Some(error) = status["ledger_error"].as_str() else {
        return Some(good(LEDGER, format!("{daemon} can write its ledger, and has found no damage in it")));
    };
    let error = safe(error.as_bytes());
    Some(if status["ledger_state"] == "damaged" {
        let fix = "restart staithe; the start puts right what it can, and puts a damaged file aside. Look after the disk";
        bad(LEDGER, format!("{daemon} says: {error}"), fix)
    } else {
        bad(
            LEDGER,
            format!("{daemon} cannot write its ledger: {error}; intake is paused, nothing is lost"),
            format!("make room in {dir}, or mend its disk; intake goes on by itself"),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found() -> Found {
        let filesystem = filesystem::by_kind("ext4");
        Found { exists: true, writable: Ok(()), free: 1 << 30, no_names: false, filesystem }
    }

    fn of(found: Found, daemon: Option<&str>) -> Finding {
        judge(Path::new("/state"), Some(Ok(found)), daemon)
    }

    #[test]
    fn room_and_permission_are_needed() {
        let well = of(found(), None);
        assert!(well.ok && well.fix.is_none() && well.text.contains("1 024 MiB are free"), "{well:?}");
        assert!(!of(Found { free: ROOM - 1, ..found() }, None).ok);
        assert!(!of(Found { no_names: true, ..found() }, None).ok);
        let refused = Found { writable: Err(Errno::ACCESS), ..found() };
        assert!(!of(refused.clone(), None).ok);
        assert!(of(refused, Some("the daemon")).ok, "it is another user's");
        let remote = of(Found { filesystem: filesystem::by_kind("nfs4"), ..found() }, None);
        assert!(remote.ok && remote.fix.is_some(), "{remote:?}");
        assert!(of(Found { exists: false, ..found() }, None).text.contains("not there yet"));
        assert!(!judge(Path::new("/state"), None, None).ok);
        assert!(!judge(Path::new("/state"), Some(Err(Errno::IO)), None).ok);
    }

    #[test]
    fn before_the_first_start_the_directory_above_is_looked_at() {
        let dir = testkit::Scratch::on_disk("doctor");
        let look = |path: &Path| look(path).unwrap().unwrap();
        assert!(look(dir.path()).exists);
        let above = look(&dir.path().join("a/b"));
        assert!(!above.exists && above.writable.is_ok() && above.free > 0, "{above:?}");
    }

    #[test]
    fn a_full_disk_and_damage_have_their_own_words() {
        let of = |status: Value| ledger(Some(&status), "the daemon", "/state").unwrap();
        assert!(of(json!({"ledger_error": null})).ok);
        let full = of(json!({"ledger_error": "disk is full", "ledger_state": "unwritable"}));
        assert!(!full.ok && full.fix.unwrap().starts_with("make room in /state"));
        let damaged = of(json!({"ledger_error": "the ledger is damaged", "ledger_state": "damaged"}));
        assert!(!damaged.ok && damaged.fix.unwrap().starts_with("restart"));
        assert!(ledger(None, "the daemon", "/state").is_none());
    }
}
