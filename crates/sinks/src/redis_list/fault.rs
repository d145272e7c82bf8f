//! What can go wrong with a Redis server, in sentences: what failed, that nothing is lost, the fix.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use config::Secret;
use model::text::safe;
use redis::{ErrorKind, RedisError, ServerError};
use std::os::unix::ffi::OsStrExt;

use super::advice;
use crate::peer::{AGAIN, KEPT, quote, tls_error};
use crate::sink::Trouble;
use crate::tls::TlsFault;

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Resolve,
    Connect,
    Tls,
    Login,
    Push,
    Ask,
}

impl Step {
    /// Fits behind "did not … in time".
    const fn words(self) -> &'static str {
        match self {
            Step::Resolve => "get its address from the name service",
            Step::Connect => "accept a connection",
            Step::Tls => "finish the TLS handshake",
            Step::Login => "answer the login",
            Step::Push => "answer a push",
            Step::Ask => "answer a question",
        }
    }

    const fn fix(self) -> &'static str {
        match self {
            // A plain Redis port waits for the end of a line that never comes.
            Step::Tls => {
                "if the port does not speak TLS, write redis:// or the server's tls-port; else see whether the server hangs"
            }
            _ => "see whether the server hangs or the network drops packets, or raise the sink's timeout",
        }
    }
}

/// One way in which a call failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The sink's timeout ended.
    Timeout(Step, Duration),
    /// The host's name has no address now.
    Resolve(io::Error),
    /// No connection.
    Connect(io::Error),
    /// The connection ended while it was in use.
    Broken(String),
    /// The TLS handshake failed, or the server ended the TLS session with an alert.
    Tls(rustls::Error),
    /// A PEM file cannot be used.
    File { path: PathBuf, what: String },
    /// The system has no certificates to trust.
    NoAuthorities,
    /// The server refused, with its code and its words.
    Server { code: String, text: String },
    /// What came back is not the Redis protocol.
    Garbage,
}

/// What the sentences need to name.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The address.
    pub(crate) server: String,
    /// The user, or `default`.
    pub(crate) user: String,
    /// Only to strike it out of what a server says.
    pub(crate) password: Option<Secret>,
    /// The list.
    pub(crate) key: String,
    /// The counter, if there is one.
    pub(crate) counter: Option<String>,
    /// `lpush` or `rpush`.
    pub(crate) command: &'static str,
}

impl From<TlsFault> for Fault {
    fn from(fault: TlsFault) -> Self {
        match fault {
            TlsFault::File { path, what } => Fault::File { path, what },
            TlsFault::NoAuthorities => Fault::NoAuthorities,
            TlsFault::Library(error) => Fault::Tls(error),
        }
    }
}

impl Fault {
    /// From what the library reports.
    #[expect(clippy::needless_pass_by_value, reason = "fits into map_err")]
    pub(crate) fn of(error: RedisError) -> Self {
        if let Some(io) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            return Self::of_io_ref(io);
        }
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => Fault::Server {
                code: error.code().unwrap_or("ERR").to_owned(),
                text: error.detail().unwrap_or_default().to_owned(),
            },
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Fault::Garbage,
            _ => Fault::Broken("it was closed".into()),
        }
    }

    /// From an error reply.
    pub(crate) fn server(error: &ServerError) -> Self {
        Fault::Server { code: error.code().to_owned(), text: error.details().unwrap_or_default().to_owned() }
    }

    /// From a failed read, write or handshake.
    #[expect(clippy::needless_pass_by_value, reason = "fits into map_err")]
    pub(crate) fn of_io(error: io::Error) -> Self {
        Self::of_io_ref(&error)
    }

    fn of_io_ref(error: &io::Error) -> Self {
        tls_error(error).map_or_else(|| Fault::Broken(error.to_string()), Fault::Tls)
    }

    /// EXEC repeats the reason in its own words: "Transaction discarded because of: OOM command …".
    pub(crate) fn inside_transaction(self) -> Self {
        let Fault::Server { code, text } = self else { return self };
        let reason = text.split_once("because of: ").and_then(|(_, reason)| reason.split_once(' '));
        match reason {
            Some((inner, words)) if code == "EXECABORT" && inner.bytes().all(|b| b.is_ascii_uppercase()) => {
                Fault::Server { code: inner.to_owned(), text: words.to_owned() }
            }
            _ => Fault::Server { code, text },
        }
    }

    /// Whether the server took no offence: it ended a connection, as servers do with idle ones.
    pub(crate) fn is_hangup(&self) -> bool {
        matches!(self, Fault::Broken(_))
    }

    /// Whether this user may not run the command, or the server (a proxy) does not have it: no
    /// matter where the command was only to look at something.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Fault::Server { code, text } => {
                code == "NOPERM" || (code == "ERR" && text.starts_with("unknown command"))
            }
            _ => false,
        }
    }

    /// The sentence, and whether time or a person heals it.
    pub(crate) fn trouble(&self, names: &Names) -> Trouble {
        let server = &names.server;
        match self {
            Fault::Timeout(step, limit) => Trouble::Down(format!(
                "E-SINK-TIMEOUT: redis at {server} did not {} within {limit:?}; {}. Fix: {}",
                step.words(),
                if *step == Step::Push { AGAIN } else { KEPT },
                step.fix(),
            )),
            Fault::Resolve(error) => Trouble::Down(format!(
                "E-SINK-RESOLVE: the name in {server} has no address ({error}); {KEPT}. Fix: check the host in the \
                 sink's url and the name service"
            )),
            Fault::Connect(error) => connect_trouble(error, names),
            Fault::Broken(what) => Trouble::Down(format!(
                "E-SINK-BROKEN: the connection to redis at {server} ended ({what}); {AGAIN}. Fix: none if the server \
                 is restarting; else see its log"
            )),
            Fault::Tls(error) => tls_trouble(error, names),
            Fault::File { path, what } => Trouble::Misconfigured(format!(
                "E-SINK-TLS-FILE: cannot use {} ({what}); {KEPT}. Fix: give the sink a readable PEM file there",
                safe(path.as_os_str().as_bytes())
            )),
            Fault::NoAuthorities => Trouble::Misconfigured(format!(
                "E-SINK-TLS-FILE: the system has no certificates to check redis at {server} with; {KEPT}. Fix: install \
                 ca-certificates, or give the sink a ca_file"
            )),
            Fault::Server { code, text } => server_trouble(code, text, names),
            Fault::Garbage => Trouble::Misconfigured(format!(
                "E-SINK-PROTOCOL: what answers at {server} does not speak the Redis protocol; {KEPT}. Fix: check host \
                 and port in the sink's url (rediss:// for a TLS port)"
            )),
        }
    }
}

fn connect_trouble(error: &io::Error, names: &Names) -> Trouble {
    let server = &names.server;
    if error.kind() == io::ErrorKind::PermissionDenied {
        return Trouble::Misconfigured(format!(
            "E-SINK-SOCKET-PERM: not allowed to connect to redis at {server} ({error}); {KEPT}. Fix: add the user \
             that runs staithe to the socket's group (usually redis), or set unixsocketperm 770"
        ));
    }
    Trouble::Down(format!(
        "E-SINK-UNREACHABLE: cannot connect to redis at {server} ({error}); {KEPT}. Fix: start the server, or \
         correct the sink's url"
    ))
}

fn tls_trouble(error: &rustls::Error, names: &Names) -> Trouble {
    let server = &names.server;
    let fix = match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::UnsupportedNameType => {
            "give the sink the ca_file of the authority that signed the server's certificate, and use a host name \
             that stands in the certificate"
        }
        rustls::Error::AlertReceived(_) => {
            "the server wants a client certificate that it trusts: set client_cert and client_key"
        }
        rustls::Error::InvalidMessage(_) => {
            "the port does not speak TLS: use redis:// or the server's tls-port"
        }
        _ => "compare the server's tls-protocols and tls-ciphers with TLS 1.2 and 1.3",
    };
    Trouble::Misconfigured(format!("E-SINK-TLS: no TLS with redis at {server} ({error}); {KEPT}. Fix: {fix}"))
}

fn server_trouble(code: &str, text: &str, names: &Names) -> Trouble {
    let said = quote(text, names.password.as_ref());
    let advice = advice::of(code, text, names);
    let said = if said.is_empty() { String::new() } else { format!(" (redis says: {said})") };
    let sentence = format!(
        "{}: redis at {} {}{said}; {KEPT}. Fix: {}",
        advice.code, names.server, advice.what, advice.fix
    );
    let heals = advice.heals || switch::is_off("tell-what-a-person-must-heal");
    if heals { Trouble::Down(sentence) } else { Trouble::Misconfigured(sentence) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            server: "h:1".into(),
            user: "bob".into(),
            password: Some(Secret::new("hunter2")),
            key: "queue:x".into(),
            counter: Some("counter:x".into()),
            command: "lpush",
        }
    }

    fn server(code: &str, text: &str) -> Fault {
        Fault::Server { code: code.into(), text: text.into() }
    }

    #[test]
    fn every_sentence_says_what_it_means_and_how_to_mend_it() {
        let tls = |error| Fault::Tls(error);
        let faults = [
            Fault::Timeout(Step::Push, Duration::from_secs(10)),
            Fault::Resolve(io::ErrorKind::NotFound.into()),
            Fault::Connect(io::ErrorKind::ConnectionRefused.into()),
            Fault::Connect(io::ErrorKind::PermissionDenied.into()),
            Fault::Broken("reset".into()),
            tls(rustls::Error::UnsupportedNameType),
            tls(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired)),
            Fault::File { path: "/x".into(), what: "gone".into() },
            Fault::NoAuthorities,
            Fault::Garbage,
            server("READONLY", "You can't write"),
            server("XYZZY", "hm"),
        ];
        for fault in faults {
            let text = fault.trouble(&names()).to_string();
            assert!(
                text.starts_with("E-SINK-") && text.contains("nothing is lost") && text.contains("Fix: "),
                "{text}"
            );
        }
    }

    #[test]
    fn a_server_that_repeats_the_password_is_not_repeated() {
        let echo = server("ERR", "unknown command `AUTH`, with args beginning with: `bob` `hunter2`\x1b[31m");
        let text = echo.trouble(&names()).to_string();
        assert!(
            !text.contains("hunter2") && !text.contains('\x1b') && text.contains("unknown command"),
            "{text}"
        );
    }

    #[test]
    fn long_words_are_cut() {
        let text = server("ERR", &"x".repeat(100_000)).trouble(&names()).to_string();
        assert!(text.len() < 1_000);
    }
}
