//! What can go wrong with an AMQP broker, in sentences: what failed, that nothing is lost, the fix.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use config::Secret;
use lapin::ErrorKind;
use model::text::safe;

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
    Publish,
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
            Step::Publish => "confirm what was published",
            Step::Ask => "answer a question",
        }
    }

    const fn fix(self) -> &'static str {
        match self {
            Step::Tls => {
                "if the port does not speak TLS, write amqp:// or the broker's TLS port; else see whether it hangs"
            }
            Step::Login => {
                "if the port is the broker's TLS port, write amqps://; else see whether it hangs or the network drops \
                 packets, or raise the sink's timeout"
            }
            _ => "see whether the broker hangs or the network drops packets, or raise the sink's timeout",
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
    /// The broker says nothing any more, not even heartbeats.
    Silent,
    /// The TLS handshake failed, or the broker ended the TLS session with an alert.
    Tls(rustls::Error),
    /// A PEM file cannot be used.
    File { path: PathBuf, what: String },
    /// The system has no certificates to trust.
    NoAuthorities,
    /// The broker closed the connection or the channel, with its code and its words.
    Refused { code: u16, text: String },
    /// An alarm: it takes no messages for now.
    Blocked,
    /// What came back is not AMQP 0-9-1.
    Garbage,
}

/// What the sentences need to name.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The address.
    pub(crate) server: String,
    /// The user.
    pub(crate) user: String,
    /// Only to strike it out of what a broker says.
    pub(crate) password: Secret,
    /// The virtual host.
    pub(crate) vhost: String,
    /// The exchange that is published to; empty for the default one.
    pub(crate) exchange: String,
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

impl From<lapin::Error> for Fault {
    fn from(error: lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(refusal) => {
                Fault::Refused { code: refusal.get_id(), text: refusal.get_message().to_string() }
            }
            ErrorKind::IOError(io) => Self::of_io(io),
            ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => Fault::Garbage,
            ErrorKind::MissingHeartbeatError => Fault::Silent,
            ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannelState(..) => {
                Fault::Broken("it was closed".into())
            }
            _ => Fault::Broken(error.to_string()),
        }
    }
}

impl Fault {
    /// From a failed read, write or handshake.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        tls_error(error).map_or_else(|| Fault::Broken(error.to_string()), Fault::Tls)
    }

    /// Whether the broker took no offence: the connection ended, as it does when a broker is restarted.
    pub(crate) fn is_hangup(&self) -> bool {
        /// `CONNECTION_FORCED`.
        const FORCED: u16 = 320;
        matches!(self, Fault::Broken(_) | Fault::Silent | Fault::Refused { code: FORCED, .. })
    }

    /// The sentence, and whether time or a person heals it.
    pub(crate) fn trouble(&self, names: &Names) -> Trouble {
        let server = &names.server;
        match self {
            Fault::Timeout(step, limit) => Trouble::Down(format!(
                "E-SINK-TIMEOUT: the AMQP broker at {server} did not {} within {limit:?}; {}. Fix: {}",
                step.words(),
                if *step == Step::Publish { AGAIN } else { KEPT },
                step.fix(),
            )),
            Fault::Resolve(error) => Trouble::Down(format!(
                "E-SINK-RESOLVE: the name in {server} has no address ({error}); {KEPT}. Fix: check the host in the \
                 sink's url and the name service"
            )),
            Fault::Connect(error) => Trouble::Down(format!(
                "E-SINK-UNREACHABLE: cannot connect to the AMQP broker at {server} ({error}); {KEPT}. Fix: start the \
                 broker, or correct the sink's url"
            )),
            Fault::Broken(what) => Trouble::Down(format!(
                "E-SINK-BROKEN: the connection to the AMQP broker at {server} ended ({}); {AGAIN}. Fix: none if the \
                 broker is restarting; else see its log",
                names.quote(what)
            )),
            Fault::Silent => Trouble::Down(format!(
                "E-SINK-HEARTBEAT: nothing is heard from the AMQP broker at {server} any more, not even heartbeats; \
                 {AGAIN}. Fix: see whether the broker hangs or the network drops packets"
            )),
            Fault::Blocked => Trouble::Down(format!(
                "E-SINK-BLOCKED: the AMQP broker at {server} takes no messages for now: it has raised its alarm for \
                 memory or disk; {AGAIN}. Fix: let consumers drain its queues, free disk, or raise \
                 vm_memory_high_watermark or lower disk_free_limit (rabbitmq-diagnostics alarms tells which)"
            )),
            Fault::Refused { code, text } => refusal(*code, text, names),
            Fault::Tls(_) | Fault::File { .. } | Fault::NoAuthorities | Fault::Garbage => {
                Trouble::Misconfigured(self.encryption(names))
            }
        }
    }

    /// Sentences about what is not understood on one side or the other.
    fn encryption(&self, names: &Names) -> String {
        let server = &names.server;
        match self {
            Fault::Tls(error) => format!(
                "E-SINK-TLS: no TLS with the AMQP broker at {server} ({error}); {KEPT}. Fix: {}",
                tls_fix(error)
            ),
            Fault::File { path, what } => format!(
                "E-SINK-TLS-FILE: cannot use {} ({what}); {KEPT}. Fix: give the sink a readable PEM file there",
                safe(path.as_os_str().as_bytes())
            ),
            Fault::NoAuthorities => format!(
                "E-SINK-TLS-FILE: the system has no certificates to check the AMQP broker at {server} with; {KEPT}. \
                 Fix: install ca-certificates, or give the sink a ca_file"
            ),
            _ => format!(
                "E-SINK-PROTOCOL: what answers at {server} does not speak AMQP 0-9-1; {KEPT}. Fix: check host and port \
                 in the sink's url (amqps:// for a TLS port; the port of the management pages is another one)"
            ),
        }
    }
}

impl Names {
    /// A broker's words, made harmless: short, without control bytes, and without our password.
    pub(super) fn quote(&self, text: &str) -> String {
        quote(text, Some(&self.password))
    }
}

fn tls_fix(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::UnsupportedNameType => {
            "give the sink the ca_file of the authority that signed the broker's certificate, and use a host name that \
             stands in the certificate"
        }
        rustls::Error::AlertReceived(_) => {
            "the broker wants a client certificate that it trusts: set client_cert and client_key"
        }
        rustls::Error::InvalidMessage(_) => {
            "the port does not speak TLS: use amqp:// or the broker's TLS port"
        }
        _ => "compare the broker's ssl_options with TLS 1.2 and 1.3",
    }
}

fn refusal(code: u16, text: &str, names: &Names) -> Trouble {
    let advice = advice::of(code, text, names);
    let said = names.quote(text);
    let said = if said.is_empty() { code.to_string() } else { format!("{code}: {said}") };
    let sentence = format!(
        "{}: the AMQP broker at {} {} (it says {said}); {KEPT}. Fix: {}",
        advice.code, names.server, advice.what, advice.fix
    );
    if advice.heals { Trouble::Down(sentence) } else { Trouble::Misconfigured(sentence) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            server: "h:1".into(),
            user: "bob".into(),
            password: Secret::new("hunter2"),
            vhost: "/".into(),
            exchange: "x".into(),
        }
    }

    fn refused(code: u16, text: &str) -> Fault {
        Fault::Refused { code, text: text.into() }
    }

    #[test]
    fn every_sentence_says_what_it_means_and_how_to_mend_it() {
        for fault in [
            Fault::Timeout(Step::Publish, Duration::from_secs(10)),
            Fault::Resolve(io::ErrorKind::NotFound.into()),
            Fault::Connect(io::ErrorKind::ConnectionRefused.into()),
            Fault::Broken("reset".into()),
            Fault::Silent,
            Fault::Blocked,
            Fault::Tls(rustls::Error::UnsupportedNameType),
            Fault::Tls(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired)),
            Fault::File { path: "/x".into(), what: "gone".into() },
            Fault::NoAuthorities,
            Fault::Garbage,
            refused(403, "ACCESS_REFUSED"),
            refused(999, ""),
        ] {
            let text = fault.trouble(&names()).to_string();
            assert!(
                text.starts_with("E-SINK-") && text.contains("nothing is lost") && text.contains("Fix: "),
                "{text}"
            );
        }
    }

    #[test]
    fn a_broker_that_repeats_the_password_is_not_repeated() {
        let text = refused(541, "no hunter2\x1b[31m").trouble(&names()).to_string();
        assert!(!text.contains("hunter2") && !text.contains('\x1b') && text.contains("541: no …"), "{text}");
    }

    #[test]
    fn long_words_are_cut() {
        assert!(refused(541, &"x".repeat(100_000)).trouble(&names()).to_string().len() < 1_000);
    }
}
