//! Keeping a second tree equal to a first one: comparing, copying, renaming, removing, all relative to
//! descriptors of the two roots, so that no name, link or race leads outside of either.
//!
//! ```no_run
//! use mirror::{Compare, Content, Options, Pair};
//! let options = Options { name: "copy".to_owned(), ..Options::default() };
//! let pair = Pair::open("/data/stage1".as_ref(), "/mirror/stage1".as_ref(), options)?;
//! pair.bring(b"night/run1.dat", Content::IfDiffers, &|_| true)?;
//! let mut walk = Compare::whole();
//! while !walk.is_done() {
//!     walk.step(&pair, 1_000, &mut |found| println!("{found:?}"))?;
//! }
//! pair.sync()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Pair`] is the two roots. Whatever it is asked for, it looks at the source as it is *now*, and makes the
//! destination the same. It decides only what follows from that; *when* a file is complete, which event asks for what,
//! and whether extras may go are its caller's business. It blocks, and it reads no clock.
//! The order of operations and the races that were considered: `docs/design/mirror.md`.

mod answers;
mod attributes;
mod bring;
mod compare;
mod content;
mod copy;
mod fault;
mod marker;
mod open;
mod options;
mod overlap;
mod pair;
mod remove;
mod rename;
mod root;
mod route;
mod temp;
mod touched;
mod trees;

pub use answers::{Brought, Content, Difference, How, LeftOut, Renamed, Sample, What};
pub use compare::{Compare, Progress};
pub use fault::{Fault, OpenError, Reach};
pub use options::Options;
pub use pair::{Accepted, Pair};
pub use sys::{EntryKind, Look};
