//! What the sinks that talk to a server have in common: words about it, and reading what it and its URL say.

use std::io;

use config::Secret;
use model::text::safe;

/// What trouble means for the data, where nothing can have arrived.
pub(crate) const KEPT: &str = "nothing is lost, the events wait and are sent when it works again";
/// The same where something may have.
pub(crate) const AGAIN: &str =
    "nothing is lost, the events are sent again with the same ids, also those that it may have taken";

/// How much of a server's own words is repeated.
const QUOTED: usize = 200;

/// A server's words, made harmless: short, without control bytes, and without our password, which some servers repeat.
pub(crate) fn quote(text: &str, password: Option<&Secret>) -> String {
    let password = password.filter(|_| !switch::is_off("strike-out-passwords"));
    let struck = match password.map(Secret::expose).filter(|password| !password.is_empty()) {
        Some(password) => text.replace(password, "…"),
        None => text.to_owned(),
    };
    let short: String = struck.trim_end_matches('.').chars().take(QUOTED).collect();
    safe(short.as_bytes())
}

/// The error of TLS that a failed read, write or handshake is made of, however deep it is wrapped.
pub(crate) fn tls_error(error: &io::Error) -> Option<rustls::Error> {
    /// `source` of an I/O error is the source of what it is made of, and leaves that out.
    fn made_of(error: &io::Error) -> Option<&(dyn std::error::Error + 'static)> {
        error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static))
    }
    let mut inner = made_of(error);
    while let Some(error) = inner {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls.clone());
        }
        inner = error.downcast_ref::<io::Error>().and_then(made_of).or(error.source());
    }
    None
}

/// The bytes of a part of a URL, percent-decoded; nothing where a `%` is not followed by two hex digits.
pub(crate) fn percent_decoded(encoded: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        if byte != b'%' {
            out.push(byte);
            rest = behind;
            continue;
        }
        // A number may begin with a plus, a byte may not.
        let digits = behind.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit))?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = &behind[2..];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_found_however_deep_it_is_wrapped() {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let once = io::Error::new(io::ErrorKind::InvalidData, alert.clone());
        assert_eq!(tls_error(&once), Some(alert.clone()));
        let twice = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, alert.clone()));
        assert_eq!(tls_error(&twice), Some(alert));
        assert_eq!(tls_error(&io::ErrorKind::NotFound.into()), None);
    }

    #[test]
    fn escapes_are_two_digits() {
        assert_eq!(percent_decoded("a%20%ff/%C3%a9").as_deref(), Some(&b"a \xff/\xc3\xa9"[..]));
        for wrong in ["%", "%2", "%zz", "%+5", "%5+"] {
            assert_eq!(percent_decoded(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_quoted_is_short_and_holds_no_password() {
        let password = Secret::new("hunter2");
        assert_eq!(quote("no hunter2\x1b...", Some(&password)), format!("no …{}", safe(b"\x1b")));
        assert_eq!(quote(&"x".repeat(10_000), None).len(), QUOTED);
    }
}
