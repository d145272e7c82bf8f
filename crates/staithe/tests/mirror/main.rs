//! The mirror in the whole program: two trees that end equal, whatever happens to the first one.

mod churn;
mod steps;
mod trees;
mod verify;
