//! `init --from directory-observer FILE`: the plan of an old file, and what to say about it.

use std::path::Path;

use config::Plan;

use super::environment::Environment;
use super::line::{Level, Line};
use super::load::{Stop, read};
use super::monitor::{AnnounceAt, Monitors};

/// An old configuration in native terms.
#[derive(Clone, Debug)]
pub struct Translation {
    /// For `config::to_toml`.
    pub plan: Plan,
    /// What a reader of the result should know, one paragraph each; comments for its head.
    pub comments: Vec<String>,
    /// What is odd in the old file.
    pub warnings: Vec<String>,
}

/// Why an old configuration could not be translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("translate {file}: {}", reasons.join("; "))]
pub struct TranslateError {
    /// The file, safe to show.
    pub file: String,
    /// What is wrong, the most general first.
    pub reasons: Vec<String>,
}

/// Reads `file` as the drop-in would under these environment variables.
pub fn translate(file: &Path, environment: &Environment) -> Result<Translation, TranslateError> {
    let mut lines = Vec::new();
    match read(file, environment, &mut lines) {
        Ok(mut monitors) => {
            let mut warnings: Vec<String> = lines.iter().map(shown).collect();
            warnings.extend(leave_out_empty(file, &mut monitors));
            if monitors.list.is_empty() {
                return Err(TranslateError { file: display(file), reasons: warnings });
            }
            let comments = comments(file, environment, &monitors);
            Ok(Translation { plan: super::plan(&monitors), comments, warnings })
        }
        Err(Stop { traceback, .. }) => {
            let last =
                traceback.as_deref().and_then(|text| text.trim_end().lines().last().map(str::to_owned));
            let reasons =
                lines.iter().filter(|line| line.level() > Level::Debug).map(shown).chain(last).collect();
            Err(TranslateError { file: display(file), reasons })
        }
    }
}

/// A section with an empty directory is a monitor that waits for ever; a native source needs a path.
fn leave_out_empty(file: &Path, monitors: &mut Monitors) -> Vec<String> {
    let empty = monitors.list.extract_if(.., |monitor| monitor.directory.is_empty());
    let warning = |monitor: super::Monitor| {
        format!("{}:{}: [{}] has an empty directory: left out", display(file), monitor.line, monitor.section)
    };
    empty.map(warning).collect()
}

fn comments(file: &Path, environment: &Environment, monitors: &Monitors) -> Vec<String> {
    let name = environment.get("MFCONFIG").unwrap_or("generic");
    let mut comments = vec![
        format!("Translated from {} with the environment of that moment (MFCONFIG: {name}).", display(file)),
        "Relative paths are relative to the working directory of staithe, as they were before.".into(),
    ];
    if let Some(seconds) = monitors.inactivity {
        comments.push(format!(
            "monitor_inactivitytimeout={seconds} is left out: `staithe run` does not end itself when nothing arrives. \
             The drop-in (`staithe compat directory-observer`) still does."
        ));
    }
    if monitors.list.iter().any(|monitor| monitor.announce == AnnounceAt::Complete) {
        comments.push(
            "Files are announced when they are complete, not when they are created; \
             announce=create in the old file's section gives the old instant."
                .into(),
        );
    }
    comments
}

fn shown(line: &Line) -> String {
    model::text::safe(&line.text())
}

fn display(file: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    model::text::safe(file.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Translation, TranslateError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.ini");
        std::fs::write(&file, text).unwrap();
        translate(&file, &Environment::default())
    }

    #[test]
    fn a_translation_has_a_plan_and_remarks() {
        let text = "[s]\nactive=1\nredis_server=h\ndirectory=d\nqueue=q\nignore=^(\n";
        let translation = of(text).unwrap();
        assert_eq!(translation.plan.sources.len(), 1);
        assert!(translation.comments.iter().any(|line| line.starts_with("monitor_inactivitytimeout=300")));
        assert!(translation.warnings[0].starts_with("getMask: "), "{:?}", translation.warnings);
    }

    #[test]
    fn a_section_that_could_never_watch_is_left_out() {
        let text = "[s]\nactive=1\nredis_server=h\ndirectory=\nqueue=q\n";
        let error = of(text).unwrap_err();
        assert!(error.reasons[0].ends_with("c.ini:1: [s] has an empty directory: left out"));
        let two = of(&format!("{text}[t]\nactive=1\nredis_server=h\ndirectory=d\nqueue=q\n")).unwrap();
        assert_eq!((two.plan.sources.len(), two.warnings.len()), (1, 1));
    }

    #[test]
    fn what_cannot_be_translated_says_why() {
        let error = of("[s]\nactive=1\nactive=1\n").unwrap_err();
        assert!(error.reasons[1].contains("c.ini:3: active stands here for the second time"), "{error}");
        let error = of("[s]\nactive=maybe\n").unwrap_err();
        assert_eq!(error.reasons, ["ValueError: Not a boolean: maybe"]);
        assert!(translate(Path::new("/nonexistent"), &Environment::default()).is_err());
    }
}
