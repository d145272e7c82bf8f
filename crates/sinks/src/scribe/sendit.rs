//! The lines of the sendit watcher's processors.

use model::Parcel;

/// Whose lines they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// `DicomCelery`.
    Dicom,
    /// `AllEventsPrinter`.
    Events,
}

/// Appends the event's lines, each with its newline.
pub(crate) fn push(lines: Lines, parcel: &Parcel, out: &mut Vec<u8>) {
    let _ = (lines, parcel, out);
}
