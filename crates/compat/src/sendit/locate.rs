//! Where the settings are, and reading them.

use std::path::{Path, PathBuf};

use super::python::{Names, ReadError, World, read, read_all};

/// What was named as configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A native configuration.
    Native(PathBuf),
    /// A settings module, or a directory of them.
    Settings(PathBuf),
}

impl Named {
    /// What a path is: TOML by its name, or by what lies in the directory.
    #[must_use]
    pub fn of(path: PathBuf) -> Self {
        let is_toml = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
        let native = is_toml(&path) || (path.is_dir() && python_files(&path).is_empty() && has_toml(&path));
        if native { Self::Native(path) } else { Self::Settings(path) }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Native(path) | Self::Settings(path) => path,
        }
    }
}

/// The settings that Django would read in a project whose `manage.py` lies in `working`.
#[must_use]
pub fn usual(working: &Path, module: Option<&str>) -> PathBuf {
    let module = module.filter(|module| !module.is_empty()).unwrap_or("sendit.settings");
    let place = working.join(module.replace('.', "/"));
    let file = place.with_extension("py");
    if !place.is_dir() && file.is_file() { file } else { place }
}

/// What a settings module, or a directory of them, says. `path` is absolute.
pub fn settings(path: &Path, world: World<'_>) -> Result<Names, ReadError> {
    if !path.is_dir() {
        return read(path, world);
    }
    let whole = path.join("__init__.py");
    if whole.is_file() {
        return read(&whole, world);
    }
    let files = python_files(path);
    if files.is_empty() {
        let shown = model::text::safe(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
        return Err(ReadError::File(shown, "no *.py lies in it".into()));
    }
    read_all(&files, world)
}

fn python_files(dir: &Path) -> Vec<PathBuf> {
    list(dir, "py")
}

fn has_toml(dir: &Path) -> bool {
    !list(dir, "toml").is_empty()
}

fn list(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|own| own == extension)).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::super::python::Value;
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn settings_are_where_django_has_them() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("sendit/settings");
        assert_eq!(usual(scratch.path(), None), dir);
        assert_eq!(usual(scratch.path(), Some("")), dir);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(scratch.path().join("mine.py"), "X = 1").unwrap();
        assert_eq!(usual(scratch.path(), Some("mine")), scratch.path().join("mine.py"));
        std::fs::write(dir.join("b.py"), "X = X1 = 2\n").unwrap();
        std::fs::write(dir.join("a.py"), "X = X2 = 1\n").unwrap();
        let environment = Environment::default();
        let world = World { environment: &environment, working: scratch.path() };
        let names = settings(&dir, world).unwrap();
        assert_eq!(names.get("X"), Some(&Value::Integer(2)), "the later name counts");
        assert!(names.get("X1").is_some() && names.get("X2").is_some());
        std::fs::write(dir.join("__init__.py"), "from .a import *\n").unwrap();
        let names = settings(&dir, world).unwrap();
        assert_eq!((names.get("X"), names.get("X1")), (Some(&Value::Integer(1)), None));
        assert_eq!(Named::of(dir.clone()), Named::Settings(dir));
        std::fs::write(scratch.path().join("c.toml"), "").unwrap();
        std::fs::remove_file(scratch.path().join("mine.py")).unwrap();
        for native in [scratch.path().join("c.toml"), scratch.path().to_owned()] {
            assert_eq!(Named::of(native.clone()), Named::Native(native));
        }
    }
}
