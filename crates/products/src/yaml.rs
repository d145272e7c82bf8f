//! Metadata: YAML as `PyYAML`'s `safe_load` reads it, JSON as Python's `json.dumps` writes it.
//!
//! The steps are Python's: the text is checked and cut into a graph of nodes ([`tree`]), each node gets a
//! type from its tag or, if it is a plain scalar, from its spelling ([`resolve`]), nodes become values
//! and merge keys are followed ([`construct`]), and the root mapping is written ([`write`]).
//!
//! The text is cut by a parser of YAML 1.2, where the original has one of YAML 1.1. What that changes is
//! listed in `data/README.md`: almost all of it is text that the original refuses and that is taken here.

mod construct;
mod digits;
mod error;
mod number;
mod repr;
mod resolve;
mod text;
mod timestamp;
mod tree;
mod value;
mod write;

pub use error::{Place, YamlError};

/// The largest metadata file that is read, in bytes.
pub const LARGEST: usize = 16 << 20;

/// The largest body that aliases may blow a metadata file up to, in bytes.
pub const LARGEST_BODY: usize = 2 * LARGEST;

/// How many nodes a file may have, and how many members merge keys may add.
const MOST_NODES: usize = 250_000;

/// How deep collections may lie in each other, aliases followed. Python gives up at a similar depth.
const DEEPEST: usize = 255;

/// The request body that a metadata file becomes.
pub fn to_json(bytes: &[u8]) -> Result<Vec<u8>, YamlError> {
    let text = text::decode(bytes)?;
    let mut tree = tree::parse(&text)?;
    let values = construct::construct(&mut tree)?;
    write::document(&tree, &values)
}

#[cfg(test)]
mod tests;
