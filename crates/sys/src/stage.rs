//! In builds for tests: a file system that a test plays, in place of the kernel's.
//!
//! Everything above this crate reaches directories, leases and queues of events through [`Dir`](crate::Dir),
//! [`Listing`](crate::Listing) and [`Inotify`](crate::Inotify). On a thread that has called `stage::play` their roots
//! are opened in the test's own file system, so that the program's own code can be driven through schedules that no
//! kernel can be made to follow. Other threads, and builds without the feature `stage`, know of no such thing.

#[cfg_attr(not(feature = "stage"), path = "stage/empty.rs")]
#[cfg_attr(feature = "stage", path = "stage/played.rs")]
mod scene;

pub(crate) use scene::{PlayedDir, PlayedQueue, open_queue, open_root};
#[cfg(feature = "stage")]
pub use scene::{Playing, Stage, play};
