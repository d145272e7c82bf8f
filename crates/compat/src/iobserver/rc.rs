//! What an `iobserverrc` says.

use model::text::safe;

use super::configobj::{Entry, Item, Section, Value};
use super::syntax::SyntaxErrors;

/// No configuration is larger, in bytes.
pub const SIZE_LIMIT: usize = 256 * 1024;

/// A configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rc {
    /// Whether changes of the file are taken over.
    pub watch_config: bool,
    /// Whether changes of the plugin directory are taken over.
    pub watch_plugins: bool,
    /// The watches, in the order of the file.
    pub watches: Vec<Watch>,
    /// What is odd and changes nothing: line and sentence.
    pub odd: Vec<(usize, String)>,
}

/// One watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The section's name: a file or a directory.
    pub name: Vec<u8>,
    /// The line it begins in.
    pub line: usize,
    /// Its keys with their lines, `plugins` among them.
    pub keys: Vec<(Vec<u8>, usize, Value)>,
}

impl Watch {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.keys.iter().find(|(name, ..)| name == key.as_bytes()).map(|(_, _, value)| value)
    }

    /// The line of a key, or else the watch's.
    #[must_use]
    pub fn line_of(&self, key: &str) -> usize {
        self.keys.iter().find(|(name, ..)| name == key.as_bytes()).map_or(self.line, |(_, line, _)| *line)
    }
}

/// Why a file says nothing. The whole file is bad then: a start ends, a running program stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RcError {
    /// It cannot be read.
    Unreadable(String),
    /// It is larger than any configuration.
    TooLarge,
    /// Its form.
    Syntax(SyntaxErrors),
    /// Keys in `[global]` that there are not, with their lines.
    Illegal(Vec<(Vec<u8>, usize)>),
    /// `global` or `watches` is no section.
    NoSection {
        /// Which.
        name: &'static str,
        /// Its line.
        line: usize,
    },
}

impl RcError {
    /// The old program's words, where it has some.
    #[must_use]
    pub fn original(&self) -> Option<String> {
        match self {
            RcError::Unreadable(_) => Some("Could not stat target!".into()),
            // The misspelling is the original's, and logs are searched for it.
            RcError::Syntax(errors) => {
                Some(format!("Error parsing confiuration file: {}", errors.original()))
            }
            RcError::Illegal(names) => {
                let first = names.first().map(|(name, _)| safe(name)).unwrap_or_default();
                Some(format!("Illegal option '{first}' in configuration."))
            }
            RcError::TooLarge | RcError::NoSection { .. } => None,
        }
    }

    /// What it means and how to mend it, a line each, with its place in `file`.
    #[must_use]
    pub fn explanations(&self, file: &str) -> Vec<String> {
        match self {
            RcError::Unreadable(why) => vec![format!("{file}: {why}")],
            RcError::TooLarge => {
                vec![format!("{file}: it is larger than {SIZE_LIMIT} bytes and no configuration")]
            }
            RcError::Syntax(errors) => {
                let shown = errors.explanations().map(|(line, text)| format!("{file}:{line}: {text}"));
                let left = errors.count().saturating_sub(SyntaxErrors::SHOWN);
                let more = (left > 0).then(|| format!("{file}: and {left} more"));
                shown.chain(more).collect()
            }
            RcError::Illegal(names) => {
                let text = |(name, line): &(Vec<u8>, usize)| {
                    let name = safe(name);
                    format!(
                        "{file}:{line}: [global] has no key `{name}`; it knows watch_config and watch_plugins. Fix: \
                         remove it, or put it into the watch that it is meant for"
                    )
                };
                names.iter().map(text).collect()
            }
            RcError::NoSection { name, line } => {
                vec![format!("{file}:{line}: `{name}` is a section. Fix: write a line `[{name}]`")]
            }
        }
    }
}

impl Rc {
    /// Reads a file's content.
    pub fn read(bytes: &[u8]) -> Result<Self, RcError> {
        if bytes.len() > SIZE_LIMIT {
            return Err(RcError::TooLarge);
        }
        let root = Section::read(bytes).map_err(RcError::Syntax)?;
        let mut rc = Self::default();
        for entry in &root.entries {
            match (entry.name.as_slice(), &entry.item) {
                (b"global", Item::Section(section)) => rc.global(section)?,
                (b"watches", Item::Section(section)) => rc.watches(section),
                (b"global", Item::Value(_)) => return Err(no_section("global", entry)),
                (b"watches", Item::Value(_)) => return Err(no_section("watches", entry)),
                (name, _) => rc.odd(entry, format!("`{}` means nothing here", safe(name))),
            }
        }
        for line in root.interpolations() {
            let text = "nothing is put in for $name or %(name)s: they are taken as they stand";
            rc.odd.push((line, text.into()));
        }
        rc.odd.sort();
        Ok(rc)
    }

    fn global(&mut self, section: &Section) -> Result<(), RcError> {
        let mut illegal = Vec::new();
        for entry in &section.entries {
            match (entry.name.as_slice(), &entry.item) {
                (b"watch_config", Item::Value(value)) => self.watch_config = self.truth(entry, value),
                (b"watch_plugins", Item::Value(value)) => self.watch_plugins = self.truth(entry, value),
                (name, _) => illegal.push((name.to_vec(), entry.line)),
            }
        }
        if illegal.is_empty() { Ok(()) } else { Err(RcError::Illegal(illegal)) }
    }

    /// Anything but the words for yes is no.
    fn truth(&mut self, entry: &Entry, value: &Value) -> bool {
        let text = value.text().unwrap_or_default();
        let plain_no = ["0", "no", "false", ""].iter().any(|no| text.eq_ignore_ascii_case(no.as_bytes()));
        let truth = is_true(value);
        if !truth && (!plain_no || value.text().is_none()) {
            self.odd(entry, format!("`{}` is taken for no; yes, true and 1 mean yes", safe(&entry.name)));
        }
        truth
    }

    fn watches(&mut self, section: &Section) {
        for entry in &section.entries {
            match &entry.item {
                Item::Section(below) => self.watch(entry, below),
                Item::Value(_) => {
                    let name = safe(&entry.name);
                    self.odd(
                        entry,
                        format!("`{name}` is no watch: one is a section of its own, `[[{name}]]`"),
                    );
                }
            }
        }
    }

    fn watch(&mut self, entry: &Entry, section: &Section) {
        let mut keys = Vec::new();
        for below in &section.entries {
            match &below.item {
                Item::Value(value) => keys.push((below.name.clone(), below.line, value.clone())),
                Item::Section(_) => {
                    self.odd(below, format!("a section in a watch means nothing: `{}`", safe(&below.name)));
                }
            }
        }
        self.watches.push(Watch { name: entry.name.clone(), line: entry.line, keys });
    }

    fn odd(&mut self, entry: &Entry, text: String) {
        self.odd.push((entry.line, text));
    }
}

/// Whether a value means yes: `1`, `yes` and `true` do, in any case.
#[must_use]
pub fn is_true(value: &Value) -> bool {
    let text = value.text().unwrap_or_default();
    ["1", "yes", "true"].iter().any(|yes| text.eq_ignore_ascii_case(yes.as_bytes()))
}

fn no_section(name: &'static str, entry: &Entry) -> RcError {
    RcError::NoSection { name, line: entry.line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rc {
        Rc::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    fn refused(text: &str) -> (Option<String>, Vec<String>) {
        let error = Rc::read(text.as_bytes()).expect_err(text);
        (error.original(), error.explanations("rc"))
    }

    #[test]
    fn yes_has_three_words_in_any_case() {
        for (word, truth) in
            [("1", true), ("YES", true), ("True", true), ("no", false), ("", false), ("'yes'", true)]
        {
            let rc = read(&format!("[global]\nwatch_config = {word}\nwatch_plugins = {word}\n"));
            assert_eq!((rc.watch_config, rc.watch_plugins, rc.odd.len()), (truth, truth, 0), "{word}");
        }
        for word in ["on", "2", "yes,", "y"] {
            let rc = read(&format!("[global]\nwatch_config = {word}\n"));
            assert_eq!((rc.watch_config, rc.odd.len()), (false, 1), "{word}");
        }
        assert_eq!(read(""), Rc::default());
    }

    #[test]
    fn a_watch_has_its_keys_with_their_lines() {
        let rc = read("[watches]\n[[/a]]\nplugins = scribe,\nscribe_log = -\n[[b c]]\n");
        let [first, second] = rc.watches.as_slice() else { panic!("{rc:?}") };
        assert_eq!((first.name.as_slice(), first.line, first.line_of("scribe_log")), (&b"/a"[..], 2, 4));
        assert_eq!(first.get("plugins"), Some(&Value::List(vec![b"scribe".into()])));
        assert_eq!(
            (second.name.as_slice(), second.keys.len(), second.line_of("plugins")),
            (&b"b c"[..], 0, 5)
        );
    }

    #[test]
    fn what_is_odd_changes_nothing_and_is_told() {
        let rc = read("x = 1\n[other]\n[watches]\n/a = scribe\n[[/b]]\nplugins = $p\n[[[deep]]]\ny = 1\n");
        let lines: Vec<usize> = rc.odd.iter().map(|(line, _)| *line).collect();
        assert_eq!((lines, rc.watches.len()), (vec![1, 2, 4, 6, 7], 1));
    }

    #[test]
    fn a_bad_file_is_told_in_the_old_words_and_in_ours() {
        let (original, ours) = refused("junk\n");
        let text = "Error parsing confiuration file: Invalid line at line \"1\".";
        assert_eq!(original.as_deref(), Some(text));
        assert!(ours[0].starts_with("rc:1: `junk` is neither"), "{ours:?}");
        let (original, ours) = refused("[global]\nfoo = 1\nwatch_config = 1\n[[bar]]\n");
        assert_eq!(original.as_deref(), Some("Illegal option 'foo' in configuration."));
        assert!(ours.len() == 2 && ours[1].starts_with("rc:4: [global] has no key `bar`"), "{ours:?}");
        let (original, ours) = refused("junk\na = 1\na = 2\n");
        let text =
            "Error parsing confiuration file: Parsing failed with several errors.\nFirst error at line 1.";
        assert_eq!((original.as_deref(), ours.len()), (Some(text), 2));
        assert_eq!(
            refused("watches = /a\n"),
            (None, vec!["rc:1: `watches` is a section. Fix: write a line `[watches]`".into()])
        );
        let large = Rc::read(&vec![b'\n'; SIZE_LIMIT + 1]).unwrap_err();
        assert_eq!(large, RcError::TooLarge);
        let (_, ours) = refused(&"junk\n".repeat(100));
        assert_eq!((ours.len(), ours.last().unwrap().as_str()), (21, "rc: and 80 more"));
    }
}
