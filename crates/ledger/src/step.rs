//! What a sink writes down of a delivery that takes several requests, and of what it follows after
//! it. The bytes are the sink's; here nobody knows what they mean.

use model::Stamp;

/// One step, as a sink wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place among the steps of the event with this sink, from 1 on, without a gap.
    pub number: u32,
    /// When it was answered.
    pub at: Stamp,
    /// What the sink has to know of it.
    pub what: Vec<u8>,
}

/// What becomes of the pursuit of an event with the same commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pursuit {
    /// It stays as it is, also where there is none.
    #[default]
    Keep,
    /// From now on the sink follows this.
    Set(Vec<u8>),
    /// It is at its end.
    Clear,
}

/// Steps to add to those of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepNote {
    /// The event.
    pub seq: u64,
    /// When they were answered.
    pub at: Stamp,
    /// The steps, in order; none, if only the pursuit changes.
    pub steps: Vec<Vec<u8>>,
    /// What becomes of the pursuit.
    pub pursuit: Pursuit,
}
