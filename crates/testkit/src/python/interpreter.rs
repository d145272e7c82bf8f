//! Which Pythons this machine has.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `(3, 11)`.
pub type Version = (u8, u8);

/// Python programs of this name and newer or older ones are looked for beside each other.
const OLD_ENOUGH: std::ops::RangeInclusive<u8> = 4..=20;

/// The Python that a user of this machine gets; nothing where there is none.
#[must_use]
pub fn default_interpreter() -> Option<PathBuf> {
    real("python3".as_ref())
}

/// The newest Python 3 that is not newer than this, in `PATH` or among those of `pyenv`.
#[must_use]
pub fn interpreter_up_to((major, minor): Version) -> Option<PathBuf> {
    let versions = OLD_ENOUGH.rev().filter(|&other| other <= minor).map(|other| (major, other));
    versions.flat_map(places).find_map(|place| {
        let found = real(&place)?;
        (version_of(&found)? <= (major, minor)).then_some(found)
    })
}

/// The version of a Python; nothing where it does not start.
#[must_use]
pub fn version_of(python: &Path) -> Option<Version> {
    let text = ask(python, "import sys; print('%d %d' % sys.version_info[:2])")?;
    let (major, minor) = text.split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Where a version may lie.
fn places((major, minor): Version) -> Vec<PathBuf> {
    let name = format!("python{major}.{minor}");
    let mut places: Vec<PathBuf> = pyenv(&format!("{major}.{minor}.")).collect();
    places.push(PathBuf::from(name));
    places
}

/// Those of `pyenv` whose version begins so.
fn pyenv(begin: &str) -> impl Iterator<Item = PathBuf> {
    let home = || std::env::home_dir().map(|home| home.join(".pyenv"));
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(home).unwrap_or_default();
    let entries = std::fs::read_dir(root.join("versions")).into_iter().flatten().flatten();
    let begin = begin.to_owned();
    let fitting = entries.filter(move |entry| entry.file_name().to_string_lossy().starts_with(&begin));
    fitting.map(|entry| entry.path().join("bin/python"))
}

/// The program itself, since what lies in `PATH` may be a shim that means another one in another folder.
fn real(python: &Path) -> Option<PathBuf> {
    let path = PathBuf::from(ask(python, "import sys; print(sys.executable)")?);
    path.is_absolute().then_some(path)
}

fn ask(python: &Path, script: &str) -> Option<String> {
    let output = Command::new(python).args(["-c", script]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_one_is_found_and_has_a_version() {
        let python = default_interpreter().expect("the tests need python3");
        let version = version_of(&python).expect("it starts");
        assert!(version >= (3, 8), "{version:?}");
        assert_eq!(interpreter_up_to((3, 3)), None, "there is none so old");
    }

    #[test]
    fn none_is_newer_than_wanted() {
        let version = version_of(&default_interpreter().expect("the tests need python3")).expect("it starts");
        let found = interpreter_up_to(version).expect("at least the default one");
        assert!(version_of(&found).expect("it starts") <= version);
    }
}
