//! The drop-in for iobserver, from outside: how it starts and ends, what bad configurations do, and what is taken
//! over while it runs.

mod ends;
mod plugins;
mod reloading;
mod replacing;
mod stage;
mod starts;
mod translation;
