//! What is wrong with one watch, or with one plugin of it: in the old program's words, and what to do.

use std::path::Path;

use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

/// Something that keeps a watch, or a plugin of it, from working. Everything else goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The watch, safe to show.
    pub watch: String,
    /// The line of the configuration where it can be mended.
    pub line: usize,
    /// What the original says; it ends after that.
    pub original: String,
    /// What it means here, and the fix.
    pub explanation: String,
}

impl Trouble {
    /// A watch names no plugins.
    #[must_use]
    pub fn no_plugins(watch: &Path, line: usize) -> Self {
        let watch = shown(watch);
        Self {
            original: format!("Watch {watch}: Missing 'plugins' section in configuration."),
            explanation:
                "nobody would be told what happens there, so it is not watched. Fix: add plugins = scribe, \
                          or another plugin's name"
                    .into(),
            watch,
            line,
        }
    }

    /// A plugin is not there.
    #[must_use]
    pub fn missing_plugin(watch: &Path, line: usize, plugin: &str, why: &str) -> Self {
        Self {
            watch: shown(watch),
            line,
            original: format!("Required plugin '{}' is missing.", safe(plugin.as_bytes())),
            explanation: format!("{why}. The other plugins of the watch go on"),
        }
    }

    /// What a plugin that is built in needs is not said, or wrong.
    #[must_use]
    pub fn reported(watch: &Path, line: usize, plugin: &str, error: &str, explanation: String) -> Self {
        let watch = shown(watch);
        Self {
            original: format!("Watch: {watch}: Plugin '{plugin}' reported error: {error}"),
            explanation,
            watch,
            line,
        }
    }

    /// A path that cannot be watched.
    #[must_use]
    pub fn unwatchable(watch: &Path, line: usize, explanation: String) -> Self {
        let watch = shown(watch);
        Self { original: missing_path(&watch), explanation, watch, line }
    }

    /// Both, as one text.
    #[must_use]
    pub fn whole(&self) -> String {
        format!("{} ({})", self.original, self.explanation)
    }
}

/// What the original says of a path that is not there.
#[must_use]
pub fn missing_path(watch: &str) -> String {
    format!("Error watching {watch}. Maybe file or directory don't exist?")
}

fn shown(path: &Path) -> String {
    safe(path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_words_are_exact() {
        let w = Path::new("S/w");
        let no_plugins = Trouble::no_plugins(w, 3);
        assert_eq!(no_plugins.original, "Watch S/w: Missing 'plugins' section in configuration.");
        let missing = Trouble::missing_plugin(w, 3, "nosuch", "why");
        assert_eq!(missing.original, "Required plugin 'nosuch' is missing.");
        let log = Trouble::reported(w, 3, "scribe", "Missing scribe_log directive.", String::new());
        assert_eq!(log.original, "Watch: S/w: Plugin 'scribe' reported error: Missing scribe_log directive.");
        assert_eq!(missing_path("S/m"), "Error watching S/m. Maybe file or directory don't exist?");
        assert!(no_plugins.whole().ends_with("another plugin's name)"));
    }
}
