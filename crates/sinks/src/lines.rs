//! Batches as lines, and writing them to something that may take only a part of them.

use std::io::{self, ErrorKind, Write};

use config::Format;
use jiff::tz::TimeZone;
use model::Parcel;

use crate::format::{encode, is_raw};
use crate::scribe::{sendit, sentences};

/// How events become lines.
#[derive(Clone, Debug)]
pub(crate) enum Wording {
    /// One line for each, in a format.
    Format(Format),
    /// A scribe's sentences.
    Sentences,
    /// The log lines of sendit's `DicomCelery`.
    Dicom,
    /// Those of its `AllEventsPrinter`.
    Events,
}

impl Wording {
    /// The batch in these words, as far as it can be had without a look at the tree.
    pub(crate) fn draft(&self, batch: &[Parcel]) -> Draft {
        match self {
            Wording::Format(format) => Draft::Ready(Lines::of(format, batch)),
            Wording::Dicom => Draft::ToLook(batch.to_vec()),
            Wording::Events => Draft::Ready(Lines::with(batch, sendit::push_printed)),
            Wording::Sentences => {
                let zone = TimeZone::system();
                Draft::Ready(Lines::with(batch, |parcel, out| sentences::push(parcel, &zone, out)))
            }
        }
    }
}

/// Lines before they are written.
#[derive(Debug)]
pub(crate) enum Draft {
    Ready(Lines),
    /// What they say depends on how the tree is when they are written.
    ToLook(Vec<Parcel>),
}

impl Draft {
    /// The lines. Looks at the tree, so it may block as long as a disk does.
    pub(crate) fn finish(self) -> Lines {
        match self {
            Draft::Ready(lines) => lines,
            Draft::ToLook(batch) => Lines::with(&batch, sendit::push_dicom),
        }
    }
}

/// A batch as lines in one piece of memory: usually one for each event, perhaps more, perhaps none.
#[derive(Debug)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the last line of each event ends in `bytes`, behind its newline.
    ends: Vec<usize>,
    /// The place in the ledger of each event.
    seqs: Vec<u64>,
}

impl Lines {
    /// Encodes the batch. Names in raw formats are escaped so that each event stays one line.
    pub(crate) fn of(format: &Format, batch: &[Parcel]) -> Self {
        let raw = is_raw(format);
        let mut scratch = Vec::new();
        Self::with(batch, |parcel, out| {
            if raw {
                scratch.clear();
                encode(format, parcel, &mut scratch);
                push_one_line(&scratch, out);
            } else {
                encode(format, parcel, out);
            }
            out.push(b'\n');
        })
    }

    /// The batch as `push` writes it: whole lines for each event.
    pub(crate) fn with(batch: &[Parcel], mut push: impl FnMut(&Parcel, &mut Vec<u8>)) -> Self {
        let mut lines = Self {
            bytes: Vec::with_capacity(batch.len() * 512),
            ends: Vec::with_capacity(batch.len()),
            seqs: batch.iter().map(|parcel| parcel.seq).collect(),
        };
        for parcel in batch {
            push(parcel, &mut lines.bytes);
            lines.ends.push(lines.bytes.len());
        }
        lines
    }

    /// How many bytes they are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where the lines of an event begin.
    fn start(&self, event: usize) -> usize {
        if event == 0 { 0 } else { self.ends[event - 1] }
    }
}

/// Appends `raw` with backslashes and control bytes as `\\`, `\n`, `\x1b`: one line, no terminal
/// escape, and the bytes can be had back.
pub(crate) fn push_one_line(raw: &[u8], out: &mut Vec<u8>) {
    for &byte in raw {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            // Writing to a Vec cannot fail.
            0..=0x1f | 0x7f => drop(write!(out, "\\x{byte:02x}")),
            _ => out.push(byte),
        }
    }
}

/// Appends lines and, when a write broke off inside one, knows what is missing of it. Several sinks may share
/// one: then a line that one of them began is ended before another begins.
#[derive(Debug, Default)]
pub(crate) struct LineWriter {
    unfinished: Option<Unfinished>,
    /// What was completed for an owner that has not come back yet: one entry for each owner at most.
    mended: Vec<(u32, u64)>,
}

#[derive(Debug)]
struct Unfinished {
    /// The owner and the event whose line it is; `None` for a line that nobody comes back for.
    of: Option<(u32, u64)>,
    /// What must follow before anything else is written.
    rest: Vec<u8>,
}

/// How far a write came.
#[derive(Debug)]
pub(crate) struct Written {
    /// The lines of so many events are there to their end, from the first on.
    pub(crate) events: usize,
    /// What stopped it before the last.
    pub(crate) error: Option<io::Error>,
}

impl LineWriter {
    /// The destination ends in the middle of a line that nobody can complete: the next write
    /// begins with a newline.
    pub(crate) fn ends_inside_a_line(&mut self) {
        self.unfinished = Some(Unfinished { of: None, rest: b"\n".to_vec() });
    }

    /// Whether a line still waits for its rest.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Gives up an unfinished line, because the file it stands in is not the destination any more, or others have
    /// ended it: its event is written whole when it is offered again.
    pub(crate) fn abandon(&mut self) {
        self.unfinished = None;
        self.mended.clear();
    }

    /// Appends the lines with one write where the destination takes it so.
    pub(crate) fn write(&mut self, to: &mut impl Write, lines: &Lines) -> Written {
        self.write_for(0, to, lines)
    }

    /// The same for one of several owners.
    pub(crate) fn write_for(&mut self, owner: u32, to: &mut impl Write, lines: &Lines) -> Written {
        if let Err(error) = self.finish(to) {
            return Written { events: 0, error: Some(error) };
        }
        // The event whose line was completed is offered again, because its batch failed.
        let mended = self.mended.iter().position(|of| of.0 == owner).map(|at| self.mended.swap_remove(at).1);
        let skip = usize::from(mended.is_some() && mended == lines.seqs.first().copied());
        let start = lines.start(skip);
        let (count, error) = put(to, &lines.bytes[start..]);
        let reached = start + count;
        let complete = lines.ends.partition_point(|&end| end <= reached);
        if reached > lines.start(complete) {
            let rest = lines.bytes[reached..lines.ends[complete]].to_vec();
            self.unfinished = Some(Unfinished { of: Some((owner, lines.seqs[complete])), rest });
        }
        Written { events: complete, error }
    }

    /// Appends one line that is nobody's event; what is missing of it after an error comes with the next.
    pub(crate) fn write_line(&mut self, to: &mut impl Write, line: &[u8]) -> io::Result<()> {
        self.finish(to)?;
        let (count, error) = put(to, line);
        if count > 0 && count < line.len() {
            self.unfinished = Some(Unfinished { of: None, rest: line[count..].to_vec() });
        }
        error.map_or(Ok(()), Err)
    }

    /// Completes what an earlier write left unfinished.
    pub(crate) fn finish(&mut self, to: &mut impl Write) -> io::Result<()> {
        let Some(unfinished) = &mut self.unfinished else { return Ok(()) };
        let (count, error) = put(to, &unfinished.rest);
        unfinished.rest.drain(..count);
        if let Some(error) = error {
            return Err(error);
        }
        if let Some(of) = self.unfinished.take().and_then(|unfinished| unfinished.of) {
            self.mended.retain(|other| other.0 != of.0);
            self.mended.push(of);
        }
        Ok(())
    }
}

/// Writes until all is written or an error stops it; how many bytes were taken, and the error.
fn put(to: &mut impl Write, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut at = 0;
    while at < bytes.len() {
        match to.write(&bytes[at..]) {
            Ok(0) => return (at, Some(ErrorKind::WriteZero.into())),
            Ok(count) => at += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (at, Some(error)),
        }
    }
    match to.flush() {
        Ok(()) => (at, None),
        Err(error) => (at, Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{batch, parcel};

    /// Takes so many bytes in all, then fails.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
        writes: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            let count = bytes.len().min(self.room - self.taken.len());
            if count == 0 {
                return Err(io::Error::from_raw_os_error(28));
            }
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn narrow(room: usize) -> Narrow {
        Narrow { taken: Vec::new(), room, writes: 0 }
    }

    fn newlines(bytes: &[u8]) -> usize {
        bytes.split(|&b| b == b'\n').count() - 1
    }

    #[test]
    fn a_batch_is_one_write() {
        let mut to = narrow(1 << 20);
        let written = LineWriter::default().write(&mut to, &Lines::of(&Format::Metwork, &batch(1, 100)));
        assert_eq!((written.events, written.error.is_none(), to.writes), (100, true, 1));
        assert_eq!(newlines(&to.taken), 100);
    }

    /// Whatever byte the room ends at, no line is torn, none is missing, none is there twice.
    #[test]
    fn every_break_is_mended() {
        let events = batch(1, 3);
        let lines = Lines::of(&Format::Metwork, &events);
        let whole = lines.bytes.clone();
        for room in 0..=whole.len() {
            let (mut to, mut writer) = (narrow(room), LineWriter::default());
            let first = writer.write(&mut to, &lines);
            assert_eq!(first.events, newlines(&to.taken));
            assert_eq!(first.error.is_none(), room == whole.len());
            to.room = usize::MAX;
            if first.events < 3 {
                let again = writer.write(&mut to, &Lines::of(&Format::Metwork, &events[first.events..]));
                assert_eq!((again.events, again.error.is_none()), (3 - first.events, true));
            }
            assert_eq!(to.taken, whole, "room for {room} bytes");
        }
    }

    #[test]
    fn a_break_inside_the_mending_is_mended_too() {
        let events = batch(1, 2);
        let (mut to, mut writer) = (narrow(5), LineWriter::default());
        for room in [5, 9, 9, 30, 500] {
            to.room = room;
            let written = writer.write(&mut to, &Lines::of(&Format::Metwork, &events));
            assert_eq!(written.events, if room == 500 { 2 } else { 0 });
        }
        assert_eq!(to.taken, Lines::of(&Format::Metwork, &events).bytes);
    }

    #[test]
    fn another_batch_does_not_run_into_an_unfinished_line() {
        let (mut to, mut writer) = (narrow(7), LineWriter::default());
        writer.write(&mut to, &Lines::of(&Format::Metwork, &batch(1, 1)));
        to.room = usize::MAX;
        writer.write(&mut to, &Lines::of(&Format::Metwork, &batch(5, 1)));
        let both = Lines::of(&Format::Metwork, &[batch(1, 1), batch(5, 1)].concat());
        assert_eq!(to.taken, both.bytes);
    }

    #[test]
    fn raw_names_stay_one_line_and_can_be_read_back() {
        let lines = Lines::of(&Format::Path, &[parcel(b"a\nb\\n\x1b[31m\xff\x7f")]);
        assert_eq!(lines.bytes, b"/data/stage1/a\\nb\\\\n\\x1b[31m\xff\\x7f\n");
    }
}
