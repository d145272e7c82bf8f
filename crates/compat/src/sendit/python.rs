//! Reading a Django settings module without running it.
//!
//! The way, in the order of the modules: [`token`] and [`letters`] make tokens of the text, [`lines`] puts them together
//! to logical lines and blocks, [`run`] takes over assignments, [`blocks`] follows an `if` or a `try` where it is known
//! which way it goes, [`imports`] reads files of the same project, [`term`] and [`work`] work out expressions.
//!
//! Whatever is not understood is a value that is not known, with the place and the reason. It does no harm as long as
//! no setting that is needed depends on it.

mod blocks;
mod calls;
mod changes;
mod imports;
mod letters;
mod lines;
mod paths;
mod percent;
mod place;
mod run;
mod scope;
mod term;
mod token;
mod value;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use place::Place;
pub use scope::World;
pub use value::{Unknown, Value};

use scope::Reader;

/// What a settings module says.
#[derive(Clone, Debug, Default)]
pub struct Names {
    values: BTreeMap<String, Value>,
    /// What is odd: where, and a sentence.
    pub warnings: Vec<(Place, String)>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// Why a settings module cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file itself.
    #[error("read {0}: {1}")]
    File(String, String),
    /// Something in it.
    #[error("read {0}: {1}")]
    At(Place, String),
}

impl Names {
    /// What a name stands for, if the module says anything about it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

/// Reads a module from its file and the files of the project that it imports. `path` is absolute.
pub fn read(path: &Path, world: World<'_>) -> Result<Names, ReadError> {
    read_all(&[path.to_owned()], world)
}

/// Reads several files, as if one imported all names of each, in this order.
pub fn read_all(paths: &[PathBuf], world: World<'_>) -> Result<Names, ReadError> {
    let mut reader = Reader::new(world);
    let mut values = BTreeMap::new();
    for path in paths {
        let shown = model::text::safe(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
        let known = reader.modules.iter().position(|module| module.path == *path);
        let number = if let Some(known) = known {
            known
        } else {
            let text = imports::text_of(path).map_err(|why| ReadError::File(shown, why))?;
            reader.read_text(path, &text)
        };
        finish(&mut reader, number, &mut values)?;
    }
    let files = reader.modules.iter().map(|module| module.path.clone()).collect();
    Ok(Names { values, warnings: reader.warnings, files })
}

/// Reads a text as if it lay in that file. What it imports is looked for beside that.
pub fn read_text(path: &Path, text: &str, world: World<'_>) -> Result<Names, ReadError> {
    let (mut reader, mut values) = (Reader::new(world), BTreeMap::new());
    let number = reader.read_text(path, text);
    finish(&mut reader, number, &mut values)?;
    Ok(Names { values, warnings: reader.warnings, files: Vec::new() })
}

fn finish(
    reader: &mut Reader<'_>,
    number: usize,
    values: &mut BTreeMap<String, Value>,
) -> Result<(), ReadError> {
    if let Some((place, why)) = reader.failed.take() {
        return Err(ReadError::At(place, why));
    }
    if let Some((exception, place, why)) = reader.raised.take() {
        return Err(ReadError::At(place, format!("{why}, and Python would end here with {exception}")));
    }
    if !reader.spend(1) {
        let place = reader.place_in(number, place::At { line: 1, column: 1 });
        return Err(ReadError::At(place, "there is too much to work out in it".into()));
    }
    let Some(module) = reader.modules.get(number) else { return Ok(()) };
    let changed: Vec<(String, place::At)> =
        module.changed.iter().chain(&module.filled).map(|(name, at)| (name.clone(), *at)).collect();
    let changed = changed.into_iter().filter(|(name, _)| reader.is_changed(number, name).is_some());
    let changed: Vec<(String, place::At)> = changed.collect();
    let shown = Arc::clone(&module.shown);
    values.extend(module.names.iter().map(|(name, value)| (name.clone(), value.clone())));
    for (name, at) in changed {
        let place = Place { file: Arc::clone(&shown), line: at.line, column: at.column };
        values.insert(name, Value::unknown(place, "a function changes it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
