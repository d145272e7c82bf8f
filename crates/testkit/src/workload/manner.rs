//! The ways in which a file comes into being.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

use crate::truth::Truth;

/// How a file comes into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Created, written, closed under its own name.
    Written,
    /// Written as `.NAME.part` and renamed.
    RenamedIn,
    /// Written as `.NAME.part`, linked to its name, the first name unlinked: what OpenSSH's server
    /// does for a plain SFTP rename.
    Linked,
    /// Written without a name and linked when complete (`O_TMPFILE`), as careful programs do.
    Unnamed,
    /// Written in pieces under its own name, with pauses, kept open all the time.
    Slow {
        /// The number of pieces.
        pieces: usize,
        /// The pause after each.
        pause: Duration,
    },
    /// Written and closed, then after a pause written anew in place: two versions.
    Rewritten {
        /// From the first close to the second opening.
        pause: Duration,
    },
}

impl Manner {
    /// Makes the file `name` in `folder` below `root` and notes it.
    pub(super) fn publish(self, root: &Path, folder: &Path, name: &str, content: &[u8], truth: &mut Truth) {
        let below = folder.join(name);
        let path = root.join(&below);
        let part = root.join(folder).join(format!(".{name}.part"));
        let done = match self {
            Manner::Written => fs::write(&path, content),
            Manner::RenamedIn => fs::write(&part, content).and_then(|()| fs::rename(&part, &path)),
            Manner::Linked => {
                let linked = fs::write(&part, content).and_then(|()| fs::hard_link(&part, &path));
                linked.and_then(|()| fs::remove_file(&part))
            }
            Manner::Unnamed => unnamed(&root.join(folder), &path, content),
            Manner::Slow { pieces, pause } => slow(&path, content, pieces, pause),
            Manner::Rewritten { pause } => {
                let first: Vec<u8> = content.iter().rev().copied().chain(*b"first").collect();
                let written = fs::write(&path, &first);
                truth.note(below.as_os_str().as_bytes(), &first);
                std::thread::sleep(pause);
                written.and_then(|()| fs::write(&path, content))
            }
        };
        done.unwrap_or_else(|error| panic!("failed to make {} ({self:?}): {error}", path.display()));
        truth.note(below.as_os_str().as_bytes(), content);
    }
}

fn unnamed(folder: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(open(folder, flags, Mode::from_raw_mode(0o644))?);
    file.write_all(content)?;
    // Linking an open descriptor by its name in /proc needs no privilege; AT_EMPTY_PATH would.
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, name, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
    Ok(())
}

fn slow(path: &Path, content: &[u8], pieces: usize, pause: Duration) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
    for piece in content.chunks(content.len().div_ceil(pieces.max(1)).max(1)) {
        file.write_all(piece)?;
        std::thread::sleep(pause);
    }
    Ok(())
}
