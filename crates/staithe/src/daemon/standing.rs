//! What a daemon holds while it runs.

use super::files::{Files, warning};
use super::inside::is_inside;
use super::logs::Logs;
use super::pid_file::PidFile;
use crate::log;

/// The lock of the pid file, and the logs. When it is dropped the pid file goes.
#[derive(Debug)]
pub(crate) struct Standing {
    files: Files,
    pid_file: PidFile,
}

impl Standing {
    /// Takes the lock, or fails with who has it. Also for a process in the foreground, whose output stays where it is.
    pub(crate) fn take_up(files: &Files) -> anyhow::Result<Self> {
        let (pid_file, moved) = PidFile::lock(&files.pid_file)?;
        // The parent of a daemon has said it already.
        if !is_inside()
            && let Some(text) = moved.and_then(|moved| warning(&[moved]))
        {
            log::warning(&text);
        }
        Ok(Self { files: files.clone(), pid_file })
    }

    /// Where the pid file is.
    pub(crate) fn pid_file(&self) -> &std::path::Path {
        self.pid_file.path()
    }

    /// Opens the logs anew: whoever rotates them has moved them away. Where that fails, they stay what they are.
    pub(crate) fn reopen_logs(&self) {
        if !is_inside() {
            return;
        }
        let done = Logs::open(&self.files).and_then(|logs| logs.put_in_place().map(|()| logs.moved));
        match done.map(|moved| warning(&moved)) {
            Ok(None) => {}
            Ok(Some(text)) => log::warning(&text),
            Err(error) => log::warning(&format!("failed to {error}; the log goes on where it was")),
        }
    }
}
