//! Negative controls: takes one guarantee away, so that the test of that guarantee can be seen to fail.
//!
//! Where a guarantee is kept, the code asks [`is_off`] with the guarantee's name. In every build that is shipped the
//! answer is `false`, known to the compiler, and nothing of the question is left. Builds for tests have the feature
//! `switches`, for which `[dev-dependencies]` ask; in them the answer is yes for the names in the environment variable
//! `STAITHE_WITHOUT`, separated by commas. `cargo xtask proof --controls` sets it, one name at a time, and demands
//! that the test fails (`docs/proof.md`).
//!
//! ```
//! if switch::is_off("writer-probe") {
//!     // what the program would do without it
//! }
//! ```

mod off;

pub use off::is_off;
