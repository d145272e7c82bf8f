//! Metadata files: does it parse, and does it have a key?
//!
//! A document is walked through once and nothing of it is kept, so that its size is the only cost.

mod seek;

use serde::de::DeserializeSeed as _;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use crate::content::{Content, content};
use crate::error::InspectError;
use crate::place::{Place, split};
use seek::{Key, Seek};

/// A larger file is no metadata.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What a metadata file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataAnswer {
    /// It parses, is not empty, and has the key if one was asked for.
    Good,
    /// It is not there.
    Absent,
    /// It does not parse, is empty, too large, or still being written: what and where, in one line.
    Invalid(String),
    /// It parses and has no such key, or the key has no value (`null`).
    NoKey,
}

/// Reads the file at `place` as YAML (`.yaml`, `.yml`), JSON (`.json`), or whichever of the two it is, and
/// looks for `key`: names and numbers of list items from the outside in, with dots between (`a.b.0.c`;
/// `\.` is a dot in a name). Without a key it must only parse and hold something. YAML may have one document
/// of at most 500 000 nodes.
pub fn has_key(place: &Place<'_>, key: Option<&str>) -> Result<MetadataAnswer, InspectError> {
    if switch::is_off("metadata") {
        return Ok(MetadataAnswer::Good);
    }
    Ok(match content(place.root, place.path, LARGEST)? {
        Content::Absent => MetadataAnswer::Absent,
        Content::Busy => MetadataAnswer::Invalid("somebody is writing it".to_owned()),
        Content::TooLarge => MetadataAnswer::Invalid("it has more than 16 MiB".to_owned()),
        Content::Whole(text) => has_key_in(place.path, &text, key),
    })
}

/// A way to read a document.
type Read = fn(&[u8], &Key) -> Result<bool, String>;

/// The same of a text that was read already; `path` is where it came from.
#[must_use]
pub fn has_key_in(path: &[u8], text: &[u8], key: Option<&str>) -> MetadataAnswer {
    if text.iter().all(u8::is_ascii_whitespace) {
        return MetadataAnswer::Invalid("it is empty".to_owned());
    }
    let name = split(path).1.to_ascii_lowercase();
    let ends = |with: &[u8]| name.ends_with(with);
    let read: Read = match () {
        () if ends(b".yaml") || ends(b".yml") => yaml,
        () if ends(b".json") => json,
        () => json_or_yaml,
    };
    let wanted = Key::new(key);
    match read(text, &wanted) {
        Ok(true) => MetadataAnswer::Good,
        Ok(false) if key.is_some() => MetadataAnswer::NoKey,
        Ok(false) => MetadataAnswer::Invalid("there is nothing in it".to_owned()),
        Err(what) => MetadataAnswer::Invalid(what),
    }
}

fn json_or_yaml(text: &[u8], key: &Key) -> Result<bool, String> {
    json(text, key).or_else(|_| yaml(text, key))
}

fn json(text: &[u8], key: &Key) -> Result<bool, String> {
    let mut document = serde_json::Deserializer::from_slice(text);
    let found = Seek::new(key).deserialize(&mut document);
    found.and_then(|found| document.end().map(|()| found)).map_err(|error| one_line(&error))
}

fn yaml(text: &[u8], key: &Key) -> Result<bool, String> {
    // The budgets of the library against aliases that multiply, depth and endless documents. So many nodes
    // cost 100 MB and two seconds; without a limit 16 MiB could be made to cost 400 MB. Everything that is
    // no matter of syntax is let pass.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 2_000_000, max_nodes: 500_000 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        // Keys such as `y`, `on` and `007` are looked for as they are written.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::with_deserializer_from_slice_with_options(text, options, |document| {
        Seek::new(key).deserialize(document)
    })
    .map_err(|error| one_line(&error))
}

fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    model::text::safe(text.lines().next().unwrap_or_default().as_bytes())
}
