//! The token of `--token-file`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use config::Secret;
use model::text::safe;

/// No token is longer; another file may be.
const LONGEST: u64 = 64 << 10;

/// Reads the first line of a file: secrets that are mounted into a container often end with a newline. What is wrong is
/// said without what was read.
///
/// # Errors
///
/// A sentence that fits behind `error: `.
pub fn read_token(file: &Path) -> Result<Secret, String> {
    let name = safe(file.as_os_str().as_bytes());
    let mut line = Vec::new();
    File::open(file)
        .and_then(|opened| BufReader::new(opened.take(LONGEST)).read_until(b'\n', &mut line))
        .map_err(|error| format!("argument --token-file: cannot read {name}: {error}"))?;
    let token = line.trim_ascii();
    if token.is_empty() {
        return Err(format!("argument --token-file: the first line of {name} is empty"));
    }
    match std::str::from_utf8(token) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Secret::new(text)),
        _ => Err(format!(
            "argument --token-file: the first line of {name} is no token: it must be visible ASCII characters without \
             spaces"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_token_and_a_mistake_never_shows_it() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("token");
        for (content, token) in
            [("abc.def-1\n", "abc.def-1"), ("abc", "abc"), ("  abc \r\nsecond line", "abc")]
        {
            std::fs::write(&file, content).unwrap();
            assert_eq!(read_token(&file).map(|secret| secret.expose().to_owned()).as_deref(), Ok(token));
        }
        for content in [&b""[..], b"\nabc", b"hun ter2", b"hunter2\xff", b"hunter2\x01"] {
            std::fs::write(&file, content).unwrap();
            let error = read_token(&file).unwrap_err();
            assert!(error.starts_with("argument --token-file: the first line of /"), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("hun ter2"), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(read_token(&file).unwrap_err().contains("cannot read"));
        assert!(read_token(scratch.path()).unwrap_err().contains("cannot read"));
    }
}
