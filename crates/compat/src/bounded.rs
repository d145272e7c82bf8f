//! Reading configurations that may be anything.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

/// What a file holds, if that is no more than `limit` bytes. What has no end, as a device, is not read to it.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let limit = if switch::is_off("size-limits") { u64::MAX - 1 } else { limit };
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Error::other(format!("it is larger than {limit} bytes, which no configuration is")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, b"four").unwrap();
        assert_eq!(read(&file, 4).unwrap(), b"four");
        assert!(read(&file, 3).unwrap_err().to_string().contains("larger than 3 bytes"));
        assert!(read(Path::new("/dev/zero"), 3).is_err());
        assert!(read(&dir.path().join("none"), 3).is_err());
    }
}
