//! Redis URLs: where the server is and who we are there.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use config::Secret;
use model::text::safe;

use crate::peer::percent_decoded;

const DEFAULT_PORT: u16 = 6379;

/// A parsed URL. `Display` shows the address and nothing that is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// `None`: the default user.
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: u32,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

/// What is wrong with a Redis URL. The URL itself is never repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("the url does not begin with redis://, rediss:// or redis+unix://")]
    Scheme,
    /// Nothing where the host should be.
    #[error("the url names no host; write for example redis://127.0.0.1:6379/0")]
    NoHost,
    /// The port is no number from 1 to 65535.
    #[error("the port in the url is no number from 1 to 65535")]
    Port,
    /// The database is no number.
    #[error("the database in the url is no number; write for example redis://127.0.0.1:6379/0")]
    Database,
    /// A `%` without two hex digits, or bytes that are no text.
    #[error("the url has a % that is not followed by two hex digits, or bytes that are not UTF-8")]
    Escape,
    /// A parameter that is not known.
    #[error(
        "the url has a parameter that is not known; redis+unix:// knows db, user and pass, the others know none"
    )]
    Parameter,
    /// A fragment such as `#insecure`.
    #[error("the url has a part behind #; there is no option to skip the check of certificates, use ca_file")]
    Fragment,
    /// A unix URL without a path.
    #[error("the url names no socket; write for example redis+unix:///run/redis/redis.sock?db=0")]
    NoPath,
}

impl Endpoint {
    /// Reads `redis://[user[:password]@]host[:port][/db]`, `rediss://…` or
    /// `redis+unix:///path[?db=&user=&pass=]`.
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "redis" => Self::parse_tcp(rest, query, false),
            "rediss" => Self::parse_tcp(rest, query, true),
            "redis+unix" | "unix" => Self::parse_unix(rest, query),
            _ => Err(UrlError::Scheme),
        }
    }

    fn parse_tcp(rest: &str, query: &str, tls: bool) -> Result<Self, UrlError> {
        if !query.is_empty() {
            return Err(UrlError::Parameter);
        }
        // A password may hold a raw slash or at sign: the last at sign ends it.
        let (login, place) =
            rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = split_port(authority)?;
        let (user, password) = match login {
            None => (None, None),
            Some(login) => match login.split_once(':') {
                Some((user, password)) => (text(user)?, text(password)?),
                None => (text(login)?, None),
            },
        };
        let address = Address::Tcp { host: host.to_owned(), port, tls };
        Ok(Self { address, user, password: password.map(Secret::new), database: number(database)? })
    }

    fn parse_unix(path: &str, query: &str) -> Result<Self, UrlError> {
        let path = decode(path)?;
        if !path.starts_with(b"/") {
            return Err(UrlError::NoPath);
        }
        let address = Address::Unix(OsString::from_vec(path).into());
        let mut endpoint = Self { address, user: None, password: None, database: 0 };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').ok_or(UrlError::Parameter)? {
                ("db", value) => endpoint.database = number(value)?,
                ("user", value) => endpoint.user = text(value)?,
                ("pass", value) => endpoint.password = text(value)?.map(Secret::new),
                _ => return Err(UrlError::Parameter),
            }
        }
        Ok(endpoint)
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.address, Address::Tcp { tls: true, .. })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Tcp { host, port, .. } if host.contains(':') => {
                write!(f, "[{}]:{port}", safe(host.as_bytes()))
            }
            Address::Tcp { host, port, .. } => write!(f, "{}:{port}", safe(host.as_bytes())),
            Address::Unix(path) => f.write_str(&safe(path.as_os_str().as_bytes())),
        }
    }
}

/// Host and port; an IPv6 address stands in brackets.
fn split_port(authority: &str) -> Result<(&str, u16), UrlError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or(UrlError::NoHost)?;
            (
                host,
                if behind.is_empty() { None } else { Some(behind.strip_prefix(':').ok_or(UrlError::Port)?) },
            )
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    match port {
        None => Ok((host, DEFAULT_PORT)),
        Some(text) => {
            text.parse().ok().filter(|&port| port != 0).map(|port| (host, port)).ok_or(UrlError::Port)
        }
    }
}

fn number(text: &str) -> Result<u32, UrlError> {
    let digits = text.trim_end_matches('/');
    if digits.is_empty() { Ok(0) } else { digits.parse().map_err(|_| UrlError::Database) }
}

/// Percent-decoded text; nothing for an empty one.
fn text(encoded: &str) -> Result<Option<String>, UrlError> {
    let text = String::from_utf8(decode(encoded)?).map_err(|_| UrlError::Escape)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn decode(encoded: &str) -> Result<Vec<u8>, UrlError> {
    percent_decoded(encoded).ok_or(UrlError::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16, tls: bool) -> Address {
        Address::Tcp { host: host.into(), port, tls }
    }

    #[test]
    fn reads_the_forms_of_the_guide() {
        let plain = Endpoint::parse("redis://127.0.0.1").unwrap();
        assert_eq!(
            plain,
            Endpoint { address: tcp("127.0.0.1", 6379, false), user: None, password: None, database: 0 }
        );
        let full = Endpoint::parse("rediss://bob:p%40ss%3A/w@red.example:7000/3").unwrap();
        assert_eq!(full.address, tcp("red.example", 7000, true));
        assert_eq!((full.user.as_deref(), full.database), (Some("bob"), 3));
        assert_eq!(full.password.unwrap().expose(), "p@ss:/w");
        let six = Endpoint::parse("redis://:x@[::1]:7/").unwrap();
        assert_eq!((six.to_string().as_str(), six.user), ("[::1]:7", None));
        let unix = Endpoint::parse("redis+unix:///run/r%20s.sock?db=2&user=u&pass=p").unwrap();
        assert_eq!(unix.address, Address::Unix("/run/r s.sock".into()));
        assert_eq!((unix.user.as_deref(), unix.database), (Some("u"), 2));
    }

    #[test]
    fn says_what_is_wrong() {
        for (url, error) in [
            ("http://x", UrlError::Scheme),
            ("x", UrlError::Scheme),
            ("redis://", UrlError::NoHost),
            ("redis://:6379", UrlError::NoHost),
            ("redis://h:0", UrlError::Port),
            ("redis://h:70000", UrlError::Port),
            ("redis://[::1]x", UrlError::Port),
            ("redis://h/one", UrlError::Database),
            ("redis://h/-1", UrlError::Database),
            ("redis://u:%zz@h", UrlError::Escape),
            ("redis://u:%ff@h", UrlError::Escape),
            ("redis://h?db=1", UrlError::Parameter),
            ("redis+unix:///s?x=1", UrlError::Parameter),
            ("redis+unix://s", UrlError::NoPath),
            ("rediss://h#insecure", UrlError::Fragment),
        ] {
            assert_eq!(Endpoint::parse(url), Err(error), "{url}");
        }
    }

    #[test]
    fn the_password_is_in_no_text() {
        let endpoint = Endpoint::parse("redis://bob:hunter2@h").unwrap();
        assert!(!format!("{endpoint} {endpoint:?}").contains("hunter2"));
    }
}
