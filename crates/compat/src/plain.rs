//! What a plan says where an old program's configuration says nothing: what native configuration has by default.

use std::path::Path;
use std::time::Duration;

use config::{Announce, Backend, Durability, IdentityRule, Initial, Plan, SourcePlan};
use settle::Rules;

/// How often the tree is compared with what is known: the net below everything else.
const RESCAN: Duration = Duration::from_mins(5);

/// Nothing yet.
pub(crate) fn plan() -> Plan {
    Plan {
        site: "local".into(),
        durability: Durability::Process,
        watch_config: false,
        plugin_dir: None,
        sources: Vec::new(),
        sinks: Vec::new(),
    }
}

/// A tree without rules.
pub(crate) fn source(name: &str, path: &Path) -> SourcePlan {
    SourcePlan {
        name: name.to_owned(),
        path: path.to_owned(),
        recursive: true,
        backend: Backend::Auto,
        poll_interval: Duration::from_secs(1),
        poll_full: None,
        canary: false,
        rescan: Some(RESCAN),
        initial: Initial::Deliver,
        follow_symlinks: false,
        identity: IdentityRule::Auto,
        announce: Announce::Generations,
        reannounce: None,
        gap_events: false,
        rules: Rules { rules: Vec::new(), temp_names: Vec::new() },
        streams: Vec::new(),
    }
}
