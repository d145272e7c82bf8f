//! `staithe check`: everything that can be known without doing anything.

use std::io::IsTerminal as _;

use config::Loaded;

use crate::args::CheckArgs;
use crate::exit::{Exit, failure};
use crate::log;
use crate::show::counted;

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let Loaded { plan, warnings } =
        super::run::load(&args.config).map_err(|text| failure(Exit::Usage, text))?;
    let colour = log::coloured(std::io::stderr().is_terminal());
    for warning in &warnings {
        log::plain(warning.render(colour).trim_end());
    }
    for sink in plan.sinks.iter().filter(|sink| !matches!(sink.kind, config::SinkKind::Queue(_))) {
        if let Err(error) = sinks::build(sink, &sinks::Hands::in_memory()) {
            return Err(failure(Exit::Usage, format!("sink {}: {error}", sink.name)));
        }
    }
    for text in environment(&plan) {
        log::warning(&text);
    }
    let counts = (counted(plan.sources.len(), "source"), counted(plan.sinks.len(), "sink"));
    println!("{}: good, {}, {}", args.config.display(), counts.0, counts.1);
    Ok(Exit::Done)
}

/// What is not as the plan supposes, now: absent paths, unreachable servers. None of it is an error.
pub(crate) fn environment(plan: &config::Plan) -> Vec<String> {
    let mut warnings = Vec::new();
    for source in &plan.sources {
        if !source.path.is_dir() {
            warnings.push(format!(
                "source {}: {} is absent or no directory now; it is watched as soon as it is there",
                source.name,
                source.path.display()
            ));
        }
    }
    for sink in &plan.sinks {
        if let Some(warning) = engine::probe_sink(sink) {
            warnings.push(warning);
        }
    }
    warnings
}
