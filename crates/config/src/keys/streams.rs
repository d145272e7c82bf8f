//! The keys of sinks that live on event streams, and of plugins' manifests.

use super::{DURATION, FLAG, MAX_ATTEMPTS, REQUIRED, Section, TEXT, TIMEOUT, key};

/// `type = "scribe"`.
pub(crate) const SCRIBE: Section = Section {
    title: "`[sink.NAME]` with `type = \"scribe\"`",
    about: "A log of what happens, for people: one line for each event, and one more for each rename of which both halves \
            were seen. It takes events only: its rule says which with `events`.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"scribe\"`"),
        key(
            "log",
            "file or `\"-\"`",
            "`\"-\"`",
            "Where the lines go: standard output, or a file that is created with its directory and appended to. Several \
             sinks may share one; lines stay whole.",
        ),
        key(
            "style",
            "`\"text\"`, `\"json\"`, `\"dicom\"`, `\"events\"`",
            "`\"text\"`",
            "Sentences such as `file 'a.dat' was CREATED`; the native events; or the lines of the sendit watcher's \
             `DicomCelery` (`1|CREATE EVENT: …`, `2|FINISHED: …`) and `AllEventsPrinter` (`IN CREATE: …`).",
        ),
        MAX_ATTEMPTS,
        TIMEOUT,
    ],
    later: &[],
};

/// `type = "mirror"`.
pub(crate) const MIRROR: Section = Section {
    title: "`[sink.NAME]` with `type = \"mirror\"`",
    about: "A second tree that is kept equal to a source's. Each mirror has one source, and one rule of it whose \
            patterns say what is mirrored; its `complete` says when a file's content is copied. What else it must hear of \
            (directories, renames, removals, modes) it asks for by itself, so `events` is not needed.\n\n\
            Source and destination must not lie in one another. Links are mirrored as links, so the source must not \
            follow them. Temporary names are not left out where all of the source's sinks are mirrors.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"mirror\"`"),
        key("destination", "directory", REQUIRED, "The second tree's root; made if it is missing."),
        key(
            "adopt",
            FLAG,
            "`false`",
            "Whether a destination that holds something already, and was not made by this mirror, may be taken over: \
             **what the source does not have is deleted there**. Without it such a destination is refused.",
        ),
        key("owner", FLAG, "`false`", "Whether owner and group are kept, too; needs privilege."),
        key(
            "pair_within",
            DURATION,
            "`\"500ms\"`",
            "How long the other half of a rename is waited for before what was moved away is deleted.",
        ),
        MAX_ATTEMPTS,
        key("timeout", DURATION, "`\"10s\"`", "How long one step may take; copying a file may take many."),
    ],
    later: &[],
};

/// `type = "plugin"`.
pub(crate) const PLUGIN: Section = Section {
    title: "`[sink.NAME]` with `type = \"plugin\"`",
    about: "A program of yours that stays up and takes events as JSON lines. It takes the events that its rule asks for with \
            `events`; units that arrived complete only with `arrivals = true`. Several sinks may use one plugin; each has \
            its own process.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"plugin\"`"),
        key(
            "plugin",
            TEXT,
            REQUIRED,
            "The plugin's name: that of its manifest, `NAME.toml` in `plugin_dir`. While there is no good manifest, the \
             sink is failed and its events wait. Names that begin with `.` or `_` are no plugins.",
        ),
        key(
            "options",
            "table",
            "`{}`",
            "What the plugin is told at its start: texts, numbers, flags, lists and tables of them.",
        ),
        key("arrivals", FLAG, "`false`", "Whether it is given the units that arrived complete, too."),
        MAX_ATTEMPTS,
    ],
    later: &[],
};

/// A plugin's manifest.
pub(crate) const PLUGIN_MANIFEST: Section = Section {
    title: "A plugin's manifest, `NAME.toml` in `plugin_dir`",
    about: "It makes a program a plugin named NAME. Write it last, and rename it into place: half-written ones are not run, but \
            a half-written list of arguments may look whole. Another content, or another file behind `command` (or, where \
            that is looked for in `PATH`, behind the first argument that is no option), is a new version of the plugin.",
    keys: &[
        key(
            "command",
            "program",
            REQUIRED,
            "With a slash a path, relative to the manifest's directory; else it is looked for in `PATH`. It is run in the \
             manifest's directory.",
        ),
        key("args", "list of texts", "`[]`", "Its arguments."),
        key("env", "table of texts", "`{}`", "Variables added to its environment."),
        key("memory", "size", "no limit", "How much address space it may have."),
        key("hello_within", DURATION, "`\"5s\"`", "How long it may take to say hello."),
        key("ack_within", DURATION, "`\"30s\"`", "How long it may take to acknowledge an event."),
        key(
            "window",
            "integer from 1 to 65536",
            "`256`",
            "How many events are sent ahead of its acknowledgements.",
        ),
        key("line_limit", "size", "`\"1MiB\"`", "How long a line of its output may be; from 1 KiB to 1 GiB."),
    ],
    later: &[],
};
