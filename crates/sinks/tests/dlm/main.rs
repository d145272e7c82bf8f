//! The `dlm` sink against a double of the services, through the trait `Sink` and nothing else.
//!
//! Of the suite that every sink passes (`sinks::conformance`), what concerns trouble, time, names and dropped calls is
//! here in other words (`limits`, `answers`, `crash`). The suite itself does not apply: its places give back one native
//! event for each delivery, in order, and the services keep items, which have neither the event nor an attempt; a name
//! that is no UTF-8 is refused; products may overtake each other.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod book;
mod crash;
mod dead_ends;
mod follow;
mod known;
mod limits;
mod lines;
mod order;
mod register;
mod rig;
mod secrets;
mod slices;
mod startup;
mod startup_answers;
mod strict;
