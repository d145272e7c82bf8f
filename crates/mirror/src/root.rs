//! The two roots, by their paths and by what they were when they were opened first.

use std::path::{Path, PathBuf};

use sys::{CloseLook, Dir, Errno};

/// A root.
#[derive(Debug)]
pub(crate) struct Root {
    /// As configured.
    pub(crate) path: PathBuf,
    side: Side,
    /// Which directory it was.
    pub(crate) identity: Identity,
}

/// Which directory it is. The device's number changes with the order of mounting, so it counts only while we run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) birth: Option<(i64, u32)>,
}

impl From<CloseLook> for Identity {
    fn from(look: CloseLook) -> Self {
        Self { device: look.look.device, inode: look.look.inode, birth: look.birth }
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It is only reached: whoever watches it would hear of each opening.
    Source,
    /// Its mode and times are set, and it is synced.
    Destination,
}

impl Side {
    fn open(self, path: &Path) -> Result<Dir, Errno> {
        match self {
            Side::Source => Dir::reach_root(path),
            Side::Destination => Dir::open_root(path),
        }
    }
}

impl Root {
    /// Opens it for the first time.
    pub(crate) fn first(path: &Path, side: Side) -> Result<(Self, Dir), Errno> {
        let dir = side.open(path)?;
        let identity = Identity::from(dir.look_closely()?);
        Ok((Self { path: path.to_owned(), side, identity }, dir))
    }

    /// Opens it again; the text says why not.
    pub(crate) fn again(&self) -> Result<Dir, String> {
        let dir = self.side.open(&self.path).map_err(|errno| errno.to_string())?;
        let look = dir.look_closely().map_err(|errno| errno.to_string())?;
        if Identity::from(look) == self.identity {
            Ok(dir)
        } else {
            Err("another directory has its place".to_owned())
        }
    }
}
