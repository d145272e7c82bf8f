//! URLs of AMQP brokers: where the broker is, who we are there, and which virtual host.

use std::fmt;

use config::Secret;
use model::text::safe;

use crate::peer::percent_decoded;

const PLAIN_PORT: u16 = 5672;
const TLS_PORT: u16 = 5671;
/// What a broker knows when it is new, and what every client says when it was told nothing.
const GUEST: &str = "guest";

/// A parsed URL. `Display` shows the address and nothing that is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) vhost: String,
}

/// What is wrong with an AMQP URL. The URL itself is never repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmqpUrlError {
    /// Another scheme, or none.
    #[error("the url does not begin with amqp:// or amqps://")]
    Scheme,
    /// Nothing where the host should be.
    #[error("the url names no host; write for example amqp://127.0.0.1:5672/")]
    NoHost,
    /// The port is no number from 1 to 65535.
    #[error("the port in the url is no number from 1 to 65535")]
    Port,
    /// A `%` without two hex digits, or bytes that are no text.
    #[error("the url has a % that is not followed by two hex digits, or bytes that are not UTF-8")]
    Escape,
    /// A query or a fragment.
    #[error("the url has parts behind ? or #, of which none is known")]
    Parameter,
    /// An at sign where it cannot be told what it belongs to.
    #[error("the url has an @ in a password or a vhost; write it %40")]
    At,
    /// The protocol has one byte for the length of a name.
    #[error("the vhost or the user in the url is longer than 255 bytes")]
    Long,
}

impl Endpoint {
    /// Reads `amqp://[user[:password]@]host[:port][/vhost]` and `amqps://…`. All behind the first slash is the vhost; where
    /// there is nothing, it is `/`.
    pub(crate) fn parse(url: &str) -> Result<Self, AmqpUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(AmqpUrlError::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "amqp" => false,
            "amqps" => true,
            _ => return Err(AmqpUrlError::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(AmqpUrlError::Parameter);
        }
        let (server, vhost) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = server.rsplit_once('@').unwrap_or(("", server));
        if vhost.contains('@') || login.contains('@') {
            return Err(AmqpUrlError::At);
        }
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = split_port(place, if tls { TLS_PORT } else { PLAIN_PORT })?;
        let (user, vhost) = (or(decode(user)?, GUEST), or(decode(vhost)?, "/"));
        if user.len() > usize::from(u8::MAX) || vhost.len() > usize::from(u8::MAX) {
            return Err(AmqpUrlError::Long);
        }
        let password = if login.is_empty() { GUEST.to_owned() } else { decode(password)? };
        Ok(Self { host: host.to_owned(), port, tls, user, password: Secret::new(password), vhost })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = safe(self.host.as_bytes());
        if host.contains(':') {
            write!(f, "[{host}]:{}", self.port)
        } else {
            write!(f, "{host}:{}", self.port)
        }
    }
}

fn or(text: String, usual: &str) -> String {
    if text.is_empty() { usual.to_owned() } else { text }
}

/// Host and port; an IPv6 address stands in brackets.
fn split_port(place: &str, usual: u16) -> Result<(&str, u16), AmqpUrlError> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or(AmqpUrlError::NoHost)?;
            let port = behind.strip_prefix(':').ok_or(AmqpUrlError::Port);
            (host, if behind.is_empty() { None } else { Some(port?) })
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(AmqpUrlError::NoHost);
    }
    let number = |text: &str| text.parse().ok().filter(|&port| port != 0).ok_or(AmqpUrlError::Port);
    Ok((host, port.map_or(Ok(usual), number)?))
}

/// Percent-decoded text.
fn decode(encoded: &str) -> Result<String, AmqpUrlError> {
    percent_decoded(encoded).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(AmqpUrlError::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, bool, String, String, String) {
        let at = Endpoint::parse(url).unwrap();
        (at.to_string(), at.tls, at.user.clone(), at.password.expose().to_owned(), at.vhost)
    }

    fn expected(
        at: &str,
        tls: bool,
        user: &str,
        password: &str,
        vhost: &str,
    ) -> (String, bool, String, String, String) {
        (at.into(), tls, user.into(), password.into(), vhost.into())
    }

    #[test]
    fn reads_the_forms_of_the_guide() {
        assert_eq!(parts("amqp://h"), expected("h:5672", false, "guest", "guest", "/"));
        assert_eq!(parts("AMQPS://h/"), expected("h:5671", true, "guest", "guest", "/"));
        // As Celery writes the vhost `/`.
        assert_eq!(parts("amqp://guest:guest@h//"), expected("h:5672", false, "guest", "guest", "/"));
        assert_eq!(
            parts("amqp://u:p%40ss%2Fw%3a@[::1]:7/%2fa/b"),
            expected("[::1]:7", false, "u", "p@ss/w:", "/a/b")
        );
        assert_eq!(parts("amqp://u@h/%C3%A9"), expected("h:5672", false, "u", "", "é"));
    }

    #[test]
    fn says_what_is_wrong_and_no_more() {
        let long = format!("amqp://h/{}", "secret".repeat(50));
        for (url, error) in [
            ("http://secret", AmqpUrlError::Scheme),
            ("secret", AmqpUrlError::Scheme),
            ("amqp://", AmqpUrlError::NoHost),
            ("amqp://:1", AmqpUrlError::NoHost),
            ("amqp://[::1", AmqpUrlError::NoHost),
            ("amqp://h:0", AmqpUrlError::Port),
            ("amqp://h:secret", AmqpUrlError::Port),
            ("amqp://[::1]secret", AmqpUrlError::Port),
            ("amqp://u:%+5secret@h", AmqpUrlError::Escape),
            ("amqp://u:%ffsecret@h", AmqpUrlError::Escape),
            ("amqp://h/v?secret=1", AmqpUrlError::Parameter),
            ("amqps://h#secret", AmqpUrlError::Parameter),
            ("amqp://u:sec@ret@h", AmqpUrlError::At),
            ("amqp://u:sec/ret@h", AmqpUrlError::At),
            (&long, AmqpUrlError::Long),
        ] {
            assert_eq!(Endpoint::parse(url), Err(error), "{url}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn the_password_is_in_no_text() {
        let endpoint = Endpoint::parse("amqp://bob:hunter2@h").unwrap();
        assert!(!format!("{endpoint} {endpoint:?}").contains("hunter2"));
    }
}
