//! `init --from iobserver FILE`: the plan of an old file, and what to say about it.

use std::path::Path;

use config::Plan;
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

use super::directory::Directory;
use super::plan::{Around, Planned, plan};
use super::rc::Rc;

/// An old configuration in native terms.
#[derive(Clone, Debug)]
pub struct Translation {
    /// For `config::to_toml`.
    pub plan: Plan,
    /// What a reader of the result should know, one paragraph each; comments for its head.
    pub comments: Vec<String>,
    /// What is odd in the old file, and what was left out.
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

/// Translates what a file holds. `plugins` is its plugin directory, `working` what relative paths are relative to.
pub fn translate(
    file: &Path,
    bytes: &[u8],
    working: &Path,
    plugins: &Path,
) -> Result<Translation, TranslateError> {
    let shown = safe(file.as_os_str().as_bytes());
    let refuse = |reasons| TranslateError { file: shown.clone(), reasons };
    let rc = Rc::read(bytes)
        .map_err(|error| refuse(error.original().into_iter().chain(error.explanations(&shown)).collect()))?;
    let plugins = Directory { path: plugins, adapter: None };
    let Planned { mut plan, troubles, warnings, old_plugins } =
        plan(&rc, Around { working, plugins, state_dir: None });
    // Who cannot work is not translated: the native configuration would be refused whole.
    plan.sinks.retain(|sink| plan.sources.iter().any(|source| is_bound(source, &sink.name)));
    plan.watch_config = rc.watch_config || rc.watch_plugins;
    let odd = warnings.iter().map(|(line, text)| format!("{shown}:{line}: {text}"));
    let left_out =
        troubles.iter().map(|trouble| format!("{shown}:{}: left out: {}", trouble.line, trouble.whole()));
    let warnings: Vec<String> = odd.chain(left_out).collect();
    if plan.sources.is_empty() {
        let none = format!("{shown}: no watch is left that could work");
        return Err(refuse(std::iter::once(none).chain(warnings).collect()));
    }
    Ok(Translation { comments: comments(&shown, &rc, working, &old_plugins), plan, warnings })
}

fn is_bound(source: &config::SourcePlan, sink: &str) -> bool {
    source.streams.iter().any(|stream| stream.to.iter().any(|name| name == sink))
}

fn comments(file: &str, rc: &Rc, working: &Path, old_plugins: &[std::path::PathBuf]) -> Vec<String> {
    let mut comments = vec![
        format!("Translated from {file}."),
        format!(
            "Paths are absolute and without links now; relative ones were taken from {}.",
            safe(working.as_os_str().as_bytes())
        ),
    ];
    if rc.watch_config != rc.watch_plugins {
        comments.push(
            "watch_config and watch_plugins are one key here: watch_config follows this file and the plugins.".into(),
        );
    }
    for old in old_plugins {
        let stem = old.file_stem().map(|stem| safe(stem.as_bytes())).unwrap_or_default();
        comments.push(format!(
            "{} is an old plugin. To run it, write beside it a {stem}.toml with command = \"python3\" and args = \
             [\"…/staithe_iobserver.py\", \"{stem}.py\"]; the adapter comes with staithe (plugins/python).",
            safe(old.as_os_str().as_bytes())
        ));
    }
    comments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Translation, TranslateError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("old.py"), "class Old: pass\n").unwrap();
        translate(Path::new("rc"), text.as_bytes(), Path::new("/base"), dir.path())
    }

    #[test]
    fn what_works_is_translated_and_what_does_not_is_named() {
        let text = "[global]\nwatch_plugins = 1\n[watches]\n[[/good]]\nplugins = scribe, old, nosuch\nscribe_log = \
                    -\n[[bad]]\nplugins = scribe\n";
        let translation = of(text).unwrap();
        assert_eq!(translation.plan.sources.len(), 1);
        assert_eq!(translation.plan.sinks.len(), 2, "scribe and old");
        assert!(translation.plan.watch_config);
        assert_eq!(translation.warnings.len(), 2, "{:?}", translation.warnings);
        assert!(translation.warnings[0].starts_with("rc:5: left out: Required plugin 'nosuch' is missing."));
        assert!(translation.warnings[1].contains("Watch: /base/bad: Plugin 'scribe' reported error"));
        let comments = translation.comments.join("\n");
        assert!(comments.contains("old.toml") && comments.contains("one key here"), "{comments}");
    }

    #[test]
    fn what_cannot_be_translated_says_why() {
        let error = of("junk").unwrap_err();
        assert_eq!(error.reasons[0], "Error parsing confiuration file: Invalid line at line \"1\".");
        assert!(error.to_string().starts_with("translate rc: Error parsing"), "{error}");
        let error = of("[watches]\n[[/a]]\n").unwrap_err();
        assert!(error.reasons[1].contains("Missing 'plugins' section"), "{error}");
    }
}
