//! A line for each difference, for people or for programs.

use model::Stamp;
use model::text::{escape_json, insert_json_path, safe};
use serde_json::{Map, Value, json};
use sys::EntryKind;
use watch::quiet::Change;

use super::wait::{Round, Touched};
use crate::show;

/// How lines are written.
pub(super) struct Lines {
    /// The directory as it was given.
    pub(super) root: Vec<u8>,
    pub(super) json: bool,
    pub(super) colour: bool,
}

impl Lines {
    /// The lines of what a tour has found.
    pub(super) fn of(&self, round: &Round) -> Vec<u8> {
        let mut out = String::new();
        for change in &round.changes {
            out += &if self.json { self.json(round.at, change) } else { self.text(round.at, change) };
        }
        self.push_touched(&mut out, round.at, &round.touched);
        out.into_bytes()
    }

    /// A path below the root, safe for a terminal.
    pub(super) fn path(&self, path: &[u8]) -> String {
        let slash: &[u8] = if path.is_empty() || self.root.ends_with(b"/") { b"" } else { b"/" };
        safe(&[&self.root, slash, path].concat())
    }

    /// The first members of a JSON line.
    pub(super) fn object(&self, kind: &str, at: Stamp) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("type".into(), kind.into());
        map.insert("time".into(), at.to_string().into());
        insert_json_path(&mut map, "root", &self.root);
        map
    }

    fn text(&self, at: Stamp, change: &Change) -> String {
        let (what, colour) = match change {
            Change::Created { path, kind, size } => (self.sized(path, *kind, *size), "32"),
            Change::Deleted { path, kind, size } => (self.sized(path, *kind, *size), "31"),
            Change::Moved { from, path, kind, .. } => {
                (format!("{} → {}", self.marked(from, *kind), self.marked(path, *kind)), "36")
            }
            Change::Modified { path, kind: kind @ EntryKind::Directory, .. } => {
                (self.marked(path, *kind), "33")
            }
            Change::Modified { path, kind, before, size, replaced } => {
                let replaced = if *replaced { ", another file" } else { "" };
                (format!("{}  {before} → {size} bytes{replaced}", self.marked(path, *kind)), "33")
            }
        };
        self.stamped(at, change.word(), colour, &what)
    }

    /// A directory's path ends with a slash.
    fn marked(&self, path: &[u8], kind: EntryKind) -> String {
        let shown = self.path(path);
        if kind == EntryKind::Directory && !shown.ends_with('/') { shown + "/" } else { shown }
    }

    fn sized(&self, path: &[u8], kind: EntryKind, size: u64) -> String {
        let path = self.marked(path, kind);
        if kind == EntryKind::Directory { path } else { format!("{path}  {size} bytes") }
    }

    fn stamped(&self, at: Stamp, word: &str, colour: &str, what: &str) -> String {
        let time = at.to_string();
        let clock = time.get(11..19).unwrap_or_default();
        let word = show::paint(&format!("{word:<8}"), colour, self.colour);
        format!("{clock}  {word}  {what}\n")
    }

    fn json(&self, at: Stamp, change: &Change) -> String {
        let mut map = self.object(change.word(), at);
        insert_json_path(&mut map, "path", change.path());
        let (kind, size) = match change {
            Change::Created { kind, size, .. }
            | Change::Deleted { kind, size, .. }
            | Change::Moved { kind, size, .. }
            | Change::Modified { kind, size, .. } => (*kind, *size),
        };
        map.insert("kind".into(), kind_name(kind).into());
        if kind != EntryKind::Directory {
            map.insert("size".into(), size.into());
        }
        match change {
            Change::Modified { before, replaced, .. } if kind != EntryKind::Directory => {
                map.insert("size_before".into(), json!(before));
                map.insert("replaced".into(), json!(replaced));
            }
            Change::Moved { from, .. } => insert_json_path(&mut map, "from", from),
            _ => {}
        }
        line_of(map)
    }

    fn push_touched(&self, out: &mut String, at: Stamp, touched: &Touched) {
        for path in &touched.paths {
            *out += &if self.json {
                let mut map = self.object("touched", at);
                insert_json_path(&mut map, "path", path);
                line_of(map)
            } else {
                self.stamped(at, "touched", "2", &self.path(path))
            };
        }
        if touched.more == 0 && !touched.dropped {
            return;
        }
        *out += &if self.json {
            let mut map = self.object("touched", at);
            map.insert("more".into(), touched.more.into());
            map.insert("dropped".into(), touched.dropped.into());
            line_of(map)
        } else {
            let dropped = if touched.dropped { "; the kernel dropped events" } else { "" };
            self.stamped(at, "touched", "2", &format!("{} more{dropped}", touched.more))
        };
    }
}

/// One JSON line.
pub(super) fn line_of(map: Map<String, Value>) -> String {
    escape_json(&Value::Object(map).to_string()) + "\n"
}

const fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symlink",
        EntryKind::Special | EntryKind::Unknown => "special",
    }
}
