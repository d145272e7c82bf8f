//! The status file: what was registered and copied, in the original's shape.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use model::Stamp;
use products::json::string;
use serde_json::Value;

/// So many of the latest entries are kept: the file is for people, the ledger knows the rest.
const ENTRIES: usize = 100_000;

/// What was registered by this process.
#[derive(Debug, Default)]
pub(crate) struct Register {
    path: Option<PathBuf>,
    entries: Vec<Entry>,
    /// What an earlier process listed with a uid.
    earlier: HashSet<String>,
    changed: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    name: String,
    uid: Option<String>,
    at: Stamp,
}

impl Register {
    /// Nothing is written before something was registered. With `reload` the file is read first; one that
    /// cannot be read is an error that says what that means.
    pub(crate) fn open(path: Option<&Path>, reload: bool) -> Result<Self, String> {
        let mut register = Self { path: path.map(Path::to_owned), ..Self::default() };
        if let (Some(path), true) = (path, reload) {
            match fs::read(path) {
                Ok(bytes) => register.take_in(&bytes, path)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(path, &error.to_string())),
            }
        }
        Ok(register)
    }

    fn take_in(&mut self, bytes: &[u8], path: &Path) -> Result<(), String> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| unreadable(path, &error.to_string()))?;
        let list = value.as_array().ok_or_else(|| unreadable(path, "it is no list"))?;
        for entry in list {
            let Some(name) = entry["file_or_directory"].as_str() else { continue };
            let uid = entry["dlm_registration_id"].as_str().map(str::to_owned);
            let at = entry["time_registered"].as_f64().unwrap_or_default();
            let at = Stamp::new(at.trunc() as i64, (at.fract() * 1e9) as u32);
            if uid.is_some() {
                self.earlier.insert(name.to_owned());
            }
            self.entries.push(Entry { name: name.to_owned(), uid, at });
        }
        Ok(())
    }

    /// Whether an earlier process listed the item as registered.
    pub(crate) fn lists(&self, name: &str) -> bool {
        self.earlier.contains(name)
    }

    /// An item was registered, and its copy was asked for.
    pub(crate) fn add(&mut self, name: &str, uid: Option<&str>, at: Stamp) {
        if self.path.is_none() {
            return;
        }
        if self.entries.len() >= ENTRIES {
            self.entries.drain(..ENTRIES / 10);
        }
        self.entries.push(Entry { name: name.to_owned(), uid: uid.map(str::to_owned), at });
        self.changed = true;
    }

    /// The news could not be written: they are news still.
    pub(crate) fn is_unwritten(&mut self) {
        self.changed = true;
    }

    /// The file's place and new text, if there is news.
    pub(crate) fn news(&mut self) -> Option<(PathBuf, String)> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        Some((self.path.clone()?, self.text()))
    }

    fn text(&self) -> String {
        let mut out = String::from("[");
        for (at, entry) in self.entries.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let uid = entry.uid.as_ref().map_or_else(|| "null".to_owned(), |uid| string(uid));
            let time = format!("{}.{:06}", entry.at.sec, entry.at.nsec / 1000);
            // Writing to a string cannot fail.
            let _ = write!(
                out,
                "{comma}\n    {{\n        \"file_or_directory\": {},\n        \"dlm_storage_name\": null,\n        \
                 \"dlm_registration_id\": {uid},\n        \"time_registered\": {time}\n    }}",
                string(&entry.name)
            );
        }
        out.push_str(if self.entries.is_empty() { "]" } else { "\n]" });
        out
    }
}

/// Writes the file so that a reader sees the old text or the new one, never a part.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    // One at a time, so that a text never overtakes a newer one.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    // Its name can be foretold, and it may lie in /tmp: what is there already is not written through.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    file.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(&beside)))?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
}

fn unreadable(path: &Path, why: &str) -> String {
    format!(
        "E-DLM-STATUS: cannot read the status file {}: {why}; nothing was registered yet. \
         Fix: mend or remove the file, or do without reloading it",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_file_has_the_originals_shape_and_is_read_back() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("s.json");
        let mut register = Register::open(Some(&path), true).unwrap();
        assert_eq!(register.news(), None);
        register.add("dp", Some("u1"), Stamp::new(1_795_226_623, 189_871_500));
        register.add("dp/ü\"", None, Stamp::new(2, 0));
        let (to, text) = register.news().unwrap();
        assert_eq!(
            text,
            "[\n    {\n        \"file_or_directory\": \"dp\",\n        \"dlm_storage_name\": null,\n        \
             \"dlm_registration_id\": \"u1\",\n        \"time_registered\": 1795226623.189871\n    },\n    {\n        \
             \"file_or_directory\": \"dp/\\u00fc\\\"\",\n        \"dlm_storage_name\": null,\n        \
             \"dlm_registration_id\": null,\n        \"time_registered\": 2.000000\n    }\n]"
        );
        write(&to, &text).unwrap();
        let again = Register::open(Some(&path), true).unwrap();
        assert!(again.lists("dp") && !again.lists("dp/ü\""));
        assert!(!Register::open(Some(&path), false).unwrap().lists("dp"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_where_the_file_is_made_is_not_written_through() {
        let dir = TempDir::new().unwrap();
        let (path, other) = (dir.path().join("s.json"), dir.path().join("other"));
        fs::write(&other, "kept").unwrap();
        let beside = dir.path().join(format!("s.json.{}.tmp", std::process::id()));
        std::os::unix::fs::symlink(&other, &beside).unwrap();
        write(&path, "[]").unwrap();
        assert_eq!(
            (fs::read_to_string(&path).unwrap(), fs::read_to_string(&other).unwrap()),
            ("[]".into(), "kept".into())
        );
    }

    #[test]
    fn a_garbled_file_is_named() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("s.json");
        fs::write(&path, "{}").unwrap();
        let error = Register::open(Some(&path), true).unwrap_err();
        assert!(error.contains("s.json") && error.contains("Fix: "), "{error}");
    }
}
