//! Metadata: YAML as `PyYAML` reads it, JSON as Python writes it.

mod error;

pub use error::YamlError;

/// The request body that a metadata file becomes.
pub fn to_json(bytes: &[u8]) -> Result<Vec<u8>, YamlError> {
    let _ = bytes;
    Err(YamlError::Empty)
}
