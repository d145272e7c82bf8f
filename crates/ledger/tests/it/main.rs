//! What the ledger promises, on real files: both modes where both can keep it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod again;
mod attempts;
mod crash;
mod damage;
mod disk;
mod every_io;
mod happenings;
mod house;
mod kinds;
mod known;
mod letters;
mod numbers;
mod opening;
mod queue;
mod room;
mod rot;
mod same;
mod steps;
mod sums;
