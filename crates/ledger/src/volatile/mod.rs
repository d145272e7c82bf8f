//! The mode that forgets at exit: what is pending in memory, admission on the caller's thread.

mod paths;
mod steps;
mod store;

pub(crate) use store::Volatile;
