//! Base URLs of HTTP services, as far as a configuration must understand them.

use crate::authority;

/// Says in words what is wrong; never quotes the URL.
pub(crate) fn check(url: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("it has no scheme such as http://");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("the scheme is none of http, https");
    }
    if url.contains(char::is_whitespace) || url.contains(char::is_control) {
        return Err("it contains a space or a control character");
    }
    if rest.contains(['?', '#']) {
        return Err("it goes on behind its path");
    }
    let server = rest.split_once('/').map_or(rest, |(server, _)| server);
    if server.contains('@') {
        return Err("it holds a user or a password");
    }
    authority::check(server)
}

/// Whether the connection is encrypted.
pub(crate) fn is_https(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls() {
        for url in [
            "http://dlm_ingest:8001",
            "https://gateway.example/dlm/a@b",
            "HTTPS://h",
            "http://[::1]:80/",
            "http://127.0.0.1",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn bad_urls_are_not_quoted() {
        for url in [
            "",
            "dlm_ingest:8001",
            "redis://h",
            "http://",
            "http:///secret",
            "http://h:secret",
            "http://h:0",
            "http://h:70000/x",
            "http://u:secret@h",
            "https://secret@h/x",
            "http://u:sec/ret@h",
            "http://h/x?secret=1",
            "http://h#secret",
            "http://h /secret",
            "http://h/\u{1b}secret",
        ] {
            let words = check(url).expect_err(url);
            assert!(!words.contains("secret"), "{url}: {words}");
        }
    }

    #[test]
    fn encryption_is_told_by_the_scheme() {
        assert!(is_https("https://h") && is_https("HTTPS://h"));
        assert!(!is_https("http://https://h") && !is_https("https"));
    }
}
