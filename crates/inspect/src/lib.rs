//! Reading what must be read before a unit can be believed.
//!
//! Most files are judged by what the kernel tells of them. Some units are believed only for what is *in*
//! them: a directory that is one unit ([`survey`](fn@survey)), a list of checksums ([`verify_manifest`]), a metadata file that must
//! have a key ([`has_key`]), an image whose header names the series it belongs to ([`read_dicom`]), images that
//! end where their headers say ([`whole`](fn@whole)).
//!
//! ```no_run
//! use inspect::{Place, SurveyRequest};
//! let root = sys::Dir::open_root("/data/stage1".as_ref())?;
//! let place = Place { root: &root, path: b"night/run1.ms" };
//! let found = inspect::survey(&place, &SurveyRequest::default(), &|| false)?;
//! println!("{} members, {} still open", found.count, found.open.count);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here decides: answers go to the rules. Nothing here trusts what it reads: files are opened
//! beneath the root and never through a link, all sizes have a limit, and no content may panic. Reading
//! blocks, so all of this belongs into a thread that may wait; `stop` is asked often.
//! No clock is read here: who wants a slower pace blocks in the callback that is told of each block.

mod content;
mod dicom;
mod error;
mod few;
mod first;
mod fold;
mod hashing;
mod manifest;
mod mark;
mod metadata;
mod place;
mod survey;
mod trail;
mod verify;
mod walk;
mod whole;

pub use dicom::{DicomHeader, read_dicom, read_dicom_from, shortfall_from};
pub use error::InspectError;
pub use few::Few;
pub use first::{Within, first_dicom};
pub use manifest::{Fault, Hash, LARGEST_MANIFEST, Line, MOST_LINES, ManifestError, Style, parse};
pub use metadata::{MetadataAnswer, has_key, has_key_in};
pub use place::Place;
pub use survey::{LISTED, Survey, SurveyRequest, survey};
pub use verify::{Checked, Extras, ManifestAnswer, ManifestRequest, Pace, verify_manifest};
pub use whole::{Seen, Wholeness, whole, whole_files};
