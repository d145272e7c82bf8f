//! What the fields of a text stand for: the texts of a task's arguments and of routing keys.

use std::cell::OnceCell;

use config::{Argument, Piece};
use model::Parcel;
use model::text::json_path;
use serde_json::Value;

use crate::format::absolute;

/// What can only be read from a unit's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uids {
    /// `StudyInstanceUID`.
    pub(crate) study: Option<String>,
    /// `SeriesInstanceUID`.
    pub(crate) series: Option<String>,
}

/// One event, ready to be asked.
pub(crate) struct Facts<'a> {
    parcel: &'a Parcel,
    uids: &'a Uids,
    /// The native event; few texts need it, so it is read when one does.
    event: OnceCell<Value>,
}

/// The value of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// It was nothing but one field, and that has no value.
    Nothing,
    /// It was nothing but one field that counts.
    Number(u64),
    /// Bytes, as those of a path.
    Text(Vec<u8>),
}

impl<'a> Facts<'a> {
    pub(crate) fn of(parcel: &'a Parcel, uids: &'a Uids) -> Self {
        Self { parcel, uids, event: OnceCell::new() }
    }

    /// The text with its fields replaced. One that is no text with fields stands as it is.
    pub(crate) fn fill(&self, text: &str) -> Filled {
        match Argument::pieces(text).as_deref() {
            Ok([Piece::Field(name)]) => self.field(name),
            Ok(pieces) => Filled::Text(pieces.iter().flat_map(|piece| self.piece(piece)).collect()),
            Err(_) => Filled::Text(text.as_bytes().to_vec()),
        }
    }

    /// The same for places that know nothing but text: a number as its digits, nothing as an empty text.
    pub(crate) fn text(&self, text: &str) -> Vec<u8> {
        self.fill(text).into_text()
    }

    fn piece(&self, piece: &Piece) -> Vec<u8> {
        match piece {
            Piece::Plain(text) => text.as_bytes().to_vec(),
            Piece::Field(name) => self.field(name).into_text(),
        }
    }

    fn field(&self, name: &str) -> Filled {
        let parcel = self.parcel;
        let text = |bytes: &[u8]| Filled::Text(bytes.to_vec());
        match name {
            "path" => Filled::Text(self.path()),
            "directory" => Filled::Text(parent(&self.path()).to_vec()),
            "subject" => text(&parcel.path),
            "name" => Filled::Text(last_name(&self.path()).to_vec()),
            "root" => text(&absolute(&parcel.root)),
            "id" => text(&parcel.event.id.hex()),
            "source" => text(parcel.source.as_bytes()),
            "site" => self.site().map_or(Filled::Nothing, Filled::Text),
            "type" => text(parcel.type_name().as_bytes()),
            "kind" => text(parcel.kind.noun().as_bytes()),
            "rule" => self.data("/data/complete/rule"),
            "size" => Filled::Number(parcel.size),
            "mtime" => Filled::Text(parcel.mtime.to_string().into_bytes()),
            "generation" => Filled::Number(parcel.generation.into()),
            "count" => self.data("/data/members/count"),
            "key" => self.data("/data/members/key"),
            "StudyInstanceUID" => known(self.uids.study.as_ref()),
            "SeriesInstanceUID" => known(self.uids.series.as_ref()),
            _ => Filled::Nothing,
        }
    }

    fn path(&self) -> Vec<u8> {
        let mut path = absolute(&self.parcel.root).into_owned();
        if !path.ends_with(b"/") && !self.parcel.path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&self.parcel.path);
        path
    }

    fn event(&self) -> &Value {
        self.event.get_or_init(|| {
            serde_json::from_slice(&self.parcel.event.line(self.parcel.attempt)).unwrap_or_default()
        })
    }

    fn data(&self, pointer: &str) -> Filled {
        match self.event().pointer(pointer) {
            Some(Value::String(text)) => Filled::Text(text.clone().into_bytes()),
            Some(Value::Number(number)) => number.as_u64().map_or(Filled::Nothing, Filled::Number),
            _ => Filled::Nothing,
        }
    }

    /// It stands in the event's source: `urn:staithe:SITE:SOURCE`, percent-encoded.
    fn site(&self) -> Option<Vec<u8>> {
        let source = self.event().get("source")?.as_str()?;
        Some(decode_percent(source.strip_prefix("urn:staithe:")?.split(':').next()?))
    }

    /// The names of the first members of a group or a dataset.
    pub(crate) fn members(&self) -> Vec<Vec<u8>> {
        let Some(members) = self.event().pointer("/data/members") else { return Vec::new() };
        let all = members.get("listed").and_then(Value::as_array).map_or(0, Vec::len);
        let one = |at: usize| {
            let side = |name: &str| Some(members.get(name)?.as_array()?.get(at)?.clone());
            json_path(&serde_json::json!({"name": side("listed"), "name_b64": side("listed_b64")}), "name")
                .or_else(|| Some(side("listed")?.as_str()?.as_bytes().to_vec()))
        };
        (0..all).filter_map(one).collect()
    }
}

impl Filled {
    fn into_text(self) -> Vec<u8> {
        match self {
            Filled::Nothing => Vec::new(),
            Filled::Number(number) => number.to_string().into_bytes(),
            Filled::Text(text) => text,
        }
    }
}

fn known(uid: Option<&String>) -> Filled {
    uid.map_or(Filled::Nothing, |uid| Filled::Text(uid.clone().into_bytes()))
}

/// Whether the text needs what can only be read from the unit's files.
pub(crate) fn asks_for_uids(text: &str) -> bool {
    let is_uid = |piece: &Piece| matches!(piece, Piece::Field("StudyInstanceUID" | "SeriesInstanceUID"));
    Argument::pieces(text).is_ok_and(|pieces| pieces.iter().any(is_uid))
}

/// Without the slash that the path of a group ends with.
fn bare(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").filter(|path| !path.is_empty()).unwrap_or(path)
}

fn last_name(path: &[u8]) -> &[u8] {
    bare(path).rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

fn parent(path: &[u8]) -> &[u8] {
    let path = bare(path);
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

fn decode_percent(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(decoded)) = (byte, decoded) {
            out.push(decoded);
            rest = &behind[2..];
        } else {
            out.push(byte);
            rest = behind;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use model::Members;

    use super::*;
    use crate::samples::{dataset, parcel};

    fn fill(parcel: &Parcel, text: &str) -> Filled {
        Facts::of(parcel, &Uids::default()).fill(text)
    }

    fn text(text: &str) -> Filled {
        Filled::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn every_field_has_its_value() {
        let file = parcel(b"a/b.dcm");
        let id = String::from_utf8(file.event.id.hex().to_vec()).unwrap();
        for (field, expected) in [
            ("{path}", text("/data/stage1/a/b.dcm")),
            ("{directory}", text("/data/stage1/a")),
            ("{subject}", text("a/b.dcm")),
            ("{name}", text("b.dcm")),
            ("{root}", text("/data/stage1")),
            ("{id}", text(&id)),
            ("{source}", text("stage1")),
            ("{site}", text("obs1")),
            ("{type}", text("staithe.file.complete")),
            ("{kind}", text("file")),
            ("{rule}", text("bulletins")),
            ("{size}", Filled::Number(1234)),
            ("{mtime}", text("2026-11-21T01:59:03.9Z")),
            ("{generation}", Filled::Number(1)),
            ("{count}", Filled::Nothing),
            ("{key}", Filled::Nothing),
            ("{StudyInstanceUID}", Filled::Nothing),
            ("{SeriesInstanceUID}", Filled::Nothing),
        ] {
            assert_eq!(fill(&file, field), expected, "{field}");
        }
        let uids = Uids { study: Some("1.2".into()), series: Some("1.3".into()) };
        let both = Facts::of(&file, &uids).fill("{StudyInstanceUID}/{SeriesInstanceUID}");
        assert_eq!(both, text("1.2/1.3"));
        // None is left out of this test.
        for field in Argument::FIELDS {
            assert_ne!(
                Facts::of(&every_one(), &uids).fill(&format!("{{{field}}}")),
                Filled::Nothing,
                "{field}"
            );
        }
    }

    fn every_one() -> Parcel {
        dataset(&Members { count: 7, listed: vec![b"x"[..].into()], key: Some("k".into()) })
    }

    #[test]
    fn braces_numbers_and_nothing() {
        let file = parcel(b"x");
        assert_eq!(fill(&file, "{{{size}}}"), text("{1234}"));
        assert_eq!(fill(&file, "n={size}, c={count}."), text("n=1234, c=."));
        assert_eq!(fill(&file, ""), text(""));
        assert_eq!(fill(&every_one(), "{count}"), Filled::Number(7));
        assert_eq!(fill(&every_one(), "{key}"), text("k"));
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        assert_eq!(fill(&parcel(b"a/\xff\n"), "{name}"), Filled::Text(b"\xff\n".to_vec()));
        let members = Members { count: 2, listed: vec![b"\xfe"[..].into(), b"b"[..].into()], key: None };
        let dataset = dataset(&members);
        let uids = Uids::default();
        let facts = Facts::of(&dataset, &uids);
        assert_eq!(facts.members(), vec![b"\xfe".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn places_at_the_edge_have_a_directory_too() {
        let group = Parcel { path: b"d/key/".to_vec(), ..parcel(b"x") };
        assert_eq!(fill(&group, "{path}"), text("/data/stage1/d/key/"));
        assert_eq!(
            (fill(&group, "{name}"), fill(&group, "{directory}")),
            (text("key"), text("/data/stage1/d"))
        );
        let top = Parcel { root: b"/"[..].into(), ..parcel(b"x") };
        assert_eq!((fill(&top, "{path}"), fill(&top, "{directory}")), (text("/x"), text("/")));
        let root = Parcel { path: Vec::new(), ..parcel(b"x") };
        assert_eq!((fill(&root, "{path}"), fill(&root, "{name}")), (text("/data/stage1"), text("stage1")));
        assert_eq!(decode_percent("a%20b%zz%"), b"a b%zz%");
    }
}
