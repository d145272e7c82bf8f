//! The sinks that a watch's plugins become.

use std::time::Duration;

use config::{
    Format, MirrorOrigin, MirrorSink, PluginSink, ScribeLog, ScribeSink, ScribeStyle, SinkKind, SinkPlan,
};
use model::text::safe;
use settle::{Completion, Rule};
use std::os::unix::ffi::OsStrExt as _;

use super::super::configobj::Value;
use super::super::directory::Found;
use super::super::options;
use super::super::place::{of_bytes, real};
use super::super::rc::is_true;
use super::super::trouble::Trouble;
use super::watching::{REPLICAS, SCRIBE, Watching};

/// As for every sink that says nothing about it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The rule by which a mirror's files are complete.
pub(super) const MIRROR: &str = "mirror";
/// The rule by which everything that happens is told.
pub(super) const EVENTS: &str = "events";

fn sink(name: String, kind: SinkKind) -> SinkPlan {
    SinkPlan { name, kind, format: Format::CloudEvents, max_attempts: 0, timeout: TIMEOUT }
}

/// A sink that says why it cannot work, in `status` and at each start.
pub(super) fn failed(name: String, plugin: &str, trouble: &Trouble) -> SinkPlan {
    let kind = PluginSink {
        plugin: plugin.to_owned(),
        manifest: Err(trouble.whole()),
        options: "{}".into(),
        arrivals: false,
    };
    sink(name, SinkKind::Plugin(Box::new(kind)))
}

/// A file is copied when nobody writes it any more.
pub(super) fn rule(name: &str) -> Rule {
    Rule {
        name: name.into(),
        include: Vec::new(),
        exclude: Vec::new(),
        completion: Completion::local(),
        to: Vec::new(),
        shape: settle::Shape::default(),
    }
}

/// What a key must be for a plugin that is built in: one text, not empty.
enum Given<'a> {
    Text(&'a [u8]),
    Nothing,
    List,
}

fn given(value: Option<&Value>) -> Given<'_> {
    match value {
        Some(Value::List(_)) => Given::List,
        Some(Value::Text(text)) if !text.is_empty() => Given::Text(text),
        _ => Given::Nothing,
    }
}

impl Watching<'_> {
    /// `scribe`: a log for people.
    pub(super) fn scribe(&mut self) {
        match self.log() {
            Ok(log) => {
                let kind = SinkKind::Scribe(ScribeSink { log, style: ScribeStyle::Text });
                self.bind(sink(self.sink_name(SCRIBE), kind));
            }
            Err(trouble) => self.refuse(SCRIBE, trouble),
        }
    }

    fn log(&self) -> Result<ScribeLog, Trouble> {
        let key = "scribe_log";
        let report = |error: &str, text: &str| self.reported(SCRIBE, key, error, text);
        match given(self.watch.get(key)) {
            Given::Text(b"-") => Ok(ScribeLog::Stdout),
            Given::Text(file) => {
                let file = real(of_bytes(file), self.around.working);
                if file.starts_with(&self.place) {
                    let text = format!(
                        "the log {} lies in the watched tree: each line would be an event that makes the next line. \
                         Fix: a file elsewhere",
                        safe(file.as_os_str().as_bytes())
                    );
                    return Err(report("the log is in the watched tree.", &text));
                }
                Ok(ScribeLog::File(file))
            }
            Given::Nothing => Err(report(
                "Missing scribe_log directive.",
                "Fix: add scribe_log = - for standard output, or the name of a file",
            )),
            Given::List => Err(report("scribe_log is a list.", &one_text(key))),
        }
    }

    /// `replica`, also called `mirror`: a second tree.
    pub(super) fn replica(&mut self, plugin: &str) {
        match self.mirror(plugin) {
            Ok(mirror) => self.bind(sink(self.sink_name(plugin), SinkKind::Mirror(Box::new(mirror)))),
            Err(trouble) => self.refuse(plugin, trouble),
        }
    }

    fn mirror(&self, plugin: &str) -> Result<MirrorSink, Trouble> {
        let [code_name, _] = REPLICAS;
        if self.place.is_file() {
            let text = "only a directory has a second tree. Fix: watch the directory that the file lies in";
            return Err(self.reported(plugin, "plugins", "the watch is a single file.", text));
        }
        // Called `mirror`, it may still have the keys that every old file has.
        let own = format!("{plugin}_destination");
        let key = if self.watch.get(&own).is_some() { own } else { format!("{code_name}_destination") };
        let destination = match given(self.watch.get(&key)) {
            Given::Text(text) => real(of_bytes(text), self.around.working),
            Given::Nothing => {
                let error = format!("Missing {plugin}_destination directive.");
                let text = format!("Fix: add {plugin}_destination = /the/second/tree");
                return Err(self.reported(plugin, &key, &error, &text));
            }
            Given::List => {
                return Err(self.reported(plugin, &key, &format!("{key} is a list."), &one_text(&key)));
            }
        };
        if self.overlaps(&destination) {
            let text = format!(
                "the destination {} and the watched tree lie in one another: the copy would be copied again. Fix: a \
                 directory elsewhere",
                safe(destination.as_os_str().as_bytes())
            );
            return Err(self.reported(plugin, &key, "the destination overlaps the watched tree.", &text));
        }
        let adopt = [plugin, code_name].iter().find_map(|name| self.watch.get(&format!("{name}_adopt")));
        let origin = self.origin();
        Ok(MirrorSink {
            destination,
            adopt: adopt.is_some_and(is_true),
            owner: false,
            pair_within: MirrorSink::PAIR_WITHIN,
            origin,
        })
    }

    /// What the mirror mirrors.
    fn origin(&self) -> Option<MirrorOrigin> {
        let (source, include) = self.shape()?;
        Some(MirrorOrigin::of(&source, &Rule { include: vec![include], ..rule(MIRROR) }))
    }

    /// Any other plugin: from the directory.
    pub(super) fn plugin(&mut self, plugin: &str) {
        let manifest = match self.around.plugins.find(plugin) {
            Found::Nothing(why) => {
                let line = self.watch.line_of("plugins");
                let trouble = Trouble::missing_plugin(&self.place, line, plugin, &why);
                return self.refuse(plugin, trouble);
            }
            Found::OldUnrun(path) => {
                self.old_plugins.push(path);
                Err("it is an old plugin, and nothing runs it here".to_owned())
            }
            Found::Old(manifest) => Ok(manifest),
            // A bad one may be half of a good one: events are kept until it is whole.
            Found::Manifest(manifest) => manifest,
        };
        let kind = PluginSink {
            plugin: plugin.to_owned(),
            manifest,
            options: options::of(self.watch, plugin),
            arrivals: false,
        };
        self.bind(sink(self.sink_name(plugin), SinkKind::Plugin(Box::new(kind))));
    }

    fn reported(&self, plugin: &str, key: &str, error: &str, text: &str) -> Trouble {
        let text = format!("{text}. The rest of the watch goes on");
        Trouble::reported(&self.place, self.watch.line_of(key), plugin, error, text)
    }
}

fn one_text(key: &str) -> String {
    format!("a comma makes a list. Fix: put the value into quotes: {key} = \"a, b\"")
}
