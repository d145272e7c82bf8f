//! From the text of a manifest to its settings.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::{Fault, shown, version};
use crate::diagnostic::{Diagnostic, Severity};
use crate::fields::{Fields, Report, Text, Value};
use crate::keys::PLUGIN_MANIFEST;
use crate::plan::PluginManifest;
use crate::source_text::{Place, SourceText};

/// How many events may be under way.
const WINDOW: std::ops::RangeInclusive<u64> = 1..=65_536;
/// How long a line may be made, in bytes: shorter ones hold no message, longer ones are none.
const LINE: std::ops::RangeInclusive<u64> = 1024..=1 << 30;
/// No program starts with less address space, in bytes.
const LEAST_MEMORY: u64 = 1 << 20;

/// Reads the manifest's text; `dir` is absolute. The version is left to be found out.
pub(super) fn read(
    dir: &Path,
    path: &Path,
    bytes: &[u8],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<PluginManifest, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault {
        message: format!("the manifest {} is not UTF-8", shown(path)),
        help: "TOML files are UTF-8; convert it".into(),
    })?;
    let files = [SourceText { name: shown(path), text: text.to_owned(), dir: dir.to_owned() }];
    let mut report = Report::new(&files, env);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let words = crate::source_text::shown(error.message());
        report.error(&Place { file: 0, span }, words, Some("is it half-written?".into()));
    }
    let manifest = errors.is_empty().then(|| manifest(document.get_ref(), dir, &mut report)).flatten();
    let found = report.into_found();
    let wrong: Vec<&Diagnostic> =
        found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    match (wrong.first(), manifest) {
        (None, Some(manifest)) => Ok(manifest),
        (first, _) => Err(fault(path, first.copied(), wrong.len())),
    }
}

/// The first of the findings as one sentence.
fn fault(path: &Path, first: Option<&Diagnostic>, count: usize) -> Fault {
    let Some(first) = first else {
        return Fault {
            message: format!("the manifest {} says nothing", shown(path)),
            help: "write at least command = \"…\"".into(),
        };
    };
    let Diagnostic { line, column, message, help, .. } = first;
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    Fault {
        message: format!("the manifest {}:{line}:{column} is wrong: {message}{more}", shown(path)),
        help: help.clone().unwrap_or_else(|| "correct it".into()),
    }
}

fn manifest(table: &DeTable<'_>, dir: &Path, report: &mut Report<'_>) -> Option<PluginManifest> {
    let place = Place { file: 0, span: 0..0 };
    let mut fields = Fields::of(table, &PLUGIN_MANIFEST, "the manifest".into(), place);
    let command = fields.required(report, "command").and_then(|value| value.text(report, "a program"));
    let command = command.and_then(|text| command_path(&text, dir, report));
    let args = fields.texts(report, "args").unwrap_or_default();
    let args = args.into_iter().filter_map(|text| whole(text, report)).collect();
    let env = fields.take("env").map_or_else(Vec::new, |value| variables(&value, report));
    let memory = fields.take("memory").and_then(|value| memory(&value, report));
    let hello_within = fields.period(report, "hello_within");
    let ack_within = fields.period(report, "ack_within");
    let window = fields.take("window").and_then(|value| {
        let number = value.integer(report)?;
        within(number, &WINDOW, "`window`", "256 is usual", &value, report)
    });
    let line_limit = fields.take("line_limit").and_then(|value| {
        let bytes = value.size(report)?;
        within(bytes, &LINE, "`line_limit`, in bytes,", "1MiB is usual", &value, report)
    });
    fields.finish(report);
    Some(PluginManifest {
        command: command?,
        args,
        env,
        directory: dir.to_owned(),
        memory,
        hello_within: hello_within.unwrap_or(PluginManifest::HELLO_WITHIN),
        ack_within: ack_within.unwrap_or(PluginManifest::ACK_WITHIN),
        window: window.and_then(|window| u32::try_from(window).ok()).unwrap_or(PluginManifest::WINDOW),
        line_limit: line_limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(PluginManifest::LINE_LIMIT),
        version: 0,
    })
}

fn command_path(text: &Text, dir: &Path, report: &mut Report<'_>) -> Option<PathBuf> {
    let command = whole(text.clone(), report)?;
    let (wrong, help) = if command.is_empty() {
        ("`command` is empty", "name the program: \"./count.py\", or one that is looked for in PATH".into())
    } else if command.starts_with('~') {
        ("`~` is not replaced here", "write ${HOME}/… instead".to_owned())
    } else {
        let path = PathBuf::from(&command);
        if version::is_path(&path) {
            return Some(dir.join(path.strip_prefix("./").unwrap_or(&path)));
        }
        if !dir.join(&path).is_file() {
            return Some(path);
        }
        (
            "this file lies beside the manifest, and a name without a slash is looked for in PATH",
            format!("write \"./{}\"", crate::source_text::shown(&text.written)),
        )
    };
    report.error(&text.place, wrong, Some(help));
    None
}

/// A text that a program can be given.
fn whole(text: Text, report: &mut Report<'_>) -> Option<String> {
    if text.value.contains('\0') {
        report.error(&text.place, "a zero byte cannot be given to a program", None);
        return None;
    }
    Some(text.value)
}

fn variables(value: &Value<'_>, report: &mut Report<'_>) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (name, value) in value.table(report).into_iter().flatten() {
        let place = Place { file: 0, span: name.span() };
        let name: &str = name.get_ref();
        if name.is_empty() || name.contains(['=', '\0']) {
            report.error(&place, "this is no name of an environment variable", None);
            continue;
        }
        let text = Value::of(value, 0).text(report, "a string").and_then(|text| whole(text, report));
        variables.extend(text.map(|text| (name.to_owned(), text)));
    }
    variables
}

fn memory(value: &Value<'_>, report: &mut Report<'_>) -> Option<u64> {
    let bytes = value.size(report)?;
    if bytes < LEAST_MEMORY {
        let help = "64MiB is little for a Python program; leave the key out for no limit".to_owned();
        report.error(&value.place, "no program starts with less than 1 MiB", Some(help));
        return None;
    }
    Some(bytes)
}

fn within(
    number: u64,
    range: &std::ops::RangeInclusive<u64>,
    what: &str,
    help: &str,
    value: &Value<'_>,
    report: &mut Report<'_>,
) -> Option<u64> {
    if range.contains(&number) {
        return Some(number);
    }
    let message = format!("{what} is not from {} to {}", range.start(), range.end());
    report.error(&value.place, message, Some(help.to_owned()));
    None
}
