//! A stream that gets one line for each event: standard output, or anything that can be written to.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use config::Format;
use model::Parcel;

use crate::blocking::{Bench, NoAnswer};
use crate::lines::{LineWriter, Lines};
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// How long to wait before a full non-blocking pipe is tried again.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(5);

/// Writes lines to a stream. A pipe that nobody reads any more gives [`Trouble::Closed`].
#[derive(Debug)]
pub struct LineStream<W> {
    format: Format,
    timeout: Duration,
    bench: Bench<(W, LineWriter)>,
}

/// Standard output without the standard library's buffer, which would hide how far a write came.
#[derive(Debug)]
pub struct RawStdout;

impl Write for RawStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LineStream<RawStdout> {
    /// A sink for standard output.
    #[must_use]
    pub fn stdout(format: Format, timeout: Duration) -> Self {
        Self::new(RawStdout, format, timeout)
    }
}

impl<W: Write + Send + 'static> LineStream<W> {
    /// A sink for any stream.
    #[must_use]
    pub fn new(stream: W, format: Format, timeout: Duration) -> Self {
        Self { format, timeout, bench: Bench::new((stream, LineWriter::default())) }
    }
}

impl<W: Write + Send + 'static> Sink for LineStream<W> {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let lines = Lines::of(&self.format, batch);
            let written = self
                .bench
                .run(self.timeout, move |(stream, writer)| writer.write(&mut Patient(stream), &lines))
                .await
                .map_err(|why| unanswered(why, self.timeout))?;
            match written.error {
                Some(error) if written.lines == 0 => Err(broken(&error)),
                _ => Ok(vec![Outcome::Delivered; written.lines]),
            }
        })
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }
}

/// Waits where a non-blocking stream is full. Waiting for ever is right: it is a thread of
/// its own, the sink's timeout reports it, and the reader may come back after any time.
struct Patient<'a, W>(&'a mut W);

impl<W: Write> Write for Patient<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(FULL_PIPE_PAUSE),
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn unanswered(why: NoAnswer, limit: Duration) -> Trouble {
    Trouble::Down(match why {
        NoAnswer::Late => format!(
            "E-SINK-TIMEOUT: the reader of standard output took nothing for {limit:?}; nothing is lost, the events \
             wait until it reads on"
        ),
        NoAnswer::NoThread => {
            "E-SINK-THREAD: the thread that writes standard output could not be started or has \
                               ended; nothing is lost, the events wait"
                .into()
        }
    })
}

fn broken(error: &io::Error) -> Trouble {
    if error.kind() == ErrorKind::BrokenPipe {
        return Trouble::Closed("the reader of standard output went away".into());
    }
    Trouble::Down(format!(
        "E-SINK-STDOUT: cannot write to standard output ({error}); nothing is lost, the events wait until it works again"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, pipe};

    use super::*;
    use crate::samples::batch;

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn one_line_for_each_event() {
        let (mut reader, writer) = pipe().unwrap();
        let mut sink = LineStream::new(writer, Format::Metwork, SOON);
        assert_eq!(sink.deliver(&batch(1, 3)).await.unwrap().len(), 3);
        drop(sink);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("}\n"));
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_told_apart() {
        let (reader, writer) = pipe().unwrap();
        let mut sink = LineStream::new(writer, Format::Metwork, SOON);
        drop(reader);
        assert!(matches!(sink.deliver(&batch(1, 3)).await, Err(Trouble::Closed(_))));
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_is_trouble_in_time_and_loses_nothing() {
        let (mut reader, writer) = pipe().unwrap();
        let mut sink = LineStream::new(writer, Format::CloudEvents, Duration::from_millis(50));
        // More than a pipe holds.
        let events = batch(1, 400);
        assert!(matches!(sink.deliver(&events).await, Err(Trouble::Down(_))));
        let lines = std::thread::spawn(move || read_lines(&mut reader));
        sink.timeout = SOON;
        assert_eq!(sink.deliver(&batch(401, 1)).await.unwrap().len(), 1);
        drop(sink);
        let lines = lines.join().unwrap();
        assert_eq!(lines.len(), 401);
        for line in &lines {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }

    fn read_lines(reader: &mut PipeReader) -> Vec<String> {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}
