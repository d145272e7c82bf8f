//! Calls that are worked out: a few of `os.path`, `os.environ`, `pathlib`, built-in ones, and functions of the module
//! itself that have no parameters.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::paths;
use super::percent::as_text;
use super::place::At;
use super::run::Flow;
use super::scope::{Frame, Reader};
use super::term::{Form, Term};
use super::value::Value;
use crate::iobserver::place::real;

/// So many functions may be run inside one another.
const CALLS: usize = 8;

impl Reader<'_> {
    pub(super) fn call(
        &mut self,
        frame: &Frame,
        at: At,
        callee: &Term,
        given: &[Term],
        named: &[(String, Term)],
    ) -> Value {
        if let Form::Attribute(of, method) = &callee.form {
            let of = self.work_out(frame, of);
            if !matches!(of, Value::Named(_)) {
                let given = self.each(frame, given);
                return self.method(frame, at, of, method, &given);
            }
        }
        let callee = self.work_out(frame, callee);
        if !matches!(callee, Value::Named(_) | Value::Function(_)) {
            return self.because(frame, at, callee, "such a call is not worked out");
        }
        let mut given = self.each(frame, given);
        // The only named argument that counts anywhere.
        match named {
            [] => {}
            [(name, term)] if name == "default" && given.len() == 1 => given.push(self.work_out(frame, term)),
            _ => return self.unknown(frame, at, "a call with such arguments is not worked out"),
        }
        match callee {
            Value::Function(number) if given.is_empty() => self.run_function(frame, at, number),
            Value::Named(name) => {
                let value = self.known_call(frame, at, &name, &given);
                self.made(frame, at, value)
            }
            other => self.because(frame, at, other, "a call with arguments is not worked out"),
        }
    }

    fn run_function(&mut self, frame: &Frame, at: At, number: usize) -> Value {
        let Some(function) = self.functions.get(number) else {
            return self.unknown(frame, at, "such a call is not worked out");
        };
        if frame.calls >= CALLS {
            return self.unknown(frame, at, format!("more than {CALLS} functions call one another"));
        }
        let line = function.line.clone();
        let locals = Some(std::collections::BTreeMap::new());
        let mut inner = Frame { module: function.module, locals, calls: frame.calls + 1 };
        match self.body(&mut inner, &line) {
            Flow::On => Value::None,
            Flow::Return(value) => value,
            Flow::Unclear(at) => {
                self.unknown(&inner, at, "what the function returns depends on what is not run")
            }
        }
    }

    fn known_call(&mut self, frame: &Frame, at: At, name: &str, given: &[Value]) -> Value {
        if let Some(unknown) = given.iter().find(|value| matches!(value, Value::Unknown(_))) {
            return unknown.clone();
        }
        let refuse = || self.unknown(frame, at, format!("a call of {name} is not worked out"));
        match name {
            "os.environ.get" | "os.getenv" => self.environment(given).unwrap_or_else(refuse),
            "str" | "os.fspath" | "os.fsencode" | "os.fsdecode" => {
                let text = given.first().filter(|_| given.len() == 1).and_then(as_text);
                text.map_or_else(refuse, Value::Text)
            }
            "int" => whole(given).unwrap_or_else(refuse),
            "bool" => given.first().and_then(Value::truth).map_or_else(refuse, Value::Flag),
            "tuple" | "list" | "set" => {
                let items = match given {
                    [] => Some(Vec::new()),
                    [one] => one.items().map(<[Value]>::to_vec),
                    _ => None,
                };
                items.map_or_else(refuse, |items| match name {
                    "tuple" => Value::Tuple(items),
                    "list" => Value::List(items),
                    _ => Value::Set(items),
                })
            }
            _ => self.path_call(name, given).unwrap_or_else(refuse),
        }
    }

    fn path_call(&self, name: &str, given: &[Value]) -> Option<Value> {
        let parts: Option<Vec<&[u8]>> = given.iter().map(Value::as_path).collect();
        let parts = parts?;
        let joined = || {
            let (first, rest) = parts.split_first()?;
            Some(rest.iter().fold(first.to_vec(), |path, part| paths::join(&path, part)))
        };
        if let "pathlib.Path" | "pathlib.PosixPath" | "pathlib.PurePath" | "pathlib.PurePosixPath" = name {
            return Some(Value::Path(paths::plain(&joined().unwrap_or_default())));
        }
        let function = name.strip_prefix("os.path.").or_else(|| name.strip_prefix("posixpath."))?;
        let path = match (function, &parts[..]) {
            ("join", _) => joined()?,
            ("dirname", [path]) => paths::dirname(path),
            ("basename", [path]) => paths::basename(path),
            ("normpath", [path]) => paths::normal(path),
            ("abspath", [path]) => self.absolute(path),
            ("realpath", [path]) => self.resolved(path),
            _ => return None,
        };
        Some(Value::Text(path))
    }

    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        paths::normal(&paths::join(self.world.working.as_os_str().as_bytes(), path))
    }

    fn resolved(&self, path: &[u8]) -> Vec<u8> {
        real(Path::new(OsStr::from_bytes(path)), self.world.working).as_os_str().as_bytes().to_vec()
    }

    /// A method of a value.
    fn method(&mut self, frame: &Frame, at: At, of: Value, method: &str, given: &[Value]) -> Value {
        let made = match (&of, method, given) {
            (Value::Path(path), "resolve", []) => Some(Value::Path(self.resolved(path))),
            (Value::Path(path), "absolute", []) => {
                let path = paths::join(self.world.working.as_os_str().as_bytes(), path);
                Some(Value::Path(paths::plain(&path)))
            }
            (Value::Path(path), "as_posix", []) => Some(Value::Text(path.clone())),
            (Value::Path(path), "joinpath", given) => {
                let parts: Option<Vec<&[u8]>> = given.iter().map(Value::as_path).collect();
                let join = |parts: Vec<&[u8]>| {
                    parts.iter().fold(path.clone(), |path, part| paths::join(&path, part))
                };
                parts.map(|parts| Value::Path(paths::plain(&join(parts))))
            }
            (Value::Dict(_), "get", [Value::Text(key)]) => {
                let key = String::from_utf8_lossy(key);
                Some(of.entry(&key).cloned().unwrap_or(Value::None))
            }
            _ => None,
        };
        match made {
            Some(value) => self.made(frame, at, value),
            None => self.because(frame, at, of, &format!("a call of its method {method} is not worked out")),
        }
    }

    fn environment(&self, given: &[Value]) -> Option<Value> {
        let (name, default) = match given {
            [Value::Text(name)] => (name, Value::None),
            [Value::Text(name), default] => (name, default.clone()),
            _ => return None,
        };
        Some(self.variable(&String::from_utf8_lossy(name)).unwrap_or(default))
    }

    /// An environment variable, as the module has set it or as it is.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        let given = || self.world.environment.get(name).map(|value| Value::Text(value.as_bytes().to_vec()));
        self.set.get(name).cloned().or_else(given)
    }
}

fn whole(given: &[Value]) -> Option<Value> {
    match given {
        [Value::Integer(number)] => Some(Value::Integer(*number)),
        [Value::Flag(flag)] => Some(Value::Integer((*flag).into())),
        [Value::Text(text)] => {
            let text = std::str::from_utf8(text).ok()?.trim().replace('_', "");
            text.parse().ok().map(Value::Integer)
        }
        _ => None,
    }
}
