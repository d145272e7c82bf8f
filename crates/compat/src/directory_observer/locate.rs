//! Finding the configuration file: absolute, or in the module's directories.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::line::Line;
use super::load::Stop;

/// Where a module keeps its configuration, in this order.
const MODULE_DIRECTORIES: [&str; 2] = ["config_auto", "config"];

/// The file that `--config` means. `directory` is the working directory; it counts only for names
/// that begin with `~`, which the original does not expand.
pub(super) fn locate(
    config: Option<&OsStr>,
    environment: &Environment,
    directory: &Path,
    lines: &mut Vec<Line>,
) -> Result<PathBuf, Stop> {
    let Some(config) = config else {
        lines.push(Line::NoConfig);
        return Err(Stop { traceback: None, status: 1 });
    };
    let found = if config.as_bytes().starts_with(b"/") || config.as_bytes().starts_with(b"~") {
        absolute(&directory.join(config))
    } else {
        in_module(config, environment, directory)
    };
    let problem = match found {
        Ok(file) if file.is_dir() => Line::IsADirectory(bytes(&file)),
        Ok(file) => return Ok(file),
        Err(line) => line,
    };
    lines.push(problem);
    Err(Stop::quiet())
}

fn absolute(file: &Path) -> Result<PathBuf, Line> {
    if file.exists() { Ok(file.to_owned()) } else { Err(Line::NoSuchFile(bytes(file))) }
}

fn in_module(config: &OsStr, environment: &Environment, directory: &Path) -> Result<PathBuf, Line> {
    let module = environment.get("MFMODULE").ok_or(Line::NoModuleHome)?;
    let home = environment.get(&format!("{module}_HOME")).ok_or(Line::NoModuleHome)?;
    let home = directory.join(home);
    let candidates = MODULE_DIRECTORIES.iter().map(|sub| home.join(sub).join(config));
    candidates.into_iter().find(|file| file.exists()).ok_or(Line::NotInModule)
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            for sub in ["config", "config_auto", "dir"] {
                std::fs::create_dir(home.path().join(sub)).unwrap();
            }
            Self(home)
        }

        fn touch(&self, name: &str) -> PathBuf {
            let file = self.0.path().join(name);
            std::fs::write(&file, "").unwrap();
            file
        }

        fn look(&self, config: Option<&str>, module: bool) -> Result<PathBuf, (Line, u8)> {
            let home = self.0.path().to_str().unwrap();
            let variables = [("MFMODULE", "MFDATA"), ("MFDATA_HOME", home)];
            let environment = if module { variables.into_iter().collect() } else { Environment::default() };
            let mut lines = Vec::new();
            locate(config.map(OsStr::new), &environment, self.0.path(), &mut lines)
                .map_err(|stop| (lines.remove(0), stop.status))
        }
    }

    #[test]
    fn an_absolute_name_is_used_as_it_is() {
        let home = Home::new();
        let file = home.touch("x.ini");
        assert_eq!(home.look(file.to_str(), false), Ok(file));
        let missing = home.look(Some("/nonexistent/x.ini"), true);
        assert_eq!(missing, Err((Line::NoSuchFile(b"/nonexistent/x.ini".to_vec()), 0)));
        let dir = home.0.path().join("dir");
        assert_eq!(home.look(dir.to_str(), false), Err((Line::IsADirectory(bytes(&dir)), 0)));
    }

    #[test]
    fn a_relative_name_is_looked_for_in_the_module() {
        let home = Home::new();
        home.touch("here.ini");
        let second = home.touch("config/x.ini");
        assert_eq!(home.look(Some("x.ini"), true), Ok(second));
        let first = home.touch("config_auto/x.ini");
        assert_eq!(home.look(Some("x.ini"), true), Ok(first));
        assert_eq!(home.look(Some("here.ini"), true), Err((Line::NotInModule, 0)));
        assert_eq!(home.look(Some("x.ini"), false), Err((Line::NoModuleHome, 0)));
    }

    #[test]
    fn a_tilde_is_part_of_a_name_in_the_working_directory() {
        let home = Home::new();
        let file = home.touch("~c.ini");
        assert_eq!(home.look(Some("~c.ini"), false), Ok(file));
    }

    #[test]
    fn without_config_the_status_is_1() {
        assert_eq!(Home::new().look(None, true), Err((Line::NoConfig, 1)));
    }
}
