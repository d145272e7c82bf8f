//! What a dataset consists of, as its event tells it.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::identity::Fingerprint;
use crate::text::push_json_str;

/// The members of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// How many there are.
    pub count: u64,
    /// The names of the first of them, relative to the dataset; the event may name fewer.
    pub listed: Vec<Box<[u8]>>,
    /// What the members of a group of files have in common: the part of the name that was captured.
    pub key: Option<String>,
}

impl Members {
    /// Appends `,"members":{…}` with as many names as fit into `room` bytes.
    pub(crate) fn push(&self, out: &mut Vec<u8>, print: &Fingerprint, room: usize) {
        let begun = out.len();
        let _ = write!(out, ",\"members\":{{\"count\":{},\"size\":{}", self.count, print.size);
        if let Some(key) = &self.key {
            out.extend_from_slice(b",\"key\":");
            push_json_str(out, key);
        }
        let _ = write!(out, ",\"fold\":\"{:016x}\",\"listed\":[", print.inode);
        let room = room.saturating_sub(out.len() - begun);
        let listed = &self.listed[..self.fitting(room)];
        push_list(out, listed, |out, name| push_json_str(out, &String::from_utf8_lossy(name)));
        if listed.iter().any(|name| std::str::from_utf8(name).is_err()) {
            out.extend_from_slice(b",\"listed_b64\":[");
            push_list(out, listed, |out, name| {
                let _ = write!(out, "\"{}\"", STANDARD.encode(name));
            });
        }
        let more = self.count.saturating_sub(listed.len() as u64);
        if more > 0 {
            let _ = write!(out, ",\"more\":{more}");
        }
        out.push(b'}');
    }

    /// How many of the names fit into so many bytes. One that is not UTF-8 makes all of them be
    /// written twice, so room for that is kept from the first on.
    fn fitting(&self, room: usize) -> usize {
        let twice = self.listed.iter().any(|name| std::str::from_utf8(name).is_err());
        let (mut used, mut text) = (0, Vec::new());
        let mut fits = |name: &[u8]| {
            text.clear();
            push_json_str(&mut text, &String::from_utf8_lossy(name));
            let encoded = if twice { name.len().div_ceil(3) * 4 + 3 } else { 0 };
            used += text.len() + 1 + encoded;
            used <= room
        };
        self.listed.iter().take_while(|name| fits(name)).count()
    }
}

/// Appends the elements of an array and its closing bracket.
fn push_list(out: &mut Vec<u8>, names: &[Box<[u8]>], push: impl Fn(&mut Vec<u8>, &[u8])) {
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push(out, name);
    }
    out.push(b']');
}
