//! Keys that are known, but not where they stand.

use crate::keys::{COMPLETE, PLUGIN, PLUGIN_MANIFEST, RULE, SINK_TYPES, SOURCE, Section, TOP};

/// Where a key that a table does not know belongs, if another table around it knows it.
pub(crate) fn elsewhere(section: &Section, key: &str) -> Option<String> {
    let is = |other: &Section| section.title == other.title;
    // Every table may have a name, and most have none.
    let knows = |other: &Section| key != "name" && other.keys.iter().any(|known| known.name == key);
    let help = if is(&RULE) && knows(&SOURCE) {
        format!(
            "`{key}` belongs to the source: write it under [source.NAME], above its first [[source.NAME.rule]]"
        )
    } else if is(&SOURCE) && knows(&RULE) {
        format!("`{key}` belongs to a rule: write it under [[source.NAME.rule]]")
    } else if is(&SOURCE) && knows(&COMPLETE) {
        format!("`{key}` belongs to a rule: under [[source.NAME.rule]], complete = {{ {key} = … }}")
    } else if is(&COMPLETE) && knows(&RULE) {
        format!("`{key}` belongs to the rule: write it beside `complete`, on a line of its own")
    } else if is(&COMPLETE) && knows(&SOURCE) {
        format!(
            "`{key}` belongs to the source: write it under [source.NAME], above its first [[source.NAME.rule]]"
        )
    } else {
        return beside_a_sink(section, key);
    };
    Some(help)
}

/// Where a key belongs that stands in a sink's table.
fn beside_a_sink(section: &Section, key: &str) -> Option<String> {
    let knows = |other: &Section| other.keys.iter().any(|known| known.name == key);
    if !SINK_TYPES.iter().any(|(_, sink)| sink.title == section.title) {
        return None;
    }
    if ["events", "arrivals", "include", "exclude"].contains(&key) {
        Some(format!("`{key}` belongs to a rule that delivers here: write it under [[source.NAME.rule]]"))
    } else if knows(&TOP) {
        Some(format!("`{key}` belongs to the top of the file, before the first [table]"))
    } else if section.title == PLUGIN.title && knows(&PLUGIN_MANIFEST) {
        Some(format!("`{key}` belongs to the plugin's manifest, NAME.toml in `plugin_dir`"))
    } else {
        None
    }
}
