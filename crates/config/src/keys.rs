//! Every key the configuration knows: the reader accepts these and no others, and the reference
//! page is printed from them.

mod brokers;
mod dlm;
mod streams;

pub(crate) use brokers::{AMQP, CELERY};
pub(crate) use dlm::DLM;
pub(crate) use streams::{MIRROR, PLUGIN, PLUGIN_MANIFEST, SCRIBE};

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// What can stand there, for people.
    pub(crate) kind: &'static str,
    /// What holds where it is left out; `required` where it cannot be.
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
}

/// The keys of one kind of table.
#[derive(Debug)]
pub(crate) struct Section {
    /// How the table is written.
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
    /// Keys that are announced for a later version: an error of their own.
    pub(crate) later: &'static [&'static str],
}

const fn key(name: &'static str, kind: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, kind, default, meaning }
}

const TEXT: &str = "text";
const FLAG: &str = "true or false";
const DURATION: &str = "duration";
const PATTERNS: &str = "list of patterns";
const REQUIRED: &str = "required";

/// The sections in the order of the reference page.
pub(crate) const SECTIONS: [&Section; 22] = [
    &TOP,
    &SOURCE,
    &INITIAL,
    &REANNOUNCE,
    &RULE,
    &GROUP,
    &COMPLETE,
    &QUIET,
    &MARKER,
    &MANIFEST,
    &METADATA,
    &QUEUE,
    &STDOUT,
    &JSONL,
    &REDIS_LIST,
    &CELERY,
    &AMQP,
    &DLM,
    &SCRIBE,
    &MIRROR,
    &PLUGIN,
    &PLUGIN_MANIFEST,
];

/// The pattern of a group is not longer than other patterns, in bytes.
pub(crate) const KEY_PATTERN_LIMIT: usize = 16 * 1024;

/// The top of the file.
pub(crate) const TOP: Section = Section {
    title: "Top of the file",
    about: "Keys that stand before the first `[table]`. Unknown keys are errors everywhere.",
    keys: &[
        key(
            "site",
            TEXT,
            "`\"local\"`",
            "Part of every event's `source` and of its id. Give each installation its own.",
        ),
        key(
            "durability",
            "`\"process\"`, `\"power\"`",
            "`\"process\"`",
            "What a recorded event survives: the death of the process, or the loss of power too (each commit is \
             flushed to disk before its events are sent). What a loss of power takes back is found again by the \
             next scan as long as the files are there.",
        ),
        key(
            "watch_config",
            FLAG,
            "`false`",
            "Whether changes of these files are taken over while the program runs. Content counts, not times; a bad \
             file changes nothing. The same: `staithe run --watch-config`.",
        ),
        key(
            "plugin_dir",
            "directory",
            "`plugins` beside this file",
            "Where the manifests of plugins lie; relative to the directory of this file.",
        ),
        key("source", "tables", REQUIRED, "The watched trees, `[source.NAME]`."),
        key("sink", "tables", "one queue named `local`", "Where events go, `[sink.NAME]`."),
    ],
    later: &[],
};

/// A watched tree.
pub(crate) const SOURCE: Section = Section {
    title: "`[source.NAME]`",
    about: "A watched directory tree. NAME is part of every event's `source` and of its id: renaming a source \
            announces its files again.",
    keys: &[
        key(
            "path",
            "directory",
            REQUIRED,
            "The directory. It may be absent; it is watched as soon as it is there.",
        ),
        key("recursive", FLAG, "`true`", "Whether the directories below are watched too."),
        key(
            "backend",
            "`\"auto\"`, `\"inotify\"`, `\"fanotify\"`, `\"poll\"`",
            "`\"auto\"`",
            "How arrivals are noticed. `auto` chooses for each file system below the directory: inotify where events \
             can be trusted, polling on network file systems, both on overlays. `fanotify` needs `CAP_SYS_ADMIN` \
             and watches whole file systems without a limit of watches.",
        ),
        key("poll_interval", DURATION, "`\"1s\"`", "How often polled directories are looked at."),
        key(
            "poll_full",
            DURATION,
            "the larger of 5 s and 20 × its last duration",
            "How often every file of a polled tree is looked at, which finds changes in place.",
        ),
        key(
            "canary",
            FLAG,
            "`false`",
            "Whether a short-lived hidden file may be made in the directory, and in each file system mounted below \
             it, to prove that events come; where they do not, it is polled.",
        ),
        key(
            "rescan",
            DURATION,
            "`\"5m\"`",
            "How often the tree is compared with the ledger; `\"0\"`: only when needed.",
        ),
        key(
            "initial",
            "`\"deliver\"`, `\"adopt\"`, `{ newer_than = … }`",
            "`\"deliver\"`",
            "What happens to files that were complete before this source's first scan ever: they are delivered, \
             or taken over without delivery, or delivered only where modified recently.",
        ),
        key(
            "follow_symlinks",
            FLAG,
            "`false`",
            "Whether symbolic links to files are followed. A link to a directory is one unit where a `dataset` rule \
             takes its name and a file rule does too, else ignored; its content is not watched.",
        ),
        key(
            "identity",
            "`\"auto\"`, `\"inode\"`, `\"no-inode\"`",
            "`\"auto\"`",
            "Whether the inode number tells one generation of a path from the next; `auto`: where the file \
             system keeps inode numbers.",
        ),
        key(
            "announce",
            "`\"generations\"`, `\"arrivals\"`",
            "`\"generations\"`",
            "`generations`: each new or changed complete file once. `arrivals`: each time a name is created, \
             linked or renamed in, even one that was announced before.",
        ),
        key(
            "reannounce",
            "duration, `\"start\"`, `{ every = …, queue_limit = … }`",
            "never",
            "Announces again what was announced and still lies there, for consumers that lose messages: so often, or only \
             at each start. Not what was adopted, is on its way or is a dead letter. Each time is a new generation with a \
             new `id`; `supersedes` names the one before.",
        ),
        key(
            "gap_events",
            FLAG,
            "`false`",
            "Whether the sinks of the source's rules are told when something may have been missed (`staithe.gap.opened`), \
             and when the tree was compared with the ledger after that (`staithe.gap.closed`).",
        ),
        key("temp_names", FLAG, "`true`", "Whether files with the usual temporary names are ignored."),
        key("extra_temp_names", PATTERNS, "`[]`", "Further names of files in the making."),
        key(
            "rule",
            "list of tables",
            "one rule that takes everything",
            "The rules, `[[source.NAME.rule]]`; at most 64.",
        ),
    ],
    later: &["shard", "shards", "tags", "watch_config"],
};

/// `initial` as a table.
pub(crate) const INITIAL: Section = Section {
    title: "`initial` as a table",
    about: "`initial = { newer_than = \"2d\" }`",
    keys: &[key(
        "newer_than",
        DURATION,
        REQUIRED,
        "Files modified within this time are delivered, the others taken over.",
    )],
    later: &[],
};

/// `reannounce` as a table.
pub(crate) const REANNOUNCE: Section = Section {
    title: "`reannounce` as a table",
    about: "`reannounce = { every = \"5m\", queue_limit = 10000 }`",
    keys: &[
        key(
            "every",
            "duration or `\"start\"`",
            "`\"start\"`",
            "The period; `\"start\"`: only at each start.",
        ),
        key(
            "queue_limit",
            "integer",
            "`0`",
            "No more than fits into the queue of each of the rule's sinks up to this length, counting what is on its way \
             there; what was announced longest ago comes first. New files are never held back. `0`: no limit.",
        ),
    ],
    later: &[],
};

/// A rule of a source.
pub(crate) const RULE: Section = Section {
    title: "`[[source.NAME.rule]]`",
    about: "The first rule that includes a path and does not exclude it decides. A path that one rule excludes \
            goes on to the next. Rules with `dataset` are asked before all others, wherever they stand, and the outermost \
            directory wins. `staithe explain PATH` says which rule decided.\n\n\
            A rule takes files; or, with `dataset`, directories, each with everything in it as one unit; or, with \
            `group`, files of one directory that have a key in common, as one unit.",
    keys: &[
        key("name", TEXT, "`\"rule-N\"`", "Shown in events and by `explain`."),
        key(
            "dataset",
            "pattern or list of patterns",
            "none",
            "Directories that match are one unit each, with everything in them. Inside, neither temporary names matter nor \
             other rules, except those whose `of` names this one.",
        ),
        key(
            "group",
            "`\"re:(?<key>…)\"` or `{ dicom = \"series\" }`",
            "none",
            "Files of one directory with the same key are one unit. The expression is asked about the last name, and its \
             group named `key` is the key; a group named `total` may say how many members there are.",
        ),
        key(
            "include",
            PATTERNS,
            "`[\"*\"]`",
            "A path must match one of these. For groups: each member; not for datasets, whose pattern says it.",
        ),
        key(
            "exclude",
            PATTERNS,
            "`[]`",
            "And none of these. A directory that is excluded is not entered; in a dataset, what matches is no member.",
        ),
        key(
            "of",
            "name of a rule",
            "none",
            "The units of this rule lie inside those of that one, which wait for them. Both are for datasets, or both for \
             groups. Each is announced by itself.",
        ),
        key(
            "late",
            "`\"generation\"`, `\"ignore\"`",
            "`\"generation\"`",
            "What a change means after the announcement. Of a dataset or group, more or other members: a new generation with \
             `supersedes` when it is complete again, or nothing. Members that are only taken away are never a change. Of a \
             file, other content in place: a new generation, or nothing; another file that is renamed over it is always \
             one.",
        ),
        key(
            "removed",
            FLAG,
            "`false`",
            "Whether the removal of what was announced is announced too, as `staithe.file.removed`.",
        ),
        key(
            "complete",
            "preset or table, see below",
            "files: `\"local\"`; datasets: `\"measurement-set\"`; groups: `\"dicom-series\"`, or by names `{ all = [\"members\", { quiet = \"10s\" }] }`",
            "When a unit is complete.",
        ),
        key(
            "events",
            "`\"all\"` or list of events",
            "none",
            "What happens in the tree is told too, one by one and in order, to those sinks in `to` that take events (`scribe`, \
             `plugin`, `jsonl`, `stdout`): `create`, `open`, `access`, `modify`, `attrib`, `close_write`, `close_nowrite`, \
             `moved_from`, `moved_to`, `delete`, `delete_self`, `move_self`. Those of the watching itself (`watch_init`, \
             `watch_reconfig`, `watch_dead`, `overflow`) always come along. Files must be taken by the patterns of this \
             rule, whatever rules before it take; of directories only those are left out that are excluded. Not with \
             `dataset` and `group`.",
        ),
        key(
            "arrivals",
            FLAG,
            "`true`",
            "Whether files that arrived complete are told, too; `false` needs `events`. The files that this rule takes go to \
             no later rule either way.",
        ),
        key(
            "to",
            "list of sinks",
            "all sinks that take what the rule gives",
            "The names of the sinks that are told.",
        ),
    ],
    later: &["kind", "then"],
};

/// `group` as a table.
pub(crate) const GROUP: Section = Section {
    title: "`group` as a table",
    about: "`group = { dicom = \"series\" }`\n\nFiles are grouped by what their DICOM headers say. A file without a readable \
            header is a group of its own and holds up no other.",
    keys: &[key(
        "dicom",
        "`\"series\"`, `\"study\"`",
        REQUIRED,
        "The key is the SeriesInstanceUID, or the StudyInstanceUID.",
    )],
    later: &[],
};

/// `complete` as a table.
pub(crate) const COMPLETE: Section = Section {
    title: "`complete` as a table",
    about: "`complete = { any = [\"renamed_in\", { all = [\"closed\", \"writer_gone\"] }], deadline = \"1h\" }`\n\n\
            One of `preset`, `any`, `all` or one signal with a value says what must be seen; `min_age` may stand alone. \
            Several signals are put into a list.\n\
            A member of `any` and `all` is a word, or a table with one key: a signal with its value, `{ min_age = \"1m\" }`, or \
            again `{ any = […] }` or `{ all = […] }`.\n\n\
            The words:\n\n\
            - `\"appeared\"`: the name is there; nothing more is asked.\n\
            - `\"renamed_in\"`: it was renamed to its name; a dataset: and nothing was written in it since. Not for groups.\n\
            - `\"closed\"`: a writer closed it since the name appeared; for datasets and groups as `\"writer_gone\"`.\n\
            - `\"writer_gone\"`: no process has it, or any member of it, open for writing.\n\
            - `\"members\"`: every member is complete. For datasets and groups.\n\
            - `\"whole\"`: each DICOM file of it goes on for as long as its elements say; what is no DICOM file is whole.\n\
            - `\"announce\"`: `staithe notify` named it.\n\n\
            What cannot be observed (a scan sees no rename and no close) is replaced by `\"writer_gone\"`, and where that \
            cannot be known either, by `{ quiet = \"2s\" }`. For `\"renamed_in\"` of a dataset both are wanted, a member, and quiet \
            for as long as the rule asks for anywhere: without writers it may be between two members.\n\n\
            The names of `marker`, `lock_gone`, `manifest` and `metadata` are forms: `{name}` is replaced by the unit's last \
            name (of a group: its key), `{stem}` by that without its extension (of `x.tar.gz` both `x.tar` and `x` will do); \
            such a file lies beside the unit. A name without them lies inside of a dataset, and for files and groups in their \
            directory. A file beside its unit is no unit itself. At most 32 of these can be asked for in one rule.",
    keys: &[
        key(
            "preset",
            "name of a preset, see below",
            "none",
            "Begins with a preset; `quiet` beside it sets another period for one that has a fixed one.",
        ),
        key("any", "list", "none", "At least one of these must hold."),
        key("all", "list", "none", "All of these must hold."),
        key(
            "quiet",
            "duration or `{ least = …, most = … }`",
            "none",
            "Size, times and inode stayed the same for so long; of datasets and groups: those of all members.",
        ),
        key(
            "marker",
            "file name or `{ name = … }`",
            "none",
            "This file is there, and is not older than the data.",
        ),
        key("lock_gone", "file name", "none", "This file is not there."),
        key(
            "manifest",
            "file name or `{ file = … }`",
            "none",
            "Everything that this list or checksum file names is there, with the size and the hash that it gives. Not for groups.",
        ),
        key(
            "metadata",
            "file name or `{ file = … }`",
            "none",
            "This file parses as YAML or JSON, and has the key that is asked for.",
        ),
        key(
            "count",
            "integer, `\"captured\"`, `\"header\"`",
            "none",
            "A group has so many members: a number, or what `(?<total>…)` in the members' names says, or their DICOM \
             headers.",
        ),
        key("min_age", DURATION, "`\"0s\"`", "The last change is at least so long ago, whatever else holds."),
        key(
            "deadline",
            DURATION,
            "none",
            "After how long of waiting something is done about it, counted from first sight.",
        ),
        key(
            "on_deadline",
            "`\"alert\"`, `\"announce_incomplete\"`, `\"deliver\"`, `\"hold\"`",
            "`\"alert\"`",
            "Say so and go on waiting; or announce a dataset or group once as incomplete and go on waiting; or deliver \
             it as it is; or stop looking at it until it changes.",
        ),
    ],
    later: &[],
};

/// `quiet` as a table.
pub(crate) const QUIET: Section = Section {
    title: "`quiet` as a table",
    about: "`{ quiet = { least = \"2s\", most = \"5m\", factor = 3 } }`\n\nThe period follows the writer: it is the longest \
            pause that was seen between two of its changes, times the factor, within the bounds.",
    keys: &[
        key("least", DURATION, REQUIRED, "The period is never shorter."),
        key("most", DURATION, REQUIRED, "And never longer."),
        key("factor", "integer from 1 to 100", "`3`", "So many times the longest pause."),
    ],
    later: &[],
};

/// `marker` as a table.
pub(crate) const MARKER: Section = Section {
    title: "`marker` as a table",
    about: "`{ marker = { name = \"{name}.done\", after = \"delete\" } }`",
    keys: &[
        key(
            "name",
            "file name",
            REQUIRED,
            "The marker's name: `{name}.done`, `{stem}.ok`, `done-{name}`, `_SUCCESS`.",
        ),
        key(
            "after",
            "`\"keep\"`, `\"delete\"`",
            "`\"keep\"`",
            "What becomes of the marker: it stays, or it is deleted when every sink has the unit.",
        ),
    ],
    later: &[],
};

/// `manifest` as a table.
pub(crate) const MANIFEST: Section = Section {
    title: "`manifest` as a table",
    about: "`{ manifest = { file = \"SHA256SUMS\", extras = \"refuse\", rate = \"100MiB\" } }`",
    keys: &[
        key("file", "file name", REQUIRED, "The manifest's name."),
        key(
            "style",
            "`\"auto\"`, `\"list\"`, `\"md5\"`, `\"sha1\"`, `\"sha256\"`, `\"sha512\"`, `\"blake3\"`",
            "`\"auto\"`",
            "How it is written: one path in each line, or checksums of that kind in the form of GNU or BSD; `auto` finds \
             it out from the name and the lines.",
        ),
        key(
            "extras",
            "`\"ignore\"`, `\"refuse\"`",
            "`\"ignore\"`",
            "What members mean that it does not name: nothing, or that the unit waits until they are gone or named.",
        ),
        key("rate", "size", "no limit", "How many bytes are read in a second for hashes."),
    ],
    later: &[],
};

/// `metadata` as a table.
pub(crate) const METADATA: Section = Section {
    title: "`metadata` as a table",
    about: "`{ metadata = { file = \"meta.yaml\", key = \"product.state\" } }`",
    keys: &[
        key("file", "file name", REQUIRED, "The file's name."),
        key("key", TEXT, "none", "A key that it must have, with dots between the parts."),
    ],
    later: &[],
};

const MAX_ATTEMPTS: Key = key(
    "max_attempts",
    "integer",
    "`0`",
    "After how many refusals an event becomes a dead letter; `0`: it is tried for ever.",
);
const TIMEOUT: Key = key("timeout", DURATION, "`\"10s\"`", "How long one request may take.");
const FORMAT: Key = key(
    "format",
    "`\"cloudevents\"`, `\"flat\"`, `\"path\"`, `\"metwork\"`, `\"template\"`",
    "`\"cloudevents\"`",
    "How an event is written: the native event, the event's data in one flat object, the absolute path, the \
     message of MetWork's `directory_observer`, or a text of your own.",
);
const TEMPLATE: Key = key(
    "template",
    TEXT,
    "required with `format = \"template\"`",
    "The text, with `{path}`, `{name}`, `{root}`, `{id}`, `{size}`, `{mtime}`, `{source}`, `{generation}`, `{type}`, `{kind}` replaced.",
);

/// `type = "queue"`.
pub(crate) const QUEUE: Section = Section {
    title: "`[sink.NAME]` with `type = \"queue\"`",
    about: "The embedded queue, read with `staithe consume`. It needs no server and is what you get when no sink \
            is configured.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"queue\"`"),
        key(
            "retain",
            DURATION,
            "`\"7d\"`",
            "How long acknowledged entries are kept; others stay until they are read.",
        ),
    ],
    later: &["max_entries"],
};

/// `type = "stdout"`.
pub(crate) const STDOUT: Section = Section {
    title: "`[sink.NAME]` with `type = \"stdout\"`",
    about: "Standard output, one event per line.",
    keys: &[key("type", TEXT, REQUIRED, "`\"stdout\"`"), FORMAT, TEMPLATE, MAX_ATTEMPTS, TIMEOUT],
    later: &[],
};

/// `type = "jsonl"`.
pub(crate) const JSONL: Section = Section {
    title: "`[sink.NAME]` with `type = \"jsonl\"`",
    about: "A file, one event per line. It must not lie where a source would take it for an arrival.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"jsonl\"`"),
        key("path", "file", REQUIRED, "The file; created with its directory, appended to, never truncated."),
        FORMAT,
        TEMPLATE,
        MAX_ATTEMPTS,
        TIMEOUT,
    ],
    later: &["rotate", "max_size", "sync"],
};

/// `type = "redis-list"`.
pub(crate) const REDIS_LIST: Section = Section {
    title: "`[sink.NAME]` with `type = \"redis-list\"`",
    about: "A list in Redis or Valkey.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"redis-list\"`"),
        key(
            "url",
            "URL",
            "this or `url_file`",
            "`redis://[user:password@]host[:port][/db]`, `rediss://…` for TLS, \
             `redis+unix:///path[?db=&user=&pass=]`. Keep passwords out of this file: `${VAR}` or `url_file`.",
        ),
        key("url_file", "file", "this or `url`", "A file whose first line is the URL."),
        key("key", TEXT, REQUIRED, "The list's key."),
        key("counter", TEXT, "none", "A key that counts the pushes."),
        key(
            "push",
            "`\"left\"`, `\"right\"`",
            "`\"left\"`",
            "Which end is pushed to: consumers of `left` pop with `BRPOP`.",
        ),
        key(
            "ca_file",
            "file",
            "the system's authorities",
            "The certificates of a private authority, for `rediss`.",
        ),
        key("client_cert", "file", "none", "A client certificate, for `rediss`; needs `client_key`."),
        key("client_key", "file", "none", "The client certificate's key."),
        FORMAT,
        TEMPLATE,
        MAX_ATTEMPTS,
        TIMEOUT,
    ],
    later: &["batch", "max_length"],
};

/// The types of sink that exist.
pub(crate) const SINK_TYPES: [(&str, &Section); 10] = [
    ("queue", &QUEUE),
    ("stdout", &STDOUT),
    ("jsonl", &JSONL),
    ("redis-list", &REDIS_LIST),
    ("celery", &CELERY),
    ("amqp", &AMQP),
    ("dlm", &DLM),
    ("scribe", &SCRIBE),
    ("mirror", &MIRROR),
    ("plugin", &PLUGIN),
];

/// The types of sink that are announced for a later version.
pub(crate) const LATER_SINK_TYPES: [&str; 6] = ["redis-stream", "http", "exec", "nats", "kafka", "mqtt"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_listed_twice_or_without_words() {
        for section in SECTIONS {
            let mut names: Vec<_> =
                section.keys.iter().map(|key| key.name).chain(section.later.iter().copied()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", section.title);
            for key in section.keys {
                assert!(
                    !key.kind.is_empty() && !key.default.is_empty() && !key.meaning.is_empty(),
                    "{}",
                    key.name
                );
            }
        }
    }
}
