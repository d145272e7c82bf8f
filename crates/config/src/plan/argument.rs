//! Texts with fields, as they stand in a task's arguments and in routing keys.

use crate::nearest::nearest;
use crate::plan::Argument;
use crate::source_text::shown;

/// A part of a text with fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Stands as it is; braces are single here.
    Plain(String),
    /// Is replaced: one of [`Argument::FIELDS`].
    Field(&'static str),
}

/// Why a text is none with fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A name that is no field.
    #[error("{{{}}} is no field", shown(.name))]
    Unknown {
        /// What stands between the braces.
        name: String,
        /// What was probably meant.
        near: Option<&'static str>,
    },
    /// A `{` without its `}`.
    #[error("a {{ is not closed by }}")]
    Unclosed,
    /// A `}` without its `{`.
    #[error("a }} closes nothing")]
    Unopened,
}

impl FieldError {
    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            FieldError::Unknown { near: Some(near), .. } => format!("did you mean {{{near}}}?"),
            FieldError::Unknown { near: None, .. } => {
                format!("known: {}; a brace itself is written twice", Argument::FIELDS.join(", "))
            }
            FieldError::Unclosed => "write {name}; a brace itself is written twice: {{".to_owned(),
            FieldError::Unopened => "write {name}; a brace itself is written twice: }}".to_owned(),
        }
    }
}

impl Argument {
    /// The fields of texts; what they mean is said at the type.
    pub const FIELDS: [&'static str; 18] = [
        "path",
        "directory",
        "subject",
        "name",
        "root",
        "id",
        "source",
        "site",
        "type",
        "kind",
        "rule",
        "size",
        "mtime",
        "generation",
        "count",
        "key",
        "StudyInstanceUID",
        "SeriesInstanceUID",
    ];

    /// The parts of a text; two plain ones never stand side by side.
    ///
    /// # Errors
    ///
    /// Where a brace stands alone, or what stands between braces is no field.
    pub fn pieces(text: &str) -> Result<Vec<Piece>, FieldError> {
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if from.starts_with("{{") || from.starts_with("}}") {
                plain.push_str(&from[..1]);
                rest = &from[2..];
                continue;
            }
            let inner = from.strip_prefix('{').ok_or(FieldError::Unopened)?;
            let (name, behind) = inner.split_once('}').ok_or(FieldError::Unclosed)?;
            if !plain.is_empty() {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Field(field(name)?));
            rest = behind;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Plain(plain));
        }
        Ok(pieces)
    }

    /// Whether the text can be used as one with fields.
    ///
    /// # Errors
    ///
    /// As [`Self::pieces`].
    pub fn check(text: &str) -> Result<(), FieldError> {
        Self::pieces(text).map(drop)
    }
}

fn field(name: &str) -> Result<&'static str, FieldError> {
    Argument::FIELDS
        .into_iter()
        .find(|field| *field == name)
        .ok_or_else(|| FieldError::Unknown { name: name.to_owned(), near: nearest(name, Argument::FIELDS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Piece {
        Piece::Plain(text.to_owned())
    }

    #[test]
    fn texts_fall_into_pieces() {
        let size = Piece::Field("size");
        for (text, expected) in [
            ("", vec![]),
            ("a b", vec![plain("a b")]),
            ("{size}", vec![size.clone()]),
            ("{size}{size}", vec![size.clone(), size.clone()]),
            ("<{size}>", vec![plain("<"), size.clone(), plain(">")]),
            ("{{size}}", vec![plain("{size}")]),
            ("{{{size}}}", vec![plain("{"), size.clone(), plain("}")]),
            ("é{size}é", vec![plain("é"), size.clone(), plain("é")]),
            ("{{}}", vec![plain("{}")]),
        ] {
            assert_eq!(Argument::pieces(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_said() {
        let unknown = |name: &str, near| FieldError::Unknown { name: name.to_owned(), near };
        for (text, expected) in [
            ("{pat}", unknown("pat", Some("path"))),
            ("{seriesinstanceuid}", unknown("seriesinstanceuid", Some("SeriesInstanceUID"))),
            ("{}", unknown("", None)),
            ("{ path }", unknown(" path ", Some("path"))),
            ("{xyzzy}", unknown("xyzzy", None)),
            ("{path", FieldError::Unclosed),
            ("{{path}", FieldError::Unopened),
            ("}", FieldError::Unopened),
            ("{", FieldError::Unclosed),
            ("a{{{", FieldError::Unclosed),
        ] {
            assert_eq!(Argument::check(text), Err(expected), "{text}");
        }
    }
}
