//! The kernel's door: inotify, directory descriptors, `stat`, read leases.
//!
//! This is the only crate that may hold `unsafe`, and it holds little: setting a lease and
//! ignoring one signal. Everything else goes through `rustix`.

pub mod dir;
mod disposition;
pub mod filesystem;
pub mod inotify;
pub mod lease;
pub mod limits;
pub mod wake;

pub use dir::{Dir, EntryKind, Links, Look};
pub use disposition::ignore_file_size_limit;
pub use inotify::{Inotify, RawEvent};
pub use lease::Writer;
pub use rustix::io::Errno;
pub use wake::Wake;
