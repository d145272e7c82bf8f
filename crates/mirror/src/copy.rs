//! Copying a file's bytes by the cheapest means that works.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use sys::{Errno, copying};

use crate::answers::How;

/// So many bytes are copied between two questions whether to go on.
const STRETCH: usize = 8 << 20;
/// The buffer where the kernel does not copy.
const BUFFER: usize = 256 << 10;

/// Which means work between the two file systems. What was refused once is not tried again.
#[derive(Debug)]
pub(crate) struct Means {
    reflink: AtomicBool,
    kernel: AtomicBool,
}

impl Default for Means {
    fn default() -> Self {
        Self { reflink: AtomicBool::new(true), kernel: AtomicBool::new(true) }
    }
}

/// How a copy ended.
#[derive(Debug)]
pub(crate) enum Copied {
    /// All bytes are there.
    Whole(How),
    /// The source ended before its size.
    Short,
    /// `keep_going` said no.
    Stopped,
}

/// Whose call failed.
#[derive(Debug)]
pub(crate) enum Broken {
    Reading(Errno),
    Writing(Errno),
}

/// What is known to mean "not between these two", and no trouble with the file.
fn is_refusal(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::XDEV
            | Errno::OPNOTSUPP
            | Errno::INVAL
            | Errno::NOTTY
            | Errno::NOSYS
            | Errno::PERM
            | Errno::BADF
            | Errno::TXTBSY
    )
}

/// Copies the first `size` bytes of one open file to another, empty one. Holes stay holes.
pub(crate) fn content(
    from: &File,
    to: &File,
    size: u64,
    means: &Means,
    keep_going: &dyn Fn(u64) -> bool,
) -> Result<Copied, Broken> {
    if size > 0 && means.reflink.load(Ordering::Relaxed) {
        match copying::clone(from, to) {
            Ok(()) => return Ok(Copied::Whole(How::Reflink)),
            Err(errno) if is_refusal(errno) => means.reflink.store(false, Ordering::Relaxed),
            Err(errno) => return Err(Broken::Writing(errno)),
        }
    }
    let mut copy = Copy { from, to, means, keep_going, done: 0, how: How::Kernel };
    let mut offset = 0;
    while let Some(part) = copying::next_data(from, offset, size).map_err(Broken::Reading)? {
        if let Some(ended) = copy.part(part.start, part.end)? {
            return Ok(ended);
        }
        offset = part.end;
        if offset >= size {
            break;
        }
    }
    to.set_len(size).map_err(|error| Broken::Writing(errno_of(&error)))?;
    Ok(Copied::Whole(copy.how))
}

struct Copy<'a> {
    from: &'a File,
    to: &'a File,
    means: &'a Means,
    keep_going: &'a dyn Fn(u64) -> bool,
    done: u64,
    how: How,
}

impl Copy<'_> {
    /// Copies a part; answers how all ended, if it did not end well.
    fn part(&mut self, start: u64, end: u64) -> Result<Option<Copied>, Broken> {
        let mut offset = start;
        while offset < end {
            let length = usize::try_from(end - offset).map_or(STRETCH, |rest| rest.min(STRETCH));
            let count = self.stretch(offset, length)?;
            if count == 0 {
                return Ok(Some(Copied::Short));
            }
            offset += count as u64;
            self.done += count as u64;
            if offset < end && !(self.keep_going)(self.done) {
                return Ok(Some(Copied::Stopped));
            }
        }
        Ok(None)
    }

    fn stretch(&mut self, offset: u64, length: usize) -> Result<usize, Broken> {
        if self.means.kernel.load(Ordering::Relaxed) {
            match copying::copy_range(self.from, self.to, offset, length) {
                // Some file systems answer 0 for what they cannot copy; reading tells the truth.
                Ok(0) => return self.bytes(offset, length),
                Ok(count) => return Ok(count),
                Err(Errno::INTR) => return self.stretch(offset, length),
                Err(errno) if is_refusal(errno) => self.means.kernel.store(false, Ordering::Relaxed),
                // Whose fault it is is not told; reading and writing will show.
                Err(Errno::IO) => {}
                Err(errno) => return Err(Broken::Writing(errno)),
            }
        }
        self.bytes(offset, length)
    }

    fn bytes(&mut self, offset: u64, length: usize) -> Result<usize, Broken> {
        self.how = How::Bytes;
        let mut buffer = vec![0; length.min(BUFFER)];
        let mut done = 0;
        while done < length {
            let room = buffer.len().min(length - done);
            let at = offset + done as u64;
            let count = match self.from.read_at(&mut buffer[..room], at) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Reading(errno_of(&error))),
            };
            self.to.write_all_at(&buffer[..count], at).map_err(|error| Broken::Writing(errno_of(&error)))?;
            done += count;
        }
        Ok(done)
    }
}

pub(crate) fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn copied(place: &str, means: &Means, from: &File, size: u64) -> (Copied, File, tempfile::TempDir) {
        let dir = tempfile::tempdir_in(place).unwrap();
        let path = dir.path().join("to");
        let to = File::create_new(&path).unwrap();
        let ended = content(from, &to, size, means, &|_| true).unwrap();
        (ended, File::open(path).unwrap(), dir)
    }

    fn only_bytes() -> Means {
        Means { reflink: AtomicBool::new(false), kernel: AtomicBool::new(false) }
    }

    #[test]
    fn all_means_give_the_same_bytes_and_holes_stay_holes() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = dir.path().join("from");
        let from = File::create_new(&path).unwrap();
        let size = (24 << 20) + 7;
        from.set_len(size).unwrap();
        let text: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        for at in [0, (9 << 20) + 1, (22 << 20) - 3] {
            from.write_all_at(&text, at).unwrap();
        }
        let from = File::open(&path).unwrap();
        let wanted = std::fs::read(&path).unwrap();
        for (place, means) in
            [("/dev/shm", Means::default()), ("/dev/shm", only_bytes()), ("/var/tmp", Means::default())]
        {
            let (ended, to, dir) = copied(place, &means, &from, size);
            assert!(matches!(ended, Copied::Whole(_)), "{ended:?}");
            assert!(std::fs::read(dir.path().join("to")).unwrap() == wanted, "{place}");
            assert!(to.metadata().unwrap().blocks() * 512 < size / 2, "{place}");
        }
    }

    #[test]
    fn a_source_that_is_shorter_is_told() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        std::fs::write(dir.path().join("from"), b"four").unwrap();
        let from = File::open(dir.path().join("from")).unwrap();
        for means in [Means::default(), only_bytes()] {
            let mut copy = Vec::new();
            let to = File::create(dir.path().join("to")).unwrap();
            let from_end = Copy {
                from: &from,
                to: &to,
                means: &means,
                keep_going: &|_| true,
                done: 0,
                how: How::Kernel,
            }
            .part(0, 9)
            .unwrap();
            assert!(matches!(from_end, Some(Copied::Short)), "{from_end:?}");
            io::Read::read_to_end(&mut File::open(dir.path().join("to")).unwrap(), &mut copy).unwrap();
            assert_eq!(copy, b"four");
        }
    }

    #[test]
    fn it_ends_when_told_to() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        std::fs::write(dir.path().join("from"), vec![1; 3 * STRETCH]).unwrap();
        let from = File::open(dir.path().join("from")).unwrap();
        let to = File::create(dir.path().join("to")).unwrap();
        let ended = content(&from, &to, 3 * STRETCH as u64, &Means::default(), &|done| done < 1);
        assert!(matches!(ended, Ok(Copied::Stopped)), "{ended:?}");
    }
}
