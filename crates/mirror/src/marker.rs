//! The marker in the destination's root: whose mirror it is, and of which source.
//!
//! Five lines of text. Nothing is believed of it that is not needed: a marker that cannot be read is none.
//! ```text
//! staithe-mirror 1
//! name copy
//! source /data/stage1
//! inode 1311
//! birth 1763770000.123456789
//! ```

use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use sys::{Dir, Errno};

use crate::copy::errno_of;
use crate::options::MARKER;
use crate::root::Root;
use crate::temp::Temps;

/// A longer marker is none.
const LONGEST: u64 = 64 * 1024;
const FIRST_LINE: &[u8] = b"staithe-mirror 1";

/// What a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The mirror's name.
    pub(crate) name: Vec<u8>,
    /// The source's path, as configured. Only for people.
    pub(crate) source: Vec<u8>,
    /// The inode number of the source's root.
    pub(crate) inode: u64,
    /// When that was made, where the file system keeps it.
    pub(crate) birth: Option<(i64, u32)>,
}

impl Marker {
    /// That of a mirror of this source.
    pub(crate) fn of(name: &str, source: &Root) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            source: source.path.as_os_str().as_bytes().to_vec(),
            inode: source.identity.inode,
            birth: source.identity.birth,
        }
    }

    /// Whether it names this root.
    pub(crate) fn names(&self, source: &Root) -> bool {
        (self.inode, self.birth) == (source.identity.inode, source.identity.birth)
    }

    /// Reads the marker of a destination, if it has one that can be understood.
    pub(crate) fn read(destination: &Dir) -> Option<Self> {
        let mut bytes = Vec::new();
        destination.open_regular(MARKER).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
        Self::parse(&bytes)
    }

    /// Writes it: a temporary file takes the name when all is in it.
    pub(crate) fn write(&self, destination: &Dir, temps: &Temps) -> Result<(), Errno> {
        let (temp, mut file) = temps.make(destination, |temp| destination.make_file(temp))?;
        let written = file.write_all(&self.text()).and_then(|()| file.sync_all());
        let done = written
            .map_err(|error| errno_of(&error))
            .and_then(|()| sys::inode::set_mode(&file, 0o644))
            .and_then(|()| destination.rename(&temp, destination, MARKER));
        if done.is_err() {
            // What made it fail is told; a leftover is removed by the next comparison.
            let _ = destination.remove(&temp);
        }
        done.and_then(|()| destination.sync())
    }

    fn text(&self) -> Vec<u8> {
        let birth = self.birth.map_or("-".to_owned(), |(seconds, nano)| format!("{seconds}.{nano:09}"));
        let inode = self.inode.to_string();
        let mut text = [FIRST_LINE, b"\n"].concat();
        for (key, value) in [
            ("name", escaped(&self.name)),
            ("source", escaped(&self.source)),
            ("inode", inode.into()),
            ("birth", birth.into()),
        ] {
            text.extend([key.as_bytes(), b" ", &value, b"\n"].concat());
        }
        text
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|&byte| byte == b'\n');
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let mut value = |key: &[u8]| lines.next()?.strip_prefix(key)?.strip_prefix(b" ");
        let name = unescaped(value(b"name")?)?;
        let source = unescaped(value(b"source")?)?;
        let inode = std::str::from_utf8(value(b"inode")?).ok()?.parse().ok()?;
        let birth = match std::str::from_utf8(value(b"birth")?).ok()? {
            "-" => None,
            text => {
                let (seconds, nano) = text.split_once('.')?;
                Some((seconds.parse().ok()?, nano.parse().ok()?))
            }
        };
        Some(Self { name, source, inode, birth })
    }
}

/// Bytes that would end the line, and `%`, as `%` and two digits.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if byte < b' ' || byte == b'%' || byte == 0x7f {
            text.extend(format!("%{byte:02X}").into_bytes());
        } else {
            text.push(byte);
        }
    }
    text
}

fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_as_it_was_written() {
        let marker = Marker {
            name: b"a b%\n".to_vec(),
            source: b"/data/\xff\x01".to_vec(),
            inode: 7,
            birth: Some((-3, 5)),
        };
        let text = marker.text();
        let line = b"staithe-mirror 1\nname a b%25%0A\nsource /data/\xff%01\ninode 7\nbirth -3.000000005\n";
        assert_eq!(text, line);
        assert_eq!(Marker::parse(&text), Some(marker.clone()));
        let unborn = Marker { birth: None, ..marker };
        assert_eq!(Marker::parse(&unborn.text()), Some(unborn));
    }

    #[test]
    fn what_is_no_marker_is_none() {
        let good = b"staithe-mirror 1\nname a\nsource /b\ninode 7\nbirth -\n";
        assert!(Marker::parse(good).is_some());
        for at in 0..good.len() - 1 {
            assert_eq!(Marker::parse(&good[..at]), None, "cut off at {at}");
        }
        for bad in
            [&b"staithe-mirror 2\nname a\nsource /b\ninode 7\nbirth -\n"[..], b"name", b"%", b"\xff\xff"]
        {
            assert_eq!(Marker::parse(bad), None);
        }
        assert_eq!(Marker::parse(b"staithe-mirror 1\nname %4\nsource /b\ninode 7\nbirth -\n"), None);
    }
}
