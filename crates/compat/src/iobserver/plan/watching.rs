//! One watch, on its way into a plan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use config::{SinkPlan, SourcePlan, StreamPlan};
use model::HappeningSet;
use model::text::safe;
use settle::{Pattern, Rule, Rules};
use std::os::unix::ffi::OsStrExt as _;

use super::super::place::{name_of, overlap};
use super::super::rc::Watch;
use super::super::trouble::Trouble;
use super::{Around, bound};
use crate::plain;

/// The plugin that writes a log.
pub(super) const SCRIBE: &str = "scribe";
/// The plugin that keeps a second tree, by its old code name and by the name that its readers knew.
pub(super) const REPLICAS: [&str; 2] = ["replica", "mirror"];

/// A watch, and what became of its plugins.
pub(super) struct Watching<'a> {
    pub(super) watch: &'a Watch,
    /// Its path without links.
    pub(super) place: PathBuf,
    /// The source's name.
    pub(super) name: String,
    pub(super) around: Around<'a>,
    pub(super) sinks: Vec<SinkPlan>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) warnings: Vec<(usize, String)>,
    pub(super) old_plugins: Vec<PathBuf>,
    /// The sinks that take everything.
    told_all: Vec<String>,
    /// The sinks that are mirrors.
    mirrors: Vec<String>,
    /// Nothing of it can work.
    given_up: bool,
}

impl<'a> Watching<'a> {
    pub(super) fn new(watch: &'a Watch, place: PathBuf, around: Around<'a>) -> Self {
        Self {
            watch,
            name: name_of(&place),
            place,
            around,
            sinks: Vec::new(),
            troubles: Vec::new(),
            warnings: Vec::new(),
            old_plugins: Vec::new(),
            told_all: Vec::new(),
            mirrors: Vec::new(),
            given_up: false,
        }
    }

    /// Finds each plugin and what it needs.
    pub(super) fn look(&mut self) {
        if let Err(trouble) = self.may_be_watched() {
            self.given_up = true;
            return self.refuse("watch", trouble);
        }
        for plugin in self.plugins() {
            match plugin.as_str() {
                SCRIBE if !self.is_replaced(SCRIBE) => self.scribe(),
                name if REPLICAS.contains(&name) && !self.is_replaced(name) => self.replica(name),
                name => self.plugin(name),
            }
        }
    }

    fn may_be_watched(&self) -> Result<(), Trouble> {
        let line = self.watch.line;
        if self.plugins().is_empty() {
            return Err(Trouble::no_plugins(&self.place, self.watch.line_of("plugins")));
        }
        if self.watch.name.contains(&0) {
            let text = "a path holds no zero byte. Fix: save the file as UTF-8".to_owned();
            return Err(Trouble::unwatchable(&self.place, line, text));
        }
        if let Some(state_dir) = self.around.state_dir.filter(|dir| dir.starts_with(&self.place)) {
            let text = format!(
                "the state directory {} lies in it, and each event would write there and so make more events. Fix: \
                 --state-dir with a directory elsewhere",
                safe(state_dir.as_os_str().as_bytes())
            );
            return Err(Trouble::unwatchable(&self.place, line, text));
        }
        Ok(())
    }

    /// The names, each once, in a fixed order: the old program kept none.
    fn plugins(&self) -> Vec<String> {
        let named = self.watch.get("plugins").map(|value| value.texts().to_vec()).unwrap_or_default();
        let named = named.iter().filter(|name| !name.is_empty());
        let each_once: BTreeSet<String> =
            named.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        each_once.into_iter().collect()
    }

    /// Whether somebody has put a plugin of his own in the place of one that is built in.
    fn is_replaced(&self, name: &str) -> bool {
        let own = self.around.plugins.path.join(format!("{name}.toml")).exists();
        // The old program's directory has its own scribe.py and replica.py; never had it a mirror.py.
        own || (name == REPLICAS[1] && self.around.plugins.path.join("mirror.py").exists())
    }

    /// A sink that takes what it asks for.
    pub(super) fn bind(&mut self, sink: SinkPlan) {
        let mirrors = matches!(sink.kind, config::SinkKind::Mirror(_));
        if mirrors { &mut self.mirrors } else { &mut self.told_all }.push(sink.name.clone());
        self.sinks.push(sink);
    }

    /// A sink that is failed, with the reason; nothing is kept for it.
    pub(super) fn refuse(&mut self, plugin: &str, trouble: Trouble) {
        let name = if self.given_up { self.name.clone() } else { self.sink_name(plugin) };
        self.sinks.push(bound::failed(name, plugin, &trouble));
        self.troubles.push(trouble);
    }

    pub(super) fn sink_name(&self, plugin: &str) -> String {
        format!("{}-{plugin}", self.name)
    }

    /// The tree that a path may not lie in, nor around.
    pub(super) fn overlaps(&self, path: &Path) -> bool {
        overlap(&self.place, path)
    }

    /// The source; nothing where nobody would be told of it.
    pub(super) fn source(&self) -> Option<SourcePlan> {
        let (source, include) = self.shape()?;
        let rule =
            |rule: Rule, to: &[String]| Rule { include: vec![include.clone()], to: to.to_vec(), ..rule };
        let stream = |what, rule: &str, to: &[String]| StreamPlan {
            rule: rule.into(),
            what,
            include: vec![include.clone()],
            exclude: Vec::new(),
            to: to.to_vec(),
        };
        let (mut rules, mut streams) = (Vec::new(), Vec::new());
        // Only a mirror wants to know when a file is complete; its rule comes first, so that it takes the files.
        if !self.mirrors.is_empty() {
            rules.push(rule(bound::rule(bound::MIRROR), &self.mirrors));
            streams.push(stream(config::MirrorSink::EVENTS, bound::MIRROR, &self.mirrors));
        }
        if !self.told_all.is_empty() {
            rules.push(rule(bound::rule(bound::EVENTS), &[]));
            streams.push(stream(HappeningSet::ALL, bound::EVENTS, &self.told_all));
        }
        let rules = Rules { rules, temp_names: Vec::new() };
        (!streams.is_empty()).then_some(SourcePlan { rules, streams, ..source })
    }

    /// The source without its rules, and what they take. A single file is its own root.
    pub(super) fn shape(&self) -> Option<(SourcePlan, Pattern)> {
        let everything = Pattern::parse("*").ok()?;
        Some((plain::source(&self.name, &self.place), everything))
    }
}
