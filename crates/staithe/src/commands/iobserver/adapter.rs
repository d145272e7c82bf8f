//! The program that runs old plugins: two Python files that this binary carries along.
//!
//! They are written into the state directory rather than given to `python3 -c`: one imports the other, a traceback
//! names file and line, and the process list shows which plugin it is.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const ADAPTER: (&str, &str) =
    ("staithe_iobserver.py", include_str!("../../../../../plugins/python/staithe_iobserver.py"));
const MODULE: (&str, &str) =
    ("staithe_plugin.py", include_str!("../../../../../plugins/python/staithe_plugin.py"));

/// Writes what is not there yet, and gives the adapter's path.
pub(super) fn install(state_dir: &Path) -> io::Result<PathBuf> {
    let folder = state_dir.join("python");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    for (name, text) in [MODULE, ADAPTER] {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        // Replaced as a whole: a plugin of another start of ours may be reading it.
        let fresh = folder.join(format!(".{name}.new"));
        let _ = fs::remove_file(&fresh);
        let mut file = File::create_new(&fresh)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&fresh, &path)?;
    }
    Ok(folder.join(ADAPTER.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_old_plugins_is_there_whole_and_for_the_owner_only() {
        let scratch = testkit::Scratch::in_memory("adapter");
        let state_dir = scratch.path().join("state");
        let adapter = install(&state_dir).unwrap();
        assert_eq!(fs::read_to_string(&adapter).unwrap(), ADAPTER.1);
        fs::write(&adapter, "of an older version").unwrap();
        assert_eq!(install(&state_dir).unwrap(), adapter);
        assert_eq!(fs::read_to_string(&adapter).unwrap(), ADAPTER.1);
        let names: Vec<_> = fs::read_dir(state_dir.join("python")).unwrap().flatten().collect();
        assert_eq!(names.len(), 2, "{names:?}");
        for entry in names {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
    }
}
