//! Names and what they stand for, while modules are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

use super::lines::Line;
use super::place::{At, Fault, Place};
use super::value::Value;
use crate::environment::Environment;

/// What the meaning of a module depends on beside its text.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The environment variables.
    pub environment: &'a Environment,
    /// The working directory, absolute.
    pub working: &'a Path,
}

/// One file.
pub(super) struct Module {
    pub(super) path: PathBuf,
    pub(super) shown: Arc<str>,
    pub(super) names: BTreeMap<String, Value>,
    /// Names that one of its functions says are `global`: whoever calls it may change them.
    pub(super) changed: BTreeMap<String, At>,
    /// Lists and dictionaries that one of its functions changes where it stands.
    pub(super) filled: BTreeMap<String, At>,
}

/// A function without parameters.
pub(super) struct Function {
    pub(super) module: usize,
    pub(super) line: Line,
}

/// Where a statement is run.
pub(super) struct Frame {
    pub(super) module: usize,
    /// The names of the function that is run.
    pub(super) locals: Option<BTreeMap<String, Value>>,
    /// How many functions are being run.
    pub(super) calls: usize,
}

impl Frame {
    pub(super) fn of(module: usize) -> Self {
        Self { module, locals: None, calls: 0 }
    }
}

/// Everything that was read.
pub(super) struct Reader<'a> {
    pub(super) world: World<'a>,
    pub(super) modules: Vec<Module>,
    pub(super) functions: Vec<Function>,
    /// Environment variables that a module has set.
    pub(super) set: BTreeMap<String, Value>,
    /// How much may still be worked out and copied: a text that doubles with each line would be endless.
    pub(super) budget: usize,
    /// What would be raised at the statement that is run, by its name in Python.
    pub(super) raised: Option<(&'static str, Place, String)>,
    /// How many `try` lie around the statement that is run.
    pub(super) tries: usize,
    /// What is odd.
    pub(super) warnings: Vec<(Place, String)>,
    /// What ends the reading.
    pub(super) failed: Option<(Place, String)>,
}

/// What reading may cost in all, in values and bytes.
const BUDGET: usize = 4_000_000;
/// No value has more parts and bytes.
const LARGEST: usize = 1 << 16;
/// Nor do its parts lie deeper in one another.
const DEEPEST: usize = 100;

/// Built-in functions that are worked out.
const BUILT_IN: [&str; 6] = ["str", "int", "bool", "tuple", "list", "set"];

impl<'a> Reader<'a> {
    pub(super) fn new(world: World<'a>) -> Self {
        Self {
            world,
            modules: Vec::new(),
            functions: Vec::new(),
            set: BTreeMap::new(),
            budget: BUDGET,
            raised: None,
            tries: 0,
            warnings: Vec::new(),
            failed: None,
        }
    }

    pub(super) fn place(&self, frame: &Frame, at: At) -> Place {
        self.place_in(frame.module, at)
    }

    pub(super) fn place_in(&self, module: usize, at: At) -> Place {
        let file = self.modules.get(module).map(|module| Arc::clone(&module.shown)).unwrap_or_default();
        Place { file, line: at.line, column: at.column }
    }

    pub(super) fn unknown(&self, frame: &Frame, at: At, why: impl Into<String>) -> Value {
        Value::unknown(self.place(frame, at), why)
    }

    pub(super) fn faulty(&self, frame: &Frame, fault: Fault) -> Value {
        self.unknown(frame, fault.at, fault.text)
    }

    /// Takes so much from what reading may cost; whether there was enough.
    pub(super) fn spend(&mut self, cost: usize) -> bool {
        self.budget = self.budget.saturating_sub(cost);
        self.budget > 0
    }

    /// A value that was made: itself, unless it is too large to be anybody's setting.
    pub(super) fn made(&mut self, frame: &Frame, at: At, value: Value) -> Value {
        let (weight, depth) = value.weight();
        if self.spend(weight) && weight <= LARGEST && depth <= DEEPEST {
            return value;
        }
        self.unknown(frame, at, "it is too large")
    }

    pub(super) fn look_up(&mut self, frame: &Frame, at: At, name: &str) -> Value {
        let local = frame.locals.as_ref().and_then(|locals| locals.get(name));
        let module = self.modules.get(frame.module);
        let found = local.or_else(|| module.and_then(|module| module.names.get(name))).cloned();
        if let Some(value) = found {
            if let Some(line) = self.is_changed(frame.module, name).filter(|_| frame.locals.is_none()) {
                return self.unknown(frame, at, format!("the function in line {line} changes {name}"));
            }
            let cost = value.weight().0;
            return if self.spend(cost) { value } else { self.unknown(frame, at, "it is too large") };
        }
        match name {
            "None" => Value::None,
            "True" => Value::Flag(true),
            "False" => Value::Flag(false),
            "__file__" => Value::Text(self.file(frame.module).as_os_str().as_bytes().to_vec()),
            name if BUILT_IN.contains(&name) => Value::Named(name.to_owned()),
            _ => self.unknown(frame, at, format!("the name {} has no value here", safe(name.as_bytes()))),
        }
    }

    pub(super) fn is_changed(&self, module: usize, name: &str) -> Option<usize> {
        let module = self.modules.get(module)?;
        let is_plain = |value: &Value| !matches!(value, Value::List(_) | Value::Set(_) | Value::Dict(_));
        let filled = || module.filled.get(name).filter(|_| !module.names.get(name).is_none_or(is_plain));
        module.changed.get(name).or_else(filled).map(|at| at.line)
    }

    pub(super) fn file(&self, module: usize) -> &Path {
        self.modules.get(module).map_or(Path::new("/"), |module| module.path.as_path())
    }

    pub(super) fn assign(&mut self, frame: &mut Frame, name: &str, value: Value) {
        if let Some(locals) = &mut frame.locals {
            locals.insert(name.to_owned(), value);
        } else if let Some(module) = self.modules.get_mut(frame.module) {
            module.names.insert(name.to_owned(), value);
        }
    }

    pub(super) fn forget(&mut self, frame: &mut Frame, name: &str) {
        if let Some(locals) = &mut frame.locals {
            locals.remove(name);
        } else if let Some(module) = self.modules.get_mut(frame.module) {
            module.names.remove(name);
        }
    }

    /// The statement that is run raises something: a `try` around it may catch that.
    pub(super) fn raise(&mut self, exception: &'static str, place: Place, why: String) {
        if self.raised.is_none() {
            self.raised = Some((exception, place, why));
        }
    }
}
