//! What many programs do: announce a file whenever some descriptor that was open for writing is closed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use testkit::Receipt;

/// A receiver that trusts each close.
pub(crate) struct TrustsEachClose {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Receipt>>,
}

impl TrustsEachClose {
    /// Watches these folders, which must be there.
    pub(crate) fn start(root: &Path, folders: &[PathBuf]) -> Self {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).expect("Linux has inotify");
        let watch = |folder: &PathBuf| {
            (add_watch(&inotify, folder, WatchFlags::CLOSE_WRITE).expect("it is there"), folder.clone())
        };
        let folders: HashMap<i32, PathBuf> = folders.iter().map(watch).collect();
        let (root, stop) = (root.to_path_buf(), Arc::new(AtomicBool::new(false)));
        let ours = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut receipts = Vec::new();
            let mut buffer = [MaybeUninit::uninit(); 1 << 13];
            let mut reader = Reader::new(&inotify, &mut buffer);
            loop {
                // Read before the queue: what was closed before the stop must still be taken.
                let last = ours.load(Ordering::Acquire);
                match reader.next() {
                    Ok(event) => {
                        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                        let path = folders.get(&event.wd()).zip(name).map(|(folder, name)| folder.join(name));
                        receipts.extend(path.and_then(|path| receipt(&root, &path, receipts.len())));
                    }
                    Err(Errno::AGAIN) if last => return receipts,
                    Err(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
                }
            }
        });
        Self { stop, thread }
    }

    /// Takes what is still there and gives the receipts.
    pub(crate) fn finish(self) -> Vec<Receipt> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("it did not panic")
    }
}

/// Even the naive know temporary names. What is gone by now is not announced either.
fn receipt(root: &Path, path: &Path, number: usize) -> Option<Receipt> {
    let at = Instant::now();
    let below = path.strip_prefix(root).ok()?.as_os_str().as_bytes().to_vec();
    let content = std::fs::read(path).ok()?;
    let generation = number as u64;
    let hash = Some(blake3::hash(&content));
    let (id, size) = (number.to_string(), content.len() as u64);
    below.ends_with(b".dat").then_some(Receipt { path: below, id, generation, attempt: 1, size, hash, at })
}
