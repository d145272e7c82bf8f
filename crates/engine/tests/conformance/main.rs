//! The same scripts with every way of noticing: the same final answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod at_once;
mod backends;
mod churn;
mod ground;
mod pains;
#[path = "../running/rig.rs"]
#[expect(dead_code, reason = "the other suite uses the rest")]
mod rig;
mod run;
mod scenarios;
mod script;
mod truth;
