//! From monitors to the plan that the engine runs.

use std::path::PathBuf;
use std::time::Duration;

use config::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, Plan, Push, Reannounce, RedisSink, Secret,
    SinkKind, SinkPlan, SourcePlan,
};
use settle::{Clause, Completion, Expr, Pattern, Rule, Rules};

use super::monitor::{AnnounceAt, Endpoint, Monitor, Monitors};

/// A call of Redis without `timeout` may take so long: a connection is dead after a day at the
/// latest, and a sink must come back some time.
const NO_TIMEOUT: Duration = Duration::from_hours(24);
/// How often the tree is compared with the ledger: the net below everything else.
const RESCAN: Duration = Duration::from_mins(5);

/// The plan of a configuration: a source for each monitor, a sink for each list.
#[must_use]
pub fn plan(monitors: &Monitors) -> Plan {
    let mut lists: Vec<List<'_>> = Vec::new();
    for monitor in &monitors.list {
        List::add(&mut lists, monitor);
    }
    Plan {
        site: "local".into(),
        durability: Durability::Process,
        watch_config: false,
        plugin_dir: None,
        sources: monitors.list.iter().map(|monitor| source(monitor, &lists, &monitors.endpoint)).collect(),
        sinks: lists.iter().map(|list| sink(list, &lists, &monitors.endpoint)).collect(),
    }
}

/// A list, with the key that counts its pushes.
struct List<'a> {
    queue: &'a str,
    counter: Option<&'a str>,
    timeout: Duration,
}

impl<'a> List<'a> {
    /// Monitors with the same list share one sink, so that its order is theirs; the most patient
    /// timeout holds.
    fn add(lists: &mut Vec<Self>, monitor: &'a Monitor) {
        let (queue, counter) = (monitor.queue.as_str(), monitor.counter.as_deref());
        let timeout = monitor.timeout.unwrap_or(NO_TIMEOUT);
        match lists.iter_mut().find(|list| list.queue == queue && list.counter == counter) {
            Some(list) => list.timeout = list.timeout.max(timeout),
            None => lists.push(Self { queue, counter, timeout }),
        }
    }

    /// The sink's name says which server and which list it is, because a backlog belongs to them:
    /// another server must not be given what was meant for this one. The counter is part of it
    /// only where it tells two sinks apart, so that a backlog survives its introduction.
    fn name(&self, all: &[List<'_>], endpoint: &Endpoint) -> String {
        let mut name = match endpoint {
            Endpoint::Tcp(host, port) => format!("redis://{}:{port}/", bracketed(host)),
            Endpoint::Unix(path) => format!("redis+unix://{}?key=", percent(path)),
        };
        name.push_str(&percent(self.queue));
        if all.iter().filter(|list| list.queue == self.queue).count() > 1 {
            name.push_str("&counter=");
            name.push_str(&percent(self.counter.unwrap_or_default()));
        }
        name
    }
}

fn sink(list: &List<'_>, all: &[List<'_>], endpoint: &Endpoint) -> SinkPlan {
    let url = match endpoint {
        Endpoint::Tcp(host, port) => format!("redis://{}:{port}", bracketed(host)),
        Endpoint::Unix(path) => format!("redis+unix://{}", percent(path)),
    };
    SinkPlan {
        name: list.name(all, endpoint),
        kind: SinkKind::RedisList(RedisSink {
            url: Secret::new(url),
            key: list.queue.as_bytes().into(),
            counter: list.counter.map(|key| key.as_bytes().into()),
            push: Push::Left,
            ca_file: None,
            client_cert: None,
        }),
        format: Format::Metwork,
        max_attempts: 0,
        timeout: list.timeout,
    }
}

fn source(monitor: &Monitor, lists: &[List<'_>], endpoint: &Endpoint) -> SourcePlan {
    let mine = |list: &&List<'_>| list.queue == monitor.queue && list.counter == monitor.counter.as_deref();
    let to = lists.iter().filter(mine).map(|list| list.name(lists, endpoint)).collect();
    SourcePlan {
        name: monitor.section.clone(),
        path: PathBuf::from(&monitor.directory),
        recursive: false,
        backend: Backend::Auto,
        poll_interval: Duration::from_secs(1),
        poll_full: None,
        canary: false,
        rescan: Some(RESCAN),
        initial: Initial::Deliver,
        // Links to files are announced like files; the watched directory may be a link itself.
        follow_symlinks: true,
        identity: IdentityRule::Auto,
        announce: Announce::Arrivals,
        reannounce: Some(Reannounce { every: monitor.forced_poll, queue_limit: monitor.poll_queue_limit }),
        gap_events: false,
        streams: Vec::new(),
        rules: Rules { rules: vec![rule(monitor, to)], temp_names: Vec::new() },
    }
}

fn rule(monitor: &Monitor, to: Vec<String>) -> Rule {
    let completion = match monitor.announce {
        AnnounceAt::Complete => Completion::local(),
        AnnounceAt::Create => Completion::of(Expr::Clause(Clause::Appeared)),
    };
    Rule {
        name: monitor.section.clone(),
        include: vec![monitor.only.clone().unwrap_or_else(everything)],
        exclude: monitor.ignore.clone(),
        completion,
        to,
        shape: settle::Shape::default(),
    }
}

fn everything() -> Pattern {
    Pattern::parse("*").expect("a star is a glob")
}

/// An IPv6 address needs brackets in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { percent(host) }
}

fn percent(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    model::text::push_percent(&mut out, text.as_bytes(), b"/:");
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory_observer::environment::Environment;
    use crate::directory_observer::ini::Ini;
    use crate::directory_observer::monitor::examine;

    fn planned(text: &str) -> Plan {
        let ini = Ini::read(text.as_bytes(), &Environment::default()).unwrap();
        plan(&examine(&ini, "c.ini", &mut Vec::new()).unwrap())
    }

    const COMMON: &str = "[common]\nredis_server=127.0.0.1\nredis_port=6379\n";

    fn redis(sink: &SinkPlan) -> &RedisSink {
        let SinkKind::RedisList(redis) = &sink.kind else { panic!("{sink:?}") };
        redis
    }

    #[test]
    fn a_monitor_becomes_a_source_and_a_sink() {
        let plan = planned(&format!(
            "{COMMON}[s]\nactive=1\ndirectory=./in//d1/\nqueue=step.p.main\ncounter=n\nforced_poll=2\npoll_queue_limit=3\ntimeout=4\nonly=^a\n"
        ));
        let [source] = plan.sources.as_slice() else { panic!() };
        assert_eq!((source.name.as_str(), source.path.as_os_str()), ("s", "./in//d1/".as_ref()));
        assert!(!source.recursive && source.rules.temp_names.is_empty());
        assert_eq!((source.announce, source.initial), (Announce::Arrivals, Initial::Deliver));
        let again = Reannounce { every: Some(Duration::from_secs(2)), queue_limit: Some(3) };
        assert_eq!(source.reannounce, Some(again));
        let [rule] = source.rules.rules.as_slice() else { panic!() };
        assert_eq!((rule.include[0].text(), rule.exclude[0].text()), ("py:^a", r"py:^.*\.working$"));
        assert_eq!(
            (&rule.completion, rule.to.as_slice()),
            (&Completion::local(), &[plan.sinks[0].name.clone()][..])
        );
        let [sink] = plan.sinks.as_slice() else { panic!() };
        assert_eq!(sink.name, "redis://127.0.0.1:6379/step.p.main");
        assert_eq!(
            (&sink.format, sink.max_attempts, sink.timeout),
            (&Format::Metwork, 0, Duration::from_secs(4))
        );
        let redis = redis(sink);
        assert_eq!(
            (redis.url.expose(), redis.key.as_slice()),
            ("redis://127.0.0.1:6379", &b"step.p.main"[..])
        );
        assert_eq!((redis.counter.as_deref(), redis.push), (Some(&b"n"[..]), Push::Left));
    }

    #[test]
    fn announcing_at_creation_is_a_choice() {
        let plan = planned(&format!(
            "{COMMON}[s]\nactive=1\ndirectory=d\nqueue=q\nannounce=create\nforced_poll=0\n"
        ));
        let rule = &plan.sources[0].rules.rules[0];
        assert_eq!(rule.completion.expr, Expr::Clause(Clause::Appeared));
        assert_eq!(rule.include[0].text(), "*");
        assert!(rule.include[0].matches(b"a\nb\xff"));
        assert_eq!(plan.sources[0].reannounce.map(|again| again.every), Some(None));
    }

    #[test]
    fn monitors_of_one_list_share_its_sink() {
        let plan = planned(&format!(
            "{COMMON}[a]\nactive=1\ndirectory=d1\nqueue=q\ntimeout=3\n[b]\nactive=1\ndirectory=d2\nqueue=q\ntimeout=0\n\
             [c]\nactive=1\ndirectory=d2\nqueue=q\ncounter=n c\n[d]\nactive=1\ndirectory=d\nqueue=other\ncounter=n\n"
        ));
        let names: Vec<&str> = plan.sinks.iter().map(|sink| sink.name.as_str()).collect();
        let base = "redis://127.0.0.1:6379";
        let want = [format!("{base}/q&counter="), format!("{base}/q&counter=n%20c"), format!("{base}/other")];
        assert_eq!(names, want);
        assert_eq!(plan.sinks[0].timeout, NO_TIMEOUT);
        let to: Vec<&str> = plan.sources.iter().map(|source| source.rules.rules[0].to[0].as_str()).collect();
        assert_eq!(to, [names[0], names[0], names[1], names[2]]);
    }

    #[test]
    fn endpoints_as_urls() {
        let with = |keys: &str| planned(&format!("[s]\nactive=1\n{keys}\ndirectory=d\nqueue=100%\n\n  x\n"));
        let unix = with("redis_server=h\nredis_unix_socket=/run/my redis.sock");
        assert_eq!(redis(&unix.sinks[0]).url.expose(), "redis+unix:///run/my%20redis.sock");
        assert_eq!(unix.sinks[0].name, "redis+unix:///run/my%20redis.sock?key=100%25%0A%0Ax");
        assert_eq!(redis(&unix.sinks[0]).key, b"100%\n\nx");
        assert_eq!(redis(&with("redis_server=::1").sinks[0]).url.expose(), "redis://[::1]:6379");
    }
}
