//! What the kernel interface itself can give: a recursive inotify reader with a thread that only
//! drains, and nothing else. It prints one path per line. The limit that others are measured by.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::Context as _;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

const OVERFLOW: u32 = 0x4000;
const IS_DIRECTORY: u32 = 0x4000_0000;
/// `IN_CREATE`; of a folder it says that there is a new one to watch.
const CREATED: u32 = 0x100;
const HEADER: usize = 16;

/// What the draining thread has read and the printing thread has not yet looked at. It grows
/// without bound: this program shows what is possible when nothing holds the reader up.
#[derive(Default)]
struct Backlog {
    blocks: Mutex<Vec<Vec<u8>>>,
    filled: Condvar,
}

/// Watches `root` until it is killed.
pub(crate) fn run(root: &str) -> anyhow::Result<()> {
    let inotify = Arc::new(inotify::init(CreateFlags::CLOEXEC).context("failed to open inotify")?);
    let backlog = Arc::new(Backlog::default());
    let (source, target) = (Arc::clone(&inotify), Arc::clone(&backlog));
    let mut reader = Reader { inotify, folders: HashMap::new() };
    std::thread::spawn(move || drain(&source, &target));
    reader.add(Path::new(root), None)?;
    eprintln!("ready {root}");
    let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
    loop {
        for block in backlog.take() {
            reader.block(&block, &mut out)?;
        }
        out.flush()?;
    }
}

impl Backlog {
    fn take(&self) -> Vec<Vec<u8>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        while blocks.is_empty() {
            blocks = self.filled.wait(blocks).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut *blocks)
    }
}

fn drain(inotify: &OwnedFd, backlog: &Backlog) {
    let mut buffer = vec![0; 1 << 18];
    while let Ok(count @ 1..) = rustix::io::read(inotify.as_fd(), &mut buffer) {
        backlog.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(buffer[..count].to_vec());
        backlog.filled.notify_one();
    }
}

struct Reader {
    inotify: Arc<OwnedFd>,
    folders: HashMap<i32, PathBuf>,
}

impl Reader {
    /// Watches a folder, then lists it: what was made before the watch stood would be missed otherwise. At the start
    /// nobody wants to know.
    fn add(&mut self, folder: &Path, mut out: Option<&mut dyn Write>) -> io::Result<()> {
        let flags = WatchFlags::CREATE | WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        let Ok(watch) = inotify::add_watch(&*self.inotify, folder, flags) else { return Ok(()) };
        self.folders.insert(watch, folder.to_path_buf());
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.add(&entry.path(), out.as_mut().map(|out| &mut **out as &mut dyn Write))?;
            } else if let Some(out) = &mut out {
                writeln!(out, "{}", entry.path().display())?;
            }
        }
        Ok(())
    }

    fn block(&mut self, mut block: &[u8], out: &mut dyn Write) -> io::Result<()> {
        while let Some((header, rest)) = block.split_at_checked(HEADER) {
            let number = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
            let (watch, mask) = (i32::from_ne_bytes(number(0)), u32::from_ne_bytes(number(4)));
            let length = u32::from_ne_bytes(number(12)) as usize;
            let (name, rest) = rest.split_at(length.min(rest.len()));
            block = rest;
            self.event(watch, mask, name.split(|&byte| byte == 0).next().unwrap_or_default(), out)?;
        }
        Ok(())
    }

    fn event(&mut self, watch: i32, mask: u32, name: &[u8], out: &mut dyn Write) -> io::Result<()> {
        use std::os::unix::ffi::OsStrExt as _;
        if mask & OVERFLOW != 0 {
            eprintln!("overflow: the kernel dropped events");
        }
        let Some(folder) = self.folders.get(&watch) else { return Ok(()) };
        if mask & IS_DIRECTORY != 0 {
            let path = folder.join(std::ffi::OsStr::from_bytes(name));
            return self.add(&path, Some(out));
        }
        if mask & CREATED == 0 {
            out.write_all(folder.as_os_str().as_bytes())?;
            out.write_all(b"/")?;
            out.write_all(name)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}
