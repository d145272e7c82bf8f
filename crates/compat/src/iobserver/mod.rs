//! `iobserver`: a file of watched trees, each with plugins that are told what happens in it.
//!
//! The way of a start, in the order of the modules: [`configobj`] reads the dialect, [`rc`] what the file says,
//! [`directory`] finds plugins, [`plan`] makes what the engine runs. [`syntax`] and [`trouble`] hold the old
//! program's words and what they mean. [`translate`] is for `init --from`.
//!
//! What is wrong with the whole file ends a start and leaves a running program as it was; what is wrong with one
//! watch or one plugin of it is that one's and nobody else's. Whatever differs from the original on purpose stands
//! in `docs/guide/coming-from-iobserver.md`.

pub mod configobj;
pub mod directory;
pub mod options;
pub mod place;
pub mod plan;
pub mod rc;
pub mod syntax;
pub mod translate;
pub mod trouble;

pub use plan::{Around, Planned, plan};
pub use rc::{Rc, RcError};
pub use translate::{Translation, translate};
pub use trouble::Trouble;
