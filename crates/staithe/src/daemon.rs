//! A process of its own in the background: how it is started, held, told apart, stopped and started again.
//!
//! A process with threads must not fork, so [`launch`] starts the program anew with the same words and one more in front
//! ([`inside::MARK`]). The new process finds a socket as its standard input; on that it tells its parent how far it is,
//! that it is ready, or why it cannot be. [`begin`] is its first step. The lock of the pid file ([`PidFile`]) decides who
//! is the daemon, not the number in it.
//!
//! A command that can be a daemon is written like this:
//!
//! ```text
//! if wants_to_be_a_daemon && !daemon::is_inside() {
//!     return daemon::launch(&Launch { argv: daemon::own_words(), files });     // the parent: until it is ready
//! }
//! let standing = Standing::take_up(&files)?;                                   // the lock; held until it is dropped
//! …start…; daemon::progress("first scan: 1200 directories"); …; daemon::ready();
//! …on SIGHUP: standing.reopen_logs()…
//! ```
//!
//! What `ready`, `progress` and `failed` say goes nowhere in a process that is no daemon. Errors that `main` reports are
//! handed to the parent there.

mod files;
mod inside;
mod launch;
mod logs;
mod pid_file;
mod restart;
mod standing;
mod stop;

pub(crate) use files::{Files, Place};
pub(crate) use inside::{PROGRESS, begin, ended, is_inside, progress, ready};
pub(crate) use launch::{Launch, launch, own_words};
pub(crate) use restart::{Beginning, restart};
pub(crate) use standing::Standing;
pub(crate) use stop::{Stopped, running, stop};
