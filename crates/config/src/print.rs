//! Prints a plan as native configuration: what `init --from` gives to people who come from
//! another program. What is printed is read back to the same plan.

mod brokers;
mod complete;
mod dlm;
mod options;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use model::measure::format_duration;
use settle::{Completion, Grouping, Late, Pattern, Rule, Rules, Take, temp_names};

use self::streams::{Taker, Told};
use crate::expand::protect;
use crate::keys::{
    AMQP, CELERY, DLM, JSONL, MIRROR, PLUGIN, QUEUE, REDIS_LIST, RULE, SCRIBE, SOURCE, STDOUT, Section, TOP,
};
use crate::plan::{DlmSink, Durability, Format, Initial, Plan, RedisSink, SinkKind, SinkPlan, SourcePlan};
use crate::read::{self, RETAIN, TIMEOUT, choices};
use crate::redis_url;

/// The plan as commented TOML. Settings that have their default value are left out, except
/// those that make a rule or a sink plain to see. A URL with a password is not printed: a
/// `url_file` stands in its place, to be filled by hand.
#[must_use]
pub fn to_toml(plan: &Plan) -> String {
    let mut page = Page::default();
    page.out.push_str("# staithe configuration; `staithe check -c FILE` validates it.\n\n");
    page.entry(&TOP, "site", &quoted(&plan.site));
    page.unless(&TOP, "durability", &plan.durability, &Durability::Process, |value| {
        choice(&choices::DURABILITIES, value)
    });
    page.unless(&TOP, "watch_config", &plan.watch_config, &false, bool::to_string);
    if let Some(dir) = &plan.plugin_dir {
        page.entry(&TOP, "plugin_dir", &path(dir));
    }
    page.takers = plan.sinks.iter().map(|sink| (sink.name.clone(), Taker::of(&sink.kind))).collect();
    for source in &plan.sources {
        page.source(source);
    }
    for sink in &plan.sinks {
        page.sink(sink);
    }
    page.out
}

/// A rule's `complete`, as it would be written.
#[must_use]
pub fn completion_to_toml(completion: &Completion) -> String {
    complete::completion(completion)
}

#[derive(Default)]
struct Page {
    out: String,
    /// Keys whose meaning was already said.
    said: BTreeSet<(&'static str, &'static str)>,
    /// What sinks take, by their names.
    takers: BTreeMap<String, Taker>,
}

impl Page {
    /// One line, with the meaning of the key above it the first time it is used.
    fn entry(&mut self, section: &'static Section, name: &'static str, value: &str) {
        let key = section.keys.iter().find(|key| key.name == name);
        debug_assert!(key.is_some(), "{name} is not in the table of keys");
        if let Some(key) = key.filter(|_| self.said.insert((section.title, name))) {
            let _ = writeln!(self.out, "# {}", first_sentence(key.meaning));
        }
        let _ = writeln!(self.out, "{name} = {value}");
    }

    fn unless<T: PartialEq>(
        &mut self,
        section: &'static Section,
        name: &'static str,
        value: &T,
        default: &T,
        show: impl Fn(&T) -> String,
    ) {
        if value != default {
            self.entry(section, name, &show(value));
        }
    }

    fn source(&mut self, source: &SourcePlan) {
        let _ = writeln!(self.out, "\n[source.{}]", key(&source.name));
        self.entry(&SOURCE, "path", &path(&source.path));
        self.unless(&SOURCE, "recursive", &source.recursive, &true, bool::to_string);
        self.unless(&SOURCE, "backend", &source.backend, &crate::Backend::Auto, |v| {
            choice(&choices::BACKENDS, v)
        });
        self.unless(&SOURCE, "poll_interval", &source.poll_interval, &choices::POLL_INTERVAL, duration);
        if let Some(full) = source.poll_full {
            self.entry(&SOURCE, "poll_full", &duration(&full));
        }
        self.unless(&SOURCE, "canary", &source.canary, &false, bool::to_string);
        let rescan =
            |value: &Option<Duration>| value.map_or_else(|| "\"0\"".into(), |value| duration(&value));
        self.unless(&SOURCE, "rescan", &source.rescan, &Some(choices::RESCAN), rescan);
        self.unless(&SOURCE, "initial", &source.initial, &Initial::Deliver, initial);
        self.unless(&SOURCE, "follow_symlinks", &source.follow_symlinks, &false, bool::to_string);
        let auto = crate::IdentityRule::Auto;
        self.unless(&SOURCE, "identity", &source.identity, &auto, |v| choice(&choices::IDENTITIES, v));
        let generations = crate::Announce::Generations;
        self.unless(&SOURCE, "announce", &source.announce, &generations, |v| choice(&choices::ANNOUNCES, v));
        if let Some(again) = source.reannounce {
            let every = again.every.map_or_else(|| "\"start\"".into(), |every| duration(&every));
            let value = match again.queue_limit {
                None => every,
                Some(limit) => format!("{{ every = {every}, queue_limit = {limit} }}"),
            };
            self.entry(&SOURCE, "reannounce", &value);
        }
        self.unless(&SOURCE, "gap_events", &source.gap_events, &false, bool::to_string);
        self.temp_names(&source.rules);
        for rule in &source.rules.rules {
            let _ = writeln!(self.out, "\n[[source.{}.rule]]", key(&source.name));
            let told = self.told(rule, &source.streams);
            self.rule(rule, &source.rules, &told);
        }
    }

    fn temp_names(&mut self, rules: &Rules) {
        let usual = temp_names::default_patterns();
        let extra = rules.temp_names.strip_prefix(usual.as_slice());
        if extra.is_none() {
            self.entry(&SOURCE, "temp_names", "false");
        }
        let extra = extra.unwrap_or(&rules.temp_names);
        if !extra.is_empty() {
            self.entry(&SOURCE, "extra_temp_names", &patterns(extra));
        }
    }

    fn rule(&mut self, rule: &Rule, rules: &Rules, told: &Told) {
        self.entry(&RULE, "name", &quoted(&rule.name));
        match &rule.shape.take {
            Take::File => {}
            Take::Dataset(names) => match names.as_slice() {
                [name] => self.entry(&RULE, "dataset", &quoted(name.text())),
                names => self.entry(&RULE, "dataset", &patterns(names)),
            },
            Take::Group(Grouping::Name(pattern)) => self.entry(&RULE, "group", &quoted(pattern.text())),
            Take::Group(Grouping::Dicom(key)) => {
                let value = format!("{{ dicom = {} }}", choice(&choices::DICOM_KEYS, key));
                self.entry(&RULE, "group", &value);
            }
        }
        if !matches!(rule.shape.take, Take::Dataset(_)) {
            self.entry(&RULE, "include", &patterns(&rule.include));
        }
        if !rule.exclude.is_empty() {
            self.entry(&RULE, "exclude", &patterns(&rule.exclude));
        }
        if let Some(outer) = rule.shape.of.and_then(|of| rules.rules.get(of)) {
            self.entry(&RULE, "of", &quoted(&outer.name));
        }
        self.unless(&RULE, "late", &rule.shape.late, &Late::Generation, |v| choice(&choices::LATES, v));
        self.unless(&RULE, "removed", &rule.shape.removed, &false, bool::to_string);
        let usual = read::default_completion(&rule.shape.take);
        // Where nobody is told of arrivals, it says nothing.
        if !(told.events_only && rule.completion == usual) {
            self.entry(&RULE, "complete", &complete::completion(&rule.completion));
        }
        self.told_of(told);
    }

    fn sink(&mut self, sink: &SinkPlan) {
        let _ = writeln!(self.out, "\n[sink.{}]", key(&sink.name));
        let (section, name) = match &sink.kind {
            SinkKind::Queue(_) => (&QUEUE, "queue"),
            SinkKind::Stdout => (&STDOUT, "stdout"),
            SinkKind::Jsonl(_) => (&JSONL, "jsonl"),
            SinkKind::RedisList(_) => (&REDIS_LIST, "redis-list"),
            SinkKind::Dlm(_) => (&DLM, "dlm"),
            SinkKind::Scribe(_) => (&SCRIBE, "scribe"),
            SinkKind::Mirror(_) => (&MIRROR, "mirror"),
            SinkKind::Plugin(_) => (&PLUGIN, "plugin"),
            SinkKind::Celery(_) => (&CELERY, "celery"),
            SinkKind::Amqp(_) => (&AMQP, "amqp"),
        };
        let _ = writeln!(self.out, "type = \"{name}\"");
        let mut timeout = TIMEOUT;
        match &sink.kind {
            SinkKind::Queue(queue) => {
                self.unless(section, "retain", &queue.retain, &RETAIN, duration);
                return;
            }
            SinkKind::Stdout => {}
            SinkKind::Scribe(scribe) => self.scribe(scribe),
            SinkKind::Mirror(mirror) => self.mirror(mirror),
            SinkKind::Plugin(plugin) => self.plugin(plugin),
            SinkKind::Celery(celery) => self.celery(&sink.name, celery),
            SinkKind::Amqp(amqp) => self.amqp(&sink.name, amqp),
            SinkKind::Jsonl(jsonl) => self.entry(section, "path", &path(&jsonl.path)),
            SinkKind::RedisList(redis) => self.redis(&sink.name, redis),
            SinkKind::Dlm(dlm) => {
                self.dlm(&sink.name, dlm);
                timeout = DlmSink::TIMEOUT;
            }
        }
        let knows = |name| section.keys.iter().any(|key| key.name == name);
        if knows("format") {
            self.format(section, &sink.format);
        }
        self.unless(section, "max_attempts", &sink.max_attempts, &0, u32::to_string);
        if knows("timeout") {
            self.unless(section, "timeout", &sink.timeout, &timeout, duration);
        }
    }

    fn format(&mut self, section: &'static Section, format: &Format) {
        let name = match format {
            Format::CloudEvents => return,
            Format::Flat => "flat",
            Format::Path => "path",
            Format::Metwork => "metwork",
            Format::Template(_) => "template",
        };
        self.entry(section, "format", &quoted(name));
        if let Format::Template(template) = format {
            self.entry(section, "template", &quoted(template));
        }
    }

    fn redis(&mut self, name: &str, redis: &RedisSink) {
        let url = redis.url.expose();
        if redis_url::has_password(url) {
            self.out.push_str("# The URL holds a password and is not printed: write it into this file.\n");
            self.entry(&REDIS_LIST, "url_file", &quoted(&format!("/etc/staithe/{name}.url")));
        } else {
            self.entry(&REDIS_LIST, "url", &quoted(url));
        }
        self.entry(&REDIS_LIST, "key", &quoted(&String::from_utf8_lossy(&redis.key)));
        if let Some(counter) = &redis.counter {
            self.entry(&REDIS_LIST, "counter", &quoted(&String::from_utf8_lossy(counter)));
        }
        self.unless(&REDIS_LIST, "push", &redis.push, &crate::Push::Left, |value| {
            choice(&choices::PUSHES, value)
        });
        if let Some(file) = &redis.ca_file {
            self.entry(&REDIS_LIST, "ca_file", &path(file));
        }
        if let Some((certificate, private)) = &redis.client_cert {
            self.entry(&REDIS_LIST, "client_cert", &path(certificate));
            self.entry(&REDIS_LIST, "client_key", &path(private));
        }
    }
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

fn choice<T: PartialEq>(choices: &[(&str, T)], value: &T) -> String {
    quoted(choices.iter().find(|(_, choice)| choice == value).map_or("", |(name, _)| name))
}

fn duration(duration: &Duration) -> String {
    quoted(&format_duration(*duration))
}

fn initial(initial: &Initial) -> String {
    match initial {
        Initial::Deliver => quoted("deliver"),
        Initial::Adopt => quoted("adopt"),
        Initial::NewerThan(age) => format!("{{ newer_than = {} }}", duration(age)),
    }
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn patterns(patterns: &[Pattern]) -> String {
    list(patterns.iter().map(|pattern| quoted(pattern.text())))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A name as a TOML key.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { escaped(name) }
}

/// A value as a TOML string. Regexes are easier to read in single quotes.
fn quoted(text: &str) -> String {
    let text = protect(text);
    if text.contains('\\') && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    escaped(&text)
}

fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
