//! The acceptance scenarios of the specification, 1 to 46, each by its number.
//!
//! What is expected is what the replacement does by default. Where the original does something else, which is a defect,
//! a comment says what.

mod answers;
mod products;
mod restarts;
mod starts;
mod watching;
