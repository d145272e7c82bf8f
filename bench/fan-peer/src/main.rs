//! What fanotify itself can give: one mark on the whole file system, a thread that only drains, and nothing else. It
//! prints the path of each file that was closed after writing or renamed into place, in the directories that were
//! there when it began. The limit that others are measured by.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};
use sys::{Dir, Handle};

/// `FAN_REPORT_DFID_NAME`, for which `nix` has no word: events tell the directory and the name, and bring no descriptor.
const REPORT_NAMES: u32 = 0xc00;
/// Large enough that a burst takes few reads.
const BLOCK: usize = 1 << 18;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: fan-peer ROOT")?).canonicalize()?;
    let names = InitFlags::from_bits_retain(REPORT_NAMES);
    let flags = InitFlags::FAN_CLASS_NOTIF | InitFlags::FAN_CLOEXEC | InitFlags::FAN_UNLIMITED_QUEUE | names;
    let group = Fanotify::init(flags, EventFFlags::O_RDONLY)?;
    let wanted = MaskFlags::FAN_CLOSE_WRITE | MaskFlags::from_bits_retain(sys::fanotify::MOVED_TO);
    let mark = MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_FILESYSTEM;
    group.mark(mark, wanted, nix::fcntl::AT_FDCWD, Some(&root))?;
    let mut folders = HashMap::new();
    add(&root, &mut folders)?;
    // Without a bound: this program shows what is possible when nothing holds the reader up.
    let (sender, blocks) = mpsc::channel();
    std::thread::spawn(move || drain(&group, &sender));
    eprintln!("ready {}", root.display());
    let mut out = BufWriter::with_capacity(BLOCK, std::io::stdout().lock());
    while let Ok(first) = blocks.recv() {
        print(&first, &folders, &mut out)?;
        while let Ok(next) = blocks.try_recv() {
            print(&next, &folders, &mut out)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn drain(group: &Fanotify, blocks: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; BLOCK];
    while let Ok(count @ 1..) = nix::unistd::read(group.as_fd(), &mut buffer) {
        if blocks.send(buffer[..count].to_vec()).is_err() {
            return;
        }
    }
}

/// Every directory by its handle: that is how events name it.
fn add(folder: &Path, folders: &mut HashMap<Handle, PathBuf>) -> Result<(), Box<dyn Error>> {
    folders.insert(Dir::open_root(folder)?.handle()?, folder.to_path_buf());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            add(&entry.path(), folders)?;
        }
    }
    Ok(())
}

fn print(block: &[u8], folders: &HashMap<Handle, PathBuf>, out: &mut impl Write) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    for event in sys::fanotify::events(block) {
        if event.mask & sys::fanotify::Q_OVERFLOW != 0 {
            eprintln!("overflow: the kernel dropped events");
        }
        let Some(at) = event.at else { continue };
        // Another directory of the same file system.
        let Some(folder) = folders.get(at.directory) else { continue };
        out.write_all(folder.as_os_str().as_bytes())?;
        out.write_all(b"/")?;
        out.write_all(at.name)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
