//! The agreements by which writers hand over files, each with the variations that are seen in the field.

mod mix;

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{Result, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, fallocate, linkat, open};

pub use mix::{Mix, Written};

use crate::chance::Chance;

/// A pause that a busy writer makes.
const SHORT: Duration = Duration::from_millis(40);
/// A pause that looks like the end to whoever has no patience.
const LONG: Duration = Duration::from_millis(400);
/// A modification time of long ago: 2001-09-09.
const OLD: Duration = Duration::from_secs(1_000_000_000);

/// How a writer hands over a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Written under a temporary name, renamed.
    Renamed,
    /// Written under a temporary name, linked to its own, the first name removed.
    Linked,
    /// Written without a name, linked in, often written on, closed.
    Unnamed,
    /// Written in place with the handle open and pauses that are longer than any settle time.
    Slow,
    /// Made in its full size, often by a handle of its own, then filled in any order.
    Preallocated,
    /// Copied in place, slowly, with the original's modification time.
    Dated,
}

impl Protocol {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Renamed, Self::Linked, Self::Unnamed, Self::Slow, Self::Preallocated, Self::Dated];

    /// Whether the file comes to its name by a link.
    #[must_use]
    pub const fn links(self) -> bool {
        matches!(self, Self::Linked | Self::Unnamed)
    }
}

/// A file to be written.
struct Draft {
    folder: PathBuf,
    name: String,
    content: Vec<u8>,
    chance: Chance,
    /// Longer than the settle time that the writer is to outwait.
    pause: Duration,
}

impl Draft {
    /// Returns when the file is finished; what is still to be done to it is no change of content.
    fn write(&mut self, protocol: Protocol) -> Result<Aftermath> {
        match protocol {
            Protocol::Renamed => self.renamed(),
            Protocol::Linked => self.linked(),
            Protocol::Unnamed => self.unnamed(),
            Protocol::Slow => self.slow(),
            Protocol::Preallocated => self.preallocated(),
            Protocol::Dated => self.dated(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn temporary(&mut self) -> PathBuf {
        let name = &self.name;
        let names = [
            format!(".{name}.part"),
            format!(".{name}.k3Xw9Q"),
            format!("{name}.filepart"),
            format!("{name}.tmp"),
        ];
        self.folder.join(&names[self.chance.below(names.len())])
    }

    /// The content in at least two pieces, each with its place.
    fn pieces(&mut self) -> Vec<(u64, Vec<u8>)> {
        let length = self.content.len().div_ceil(2 + self.chance.below(3)).max(1);
        let piece = |(at, bytes): (usize, &[u8])| ((at * length) as u64, bytes.to_vec());
        self.content.chunks(length).enumerate().map(piece).collect()
    }

    fn rest(&mut self, longest: Duration) {
        std::thread::sleep(self.chance.up_to(longest));
    }

    fn aside(&mut self) -> Result<PathBuf> {
        let path = self.temporary();
        let mut file = File::create(&path)?;
        for (_, piece) in self.pieces() {
            file.write_all(&piece)?;
            self.rest(SHORT);
        }
        Ok(path)
    }

    fn renamed(&mut self) -> Result<Aftermath> {
        let aside = self.aside()?;
        fs::rename(aside, self.path())?;
        Ok(Aftermath::Nothing)
    }

    fn linked(&mut self) -> Result<Aftermath> {
        let aside = self.aside()?;
        fs::hard_link(&aside, self.path())?;
        Ok(Aftermath::Unlink(aside))
    }

    fn unnamed(&mut self) -> Result<Aftermath> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let mut file = File::from(open(&self.folder, flags, Mode::from_raw_mode(0o644))?);
        let pieces = self.pieces();
        // The name may come before the last byte: whoever trusts a link is too early.
        let before = if self.chance.flip() { pieces.len() } else { 1 + self.chance.below(pieces.len() - 1) };
        for (number, (_, piece)) in pieces.iter().enumerate() {
            if number == before {
                link(&file, &self.path())?;
            }
            file.write_all(piece)?;
            self.rest(if number >= before { LONG } else { SHORT });
        }
        if before == pieces.len() {
            link(&file, &self.path())?;
        }
        Ok(Aftermath::Nothing)
    }

    fn slow(&mut self) -> Result<Aftermath> {
        let mut file = File::create(self.path())?;
        if self.chance.flip() {
            // Empty for as long as a pause.
            std::thread::sleep(self.pause);
        }
        let pieces = self.pieces();
        let last = pieces.len() - 1;
        // At least one long pause, wherever it falls.
        let long = self.chance.below(last);
        for (number, (_, piece)) in pieces.iter().enumerate() {
            file.write_all(piece)?;
            if number == long {
                std::thread::sleep(self.pause);
            }
            self.rest(SHORT);
        }
        Ok(Aftermath::Nothing)
    }

    fn preallocated(&mut self) -> Result<Aftermath> {
        let file = File::create(self.path())?;
        let size = self.content.len() as u64;
        if self.chance.flip() {
            // As `fallocate` and some libraries do it: the close tells of a file in its full size.
            let second = OpenOptions::new().write(true).open(self.path())?;
            allocate(&second, size)?;
        } else {
            allocate(&file, size)?;
        }
        let mut pieces = self.pieces();
        self.chance.shuffle(&mut pieces);
        for (at, piece) in pieces {
            self.rest(LONG);
            file.write_all_at(&piece, at)?;
        }
        Ok(Aftermath::Nothing)
    }

    fn dated(&mut self) -> Result<Aftermath> {
        let mut file = File::create(self.path())?;
        let modified = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + OLD);
        // The kernel tells of a new modification time alone by another event than of both times.
        let old = if self.chance.flip() { modified } else { modified.set_accessed(SystemTime::now()) };
        let (always, after) = (self.chance.flip(), self.chance.flip());
        for (_, piece) in self.pieces() {
            file.write_all(&piece)?;
            if always {
                file.set_times(old)?;
            }
            self.rest(LONG);
        }
        if after {
            return Ok(Aftermath::Date(self.path(), old));
        }
        file.set_times(old)?;
        Ok(Aftermath::Nothing)
    }
}

/// What a writer does to a file that is finished.
enum Aftermath {
    Nothing,
    Unlink(PathBuf),
    Date(PathBuf, FileTimes),
}

impl Aftermath {
    fn run(self, chance: &mut Chance) -> Result<()> {
        // Between the two, the other name or the new time is there for everybody to see.
        std::thread::sleep(chance.up_to(LONG));
        match self {
            Self::Nothing => Ok(()),
            Self::Unlink(path) => fs::remove_file(path),
            // Opening it for writing, as a copying program does not, would be another close.
            Self::Date(path, time) => File::open(path)?.set_times(time),
        }
    }
}

fn link(file: &File, path: &Path) -> Result<()> {
    // Linking an open descriptor by its name in /proc needs no privilege; AT_EMPTY_PATH would.
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, name, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

fn allocate(file: &File, size: u64) -> Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        // Some file systems cannot; the size is what matters here.
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(size),
        result => Ok(result?),
    }
}
