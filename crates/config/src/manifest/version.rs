//! Which version of a plugin a manifest stands for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::plan::PluginManifest;

/// The files that are the plugin's program: the command where it is a path; else, where an interpreter is looked for
/// in `PATH`, the script that its first argument names which is no option.
pub(super) fn programs(manifest: &PluginManifest) -> Vec<PathBuf> {
    if is_path(&manifest.command) {
        return vec![manifest.command.clone()];
    }
    let script = manifest.args.iter().find(|arg| !arg.starts_with('-'));
    let script = script.map(|script| manifest.directory.join(script));
    // Other files that arguments name may be what the plugin writes.
    script.into_iter().filter(|script| script.is_file()).collect()
}

/// Whether the command is a path, and not looked for in `PATH`.
pub(super) fn is_path(command: &Path) -> bool {
    command.as_os_str().as_encoded_bytes().contains(&b'/')
}

/// A number that is another one when the manifest says something else, or a program is another file. It is only
/// compared with numbers of the same process.
pub(super) fn of(manifest: &[u8], programs: &[PathBuf]) -> u64 {
    // Its keys are fixed.
    let mut hasher = DefaultHasher::new();
    manifest.hash(&mut hasher);
    for program in programs {
        program.hash(&mut hasher);
        let identity = std::fs::metadata(program)
            .ok()
            .map(|meta| (meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()));
        identity.hash(&mut hasher);
    }
    hasher.finish()
}
