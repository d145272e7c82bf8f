//! Removing a tree, without ever leaving it.

use sys::{Dir, EntryKind, Errno};

use crate::route::joined;
use crate::temp::writing;
use crate::trees::found;

/// A directory that was filled again while it was emptied is emptied again, so often.
const PATIENCE: u32 = 16;

/// Removes the entry `name` of the directory with all below; answers how many entries went. A link is removed
/// itself. What lies on another mount is not touched (`BUSY`).
///
/// Every directory is opened beneath `dir` by a way without links, and emptied by its descriptor; the walk keeps the names
/// of directories, not descriptors, so that no depth uses them up.
pub(crate) fn tree(dir: &Dir, name: &[u8]) -> Result<u64, Errno> {
    match writing(dir, || dir.remove(name)) {
        Ok(()) => return Ok(1),
        Err(Errno::NOENT) => return Ok(0),
        // What unlink says of a directory; PERM is POSIX's word for it.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    let mut walk = Walk { dir, mount: dir.look_closely()?.mount, removed: 0 };
    walk.remove(name)?;
    Ok(walk.removed)
}

struct Walk<'a> {
    dir: &'a Dir,
    /// Nothing that is mounted into the tree is emptied.
    mount: Option<u64>,
    removed: u64,
}

/// A directory that is being emptied.
struct Level {
    path: Vec<u8>,
    /// The directories in it that are still there.
    below: Vec<Vec<u8>>,
    /// How often it has been listed.
    listed: u32,
}

impl Walk<'_> {
    fn remove(&mut self, name: &[u8]) -> Result<(), Errno> {
        let mut levels = vec![Level { path: name.to_vec(), below: Vec::new(), listed: 0 }];
        while let Some(level) = levels.last_mut() {
            if let Some(path) = level.below.pop() {
                levels.push(Level { path, below: Vec::new(), listed: 0 });
            } else if level.listed == 0 {
                level.listed = 1;
                level.below = self.empty(&level.path)?;
            } else {
                match self.remove_empty(&level.path) {
                    // Somebody puts things in.
                    Err(Errno::NOTEMPTY | Errno::EXIST) if level.listed < PATIENCE => {
                        level.listed += 1;
                        level.below = self.empty(&level.path)?;
                    }
                    Err(errno) => return Err(errno),
                    Ok(()) => {
                        levels.pop();
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes all but directories from a directory, and answers the paths of these. Nothing, if it is no directory any more.
    fn empty(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
        let Some(dir) = self.open(path)? else { return Ok(Vec::new()) };
        if dir.look_closely()?.mount != self.mount {
            return Err(Errno::BUSY);
        }
        let mut below = Vec::new();
        let mut failed = None;
        let mut removed = 0;
        let listed = dir.list(|name, kind| {
            if kind == EntryKind::Directory {
                below.push(joined(path, name));
                return;
            }
            match writing(&dir, || dir.remove(name)) {
                Ok(()) => removed += 1,
                Err(Errno::NOENT) => {}
                Err(Errno::ISDIR) => below.push(joined(path, name)),
                Err(errno) => failed = Some(errno),
            }
        });
        // Somebody else removes the same tree, and has come as far as the directory itself.
        listed.or_else(|errno| if errno == Errno::NOENT { Ok(()) } else { Err(errno) })?;
        self.removed += removed;
        failed.map_or(Ok(below), Err)
    }

    /// Removes what is left of a directory: itself, or what has taken its place.
    fn remove_empty(&mut self, path: &[u8]) -> Result<(), Errno> {
        let (parent, name) = split(path);
        let Some(parent) = self.open(parent)? else { return Ok(()) };
        let gone = match writing(&parent, || parent.remove_dir(name)) {
            Err(Errno::NOTDIR) => writing(&parent, || parent.remove(name)),
            done => done,
        };
        match gone {
            Ok(()) => self.removed += 1,
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        Ok(())
    }

    /// Opens a directory on the way. One that its owner may not enter is given that right: it will be gone soon.
    fn open(&self, path: &[u8]) -> Result<Option<Dir>, Errno> {
        match self.dir.open_below(path) {
            Err(Errno::ACCESS) => {
                let (parent, name) = split(path);
                let Some(parent) = found(self.dir.open_below(parent))? else { return Ok(None) };
                found(crate::temp::open_own(&parent, name).map(|(dir, _)| dir))
            }
            opened => found(opened),
        }
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    path.iter().rposition(|&byte| byte == b'/').map_or((b"", path), |at| (&path[..at], &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn two_who_remove_the_same_tree_are_both_content() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = Dir::open_root(scratch.path()).unwrap();
        for _ in 0..40 {
            for below in 0..8 {
                fs::create_dir_all(scratch.path().join(format!("tree/{below}/empty"))).unwrap();
            }
            let together = Barrier::new(2);
            let remove = || {
                together.wait();
                tree(&dir, b"tree")
            };
            let ended = std::thread::scope(|scope| {
                let other = scope.spawn(remove);
                [remove(), other.join().unwrap()]
            });
            assert!(ended.iter().all(Result::is_ok), "{ended:?}");
            assert!(!scratch.path().join("tree").exists());
        }
    }
}
