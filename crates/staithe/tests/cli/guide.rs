//! What the guide and the reference say about completeness is what the program does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::Reason;
use settle::PRESETS;

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&docs).unwrap_or_else(|error| panic!("{}: {error}", docs.display()))
}

fn blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block.to_owned()).collect()
}

/// Reads a configuration; the complaints, if there are any.
fn read(text: &str) -> Result<config::Plan, String> {
    let loaded = config::parse_str("guide", text, &|_| None);
    loaded.map(|loaded| loaded.plan).map_err(|error| {
        error.diagnostics().iter().map(|diagnostic| diagnostic.render(false)).collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn each_configuration_in_the_guide_is_good() {
    let mut seen = 0;
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
    for entry in std::fs::read_dir(guide).expect("there is a guide") {
        let name = entry.expect("it is readable").file_name().into_string().expect("plain names");
        for block in blocks(&page(&format!("guide/{name}"))).iter().filter(|block| is_whole(block)) {
            seen += 1;
            if let Err(found) = read(block) {
                panic!("in {name}:\n{block}\n{found}");
            }
        }
    }
    assert!(seen >= 5, "{seen} blocks");
}

/// The others show keys that stand in some table.
fn is_whole(block: &str) -> bool {
    block.lines().any(|line| line.starts_with("[source."))
}

/// What stands in backticks in the cells of a table's first `columns` columns.
fn cells(page: &str, heading: &str, column: usize) -> Vec<Vec<String>> {
    let (_, section) = page.split_once(heading).unwrap_or_else(|| panic!("no `{heading}`"));
    let rows = section.lines().skip(1).skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.split(" | ").nth(column).map(quoted).unwrap_or_default()).collect()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Rules of each kind, in which a clause may stand.
const KINDS: [&str; 4] = [
    "",
    "dataset = \"*.ms\"",
    "group = 're:^(?<key>[^_]+)_(?<total>[0-9]+)'",
    "group = { dicom = \"series\" }",
];

fn rule(kind: &str, complete: &str) -> String {
    format!("[source.s]\npath = \"/d\"\n[[source.s.rule]]\n{kind}\ncomplete = {complete}\n")
}

#[test]
fn each_signal_of_the_guide_is_read() {
    let rows = cells(&page("guide/completeness.md"), "\n## Signals\n", 0);
    assert!(rows.len() >= 14, "{rows:?}");
    for written in rows.iter().flatten() {
        let found = KINDS.map(|kind| read(&rule(kind, &format!("{{ all = [{written}] }}"))));
        assert!(
            found.iter().any(Result::is_ok),
            "{written}:\n{}",
            found[0].as_ref().expect_err("all are bad")
        );
    }
}

#[test]
fn each_preset_stands_in_the_guide_as_it_is() {
    let page = page("guide/completeness.md");
    let names: Vec<String> =
        cells(&page, "\n## Presets\n", 0).into_iter().filter_map(|row| row.into_iter().next()).collect();
    assert_eq!(names, PRESETS.map(|preset| preset.name), "the presets, in their order");
    for (preset, row) in PRESETS.iter().zip(cells(&page, "\n## Presets\n", 1)) {
        // One that cannot be written in the language is told in words.
        let Some(written) = row.iter().find(|written| written.starts_with('{')) else { continue };
        let same = KINDS.iter().any(|kind| {
            let read = |complete: &str| {
                let plan = read(&rule(kind, complete)).ok()?;
                plan.sources.first()?.rules.rules.first().map(|rule| rule.completion.clone())
            };
            let preset_read = read(&format!("\"{}\"", preset.name));
            preset_read.is_some() && preset.meaning == written && read(written).is_some()
        });
        assert!(same, "{}: {written}, but it is {}", preset.name, preset.meaning);
    }
}

/// One of each.
fn reasons() -> Vec<Reason> {
    let (rule, pattern, sink) = (String::new, String::new, String::new);
    let name = || b"x".to_vec();
    vec![
        Reason::WaitingQuiet,
        Reason::WaitingWriterOpen,
        Reason::WaitingClosed,
        Reason::WaitingRenamedIn,
        Reason::WaitingMinAge,
        Reason::WaitingPermission,
        Reason::WaitingLook,
        Reason::WaitingDeadline,
        Reason::WaitingMarker { marker: name(), stale: false },
        Reason::WaitingManifest(Box::default()),
        Reason::WaitingMembers { present: 0, expected: None, blocking: Vec::new() },
        Reason::WaitingCount { present: 0, expected: None },
        Reason::WaitingMetadata { file: name(), problem: String::new() },
        Reason::WaitingWhole { count: 1, file: name(), missing: Some(1) },
        Reason::WaitingLock { lock: name() },
        Reason::WaitingAnnounce,
        Reason::WaitingChildren { count: 0, blocking: Vec::new() },
        Reason::WaitingInspection,
        Reason::WaitingScan,
        Reason::IgnoredMarker { rule: rule() },
        Reason::IgnoredFilter { rule: rule(), pattern: pattern() },
        Reason::IgnoredTempName { pattern: pattern() },
        Reason::IgnoredSymlink,
        Reason::IgnoredSpecialFile,
        Reason::IgnoredDirectory,
        Reason::BlockedSinkDown { sink: sink() },
        Reason::BlockedSinkConfiguration { sink: sink() },
        Reason::BlockedPaused { sink: sink() },
        Reason::BlockedBackpressure,
        Reason::BlockedLedger { sink: None, problem: String::new() },
        Reason::DeadRejected { sink: sink() },
        Reason::DeadMaxAttempts { sink: sink() },
    ]
}

/// The codes of the program's text: what nobody has added to the list above is missed there.
fn codes() -> BTreeSet<String> {
    let text = include_str!("../../../model/src/state.rs");
    let families = ["waiting.", "ignored.", "blocked.", "dead."];
    let codes = text.split('"').skip(1).step_by(2);
    codes.filter(|code| families.iter().any(|family| code.starts_with(family))).map(str::to_owned).collect()
}

#[test]
fn the_reference_has_each_reason_with_its_values_and_no_other() {
    let listed: BTreeMap<String, BTreeSet<String>> = page("reference/reasons.md")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|row| {
            // The line begins with a bar, so the first piece is empty.
            let cells: Vec<&str> = row.split('|').skip(1).collect();
            let code = quoted(cells[0]).into_iter().next().expect("a code");
            (code, values(cells[1]))
        })
        .collect();
    let known: BTreeMap<String, BTreeSet<String>> = reasons()
        .iter()
        .map(|reason| (reason.code().to_owned(), reason.args().into_iter().map(|(name, _)| name).collect()))
        .collect();
    assert_eq!(known.keys().cloned().collect::<BTreeSet<_>>(), codes(), "the list in this test");
    assert_eq!(listed, known);
}

/// The names in backticks; what is quoted in backticks is a value of something else.
fn values(cell: &str) -> BTreeSet<String> {
    quoted(cell).into_iter().filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect()
}
