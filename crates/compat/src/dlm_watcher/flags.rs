//! Every flag that is accepted, in one table: the reader, the usage line and the help are made from it.

use std::fmt::Write as _;

use config::DlmDialect;

/// What a flag is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Help,
    Directory,
    Source,
    SourceRoot,
    Target,
    TargetRoot,
    IncludeExisting,
    Ingest,
    Request,
    Storage,
    Migration,
    Host,
    Readiness,
    UidDays,
    OidDays,
    UseStatusFile,
    ReloadStatusFile,
    StatusFileNamed,
    SkipCheck,
    Polling,
    WaitTime,
    DevTest,
    DryRun,
    Compat,
    Strict,
    RegisterOnly,
    TokenFile,
    CaFile,
    StateDir,
    Socket,
}

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing; it says yes.
    Yes,
    /// Nothing; it says no.
    No,
    /// A value.
    Value,
    /// A value or nothing. Any text is a yes except an empty one, as in the original, which asks Python
    /// whether the *text* is true: so are `False` and `0`.
    Truth,
}

/// Whose flag it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of every version.
    Every,
    /// Of 2.1 and `main`.
    Newer,
    /// Of 2.0.
    Older,
    /// Of no version of the original.
    Own,
}

impl Whose {
    pub(super) fn is_in(self, dialect: DlmDialect) -> bool {
        match self {
            Whose::Every => true,
            Whose::Newer => dialect != DlmDialect::V20,
            Whose::Older => dialect == DlmDialect::V20,
            Whose::Own => false,
        }
    }
}

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) name: Name,
    /// The letter behind a single dash. No two versions use one for different things.
    pub(super) short: Option<u8>,
    /// The name behind two dashes. Everywhere in it an underscore does as well as a dash.
    pub(super) long: &'static str,
    pub(super) takes: Takes,
    pub(super) whose: Whose,
    /// What stands for its value in the help.
    pub(super) value: &'static str,
    pub(super) help: &'static str,
}

impl Flag {
    /// As error messages call it.
    pub(super) fn shown(&self) -> String {
        match self.short {
            Some(letter) => format!("-{}/--{}", char::from(letter), self.long),
            None => format!("--{}", self.long),
        }
    }
}

const fn flag(
    name: Name,
    short: Option<u8>,
    long: &'static str,
    takes: Takes,
    whose: Whose,
    value: &'static str,
    help: &'static str,
) -> Flag {
    Flag { name, short, long, takes, whose, value, help }
}

use Name as N;
use Takes::{No, Truth, Value, Yes};
use Whose::{Every, Newer, Older, Own};

/// All of them, in the order of the help.
#[rustfmt::skip]
pub(super) const FLAGS: [Flag; 39] = [
    flag(N::Help, Some(b'h'), "help", Yes, Every, "", "show this help message and exit"),
    flag(N::Directory, Some(b'd'), "directory-to-watch", Value, Every, "DIR",
        "the directory whose entries are data products; required. It is the source storage's root, as written here"),
    flag(N::Source, Some(b's'), "source-name", Value, Every, "NAME",
        "the storage on which products are registered (also -n)"),
    flag(N::Source, Some(b'n'), "source-name", Value, Older, "NAME", "the same as -s"),
    flag(N::Target, Some(b't'), "target-name", Value, Every, "NAME",
        "the storage to which they are copied (default: dlm-archive)"),
    flag(N::IncludeExisting, None, "include-existing", Yes, Newer, "",
        "register also what is in the directory at the start, hidden or not"),
    flag(N::Ingest, Some(b'i'), "ingest-url", Value, Every, "URL", "default: http://dlm_ingest:8001"),
    flag(N::Request, None, "request-url", Value, Newer, "URL", "default: http://dlm_request:8002"),
    flag(N::Storage, None, "storage-url", Value, Every, "URL", "default: http://dlm_storage:8003"),
    flag(N::Migration, Some(b'm'), "migration-url", Value, Every, "URL", "default: http://dlm_migration:8004"),
    flag(N::Host, None, "watcher-hostname", Value, Newer, "HOST",
        "the host that the services fetch the data from (default: this system's host name)"),
    flag(N::Readiness, None, "readiness-probe-file", Value, Every, "FILE",
        "there while the watcher is ready, removed while it is not; an empty name: none (default: \
         /tmp/dlm-client-ready)"),
    flag(N::SkipCheck, None, "skip-rclone-access-check-on-register", Truth, Every, "V",
        "the services do not check at each registration that they can reach this host"),
    flag(N::SkipCheck, None, "no-skip-rclone-access-check-on-register", No, Older, "", "they do"),
    flag(N::Polling, None, "use-polling-watcher", Truth, Every, "V",
        "look at the directory each second instead of listening: for network file systems"),
    flag(N::Polling, None, "no-use-polling-watcher", No, Older, "", "listen"),
    flag(N::WaitTime, None, "dir-updates-wait-time", Value, Newer, "SECONDS",
        "a product is registered when nothing in it has changed for so long (default: 5)"),
    flag(N::UseStatusFile, None, "use-status-file", Truth, Every, "V",
        "2.0: write the status file into the watched directory; otherwise it is always /tmp/dlm_entires.json"),
    flag(N::UseStatusFile, None, "no-use-status-file", No, Older, "", "do not"),
    flag(N::ReloadStatusFile, None, "reload-status-file", Truth, Every, "V",
        "what the status file lists from an earlier run is asked for before it is registered"),
    flag(N::ReloadStatusFile, None, "no-reload-status-file", No, Older, "", "it does not"),
    flag(N::StatusFileNamed, None, "status-file-filename", Value, Every, "NAME",
        "2.0: the status file's name (default: .directory_watcher_status.run)"),
    flag(N::UidDays, None, "uid-expiration-days", Value, Newer, "DAYS",
        "checked and not sent: the services refuse it ($UID_EXPIRATION_DAYS)"),
    flag(N::OidDays, None, "oid-expiration-days", Value, Newer, "DAYS",
        "checked and not sent: the services refuse it ($OID_EXPIRATION_DAYS)"),
    flag(N::SourceRoot, Some(b'r'), "source-root", Value, Older, "DIR",
        "2.0: the source storage's root, if it is a directory above the watched one"),
    flag(N::TargetRoot, None, "target-root", Value, Older, "DIR", "2.0: without effect"),
    flag(N::IncludeExisting, None, "register-contents-of-watch-directory", Truth, Older, "V",
        "2.0: the same as --include-existing"),
    flag(N::IncludeExisting, None, "no-register-contents-of-watch-directory", No, Older, "", "do not"),
    flag(N::DevTest, None, "dev-test-mode", Truth, Older, "V", "2.0: without effect of its own"),
    flag(N::DryRun, None, "do-not-perform-actual-ingest-and-migration", Truth, Older, "V",
        "2.0: watch and log, send nothing"),
    flag(N::Compat, None, "dlm-compat", Value, Own, "VERSION",
        "whose requests are sent and whose short forms of flags hold: 2.0, 2.1 or main (default: main)"),
    flag(N::Strict, None, "dlm-strict", Yes, Own, "",
        "also what the original does wrong: register at creation, the first child copied twice, sizes of \
         directories, exit at a failing start"),
    flag(N::Strict, None, "no-dlm-strict", No, Own, "", "the default"),
    flag(N::RegisterOnly, None, "register-only", Yes, Own, "", "register and do not copy"),
    flag(N::RegisterOnly, None, "no-register-only", No, Own, "", "the default"),
    flag(N::TokenFile, None, "token-file", Value, Own, "FILE",
        "for a gateway: its first line is sent as a bearer token with each request"),
    flag(N::CaFile, None, "ca-file", Value, Own, "FILE",
        "certificates to trust for https:// instead of the system's"),
    flag(N::StateDir, None, "state-dir", Value, Own, "DIR", "where the ledger is kept"),
    flag(N::Socket, None, "socket", Value, Own, "PATH", "the socket for staithe status, explain, …"),
];

/// The first lines of every usage error.
pub(super) const USAGE: &str =
    "usage: dlm-directory-watcher [-h] [-s SOURCE_NAME] -d DIRECTORY_TO_WATCH [-t TARGET_NAME]
                             [--include-existing] [--ingest-url URL] [--request-url URL]
                             [--storage-url URL] [--migration-url URL] [--dlm-compat VERSION]
                             […, see --help]
";

/// The help.
pub(super) fn help() -> String {
    let mut text = format!(
        "{USAGE}\nRegisters what arrives in a directory with the SKA Data Lifecycle Management services, and has\nit \
         copied.\n\noptions (every dash inside a name may be an underscore):\n"
    );
    for flag in &FLAGS {
        let value = match (flag.takes, flag.value) {
            (Takes::Value, value) => format!(" {value}"),
            (Takes::Truth, value) => format!(" [{value}]"),
            (Takes::Yes | Takes::No, _) => String::new(),
        };
        let short = flag.short.map(|letter| format!("-{}{value}, ", char::from(letter))).unwrap_or_default();
        let _ = writeln!(text, "  {short}--{}{value}", flag.long);
        for line in wrapped(flag.help) {
            let _ = writeln!(text, "                        {line}");
        }
    }
    text.push_str(
        "\n[V] may be left out, which means yes; any text means yes, also False and 0; an empty\none means no.\n",
    );
    text
}

/// Lines of a help text, none of them long.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 76;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(word);
                continue;
            }
            if line.len() + 1 + word.len() <= WIDTH {
                line.push(' ');
                line.push_str(word);
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_has_two_meanings() {
        for flag in FLAGS.iter().filter(|flag| flag.short.is_some()) {
            let others = FLAGS.iter().filter(|other| other.short == flag.short && other.name != flag.name);
            assert_eq!(others.count(), 0, "{}", flag.shown());
        }
    }

    #[test]
    fn a_long_name_has_one_meaning() {
        for flag in &FLAGS {
            let same = |other: &&Flag| other.long == flag.long;
            assert!(
                FLAGS.iter().filter(same).all(|other| other.name == flag.name && other.takes == flag.takes)
            );
            assert!(!flag.long.contains('_') && flag.help.len() > 3, "{}", flag.long);
        }
    }

    #[test]
    fn the_help_lists_every_flag() {
        let help = help();
        for flag in &FLAGS {
            assert!(help.contains(&format!("--{}", flag.long)), "{}", flag.long);
        }
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}
