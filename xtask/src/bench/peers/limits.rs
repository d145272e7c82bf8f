//! What the disk and the Redis server can do at all.

use std::path::Path;
use std::process::Command;

use super::Peer;

/// A record of a journal, flushed by itself.
pub(crate) const FLUSH_EACH: &str = "fdatasync of 1";
/// A hundred records with each flush.
pub(crate) const FLUSH_HUNDRED: &str = "fdatasync of 100";
/// One value with each command.
pub(crate) const PUSH_EACH: &str = "RPUSH of 1";
/// A thousand values with each command.
pub(crate) const PUSH_THOUSAND: &str = "RPUSH of 1000";

/// All of them.
pub(super) fn peers(me: &Path) -> Vec<Peer> {
    let flush = |name, group: &'static str| {
        let me = me.to_path_buf();
        Peer::new(name, move |place| {
            let mut command = Command::new(&me);
            command.args(["bench", "flush", group]).arg(place.disk);
            Ok(command)
        })
    };
    let push = |name, group: &'static str| {
        let me = me.to_path_buf();
        Peer::new(name, move |place| {
            let mut command = Command::new(&me);
            command.args(["bench", "push", group, &place.port.unwrap_or(0).to_string()]);
            command.arg(place.files.to_string());
            Ok(command)
        })
    };
    vec![
        flush(FLUSH_EACH, "1").silent(),
        flush(FLUSH_HUNDRED, "100").silent(),
        push(PUSH_EACH, "1").silent(),
        push(PUSH_THOUSAND, "1000").silent(),
    ]
}
