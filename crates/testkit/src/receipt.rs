//! What a consumer got, with the file looked at in that moment.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use blake3::Hash;
use model::text::json_path;
use serde_json::Value;

/// One event in a consumer's hands.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The path below the root, as bytes.
    pub path: Vec<u8>,
    /// The event's id.
    pub id: String,
    /// The path's generation.
    pub generation: u64,
    /// The number of the delivery attempt.
    pub attempt: u64,
    /// The size that the event states.
    pub size: u64,
    /// BLAKE3 of the file as it was on receipt; `None` when it could not be read.
    pub hash: Option<Hash>,
    /// When it was received.
    pub at: Instant,
}

impl Receipt {
    /// Reads an event in the native format and hashes the file it speaks of.
    ///
    /// # Errors
    /// A sentence that says which part of the contract the bytes break.
    pub fn take(event: &[u8], root: &Path) -> Result<Self, String> {
        let at = Instant::now();
        let shown = || String::from_utf8_lossy(event).into_owned();
        let value: Value =
            serde_json::from_slice(event).map_err(|error| format!("{error} in {}", shown()))?;
        let data = &value["data"];
        let path = json_path(data, "path").ok_or_else(|| format!("no path in {}", shown()))?;
        let number = |value: &Value, name| value.as_u64().ok_or_else(|| format!("no {name} in {}", shown()));
        let hash = fs::read(root.join(OsStr::from_bytes(&path))).ok().map(|content| blake3::hash(&content));
        Ok(Self {
            path,
            id: value["id"].as_str().ok_or_else(|| format!("no id in {}", shown()))?.to_owned(),
            generation: number(&data["generation"], "generation")?,
            attempt: number(&data["delivery"]["attempt"], "delivery attempt")?,
            size: number(&data["size"], "size")?,
            hash,
            at,
        })
    }
}
