//! `staithe doctor`: what on this machine stands in the way, each finding with its fix.

use config::Plan;
use sys::{Dir, limits};

use crate::args::DoctorArgs;
use crate::client;
use crate::exit::{Exit, failure};

/// One thing that was looked at.
struct Finding {
    good: bool,
    text: String,
}

fn good(text: String) -> Finding {
    Finding { good: true, text }
}

fn bad(text: String) -> Finding {
    Finding { good: false, text }
}

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let mut findings = machine();
    if let Some(config) = &args.config {
        let loaded = super::run::load(config).map_err(|text| failure(Exit::Usage, text))?;
        findings.extend(sources(&loaded.plan));
        findings.extend(sinks(&loaded.plan));
    }
    for finding in &findings {
        let mark = if finding.good { "ok  " } else { "FAIL" };
        client::print_line(format!("{mark}  {}", finding.text).as_bytes())?;
    }
    Ok(if findings.iter().all(|finding| finding.good) { Exit::Done } else { Exit::Degraded })
}

fn machine() -> Vec<Finding> {
    let limit = |name: &str, value: Option<u64>, least: u64| match value {
        Some(value) if value >= least => good(format!("fs.inotify.{name} = {value}")),
        Some(value) => bad(format!(
            "fs.inotify.{name} = {value} is low. Fix: sudo sysctl -w fs.inotify.{name}={least}; keep it in \
             /etc/sysctl.d/60-staithe.conf"
        )),
        None => bad(format!("fs.inotify.{name} cannot be read; is /proc mounted?")),
    };
    vec![
        limit("max_user_watches", limits::max_user_watches(), 65_536),
        limit("max_user_instances", limits::max_user_instances(), 128),
        limit("max_queued_events", limits::max_queued_events(), 16_384),
    ]
}

fn sources(plan: &Plan) -> Vec<Finding> {
    let look = |source: &config::SourcePlan| {
        let (name, path) = (&source.name, source.path.display());
        match Dir::open_root(&source.path) {
            Err(error) => bad(format!(
                "source {name}: {path} cannot be opened ({error}); it is watched when it can. Fix: create it, or \
                 give this user read and search permission"
            )),
            Ok(dir) => {
                let filesystem = sys::filesystem::of(&dir);
                if filesystem.local {
                    good(format!("source {name}: {path} is {}, events are heard", filesystem.name))
                } else {
                    good(format!(
                        "source {name}: {path} is {}; other machines' writes raise no events, so it is polled",
                        filesystem.name
                    ))
                }
            }
        }
    };
    plan.sources.iter().map(look).collect()
}

fn sinks(plan: &Plan) -> Vec<Finding> {
    let look = |sink: &config::SinkPlan| match engine::probe_sink(sink) {
        None => good(format!("sink {}: {} answers", sink.name, sink.kind.name())),
        Some(warning) => bad(warning),
    };
    plan.sinks.iter().map(look).collect()
}
