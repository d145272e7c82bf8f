//! Directories whose entries are not yet known to survive a power cut.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sys::Errno;

use crate::fault::Fault;
use crate::route::Route;
use crate::trees::{Trees, found};

/// With more of them the whole file system is synchronized instead.
const MOST: usize = 256;

/// The directories.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<Which>);

#[derive(Debug, Default)]
struct Which {
    paths: BTreeSet<Vec<u8>>,
    /// Too many of them, or one that cannot be named any more.
    all: bool,
}

impl Touched {
    /// Something was made, renamed or removed in it.
    pub(crate) fn add(&self, dir: Route<'_>) {
        let mut which = self.which();
        if which.all || which.paths.contains(dir.bytes()) {
            return;
        }
        which.paths.insert(dir.bytes().to_vec());
        if which.paths.len() > MOST {
            which.paths.clear();
            which.all = true;
        }
    }

    /// A directory got another path, and all below with it.
    pub(crate) fn moved(&self, from: Route<'_>) {
        let mut which = self.which();
        which.all |= which.paths.iter().any(|path| Route::new(path).is_ok_and(|path| path.is_below(from)));
    }

    /// Makes them all survive. After an error they are still to be.
    pub(crate) fn sync(&self, trees: &Trees) -> Result<(), Fault> {
        let mut which = self.which();
        if !which.all {
            which.all = !sync_each(&which.paths, trees)?;
        }
        if which.all {
            let fault = |errno| Fault::destination("synchronize", b"", errno);
            trees.destination.sync_all().map_err(fault)?;
        }
        *which = Which::default();
        Ok(())
    }

    fn which(&self) -> MutexGuard<'_, Which> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Synchronizes each; false: not every one can be.
fn sync_each(paths: &BTreeSet<Vec<u8>>, trees: &Trees) -> Result<bool, Fault> {
    for path in paths {
        let synced = match found(trees.destination.open_below(path)) {
            Ok(Some(dir)) => dir.sync(),
            // One that is gone needs nothing: its own directory is touched as well.
            Ok(None) => Ok(()),
            Err(errno) => Err(errno),
        };
        match synced {
            Ok(()) => {}
            // Not every file system can do this for a directory, and one that its owner may not read cannot be opened.
            Err(Errno::INVAL | Errno::ACCESS) => return Ok(false),
            Err(errno) => return Err(Fault::destination("synchronize", path, errno)),
        }
    }
    Ok(true)
}
