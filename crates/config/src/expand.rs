//! `${VAR}` and `${VAR:-default}` in strings.

/// Why a string could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpandError {
    #[error("the environment variable {0} is not set")]
    Undefined(String),
    #[error("${{ is not closed by }}")]
    Unclosed,
    #[error("\"{0}\" is no name of an environment variable")]
    BadName(String),
}

/// Replaces every reference; `$${` gives a literal `${`. As in a shell, `:-` also replaces an
/// empty value.
pub(crate) fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or(ExpandError::Unclosed)?;
        out.push_str(&value(&inner[..end], env)?);
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The text such that [`expand`] gives back `text`.
pub(crate) fn protect(text: &str) -> String {
    text.replace("${", "$${")
}

fn value(reference: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(ExpandError::BadName(name.to_owned()));
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(ExpandError::Undefined(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOME" => Some("/root".into()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${HOME}".into()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_once() {
        for (text, expected) in [
            ("plain $x $", "plain $x $"),
            ("${HOME}/a${HOME}", "/root/a/root"),
            ("${NONE:-/d}/a", "/d/a"),
            ("${NONE:-}", ""),
            ("${HOME:-/d}", "/root"),
            ("[${EMPTY}]", "[]"),
            ("${EMPTY:-d}", "d"),
            ("${NESTED}", "${HOME}"),
            ("$${HOME}", "${HOME}"),
            ("$$${HOME}", "$${HOME}"),
            ("a{1,2}$", "a{1,2}$"),
        ] {
            assert_eq!(expand(text, &env).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_replaced_is_an_error() {
        assert_eq!(expand("${NONE}", &env), Err(ExpandError::Undefined("NONE".into())));
        assert_eq!(expand("${HOME", &env), Err(ExpandError::Unclosed));
        assert_eq!(expand("${a b}", &env), Err(ExpandError::BadName("a b".into())));
        assert_eq!(expand("${}", &env), Err(ExpandError::BadName(String::new())));
        assert_eq!(expand("${1A}", &env), Err(ExpandError::BadName("1A".into())));
    }

    #[test]
    fn protected_text_survives() {
        for text in ["${HOME}", "$${HOME}", "$$${", "a$", "$$", "x${"] {
            assert_eq!(expand(&protect(text), &env).as_deref(), Ok(text), "{text}");
        }
    }
}
