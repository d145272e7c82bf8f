//! Reading configurations from disk and from text.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::diagnostic::{ConfigError, Diagnostic, Severity};
use crate::fields::Report;
use crate::plan::Plan;
use crate::read;
use crate::source_text::{self, Place, SourceText, shown};

/// No configuration is larger.
const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to do.
    pub plan: Plan,
    /// What is allowed but probably not meant; all of severity [`Severity::Warning`].
    pub warnings: Vec<Diagnostic>,
}

/// What was found at a place, and what would have to change for something else to be found there.
#[derive(Debug)]
pub struct Reading {
    /// The files beside the configuration itself whose content decided it: secrets, manifests, those that are
    /// missing too.
    pub beside: Vec<PathBuf>,
    /// What they say.
    pub result: Result<Loaded, ConfigError>,
}

/// Reads a file, or the `*.toml` of a directory in the order of their names.
///
/// Nothing but the configuration (and files named by `url_file`) is looked at: whether paths
/// exist and servers answer is no question here. Every mistake is reported, not only the first.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, ConfigError> {
    reading(path, env).result
}

/// [`load`], with the names of what was read beside [`files`]: for those who want to know when to read again.
pub fn reading(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Reading {
    let mut beside = Vec::new();
    let result = texts(path).and_then(|texts| understand(&texts, env, &mut beside));
    Reading { beside, result }
}

/// The files that a configuration consists of now.
#[must_use]
pub fn files(path: &Path) -> Vec<PathBuf> {
    paths(path).unwrap_or_else(|_| vec![path.to_owned()])
}

fn texts(path: &Path) -> Result<Vec<SourceText>, ConfigError> {
    let mut texts = Vec::new();
    let mut broken = Vec::new();
    for path in paths(path)? {
        let (text, finding) = text_of(&path, read_file(&path)?);
        texts.push(text);
        broken.extend(finding);
    }
    if broken.is_empty() { Ok(texts) } else { Err(ConfigError::Invalid(broken)) }
}

/// Reads one configuration from its text; `name` stands for the file in messages.
pub fn parse_str(
    name: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, ConfigError> {
    let text = SourceText { name: shown(name), text: text.to_owned(), dir: PathBuf::new() };
    understand(&[text], env, &mut Vec::new())
}

/// `looked_at` gets what the texts refer to.
fn understand(
    files: &[SourceText],
    env: &dyn Fn(&str) -> Option<String>,
    looked_at: &mut Vec<PathBuf>,
) -> Result<Loaded, ConfigError> {
    let mut report = Report::new(files, env);
    let mut documents = Vec::with_capacity(files.len());
    let mut readable = true;
    for (file, source) in files.iter().enumerate() {
        if let Some(at) = source_text::too_deep(&source.text) {
            readable = false;
            let help = format!("nothing here nests deeper than {} brackets", source_text::DEEPEST);
            report.error(&Place { file, span: at..at + 1 }, "the brackets nest too deep", Some(help));
            continue;
        }
        let (document, errors) = DeTable::parse_recoverable(&source.text);
        readable &= errors.is_empty();
        for error in errors {
            let end = source.text.len();
            let span = error.span().unwrap_or(end..end);
            report.error(&Place { file, span }, shown(error.message()), None);
        }
        documents.push(document);
    }
    // What a parser recovered from broken text would only give misleading findings.
    let plan = readable.then(|| read::plan(&documents, &mut report));
    looked_at.append(&mut report.take_looked_at());
    let found = report.into_found();
    match plan {
        Some(plan) if found.iter().all(|finding| finding.severity == Severity::Warning) => {
            Ok(Loaded { plan, warnings: found })
        }
        _ => Err(ConfigError::Invalid(found)),
    }
}

fn paths(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        // Hidden files are locks and backups of editors, and the inner links of mounted volumes.
        if name.ends_with(b".toml") && !name.starts_with(b".") {
            paths.push(entry.path());
        }
    }
    if paths.is_empty() {
        return Err(ConfigError::Empty { path: path.to_owned() });
    }
    paths.sort_unstable();
    Ok(paths)
}

fn read_file(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    // One byte more than allowed tells a large file from one that fits; a pipe ends here too.
    let limit = if switch::is_off("size-limits") { u64::MAX - 1 } else { SIZE_LIMIT };
    std::io::Read::read_to_end(&mut std::io::Read::take(file, limit + 1), &mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(ConfigError::TooLarge { path: path.to_owned(), limit: SIZE_LIMIT });
    }
    Ok(bytes)
}

/// The file as text, and what is wrong with its encoding.
fn text_of(path: &Path, bytes: Vec<u8>) -> (SourceText, Option<Diagnostic>) {
    let name = model::text::safe(path.as_os_str().as_encoded_bytes());
    let dir = path.parent().unwrap_or(path).to_owned();
    let error = match String::from_utf8(bytes) {
        Ok(text) => return (SourceText { name, text, dir }, None),
        Err(error) => error,
    };
    let at = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let files = [SourceText { name, text, dir }];
    let mut report = Report::new(&files, &|_| None);
    let help = "TOML files are UTF-8; convert it, for example with iconv".to_owned();
    report.error(&Place { file: 0, span: at..at + 1 }, "this byte is not UTF-8", Some(help));
    let finding = report.into_found().into_iter().next();
    let [file] = files;
    (file, finding)
}
