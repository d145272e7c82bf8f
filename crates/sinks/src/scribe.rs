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

/// The sink. Several may write to one file or to standard output: every line is whole.
#[must_use]
pub fn build(plan: &ScribeSink, timeout: Duration) -> Box<dyn Sink> {
    let wording = match plan.style {
        ScribeStyle::Text => Wording::Sentences,
        ScribeStyle::Dicom => Wording::Watcher(sendit::Lines::Dicom),
        ScribeStyle::Events => Wording::Watcher(sendit::Lines::Events),
        ScribeStyle::Json => Wording::Format(Format::CloudEvents),
    };
    let sink: Box<dyn Sink> = match &plan.log {
        ScribeLog::Stdout => Box::new(LineStream::stdout_in_words(wording, timeout)),
        ScribeLog::File(path) => Box::new(Jsonl::in_words(path.clone(), wording, timeout)),
    };
    Box::new(InTurn(sink))
}

#[cfg(test)]
mod tests;
