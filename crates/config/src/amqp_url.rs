//! URLs of AMQP 0-9-1 brokers, as far as a configuration must understand them: `amqp://[user:password@]host[:port][/vhost]`.
//!
//! User, password and vhost are percent-encoded. Behind the host, `/` alone and nothing mean the vhost `/`, as for Celery,
//! which also writes it as `//`: all behind the first slash is the vhost.

use crate::authority;

/// Whether the scheme is one of AMQP.
pub(crate) fn is_amqp(url: &str) -> bool {
    matches!(scheme(url).as_deref(), Some("amqp" | "amqps"))
}

/// Whether the connection is encrypted.
pub(crate) fn is_amqps(url: &str) -> bool {
    scheme(url).as_deref() == Some("amqps")
}

fn scheme(url: &str) -> Option<String> {
    url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase())
}

/// Says in words what is wrong; never quotes the URL.
pub(crate) fn check(url: &str) -> Result<(), &'static str> {
    let Some((_, rest)) = url.split_once("://") else {
        return Err("it has no scheme such as amqp://");
    };
    if !is_amqp(url) {
        return Err("the scheme is none of amqp, amqps");
    }
    if url.contains(char::is_whitespace) || url.contains(char::is_control) {
        return Err("it contains a space or a control character");
    }
    if rest.contains('#') {
        return Err("it has a part behind #; a # in a password is written %23");
    }
    if rest.contains('?') {
        return Err("it has parameters behind ?, of which none is known; a ? in a password is written %3F");
    }
    let (server, vhost) = rest.split_once('/').unwrap_or((rest, ""));
    if vhost.contains('@') {
        return Err(
            "there is an @ behind the first /: in a password / is written %2F, in a vhost @ is written %40",
        );
    }
    let (user, place) = server.rsplit_once('@').unwrap_or(("", server));
    if user.contains('@') {
        return Err("it has two @ before the host: in a user or password it is written %40");
    }
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (Some(user), Some(_), Some(vhost)) = (decoded(user), decoded(password), decoded(vhost)) else {
        return Err("a % is not followed by two hexadecimal digits of a UTF-8 text");
    };
    if user.len() > NAME_LIMIT || vhost.len() > NAME_LIMIT {
        return Err("the user or the vhost is longer than the 255 bytes that AMQP has for it");
    }
    authority::check(place)
}

/// How long a name can be, in bytes.
const NAME_LIMIT: usize = 255;

/// Without percent signs; `None` where one of them encodes no byte, or what comes out is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.extend(u8::try_from(high * 16 + low)),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether the text holds a password that is not empty.
pub(crate) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls() {
        for url in [
            "amqp://127.0.0.1",
            "amqp://guest:guest@localhost:5672//",
            "amqp://h/",
            "AMQPS://u:p%40ss%2Fword@h:5671/%2F",
            "amqp://u@[::1]:5672/a/b",
            "amqp://h/%C3%A9",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn bad_urls_are_not_quoted() {
        for url in [
            "",
            "localhost:5672",
            "redis://secret@h",
            "amqp://",
            "amqp://u:secret@",
            "amqp://h:secret",
            "amqp://h:0/",
            "amqp://h:70000",
            "amqp://u:sec/ret@h",
            "amqp://u:secret@x@h",
            "amqp://u:secret%4@h",
            "amqp://u:secret%zz@h",
            "amqp://h/%ffsecret",
            "amqp://h/v?secret=1",
            "amqp://h#secret",
            "amqp://h /secret",
            "amqp://h/\u{1b}secret",
        ] {
            let words = check(url).expect_err(url);
            assert!(!words.contains("secret"), "{url}: {words}");
        }
    }

    #[test]
    fn names_have_a_limit_and_passwords_have_none() {
        let long = |length: usize| "x".repeat(length - 1) + "%40";
        for url in [format!("amqp://{}@h", long(255)), format!("amqp://u:{}@h/{}", long(999), long(255))] {
            assert_eq!(check(&url), Ok(()));
        }
        for url in [format!("amqp://{}:p@h", long(256)), format!("amqp://h/{}", long(256))] {
            assert!(check(&url).is_err_and(|words| words.contains("longer than")), "{url}");
        }
    }

    #[test]
    fn passwords_and_encryption_are_told() {
        assert!(has_password("amqp://u:p@h") && has_password("amqps://:p/x@h"));
        assert!(!has_password("amqp://u@h:1") && !has_password("amqp://u:@h") && !has_password("x"));
        assert!(is_amqps("AMQPS://h") && is_amqp("amqps://h") && is_amqp("Amqp://h"));
        assert!(!is_amqps("amqp://amqps://h") && !is_amqp("amqps") && !is_amqp("redis://h"));
    }
}
