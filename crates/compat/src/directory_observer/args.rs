//! The command line, read by the rules of Python's `argparse`: unique prefixes of long options,
//! `-cFILE`, `--config=FILE`, the last of several wins, usage errors with status 2.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// `--config`, as given: not yet looked for.
    pub config: Option<OsString>,
    /// `--log`: a file that gets all log lines.
    pub log: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--socket`: the control socket.
    pub socket: Option<PathBuf>,
}

/// What a command line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Go on with these.
    Run(Args),
    /// Print and end.
    Exit {
        /// For standard output.
        stdout: String,
        /// For standard error.
        stderr: String,
        /// The exit status.
        status: u8,
    },
}

const USAGE: &str =
    "usage: directory_observer [-h] [-c CONFIG] [--log FILE] [--state-dir DIR] [--socket PATH]\n";

const HELP: &str = "
Watches directories and pushes what arrives in them to Redis lists.

options:
  -h, --help            show this help message and exit
  -c CONFIG, --config CONFIG
                        configuration file; a relative name is looked for in config_auto and
                        config below the directory that $<MFMODULE>_HOME names
  --log FILE            append the log to FILE; warnings and worse also go to standard error
  --state-dir DIR       where the ledger is kept
  --socket PATH         the socket for staithe status, explain, …
";

/// Reads the arguments behind the program's name.
#[must_use]
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Parsed {
    let mut parser = Parser { args: Args::default(), unknown: Vec::new() };
    let mut rest: std::collections::VecDeque<OsString> = args.into_iter().collect();
    let mut only_names = false;
    while let Some(arg) = rest.pop_front() {
        let parsed = match flag(&arg) {
            _ if only_names => Ok(None),
            Ok(Flag::End) => {
                only_names = true;
                continue;
            }
            Ok(flag) => parser.take(flag, &mut rest),
            Err(error) => Err(Stopped::Error(error)),
        };
        match parsed {
            Ok(Some(())) => {}
            Ok(None) => parser.unknown.push(arg),
            Err(Stopped::Help) => {
                return Parsed::Exit { stdout: format!("{USAGE}{HELP}"), stderr: String::new(), status: 0 };
            }
            Err(Stopped::Error(error)) => return usage(&error),
        }
    }
    if parser.unknown.is_empty() {
        return Parsed::Run(parser.args);
    }
    let unknown: Vec<String> = parser.unknown.iter().map(|arg| model::text::safe(arg.as_bytes())).collect();
    usage(&format!("unrecognized arguments: {}", unknown.join(" ")))
}

fn usage(error: &str) -> Parsed {
    let stderr = format!("{USAGE}directory_observer: error: {error}\n");
    Parsed::Exit { stdout: String::new(), stderr, status: 2 }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Help,
    Config,
    Log,
    StateDir,
    Socket,
}

const LONG: [(&str, Name); 5] = [
    ("--help", Name::Help),
    ("--config", Name::Config),
    ("--log", Name::Log),
    ("--state-dir", Name::StateDir),
    ("--socket", Name::Socket),
];

impl Name {
    /// As error messages call it.
    fn shown(self) -> &'static str {
        match self {
            Self::Help => "-h/--help",
            Self::Config => "-c/--config",
            Self::Log => "--log",
            Self::StateDir => "--state-dir",
            Self::Socket => "--socket",
        }
    }
}

/// What one argument is.
enum Flag {
    /// An option, and the value that is part of the same argument.
    Known(Name, Option<OsString>),
    /// `-hX`: the help option and what stands behind it.
    HelpAnd(OsString),
    /// It looks like an option, but is none.
    Unknown,
    /// A name, or the value of the option before it.
    Plain,
    /// `--`: only names follow.
    End,
}

fn flag(arg: &OsStr) -> Result<Flag, String> {
    let bytes = arg.as_bytes();
    if bytes == b"--" {
        return Ok(Flag::End);
    }
    if !bytes.starts_with(b"-") || bytes.len() == 1 {
        return Ok(Flag::Plain);
    }
    if bytes.starts_with(b"--") {
        let (name, value) = split(bytes);
        let found: Vec<_> = LONG.iter().filter(|(long, _)| long.as_bytes().starts_with(name)).collect();
        match found.as_slice() {
            [(_, name)] => return Ok(Flag::Known(*name, value)),
            [] => {}
            several => {
                let names: Vec<&str> = several.iter().map(|(long, _)| *long).collect();
                let shown = String::from_utf8_lossy(name);
                return Err(format!("ambiguous option: {shown} could match {}", names.join(", ")));
            }
        }
    } else if let Some(rest) = bytes.strip_prefix(b"-c") {
        let value = rest.strip_prefix(b"=").unwrap_or(rest);
        return Ok(Flag::Known(Name::Config, (!rest.is_empty()).then(|| OsString::from_vec(value.into()))));
    } else if let Some(rest) = bytes.strip_prefix(b"-h") {
        let behind = OsString::from_vec(rest.into());
        return Ok(if rest.is_empty() { Flag::Known(Name::Help, None) } else { Flag::HelpAnd(behind) });
    }
    let name_like = is_negative_number(&bytes[1..]) || bytes.contains(&b' ');
    Ok(if name_like { Flag::Plain } else { Flag::Unknown })
}

fn split(bytes: &[u8]) -> (&[u8], Option<OsString>) {
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsString::from_vec(bytes[at + 1..].into()))),
        None => (bytes, None),
    }
}

fn is_negative_number(digits: &[u8]) -> bool {
    let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (&b""[..], digits),
    };
    !fraction.is_empty() && whole.iter().chain(fraction).all(u8::is_ascii_digit)
}

enum Stopped {
    Help,
    Error(String),
}

struct Parser {
    args: Args,
    unknown: Vec<OsString>,
}

impl Parser {
    /// `None`: the argument belongs to nothing.
    fn take(
        &mut self,
        flag: Flag,
        rest: &mut std::collections::VecDeque<OsString>,
    ) -> Result<Option<()>, Stopped> {
        let (name, value) = match flag {
            Flag::Plain | Flag::Unknown | Flag::End => return Ok(None),
            Flag::HelpAnd(behind) if matches!(behind.as_bytes()[0], b'h' | b'c') => {
                return Err(Stopped::Help);
            }
            Flag::HelpAnd(behind) => return Err(ignored(Name::Help, &behind)),
            Flag::Known(Name::Help, None) => return Err(Stopped::Help),
            Flag::Known(Name::Help, Some(value)) => return Err(ignored(Name::Help, &value)),
            Flag::Known(name, value) => (name, value),
        };
        let value = match value {
            Some(value) => value,
            None => match rest.pop_front() {
                Some(next) if matches!(self::flag(&next), Ok(Flag::Plain)) => next,
                _ => return Err(Stopped::Error(format!("argument {}: expected one argument", name.shown()))),
            },
        };
        match name {
            Name::Config => self.args.config = Some(value),
            Name::Log => self.args.log = Some(value.into()),
            Name::StateDir => self.args.state_dir = Some(value.into()),
            Name::Socket | Name::Help => self.args.socket = Some(value.into()),
        }
        Ok(Some(()))
    }
}

fn ignored(name: Name, value: &OsStr) -> Stopped {
    let shown = model::text::safe(value.as_bytes());
    Stopped::Error(format!("argument {}: ignored explicit argument '{shown}'", name.shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Parsed {
        parse(args.iter().map(OsString::from))
    }

    fn config(args: &[&str]) -> Option<String> {
        match run(args) {
            Parsed::Run(args) => args.config.map(|config| config.into_string().unwrap()),
            Parsed::Exit { stderr, .. } => panic!("{args:?}: {stderr}"),
        }
    }

    fn error(args: &[&str]) -> String {
        match run(args) {
            Parsed::Exit { stderr, stdout, status: 2 } if stdout.is_empty() => {
                assert!(stderr.starts_with("usage: directory_observer [-h] [-c CONFIG]"), "{stderr}");
                let last = stderr.lines().last().unwrap();
                last.strip_prefix("directory_observer: error: ").unwrap().to_owned()
            }
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn the_file_in_all_ways_that_argparse_takes() {
        for args in [
            &["-c", "x.ini"][..],
            &["-cx.ini"],
            &["-c=x.ini"],
            &["--config", "x.ini"],
            &["--config=x.ini"],
            &["--conf", "x.ini"],
            &["--c=x.ini"],
            &["-c", "other", "--config", "x.ini"],
        ] {
            assert_eq!(config(args).as_deref(), Some("x.ini"), "{args:?}");
        }
        assert_eq!(config(&[]), None);
        assert_eq!(config(&["--config="]).as_deref(), Some(""));
        assert_eq!(config(&["-c", "-1"]).as_deref(), Some("-1"));
        assert_eq!(config(&["-c", "-a b"]).as_deref(), Some("-a b"));
        assert_eq!(config(&["-c", "-"]).as_deref(), Some("-"));
    }

    #[test]
    fn options_that_the_original_lacks() {
        let parsed = run(&["-c", "c", "--log", "l", "--state-dir=s", "--soc", "k"]);
        let args = Args {
            config: Some("c".into()),
            log: Some("l".into()),
            state_dir: Some("s".into()),
            socket: Some("k".into()),
        };
        assert_eq!(parsed, Parsed::Run(args));
    }

    #[test]
    fn usage_errors() {
        assert_eq!(error(&["-c"]), "argument -c/--config: expected one argument");
        assert_eq!(error(&["--config", "-x"]), "argument -c/--config: expected one argument");
        assert_eq!(error(&["-c", "x", "a", "--nonsense", "b"]), "unrecognized arguments: a --nonsense b");
        assert_eq!(error(&["--s", "x"]), "ambiguous option: --s could match --state-dir, --socket");
        assert_eq!(error(&["--help=x"]), "argument -h/--help: ignored explicit argument 'x'");
        assert_eq!(error(&["--", "-c"]), "unrecognized arguments: -c");
    }

    #[test]
    fn help_goes_to_standard_output() {
        for arg in ["-h", "--help", "--he"] {
            let Parsed::Exit { stdout, stderr, status } = run(&[arg, "nonsense"]) else { panic!() };
            assert!(stdout.contains("--config CONFIG") && stderr.is_empty() && status == 0);
        }
    }
}
