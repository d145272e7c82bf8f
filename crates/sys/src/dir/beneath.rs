//! Opening what lies below a directory, never through a link and never above it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How far the kernel is held back.
pub(super) const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// A directory on the way, which is only pointed at: no watch hears of that.
const STEP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the directory at `path` below `dir`, held back as `resolve` says. Before Linux 5.6 (and in containers and tools that
/// do not let `openat2` pass: as if it were not there, or as if it were forbidden) the way is gone step by step, which holds
/// back just as far; nothing is held back less.
pub(super) fn open(
    dir: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let at_once = rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve);
    unless_refused(at_once, || step_by_step(dir, path, flags))
}

/// What came of going at once, or where that is refused, of the steps: who has no right to go there has none step by step.
fn unless_refused<T>(
    at_once: Result<T, Errno>,
    steps: impl FnOnce() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match at_once {
        Err(Errno::NOSYS | Errno::PERM) => steps(),
        other => other,
    }
}

fn step_by_step(dir: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    if path.starts_with(b"/") {
        return Err(Errno::XDEV);
    }
    let mut names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).peekable();
    let mut reached: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        if name == b".." {
            return Err(Errno::XDEV);
        }
        let flags = if names.peek().is_some() { STEP } else { flags | OFlags::NOFOLLOW };
        let from = reached.as_ref().map_or(dir, AsFd::as_fd);
        reached = Some(rustix::fs::openat(from, name, flags, Mode::empty())?);
    }
    reached.ok_or(Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    fn inode(opened: Result<OwnedFd, Errno>) -> Option<u64> {
        rustix::fs::fstat(opened.ok()?).ok().map(|stat| stat.st_ino)
    }

    /// What the kernel says of a path, and what going step by step says.
    fn both(root: &Path, path: &str) -> (Option<u64>, Option<u64>) {
        let root = fs::File::open(root).unwrap();
        let at_once = rustix::fs::openat2(&root, path, FLAGS, Mode::empty(), BENEATH);
        (inode(at_once), inode(step_by_step(root.as_fd(), path.as_bytes(), FLAGS)))
    }

    #[test]
    fn steps_are_taken_only_where_the_call_itself_is_refused() {
        let by_steps = |at_once| unless_refused(at_once, || Ok("steps"));
        // As kernels before 5.6 and valgrind say it, and as filters of system calls do that were made before.
        for refusal in [Errno::NOSYS, Errno::PERM] {
            assert_eq!(by_steps(Err(refusal)), Ok("steps"));
        }
        for no in [Errno::LOOP, Errno::XDEV, Errno::NOENT, Errno::ACCESS] {
            assert_eq!(by_steps(Err(no)), Err(no));
        }
        assert_eq!(by_steps(Ok("at once")), Ok("at once"));
    }

    #[test]
    fn step_by_step_leads_where_the_kernel_leads_and_nowhere_else() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        fs::create_dir_all(root.join("a/b/c")).unwrap();
        fs::create_dir_all(scratch.path().join("outside/d")).unwrap();
        fs::write(root.join("file"), "x").unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("a", root.join("in")).unwrap();
        symlink("b", root.join("a/last")).unwrap();
        for good in [".", "a", "a/b/c", "a/./b", "a//b", "a/b/"] {
            let (kernel, steps) = both(&root, good);
            assert!(kernel.is_some() && kernel == steps, "{good}: {kernel:?} {steps:?}");
        }
        for bad in [
            "",
            "out",
            "out/d",
            "in",
            "in/b",
            "a/last",
            "a/last/c",
            "file",
            "file/x",
            "absent",
            "..",
            "a/../../x",
            "/",
        ] {
            assert_eq!(both(&root, bad), (None, None), "{bad}");
        }
    }
}
