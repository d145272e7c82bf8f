//! The names by which the binary may be called to take an old program's place.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The words that the command line stands for: called by an old program's name, it is that
/// program's drop-in.
pub(crate) fn as_called(words: &[OsString]) -> Vec<OsString> {
    let called = words.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let kind = match called.as_encoded_bytes() {
        b"directory_observer" | b"directory_observer.py" => "directory-observer",
        b"dlm-directory-watcher" => "dlm-watcher",
        b"iobserver" => "iobserver",
        _ => return words.to_vec(),
    };
    let staithe: [&OsStr; 3] = [OsStr::new("staithe"), OsStr::new("compat"), OsStr::new(kind)];
    staithe.into_iter().map(OsStr::to_owned).chain(words.iter().skip(1).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_is_its_drop_in() {
        let words: Vec<OsString> = ["/usr/bin/directory_observer", "--config", "x"].map(Into::into).into();
        let expected: Vec<OsString> =
            ["staithe", "compat", "directory-observer", "--config", "x"].map(Into::into).into();
        assert_eq!(as_called(&words), expected);
        let words: Vec<OsString> = ["dlm-directory-watcher", "-d", "x"].map(Into::into).into();
        let expected: Vec<OsString> = ["staithe", "compat", "dlm-watcher", "-d", "x"].map(Into::into).into();
        assert_eq!(as_called(&words), expected);
        assert_eq!(
            as_called(&["./iobserver".into()]),
            ["staithe", "compat", "iobserver"].map(OsString::from)
        );
        let own: Vec<OsString> = ["staithe", "status"].map(Into::into).into();
        assert_eq!(as_called(&own), own);
    }
}
