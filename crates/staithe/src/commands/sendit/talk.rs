//! The old program's log, as loud as its environment wants it.

use std::io::{IsTerminal as _, Write as _};

use compat::Environment;
use compat::sendit::voice::{Kind, Voice};
use engine::Level;

/// Says lines: what happened to standard output, what is odd to standard error.
#[derive(Clone, Copy)]
pub(super) struct Talk {
    voice: Voice,
}

impl Talk {
    /// As the environment wants it.
    pub(super) fn of_process() -> Self {
        let (voice, odd) = Voice::of(&Environment::of_process());
        let talk = Self { voice };
        if let Some(odd) = odd {
            talk.say(Kind::Warning, &odd);
        }
        talk
    }

    /// A line. Whoever closed the stream wants none.
    pub(super) fn say(self, kind: Kind, text: &str) {
        if let Kind::Log | Kind::Info = kind {
            let terminal = std::io::stdout().is_terminal();
            if let Some(line) = self.voice.line(kind, text, terminal) {
                let _ = sinks::print_line(line.trim_end().as_bytes());
            }
        } else if let Some(line) = self.voice.line(kind, text, std::io::stderr().is_terminal()) {
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    /// Whether the lines about folders are wanted.
    pub(super) fn says_log(self) -> bool {
        self.voice.says(Kind::Log)
    }

    /// What our own log leaves out.
    pub(super) fn least(self) -> Level {
        if self.voice.says(Kind::Info) {
            Level::Info
        } else if self.voice.says(Kind::Warning) {
            Level::Warning
        } else {
            Level::Error
        }
    }
}
