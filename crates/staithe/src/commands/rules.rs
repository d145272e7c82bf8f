//! `staithe rules`: what there is to choose from, and which rule takes a path and why.
//!
//! The configuration is asked, not the daemon: paths need not exist.

mod finding;
mod listing;
mod page;
mod value;

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use config::{Plan, SourcePlan};
use model::text::safe;

use crate::args::RulesArgs;
use crate::client::print_line;
use crate::exit::{Exit, failure};
use crate::log;
use finding::{Finding, Lies};

pub(crate) fn run(args: &RulesArgs) -> anyhow::Result<Exit> {
    let config = args.config.clone().or_else(from_environment);
    if args.paths.is_empty() && !args.null {
        let plan = config.as_deref().map(plan).transpose()?;
        return list(plan.as_ref(), args.json);
    }
    let Some(config) = config else {
        return Err(failure(Exit::Usage, whose_rules(args)));
    };
    let plan = plan(&config)?;
    let mut exit = Exit::Done;
    let mut each = |path: &Path| {
        if !say(&plan, path, args.json)? {
            exit = Exit::Nothing;
        }
        anyhow::Ok(())
    };
    let end = if args.null { 0 } else { b'\n' };
    for path in args.paths.iter().filter(|path| path.as_os_str() != "-") {
        each(path)?;
    }
    if args.null || args.paths.iter().any(|path| path.as_os_str() == "-") {
        super::notify::read_paths(io::stdin().lock(), end, &mut each)?;
    }
    Ok(exit)
}

fn from_environment() -> Option<PathBuf> {
    std::env::var_os("STAITHE_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn plan(config: &Path) -> anyhow::Result<Plan> {
    let loaded = super::run::load(config).map_err(|text| failure(Exit::Usage, text))?;
    Ok(loaded.plan)
}

fn list(plan: Option<&Plan>, json: bool) -> anyhow::Result<Exit> {
    if json {
        print_line(&serde_json::to_vec(&listing::value(plan))?)?;
    } else {
        print_text(&listing::page(plan))?;
    }
    Ok(Exit::Done)
}

/// Without a configuration there are no rules to ask; the command that names one is given whole.
fn whose_rules(args: &RulesArgs) -> String {
    let zero = args.null.then(|| "-0".to_owned());
    let words: Vec<String> = zero.into_iter().chain(args.paths.iter().map(|path| quoted(path))).collect();
    format!(
        "the rules stand in a configuration, and none is named. Type: staithe rules -c FILE {}\n(or set \
         STAITHE_CONFIG; FILE is what `staithe run -c` was given)",
        words.join(" ")
    )
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+:,@%".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return safe(bytes);
    }
    if bytes.is_ascii() && !bytes.iter().any(u8::is_ascii_control) {
        return format!("'{}'", String::from_utf8_lossy(bytes).replace('\'', "'\\''"));
    }
    // What a shell reads in `$'…'` is what stands there for a person.
    format!("$'{}'", safe(bytes).replace('\'', "\\'"))
}

/// Says of each source above the path what its rules make of it; `false` when there is none.
fn say(plan: &Plan, asked: &Path, json: bool) -> anyhow::Result<bool> {
    let path = super::explain::absolute(asked)?;
    let places = places(plan, &path);
    for (source, below) in &places {
        let finding = Finding::of(source, below.as_os_str().as_bytes(), lies(&path, asked));
        if json {
            print_line(&serde_json::to_vec(&value::of(&finding, asked))?)?;
        } else {
            print_text(&page::of(&finding))?;
        }
    }
    if places.is_empty() {
        let roots: Vec<&Path> = plan.sources.iter().map(|source| source.path.as_path()).collect();
        if json {
            print_line(&serde_json::to_vec(&value::outside(asked, &roots))?)?;
        } else {
            log::error(&outside(asked, &roots));
        }
    }
    Ok(!places.is_empty())
}

/// The sources whose root lies above the path, the nearest root first.
fn places<'a>(plan: &'a Plan, path: &Path) -> Vec<(&'a SourcePlan, PathBuf)> {
    let below = |source: &'a SourcePlan| Some((source, engine::explain::below(path, &source.path)?));
    let mut places: Vec<_> = plan.sources.iter().filter_map(below).collect();
    places.sort_by_key(|(source, _)| std::cmp::Reverse(source.path.components().count()));
    places
}

fn lies(path: &Path, asked: &Path) -> Lies {
    match path.symlink_metadata() {
        Ok(data) if data.is_dir() => Lies::Directory,
        _ if asked.as_os_str().as_bytes().ends_with(b"/") => Lies::Directory,
        Ok(data) if data.is_symlink() => Lies::Symlink,
        Ok(data) if data.is_file() => Lies::File,
        Ok(_) => Lies::Special,
        Err(_) => Lies::Nothing,
    }
}

fn outside(asked: &Path, roots: &[&Path]) -> String {
    let roots: Vec<String> = roots.iter().map(|root| safe(root.as_os_str().as_bytes())).collect();
    format!("no source covers {}; the roots are {}", safe(asked.as_os_str().as_bytes()), roots.join(", "))
}

fn print_text(text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| print_line(line.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn a_command_that_is_given_can_be_typed() {
        let quoted = |bytes: &[u8]| super::quoted(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(quoted(b"/data/x_1.dat"), "/data/x_1.dat");
        assert_eq!(quoted(b"it's a"), "'it'\\''s a'");
        assert_eq!(quoted(b"a\n\xff'"), "$'a\\n\\xff\\''");
    }
}
