//! Whether a file goes on for as long as its elements say.

use std::io::{Read, Seek};

use sys::{Dir, Look};

use super::element::{Element, Elements, Limit};
use super::source::Source;
use super::syntax::{self, Syntax};
use super::{
    MOST_META_ELEMENTS, SERIES, SOP, STUDY, TRANSFER_SYNTAX, Tag, Trouble, is_short_value, open, uid,
};
use crate::error::InspectError;

/// More elements than any image has (four million, those in its sequences and the pieces of its pixels counted
/// too): of a file with more nobody knows.
const MOST_ELEMENTS: u32 = 1 << 22;

/// The preamble and the mark behind it.
const PREAMBLE: u64 = 132;

/// The shortest head of an element.
const HEAD: u64 = 8;

const META_LENGTH: Tag = (0x0002, 0x0000);
const SOP_CLASS: Tag = (0x0008, 0x0016);

/// Command sets, file meta groups and directories apart, no data set has a lower group.
const FIRST_GROUP: u16 = 0x0004;

/// How many bytes the file lacks at least; nothing when it is as long as its elements say, and when nobody can tell:
/// when it is no DICOM file, its data set is deflated, or it is damaged otherwise. Values are passed over and not read,
/// whatever length they claim to have.
pub(crate) fn shortfall(
    dir: &Dir,
    name: &[u8],
    stop: &dyn Fn() -> bool,
) -> Result<(Look, Option<u64>), InspectError> {
    let (look, file) = open(dir, name).map_err(|error| InspectError::open(name, error))?;
    shortfall_from(file, look.size, name, stop).map(|missing| (look, missing))
}

/// How many bytes a file that is open already, or its bytes, lack at least: `size` long, and called `name`. See
/// [`Wholeness`](crate::Wholeness).
pub fn shortfall_from<S: Read + Seek>(
    file: S,
    size: u64,
    name: &[u8],
    stop: &dyn Fn() -> bool,
) -> Result<Option<u64>, InspectError> {
    match lacks(&mut Source::new(file, size), is_named_dicom(name), stop) {
        Ok(missing) => Ok(missing),
        Err(Trouble::Form(_) | Trouble::Cut(_)) => Ok(None),
        Err(trouble) => Err(trouble.of(name)),
    }
}

fn is_named_dicom(name: &[u8]) -> bool {
    let extension = name.iter().rposition(|&byte| byte == b'.').map_or(&b""[..], |dot| &name[dot + 1..]);
    [&b"dcm"[..], b"dicom"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The same of an open file. `named`: its name says that it is a DICOM file.
pub(super) fn lacks<S: Read + Seek>(
    source: &mut Source<S>,
    named: bool,
    stop: &dyn Fn() -> bool,
) -> Result<Option<u64>, Trouble> {
    if let Some(missing) = is_beginning_of_preamble(source, named)? {
        return Ok(Some(missing));
    }
    let marked = syntax::pass_preamble(source)?;
    let mut known = marked;
    match data_set(source, marked, &mut known, stop) {
        // What does not say that it is DICOM says nothing of its length either.
        Err(Trouble::Cut(missing)) if known => Ok(Some(missing)),
        Err(trouble) => Err(trouble),
        Ok(()) => Ok(None),
    }
}

/// Of a file that ends before anything in it can say what it is: what it lacks, if it is to be a DICOM file.
fn is_beginning_of_preamble<S: Read + Seek>(
    source: &mut Source<S>,
    named: bool,
) -> Result<Option<u64>, Trouble> {
    let size = source.size();
    if size >= PREAMBLE {
        return Ok(None);
    }
    // Files without preamble begin with the mark, or with group 2 or 8.
    let front = source.peek::<2>()?;
    let is_bare = matches!(front, Some([2 | 8, 0] | [b'D', b'I']));
    let missing = PREAMBLE - size;
    if named && !is_bare {
        return Ok(Some(missing));
    }
    // Most writers leave the preamble empty.
    let mut bytes = [0; PREAMBLE as usize];
    let bytes = &mut bytes[..size as usize];
    let is_zero = size > 0 && !is_bare && source.peek_into(bytes)? && {
        let (preamble, mark) = bytes.split_at(bytes.len().min(128));
        preamble.iter().all(|&byte| byte == 0) && b"DICM".starts_with(mark)
    };
    Ok(is_zero.then_some(missing))
}

/// Walks to the end; an error tells where that is not. `known` becomes true when something says that this is DICOM.
fn data_set<S: Read + Seek>(
    source: &mut Source<S>,
    marked: bool,
    known: &mut bool,
    stop: &dyn Fn() -> bool,
) -> Result<(), Trouble> {
    let stated = meta_group(source, known)?;
    if source.left() < HEAD && (marked || stated.is_some()) {
        // There is no DICOM file without an element.
        return Err(Trouble::Cut(HEAD - source.left()));
    }
    let stated = stated.map(|uid| Syntax::of(&uid)).transpose()?;
    let syntax = Syntax::guess(source)?.or(stated).ok_or(super::NO_DICOM)?;
    let limit = Limit { elements: MOST_ELEMENTS, stop };
    let mut elements = Elements::new(source, syntax, limit);
    let mut before = Before::default();
    while elements.left() > 0 {
        if elements.left() < HEAD {
            let missing = HEAD - elements.left();
            let rest = elements.rest()?;
            return if before.is_padded_by(&rest, syntax) { Ok(()) } else { Err(Trouble::Cut(missing)) };
        }
        let Some(element) = elements.next((u16::MAX, u16::MAX))? else { break };
        if element.tag.0 < FIRST_GROUP {
            // Zeros that fill up a block, or whatever else was hung on.
            return Ok(());
        }
        // Some writers do not keep the order. But where no type vouches for it, what stands out of order may be no element.
        let believed = syntax.explicit || before.tag.is_none_or(|before| element.tag > before);
        match take(&mut elements, &element, known) {
            Err(Trouble::Cut(_)) if !believed => return Ok(()),
            taken => taken?,
        }
        before = Before::of(&element);
    }
    Ok(())
}

/// Passes over the value, or reads it if it is one of those that only DICOM files have.
fn take<S: Read + Seek>(
    elements: &mut Elements<'_, S>,
    element: &Element,
    known: &mut bool,
) -> Result<(), Trouble> {
    let tells = [SOP_CLASS, SOP, STUDY, SERIES].contains(&element.tag);
    if *known || !tells || !is_short_value(element) {
        return elements.pass(element);
    }
    *known = uid(&elements.value(element)?).is_some();
    Ok(())
}

/// Passes over the file meta group; gives the Transfer Syntax UID that it names.
fn meta_group<S: Read + Seek>(source: &mut Source<S>, known: &mut bool) -> Result<Option<Vec<u8>>, Trouble> {
    let (mut syntax, mut end) = (None, None);
    for _ in 0..MOST_META_ELEMENTS {
        if source.peek()? != Some([2, 0]) {
            // It says itself how long it is.
            let missing = end.unwrap_or(0_u64).saturating_sub(source.at());
            return if source.is_empty() && missing > 0 { Err(Trouble::Cut(missing)) } else { Ok(syntax) };
        }
        let mut elements = Elements::new(source, Syntax::META, Limit::HEADER);
        let Some(element) = elements.next((0x0002, 0xffff))? else { break };
        match element.tag {
            TRANSFER_SYNTAX if is_short_value(&element) => {
                let value = elements.value(&element)?;
                *known |= value.starts_with(b"1.2.840.10008.");
                syntax = Some(value);
            }
            META_LENGTH if element.length == Some(4) => {
                let length = elements.value(&element)?;
                let length = length.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                end = Some(source.at() + u64::from(length));
            }
            _ => elements.pass(&element)?,
        }
    }
    Err("its file meta group has no end".into())
}

/// The element in front.
#[derive(Default)]
struct Before {
    tag: Option<Tag>,
    /// Its value has an odd length, which is wrong.
    odd: bool,
}

impl Before {
    fn of(element: &Element) -> Self {
        Self { tag: Some(element.tag), odd: element.length.is_some_and(|length| length % 2 == 1) }
    }

    /// Whether what follows, too short for an element, is none that was begun.
    fn is_padded_by(&self, rest: &[u8], syntax: Syntax) -> bool {
        let tag = self.tag.unwrap_or_default();
        match *rest {
            [] => true,
            [byte] => byte == 0 && self.odd,
            [a, b, c, d, ..] => syntax.tag([a, b, c, d]) <= tag,
            [a, b, ..] => syntax.short([a, b]) < tag.0.max(FIRST_GROUP),
        }
    }
}

#[cfg(test)]
mod tests;
