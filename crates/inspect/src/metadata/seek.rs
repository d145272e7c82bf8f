//! Walking through a document to a key.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The names on the way to what is looked for.
pub(super) struct Key {
    names: Vec<String>,
    /// Nothing is looked for: what counts is whether there is anything.
    anything: bool,
}

impl Key {
    pub(super) fn new(key: Option<&str>) -> Self {
        Self { names: key.map(split).unwrap_or_default(), anything: key.is_none() }
    }
}

/// The parts between the dots; `\.` is a dot and `\\` a backslash in a part.
fn split(key: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut letters = key.chars();
    while let Some(letter) = letters.next() {
        match (letter, names.last_mut()) {
            ('.', _) => names.push(String::new()),
            ('\\', Some(name)) => name.push(letters.next().unwrap_or('\\')),
            (letter, Some(name)) => name.push(letter),
            (_, None) => {}
        }
    }
    names
}

/// Looks for the rest of the way in one value; true when something is there.
pub(super) struct Seek<'k> {
    names: &'k [String],
    /// An empty collection or text is nothing.
    anything: bool,
}

impl<'k> Seek<'k> {
    pub(super) fn new(key: &'k Key) -> Self {
        Self { names: &key.names, anything: key.anything }
    }

    /// Whether a value without parts is what is looked for.
    fn leaf(&self) -> bool {
        self.names.is_empty()
    }

    fn text(&self, text: &[u8]) -> bool {
        self.leaf() && !(self.anything && text.is_empty())
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        value.deserialize_any(self)
    }
}

/// Answers of one value without parts.
macro_rules! leaves {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<bool, E> {
            Ok(self.leaf())
        })*
    };
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    leaves!(visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64);

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(self.text(text.as_bytes()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<bool, E> {
        Ok(self.text(bytes))
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_none<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        self.deserialize(value)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        self.deserialize(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let Some((first, rest)) = self.names.split_first() else {
            let mut some = !self.anything;
            while items.next_element::<IgnoredAny>()?.is_some() {
                some = true;
            }
            return Ok(some);
        };
        let wanted: Option<usize> = first.parse().ok();
        for at in 0.. {
            if wanted == Some(at) {
                match items.next_element_seed(Seek { names: rest, anything: false })? {
                    Some(found) => {
                        while items.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(found);
                    }
                    None => break,
                }
            }
            if items.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
        let Some((first, rest)) = self.names.split_first() else {
            let mut some = !self.anything;
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                some = true;
            }
            return Ok(some);
        };
        let mut found = false;
        while let Some(wanted) = entries.next_key_seed(Name(first))? {
            if wanted {
                // Where a key stands twice, the last counts.
                found = entries.next_value_seed(Seek { names: rest, anything: false })?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the one that is looked for. YAML has keys that are numbers, and whole collections.
struct Name<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        // Not as a text: a collection would be an error then.
        key.deserialize_any(self)
    }
}

/// Answers for keys that are numbers.
macro_rules! names {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, key: $type) -> Result<bool, E> {
            Ok(key.to_string() == self.0)
        })*
    };
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bool<E>(self, key: bool) -> Result<bool, E> {
        Ok(self.0.eq_ignore_ascii_case(if key { "true" } else { "false" }))
    }

    names!(visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64);

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(self.0.eq_ignore_ascii_case("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }
}
