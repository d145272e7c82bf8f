//! Whether each way of noticing is really the one that runs.

use config::Backend;

use crate::rig::Rig;

/// `CAP_SYS_ADMIN` marks file systems, `CAP_DAC_READ_SEARCH` opens what the marks tell of.
const NEEDED: u64 = 1 << 21 | 1 << 2;

/// Whether this process may mark whole file systems.
fn may_mark_file_systems() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() & NEEDED == NEEDED
}

/// Whether the source notices as it was told to. Only fanotify may be refused; then the source is heard by
/// inotify and says why, and that is all that is tested.
pub(crate) fn runs(rig: &Rig, backend: Backend) -> bool {
    let wanted = match backend {
        Backend::Auto | Backend::Inotify => "inotify",
        Backend::Fanotify => "fanotify",
        Backend::Poll => "poll",
    };
    let source = || rig.status()["sources"][0].clone();
    rig.until("the source says how it notices", || source()["backend"] != "starting");
    let source = source();
    if source["backend"] == wanted {
        return true;
    }
    // Containers often lie on overlays, which cannot be marked.
    let may =
        may_mark_file_systems() && source["filesystem"] != "overlayfs" && source["filesystem"] != "overlay";
    assert!(backend == Backend::Fanotify && !may, "{wanted} was asked for: {source}");
    eprintln!("no fanotify here: only its refusal is tested");
    assert_eq!(source["backend"], "inotify", "{source}");
    let said = rig.said();
    let told = said.iter().any(|notice| notice.contains("fanotify") && notice.contains("inotify"));
    assert!(told, "no word of why fanotify is not used: {said:?}");
    std::fs::write(rig.path("a"), b"x").unwrap();
    rig.one("a");
    false
}
