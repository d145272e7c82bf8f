//! The crate `notify` as a program: watches the tree given as its argument and prints a line with
//! the path for each file that was closed after writing or renamed into place.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::mpsc;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).ok_or("usage: notify-peer ROOT")?;
    let (sender, receiver) = mpsc::channel();
    let mut watcher = RecommendedWatcher::new(sender, notify::Config::default())?;
    watcher.watch(Path::new(&root), RecursiveMode::Recursive)?;
    eprintln!("ready {root}");
    let mut out = BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    while let Ok(first) = receiver.recv() {
        print(&mut out, first)?;
        // What has come meanwhile goes out in the same write.
        while let Ok(next) = receiver.try_recv() {
            print(&mut out, next)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn print(out: &mut impl std::io::Write, event: notify::Result<Event>) -> std::io::Result<()> {
    let Ok(event) = event else { return Ok(()) };
    if event.need_rescan() {
        eprintln!("overflow: some events were lost, a rescan is needed");
    }
    let arrived = matches!(
        event.kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Name(RenameMode::To))
    );
    for path in event.paths.iter().filter(|_| arrived) {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}
