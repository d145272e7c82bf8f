//! Reading the machine: limits, who uses them, and the daemon that runs.

use std::os::unix::fs::MetadataExt as _;

use serde_json::json;
use sys::{InotifyUser, limits};

use super::limits::{Descriptors, Held};
use crate::args::Client;
use crate::places;

/// `CAP_SYS_ADMIN`, as a bit of the effective set.
const SYS_ADMIN: u64 = 1 << 21;

/// The daemon that answers on the socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Daemon {
    pub(super) pid: u32,
    /// Its user, if `/proc` tells.
    pub(super) uid: Option<u32>,
}

impl Daemon {
    /// Asks on the socket; nothing if nobody answers.
    pub(super) fn find(client: &Client) -> Option<Self> {
        let socket =
            places::socket(client.socket.as_deref(), &places::state_dir(client.state_dir.as_deref()));
        let mut connection = engine::control::Client::connect(&socket).ok()?;
        let answer = connection.ask(&json!({"cmd": "ping"}), &mut |_| Ok(())).ok()?;
        let engine::control::Answer::Done(value) = answer else { return None };
        let pid = u32::try_from(value["pid"].as_u64()?).ok()?;
        let uid = std::fs::metadata(format!("/proc/{pid}")).ok().map(|data| data.uid());
        Some(Self { pid, uid })
    }

    /// How it is called in a finding.
    pub(super) fn name(self) -> String {
        format!("the daemon (process {})", self.pid)
    }
}

/// The inotify limits, and what is held beside what the daemon itself holds.
pub(super) fn inotify(daemon: Option<Daemon>) -> (Held, Held) {
    let others: Vec<InotifyUser> = sys::inotify_users()
        .into_iter()
        .filter(|user| daemon.is_none_or(|daemon| daemon.pid != user.pid))
        .collect();
    let of = |limit, held: fn(&InotifyUser) -> u64| {
        let mut users: Vec<(String, u32, u64)> = others
            .iter()
            .map(|user| (model::text::safe(user.command.as_bytes()), user.pid, held(user)))
            .collect();
        users.sort_by_key(|(_, pid, held)| (std::cmp::Reverse(*held), *pid));
        let used = users.iter().map(|(_, _, held)| held).sum();
        Held { limit, used, users }
    };
    (of(limits::watches(), |user| user.watches), of(limits::instances(), |user| user.instances))
}

/// The daemon's descriptors, or those that one started here would have.
pub(super) fn descriptors(daemon: Option<Daemon>) -> Descriptors {
    let of_daemon = daemon.and_then(|daemon| {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid)).ok()?;
        let used = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid)).ok()?.count() as u64;
        Some(Descriptors { whose: daemon.name(), used, hard: hard_limit(&limits)? })
    });
    of_daemon.unwrap_or_else(|| {
        let own = limits::descriptors();
        Descriptors { whose: "a program started here".into(), used: own.used, hard: own.hard }
    })
}

/// The hard limit of descriptors in `/proc/PID/limits`.
fn hard_limit(text: &str) -> Option<u64> {
    let values = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match values.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Whether the daemon, or one started here, may mark file systems.
pub(super) fn may_mark(daemon: Option<Daemon>) -> Option<bool> {
    let process = daemon.map_or_else(|| "self".to_owned(), |daemon| daemon.pid.to_string());
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let capable = u64::from_str_radix(set.trim(), 16).ok()? & SYS_ADMIN != 0;
    // The right counts in the machine's own user namespace; in another one every root has it.
    let map = std::fs::read_to_string(format!("/proc/{process}/uid_map")).ok()?;
    Some(capable && maps_everybody(&map))
}

/// Whether these are all users under their own numbers, as in the first user namespace.
fn maps_everybody(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_user_namespace_maps_everybody() {
        assert!(maps_everybody("         0          0 4294967295\n"));
        assert!(!maps_everybody("         0       1000          1\n"));
        assert!(!maps_everybody(""));
    }

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             95934                95934                processes \n\
                    Max open files            1024                 524288               files     \n";
        assert_eq!(hard_limit(text), Some(524_288));
        assert_eq!(hard_limit(&text.replace("524288", "unlimited")), Some(u64::MAX));
        assert_eq!(hard_limit(""), None);
    }

    #[test]
    fn our_own_rights_can_be_read() {
        assert!(may_mark(None).is_some());
        assert!(descriptors(None).used > 0);
    }
}
