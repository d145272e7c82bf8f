//! The names by which the binary may be called to take an old program's place.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The words that the command line stands for: called by an old program's name, it is that
/// program's drop-in.
pub(crate) fn as_called(words: &[OsString]) -> Vec<OsString> {
    let called = words.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let kind: &[&str] = match called.as_encoded_bytes() {
        b"directory_observer" | b"directory_observer.py" => &["directory-observer"],
        b"dlm-directory-watcher" => &["dlm-watcher"],
        b"iobserver" => &["iobserver"],
        b"start_watcher" | b"watcher_start" => &["sendit", "start"],
        b"stop_watcher" | b"watcher_stop" => &["sendit", "stop"],
        _ => return words.to_vec(),
    };
    let staithe = ["staithe", "compat"].into_iter().chain(kind.iter().copied()).map(OsStr::new);
    staithe.map(OsStr::to_owned).chain(words.iter().skip(1).cloned()).collect()
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
        for (name, word) in
            [("start_watcher", "start"), ("/opt/stop_watcher", "stop"), ("watcher_stop", "stop")]
        {
            let expected: Vec<OsString> =
                ["staithe", "compat", "sendit", word, "-c", "x"].map(Into::into).into();
            assert_eq!(as_called(&[name, "-c", "x"].map(OsString::from)), expected);
        }
        let own: Vec<OsString> = ["staithe", "status"].map(Into::into).into();
        assert_eq!(as_called(&own), own);
    }
}
