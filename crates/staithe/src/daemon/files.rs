//! Where a daemon's files are: its pid file and its logs, and where they go when they cannot be there.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The files of a daemon, as somebody wants them.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) pid_file: Place,
    /// Where standard output goes; without a place it goes nowhere.
    pub(crate) log_out: Option<Place>,
    /// Where standard error goes; without a place it goes nowhere.
    pub(crate) log_err: Option<Place>,
}

/// Where a file is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Where it cannot be written there, a file of the same name in the temporary directory will do.
    pub(crate) falls_back: bool,
}

/// A place where a file may lie.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) path: PathBuf,
    /// Everybody may put files there.
    pub(crate) is_shared: bool,
}

impl Seat {
    /// Opens what lies there, to look at it. A named pipe that somebody put there holds nobody up.
    pub(crate) fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        if self.is_shared {
            return guarded(&options, &self.path);
        }
        let file = usual(&options, &self.path, 0)?;
        let is_file = file.metadata()?.is_file();
        is_file.then_some(file).ok_or_else(|| io::Error::other("it is no regular file"))
    }
}

/// A file that was opened, wherever it is.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    /// Why it is not where it was wanted.
    pub(crate) moved: Option<Moved>,
}

/// A file that is somewhere else than it was wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    wanted: PathBuf,
    why: String,
    is: PathBuf,
}

impl Place {
    /// There, or nowhere.
    pub(crate) fn only(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), falls_back: false }
    }

    /// There, or else in the temporary directory.
    pub(crate) fn or_temporary(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), falls_back: true }
    }

    /// The file of the same name in the temporary directory.
    pub(crate) fn fallback(&self) -> Option<PathBuf> {
        let name = self.path.file_name().unwrap_or(OsStr::new("staithe"));
        self.falls_back.then(|| std::env::temp_dir().join(name))
    }

    /// Where a file of it may be by now.
    pub(crate) fn seats(&self) -> Vec<Seat> {
        let wanted = Seat { path: self.path.clone(), is_shared: false };
        std::iter::once(wanted).chain(self.fallback().map(|path| Seat { path, is_shared: true })).collect()
    }

    /// Opens it, or makes it with these permissions; where that fails, the one in the temporary directory.
    pub(crate) fn open(&self, options: &OpenOptions, mode: u32) -> io::Result<Opened> {
        let why = match usual(options, &self.path, mode) {
            Ok(file) => return Ok(Opened { file, path: self.path.clone(), moved: None }),
            Err(why) => why,
        };
        let Some(path) = self.fallback() else { return Err(why) };
        let file = guarded(options, &path)?;
        let moved = Moved { wanted: self.path.clone(), why: why.to_string(), is: path.clone() };
        Ok(Opened { file, path, moved: Some(moved) })
    }
}

/// A terminal that is opened must not become the daemon's own, and a named pipe must not hold it up.
fn usual(options: &OpenOptions, path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
    options.clone().mode(mode).custom_flags(flags.bits() as i32).open(path)
}

/// In a directory that everybody may write to: no link is followed, and nobody else's file is taken.
fn guarded(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = options.clone().mode(0o600).custom_flags(flags.bits() as i32).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() || meta.nlink() != 1 {
        let text = format!("{} is not a file of this user's own", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(file)
}

/// One warning about all files that are somewhere else.
pub(crate) fn warning(moved: &[Moved]) -> Option<String> {
    let one = |moved: &Moved| {
        let (wanted, why, is) = (moved.wanted.display(), &moved.why, moved.is.display());
        format!("{wanted} cannot be written ({why}), so it is {is} instead")
    };
    let all: Vec<String> = moved.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("{}. Fix: make its directory, writable for this user", all.join("; ")))
}
