//! The least that one poll of a tree can cost: a look at every file, or at every known folder only.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatxFlags};
use serde_json::json;

use super::figure::Figure;
use super::usage;

/// A pass over folders takes some ms only.
const REPEATED: u32 = 10;
const WANTED: StatxFlags = StatxFlags::BASIC_STATS;

/// Lists each folder and looks at each of its files.
pub(crate) fn files(root: &str) -> anyhow::Result<()> {
    let before = used();
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(&folder, flags, Mode::empty())?;
        for entry in Dir::read_from(&handle)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if entry.file_type() == FileType::Directory {
                use std::os::unix::ffi::OsStrExt as _;
                folders.push(folder.join(std::ffi::OsStr::from_bytes(name.to_bytes())));
            }
            rustix::fs::statx(&handle, name, AtFlags::SYMLINK_NOFOLLOW, WANTED)?;
        }
    }
    print(used().saturating_sub(before));
    Ok(())
}

/// Looks at each folder, which are known beforehand.
pub(crate) fn folders(root: &str) -> anyhow::Result<()> {
    let mut known = Vec::new();
    collect(Path::new(root), &mut known)?;
    let before = used();
    for _ in 0..REPEATED {
        for folder in &known {
            rustix::fs::statx(CWD, folder, AtFlags::SYMLINK_NOFOLLOW, WANTED)?;
        }
    }
    print(used().saturating_sub(before) / REPEATED);
    Ok(())
}

fn collect(folder: &Path, known: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), known)?;
        }
    }
    known.push(folder.to_path_buf());
    Ok(())
}

/// This process's processor time. What `/proc` says of one that runs just now is a tick old.
fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn print(used: Duration) {
    let peak = usage::of_process(std::process::id()).peak_kb as f64 / 1024.0;
    let pass = used.as_secs_f64() * 1e3;
    println!("{}", json!({ Figure::PassMs.heading(): pass, Figure::PeakMb.heading(): peak }));
}
