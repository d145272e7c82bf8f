//! `staithe mirror`: both trees of a mirror, compared from outside.

use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use config::{MirrorSink, SinkKind};
use indicatif::{ProgressBar, ProgressStyle};
use mirror::{Accepted, Brought, Compare, Content, Difference, Fault, Pair, Reach, What};
use model::text::safe;
use serde_json::{Value, json};

use crate::args::{MirrorCommand, MirrorName, PruneArgs, VerifyArgs};
use crate::client::print_line;
use crate::exit::{Exit, failure};
use crate::log;
use crate::show::counted;

/// So many differences are named; the rest is counted.
const NAMED: usize = 100;
/// So many entries are compared at once.
const STEP: usize = 1_000;

pub(crate) fn run(command: &MirrorCommand) -> anyhow::Result<Exit> {
    match command {
        MirrorCommand::Verify(args) => verify(args),
        MirrorCommand::Prune(args) => prune(args),
    }
}

/// What a comparison found.
#[derive(Default)]
struct Findings {
    count: u64,
    first: Vec<(Vec<u8>, String)>,
}

impl Findings {
    fn add(&mut self, path: &[u8], what: String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push((path.to_vec(), what));
        }
    }
}

fn verify(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let plan = plan(&args.which)?;
    let pair = open(&args.which.name, &plan)?;
    let mut findings = Findings::default();
    let mut walk = Compare::whole();
    let bar = bar(args.json);
    while !walk.is_done() {
        walk.step(&pair, STEP, &mut |Difference { path, what }| findings.add(&path, said(&what)))?;
        bar.set_message(format!("{} entries compared", walk.progress().entries));
    }
    if args.content {
        compare_contents(&pair, source(&plan), &mut findings, &bar)?;
    }
    bar.finish_and_clear();
    let entries = walk.progress().entries;
    if args.json {
        print_line(&serde_json::to_vec(&value(&args.which.name, entries, &findings))?)?;
    } else {
        print(&args.which.name, entries, &findings, pair.accepted());
    }
    Ok(if findings.count == 0 { Exit::Done } else { Exit::Failed })
}

fn prune(args: &PruneArgs) -> anyhow::Result<Exit> {
    let plan = plan(&args.which)?;
    let pair = open(&args.which.name, &plan)?;
    if !args.yes && std::fs::read_dir(source(&plan))?.next().is_none() {
        return Err(failure(Exit::Failed, nothing_there(&args.which.name, source(&plan))));
    }
    let mut extras = Vec::new();
    let mut walk = Compare::whole();
    while !walk.is_done() {
        walk.step(&pair, STEP, &mut |Difference { path, what }| {
            if matches!(what, What::ExtraThere { .. } | What::Leftover) {
                extras.push((path, matches!(what, What::Leftover)));
            }
        })?;
    }
    pair.accept_source()?;
    let (mut removed, mut failed) = (0, 0);
    for (path, leftover) in extras {
        match remove(&pair, &path, leftover) {
            Ok(count) => removed += count,
            Err(fault) => {
                failed += 1;
                log::warning(&format!("failed to {}", safe(fault.to_string().as_bytes())));
            }
        }
    }
    pair.sync()?;
    println!("{}: {removed} entries removed", args.which.name);
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

fn nothing_there(name: &str, source: &Path) -> String {
    format!(
        "the source {} is empty, as where its disk is not mounted: nothing was removed. Fix: mount it; or, if the mirror is \
         to be emptied, type: staithe mirror prune {} --yes",
        safe(source.as_os_str().as_bytes()),
        safe(name.as_bytes())
    )
}

/// What a running mirror has brought since the walk is in the source, too, and stays.
fn remove(pair: &Pair, path: &[u8], leftover: bool) -> Result<u64, Fault> {
    if leftover {
        return pair.remove(path);
    }
    match pair.bring(path, Content::Never, &|_| true)? {
        Brought::Removed { entries } => Ok(entries),
        _ => Ok(0),
    }
}

/// Reads the files whose size and time are the same on both sides; others were told of.
fn compare_contents(
    pair: &Pair,
    source: &Path,
    findings: &mut Findings,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut read = 0_u64;
    let mut todo = vec![source.to_path_buf()];
    while let Some(directory) = todo.pop() {
        // What cannot be listed was told of.
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                todo.push(entry.path());
            }
            let path = entry.path();
            let Ok(below) = path.strip_prefix(source) else { continue };
            let below = below.as_os_str().as_bytes();
            if !kind.is_file() {
                continue;
            }
            match bytes_differ(pair, below) {
                Ok(false) => {}
                Ok(true) => findings.add(below, "the bytes differ, although size and time do not".to_owned()),
                // The others are read nevertheless.
                Err(fault) if fault.reach() == Reach::Path => {
                    findings.add(below, format!("not compared: failed to {fault}"));
                }
                Err(fault) => return Err(fault.into()),
            }
            read += 1;
            bar.set_message(format!("{read} files read"));
        }
    }
    Ok(())
}

fn bytes_differ(pair: &Pair, path: &[u8]) -> Result<bool, Fault> {
    Ok(looks_equal(pair, path)? && !pair.content_equal(path, &|_| true)?)
}

fn looks_equal(pair: &Pair, path: &[u8]) -> Result<bool, Fault> {
    let (there, here) = (pair.look_source(path)?, pair.look_destination(path)?);
    let facts = |look: mirror::Look| (look.kind(), look.size, look.mtime);
    Ok(there.is_some() && there.map(facts) == here.map(facts))
}

fn plan(args: &MirrorName) -> anyhow::Result<MirrorSink> {
    let from_environment =
        || std::env::var_os("STAITHE_CONFIG").filter(|value| !value.is_empty()).map(Into::into);
    let Some(config) = args.config.clone().or_else(from_environment) else {
        let text = format!(
            "the mirror \"{0}\" stands in a configuration, and none is named. Type: staithe mirror verify {0} -c FILE",
            safe(args.name.as_bytes())
        );
        return Err(failure(Exit::Usage, text));
    };
    let loaded = super::run::load(&config).map_err(|text| failure(Exit::Usage, text))?;
    let mut names = Vec::new();
    for sink in loaded.plan.sinks {
        if let SinkKind::Mirror(mirror) = sink.kind {
            if sink.name == args.name {
                return Ok(MirrorSink::clone(&mirror));
            }
            names.push(sink.name);
        }
    }
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let text = format!(
        "{} has no mirror \"{}\"; its mirrors: {known}",
        config.display(),
        safe(args.name.as_bytes())
    );
    Err(failure(Exit::Nothing, text))
}

fn open(name: &str, plan: &MirrorSink) -> anyhow::Result<Pair> {
    let opened = sinks::mirror::open_unchanged(name, plan);
    let opened = opened.ok_or_else(|| failure(Exit::Usage, format!("no source delivers to \"{name}\"")))?;
    Ok(opened?)
}

fn source(plan: &MirrorSink) -> &Path {
    plan.origin.as_ref().map_or(Path::new(""), |origin| origin.path.as_path())
}

fn bar(json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// One difference, for people.
fn said(what: &What) -> String {
    let kind = |directory: &bool| if *directory { "directory" } else { "entry" };
    match what {
        What::MissingThere { directory } => format!("missing in the mirror ({})", kind(directory)),
        What::ExtraThere { directory } => format!("only in the mirror ({})", kind(directory)),
        What::Leftover => "a temporary file that was left in the mirror".to_owned(),
        What::Type => "of different kinds".to_owned(),
        What::Content { size: (there, here), .. } if there == here => "the times of change differ".to_owned(),
        What::Content { size: (there, here), .. } => format!("{there} bytes, mirrored {here}"),
        What::Target => "the links point elsewhere".to_owned(),
        What::Mode(there, here) => format!("mode {there:04o}, mirrored {here:04o}"),
        What::Owner(there, here) => format!("owner {}:{}, mirrored {}:{}", there.0, there.1, here.0, here.1),
        What::Times(..) => "the times of change differ".to_owned(),
        What::Unreadable(fault) => format!("not compared: failed to {fault}"),
    }
}

fn value(name: &str, entries: u64, findings: &Findings) -> Value {
    let mut rows = Vec::new();
    for (path, what) in &findings.first {
        let mut row = serde_json::Map::new();
        model::text::insert_json_path(&mut row, "path", path);
        row.insert("what".to_owned(), what.as_str().into());
        rows.push(row);
    }
    json!({ "mirror": name, "equal": findings.count == 0, "entries": entries, "count": findings.count, "differences": rows })
}

fn print(name: &str, entries: u64, findings: &Findings, accepted: Accepted) {
    for (path, what) in &findings.first {
        let path = if path.is_empty() { ".".to_owned() } else { safe(path) };
        println!("{path}: {}", safe(what.as_bytes()));
    }
    let entries =
        counted(usize::try_from(entries).unwrap_or(usize::MAX), "entry").replace("entrys", "entries");
    match findings.count {
        0 => println!("{name}: equal, {entries}"),
        1 => println!("{name}: 1 difference in {entries}"),
        count => println!("{name}: {count} differences in {entries}"),
    }
    if findings.count > 0 && accepted == Accepted::OtherSource {
        println!(
            "the source's root is not the directory that was mirrored before: what only the mirror has is kept until \
             `staithe mirror prune {name}`"
        );
    }
}
