//! What must be read from a unit's files: which study and series it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use inspect::Within;
use model::{Kind, Parcel};

use crate::blocking::{Bench, NoAnswer};
use crate::facts::{Facts, Uids};
use crate::format::absolute;

/// Reads headers on a thread of its own: a disk may hang.
#[derive(Debug)]
pub(crate) struct Reader(pub(super) Bench<()>);

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Bench::new(()))
    }

    /// The UIDs of a unit, none where no file of it says them; nothing at all when it did not end in time.
    pub(crate) async fn read(&mut self, parcel: &Parcel, within: Duration) -> Option<Uids> {
        let (nothing, root) = (Uids::default(), absolute(&parcel.root).into_owned());
        let facts = Facts::of(parcel, &nothing);
        let place = match (parcel.kind, parcel.path.strip_suffix(b"/")) {
            // A group: its members lie beside each other, and their names are relative to the directory they are in.
            (_, Some(path)) => {
                let dir = path.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |at| &path[..at]);
                Within::Members(dir.to_vec(), facts.members())
            }
            (Kind::Dataset, None) => Within::Directory(parcel.path.clone()),
            (_, None) => Within::File(parcel.path.clone()),
        };
        let read = move |(): &mut ()| inspect::first_dicom(Path::new(OsStr::from_bytes(&root)), &place);
        let answer = self.0.run(within, read).await;
        if answer == Err(NoAnswer::NoThread) {
            self.0 = Bench::new(());
        }
        let header = answer.ok()?.unwrap_or_default();
        Some(Uids { study: header.study, series: header.series })
    }
}
