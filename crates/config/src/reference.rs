//! The reference page, printed from the table of keys that the reader uses.

use std::fmt::Write as _;

use settle::PRESETS;

use crate::keys::{COMPLETE, SECTIONS, Section};

/// What stands above the tables.
const INTRODUCTION: &str = "\
# Configuration

This page is generated from the program. `staithe init` prints a configuration to begin with,
`staithe check -c FILE` says what is wrong with one.

The configuration is one TOML file, or a directory whose `*.toml` files are read in the order of
their names. A source, a sink or a key at the top may be set in one of the files only.

- **Durations** are written `500ms`, `2s`, `5m`, `1h`, `7d`, in quotes; **sizes** `4096B`, `64KiB`, `100MiB`.
- **Patterns** are globs on the path relative to the source. Without `/` a glob is asked about the
  last name at any depth, with `/` about the whole path; a `/` at the front only says so. `*`, `?`,
  `[a-z]`, `[!a-z]`, `{a,b}` work as in a shell, `\\` takes the meaning away, and only `**` as a
  whole component crosses `/`. `re:…` is a regular expression that is searched in the path's bytes
  (`.` matches any byte; linear time; no look-around). `py:…` is a Python expression, matched as
  `re.match` does it, on the last name.
- **`${VAR}`** and `${VAR:-default}` in a value are replaced from the environment; a variable that
  is not set is an error. `$${` stands for `${` itself.
- **Later** keys are known, but not built yet in this version.
";

/// The whole page, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    for section in SECTIONS {
        push_section(&mut page, section);
        if section.title == COMPLETE.title {
            push_presets(&mut page);
        }
    }
    page.push_str("\n## Temporary names\n\nWith `temp_names = true`, files are ignored whose last name matches one of:\n\n");
    for pattern in settle::temp_names::default_patterns() {
        let _ = writeln!(page, "- `{}`", pattern.text());
    }
    page
}

fn push_section(page: &mut String, section: &Section) {
    let _ = writeln!(page, "\n## {}\n\n{}\n", section.title, section.about);
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in section.keys {
        let cells = [key.kind, key.default, key.meaning].map(|text| text.replace('|', "\\|"));
        let [kind, default, meaning] = cells;
        let _ = writeln!(page, "| `{}` | {kind} | {default} | {meaning} |", key.name);
    }
    if !section.later.is_empty() {
        let names: Vec<String> = section.later.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(page, "\nLater: {}.", names.join(", "));
    }
}

fn push_presets(page: &mut String) {
    page.push_str("\n## Presets\n\n| preset | for | what it is | what fools it |\n|---|---|---|---|\n");
    for preset in PRESETS {
        let cells = [preset.purpose, preset.meaning, preset.trap].map(|text| text.replace('|', "\\|"));
        let [purpose, meaning, trap] = cells;
        let only = if preset.datasets { " (datasets and groups only)" } else { "" };
        let _ = writeln!(page, "| `{}` | {purpose}{only} | `{meaning}` | {trap} |", preset.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{LATER_SINK_TYPES, SINK_TYPES};

    #[test]
    fn the_page_in_the_repository_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, reference()).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == reference(), "{path} is not what the program prints; run this test with UPDATE=1");
    }

    #[test]
    fn every_type_of_sink_has_a_section() {
        let page = reference();
        for (name, _) in SINK_TYPES {
            assert!(page.contains(&format!("## `[sink.NAME]` with `type = \"{name}\"`")), "{name}");
            assert!(!LATER_SINK_TYPES.contains(&name));
        }
    }
}
