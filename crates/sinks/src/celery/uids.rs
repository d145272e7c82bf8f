//! What must be read from a unit's files: which study and series it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use inspect::Within;
use model::{Kind, Parcel};
use tokio::time::Instant;

use crate::blocking::Bench;
use crate::facts::{Facts, Uids};
use crate::format::absolute;

/// Reads headers on a thread of its own: a disk may hang.
#[derive(Debug)]
pub(crate) struct Reader(Bench<()>);

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Bench::new(()))
    }

    /// The UIDs of a unit, none where no file of it says them; nothing at all when it did not end in time.
    pub(crate) async fn read(&mut self, parcel: &Parcel, until: Instant) -> Option<Uids> {
        let (nothing, root) = (Uids::default(), absolute(&parcel.root).into_owned());
        let facts = Facts::of(parcel, &nothing);
        let within = match (parcel.kind, parcel.path.strip_suffix(b"/")) {
            // A group: its members lie beside each other, and their names are relative to the directory they are in.
            (_, Some(path)) => {
                let dir = path.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |at| &path[..at]);
                Within::Members(dir.to_vec(), facts.members())
            }
            (Kind::Dataset, None) => Within::Directory(parcel.path.clone()),
            (_, None) => Within::File(parcel.path.clone()),
        };
        let left = until.saturating_duration_since(Instant::now());
        let read = move |(): &mut ()| inspect::first_dicom(Path::new(OsStr::from_bytes(&root)), &within);
        let header = self.0.run(left, read).await.ok()?;
        let header = header.unwrap_or_default();
        Some(Uids { study: header.study, series: header.series })
    }
}
