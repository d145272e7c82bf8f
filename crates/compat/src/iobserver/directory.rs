//! The plugin directory: `NAME.toml` is a plugin of ours, `NAME.py` one of the old program's.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use config::PluginManifest;
use model::text::safe;
use std::os::unix::ffi::OsStrExt as _;

/// No plugin is larger.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// Where plugins lie, and what runs the old ones.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    /// The directory.
    pub path: &'a Path,
    /// The program that runs an old plugin, for `python3`; nothing: old plugins cannot be run, only named.
    pub adapter: Option<&'a Path>,
}

/// A plugin that was looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// There is a manifest; it may be a bad one.
    Manifest(Result<PluginManifest, String>),
    /// There is an old plugin.
    Old(PluginManifest),
    /// There is an old plugin, and nothing to run it.
    OldUnrun(PathBuf),
    /// There is nothing of that name; the sentence says where it was looked for.
    Nothing(String),
}

impl Directory<'_> {
    /// Looks for a plugin.
    #[must_use]
    pub fn find(&self, name: &str) -> Found {
        if name.is_empty() || name.starts_with(['.', '_']) || name.contains(['/', '\0']) {
            return Found::Nothing(
                "this cannot be the name of a plugin. Fix: write the name of its file without .toml or .py; it begins \
                 with neither a dot nor an underscore"
                    .into(),
            );
        }
        if self.path.join(format!("{name}.toml")).symlink_metadata().is_ok() {
            return Found::Manifest(config::read_manifest(self.path, name));
        }
        let old = self.path.join(format!("{name}.py"));
        match (content(&old), self.adapter) {
            (Ok(_), Some(adapter)) => Found::Old(self.run_old(&old, adapter)),
            (Ok(_), None) => Found::OldUnrun(old),
            (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => Found::Nothing(format!(
                "there is neither {0}.toml nor {0}.py in {1}. Fix: put it there, or correct the name",
                safe(name.as_bytes()),
                shown(self.path)
            )),
            (Err(error), _) => Found::Nothing(format!(
                "{} cannot be read: {error}. Fix: make it a file that this user can read",
                shown(&old)
            )),
        }
    }

    /// Whether there is a file for that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !matches!(self.find(name), Found::Nothing(_))
    }

    fn run_old(&self, old: &Path, adapter: &Path) -> PluginManifest {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let word = |path: &Path| absolute(path).to_string_lossy().into_owned();
        // The adapter loads a changed plugin itself and keeps its cache; only a changed adapter is started anew.
        let hash = blake3::hash(&content(adapter).unwrap_or_default());
        let version = hash.as_bytes()[..8].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        PluginManifest {
            command: "python3".into(),
            args: vec![word(adapter), word(old)],
            env: Vec::new(),
            directory: absolute(self.path),
            memory: None,
            hello_within: PluginManifest::HELLO_WITHIN,
            ack_within: PluginManifest::ACK_WITHIN,
            window: PluginManifest::WINDOW,
            line_limit: PluginManifest::LINE_LIMIT,
            version,
        }
    }

    /// The files that decide which plugins there are and what they do: all manifests and old plugins, and the
    /// programs of the manifests where they are named by a path.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let Ok(listing) = std::fs::read_dir(self.path) else { return Vec::new() };
        let mut files = Vec::new();
        for entry in listing.flatten() {
            let name = entry.file_name();
            let (bytes, path) = (name.as_bytes(), entry.path());
            if bytes.starts_with(b".") || bytes.starts_with(b"_") {
                continue;
            }
            if let Some(plugin) = bytes.strip_suffix(b".toml").and_then(|stem| std::str::from_utf8(stem).ok())
            {
                files.extend(self.program_of(plugin));
                files.push(path);
            } else if bytes.ends_with(b".py") {
                files.push(path);
            }
        }
        files.sort();
        files.dedup();
        files
    }

    fn program_of(&self, plugin: &str) -> Option<PathBuf> {
        let manifest = config::read_manifest(self.path, plugin).ok()?;
        let named_by_path = manifest.command.as_os_str().as_bytes().contains(&b'/');
        Some(manifest.directory.join(&manifest.command)).filter(|path| named_by_path && path.exists())
    }
}

fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    // Asked before it is opened: a pipe would hold us up for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SIZE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    safe(path.as_os_str().as_bytes())
}
