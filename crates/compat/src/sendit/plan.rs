//! From settings to the plan that the engine runs: for each watch a source of arrivals, or one of the event stream, or
//! both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{
    Argument, CeleryBroker, CelerySink, Format, Initial, JsonlSink, Plan, QueueSink, ScribeLog, ScribeSink,
    ScribeStyle, Secret, SinkKind, SinkPlan, SourcePlan, StreamPlan, TaskProtocol,
};
use model::text::safe;
use model::{Happening, HappeningSet};
use settle::Rules;
use std::os::unix::ffi::OsStrExt as _;

use super::broker::Broker;
use super::mask;
use super::naming::{merged, name};
use super::processor::Processor;
use super::rules::{chunks_rule, everything, folders_rule, silent_rule};
use super::settings::{Settings, SettingsError, Watch};
use crate::plain;

/// The task of the original.
pub const TASK: &str = "sendit.apps.main.tasks.get.import_dicomdir";
/// So long nothing must change in a folder that was made at its place, where nobody says otherwise.
pub const QUIET: Duration = Duration::from_secs(2);
/// The sink that queues tasks.
pub const TASKS: &str = "tasks";
/// The sink that writes what `DicomCelery` logs.
const LOG: &str = "log";
/// The sink that writes what `AllEventsPrinter` prints.
const PRINTED: &str = "printed";

/// As for every sink that says nothing about it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A dry run's queue keeps what was taken out of it for so long; nobody reads it.
const DRY: Duration = Duration::from_mins(1);

/// What the command line says beside the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// So long nothing must change in a folder that was made at its place.
    pub quiet: Duration,
    /// A folder is finished the moment that its name is there, as in the original.
    pub strict: bool,
    /// What was there before the first start is queued, too.
    pub existing: bool,
    /// Nothing is queued.
    pub dry_run: bool,
    /// Another task.
    pub task: Option<String>,
    /// Another broker.
    pub broker: Option<String>,
    /// Another queue.
    pub queue: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        let (task, broker, queue) = (None, None, None);
        Self { quiet: QUIET, strict: false, existing: false, dry_run: false, task, broker, queue }
    }
}

/// What settings do not say themselves.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// What relative paths are relative to; absolute.
    pub working: &'a Path,
    /// Where files go that the original has no name for: beside the log.
    pub beside: &'a Path,
}

/// A plan, and what to say about it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What is run.
    pub plan: Plan,
    /// What is odd.
    pub warnings: Vec<String>,
}

/// The plan of some settings.
pub fn plan(settings: &Settings, options: &Options, around: Around<'_>) -> Result<Planned, SettingsError> {
    let mut planning = Planning { options, around, plan: plain::plan(), warnings: settings.warnings.clone() };
    for watch in merged(&settings.watches, around.working, &mut planning.warnings) {
        planning.watch(&watch, settings)?;
    }
    let Planning { mut plan, warnings, .. } = planning;
    if plan.sources.iter().any(|source| source.rules.rules.iter().any(|rule| rule.to.contains(&TASKS.into())))
    {
        plan.sinks.insert(0, sink(TASKS.to_owned(), tasks(settings, options)?));
    }
    Ok(Planned { plan, warnings })
}

fn sink(name: String, kind: SinkKind) -> SinkPlan {
    SinkPlan { name, kind, format: Format::CloudEvents, max_attempts: 0, timeout: TIMEOUT }
}

fn tasks(settings: &Settings, options: &Options) -> Result<SinkKind, SettingsError> {
    if options.dry_run {
        return Ok(SinkKind::Queue(QueueSink { retain: DRY }));
    }
    let broker = match &options.broker {
        Some(url) => Broker::of(url, "").map_err(|why| SettingsError::Broker(format!("--broker: {why}")))?,
        None => settings.broker.clone(),
    };
    let broker = match broker {
        Broker::Redis { url, prefix } => CeleryBroker::Redis { url: Secret::new(url), key_prefix: prefix },
        Broker::Amqp { url } => CeleryBroker::Amqp { url: Secret::new(url) },
    };
    Ok(SinkKind::Celery(Box::new(CelerySink {
        broker,
        task: task(options).to_owned(),
        args: Vec::new(),
        kwargs: kwargs(),
        queue: options.queue.clone().unwrap_or_else(|| settings.queue.clone()),
        exchange: None,
        routing_key: None,
        priority: None,
        expires: None,
        delay: None,
        protocol: TaskProtocol::V2,
        // Results of a broker that was named by hand are elsewhere, too.
        results: settings.results.as_ref().filter(|_| options.broker.is_none()).map(Secret::new),
        ca_file: None,
        client_cert: None,
    })))
}

/// Which task is queued.
#[must_use]
pub fn task(options: &Options) -> &str {
    options.task.as_deref().unwrap_or(TASK)
}

fn kwargs() -> Vec<(String, Argument)> {
    CelerySink::usual_kwargs()
}

/// A plan that is being made.
struct Planning<'a> {
    options: &'a Options,
    around: Around<'a>,
    plan: Plan,
    warnings: Vec<String>,
}

impl Planning<'_> {
    fn watch(&mut self, watch: &Watch, settings: &Settings) -> Result<(), SettingsError> {
        let (name, path) = (name(&watch.path), watch.path.clone());
        let asked = mask::happenings(watch.mask);
        self.odd_bits(watch);
        loops(&path, settings)?;
        match watch.processor {
            Processor::DicomCelery => {
                self.folders(&name, &path, asked);
                let style = ScribeStyle::Dicom;
                self.told(&format!("{name}-log"), &path, watch, asked, LOG, scribe(style));
            }
            Processor::AllEventsPrinter => {
                let name = format!("{name}-printed");
                self.told(&name, &path, watch, asked, PRINTED, scribe(ScribeStyle::Events));
            }
            Processor::AllEventsSignaler | Processor::CreateSignaler => {
                let all = watch.processor == Processor::AllEventsSignaler;
                let name = format!("{name}-{}", if all { "events" } else { "created" });
                let (sink, kind) = self.signals(&name, &path)?;
                self.told(&name, &path, watch, asked, &sink, kind);
            }
            Processor::CreateViaChunksSignaler => self.chunks(&format!("{name}-chunks"), &path, asked)?,
        }
        Ok(())
    }

    fn warn(&mut self, path: &Path, text: &str) {
        self.warnings.push(format!("{}: {text}", safe(path.as_os_str().as_bytes())));
    }

    fn odd_bits(&mut self, watch: &Watch) {
        let odd = mask::odd(watch.mask);
        if !odd.is_empty() {
            let text = format!("{} in its mask is no event and has no effect here", odd.join(" | "));
            self.warn(&watch.path, &text);
        }
    }

    /// Finished folders become tasks.
    fn folders(&mut self, name: &str, path: &Path, asked: HappeningSet) {
        let (made, moved) = (asked.contains(Happening::Create), asked.contains(Happening::MovedTo));
        match (made, moved) {
            (true, true) => {}
            (false, false) => {
                return self.warn(
                    path,
                    "its mask has neither IN_CREATE nor IN_MOVED_TO, so no folder can become a task: the log is all that \
                     is written, as by the old watcher",
                );
            }
            (made, _) => {
                let (has, lacks, how) = if made {
                    ("IN_CREATE", "IN_MOVED_TO", "renamed in")
                } else {
                    ("IN_MOVED_TO", "IN_CREATE", "made there")
                };
                let text = format!(
                    "its mask has {has} but not {lacks}; folders that are {how} become tasks here all the same, once \
                     they are finished"
                );
                self.warn(path, &text);
            }
        }
        let rule = folders_rule(self.options, TASKS);
        let initial = if self.options.existing { Initial::Deliver } else { Initial::Adopt };
        self.plan.sources.push(SourcePlan {
            recursive: true,
            follow_symlinks: true,
            initial,
            rules: Rules { rules: vec![rule], temp_names: Vec::new() },
            ..source(name, path)
        });
    }

    /// What happens is told to a sink.
    fn told(
        &mut self,
        name: &str,
        path: &Path,
        watch: &Watch,
        asked: HappeningSet,
        sink_name: &str,
        kind: SinkKind,
    ) {
        let takes = watch.processor.takes();
        let what =
            asked.iter().filter(|what| takes.contains(*what)).fold(HappeningSet::EMPTY, HappeningSet::with);
        if what.is_empty() {
            return self.warn(path, "its mask has no event that its processor does anything about");
        }
        let rule = silent_rule(sink_name);
        let stream = StreamPlan {
            rule: rule.name.clone(),
            what,
            include: everything(),
            exclude: Vec::new(),
            to: vec![sink_name.to_owned()],
        };
        self.plan.sources.push(SourcePlan {
            rules: Rules { rules: vec![rule], temp_names: Vec::new() },
            streams: vec![stream],
            ..source(name, path)
        });
        self.sink(sink_name, kind);
    }

    fn sink(&mut self, name: &str, kind: SinkKind) {
        if !self.plan.sinks.iter().any(|sink| sink.name == name) {
            self.plan.sinks.push(sink(name.to_owned(), kind));
        }
    }

    /// In the place of Django's signals: a file of events beside the log.
    fn signals(&mut self, name: &str, path: &Path) -> Result<(String, SinkKind), SettingsError> {
        let file: PathBuf = self.around.beside.join(format!("{name}.jsonl"));
        if file.parent() == Some(path) {
            return Err(SettingsError::Loop(safe(file.as_os_str().as_bytes())));
        }
        let text = format!(
            "there are no Django signals here: what would be sent is written to {}, a JSON line each",
            safe(file.as_os_str().as_bytes())
        );
        self.warn(path, &text);
        Ok((format!("{name}-signals"), SinkKind::Jsonl(JsonlSink { path: file })))
    }

    fn chunks(&mut self, name: &str, path: &Path, asked: HappeningSet) -> Result<(), SettingsError> {
        if !(asked.contains(Happening::Create) && asked.contains(Happening::MovedTo)) {
            self.warn(
                path,
                "its mask lacks IN_CREATE or IN_MOVED_TO, so its processor is never told of anything",
            );
            return Ok(());
        }
        let (sink, kind) = self.signals(name, path)?;
        self.plan.sources.push(SourcePlan {
            rules: Rules { rules: vec![chunks_rule(&sink)], temp_names: Vec::new() },
            ..source(name, path)
        });
        self.sink(&sink, kind);
        Ok(())
    }
}

/// A log in a watched directory: each line would be an event that makes the next line.
fn loops(path: &Path, settings: &Settings) -> Result<(), SettingsError> {
    let logs = [&settings.log_out, &settings.log_err].into_iter().flatten();
    match logs.into_iter().find(|log| log.parent() == Some(path)) {
        Some(log) => Err(SettingsError::Loop(safe(log.as_os_str().as_bytes()))),
        None => Ok(()),
    }
}

fn scribe(style: ScribeStyle) -> SinkKind {
    SinkKind::Scribe(ScribeSink { log: ScribeLog::Stdout, style })
}

/// A source of what lies directly in a directory, from now on.
fn source(name: &str, path: &Path) -> SourcePlan {
    SourcePlan { recursive: false, initial: Initial::Adopt, ..plain::source(name, path) }
}

#[cfg(test)]
mod tests;
