//! What can be wrong with a plugin, in sentences.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use std::os::unix::process::ExitStatusExt as _;

use rustix::io::Errno;

use super::voice::shown;
use super::wire::PROTOCOL;
use crate::sink::Trouble;

/// Why a plugin takes no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no good manifest, for this reason.
    Manifest(String),
    /// The program could not be started: the program, the error number, what the system says.
    Start(String, Option<Errno>, String),
    /// It did not greet in time.
    NoHello(Duration),
    /// It greets in a protocol that is not spoken here.
    Version(u64),
    /// So many events lie with it, and none was acknowledged for so long.
    NoAck(usize, Duration),
    /// A line of its output is longer than allowed.
    LongLine(usize),
    /// Too many lines of its output are no messages.
    Garbage {
        /// So many in a row.
        lines: u32,
        /// What the last one was.
        why: &'static str,
    },
    /// It said something that cannot be.
    Nonsense(String),
    /// It says itself that it cannot go on.
    Fatal(String),
    /// It ended, or closed its input or output.
    Ended,
}

const KEPT: &str = "nothing is lost, its events wait and are sent to it again";

/// How a plugin that was running ended.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// As the system tells it; nothing where it could not be waited for.
    pub(crate) status: Option<ExitStatus>,
    /// It had ended before the host ended it.
    pub(crate) by_itself: bool,
    /// Its last line on standard error.
    pub(crate) last_words: Option<String>,
}

impl Fault {
    /// From an error of starting `program`.
    pub(crate) fn start(program: &std::path::Path, error: &io::Error) -> Self {
        let shown = shown(std::os::unix::ffi::OsStrExt::as_bytes(program.as_os_str()));
        Fault::Start(shown, Errno::from_io_error(error), error.to_string())
    }

    /// The sentence, and whether time or a person heals it.
    pub(crate) fn trouble(&self, name: &str, remains: &Remains) -> Trouble {
        let (code, what, fix) = self.parts();
        let how = if matches!(self, Fault::Ended) { Self::ending(remains) } else { what };
        let last = remains.last_words.as_ref().map(|line| format!("; it said last: {line}"));
        let text = format!("{code}: plugin \"{name}\" {how}{}; {KEPT}. Fix: {fix}", last.unwrap_or_default());
        if self.needs_a_person() { Trouble::Misconfigured(text) } else { Trouble::Down(text) }
    }

    fn needs_a_person(&self) -> bool {
        match self {
            Fault::Manifest(_) | Fault::Version(_) => true,
            Fault::Start(_, errno, _) => !matches!(
                *errno,
                Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::TXTBSY)
            ),
            _ => false,
        }
    }

    /// Code, what happened, and what to do.
    fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Fault::Manifest(why) => {
                ("E-PLUGIN-MANIFEST", format!("cannot be used: {why}"), "put its manifest in order")
            }
            Fault::Start(program, _, error) => (
                "E-PLUGIN-START",
                format!("cannot be started: {program}: {error}"),
                "correct command in its manifest, and see that the file is executable",
            ),
            Fault::NoHello(limit) => (
                "E-PLUGIN-HELLO",
                format!("did not say hello within {limit:?} and was ended"),
                "see that it answers the host's hello at once and flushes its output; or raise hello_within",
            ),
            Fault::Version(theirs) => (
                "E-PLUGIN-VERSION",
                format!("speaks version {theirs} of the protocol, staithe speaks {PROTOCOL}"),
                "use a version of the plugin that fits",
            ),
            Fault::NoAck(open, limit) => (
                "E-PLUGIN-ACK",
                format!("has {open} events in hand and acknowledged none within {limit:?}; it was ended"),
                "see what it waits for; or raise ack_within",
            ),
            Fault::LongLine(limit) => (
                "E-PLUGIN-LINE",
                format!("wrote a line of more than {limit} bytes and was ended"),
                "have it write one short message on each line; or raise line_limit",
            ),
            Fault::Garbage { lines, why } => (
                "E-PLUGIN-OUTPUT",
                format!("wrote {lines} lines in a row that are no messages ({why}) and was ended"),
                "have it print for people on standard error, not on standard output",
            ),
            Fault::Nonsense(what) => {
                ("E-PLUGIN-PROTOCOL", format!("{what} and was ended"), "correct the plugin")
            }
            Fault::Fatal(message) => (
                "E-PLUGIN-FATAL",
                format!("cannot go on: {}", shown(message.as_bytes())),
                "do what it asks for",
            ),
            Fault::Ended => ("E-PLUGIN-ENDED", String::new(), "see its last words and the lines before"),
        }
    }

    fn ending(remains: &Remains) -> String {
        match remains.status {
            Some(status) if remains.by_itself => match (status.code(), status.signal()) {
                (Some(code), _) => format!("ended with exit status {code}"),
                (None, Some(9)) => {
                    "was ended by signal 9 (KILL: by a person, or by the kernel for want of memory)".into()
                }
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended".into(),
            },
            _ => "closed its input or output and was ended".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_says_what_it_means_and_what_to_do() {
        let faults = [
            Fault::Manifest("it is missing".into()),
            Fault::start("/no/such".as_ref(), &io::Error::from_raw_os_error(2)),
            Fault::NoHello(Duration::from_secs(5)),
            Fault::Version(2),
            Fault::NoAck(3, Duration::from_secs(30)),
            Fault::LongLine(5),
            Fault::Garbage { lines: 3, why: "no JSON object" },
            Fault::Nonsense("acknowledged event 5, which it was never sent,".into()),
            Fault::Fatal("no\ndisk".into()),
            Fault::Ended,
        ];
        for fault in faults {
            let text = fault.trouble("count", &Remains::default()).to_string();
            assert!(text.starts_with("E-PLUGIN-") && text.contains("plugin \"count\""), "{text}");
            assert!(text.contains("nothing is lost") && text.contains(". Fix: "), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn an_end_says_how_and_with_which_words() {
        let remains = |raw, by_itself| Remains {
            status: Some(ExitStatus::from_raw(raw)),
            by_itself,
            last_words: Some("MemoryError".into()),
        };
        let text = |remains| Fault::Ended.trouble("p", &remains).to_string();
        assert!(text(remains(3 << 8, true)).contains("exit status 3; it said last: MemoryError;"));
        assert!(text(remains(9, true)).contains("signal 9"));
        assert!(text(remains(9, false)).contains("closed its input or output"));
    }

    #[test]
    fn want_of_resources_heals_with_time_and_a_missing_program_does_not() {
        let trouble = |code| {
            Fault::start("/x".as_ref(), &io::Error::from_raw_os_error(code)).trouble("p", &Remains::default())
        };
        assert!(matches!(trouble(11), Trouble::Down(_)));
        assert!(matches!(trouble(2), Trouble::Misconfigured(_)));
    }
}
