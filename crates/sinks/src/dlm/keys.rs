//! The key with which the services' rclone logs in to this host.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;

/// The account of the original's container, whose key file is kept equal to root's.
const SERVICE_HOME: &str = "/home/ska-dlm/.ssh";
const SERVICE_USER: &str = "ska-dlm";

/// Adds the key to the file unless it is there; `always`: also if it is.
pub(crate) fn authorize(file: &Path, key: &str, always: bool) -> io::Result<()> {
    let key = key.trim();
    if key.is_empty() || key.contains('\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the services' answer is not one key"));
    }
    if !always && holds(file, key)? {
        return Ok(());
    }
    if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir_all(dir)?;
    }
    let mut out = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    out.write_all(format!("\n{key}\n").as_bytes())
}

fn holds(file: &Path, key: &str) -> io::Result<bool> {
    match fs::read(file) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).lines().any(|line| line.trim() == key)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// In the original's container the services log in as another user than the one that runs the watcher.
pub(crate) fn share(file: &Path, user: &str) -> io::Result<()> {
    let home = Path::new(SERVICE_HOME);
    if !(matches!(user, "root" | SERVICE_USER) && home.is_dir()) || file.starts_with(home) {
        return Ok(());
    }
    let copy = home.join("authorized_keys");
    fs::copy(file, &copy)?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600))?;
    let accounts = fs::read_to_string("/etc/passwd")?;
    let (uid, gid) = ids(&accounts, SERVICE_USER)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no user ska-dlm"))?;
    chown(&copy, Some(uid), Some(gid))
}

fn ids(accounts: &str, user: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_key_is_added_once_and_in_strict_mode_each_time() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join(".ssh/authorized_keys");
        authorize(&file, "ssh-rsa AAA x\n", false).unwrap();
        authorize(&file, "ssh-rsa AAA x", false).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "\nssh-rsa AAA x\n");
        authorize(&file, "ssh-rsa AAA x", true).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "\nssh-rsa AAA x\n\nssh-rsa AAA x\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(authorize(&file, "two\nlines", false).is_err());
    }

    #[test]
    fn accounts_are_found_by_name() {
        let accounts = "root:x:0:0:r:/root:/bin/sh\nska-dlm:x:1000:1001::/home/ska-dlm:/bin/sh\n";
        assert_eq!(ids(accounts, "ska-dlm"), Some((1000, 1001)));
        assert_eq!(ids(accounts, "ska"), None);
    }
}
