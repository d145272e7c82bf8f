//! URLs of Redis servers, as far as a configuration must understand them.

use crate::authority;

/// Says in words what is wrong; never quotes the URL.
pub(crate) fn check(url: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("it has no scheme such as redis://");
    };
    if url.contains(char::is_whitespace) || url.contains(char::is_control) {
        return Err("it contains a space or a control character");
    }
    if rest.contains('#') {
        return Err("it has a part behind #");
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "redis" | "rediss" if query.is_empty() => check_server(rest),
        "redis" | "rediss" => Err("it has parameters behind ?, which only redis+unix knows"),
        "redis+unix" | "unix" => check_socket(rest, query),
        _ => Err("the scheme is none of redis, rediss, redis+unix"),
    }
}

fn check_server(rest: &str) -> Result<(), &'static str> {
    // A password may hold / and @: the last @ ends it.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let (server, database) = place.split_once('/').unwrap_or((place, ""));
    if !database.is_empty() && database.parse::<u32>().is_err() {
        return Err("the database behind the / is no number");
    }
    authority::check(server)
}

fn check_socket(path: &str, query: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') || path.len() < 2 {
        return Err("the path of the socket is not absolute");
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("db", database)) if database.parse::<u32>().is_err() => return Err("db= is no number"),
            Some(("db" | "user" | "pass", _)) => {}
            _ => return Err("it has a parameter that is none of db, user, pass"),
        }
    }
    Ok(())
}

/// Whether the connection is encrypted.
pub(crate) fn is_rediss(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("rediss"))
}

/// Whether the text holds a password that is not empty.
pub(crate) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    let in_user =
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty());
    let in_query = rest.split(['?', '&']).skip(1).any(|pair| {
        pair.split_once('=').is_some_and(|(key, value)| key.starts_with("pass") && !value.is_empty())
    });
    in_user || in_query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls() {
        for url in [
            "redis://127.0.0.1",
            "redis://127.0.0.1:6379/0",
            "rediss://u:p@h:1/15",
            "redis://:p@h",
            "redis://h/",
            "redis://[::1]:6379",
            "redis://[::1]",
            "redis+unix:///run/redis.sock",
            "unix:///s?db=3&pass=x",
            "redis://u:p/with@h:1/2",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn bad_urls_are_not_quoted() {
        for url in [
            "",
            "localhost:6379",
            "http://h",
            "redis://",
            "redis://u:secret@",
            "redis://h:secret",
            "redis://h:70000",
            "redis://h/secret",
            "redis+unix://secret",
            "redis+unix:///",
            "redis+unix:///s?db=secret",
            "redis+unix:///s?secret=1",
            "redis://h?pass=secret",
            "rediss://h#insecure-secret",
            "redis://h:0",
            "redis://h h",
        ] {
            let words = check(url).expect_err(url);
            assert!(!words.contains("secret"), "{url}: {words}");
        }
    }

    #[test]
    fn passwords_are_found() {
        for url in ["redis://u:p@h", "redis://:p@h", "redis+unix:///s?pass=p", "redis://h?password=p"] {
            assert!(has_password(url), "{url}");
        }
        for url in [
            "redis://h:1",
            "redis://u@h",
            "redis://u:@h",
            "redis+unix:///s?db=1",
            "x",
            "redis+unix:///s?pass=",
        ] {
            assert!(!has_password(url), "{url}");
        }
    }
}
