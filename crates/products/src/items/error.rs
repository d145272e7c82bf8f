//! Why a path is no product.

use std::io;

use crate::yaml::YamlError;

/// Why a path gave no items. Paths are relative to the root, escaped for reading where they are no text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProductError {
    /// Nothing is there.
    #[error("find {path}: it is gone")]
    Gone {
        /// What was to be read.
        path: String,
    },
    /// A link is there that leads nowhere.
    #[error("find what {path} links to")]
    Dangling {
        /// The link.
        path: String,
    },
    /// A socket, a fifo or a device.
    #[error("take {path} as a product: it is neither file nor directory")]
    Special {
        /// What was to be read.
        path: String,
    },
    /// The name cannot be put into a request.
    #[error("take {path} as a product: its name is not UTF-8")]
    NotUtf8 {
        /// The name, escaped.
        path: String,
        /// The name as the file system has it.
        name: Vec<u8>,
    },
    /// The path is empty, absolute or has a `.` or `..` in it.
    #[error("take {path:?} as a product: it does not name anything below the root")]
    Outside {
        /// What was to be read.
        path: String,
    },
    /// More items than a product may have.
    #[error("list {path}: it has more than {most} items")]
    TooMany {
        /// The product.
        path: String,
        /// The limit.
        most: usize,
    },
    /// A metadata file cannot become a request body.
    #[error("use {path}")]
    Metadata {
        /// The metadata file.
        path: String,
        /// What is wrong with it.
        source: YamlError,
    },
    /// A metadata file is no regular file.
    #[error("use {path}: it is not a file")]
    MetadataKind {
        /// What has the name of a metadata file.
        path: String,
    },
    /// The file system refused.
    #[error("read {path}")]
    Io {
        /// What was being read.
        path: String,
        /// The refusal.
        source: io::Error,
    },
}
