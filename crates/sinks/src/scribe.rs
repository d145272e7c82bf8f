//! A log of what happens in watched trees, for people: one line for each happening, and one more for each rename
//! that was put together.

mod halves;
pub(crate) mod sendit;
pub(crate) mod sentences;

use std::time::Duration;

use config::{Format, ScribeLog, ScribeSink, ScribeStyle};

use crate::jsonl::Jsonl;
use crate::lines::Wording;
use crate::sink::Sink;
use crate::stdout::LineStream;

use halves::InTurn;

pub use sendit::finished_name;

/// The sink. Several may write to one file or to standard output: every line is whole.
#[must_use]
pub fn build(plan: &ScribeSink, timeout: Duration) -> Box<dyn Sink> {
    // Whether there may be lines that put a rename together.
    let (wording, pairs) = match plan.style {
        ScribeStyle::Text => (Wording::Sentences, true),
        ScribeStyle::Json => (Wording::Format(Format::CloudEvents), true),
        ScribeStyle::Dicom => (Wording::Dicom, false),
        ScribeStyle::Events => (Wording::Events, false),
    };
    let sink: Box<dyn Sink> = match &plan.log {
        ScribeLog::Stdout => Box::new(LineStream::stdout_in_words(wording, timeout)),
        ScribeLog::File(path) => Box::new(Jsonl::in_words(path.clone(), wording, timeout)),
    };
    if pairs { Box::new(InTurn(sink)) } else { sink }
}

#[cfg(test)]
mod tests;
