//! Answers: explanations, sums, and the programs replaced.

use super::{Row, control, row, test};

pub(super) const ROWS: &[Row] = &[row(
    "G03",
    "explain gives the right verdict, reason and rule for random paths in every state, never seen ones too",
    test("staithe", "explaining", "explain_names_the_right_reason_for_random_paths_in_all_states"),
    &[control("the-source-is-asked", "in vain for")],
)];
