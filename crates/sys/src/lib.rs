//! The kernel's door: inotify, fanotify, directory descriptors, `stat`, file handles, mounts, read leases.
//!
//! This is the only crate that may hold `unsafe`, and it holds little: calls that `rustix` does not have. They set a lease,
//! ignore a signal, open a fanotify group, mark a file system, ask for a directory's handle, and ask who is at the other end
//! of a socket. Everything else goes through `rustix`.

mod changing;
mod close_look;
pub mod copying;
pub mod dir;
mod disposition;
pub mod fanotify;
pub mod filesystem;
mod handle;
pub mod inherited;
pub mod inode;
pub mod inotify;
mod inotify_users;
pub mod lease;
pub mod limits;
mod listing;
pub mod mounts;
mod peer;
mod reading;
pub mod stage;
pub mod wake;

pub use close_look::CloseLook;
pub use dir::{Dir, EntryKind, Links, Look};
pub use disposition::ignore_file_size_limit;
pub use fanotify::Fanotify;
pub use handle::Handle;
pub use inode::{FullLook, Grip};
pub use inotify::{Inotify, RawEvent};
pub use inotify_users::{InotifyUser, inotify_users};
pub use lease::Writer;
pub use listing::Listing;
pub use mounts::{Mount, MountTable};
pub use peer::peer_user;
pub use rustix::io::Errno;
pub use wake::{Alarm, Wake};
