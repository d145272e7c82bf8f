//! What users of file watchers complain about most, where it takes the whole program, limits or mounts of
//! its own to show that it is otherwise here. The rest of the list is `engine`'s suite of scripts.

mod enclosed;
mod limits;
mod mounts;
mod overflow;

use std::time::Duration;

/// How long one step may take on a busy machine.
const STEP: Duration = Duration::from_secs(30);
