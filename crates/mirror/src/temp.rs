//! Temporary names, and how what has one gets its own.

use std::sync::atomic::{AtomicU64, Ordering};

use sys::{Dir, Errno, FullLook, inode};

use crate::options::{TEMP_PREFIX, TEMP_SUFFIX};
use crate::remove;

/// Gives out temporary names. They need not be secret: what is made is made only where nothing is.
#[derive(Debug, Default)]
pub(crate) struct Temps(AtomicU64);

/// So often another name is tried.
const TRIES: usize = 64;

impl Temps {
    /// A name.
    fn next(&self) -> Vec<u8> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let middle = format!("{:x}-{number:x}", std::process::id());
        [TEMP_PREFIX, middle.as_bytes(), TEMP_SUFFIX].concat()
    }

    /// Makes something under a temporary name, and answers the name.
    pub(crate) fn make<T>(
        &self,
        dir: &Dir,
        make: impl Fn(&[u8]) -> Result<T, Errno>,
    ) -> Result<(Vec<u8>, T), Errno> {
        for _ in 0..TRIES {
            let name = self.next();
            match writing(dir, || make(&name)) {
                Ok(thing) => return Ok((name, thing)),
                // A leftover, or planted.
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::EXIST)
    }

    /// Makes the directory `name`; with something of another kind there, in its place.
    pub(crate) fn make_directory(&self, dir: &Dir, name: &[u8], occupied: bool) -> Result<(), Errno> {
        if !occupied {
            return writing(dir, || dir.make_dir(name, 0o700));
        }
        let (temp, ()) = self.make(dir, |temp| dir.make_dir(temp, 0o700))?;
        put(dir, &temp, name)
    }
}

/// Gives what has a temporary name its own, whatever has that now. There is no moment without either, where the file
/// system can exchange names. The temporary name is gone afterwards, also after an error.
pub(crate) fn put(dir: &Dir, temp: &[u8], name: &[u8]) -> Result<(), Errno> {
    let done = match dir.rename(temp, dir, name) {
        Err(Errno::ISDIR | Errno::NOTDIR | Errno::NOTEMPTY | Errno::EXIST) => swap(dir, temp, name),
        done => done,
    };
    if done.is_err() {
        // The first error is the one to be told; a leftover is removed by the next comparison.
        let _ = remove::tree(dir, temp);
    }
    done
}

/// For a directory and what is none: neither can be renamed over the other.
fn swap(dir: &Dir, temp: &[u8], name: &[u8]) -> Result<(), Errno> {
    match dir.exchange(temp, dir, name) {
        Ok(()) => remove::tree(dir, temp).map(drop),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            remove::tree(dir, name)?;
            dir.rename(temp, dir, name)
        }
        Err(errno) => Err(errno),
    }
}

/// Does something that needs the right to write to the open directory. The source's mode, which we mirror, may
/// forbid that to its owner; then the owner gets the right, and whoever asks puts the mode right again afterwards.
pub(crate) fn writing<T>(dir: &Dir, act: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    match act() {
        Err(Errno::ACCESS) if loosen(dir).is_ok() => act(),
        done => done,
    }
}

fn loosen(dir: &Dir) -> Result<(), Errno> {
    inode::set_mode(dir, FullLook::of(dir)?.look.mode | 0o700)
}

/// Opens the directory `name`, if need be by giving its owner the right to; see [`writing`]. The answer says whether that was
/// needed.
pub(crate) fn open_own(dir: &Dir, name: &[u8]) -> Result<(Dir, bool), Errno> {
    match dir.open_child(name) {
        Err(Errno::ACCESS) => {
            let grip = dir.grip(name)?;
            let look = FullLook::of(&grip)?.look;
            if look.kind() != sys::EntryKind::Directory {
                return Err(Errno::NOTDIR);
            }
            inode::set_mode(&grip, look.mode | 0o700)?;
            Ok((dir.open_child(name)?, true))
        }
        opened => opened.map(|dir| (dir, false)),
    }
}
