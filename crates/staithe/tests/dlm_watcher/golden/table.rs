//! The recorded scenarios: how each is performed, and what is expected of it.

mod flags;
mod products;
mod starts;
mod troubles;

use super::replay::Replay;

/// All of them.
pub(super) fn table() -> Vec<Replay> {
    [starts::table(), products::table(), troubles::table(), flags::table()].into_iter().flatten().collect()
}
