//! The metadata file of a directory.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use model::text::safe;

use super::look::{Found, look};
use super::{METADATA_NAME, ProductError};
use crate::yaml;

/// Opening must not wait for a writer if a fifo takes the place of the file: `O_NONBLOCK` on Linux.
const DO_NOT_WAIT: i32 = 0o4000;

/// The body that the metadata file in `directory` makes; nothing if there is no such file. `name` is the
/// directory's own, for messages.
pub(super) fn read_in(directory: &Path, name: &str) -> Result<Option<Vec<u8>>, ProductError> {
    let file = directory.join(METADATA_NAME);
    let separator = if name.is_empty() { "" } else { "/" };
    let path = safe(format!("{name}{separator}{METADATA_NAME}").as_bytes());
    match look(&file) {
        Found::Gone | Found::Dangling | Found::Loop => Ok(None),
        Found::Directory { .. } | Found::Special => Err(ProductError::MetadataKind { path }),
        Found::Refused(source) => Err(ProductError::Io { path, source }),
        Found::File { .. } => match content(&file) {
            Ok(Some(bytes)) => match yaml::to_json(&bytes) {
                Ok(body) => Ok(Some(body)),
                Err(source) => Err(ProductError::Metadata { path, source }),
            },
            Ok(None) => Err(ProductError::MetadataKind { path }),
            Err(source) => Err(ProductError::Io { path, source }),
        },
    }
}

/// The content, as far as it can be metadata; nothing if it is no file any more.
fn content(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = OpenOptions::new().read(true).custom_flags(DO_NOT_WAIT).open(file)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    // One byte more than allowed, so that what is too large is seen to be.
    file.take(yaml::LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
