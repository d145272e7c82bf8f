//! Where the state directory and the socket are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A socket's path must fit into the kernel's structure, with its final zero.
const SOCKET_PATH: usize = 108;

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The state directory: as given, else from the environment, else the place that fits the user.
pub(crate) fn state_dir(given: Option<&Path>) -> PathBuf {
    if let Some(given) = given {
        return given.to_owned();
    }
    variable("STAITHE_STATE_DIR").or_else(systemd_state).unwrap_or_else(|| {
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/lib/staithe");
        }
        let home = || variable("HOME").unwrap_or_else(|| PathBuf::from("/")).join(".local/state");
        variable("XDG_STATE_HOME").unwrap_or_else(home).join("staithe")
    })
}

/// systemd may give several, separated by colons; the first is ours.
fn systemd_state() -> Option<PathBuf> {
    let given = variable("STATE_DIRECTORY")?;
    given
        .as_os_str()
        .as_bytes()
        .split(|&byte| byte == b':')
        .next()
        .map(|first| OsStr::from_bytes(first).into())
}

/// A drop-in's own place below the state directory, so that several run side by side.
pub(crate) fn compat_state_dir(given: Option<&Path>, kind: &str, configuration: &Path) -> PathBuf {
    given.map_or_else(
        || state_dir(None).join("compat").join(format!("{kind}-{}", short_hash(configuration))),
        Path::to_owned,
    )
}

/// The socket: as given, else from the environment, else in the state directory, unless the path
/// is too long for a socket.
pub(crate) fn socket(given: Option<&Path>, state_dir: &Path) -> PathBuf {
    if let Some(given) = given.map(Path::to_owned).or_else(|| variable("STAITHE_SOCKET")) {
        return given;
    }
    let absolute = std::path::absolute(state_dir).unwrap_or_else(|_| state_dir.to_owned());
    let usual = absolute.join("staithe.sock");
    if usual.as_os_str().len() < SOCKET_PATH {
        return usual;
    }
    let runtime = variable("XDG_RUNTIME_DIR").unwrap_or_else(|| PathBuf::from("/tmp"));
    runtime.join(format!("staithe-{}.sock", short_hash(&absolute)))
}

fn short_hash(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    blake3::hash(absolute.as_os_str().as_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_state_directory_gets_a_short_socket() {
        let long = PathBuf::from("/tmp").join("x".repeat(120));
        let socket = socket(None, &long);
        assert!(socket.as_os_str().len() < SOCKET_PATH, "{}", socket.display());
        assert_eq!(
            super::socket(None, Path::new("/var/lib/staithe")),
            Path::new("/var/lib/staithe/staithe.sock")
        );
    }
}
