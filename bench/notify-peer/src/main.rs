//! The crate `notify` as a program: watches the tree given as its argument and prints a line with
//! the path for each file that was closed after writing or renamed into place; with `--poll MS` behind the tree, for each
//! that its poller finds created.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RenameMode};
use notify::{Config, Event, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let root = words.first().ok_or("usage: notify-peer ROOT [--poll MS]")?;
    let (sender, receiver) = mpsc::channel();
    let mut watcher: Box<dyn Watcher> = match words.get(2) {
        Some(pause) => {
            let pause = Duration::from_millis(pause.parse()?);
            Box::new(PollWatcher::new(sender, Config::default().with_poll_interval(pause))?)
        }
        None => Box::new(RecommendedWatcher::new(sender, Config::default())?),
    };
    watcher.watch(Path::new(root), RecursiveMode::Recursive)?;
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
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
            // The poller knows of no closes.
            | EventKind::Create(CreateKind::Any)
    );
    for path in event.paths.iter().filter(|_| arrived) {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}
