//! Where plugins' manifests lie, and what they say.

use std::path::{Path, PathBuf};

use super::{Top, sink};
use crate::fields::{Report, Text};
use crate::manifest;
use crate::plan::SinkKind;

/// The directory of manifests beside the configuration, where nothing is said.
const USUAL: &str = "plugins";

/// Reads the manifests that the sinks name, and says where they lie if any does.
pub(super) fn fill(top: &Top<'_>, sinks: &mut [sink::Read], report: &mut Report<'_>) -> Option<PathBuf> {
    let beside = report.files.first().map(|file| file.dir.join(USUAL));
    let given = top.plugin_dir.as_ref().map(|(dir, _)| dir.clone());
    let asks = sinks.iter().any(|sink| matches!(sink.plan.kind, SinkKind::Plugin(_)));
    let dir = given.or(beside.filter(|_| asks))?;
    // It is printed, and read from another directory.
    let dir = std::path::absolute(&dir).unwrap_or(dir);
    for sink in sinks {
        one(&dir, sink, report);
    }
    Some(dir)
}

/// A plugin without a manifest is failed until there is one: that is no reason to run nothing else.
fn one(dir: &Path, sink: &mut sink::Read, report: &mut Report<'_>) {
    let SinkKind::Plugin(plugin) = &mut sink.plan.kind else { return };
    let found = manifest::read(dir, &plugin.plugin, report.env());
    for file in &found.files {
        report.looks_at(file);
    }
    if let (Err(fault), Some(place)) = (&found.manifest, &sink.places.plugin) {
        let message = format!("the sink will be failed: {}", fault.message);
        report.warn(place, message, Some(fault.help.clone()));
    }
    plugin.manifest = found.manifest.map_err(|fault| fault.to_string());
}

/// The directory, relative to the one of the file that names it.
pub(super) fn dir(text: &Text, report: &mut Report<'_>) -> Option<PathBuf> {
    let wrong = if text.value.is_empty() {
        ("the path is empty", "leave the key out for the directory `plugins` beside this file")
    } else if text.value.contains('\0') {
        ("the path contains a zero byte, which no path does", "write an absolute path")
    } else if text.value.starts_with('~') {
        ("`~` is not replaced here", "write ${HOME}/… instead")
    } else {
        let file = report.files.get(text.place.file)?;
        return Some(file.dir.join(&text.value));
    };
    report.error(&text.place, wrong.0, Some(wrong.1.into()));
    None
}
