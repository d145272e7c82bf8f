//! Whether each way of noticing is really the one that runs.

use config::Backend;

use crate::rig::Rig;

/// `CAP_SYS_ADMIN` marks file systems, `CAP_DAC_READ_SEARCH` opens what the marks tell of.
const NEEDED: u64 = 1 << 21 | 1 << 2;

/// Whether this process may mark whole file systems.
pub(crate) fn may_mark_file_systems() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() & NEEDED == NEEDED
}

/// Without privilege a source that asks for fanotify is heard by inotify, and says so.
pub(crate) fn check_the_refusal() {
    eprintln!("no privilege for fanotify here: only its refusal is tested");
    let rig = Rig::start(|plan| plan.sources[0].backend = Backend::Fanotify);
    let status = rig.status();
    assert_eq!(status["sources"][0]["backend"], "inotify", "{status}");
    let said = rig.said();
    let told = said.iter().any(|notice| notice.contains("fanotify") && notice.contains("inotify"));
    assert!(told, "no word of why fanotify is not used: {said:?}");
    std::fs::write(rig.path("a"), b"x").unwrap();
    rig.one("a");
}
