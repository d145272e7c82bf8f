//! Settings of a log for people.

use std::path::PathBuf;

/// A log of what happens in trees, one line for each happening, with renames put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScribeSink {
    /// Where the lines go.
    pub log: ScribeLog,
    /// How they are written.
    pub style: ScribeStyle,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScribeLog {
    /// Standard output.
    Stdout,
    /// A file; created with its directory, appended to.
    File(PathBuf),
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScribeStyle {
    /// Sentences, as `iobserver`'s Scribe writes them.
    Text,
    /// The native events.
    Json,
    /// The two lines for each event that `sendit`'s `DicomCelery` writes: what happened, and whether it is a folder whose
    /// name is a finished one's.
    Dicom,
    /// The lines of `sendit`'s `AllEventsPrinter`.
    Events,
}
