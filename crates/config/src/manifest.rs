//! Manifests of plugins: `NAME.toml` in the plugin directory says which program is the plugin, and what it may cost.
//!
//! A plugin is dropped into its directory and edited there while the program runs. So a manifest that is missing,
//! half-written or wrong is nothing that makes a configuration bad: the plugin is failed until a good one is there.

mod settings;
mod version;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::plan::PluginManifest;

/// No manifest is larger.
const SIZE_LIMIT: u64 = 256 * 1024;
/// No name of a plugin is longer, in bytes.
const NAME_LIMIT: usize = 200;

/// Why there is no manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

/// What a manifest says, and what decided it.
pub(crate) struct Found {
    pub(crate) manifest: Result<PluginManifest, Fault>,
    /// The manifest and the program's file, also where they are missing: another content of theirs is another
    /// version of the plugin.
    pub(crate) files: Vec<PathBuf>,
}

/// Reads the manifest of the plugin of that name. The error says what is wrong and what to do about it.
pub fn read_manifest(dir: &Path, name: &str) -> Result<PluginManifest, String> {
    read(dir, name, &|name| std::env::var(name).ok()).manifest.map_err(|fault| fault.to_string())
}

/// The same with another environment, and the names of what was read.
pub(crate) fn read(dir: &Path, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Found {
    let mut files = Vec::new();
    let manifest = find(dir, name, env, &mut files);
    Found { manifest, files }
}

/// What is wrong with the name, if anything is. It is part of a path, and files of editors and of the packaging of
/// plugins are never meant.
pub(crate) fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > NAME_LIMIT {
        Some("is longer than 200 bytes")
    } else if name.contains('/') || name.chars().any(char::is_control) {
        Some("holds a slash or a control character")
    } else if name.starts_with(['.', '_']) {
        Some("begins with a dot or an underscore, as those of files that are no plugins do")
    } else {
        None
    }
}

fn find(
    dir: &Path,
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
    files: &mut Vec<PathBuf>,
) -> Result<PluginManifest, Fault> {
    if let Some(wrong) = wrong_name(name) {
        let message = format!("the plugin's name \"{}\" {wrong}", crate::source_text::shown(name));
        return Err(Fault { message, help: "name it as its manifest, without .toml".into() });
    }
    // The program is started in this directory, so its name must mean the same from there.
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let path = dir.join(format!("{name}.toml"));
    files.push(path.clone());
    let bytes = bytes(&path, name)?;
    let manifest = settings::read(&dir, &path, &bytes, env)?;
    let programs = version::programs(&manifest);
    let version = version::of(&bytes, &programs);
    files.extend(programs);
    Ok(PluginManifest { version, ..manifest })
}

fn bytes(path: &Path, name: &str) -> Result<Vec<u8>, Fault> {
    let (place, name) = (shown(path), crate::source_text::shown(name));
    let unreadable = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            let message = format!("there is no manifest {place} of the plugin \"{name}\"");
            return Fault { message, help: "put it there; it says at least command = \"…\"".into() };
        }
        let message = format!("the manifest {place} cannot be read: {error}");
        Fault { message, help: "let the user that staithe runs as read it".into() }
    };
    // Asked before it is opened: a pipe would hold us up for ever.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let message = format!("the manifest {place} is no regular file");
        return Err(Fault { message, help: "put a TOML file there".into() });
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, SIZE_LIMIT + 1), &mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        let message = format!("the manifest {place} is larger than {SIZE_LIMIT} bytes");
        return Err(Fault { message, help: "it is no manifest of a plugin: put one there".into() });
    }
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    model::text::safe(path.as_os_str().as_encoded_bytes())
}
