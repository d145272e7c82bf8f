//! Everything that reads bytes which others have written, fed by libFuzzer.
//!
//! One program for all targets, so that it is linked once: `STAITHE_FUZZ_TARGET` names the one. `cargo xtask fuzz`
//! builds and runs it; `corpus/` holds what the runs begin with.
//!
//! No target may panic, overflow, or take long; most have something more to say about what was read.

#![no_main]

mod sinks;
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
// By these names the files of `sinks` know each other.
use sinks::{peer, sink, tls};

/// Which target this process feeds.
const TARGET: &str = "STAITHE_FUZZ_TARGET";

fn chosen() -> fn(&[u8]) {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var(TARGET).unwrap_or_default();
        let target = targets::ALL.iter().find(|(known, _)| *known == name);
        let Some((_, target)) = target else {
            let known: Vec<&str> = targets::ALL.iter().map(|(known, _)| *known).collect();
            panic!("{TARGET} names no target; there are {}", known.join(", "));
        };
        *target
    })
}

fuzz_target!(|data: &[u8]| chosen()(data));
