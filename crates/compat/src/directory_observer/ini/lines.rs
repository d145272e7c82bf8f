//! From lines to sections with keys, as Python's `ConfigParser` reads them.

use std::collections::HashMap;

use super::IniError;
use crate::directory_observer::pytext::{is_space, lines, strip};

/// A section as it stands in the file.
#[derive(Debug)]
pub(super) struct RawSection {
    pub(super) name: String,
    pub(super) line: u32,
    pub(super) entries: Vec<Entry>,
}

/// A key as it stands in the file.
#[derive(Debug)]
pub(super) struct Entry {
    /// In lower case, with its variant.
    pub(super) key: String,
    pub(super) text: String,
    pub(super) line: u32,
}

pub(super) fn sections(text: &str) -> Result<Vec<RawSection>, IniError> {
    let mut reader = Reader::default();
    for (index, line) in lines(text).into_iter().enumerate() {
        reader.line(index as u32 + 1, line)?;
    }
    Ok(reader.finish())
}

#[derive(Default)]
struct Reader {
    done: Vec<RawSection>,
    section_lines: HashMap<String, u32>,
    key_lines: HashMap<String, u32>,
    /// Whether the last line belongs to a key, so that a deeper one may continue it.
    in_value: bool,
    indent: usize,
}

impl Reader {
    fn line(&mut self, number: u32, line: &str) -> Result<(), IniError> {
        let text = strip(line);
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        if text.is_empty() {
            // An empty line within a value belongs to it; at its end it is cut off again.
            if let Some(entry) = self.open_entry() {
                entry.text.push('\n');
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|&c| is_space(c)).count();
        if indent > self.indent
            && let Some(entry) = self.open_entry()
        {
            entry.text.push('\n');
            entry.text.push_str(text);
            return Ok(());
        }
        self.indent = indent;
        match header(text) {
            Some(name) => self.section(number, name),
            None => self.key(number, text),
        }
    }

    fn open_entry(&mut self) -> Option<&mut Entry> {
        if !self.in_value {
            return None;
        }
        self.done.last_mut()?.entries.last_mut()
    }

    fn section(&mut self, line: u32, name: &str) -> Result<(), IniError> {
        if let Some(&first) = self.section_lines.get(name) {
            return Err(IniError::DuplicateSection { line, name: name.to_owned(), first });
        }
        self.section_lines.insert(name.to_owned(), line);
        self.key_lines.clear();
        self.in_value = false;
        self.done.push(RawSection { name: name.to_owned(), line, entries: Vec::new() });
        Ok(())
    }

    fn key(&mut self, line: u32, text: &str) -> Result<(), IniError> {
        let Some(section) = self.done.last_mut() else {
            return Err(IniError::MissingHeader { line, text: text.to_owned() });
        };
        let parts = text.split_once(['=', ':']).map(|(key, value)| (strip(key).to_lowercase(), strip(value)));
        let Some((key, value)) = parts.filter(|(key, _)| !key.is_empty()) else {
            return Err(IniError::NoDelimiter { line, text: text.to_owned() });
        };
        if let Some(&first) = self.key_lines.get(&key) {
            return Err(IniError::DuplicateKey { line, section: section.name.clone(), key, first });
        }
        self.key_lines.insert(key.clone(), line);
        section.entries.push(Entry { key, text: value.to_owned(), line });
        self.in_value = true;
        Ok(())
    }

    fn finish(mut self) -> Vec<RawSection> {
        for entry in self.done.iter_mut().flat_map(|section| &mut section.entries) {
            entry.text.truncate(entry.text.trim_end_matches(is_space).len());
        }
        self.done
    }
}

/// The name in `[name] whatever follows`: up to the last bracket, at least one character.
fn header(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.rfind(']')?;
    (end > 0).then(|| &inside[..end])
}
