//! Copying between open files by the kernel.

use std::fs::File;
use std::ops::Range;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// Makes `to` refer to all the blocks of `from`. Many file systems cannot (`OPNOTSUPP`, `XDEV`, `INVAL`, `NOTTY`).
pub fn clone(from: &File, to: &File) -> Result<(), Errno> {
    rustix::fs::ioctl_ficlone(to, from)
}

/// Copies up to `length` bytes at the same offset in both files; answers how many. Not all pairs of file systems can
/// (`XDEV`, `OPNOTSUPP`, `INVAL`, `NOSYS`).
pub fn copy_range(from: &File, to: &File, offset: u64, length: usize) -> Result<usize, Errno> {
    let (mut there, mut here) = (offset, offset);
    rustix::fs::copy_file_range(from, Some(&mut there), to, Some(&mut here), length)
}

/// The next part at or after `offset` that is no hole; `None` when there is none. Where the file system does not know, all
/// up to the end. Moves the file's position.
pub fn next_data(file: &File, offset: u64, end: u64) -> Result<Option<Range<u64>>, Errno> {
    let start = match rustix::fs::seek(file, SeekFrom::Data(offset)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL) => return Ok((offset < end).then_some(offset..end)),
        Err(errno) => return Err(errno),
    };
    let stop = match rustix::fs::seek(file, SeekFrom::Hole(start)) {
        // It was cut off meanwhile.
        Err(Errno::NXIO) => return Ok(None),
        stop => stop?,
    };
    let part = start..stop.min(end);
    Ok((!part.is_empty()).then_some(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt as _;

    #[test]
    fn data_is_found_between_holes() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let file = File::create_new(dir.path().join("f")).unwrap();
        file.set_len(16 << 20).unwrap();
        assert_eq!(next_data(&file, 0, 16 << 20).unwrap(), None);
        file.write_all_at(b"x", 4 << 20).unwrap();
        let found = next_data(&file, 0, 16 << 20).unwrap().unwrap();
        assert!(found.contains(&(4 << 20)) && found.end - found.start <= 2 << 20, "{found:?}");
        assert_eq!(next_data(&file, found.end, 16 << 20).unwrap(), None);
    }
}
