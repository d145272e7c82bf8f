//! Elements of a data set, one after the other; nested data sets are passed over.

use std::io::{Read, Seek};

use super::source::Source;
use super::syntax::Syntax;
use super::{Tag, Trouble};

/// `stop` is asked once for so many elements.
const ELEMENTS_BETWEEN_STOPS: u32 = 4_096;

/// Data sets in data sets, deeper than in any real header.
const DEEPEST: usize = 128;

/// So long is a delimiter.
const DELIMITER: u64 = 8;

/// The length of what ends with a delimiter.
const UNDEFINED: u32 = u32::MAX;

const ITEM: Tag = (0xfffe, 0xe000);
const ITEM_END: Tag = (0xfffe, 0xe00d);
const SEQUENCE_END: Tag = (0xfffe, 0xe0dd);

const DAMAGED: &str = "it is damaged";

/// The head of one element; its value is next.
pub(super) struct Element {
    pub(super) tag: Tag,
    /// Nothing when a delimiter ends it.
    pub(super) length: Option<u32>,
    /// How what is in it is written, when a delimiter ends it.
    inner: Syntax,
}

/// What is open and ends with a delimiter.
enum Open {
    /// Items, and how what is in them is written.
    Sequence(Syntax),
    /// Elements.
    Item(Syntax),
}

/// The elements of one data set.
pub(super) struct Elements<'a, S> {
    source: &'a mut Source<S>,
    syntax: Syntax,
    limit: Limit<'a>,
    count: u32,
}

/// When reading comes to an end before the file does.
#[derive(Clone, Copy)]
pub(super) struct Limit<'a> {
    /// More elements than this, those in sequences counted too, are not looked at.
    pub(super) elements: u32,
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl Limit<'_> {
    /// More elements than this in front of the last one of interest are no header.
    pub(super) const HEADER: Limit<'static> = Limit { elements: 100_000, stop: &|| false };
}

impl<'a, S: Read + Seek> Elements<'a, S> {
    pub(super) fn new(source: &'a mut Source<S>, syntax: Syntax, limit: Limit<'a>) -> Self {
        Self { source, syntax, limit, count: 0 }
    }

    /// How many bytes are left.
    pub(super) const fn left(&self) -> u64 {
        self.source.left()
    }

    /// What is left, which is known to be little.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, Trouble> {
        let mut rest = vec![0; self.left() as usize];
        self.source.read(&mut rest)?;
        Ok(rest)
    }

    /// The next element that is not behind `last`; nothing at the end of the file.
    pub(super) fn next(&mut self, last: Tag) -> Result<Option<Element>, Trouble> {
        if self.source.is_empty() {
            return Ok(None);
        }
        let element = self.head(self.syntax)?;
        if element.tag.0 == ITEM.0 {
            return Err(DAMAGED.into());
        }
        Ok((element.tag <= last).then_some(element))
    }

    /// The value of an element whose length is known to be small.
    pub(super) fn value(&mut self, element: &Element) -> Result<Vec<u8>, Trouble> {
        let mut value = vec![0; element.length.unwrap_or(0) as usize];
        self.source.read(&mut value)?;
        Ok(value)
    }

    /// Passes over the value of an element.
    pub(super) fn pass(&mut self, element: &Element) -> Result<(), Trouble> {
        match element.length {
            Some(length) => self.source.pass(length),
            None => self.pass_delimited(element.inner),
        }
    }

    /// Passes over a sequence to its delimiter, without recursion.
    fn pass_delimited(&mut self, syntax: Syntax) -> Result<(), Trouble> {
        let mut open = vec![Open::Sequence(syntax)];
        while let Some(innermost) = open.last() {
            if open.len() > DEEPEST {
                return Err(DAMAGED.into());
            }
            // What is cut off here lacks these as well; a head that is cut off may itself be one of them.
            let (all, outer) = (open.len(), open.len() - 1);
            match *innermost {
                Open::Sequence(syntax) => match self.item(syntax).map_err(lacking(outer))? {
                    (ITEM, UNDEFINED) => open.push(Open::Item(syntax)),
                    (ITEM, length) => self.source.pass(length).map_err(lacking(all))?,
                    (SEQUENCE_END, _) => drop(open.pop()),
                    _ => return Err(DAMAGED.into()),
                },
                Open::Item(syntax) => {
                    let element = self.head(syntax).map_err(lacking(outer))?;
                    match (element.tag, element.length) {
                        (ITEM_END, _) => drop(open.pop()),
                        ((0xfffe, _), _) => return Err(DAMAGED.into()),
                        (_, Some(length)) => self.source.pass(length).map_err(lacking(all))?,
                        (_, None) => open.push(Open::Sequence(element.inner)),
                    }
                }
            }
        }
        Ok(())
    }

    fn counted(&mut self) -> Result<(), Trouble> {
        self.count += 1;
        if self.count > self.limit.elements {
            return Err("it has too many elements".into());
        }
        let is_told = self.count.is_multiple_of(ELEMENTS_BETWEEN_STOPS) && (self.limit.stop)();
        if is_told { Err(Trouble::Stopped) } else { Ok(()) }
    }

    /// The head of an item or delimiter, which never has a type.
    fn item(&mut self, syntax: Syntax) -> Result<(Tag, u32), Trouble> {
        self.counted()?;
        let tag = syntax.tag(self.source.array()?);
        Ok((tag, syntax.long(self.source.array()?)))
    }

    /// The head of an element, or of the delimiter of an item.
    fn head(&mut self, syntax: Syntax) -> Result<Element, Trouble> {
        self.counted()?;
        let tag = syntax.tag(self.source.array()?);
        let (length, inner) = if !syntax.explicit || tag.0 == ITEM.0 {
            (syntax.long(self.source.array()?), syntax)
        } else {
            let vr: [u8; 2] = self.source.array()?;
            match &vr {
                b"UN" => (self.long_length(syntax)?, Syntax::UNKNOWN),
                b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UR" | b"UT"
                | b"UV" => (self.long_length(syntax)?, syntax),
                b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FD" | b"FL" | b"IS" | b"LO"
                | b"LT" | b"PN" | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL" | b"US" => {
                    (syntax.short(self.source.array()?).into(), syntax)
                }
                _ => return Err(DAMAGED.into()),
            }
        };
        Ok(Element { tag, length: (length != UNDEFINED).then_some(length), inner })
    }

    /// Types with long values have two spare bytes in front of their length.
    fn long_length(&mut self, syntax: Syntax) -> Result<u32, Trouble> {
        let _spare: [u8; 2] = self.source.array()?;
        Ok(syntax.long(self.source.array()?))
    }
}

/// What is cut off lacks so many delimiters, too.
fn lacking(delimiters: usize) -> impl Fn(Trouble) -> Trouble {
    move |trouble| match trouble {
        Trouble::Cut(missing) => Trouble::Cut(missing.saturating_add(DELIMITER * delimiters as u64)),
        other => other,
    }
}
