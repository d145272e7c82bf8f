//! The services' public key for the user that they log in as.
//!
//! In the original's container the watcher is root and the services log in as `ska-dlm`: so the file that the key was
//! added to is copied into that user's home.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use compat::Environment;

/// Where that user's keys lie, if there is such a user.
const THEIRS: &str = "/home/ska-dlm/.ssh";

/// What is to be copied where, if anything.
pub(super) struct Sharing(Option<(PathBuf, PathBuf)>);

impl Sharing {
    /// As the original: for a watcher that is root or does not know who it is.
    pub(super) fn of(environment: &Environment, file: Option<PathBuf>) -> Self {
        let user = environment.get("USER");
        let wanted = matches!(user, None | Some("root")) && Path::new(THEIRS).is_dir();
        Self(file.filter(|_| wanted).map(|file| (file, THEIRS.into())))
    }

    /// Copies it. Gives what is to be said if that fails.
    pub(super) fn share(&self) -> Option<String> {
        let (file, directory) = self.0.as_ref()?;
        let error = copy(file, directory).err()?;
        Some(format!("cannot copy {} to {}: {error}", file.display(), directory.display()))
    }
}

/// Whoever reads it meets the old file or the new one, with the owner that sshd wants to see.
fn copy(file: &Path, directory: &Path) -> io::Result<()> {
    let (theirs, making) = (directory.join("authorized_keys"), directory.join(".authorized_keys.staithe"));
    if fs::canonicalize(file)? == fs::canonicalize(directory)?.join("authorized_keys") {
        return Ok(());
    }
    let owner = fs::metadata(directory)?;
    fs::write(&making, fs::read(file)?)?;
    fs::set_permissions(&making, fs::Permissions::from_mode(0o600))?;
    chown(&making, Some(owner.uid()), Some(owner.gid()))?;
    fs::rename(&making, &theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_belongs_to_the_directorys_owner_and_nobody_else_reads_it() {
        let scratch = testkit::Scratch::on_disk("keys");
        let (mine, theirs) = (scratch.folder("mine"), scratch.folder("theirs"));
        let file = mine.join("authorized_keys");
        fs::write(&file, "ssh-ed25519 AAAA\n").unwrap();
        fs::write(theirs.join("authorized_keys"), "old").unwrap();
        let sharing = Sharing(Some((file.clone(), theirs.clone())));
        assert_eq!(sharing.share(), None);
        let copied = theirs.join("authorized_keys");
        assert_eq!(fs::read_to_string(&copied).unwrap(), "ssh-ed25519 AAAA\n");
        let (is, of) = (fs::metadata(&copied).unwrap(), fs::metadata(&theirs).unwrap());
        assert_eq!((is.mode() & 0o777, is.uid(), is.gid()), (0o600, of.uid(), of.gid()));
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1, "nothing else is left");
        assert_eq!(Sharing(Some((file.clone(), mine))).share(), None, "it is the same file");
        fs::remove_file(&file).unwrap();
        assert!(sharing.share().unwrap().contains("cannot copy"));
        assert_eq!(Sharing(None).share(), None);
    }
}
