//! Signals, taken in the main thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// End in good order.
    Stop,
    /// Read the configuration again, reopen files.
    Reload,
}

/// The signals that are waited for. A second request to stop ends the process at once.
pub(crate) struct Waiting {
    asked: Receiver<Asked>,
    ask: SyncSender<Asked>,
}

/// So many requests wait at most; one more would be for what is asked for already.
const REQUESTS: usize = 16;

impl Waiting {
    /// Takes SIGTERM, SIGINT and SIGHUP from now on.
    pub(crate) fn start() -> io::Result<Self> {
        // Armed by the first, so that the second ends the process whatever it is doing.
        let asked_before = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&asked_before))?;
            signal_hook::flag::register(signal, Arc::clone(&asked_before))?;
        }
        Self::take(Signals::new([SIGTERM, SIGINT, SIGHUP])?)
    }

    /// Takes SIGTERM only; the others do what they do by default, as in the programs that this one
    /// takes the place of.
    pub(crate) fn for_stop_only() -> io::Result<Self> {
        Self::take(Signals::new([SIGTERM])?)
    }

    /// A thread sleeps until a signal comes: looking again and again would wake an idle machine.
    fn take(mut signals: Signals) -> io::Result<Self> {
        // When it is full, the request is dropped: so many are there already.
        let (ask, asked) = sync_channel(REQUESTS);
        let asks = ask.clone();
        std::thread::Builder::new().name("staithe-signals".into()).spawn(move || {
            for signal in signals.forever() {
                let request = if signal == SIGHUP { Asked::Reload } else { Asked::Stop };
                if matches!(asks.try_send(request), Err(TrySendError::Disconnected(_))) {
                    return;
                }
            }
        })?;
        Ok(Self { asked, ask })
    }

    /// Asks as a signal would, from another thread: so the main thread need not look whether there is a reason to end.
    pub(crate) fn bell(&self) -> Bell {
        Bell(self.ask.clone())
    }

    /// What was asked for since the last call, if anything; waits a while for it.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<Asked> {
        self.asked.recv_timeout(patience).ok()
    }
}

/// What another part of the program asks the main thread with.
#[derive(Clone, Debug)]
pub(crate) struct Bell(SyncSender<Asked>);

impl Bell {
    /// Never waits.
    pub(crate) fn ask(&self, request: Asked) {
        let _ = self.0.try_send(request);
    }
}
