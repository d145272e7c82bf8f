//! The environments that tests use, with every version given.

use std::path::PathBuf;

use super::{Venv, default_interpreter, interpreter_up_to};

/// An environment that some test uses.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// What it is called.
    pub name: &'static str,
    /// What is in it.
    pub packages: &'static [&'static str],
    /// The version of what it is for, for people.
    pub version: &'static str,
    /// The newest Python that it runs on; nothing: the default one.
    up_to: Option<(u8, u8)>,
}

/// Celery as of today.
pub const CELERY_NOW: Recipe = Recipe {
    name: "celery-now",
    version: "5.7.0",
    up_to: None,
    packages: &[
        "celery==5.7.0",
        "kombu==5.7.0",
        "billiard==4.3.2",
        "vine==5.1.0",
        "amqp==5.4.2",
        "redis==8.1.0",
        "click==8.5.1",
        "click-didyoumean==0.3.1",
        "click-plugins==1.1.1.2",
        "click-repl==0.4.1",
        "prompt_toolkit==3.0.53",
        "packaging==26.0",
        "python-dateutil==2.9.0.post0",
        "six==1.17.0",
        "tzlocal==5.4.5",
        "wcwidth==0.9.4",
    ],
};

/// Celery as it was when sendit was written. Its sources are not Python any more since 3.7.
pub const CELERY_3: Recipe = Recipe {
    name: "celery-3",
    version: "3.1.25",
    up_to: Some((3, 6)),
    packages: &[
        "celery==3.1.25",
        "kombu==3.0.37",
        "billiard==3.3.0.23",
        "amqp==1.4.9",
        "anyjson==0.3.3",
        "pytz==2026.6",
        "redis==2.10.6",
    ],
};

/// The oldest Celery that starts on the Pythons of today (4.4.7 cannot be imported since 3.11), with the libraries of
/// its own time as far as they start.
pub const CELERY_5_0: Recipe = Recipe {
    name: "celery-5.0",
    version: "5.0.5",
    up_to: None,
    packages: &[
        "celery==5.0.5",
        "kombu==5.0.2",
        "billiard==3.6.4.0",
        "vine==5.0.0",
        "amqp==5.0.9",
        "redis==3.5.3",
        "click==7.1.2",
        "click-didyoumean==0.3.1",
        "click-plugins==1.1.1.2",
        "click-repl==0.3.0",
        "prompt_toolkit==3.0.53",
        "pytz==2026.6",
        "six==1.17.0",
        "wcwidth==0.9.4",
    ],
};

/// Reads and writes DICOM files.
pub const PYDICOM: Recipe =
    Recipe { name: "pydicom", version: "3.0.2", up_to: None, packages: &["pydicom==3.0.2", "numpy==2.4.6"] };

/// The oldest Celery that this machine can run: 3.1.25 where there is a Python that is old enough for it. The second
/// value says loudly which it is where that is not so.
#[must_use]
pub fn celery_old() -> (Recipe, Option<String>) {
    if CELERY_3.interpreter().is_some() {
        return (CELERY_3, None);
    }
    let why = format!(
        "NO PYTHON <= 3.6 HERE: Celery {} takes the place of {}. Fix: pyenv install 3.6.15",
        CELERY_5_0.version, CELERY_3.version
    );
    (CELERY_5_0, Some(why))
}

impl Recipe {
    /// The environment, made unless it is there. Fails the test with what to do where it cannot be made.
    #[track_caller]
    #[must_use]
    pub fn venv(&self) -> Venv {
        let python = self.interpreter();
        let python =
            python.unwrap_or_else(|| panic!("no Python for the environment {}; {ADVICE}", self.name));
        Venv::with(self.name, &python, self.packages)
    }

    fn interpreter(&self) -> Option<PathBuf> {
        self.up_to.map_or_else(default_interpreter, interpreter_up_to)
    }
}

const ADVICE: &str = "Fix: install `python3` and `python3-venv`, then run this again";

/// Makes every environment that tests use, so that no test waits for one. `say` is told of each in a line.
///
/// # Errors
/// When one of them cannot be made, in plain words.
pub fn prepare(mut say: impl FnMut(&str)) -> Result<(), String> {
    let (old, loud) = celery_old();
    if let Some(text) = loud {
        say(&text);
    }
    for recipe in [CELERY_NOW, old, PYDICOM] {
        let python = recipe.interpreter().ok_or_else(|| format!("there is no python3. {ADVICE}"))?;
        let venv = Venv::below(&super::shelf_folder(), recipe.name, &python, recipe.packages)?;
        let how = match venv.made_in {
            Some(time) => format!("made in {:.1} s", time.as_secs_f64()),
            None => "present".to_owned(),
        };
        say(&format!("{} {} on {}: {how}", recipe.name, recipe.version, python.display()));
    }
    Ok(())
}
