//! Signals, taken in the main thread.

use std::io;
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
    signals: Signals,
}

impl Waiting {
    /// Takes SIGTERM, SIGINT and SIGHUP from now on.
    pub(crate) fn start() -> io::Result<Self> {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        // Armed by the first, so that the second ends the process whatever it is doing.
        let asked_before = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&asked_before))?;
            signal_hook::flag::register(signal, Arc::clone(&asked_before))?;
        }
        Ok(Self { signals: Signals::new([SIGTERM, SIGINT, SIGHUP])? })
    }

    /// Takes SIGTERM only; the others do what they do by default, as in the programs that this one
    /// takes the place of.
    pub(crate) fn for_stop_only() -> io::Result<Self> {
        Ok(Self { signals: Signals::new([SIGTERM])? })
    }

    /// What was asked for since the last call, if anything; waits a moment.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<Asked> {
        let step = Duration::from_millis(20).min(patience);
        let mut left = patience;
        loop {
            if let Some(signal) = self.signals.pending().next() {
                return Some(if signal == SIGHUP { Asked::Reload } else { Asked::Stop });
            }
            if left.is_zero() {
                return None;
            }
            std::thread::sleep(step);
            left = left.saturating_sub(step);
        }
    }
}
