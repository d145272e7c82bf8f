use std::io::{Cursor, Result as IoResult, SeekFrom};

use super::*;

/// Written by pydicom; `tests/dicom/make.py` made them.
const FILES: [(&str, &[u8]); 5] = [
    ("explicit.dcm", include_bytes!("../../../tests/dicom/explicit.dcm")),
    ("implicit.dcm", include_bytes!("../../../tests/dicom/implicit.dcm")),
    ("big.dcm", include_bytes!("../../../tests/dicom/big.dcm")),
    ("rle.dcm", include_bytes!("../../../tests/dicom/rle.dcm")),
    ("fragments.dcm", include_bytes!("../../../tests/dicom/fragments.dcm")),
];
const DEFLATED: &[u8] = include_bytes!("../../../tests/dicom/deflated.dcm");
/// Where pydicom sees their elements end.
const ENDS: &str = include_str!("../../../tests/dicom/ends.txt");

/// A file that counts what is asked of it, and has nothing behind its end.
struct Counting<'a> {
    bytes: Cursor<&'a [u8]>,
    calls: u32,
}

impl Read for Counting<'_> {
    fn read(&mut self, into: &mut [u8]) -> IoResult<usize> {
        self.calls += 1;
        self.bytes.read(into)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.calls += 1;
        let at = self.bytes.seek(to)?;
        assert!(at <= self.bytes.get_ref().len() as u64, "it seeks behind the end");
        Ok(at)
    }
}

/// What the file lacks; and in how many calls that was found out.
fn found(bytes: &[u8], named: bool) -> (Result<Option<u64>, &'static str>, u32) {
    let file = Counting { bytes: Cursor::new(bytes), calls: 0 };
    let mut source = Source::new(file, bytes.len() as u64);
    let lacks = lacks(&mut source, named, &|| false).map_err(|trouble| match trouble {
        Trouble::Form(what) => what,
        Trouble::Cut(_) => "it is cut off",
        Trouble::Stopped => panic!("nobody said so"),
        Trouble::Disk(error) => panic!("{error}"),
    });
    (lacks, source.into_inner().calls)
}

fn missing(bytes: &[u8]) -> Option<u64> {
    found(bytes, false).0.unwrap_or(None)
}

fn ends(name: &str) -> Vec<usize> {
    let line = ENDS.lines().find_map(|line| line.strip_prefix(name)).expect("each file has a line");
    line.split_whitespace().map(|end| end.parse().expect("a number")).collect()
}

#[test]
fn cut_at_any_byte_but_between_elements_a_file_is_not_whole() {
    for (name, whole) in FILES {
        let ends = ends(name);
        assert_eq!((missing(whole), ends.last()), (None, Some(&whole.len())), "{name}");
        assert!(ends.len() > 12, "{name}");
        for length in 1..whole.len() {
            let lacks = missing(&whole[..length]);
            let really = (whole.len() - length) as u64;
            if ends.contains(&length) {
                assert_eq!(lacks, None, "{name}: nothing tells that something follows byte {length}");
            } else {
                assert!(
                    lacks.is_some_and(|lacks| (1..=really).contains(&lacks)),
                    "{name}, {length}: {lacks:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_missing_of_the_pixels_is_counted() {
    for (name, whole) in FILES {
        // The last of it: values, pieces of pixels with their delimiter, or a filler.
        let lacks = missing(&whole[..whole.len() - 9]);
        assert_eq!(lacks, Some(9), "{name}");
    }
}

#[test]
fn without_preamble_the_uids_tell_what_it_is() {
    for (name, whole) in FILES {
        let bare = &whole[132..];
        assert_eq!(missing(bare), None, "{name}");
        assert_eq!(missing(&bare[..bare.len() - 9]), Some(9), "{name}");
        assert_eq!(missing(&whole[128..whole.len() - 9]), Some(9), "{name}");
    }
}

#[test]
fn of_a_deflated_file_only_its_beginning_is_known() {
    let set = DEFLATED.len() - 200;
    for length in set..=DEFLATED.len() {
        assert_eq!(missing(&DEFLATED[..length]), None, "{length}");
    }
    assert_eq!(missing(&DEFLATED[..200]).map(|lacks| lacks > 0), Some(true));
}

#[test]
fn other_files_are_whole() {
    let text = b"hello, world\n".repeat(40);
    let like = [&b"\x08\0\x10\0\xff\xff\xff\x7f"[..], &text].concat();
    let zeros = vec![0; 1_000];
    let files =
        [&b""[..], b"x", b"hello, world\n", &text, &like, &zeros, b"\x89PNG\r\n\x1a\n", b"DICTIONARY"];
    for file in files {
        assert_eq!(missing(file), None, "{file:?}");
    }
}

#[test]
fn what_is_too_short_for_any_says_so_by_its_name_or_its_zeros() {
    let lacks = |bytes: &[u8], named| found(bytes, named).0.unwrap_or(None);
    assert_eq!((lacks(b"", true), lacks(b"", false)), (Some(132), None));
    assert_eq!((lacks(b"II*\0", true), lacks(b"II*\0", false)), (Some(128), None));
    assert_eq!(lacks(&[0; 100], false), Some(32));
    assert_eq!(lacks(&[&[0; 128][..], b"DI"].concat(), false), Some(2));
    assert_eq!(lacks(&[&[0; 128][..], b"DICM"].concat(), false), Some(8));
    assert!(is_named_dicom(b"x.DCM") && is_named_dicom(b"a.b.dicom"));
    assert!(!is_named_dicom(b"dcm") && !is_named_dicom(b"x.dcm.txt") && !is_named_dicom(b""));
}

#[test]
fn what_is_hung_on_behind_the_last_element_is_none() {
    for (name, whole) in FILES {
        for more in [&[0; 2][..], &[0; 3], &[0; 7], &[0; 512]] {
            assert_eq!(missing(&[whole, more].concat()), None, "{name} and {} zeros", more.len());
        }
    }
}

/// Numbers that look like chance and are the same on every day.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 24) as usize % limit
    }
}

#[test]
fn a_hundred_thousand_mutations_cost_little_and_never_panic() {
    let chance = &mut Chance(0x9e37_79b9_7f4a_7c15);
    let (mut whole, mut short, mut unknown) = (0, 0, 0);
    for round in 0..100_000 {
        let mut bytes = FILES[round % FILES.len()].1.to_vec();
        for _ in 0..=chance.below(4) {
            let at = 128 + chance.below(bytes.len() - 128);
            bytes[at] = [0, 0xff, bytes[at] ^ 1, chance.below(256) as u8][chance.below(4)];
        }
        if chance.below(3) == 0 {
            bytes.truncate(chance.below(bytes.len()) + 1);
        }
        let (lacks, calls) = found(&bytes, false);
        assert!(calls < 400, "{calls} calls for {} bytes", bytes.len());
        match lacks {
            Ok(None) => whole += 1,
            Ok(Some(_)) => short += 1,
            Err(_) => unknown += 1,
        }
    }
    let few = [whole, short, unknown].into_iter().min();
    assert!(few > Some(5_000), "{whole} whole, {short} short, {unknown} unknown: one side is not tried");
}
