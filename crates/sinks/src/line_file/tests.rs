use std::fs;
use std::io::{self, Write};

use config::Format;
use tempfile::TempDir;

use super::*;
use crate::samples::batch;

/// The disk is full after so many bytes.
struct Narrow<'f>(&'f File, usize);

impl Write for Narrow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.1);
        self.1 -= count;
        if count == 0 { Err(io::Error::from_raw_os_error(28)) } else { self.0.write(&bytes[..count]) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LineFile {
    /// As [`LineFile::append`] on a disk with room for so many bytes.
    fn break_off(&mut self, lines: &Lines, room: usize) {
        self.ready().unwrap();
        let open = self.open.as_mut().unwrap();
        assert!(self.writer.write(&mut Narrow(&open.file, room), lines).error.is_some());
        open.broken_at = open.file.metadata().unwrap().len();
    }
}

fn lines(first: u64, count: u64) -> Lines {
    Lines::of(&Format::CloudEvents, &batch(first, count))
}

fn written(dir: &TempDir) -> Vec<String> {
    fs::read_to_string(dir.path().join("e")).unwrap().lines().map(str::to_owned).collect()
}

fn expected(first: u64, count: u64) -> Vec<String> {
    batch(first, count).iter().map(|event| String::from_utf8(event.event.line(1)).unwrap()).collect()
}

#[test]
fn a_broken_line_is_completed_where_nobody_came_between() {
    let dir = TempDir::new().unwrap();
    let mut file = LineFile::new(dir.path().join("e"));
    file.break_off(&lines(1, 2), 20);
    assert_eq!(file.append(&lines(1, 2)).unwrap(), 2);
    assert_eq!(written(&dir), expected(1, 2));
}

/// The other one ends the broken line; it is repeated whole, not continued in the wrong place.
#[test]
fn what_follows_a_broken_line_of_another_is_whole() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("e");
    let (mut one, mut two) = (LineFile::new(path.clone()), LineFile::new(path));
    one.break_off(&lines(1, 1), 20);
    assert_eq!(two.append(&lines(7, 1)).unwrap(), 1);
    assert_eq!(one.append(&lines(1, 1)).unwrap(), 1);
    let whole = expected(1, 1);
    let all = [vec![whole[0][..20].to_owned()], expected(7, 1), whole].concat();
    assert_eq!(written(&dir), all);
}

#[test]
fn a_broken_line_in_a_file_that_was_rotated_is_completed_there() {
    let dir = TempDir::new().unwrap();
    let mut file = LineFile::new(dir.path().join("e"));
    file.break_off(&lines(1, 1), 20);
    fs::rename(dir.path().join("e"), dir.path().join("e.1")).unwrap();
    assert_eq!(file.append(&lines(1, 1)).unwrap(), 1);
    assert_eq!(written(&dir), expected(1, 1));
    let old = fs::read_to_string(dir.path().join("e.1")).unwrap();
    assert_eq!(old.lines().collect::<Vec<_>>(), expected(1, 1));
}

#[test]
fn a_lock_that_is_never_given_back_delays_and_does_not_stop() {
    let dir = TempDir::new().unwrap();
    let mut file = LineFile::new(dir.path().join("e"));
    file.ready().unwrap();
    let other = File::open(dir.path().join("e")).unwrap();
    flock(&other, FlockOperation::LockShared).unwrap();
    assert_eq!(file.append(&lines(1, 3)).unwrap(), 3);
    assert_eq!(written(&dir), expected(1, 3));
}
