//! What can be wrong with a file that is written to, in sentences.

use std::io;
use std::path::Path;
use std::time::Duration;

use model::text::safe;
use rustix::io::Errno;
use std::os::unix::ffi::OsStrExt;

use crate::blocking::NoAnswer;
use crate::sink::Trouble;

/// Why lines could not be appended.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// The operating system said no.
    Io(io::Error),
    /// The path means a directory, a FIFO or a socket.
    NoFile,
    /// The directory takes no new file, in these words.
    Denied(String),
    /// A call did not come back within the sink's timeout.
    NoAnswer(NoAnswer, Duration),
}

const KEPT: &str = "nothing is lost, the events wait and are written when it works again";

impl FileFault {
    /// The sentence, and whether time or a person heals it.
    pub(crate) fn trouble(&self, path: &Path) -> Trouble {
        let path = safe(path.as_os_str().as_bytes());
        let error = match self {
            FileFault::Io(error) => error,
            FileFault::NoFile => {
                return Trouble::Misconfigured(format!(
                    "E-SINK-PATH: {path} is no regular file; {KEPT}. Fix: give the sink a path of its own"
                ));
            }
            FileFault::Denied(what) => return denied(&path, what),
            FileFault::NoAnswer(NoAnswer::NoThread, _) => {
                return Trouble::Down(format!(
                    "E-SINK-THREAD: the thread that writes {path} could not be started or has ended; {KEPT}. Fix: \
                     raise the limit of threads or tasks and reload"
                ));
            }
            FileFault::NoAnswer(NoAnswer::Late, limit) => {
                return Trouble::Down(format!(
                    "E-SINK-TIMEOUT: writing to {path} did not end within {limit:?} (a frozen or very slow file \
                     system); {KEPT}. Fix: look at the disk or the mount, or raise the sink's timeout"
                ));
            }
        };
        match Errno::from_io_error(error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Trouble::Down(format!(
                "E-SINK-DISK-FULL: cannot append to {path} ({error}); {KEPT}. Fix: free space there, or rotate the file away"
            )),
            Some(Errno::ROFS) => Trouble::Down(format!(
                "E-SINK-READONLY-FS: cannot append to {path}, its file system is read-only; {KEPT}. Fix: remount it writable"
            )),
            Some(Errno::ACCESS | Errno::PERM) => denied(&path, error),
            Some(
                Errno::EXIST
                | Errno::NOTDIR
                | Errno::ISDIR
                | Errno::LOOP
                | Errno::NAMETOOLONG
                | Errno::INVAL
                | Errno::NXIO,
            ) => Trouble::Misconfigured(format!(
                "E-SINK-PATH: cannot open {path} for appending ({error}); {KEPT}. Fix: correct the sink's path"
            )),
            _ => Trouble::Down(format!("E-SINK-FILE: cannot append to {path} ({error}); {KEPT}")),
        }
    }
}

fn denied(path: &str, what: &dyn std::fmt::Display) -> Trouble {
    Trouble::Misconfigured(format!(
        "E-SINK-PERM: cannot open {path} for appending ({what}); {KEPT}. Fix: let the user that runs staithe read and \
         write the file and search its directories"
    ))
}
