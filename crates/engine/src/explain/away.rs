//! Why nothing can be said of what lies at a place just now.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use model::text::safe;

use crate::standing::{SourceRow, SourceState};

/// What keeps `path`, below the source's directory `root`, from being seen, as a sentence.
pub(super) fn why_away(row: &SourceRow, root: &Path, path: &[u8]) -> Option<String> {
    let root = safe(root.as_os_str().as_bytes());
    match row.state {
        SourceState::Absent => return Some(format!("{root} is not there at the moment")),
        SourceState::Hidden => {
            return Some(format!("{root} is not what it was: a file system is not mounted, or hides it"));
        }
        SourceState::Failed => return Some("the source's thread has ended; restart the daemon".to_owned()),
        SourceState::Starting | SourceState::Ok | SourceState::Degraded => {}
    }
    let point = row.unmounted.iter().find(|point| is_below(path, point))?;
    Some(format!("the file system of {root}/{} is not mounted at the moment", safe(point)))
}

fn is_below(path: &[u8], point: &[u8]) -> bool {
    path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::Standing;

    #[test]
    fn only_what_cannot_be_seen_is_away() {
        let mut row = Standing::default().row();
        row.state = SourceState::Degraded;
        row.unmounted = vec![b"a/mnt".to_vec()];
        let away = |row: &SourceRow, path: &[u8]| why_away(row, Path::new("/data"), path);
        assert_eq!(away(&row, b"a/mntx"), None);
        assert!(away(&row, b"a/mnt/x").is_some_and(|text| text.contains("/data/a/mnt is not mounted")));
        row.state = SourceState::Absent;
        assert!(away(&row, b"b").is_some());
    }
}
