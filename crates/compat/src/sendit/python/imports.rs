//! Imports: files of the same project are read, in the same way; other modules are only names.

use std::path::{Path, PathBuf};

use super::lines::lines;
use super::place::{At, Place};
use super::scope::{Frame, Module, Reader};
use super::token::{Kind, Token, tokens};
use super::value::Value;
use crate::sendit::mask;
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

/// No settings module is larger.
pub(super) const SIZE_LIMIT: u64 = 1 << 20;
/// So many files belong to one configuration at most.
const FILES: usize = 64;

/// Modules whose every name may be imported: what is worked out of them.
const WHOLE: [(&str, &[&str]); 2] = [
    ("os", &["path", "environ", "getenv", "sep", "fspath"]),
    ("os.path", &["join", "dirname", "basename", "abspath", "realpath", "normpath", "sep"]),
];

/// `from WHERE import …`: how many dots, and which names.
struct Origin {
    at: At,
    level: usize,
    name: String,
    /// How many tokens it takes.
    length: usize,
}

impl Reader<'_> {
    /// `import a.b as c, d`
    pub(super) fn import(&mut self, frame: &mut Frame, tokens: &[Token]) {
        for part in tokens[1..].split(|token| token.is_sign(",")) {
            let names: Vec<&str> = part.iter().filter_map(Token::name).collect();
            let [.., before, last] = names[..] else {
                if let [name] = names[..] {
                    self.assign(frame, name, Value::Named(name.to_owned()));
                }
                continue;
            };
            if before == "as" {
                let full = names[..names.len() - 2].join(".");
                self.assign(frame, last, Value::Named(full));
            } else if let Some(first) = names.first() {
                self.assign(frame, first, Value::Named((*first).to_owned()));
            }
        }
    }

    /// `from a.b import c as d, e` and `from .a import *`
    pub(super) fn import_from(&mut self, frame: &mut Frame, tokens: &[Token]) {
        let origin = origin(tokens);
        let names = tokens.get(origin.length + 1..).unwrap_or_default();
        let names: Vec<&Token> =
            names.iter().filter(|token| !token.is_sign("(") && !token.is_sign(")")).collect();
        let found = self.locate(frame, &origin);
        let module = found.and_then(|path| self.read_file(&path, &self.place(frame, origin.at)));
        if self.failed.is_some() {
            return;
        }
        if names.first().is_some_and(|token| token.is_sign("*")) {
            return self.import_all(frame, &origin, module);
        }
        if module.is_none() && origin.level > 0 && !origin.name.is_empty() {
            return self.missing(frame, &origin);
        }
        for part in names.split(|token| token.is_sign(",")) {
            let Some(name) = part.first().and_then(|token| token.name()) else { continue };
            let bound = part.get(2).and_then(|token| token.name()).unwrap_or(name).to_owned();
            let value = match module {
                Some(module) => self.member(frame, part[0].at, module, name),
                None => self.named(frame, part[0].at, format!("{}.{name}", origin.name)),
            };
            self.assign(frame, &bound, value);
        }
    }

    fn member(&mut self, frame: &Frame, at: At, module: usize, name: &str) -> Value {
        let held = self.modules.get(module).and_then(|module| module.names.get(name)).cloned();
        if let Some(line) = self.is_changed(module, name) {
            return self.unknown(frame, at, format!("the function in line {line} changes {name}"));
        }
        if let Some(value) = held {
            return self.made(frame, at, value);
        }
        let file = safe(self.file(module).as_os_str().as_bytes());
        self.unknown(frame, at, format!("{file} assigns no {}", safe(name.as_bytes())))
    }

    fn import_all(&mut self, frame: &mut Frame, origin: &Origin, module: Option<usize>) {
        let Some(module) = module else {
            return self.import_all_of_another(frame, origin);
        };
        let Some(names) = self.modules.get(module).map(|module| &module.names) else { return };
        let listed = names.get("__all__").and_then(Value::items);
        let is_listed = |name: &str| match listed {
            Some(listed) => listed.iter().any(|item| *item == Value::Text(name.as_bytes().to_vec())),
            None => !name.starts_with('_'),
        };
        let names: Vec<String> = names.keys().filter(|name| is_listed(name)).cloned().collect();
        for name in names {
            let value = self.member(frame, origin.at, module, &name);
            self.assign(frame, &name, value);
        }
    }

    fn import_all_of_another(&mut self, frame: &mut Frame, origin: &Origin) {
        if origin.level > 0 {
            return self.missing(frame, origin);
        }
        let name = origin.name.as_str();
        if name == "pyinotify" {
            for name in mask::names() {
                let value = self.named(frame, origin.at, format!("pyinotify.{name}"));
                self.assign(frame, name, value);
            }
        } else if let Some((_, names)) = WHOLE.iter().find(|(known, _)| *known == name) {
            for member in *names {
                let value = self.named(frame, origin.at, format!("{name}.{member}"));
                self.assign(frame, member, value);
            }
        } else if self.tries > 0 {
            // Who tries it has something to say where it is not there, and here it is not.
            self.missing(frame, origin);
        } else {
            let text = format!("{name} is not read: no file of that name lies beside this one, or above it");
            self.warnings.push((self.place(frame, origin.at), text));
        }
    }

    /// What Python would call an `ImportError`.
    fn missing(&mut self, frame: &Frame, origin: &Origin) {
        let dots = ".".repeat(origin.level);
        let place = self.place(frame, origin.at);
        let why = format!("there is no module {dots}{}", origin.name);
        self.raise("ImportError", place, why);
    }

    /// The file of a module, if it is one of the project.
    fn locate(&self, frame: &Frame, origin: &Origin) -> Option<PathBuf> {
        let own = self.file(frame.module).parent()?;
        let base = match origin.level {
            0 => own.ancestors().find(|dir| !dir.join("__init__.py").exists())?,
            level => own.ancestors().nth(level - 1)?,
        };
        if origin.name.is_empty() {
            return None;
        }
        let stem = base.join(origin.name.replace('.', "/"));
        let mut file = stem.clone().into_os_string();
        file.push(".py");
        let candidates = [PathBuf::from(file), stem.join("__init__.py")];
        candidates.into_iter().find(|path| path.is_file())
    }

    /// Reads a file once; a second import has what it was worked out to then.
    pub(super) fn read_file(&mut self, path: &Path, whence: &Place) -> Option<usize> {
        if let Some(known) = self.modules.iter().position(|module| module.path == path) {
            return Some(known);
        }
        let shown = safe(path.as_os_str().as_bytes());
        if self.modules.len() >= FILES {
            self.failed = Some((whence.clone(), format!("it is more than {FILES} files")));
            return None;
        }
        match text_of(path) {
            Ok(text) => Some(self.read_text(path, &text)),
            Err(why) => {
                self.failed = Some((whence.clone(), format!("{shown} cannot be read: {why}")));
                None
            }
        }
    }

    /// Runs what can be run of a file's text.
    pub(super) fn read_text(&mut self, path: &Path, text: &str) -> usize {
        let number = self.modules.len();
        self.modules.push(Module {
            path: path.to_owned(),
            shown: safe(path.as_os_str().as_bytes()).into(),
            names: std::collections::BTreeMap::new(),
            changed: std::collections::BTreeMap::new(),
            filled: std::collections::BTreeMap::new(),
        });
        match tokens(text) {
            Ok(tokens) => {
                // Only the statement that imports it may catch what it raises.
                let tries = std::mem::take(&mut self.tries);
                let lines = lines(tokens);
                let _ = self.block(&mut Frame::of(number), &lines);
                self.tries = tries;
            }
            Err(fault) => self.failed = Some((self.place_in(number, fault.at), fault.text)),
        }
        number
    }
}

/// The text of a file that may be a settings module.
pub(super) fn text_of(path: &Path) -> Result<String, String> {
    let meta = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no regular file".into());
    }
    if meta.len() > SIZE_LIMIT {
        return Err(format!("it is larger than {SIZE_LIMIT} bytes, which no settings module is"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8. Fix: save it as UTF-8".to_owned())
}

fn origin(tokens: &[Token]) -> Origin {
    let mut origin = Origin { at: At::default(), level: 0, name: String::new(), length: 1 };
    origin.at = tokens.first().map(|token| token.at).unwrap_or_default();
    for token in tokens.iter().skip(1) {
        match &token.kind {
            Kind::Name(name) if name == "import" => break,
            Kind::Sign("...") if origin.name.is_empty() => origin.level += 3,
            Kind::Sign(".") if origin.name.is_empty() => origin.level += 1,
            Kind::Sign(".") => origin.name.push('.'),
            Kind::Name(name) => origin.name.push_str(name),
            _ => break,
        }
        origin.length += 1;
    }
    origin
}
