//! From a path to the items of a product.

mod error;
mod item;
mod look;
mod metadata;
mod opaque;
mod read;

pub use error::ProductError;
pub use item::{Item, ItemKind, LeftOut, Product, Reading, Why};
pub use read::read;

/// The file beside a product's data that describes it; never an item below a directory.
pub const METADATA_NAME: &str = "ska-data-product.yaml";
