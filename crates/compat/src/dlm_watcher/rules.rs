//! Which entries of the watched directory are data products.
//!
//! The original asks each name that appears whether it is hidden or left over from an editor; what lies *in* a
//! directory that is taken is never asked. So every pattern here is about the first name of a path.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use config::DlmDialect;
use settle::{Clause, Completion, Expr, Late, Pattern, Quiet, Rule, Rules, Shape, Take};

use super::args::{Args, STATUS_FILE};

/// The original gathers changes until so long nothing comes, and waits for nothing else.
const BATCH: Duration = Duration::from_millis(50);

/// Names that the library behind the original's inotify mode leaves out, wherever they stand in a path.
const ALWAYS_OUT: [&str; 11] = [
    "__pycache__",
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".venv",
    ".idea",
    "node_modules",
    ".mypy_cache",
    ".pytest_cache",
    ".hypothesis",
];

/// What it leaves out as a last name.
const LEFT_OVERS: [&str; 7] =
    ["*.py[cod]", "*.___jb_???___", "*.sw?", "*~", ".#*", ".DS_Store", "flycheck_*"];

/// What the rules depend on, beside the flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The watched directory, absolute.
    pub(super) absolute: &'a Path,
    /// What was in it at the start.
    pub(super) existing: &'a [OsString],
}

/// The rules for one watched directory; `sink` gets everything.
pub(super) fn rules(args: &Args, scene: Scene<'_>, sink: &str) -> Rules {
    let out = Out::of(args, scene.absolute);
    let make = |name: &str, take: Take, include: Vec<Pattern>, exclude: Vec<Pattern>| Rule {
        name: name.to_owned(),
        include,
        exclude,
        completion: completion(args),
        to: vec![sink.to_owned()],
        shape: Shape { take, late: Late::Ignore, ..Shape::default() },
    };
    let mut rules = Vec::new();
    let existing = if args.include_existing { out.among(scene.existing) } else { Vec::new() };
    if !existing.is_empty() {
        rules.push(make("existing directories", Take::Dataset(existing.clone()), Vec::new(), Vec::new()));
        rules.push(make("existing files", Take::File, existing, patterns(&["/*/**"])));
    }
    let directories = Take::Dataset(patterns(&["/*"]));
    rules.push(make("directories", directories, Vec::new(), out.directories));
    // A directory that no rule takes is not looked into.
    let mut files = patterns(&["/*/**"]);
    files.extend(out.files);
    rules.push(make("files", Take::File, patterns(&["/*"]), files));
    Rules { rules, temp_names: Vec::new() }
}

fn completion(args: &Args) -> Completion {
    if args.strict {
        return Completion::of(Expr::Clause(Clause::Quiet(Quiet::For(BATCH))));
    }
    let preset = Completion::preset("data-product").unwrap_or_else(Completion::local);
    match args.wait_time {
        Some(period) => preset.clone().with_quiet(period).unwrap_or(preset),
        None => preset,
    }
}

/// What is left out.
struct Out {
    directories: Vec<Pattern>,
    files: Vec<Pattern>,
}

impl Out {
    fn of(args: &Args, absolute: &Path) -> Self {
        if args.strict && !args.polling && is_left_out_whole(absolute) {
            return Self { directories: patterns(&["/*"]), files: patterns(&["/*"]) };
        }
        let mut both = Vec::new();
        if !args.polling {
            both.extend(ALWAYS_OUT.iter().chain(&LEFT_OVERS).map(|name| format!("/{name}")));
        }
        both.extend(status_file(args));
        both.extend(status_file_in_the_making(args));
        let both: Vec<Pattern> = both.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
        let mut directories = patterns(&["/.*"]);
        directories.extend(both.iter().cloned());
        Self { directories, files: both }
    }

    /// Those of the names that are left out by anything, as patterns.
    fn among(&self, names: &[OsString]) -> Vec<Pattern> {
        let out =
            |name: &[u8]| self.directories.iter().chain(&self.files).any(|pattern| pattern.matches(name));
        let names = names.iter().map(|name| name.as_bytes()).filter(|name| out(name));
        names.filter_map(|name| Pattern::parse(&literal(name)).ok()).collect()
    }
}

/// The library asks the whole path, so that a directory below `.git` shows nothing.
fn is_left_out_whole(absolute: &Path) -> bool {
    absolute.iter().any(|part| ALWAYS_OUT.iter().any(|name| part == *name))
}

/// The status file in the watched directory. The original compares texts: a relative directory or one with a slash
/// at its end never fits.
fn status_file(args: &Args) -> Option<String> {
    let directory = args.directory.as_bytes();
    if args.strict && (!directory.starts_with(b"/") || directory.ends_with(b"/")) {
        return None;
    }
    let name = match args.dialect {
        DlmDialect::V20 => args.status_file_name.as_bytes(),
        DlmDialect::V21 | DlmDialect::Main => STATUS_FILE.as_bytes(),
    };
    (!name.is_empty()).then(|| literal(name))
}

/// Where the status file is written into the watched directory, it is made beside itself: `NAME.PID.tmp`.
fn status_file_in_the_making(args: &Args) -> Option<String> {
    let name = args.status_file_name.as_bytes();
    let made = args.dialect == DlmDialect::V20 && args.use_status_file && !name.is_empty();
    made.then(|| format!("re:^{}\\.[0-9]+\\.tmp$", escaped(name)))
}

fn escaped(name: &[u8]) -> String {
    let bytes: Vec<String> = name.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    bytes.concat()
}

/// A pattern that only this first name matches.
fn literal(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(name) if !name.contains(['\\', '*', '?', '[', ']', '{', '}', '!']) => format!("/{name}"),
        _ => format!("re:^{}$", escaped(name)),
    }
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().filter_map(|text| Pattern::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests;
