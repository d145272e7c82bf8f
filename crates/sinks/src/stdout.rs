//! A stream that gets one line for each event: standard output, or anything that can be written to.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use config::Format;
use model::Parcel;
use rustix::io::ReadWriteFlags;

use crate::blocking::{Bench, NoAnswer};
use crate::lines::{Draft, LineWriter, Lines, Wording};
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// How long to wait before a full non-blocking pipe is tried again.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(5);

/// So many bytes a pipe takes whole or not at all.
const WHOLE: usize = 4096;

/// Writes lines to a stream. A pipe that nobody reads any more gives [`Trouble::Closed`].
#[derive(Debug)]
pub struct LineStream<W> {
    wording: Wording,
    timeout: Duration,
    bench: Bench<(W, Desk)>,
    desk: Desk,
    /// The same stream once more, where it can be written without waiting: then an event that comes alone needs no
    /// other thread, and the bench gets only what the stream did not take.
    at_once: Option<Willing>,
}

/// The right to write to the stream, and what is left to be written of a broken line. Whoever shares a stream
/// shares this: one batch after the other, no line inside another.
#[derive(Clone, Debug)]
struct Desk {
    writer: Arc<Mutex<LineWriter>>,
    owner: u32,
}

impl Desk {
    /// One more owner at the desk of these.
    fn at(writer: &Arc<Mutex<LineWriter>>) -> Self {
        static OWNERS: AtomicU32 = AtomicU32::new(0);
        Self { writer: Arc::clone(writer), owner: OWNERS.fetch_add(1, Ordering::Relaxed) }
    }
}

/// The desk of standard output, of which a process has one.
static STDOUT: LazyLock<Arc<Mutex<LineWriter>>> = LazyLock::new(Arc::default);

/// Writes a line (its newline is added) to standard output, between the lines of sinks that write there.
pub fn print_line(line: &[u8]) -> io::Result<()> {
    let mut writer = STDOUT.lock().unwrap_or_else(PoisonError::into_inner);
    writer.write_line(&mut Patient(&mut RawStdout), &[line, b"\n"].concat())
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

/// A stream that takes nothing where it would have to wait.
#[derive(Debug)]
enum Willing {
    Stdout,
    #[cfg(test)]
    Other(std::os::fd::OwnedFd),
}

impl Write for Willing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let to = match self {
            Willing::Stdout => rustix::stdio::stdout(),
            #[cfg(test)]
            Willing::Other(other) => std::os::fd::AsFd::as_fd(other),
        };
        // At the place where the stream stands, which the kernel calls -1.
        Ok(rustix::io::pwritev2(to, &[IoSlice::new(bytes)], u64::MAX, ReadWriteFlags::NOWAIT)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LineStream<RawStdout> {
    /// A sink for standard output.
    #[must_use]
    pub fn stdout(format: Format, timeout: Duration) -> Self {
        Self::stdout_in_words(Wording::Format(format), timeout)
    }

    /// The same with lines of any wording.
    pub(crate) fn stdout_in_words(wording: Wording, timeout: Duration) -> Self {
        Self { at_once: Some(Willing::Stdout), ..Self::shared(RawStdout, &STDOUT, wording, timeout) }
    }
}

impl<W: Write + Send + 'static> LineStream<W> {
    /// A sink for any stream.
    #[must_use]
    pub fn new(stream: W, format: Format, timeout: Duration) -> Self {
        Self::shared(stream, &Arc::default(), Wording::Format(format), timeout)
    }

    fn shared(stream: W, desk: &Arc<Mutex<LineWriter>>, wording: Wording, timeout: Duration) -> Self {
        let desk = Desk::at(desk);
        Self { wording, timeout, bench: Bench::new((stream, desk.clone())), desk, at_once: None }
    }

    /// How many events' lines the stream took without a wait. More than a few lines are the bench's, so that none is
    /// left torn.
    fn write_at_once(&mut self, lines: &Lines) -> usize {
        // What the bench has in hand comes first.
        let willing = lines.len() <= WHOLE && self.bench.is_idle();
        let Some(stream) = self.at_once.as_mut().filter(|_| willing) else { return 0 };
        // Whoever has the desk may be waiting for the reader.
        let Ok(mut writer) = self.desk.writer.try_lock() else { return 0 };
        let written = writer.write_for(self.desk.owner, stream, lines);
        if written.error.is_some_and(|error| error.kind() != ErrorKind::WouldBlock) {
            // It is of a kind that cannot be written so, or broken, which the bench will say.
            self.at_once = None;
        }
        written.events
    }
}

impl<W: Write + Send + 'static> Sink for LineStream<W> {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let draft = self.wording.draft(batch);
            if let Draft::Ready(lines) = &draft {
                let events = self.write_at_once(lines);
                if events > 0 {
                    return Ok(vec![Outcome::Delivered; events]);
                }
            }
            let written = self
                .bench
                .run(self.timeout, move |(stream, desk)| {
                    let lines = draft.finish();
                    // Held while the reader does not read: nobody else could write there either.
                    let mut writer = desk.writer.lock().unwrap_or_else(PoisonError::into_inner);
                    writer.write_for(desk.owner, &mut Patient(stream), &lines)
                })
                .await
                .map_err(|why| unanswered(why, self.timeout))?;
            match written.error {
                Some(error) if written.events == 0 => Err(broken(&error)),
                _ => Ok(vec![Outcome::Delivered; written.events]),
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

    /// Until the pipe is full no thread is needed; whatever it takes then, each line is there once, in order.
    #[tokio::test]
    async fn what_is_not_taken_at_once_comes_behind_what_was() {
        let (mut reader, writer) = pipe().unwrap();
        let mut sink =
            LineStream::new(writer.try_clone().unwrap(), Format::CloudEvents, Duration::from_millis(50));
        sink.at_once = Some(Willing::Other(writer.into()));
        let mut events = 0;
        while sink.deliver(&batch(events + 1, 3)).await.is_ok() {
            events += 3;
        }
        // The batch that was late is written by the bench when there is room.
        events += 3;
        let lines = std::thread::spawn(move || read_lines(&mut reader));
        sink.timeout = SOON;
        while events < 2000 {
            events += sink.deliver(&batch(events + 1, 3)).await.unwrap().len() as u64;
        }
        drop(sink);
        let lines = lines.join().unwrap();
        let mut whole = Vec::new();
        for parcel in batch(1, events) {
            crate::format::encode(&Format::CloudEvents, &parcel, &mut whole);
            whole.push(b'\n');
        }
        assert_eq!(lines.join("\n") + "\n", String::from_utf8(whole).unwrap());
    }

    #[tokio::test]
    async fn a_stream_that_cannot_be_asked_is_written_all_the_same() {
        let scratch = tempfile::tempfile_in("/dev/shm").unwrap();
        let mut sink = LineStream::new(scratch.try_clone().unwrap(), Format::Metwork, SOON);
        sink.at_once = Some(Willing::Other(scratch.try_clone().unwrap().into()));
        assert_eq!(sink.deliver(&batch(1, 3)).await.unwrap().len(), 3);
        assert!(sink.at_once.is_none(), "it is not asked again");
    }

    /// A pipe takes large writes in pieces, between which other writers come.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn those_who_share_a_stream_do_not_write_into_each_others_lines() {
        let (mut reader, writer) = pipe().unwrap();
        let lines = std::thread::spawn(move || read_lines(&mut reader));
        let desk = Arc::default();
        let scribe = |first: u64| {
            let wording = Wording::Format(Format::CloudEvents);
            let mut sink = LineStream::shared(writer.try_clone().unwrap(), &desk, wording, SOON);
            tokio::spawn(async move {
                for at in (first..first + 5000).step_by(250) {
                    assert_eq!(sink.deliver(&batch(at, 250)).await.unwrap().len(), 250);
                }
            })
        };
        let (one, two) = (scribe(1), scribe(10_000));
        one.await.unwrap();
        two.await.unwrap();
        drop(writer);
        let lines = lines.join().unwrap();
        assert_eq!(lines.len(), 10_000);
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
