//! Headers of DICOM files: which study and series an image belongs to, and how many there should be.

use sys::Dir;

use crate::error::InspectError;

/// What a header says. `None`: it does not say it, or says it in a form that cannot be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DicomHeader {
    /// Study Instance UID (0020,000D).
    pub study: Option<String>,
    /// Series Instance UID (0020,000E).
    pub series: Option<String>,
    /// SOP Instance UID (0008,0018): this image.
    pub sop: Option<String>,
    /// How many instances the series has.
    pub expected_in_series: Option<u64>,
    /// How many instances the study has: Number of Study Related Instances (0020,1208).
    pub expected_in_study: Option<u64>,
}

/// Reads the header of the file at `path`, never its pixel data.
pub fn read_dicom(_root: &Dir, path: &[u8]) -> Result<DicomHeader, InspectError> {
    Err(InspectError::Header { path: path.to_vec(), reason: "not yet" })
}
