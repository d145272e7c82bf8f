//! `staithe quiet`: waits until nothing changes in a directory any more.
//!
//! One thread goes to the tree ([`wait`]) and this one to the terminal, so that a file system that
//! hangs keeps nobody from giving up.

mod lines;
mod tell;
mod wait;

use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use engine::Clock;
use model::text::safe;
use settle::Pattern;
use watch::quiet::{Plan, Tour};

use crate::args::{QuietArgs, QuietBackend};
use crate::exit::{Exit, failure};
use crate::signals::Waiting;
use tell::Teller;
use wait::{Said, Shared, Watchman};

/// How often the progress line is drawn.
const DRAWN: Duration = Duration::from_millis(200);
/// What is waited at a time where there is neither a line to draw nor a time limit.
const LONG: Duration = Duration::from_hours(1);

pub(crate) fn run(args: &QuietArgs) -> anyhow::Result<Exit> {
    let plan = plan(args)?;
    let clock = Clock::start();
    let shared = Shared::new(args.period);
    // One round waits at most: while its lines are written nobody goes to the tree.
    let (say, said) = sync_channel(1);
    forward_signals(say.clone())?;
    let progress: Arc<AtomicU64> = Arc::default();
    let tour = Tour::new(plan, Arc::clone(&progress));
    let watchman = Watchman::new(tour, args.period, clock, Arc::clone(&shared), say);
    std::thread::Builder::new().name("staithe-quiet".into()).spawn(move || watchman.wait())?;
    let mut teller = Teller::new(args, clock, shared, progress);
    match follow(args, clock, &said, &mut teller) {
        // Nobody reads any more; but 0 would say that it is quiet.
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Failed),
        done => done,
    }
}

fn plan(args: &QuietArgs) -> anyhow::Result<Plan> {
    let usage = |text: String| failure(Exit::Usage, text);
    if args.period.is_zero() {
        return Err(usage("--for must be longer than nothing".to_owned()));
    }
    if args.timeout.is_some_and(|timeout| timeout <= args.period) {
        return Err(usage("--timeout must be longer than --for: it cannot be quiet sooner".to_owned()));
    }
    let pattern = |text: &String| {
        Pattern::parse(text).map_err(|error| usage(format!("the pattern \"{text}\" is bad: {error}")))
    };
    Ok(Plan {
        root: args.directory.clone(),
        recursive: !args.no_recursive,
        exclude: args.exclude.iter().map(pattern).collect::<anyhow::Result<_>>()?,
        listen: args.backend == QuietBackend::Auto,
    })
}

/// Signals and what is found come by one channel, so that waiting for both needs no clock.
fn forward_signals(say: SyncSender<Said>) -> anyhow::Result<()> {
    let mut signals = Waiting::start()?;
    std::thread::Builder::new().name("staithe-stop".into()).spawn(move || {
        // There is nothing to reload: a terminal that was closed ends it as well.
        while signals.next(LONG).is_none() {}
        let _ = say.send(Said::Stop);
    })?;
    Ok(())
}

fn follow(
    args: &QuietArgs,
    clock: Clock,
    said: &Receiver<Said>,
    teller: &mut Teller,
) -> anyhow::Result<Exit> {
    let root = safe(args.directory.as_os_str().as_bytes());
    loop {
        let left = args.timeout.map(|timeout| timeout.saturating_sub(clock.mono()));
        let patience = if teller.draws() { DRAWN } else { LONG };
        match said.recv_timeout(left.unwrap_or(patience).min(patience)) {
            Ok(Said::Round(round)) => {
                teller.round(&round)?;
                if let Some(found) = &round.quiet {
                    teller.quiet(found)?;
                    return Ok(Exit::Done);
                }
            }
            Ok(Said::Failed(error)) => {
                return Err(failure(Exit::Failed, format!("{root}: failed to {error}")));
            }
            Ok(Said::Stop) => {
                let text = teller.interrupted()?;
                return Err(failure(Exit::Failed, text));
            }
            Err(RecvTimeoutError::Timeout) => teller.draw(),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(failure(Exit::Failed, format!("{root}: the wait ended for no known reason")));
            }
        }
        if args.timeout.is_some_and(|timeout| timeout <= clock.mono()) {
            let text = teller.timed_out()?;
            return Err(failure(Exit::Failed, text));
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |io: &std::io::Error| io.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref::<std::io::Error>().is_some_and(broken)
}
