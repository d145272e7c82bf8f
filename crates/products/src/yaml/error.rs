//! Why a metadata file is of no use.

/// Why a metadata file cannot become a request body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// There is nothing in it.
    #[error("find a document: the file is empty")]
    Empty,
}
