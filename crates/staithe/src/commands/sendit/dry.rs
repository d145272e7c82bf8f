//! A dry run: what would be queued is printed.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use model::Parcel;
use model::text::safe;
use sinks::{BoxFuture, Outcome, Sink, Trouble};

/// Takes every folder and prints the task that it would be.
pub(super) struct Dry {
    pub(super) task: String,
}

impl Sink for Dry {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            for parcel in batch {
                let root = Path::new(std::ffi::OsStr::from_bytes(&parcel.root));
                let path = root.join(std::ffi::OsStr::from_bytes(&parcel.path));
                let line =
                    format!("would queue {}(dicom_dir={})", self.task, safe(path.as_os_str().as_bytes()));
                // A reader that went away wants none.
                let _ = sinks::print_line(line.as_bytes());
            }
            Ok(vec![Outcome::Delivered; batch.len()])
        })
    }
}
