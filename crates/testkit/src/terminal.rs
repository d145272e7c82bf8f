//! A program that believes it talks to a terminal.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A program whose standard streams are a pseudo-terminal. It is killed on drop.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts `command` on a new pseudo-terminal.
    #[must_use]
    pub fn spawn(command: &mut Command) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has pseudo-terminals");
        grantpt(&master).expect("a new terminal can be granted");
        unlockpt(&master).expect("a new terminal can be unlocked");
        let name = ptsname(&master, Vec::new()).expect("a terminal has a name");
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let open = || Stdio::from(OpenOptions::new().read(true).write(true).open(path).expect("it opens"));
        command.stdin(open()).stdout(open()).stderr(open()).env("TERM", "xterm-256color");
        let child = command.spawn().unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        // The command keeps our copies of the far end open until they are replaced.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || collect(master, &shared));
        Self { child, screen }
    }

    /// Every byte that the terminal has received so far.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads until the far end is closed by everyone, which Linux reports as an I/O error.
fn collect(master: OwnedFd, screen: &Mutex<Vec<u8>>) {
    let mut master = File::from(master);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        screen.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait::wait_until;

    #[test]
    fn the_program_sees_a_terminal() {
        let mut command = Command::new("sh");
        command.args(["-c", "test -t 0 && test -t 1 && printf 'yes\\033[0m'; sleep 100"]);
        let terminal = Terminal::spawn(&mut command);
        wait_until(Duration::from_secs(10), "the answer", || terminal.received() == b"yes\x1b[0m");
    }
}
