//! Real DICOM files, written by pydicom: series that are told apart in one flat directory, late files, files that are cut
//! off. The numbers are those of the acceptance scenarios of sendit's successor.

mod images;
mod s21_two_series;
mod s22_late;
mod s23_cut_off;
mod stage;

use std::time::Duration;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);
