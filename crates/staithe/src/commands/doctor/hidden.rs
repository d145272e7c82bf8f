//! What a hardened service does not see: two tables of mounts in, differences out.

use sys::{Mount, mounts};

use super::finding::{Finding, bad, good, note};
use model::text::safe;

/// How two processes see a source's directory differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// It is another directory: this mount lies over it.
    Elsewhere(Vec<u8>),
    /// Mounts below it are missing.
    Missing(Vec<Vec<u8>>),
}

/// How one who has the table `seen` sees `root` (absolute, without links) otherwise than one who has
/// the table `host`.
pub(super) fn compare(root: &[u8], seen: &[Mount], host: &[Mount]) -> Option<Difference> {
    let by = mounts::holding(seen, root)?;
    let same = mounts::holding(host, root).is_some_and(|there| place(there, root) == place(by, root));
    if !same {
        return Some(Difference::Elsewhere(by.point.clone()));
    }
    let has = mounts::below(seen, root);
    let there = |rest: &[u8], mount: &Mount| {
        has.iter().any(|(path, own)| path == rest && (own.device, &own.root) == (mount.device, &mount.root))
    };
    let missing: Vec<Vec<u8>> = mounts::below(host, root)
        .into_iter()
        .filter(|(rest, mount)| !there(rest, mount))
        .map(|(_, mount)| mount.point.clone())
        .collect();
    (!missing.is_empty()).then_some(Difference::Missing(missing))
}

/// Which directory of which file system a path leads to.
fn place(mount: &Mount, path: &[u8]) -> ((u32, u32), Vec<u8>) {
    let rest = path.strip_prefix(mount.point.as_slice()).unwrap_or_default();
    let mut inside = mount.root.clone();
    inside.extend_from_slice(b"/");
    inside.extend_from_slice(rest);
    let names = inside.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
    (mount.device, names.collect::<Vec<_>>().join(&b'/'))
}

const CODE: &str = "E-HIDDEN-MOUNT";

/// The machine's table may not be read.
pub(super) fn not_compared() -> Finding {
    note(
        CODE,
        "whether a hardened service sees all mounts was not looked at: /proc/1/mountinfo is for root only",
        "sudo staithe doctor, with the same words",
    )
}

/// The finding about how `whose` sees a root otherwise than the machine.
pub(super) fn judge(difference: Option<&Difference>, root: &[u8], whose: &str) -> Finding {
    let shown = safe(root);
    let Some(difference) = difference else {
        return good(CODE, format!("{whose} sees at {shown} what the machine sees"));
    };
    match difference {
        Difference::Elsewhere(point) => {
            let (setting, fix) = setting(root, point);
            bad(
                CODE,
                format!(
                    "{whose} sees another directory at {shown} than the machine ({setting}; {} is mounted over it): \
                     what producers write there does not arrive",
                    safe(point)
                ),
                fix,
            )
        }
        Difference::Missing(points) => {
            let named: Vec<String> = points.iter().take(4).map(|point| safe(point)).collect();
            let more = points.len().saturating_sub(named.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            bad(
                CODE,
                format!(
                    "{whose} does not see what is mounted at {}{more} (PrivateMounts or MountFlags=private, and \
                     mounted after its start): files there do not arrive",
                    named.join(", ")
                ),
                "systemctl restart the service; so that it does not come again: MountFlags=slave in the [Service] \
                 section of the unit, and mount --make-shared / on the machine",
            )
        }
    }
}

/// The setting of the unit that does this, and its undoing.
fn setting(root: &[u8], point: &[u8]) -> (&'static str, &'static str) {
    let within = |above: &[u8]| point == above || point.starts_with(&[above, b"/"].concat()) || root == above;
    if [&b"/tmp"[..], b"/var/tmp"].into_iter().any(within) {
        let fix = "PrivateTmp=no in the [Service] section of the unit and restart it, or move the source out of \
                   /tmp and /var/tmp";
        ("PrivateTmp", fix)
    } else if [&b"/home"[..], b"/root", b"/run/user"].into_iter().any(within) {
        let fix = "ProtectHome=no (or read-only) in the [Service] section of the unit and restart it, or move \
                   the source out of /home";
        ("ProtectHome", fix)
    } else {
        let fix = "BindPaths= with the source's directory in the [Service] section of the unit and restart it; \
                   for a container: give it the directory as a volume with rslave propagation";
        ("PrivateMounts, TemporaryFileSystem, InaccessiblePaths, or a container", fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &[u8] = b"1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
        2 1 8:2 / /data rw shared:2 - xfs /dev/sdb rw\n\
        3 2 0:50 / /data/nfs rw shared:3 - nfs4 server:/x rw\n\
        4 1 0:60 / /home rw shared:4 - ext4 /dev/sdc rw\n";

    fn table(lines: &[&[u8]]) -> Vec<Mount> {
        mounts::parse(&lines.concat())
    }

    fn seen(changed: &[u8]) -> Vec<Mount> {
        table(&[HOST, changed])
    }

    #[test]
    fn the_same_table_hides_nothing() {
        for root in [&b"/data"[..], b"/tmp/in", b"/home/x", b"/"] {
            assert_eq!(compare(root, &table(&[HOST]), &table(&[HOST])), None);
            assert!(judge(None, root, "the daemon").ok);
        }
    }

    #[test]
    fn a_read_only_or_bound_view_of_the_same_directory_hides_nothing() {
        let strict = seen(b"9 2 8:2 /in /data/in ro - xfs /dev/sdb rw\n");
        assert_eq!(compare(b"/data/in", &strict, &table(&[HOST])), None);
        assert_eq!(compare(b"/data/in/deep", &strict, &table(&[HOST])), None);
    }

    #[test]
    fn a_private_tmp_is_another_directory() {
        let private = seen(b"9 1 8:1 /tmp/systemd-private-1/tmp /tmp rw - ext4 /dev/sda1 rw\n");
        let found =
            compare(b"/tmp/in", &private, &table(&[HOST])).unwrap_or_else(|| Difference::Missing(vec![]));
        assert_eq!(found, Difference::Elsewhere(b"/tmp".to_vec()));
        let finding = judge(Some(&found), b"/tmp/in", "the daemon");
        assert!(finding.text.contains("PrivateTmp") && !finding.ok, "{}", finding.text);
        assert_eq!(compare(b"/data", &private, &table(&[HOST])), None, "what lies elsewhere is seen");
    }

    #[test]
    fn a_protected_home_is_another_directory() {
        let protected = seen(b"9 4 0:99 / /home ro - tmpfs tmpfs ro\n");
        let found = compare(b"/home/x/in", &protected, &table(&[HOST]));
        assert_eq!(found, Some(Difference::Elsewhere(b"/home".to_vec())));
        let finding = judge(found.as_ref(), b"/home/x/in", "the daemon");
        assert!(finding.text.contains("ProtectHome"), "{}", finding.text);
    }

    #[test]
    fn mounts_that_came_later_are_missing() {
        let later = seen(b"9 2 0:70 / /data/later rw - nfs4 server:/y rw\n");
        let found = compare(b"/data", &table(&[HOST]), &later);
        assert_eq!(found, Some(Difference::Missing(vec![b"/data/later".to_vec()])));
        assert_eq!(compare(b"/data", &later, &table(&[HOST])), None, "seeing more hides nothing");
        let finding = judge(Some(&Difference::Missing(vec![b"/data/\x1b".to_vec()])), b"/data", "x");
        assert!(!finding.text.contains('\u{1b}') && finding.text.contains("PrivateMounts"));
    }
}
