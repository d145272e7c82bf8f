//! Random histories of a watched tree, replayed against the program's own code: see `tests/simulation`.
//!
//! The library is empty. All that this crate has are tests, and the features that they need of other crates must not
//! be in what is shipped.
