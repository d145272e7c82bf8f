//! What must be looked at to tell when a unit is complete: markers, locks, manifests, metadata beside it, counts, and
//! what is in it.

use std::fmt;

/// Something that a rule wants to know and that is to be looked at: beside the unit, or in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A file that is there, and not older than the data.
    Marker(Marker),
    /// A file that is not there.
    Lock(NameForm),
    /// A file that names the members and how they must be.
    Manifest(Manifest),
    /// A file that parses and has a key.
    Metadata(Metadata),
    /// How many members there must be; for groups.
    Count(Count),
    /// That each DICOM file of it is as long as its elements say.
    Whole,
}

/// A file whose presence says that a unit is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Its name.
    pub form: NameForm,
    /// What becomes of it.
    pub after: After,
}

/// What becomes of a marker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// It stays.
    #[default]
    Keep,
    /// It is deleted when every sink has the unit.
    Delete,
}

/// A list of members, or a checksum file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub form: NameForm,
    /// How it is written.
    pub style: ManifestStyle,
    /// Whether there may be members that it does not name.
    pub extras: Extras,
    /// How many bytes in a second are read for hashes; nothing: as fast as it goes.
    pub rate: Option<u64>,
}

/// How a manifest is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManifestStyle {
    /// Found out from its name and its lines.
    #[default]
    Auto,
    /// One path in each line.
    List,
    /// Checksums of this kind.
    Md5,
    /// Checksums of this kind.
    Sha1,
    /// Checksums of this kind.
    Sha256,
    /// Checksums of this kind.
    Sha512,
    /// Checksums of this kind.
    Blake3,
}

/// What members that a manifest does not name mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extras {
    /// Nothing.
    #[default]
    Ignore,
    /// The unit waits until they are gone or named.
    Refuse,
}

/// A file with information about the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its name.
    pub form: NameForm,
    /// A key that it must have, with dots between its parts.
    pub key: Option<String>,
}

/// How many members a group must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Least(u64),
    /// As many as `(?<total>…)` in the members' names says.
    Captured,
    /// As many as the members' headers say.
    Header,
}

/// The name of a companion: fixed, or made from the unit's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameForm {
    text: String,
    made_of: MadeOf,
    before: Box<[u8]>,
    behind: Box<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MadeOf {
    /// The text as it is.
    Nothing,
    /// The unit's last name.
    Name,
    /// The unit's last name without its extension.
    Stem,
}

/// Whose companion a file may be, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Every unit's in the directory (or the dataset's in which it lies).
    All,
    /// The unit's of that last name.
    Name(&'a [u8]),
    /// The units' whose last name has that stem.
    Stem(&'a [u8]),
}

/// Why a companion's name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFormError {
    /// Nothing is written.
    #[error("the name is empty")]
    Empty,
    /// It leads elsewhere.
    #[error("the name must stay below its directory: no leading `/`, no `..`, no empty part")]
    Escapes,
    /// `{…}` that is neither of the two.
    #[error("only {{name}} and {{stem}} can be filled in, and one of them once")]
    Placeholder,
    /// A directory and a placeholder.
    #[error("a name with {{name}} or {{stem}} lies beside the unit: it cannot have `/`")]
    Directory,
    /// It is the unit itself.
    #[error("the name is the unit's own: add something to {{name}}")]
    Itself,
}

impl NameForm {
    /// Reads `_SUCCESS`, `meta/info.yaml`, `{name}.done`, `done-{name}`, `{stem}.ok`.
    pub fn parse(text: &str) -> Result<Self, NameFormError> {
        let (made_of, before, behind) = match (text.split_once("{name}"), text.split_once("{stem}")) {
            (Some((before, behind)), None) => (MadeOf::Name, before, behind),
            (None, Some((before, behind))) => (MadeOf::Stem, before, behind),
            (None, None) => (MadeOf::Nothing, text, ""),
            (Some(_), Some(_)) => return Err(NameFormError::Placeholder),
        };
        if text.is_empty() {
            return Err(NameFormError::Empty);
        }
        if before.contains(['{', '}']) || behind.contains(['{', '}']) {
            return Err(NameFormError::Placeholder);
        }
        if made_of != MadeOf::Nothing && text.contains('/') {
            return Err(NameFormError::Directory);
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) || text.contains('\0') {
            return Err(NameFormError::Escapes);
        }
        if made_of != MadeOf::Nothing && before.is_empty() && behind.is_empty() {
            return Err(NameFormError::Itself);
        }
        let (before, behind) = (before.as_bytes().into(), behind.as_bytes().into());
        Ok(Self { text: text.to_owned(), made_of, before, behind })
    }

    /// `{name}` with something behind it.
    pub(crate) fn suffix(suffix: &str) -> Self {
        let text = format!("{{name}}{suffix}");
        Self { text, made_of: MadeOf::Name, before: Box::default(), behind: suffix.as_bytes().into() }
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is made from the unit's name and therefore lies beside the unit.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        self.made_of != MadeOf::Nothing
    }

    /// What the companion of the unit of that last name may be called; the first is the usual one.
    #[must_use]
    pub fn names(&self, unit: &[u8]) -> Vec<Vec<u8>> {
        match self.made_of {
            MadeOf::Nothing => vec![self.before.to_vec()],
            MadeOf::Name => vec![self.around(unit)],
            MadeOf::Stem => stems(unit).map(|stem| self.around(stem)).collect(),
        }
    }

    fn around(&self, middle: &[u8]) -> Vec<u8> {
        [&self.before, middle, &self.behind].concat()
    }

    /// Whether a unit of that last name would be its own companion.
    #[must_use]
    pub(crate) fn is_own(&self, unit: &[u8]) -> bool {
        self.is_beside() && self.names(unit).iter().any(|own| own == unit)
    }

    /// Whether the file `name` in `dir` (empty, or with a `/` at its end) is this one, which lies in a
    /// directory of its own, as `meta/info.yaml` does: [`NameForm::unit_of`] is asked about last names.
    #[must_use]
    pub(crate) fn is_below(&self, dir: &[u8], name: &[u8]) -> bool {
        let Some(slash) = self.before.iter().rposition(|&byte| byte == b'/') else { return false };
        let (own_dir, own_name) = self.before.split_at(slash + 1);
        let above = dir.strip_suffix(own_dir);
        name == own_name && above.is_some_and(|above| above.is_empty() || above.ends_with(b"/"))
    }

    /// Whose companion a file of that last name is.
    #[must_use]
    pub fn unit_of<'a>(&self, name: &'a [u8]) -> Option<Of<'a>> {
        if self.made_of == MadeOf::Nothing {
            return (*name == *self.before).then_some(Of::All);
        }
        let middle = name.strip_prefix(&*self.before)?.strip_suffix(&*self.behind)?;
        if middle.is_empty() {
            return None;
        }
        Some(if self.made_of == MadeOf::Name { Of::Name(middle) } else { Of::Stem(middle) })
    }
}

impl Of<'_> {
    /// Whether the unit of that last name is meant.
    #[must_use]
    pub fn is(&self, unit: &[u8]) -> bool {
        match self {
            Of::All => true,
            Of::Name(name) => *name == unit,
            Of::Stem(stem) => stems(unit).any(|other| other == *stem),
        }
    }
}

impl fmt::Display for NameForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name without its extension; of `x.tar.gz` both `x.tar` and `x`, for nobody agrees which it is.
pub fn stems(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = stem(name);
    let inner = last.and_then(|last| last.ends_with(b".tar").then(|| stem(last)).flatten());
    [Some(last.unwrap_or(name)), inner].into_iter().flatten()
}

fn stem(name: &[u8]) -> Option<&[u8]> {
    let dot = name.iter().rposition(|&byte| byte == b'.').filter(|dot| *dot > 0)?;
    Some(&name[..dot])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(form: &str, unit: &[u8]) -> Vec<String> {
        let names = NameForm::parse(form).unwrap().names(unit);
        names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect()
    }

    #[test]
    fn names_are_made_from_the_units() {
        assert_eq!(names("{name}.done", b"x.tar.gz"), ["x.tar.gz.done"]);
        assert_eq!(names("{stem}.ok", b"x.tar.gz"), ["x.tar.ok", "x.ok"]);
        assert_eq!(names("{stem}.ok", b"x.dat"), ["x.ok"]);
        assert_eq!(names("{stem}.ok", b"x"), ["x.ok"]);
        assert_eq!(names("{stem}.ok", b".hidden"), [".hidden.ok"]);
        assert_eq!(names("done-{name}", b"x"), ["done-x"]);
        assert_eq!(names("meta/info.yaml", b"x.ms"), ["meta/info.yaml"]);
    }

    #[test]
    fn a_companion_names_its_units() {
        let of = |form: &str, name: &'static [u8]| NameForm::parse(form).unwrap().unit_of(name);
        assert_eq!(of("{name}.done", b"x.dat.done"), Some(Of::Name(b"x.dat")));
        assert_eq!(of("{name}.done", b".done"), None);
        assert_eq!(of("{name}.done", b"x.dat"), None);
        assert_eq!(of("done-{name}", b"done-x"), Some(Of::Name(b"x")));
        assert_eq!(of("_SUCCESS", b"_SUCCESS"), Some(Of::All));
        let stem = of("{stem}.ok", b"x.ok").unwrap();
        assert!(stem.is(b"x.dat") && stem.is(b"x.tar.gz") && stem.is(b"x") && !stem.is(b"x.y.dat"));
        assert!(of("{stem}.ok", b"x.tar.ok").unwrap().is(b"x.tar.gz"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (text, error) in [
            ("", NameFormError::Empty),
            ("/etc/x", NameFormError::Escapes),
            ("../x", NameFormError::Escapes),
            ("a/../x", NameFormError::Escapes),
            ("a//x", NameFormError::Escapes),
            ("{name}{stem}", NameFormError::Placeholder),
            ("{name}{name}", NameFormError::Placeholder),
            ("{nam}.done", NameFormError::Placeholder),
            ("d/{name}.done", NameFormError::Directory),
            ("{name}", NameFormError::Itself),
        ] {
            assert_eq!(NameForm::parse(text), Err(error), "{text}");
        }
    }
}
