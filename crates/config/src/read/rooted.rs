//! Patterns that begin with their source's own path, although they are relative to it.

use toml::de::{DeTable, DeValue};

use crate::fields::{Report, Text, Value};
use crate::source_text::shown;

/// Warns of each pattern in the source's rules that begins with its absolute path, compared as written: what is
/// behind a variable in both is the same.
pub(super) fn warn(source: &DeTable<'_>, path: &Text, report: &mut Report<'_>) {
    let Some(DeValue::Array(rules)) = source.get("rule").map(toml::Spanned::get_ref) else { return };
    for rule in rules.iter().filter_map(|rule| rule.get_ref().as_table()) {
        for key in ["include", "exclude", "dataset"] {
            let Some(value) = rule.get(key) else { continue };
            let value = Value::of(value, path.place.file);
            match value.value {
                DeValue::Array(list) => {
                    list.iter().for_each(|one| warn_of(&Value::of(one, path.place.file), path, report));
                }
                _ => warn_of(&value, path, report),
            }
        }
    }
}

fn warn_of(value: &Value<'_>, path: &Text, report: &mut Report<'_>) {
    let Some(below) = value.value.as_str().and_then(|pattern| below(pattern, path)) else { return };
    let help = format!("patterns are relative to the source: write \"{}\"", shown(below));
    report.warn(
        &value.place,
        "this pattern begins with the source's own path, but is matched below it",
        Some(help),
    );
}

/// What stands behind the source's path.
fn below<'p>(pattern: &'p str, path: &Text) -> Option<&'p str> {
    let roots = [path.written.as_str(), path.value.as_str()];
    let absolute = path.value.starts_with('/');
    let mut roots = roots.into_iter().map(|root| root.trim_end_matches('/'));
    let rest = roots.find_map(|root| pattern.strip_prefix(root).filter(|_| absolute && !root.is_empty()))?;
    rest.strip_prefix('/').filter(|below| !below.is_empty())
}
