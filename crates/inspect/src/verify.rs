//! Does a unit agree with its list of checksums?

mod checked;
mod extras;
mod hash_files;
mod members;

use crate::content::{Content, content};
use crate::error::InspectError;
use crate::few::Few;
use crate::manifest::{Fault, LARGEST_MANIFEST, Line, ManifestError, Style, parse};
use crate::place::{Found, Place, split};

pub use checked::Checked;
pub use hash_files::Pace;
use members::{Unit, Verdict};

/// What becomes of files that are not in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extras {
    /// They are nobody's business.
    #[default]
    Ignore,
    /// They are found and named.
    Refuse,
}

/// What is to be verified.
pub struct ManifestRequest<'a> {
    /// The list, relative to the unit (to the directory of a unit that is a file). The paths in the list are
    /// relative to the unit too, wherever in it the list lies.
    pub file: Vec<u8>,
    /// Its form.
    pub style: Style,
    /// The list is for many files, and the unit is one of them: only its own line counts.
    pub own_line: bool,
    /// What becomes of files that are not in the list.
    pub extras: Extras,
    /// Extras that are no members: markers, other lists. The list itself need not be named.
    pub ignore: &'a dyn Fn(&[u8]) -> bool,
    /// So many files are hashed at the same time, the calling thread's included; 0 means 1.
    pub threads: usize,
    /// The rate that `pace` will keep to, all threads together: blocks are made small enough for it to
    /// be smooth. The rate itself is kept by `pace`.
    pub bytes_per_second: Option<u64>,
}

impl std::fmt::Debug for ManifestRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("ManifestRequest");
        out.field("file", &model::text::safe(&self.file)).field("style", &self.style);
        out.field("extras", &self.extras).field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// What was found. Each line of the list is counted once, under the first of these that is true of it:
/// missing, unreadable, open, wrong, good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestAnswer {
    /// The lines of the list; 0 while the list itself is being written.
    pub total: u64,
    /// Members that are as the list says.
    pub good: u64,
    /// Members that are not there.
    pub missing: Few,
    /// Members with another checksum or size, or that are no regular files.
    pub wrong: Few,
    /// Files that are not in the list, if that was asked.
    pub extra: Few,
    /// Members that somebody has open for writing, or that changed while they were read; also the list
    /// itself.
    pub open: Few,
    /// Members that may not be read, and directories that may not be searched for extras.
    pub unreadable: Few,
}

impl ManifestAnswer {
    /// Whether everything is as the list says.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.total > 0 && self.good == self.total && self.extra.is_empty() && self.unreadable.is_empty()
    }
}

/// Compares the members of `base` with the list. Members that `checked` remembers are not read again.
///
/// `pace` is told of each block that was read, by the thread that read it, and may block. `stop` is asked
/// between the blocks; what was hashed by then is remembered.
pub fn verify_manifest(
    base: &Place<'_>,
    request: &ManifestRequest<'_>,
    checked: &mut Checked,
    pace: &dyn Pace,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<ManifestAnswer, InspectError> {
    let (top, own) = match base.find()? {
        Found::Directory(top) => (top, None),
        Found::Entry(parent) => (parent, Some(split(base.path).1)),
    };
    let lines = match content(&top, &request.file, LARGEST_MANIFEST)? {
        Content::Absent => return Err(InspectError::Absent { path: request.file.clone() }),
        Content::TooLarge => return Err(unbelievable(request, ManifestError::TooLarge)),
        Content::Busy => {
            let mut answer = ManifestAnswer::default();
            answer.open.add(&request.file);
            return Ok(answer);
        }
        Content::Whole(text) => lines(request, own, &text).map_err(|error| unbelievable(request, error))?,
    };
    let unit = Unit::new(&top, &lines);
    let mut verdicts = unit.look(checked, stop)?;
    let whole = hash_files::hash_files(&unit, request, &mut verdicts, checked, pace, stop);
    if !whole {
        return Err(InspectError::Stopped);
    }
    let mut answer = count(&lines, &verdicts);
    if request.extras == Extras::Refuse && own.is_none() {
        extras::find(&unit, request, &mut answer, stop)?;
    }
    Ok(answer)
}

fn unbelievable(request: &ManifestRequest<'_>, error: ManifestError) -> InspectError {
    InspectError::Manifest { path: request.file.clone(), error }
}

/// The lines of the list, with a name for a sum that has none.
fn lines(request: &ManifestRequest<'_>, own: Option<&[u8]>, text: &[u8]) -> Result<Vec<Line>, ManifestError> {
    let mut lines = parse(&request.file, text, request.style)?;
    if let [line] = lines.as_mut_slice()
        && line.path.is_empty()
    {
        let companion = own.or_else(|| without_extension(&request.file));
        line.path = companion.ok_or(ManifestError::Line { line: 1, fault: Fault::NoName })?.to_vec();
    }
    if let Some(own) = own.filter(|_| request.own_line) {
        lines.retain(|line| line.path == own);
        if lines.is_empty() {
            return Err(ManifestError::NotNamed);
        }
    }
    Ok(lines)
}

/// `x.dat` for `x.dat.md5`.
fn without_extension(path: &[u8]) -> Option<&[u8]> {
    let name = split(path).1;
    let dot = name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0)?;
    Some(&path[..path.len() - name.len() + dot])
}

fn count(lines: &[Line], verdicts: &[Verdict]) -> ManifestAnswer {
    let mut answer = ManifestAnswer { total: lines.len() as u64, ..ManifestAnswer::default() };
    for (line, verdict) in lines.iter().zip(verdicts) {
        match verdict {
            Verdict::Good => answer.good += 1,
            Verdict::Missing => answer.missing.add(&line.path),
            Verdict::Wrong => answer.wrong.add(&line.path),
            Verdict::Open | Verdict::ToHash => answer.open.add(&line.path),
            Verdict::Unreadable => answer.unreadable.add(&line.path),
        }
    }
    answer
}
