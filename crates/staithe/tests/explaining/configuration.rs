//! One daemon with a rule for each clause of the language, in a directory of its own each.

/// The configuration; ports and sinks that do not do what they should are filled in.
pub(crate) fn text(backend: &str, closed_port: u16, refusing_port: u16) -> String {
    let rules: String = RULES.iter().map(file_rule).collect();
    format!(
        r#"
        [source.main]
        path = "{{in}}/main"
        rescan = "1h"
        backend = "{backend}"
        {rules}
        {BUNDLES}

        [source.adopting]
        path = "{{in}}/adopting"
        initial = "adopt"
        [[source.adopting.rule]]
        name = "taken-over"
        to = ["lines"]

        [source.filtering]
        path = "{{in}}/filtering"
        [[source.filtering.rule]]
        name = "public"
        exclude = ["*.log", "private"]
        to = ["lines"]

        [source.flat]
        path = "{{in}}/flat"
        recursive = false
        [[source.flat.rule]]
        name = "top"
        to = ["lines"]

        [source.absent]
        path = "{{in}}/absent"

        [sink.lines]
        type = "jsonl"
        path = "{{out}}/events.jsonl"
        [sink.parked]
        type = "jsonl"
        path = "{{out}}/parked.jsonl"
        [sink.down]
        type = "redis-list"
        url = "redis://127.0.0.1:{closed_port}/0"
        key = "q"
        timeout = "1s"
        [sink.refusing]
        type = "redis-list"
        url = "redis://127.0.0.1:{refusing_port}/0"
        key = "q"
        timeout = "1s"
        "#
    )
}

/// Its name, which is also its directory's, when a unit is complete, and who is told.
struct FileRule(&'static str, &'static str, &'static str);

fn file_rule(FileRule(name, complete, to): &FileRule) -> String {
    let exclude = if *name == "local" { r#"exclude = ["*.log", "re:^local/private/"]"# } else { "" };
    format!(
        r#"
        [[source.main.rule]]
        name = "{name}"
        include = ["{name}/**"]
        {exclude}
        complete = {complete}
        to = [{to}]
        "#
    )
}

const LINES: &str = r#""lines""#;

/// The directories of the file rules: what is found in a directory that is new was never heard of.
pub(crate) fn directories() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|FileRule(name, ..)| *name)
}

const RULES: &[FileRule] = &[
    FileRule("local", r#""local""#, LINES),
    FileRule("renamed", r#"{ all = ["renamed_in"] }"#, LINES),
    FileRule("closed", r#"{ all = ["closed"], min_age = "2h" }"#, LINES),
    FileRule("quiet", r#"{ quiet = "2h" }"#, LINES),
    FileRule("adaptive", r#"{ quiet = { least = "1h", most = "3h" } }"#, LINES),
    FileRule("done", r#""done-file""#, LINES),
    FileRule("stem", r#"{ all = [{ marker = "{stem}.ready" }, "writer_gone"] }"#, LINES),
    FileRule("prefix", r#"{ any = [{ marker = "done-{name}" }, { min_age = "3h" }] }"#, LINES),
    FileRule("fixed", r#"{ marker = "_SUCCESS" }"#, LINES),
    FileRule("locked", r#"{ all = ["writer_gone", { lock_gone = "{name}.lock" }] }"#, LINES),
    FileRule(
        "summed",
        r#"{ all = ["writer_gone", { manifest = { file = "{name}.sums", style = "blake3" } }] }"#,
        LINES,
    ),
    FileRule("described", r#"{ metadata = { file = "{name}.about", key = "a.ready" } }"#, LINES),
    FileRule("announced", r#"{ all = ["announce"] }"#, LINES),
    FileRule("held", r#"{ quiet = "2h", deadline = "1s", on_deadline = "hold" }"#, LINES),
    FileRule("alerting", r#"{ quiet = "2h", deadline = "1s", on_deadline = "alert" }"#, LINES),
    FileRule("forced", r#"{ quiet = "2h", deadline = "1s", on_deadline = "deliver" }"#, LINES),
    FileRule("down", r#""local""#, r#""lines", "down""#),
    FileRule("refused", r#""local""#, r#""refusing", "lines""#),
    FileRule("parked", r#""local""#, r#""parked""#),
];

/// Datasets and groups.
const BUNDLES: &str = r#"
        [[source.main.rule]]
        name = "run"
        dataset = "*.run"
        exclude = ["*.log", "scratch"]
        complete = { all = ["members"] }
        to = ["lines"]

        [[source.main.rule]]
        name = "ms"
        dataset = "*.ms"
        complete = { all = ["members", { quiet = "2h" }] }
        to = ["lines"]

        [[source.main.rule]]
        name = "zarr"
        dataset = "*.zarr"
        complete = { all = ["members", { metadata = { file = "meta.json", key = "done" } }] }
        to = ["lines"]

        [[source.main.rule]]
        name = "set"
        dataset = "*.set"
        complete = { all = ["members", { manifest = { file = "B3SUMS", extras = "refuse" } }] }
        to = ["lines"]

        [[source.main.rule]]
        name = "part"
        dataset = "part=*"
        complete = { all = [{ marker = "_SUCCESS" }, { lock_gone = ".writing" }] }
        to = ["lines"]

        [[source.main.rule]]
        name = "study"
        dataset = "study-*"
        complete = { all = ["members"] }
        to = ["lines"]

        [[source.main.rule]]
        name = "series"
        dataset = "series-*"
        of = "study"
        complete = { marker = "_COMPLETE" }
        to = ["lines"]

        [[source.main.rule]]
        name = "exposures"
        include = ["exposures/**"]
        group = 're:^(?<key>[^_]+)_[0-9]+of(?<total>[0-9]+)'
        complete = { all = ["members", { count = "captured" }] }
        to = ["lines"]
"#;
