//! The control socket: one JSON request a line, answered by data lines and one closing line.
//!
//! A data line begins with `=`; the rest is printed as it is, byte for byte. The closing line begins
//! with `.` (done) or `!` (failed), followed by one JSON object. A connection carries any number of
//! requests, one after the other; who says nothing for a while loses its place, unless it follows what happens. The
//! socket is for its owner only (mode 0600), and for root; who else comes to it is told so and not listened to.

mod answering;
mod wire;

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::engine::Engine;
pub use answering::{EXIT_FAILED, EXIT_NOTHING, EXIT_USAGE};
pub use wire::{Answer, Client};

/// What only the program around the engine can do.
pub trait Host: Send + Sync {
    /// Reads the configuration again and takes it over; the error is for a person.
    fn reload(&self) -> Result<Value, String>;

    /// How it stands with the configuration, for `status`; nothing where there is none to be read again.
    fn config(&self) -> Value {
        Value::Null
    }
}

/// A served socket; closed and removed when dropped.
pub struct Control {
    path: PathBuf,
    stop: Arc<AtomicBool>,
}

/// So many connections are served at a time; one more is closed at once.
const CONNECTIONS: usize = 64;

impl Control {
    /// Serves `engine` at `path`. A socket that nobody serves any more is replaced.
    pub fn serve(engine: Arc<Engine>, host: Arc<dyn Host>, path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::Builder::new()
            .name("staithe-control".into())
            .spawn(move || accept(&listener, &engine, &host, &stopped))?;
        Ok(Self { path: path.to_owned(), stop })
    }

    /// Where it is served.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the accepting thread.
        let _ = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => match UnixStream::connect(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon answers on this socket")),
            Err(_) => fs::remove_file(path),
        },
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket lies there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn accept(listener: &UnixListener, engine: &Arc<Engine>, host: &Arc<dyn Host>, stop: &AtomicBool) {
    let open = Arc::new(AtomicUsize::new(0));
    for connection in listener.incoming() {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let Ok(connection) = connection else { continue };
        if !is_ours(&connection) {
            let us = rustix::process::geteuid().as_raw();
            wire::refuse(
                &connection,
                format!("only user {us}, as whom the daemon runs, and root are served"),
            );
            continue;
        }
        if open.load(Ordering::Acquire) >= CONNECTIONS {
            wire::refuse(
                &connection,
                format!("{CONNECTIONS} clients are being served, and no more; try again"),
            );
            continue;
        }
        open.fetch_add(1, Ordering::AcqRel);
        let (engine, host, open_now) = (Arc::downgrade(engine), Arc::clone(host), Arc::clone(&open));
        let spawned = std::thread::Builder::new().name("staithe-client".into()).spawn(move || {
            // A client that goes away in the middle of an answer is nobody's trouble.
            let _ = answering::converse(&connection, &engine, host.as_ref());
            open_now.fetch_sub(1, Ordering::AcqRel);
        });
        if spawned.is_err() {
            open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Whether our own user or root is at the other end. The socket's mode says the same, but not in the moment before it is
/// set, nor where somebody has changed it since.
fn is_ours(connection: &UnixStream) -> bool {
    if switch::is_off("peer-credentials") {
        return true;
    }
    let us = rustix::process::geteuid().as_raw();
    sys::peer_user(connection).is_ok_and(|user| user == us || user == 0)
}
