//! Why a metadata file is of no use.

use std::fmt;

/// A place in a file, both counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a metadata file cannot become a request body. Each of these ends the original.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// The file is too large to be metadata.
    #[error("read more than {limit} bytes of metadata")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is not UTF-8.
    #[error("read {place}: it is not UTF-8")]
    NotUtf8 {
        /// The first byte that does not fit.
        place: Place,
    },
    /// YAML does not allow this character.
    #[error("read {place}: the character {character:?} is not allowed")]
    Character {
        /// Where it stands.
        place: Place,
        /// The character.
        character: char,
    },
    /// The text is not YAML.
    #[error("read {place}: {what}")]
    Syntax {
        /// Where the parser gave up.
        place: Place,
        /// What it says.
        what: String,
    },
    /// A second document begins.
    #[error("read {place}: a second document begins")]
    SeveralDocuments {
        /// Its begin.
        place: Place,
    },
    /// There is nothing in it.
    #[error("find anything in it: it is empty, or has comments only")]
    Empty,
    /// The root is something else than a mapping.
    #[error("read {place}: the document is no mapping")]
    NotMapping {
        /// The root.
        place: Place,
    },
    /// Two nodes have the same anchor.
    #[error("read {place}: the anchor {name:?} is given a second time")]
    DuplicateAnchor {
        /// The second one.
        place: Place,
        /// The anchor's name.
        name: String,
    },
    /// A tag that means nothing here.
    #[error("read {place}: unknown tag {tag:?}")]
    UnknownTag {
        /// The node.
        place: Place,
        /// The tag in full.
        tag: String,
    },
    /// The text is not of the type that its tag or its spelling says.
    #[error("read {place}: {text:?} is no {wanted}")]
    Value {
        /// The node.
        place: Place,
        /// The text, shortened.
        text: String,
        /// The type.
        wanted: &'static str,
    },
    /// A tag for another kind of node, or a merge key without a mapping.
    #[error("read {place}: a {wanted} is needed here")]
    Kind {
        /// The node.
        place: Place,
        /// What would do.
        wanted: &'static str,
    },
    /// A list or a mapping as a key.
    #[error("read {place}: a collection cannot be a key")]
    CollectionAsKey {
        /// The key.
        place: Place,
    },
    /// A key of the root that is no text.
    #[error("read {place}: a key at the top must be text")]
    KeyNotText {
        /// The key.
        place: Place,
    },
    /// A key that JSON has no text for.
    #[error("read {place}: a {what} cannot be a key")]
    KeyNotJson {
        /// The key.
        place: Place,
        /// What it is.
        what: &'static str,
    },
    /// A value that JSON has no form for.
    #[error("read {place}: a {what} cannot be sent")]
    NotJson {
        /// The value.
        place: Place,
        /// What it is.
        what: &'static str,
    },
    /// Collections lie too deep in each other, or contain themselves.
    #[error("read {place}: more than {limit} collections in each other")]
    TooDeep {
        /// The first that is too deep.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// Too many nodes, or too much after aliases and merge keys are followed.
    #[error("read {place}: more than {limit} {what}")]
    TooMuch {
        /// Where the limit was met.
        place: Place,
        /// The limit.
        limit: usize,
        /// What is counted.
        what: &'static str,
    },
}
