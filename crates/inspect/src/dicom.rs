//! Headers of DICOM files: which study and series an image belongs to, and how many there should be.
//!
//! Written by hand and not with `dicom-object`, which the tests compare it with: that reserves and fills what
//! an element *says* its length is, so that a file of 220 bytes costs 4 GB. Here only the values that are
//! asked for are read, everything else is passed over, and no attribute needs a dictionary.

mod element;
mod length;
mod source;
mod syntax;

use std::fs::File;
use std::io;

use sys::{Dir, Errno, Look};

use crate::error::InspectError;
use crate::place::split;
use element::{Element, Elements, Limit};
pub(crate) use length::shortfall;
pub use length::shortfall_from;
use source::Source;
use syntax::Syntax;

/// What a header says. `None`: it does not say it, or says it in a form that cannot be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DicomHeader {
    /// Study Instance UID (0020,000D).
    pub study: Option<String>,
    /// Series Instance UID (0020,000E).
    pub series: Option<String>,
    /// SOP Instance UID (0008,0018): this image.
    pub sop: Option<String>,
    /// How many instances the series has at least: Number of Series Related Instances (0020,1209), else what
    /// other systems take for it too: Images in Acquisition (0020,1002) times Number of Temporal Positions
    /// (0020,0105), Number of Slices (0054,0081) times Number of Time Slices (0054,0101), or Cardiac Number
    /// of Images (0018,1090). A series may have several acquisitions, so this is a reason to wait and no
    /// proof that all are there.
    pub expected_in_series: Option<u64>,
    /// How many instances the study has: Number of Study Related Instances (0020,1208).
    pub expected_in_study: Option<u64>,
}

/// Why a header cannot be read.
enum Trouble {
    /// It is not what it should be.
    Form(&'static str),
    /// It ends too early, by so many bytes at least.
    Cut(u64),
    Stopped,
    Disk(io::Error),
}

impl From<&'static str> for Trouble {
    fn from(what: &'static str) -> Self {
        Self::Form(what)
    }
}

/// Reads the header of the file at `path`, never its pixel data: with or without preamble and file meta
/// group, explicit or implicit VR, little or big endian. Deflated data sets are an error.
pub fn read_dicom(root: &Dir, path: &[u8]) -> Result<DicomHeader, InspectError> {
    let (parent, name) = split(path);
    let opened = root.open_below(parent).and_then(|dir| open(&dir, name));
    let (look, file) = opened.map_err(|error| InspectError::open(path, error))?;
    read_dicom_from(file, look.size, path)
}

/// The same of a file that is open already, or of its bytes: `size` long, and called `name` in errors.
pub fn read_dicom_from<S: io::Read + io::Seek>(
    file: S,
    size: u64,
    name: &[u8],
) -> Result<DicomHeader, InspectError> {
    header(Source::new(file, size)).map_err(|trouble| trouble.of(name))
}

/// Opens a regular file, and says how it looks.
fn open(dir: &Dir, name: &[u8]) -> Result<(Look, File), Errno> {
    let file = dir.open_regular(name)?;
    Ok((Look::of(&file)?, file))
}

impl Trouble {
    /// As the error of the file at `path`.
    fn of(self, path: &[u8]) -> InspectError {
        let path = path.to_vec();
        match self {
            Trouble::Form(reason) => InspectError::Header { path, reason },
            Trouble::Cut(_) => InspectError::Header { path, reason: CUT },
            Trouble::Stopped => InspectError::Stopped,
            Trouble::Disk(error) => InspectError::Read { path, error },
        }
    }
}

const CUT: &str = "it is cut off";
const NO_DICOM: &str = "it is no DICOM file";

/// Group and number of an element.
type Tag = (u16, u16);

const TRANSFER_SYNTAX: Tag = (0x0002, 0x0010);
const SOP: Tag = (0x0008, 0x0018);
const CARDIAC_IMAGES: Tag = (0x0018, 0x1090);
const STUDY: Tag = (0x0020, 0x000d);
const SERIES: Tag = (0x0020, 0x000e);
const TEMPORAL_POSITIONS: Tag = (0x0020, 0x0105);
const IMAGES_IN_ACQUISITION: Tag = (0x0020, 0x1002);
const INSTANCES_IN_STUDY: Tag = (0x0020, 0x1208);
const INSTANCES_IN_SERIES: Tag = (0x0020, 0x1209);
const SLICES: Tag = (0x0054, 0x0081);
const TIME_SLICES: Tag = (0x0054, 0x0101);

/// Elements are in order, so nothing behind this one is of interest.
const LAST: Tag = TIME_SLICES;

/// Numbers that other numbers are made of.
#[derive(Default)]
struct Counts {
    images_in_acquisition: Option<u64>,
    temporal_positions: Option<u64>,
    slices: Option<u64>,
    time_slices: Option<u64>,
    cardiac_images: Option<u64>,
    in_series: Option<u64>,
}

fn header<S: io::Read + io::Seek>(mut source: Source<S>) -> Result<DicomHeader, Trouble> {
    let marked = syntax::pass_preamble(&mut source)?;
    let stated = transfer_syntax(&mut source)?.map(|uid| Syntax::of(&uid)).transpose()?;
    let syntax = Syntax::guess(&mut source)?.or(stated).ok_or(NO_DICOM)?;
    let mut header = DicomHeader::default();
    let mut counts = Counts::default();
    let mut elements = Elements::new(&mut source, syntax, Limit::HEADER);
    while let Some(element) = elements.next(LAST)? {
        match slot(&element, &mut header, &mut counts) {
            Some(slot) => slot.fill(&elements.value(&element)?, syntax),
            None => elements.pass(&element)?,
        }
    }
    header.expected_in_series = counts.in_series();
    let known = header.study.is_some() || header.series.is_some() || header.sop.is_some();
    if marked || known { Ok(header) } else { Err(NO_DICOM.into()) }
}

/// The Transfer Syntax UID, when there is a file meta group. That is always explicit and little endian.
fn transfer_syntax<S: io::Read + io::Seek>(source: &mut Source<S>) -> Result<Option<Vec<u8>>, Trouble> {
    let mut found = None;
    for _ in 0..MOST_META_ELEMENTS {
        if source.peek()? != Some([2, 0]) {
            return Ok(found);
        }
        let mut elements = Elements::new(source, Syntax::META, Limit::HEADER);
        let Some(element) = elements.next((0x0002, 0xffff))? else { break };
        if element.tag == TRANSFER_SYNTAX && is_short_value(&element) {
            found = Some(elements.value(&element)?);
        } else {
            elements.pass(&element)?;
        }
    }
    Err("its file meta group has no end".into())
}

/// The standard has twenty.
const MOST_META_ELEMENTS: usize = 1_000;

/// Nothing that is asked for is longer.
const LONGEST_VALUE: u32 = 256;

fn is_short_value(element: &Element) -> bool {
    element.length.is_some_and(|length| length <= LONGEST_VALUE)
}

/// A larger count is a mistake that would hold up a series for ever.
const LARGEST_COUNT: u64 = 1_000_000;

/// Where a value goes.
enum Slot<'a> {
    Uid(&'a mut Option<String>),
    /// Digits as text.
    Text(&'a mut Option<u64>),
    /// Two bytes.
    Short(&'a mut Option<u64>),
}

/// Where the value of an element goes; nothing for one that nobody asked for.
fn slot<'a>(element: &Element, header: &'a mut DicomHeader, counts: &'a mut Counts) -> Option<Slot<'a>> {
    if !is_short_value(element) {
        return None;
    }
    Some(match element.tag {
        SOP => Slot::Uid(&mut header.sop),
        STUDY => Slot::Uid(&mut header.study),
        SERIES => Slot::Uid(&mut header.series),
        INSTANCES_IN_STUDY => Slot::Text(&mut header.expected_in_study),
        INSTANCES_IN_SERIES => Slot::Text(&mut counts.in_series),
        IMAGES_IN_ACQUISITION => Slot::Text(&mut counts.images_in_acquisition),
        TEMPORAL_POSITIONS => Slot::Text(&mut counts.temporal_positions),
        CARDIAC_IMAGES => Slot::Text(&mut counts.cardiac_images),
        SLICES => Slot::Short(&mut counts.slices),
        TIME_SLICES => Slot::Short(&mut counts.time_slices),
        _ => return None,
    })
}

impl Slot<'_> {
    fn fill(self, value: &[u8], syntax: Syntax) {
        match self {
            Slot::Uid(place) => *place = uid(value),
            Slot::Text(place) => *place = number(value),
            Slot::Short(place) => *place = short(value, syntax),
        }
    }
}

/// A UID: digits and dots, at most 64; what pads it to an even length does not belong to it.
fn uid(value: &[u8]) -> Option<String> {
    let text = trimmed(value);
    let allowed = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let valid = (1..=64).contains(&text.len()) && text.iter().all(allowed);
    valid.then(|| text.iter().map(|&byte| char::from(byte)).collect())
}

/// The number in a text; where there are several, the first.
fn number(value: &[u8]) -> Option<u64> {
    let first = value.split(|&byte| byte == b'\\').next()?;
    believable(std::str::from_utf8(trimmed(first)).ok()?.parse().ok()?)
}

fn short(value: &[u8], syntax: Syntax) -> Option<u64> {
    believable(u64::from(syntax.short(*value.first_chunk()?)))
}

fn believable(count: u64) -> Option<u64> {
    (1..=LARGEST_COUNT).contains(&count).then_some(count)
}

fn trimmed(value: &[u8]) -> &[u8] {
    let pads = |byte: &u8| matches!(byte, b' ' | 0);
    let end = value.iter().rposition(|byte| !pads(byte)).map_or(0, |at| at + 1);
    let begin = value[..end].iter().position(|byte| !pads(byte)).unwrap_or(0);
    &value[begin..end]
}

impl Counts {
    fn in_series(&self) -> Option<u64> {
        let product = |one: Option<u64>, other: Option<u64>| believable(one?.checked_mul(other?)?);
        self.in_series
            .or_else(|| product(self.images_in_acquisition, self.temporal_positions))
            .or_else(|| product(self.slices, self.time_slices))
            .or(self.cardiac_images)
    }
}

#[cfg(test)]
mod tests;
