//! DICOM headers: files written by `dicom-object`, whole and damaged.

use std::fs;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject, OpenFileOptions};
use inspect::{DicomHeader, InspectError, read_dicom};

use crate::dice::Dice;
use crate::tree::Tree;

const SYNTAXES: [&str; 4] =
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.70"];

fn text(tag: (u16, u16), vr: VR, text: &str) -> DataElement<InMemDicomObject> {
    DataElement::new(Tag(tag.0, tag.1), vr, PrimitiveValue::from(text))
}

/// An image with what is asked for and a good deal of other things before, between and in sequences.
fn image(dice: &mut Dice) -> InMemDicomObject {
    let mut elements = vec![
        text((0x8, 0x5), VR::CS, "ISO_IR 192"),
        text((0x8, 0x16), VR::UI, "1.2.840.10008.5.1.4.1.1.2"),
        text((0x8, 0x18), VR::UI, &format!("1.2.3.{}", dice.roll())),
        text((0x10, 0x10), VR::PN, "Müller^Jörg"),
        text((0x20, 0xd), VR::UI, &format!("1.2.{}", dice.roll())),
        text((0x20, 0xe), VR::UI, &format!("1.2.4.{}", dice.roll())),
        DataElement::new(Tag(0x28, 0x10), VR::US, PrimitiveValue::from(512_u16)),
        DataElement::new(Tag(0x54, 0x81), VR::US, PrimitiveValue::from(dice.below(100) as u16)),
        DataElement::new(Tag(0x54, 0x101), VR::US, PrimitiveValue::from(4_u16)),
        DataElement::new(Tag(0x7fe0, 0x10), VR::OW, PrimitiveValue::from(vec![7_u8; 4_096])),
    ];
    if dice.below(2) == 0 {
        elements.push(text((0x20, 0x1209), VR::IS, &dice.below(500).to_string()));
        elements.push(text((0x20, 0x1208), VR::IS, &dice.below(500).to_string()));
    }
    if dice.below(2) == 0 {
        let inner = InMemDicomObject::from_element_iter([
            text((0x20, 0xd), VR::UI, "9.9.9"),
            DataElement::new(
                Tag(0x8, 0x1140),
                VR::SQ,
                DataSetSequence::from(vec![InMemDicomObject::new_empty()]),
            ),
        ]);
        let items = DataSetSequence::from(vec![inner.clone(), inner]);
        elements.push(DataElement::new(Tag(0x8, 0x1110), VR::SQ, items));
    }
    if dice.below(2) == 0 {
        let large = PrimitiveValue::from(vec![1_u8; dice.below(60_000) * 2]);
        elements.push(text((0x9, 0x10), VR::LO, "SOMEBODY"));
        elements.push(DataElement::new(Tag(0x9, 0x1001), VR::UN, large));
    }
    InMemDicomObject::from_element_iter(elements)
}

fn written(image: InMemDicomObject, syntax: &str) -> Vec<u8> {
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2")
        .media_storage_sop_instance_uid("1.2.3");
    let mut bytes = Vec::new();
    image.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
    bytes
}

/// What `dicom-object` reads.
fn reference(bytes: &[u8]) -> DicomHeader {
    let read = OpenFileOptions::new().read_until(Tag(0x7fe0, 0x10)).from_reader(bytes).unwrap();
    let of = |group, number| read.get(Tag(group, number));
    let uid = |group, number| Some(of(group, number)?.to_str().unwrap().into_owned());
    let count = |group, number| of(group, number)?.to_int::<u64>().ok().filter(|&count| count > 0);
    let slices = || Some(count(0x54, 0x81)? * count(0x54, 0x101)?);
    DicomHeader {
        study: uid(0x20, 0xd),
        series: uid(0x20, 0xe),
        sop: uid(0x8, 0x18),
        expected_in_series: count(0x20, 0x1209).or_else(slices),
        expected_in_study: count(0x20, 0x1208),
    }
}

#[test]
fn what_dicom_object_writes_is_read_as_it_reads_it() {
    let tree = Tree::in_memory();
    for seed in 0..400 {
        let dice = &mut Dice(seed);
        let syntax = SYNTAXES[dice.below(SYNTAXES.len())];
        let bytes = written(image(dice), syntax);
        let expected = reference(&bytes);
        assert!(expected.study.is_some() && expected.series.is_some() && expected.sop.is_some());
        tree.write(b"series/image", &bytes);
        assert_eq!(read_dicom(&tree.root, b"series/image").unwrap(), expected, "seed {seed}, {syntax}");
        // Neither the preamble nor the pixels are needed.
        let pixels = bytes.len() - 4_096;
        tree.write(b"series/image", &bytes[128..pixels]);
        assert_eq!(read_dicom(&tree.root, b"series/image").unwrap(), expected, "seed {seed}, {syntax}");
    }
}

#[test]
fn damaged_and_cut_files_give_an_error_or_a_header_and_never_a_panic() {
    let tree = Tree::in_memory();
    let (mut read, mut refused) = (0, 0);
    for seed in 0..40 {
        let dice = &mut Dice(seed);
        let mut whole = written(image(dice), SYNTAXES[seed as usize % SYNTAXES.len()]);
        whole.truncate(whole.len().min(3_000));
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..dice.below(4) {
                let at = 128 + dice.below(bytes.len() - 128);
                bytes[at] =
                    if dice.below(2) == 0 { bytes[at] ^ (1 << dice.below(8)) } else { dice.roll() as u8 };
            }
            bytes.truncate(dice.below(bytes.len() * 2));
            tree.write(b"image", &bytes);
            match read_dicom(&tree.root, b"image") {
                Ok(header) => {
                    read += 1;
                    let uids = [&header.study, &header.series, &header.sop];
                    let plain = |uid: &String| {
                        uid.len() <= 64 && uid.bytes().all(|b| b == b'.' || b.is_ascii_digit())
                    };
                    assert!(uids.into_iter().flatten().all(plain), "{header:?}");
                }
                Err(InspectError::Header { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} were read and {refused} refused: one side is not tried");
}

#[test]
fn a_file_that_claims_four_gigabytes_takes_none() {
    let tree = Tree::in_memory();
    let mut bytes = written(InMemDicomObject::new_empty(), SYNTAXES[1]);
    bytes.extend_from_slice(b"\x08\0\x19\x01UT\0\0\xf0\xff\xff\xff");
    tree.write(b"image", &bytes);
    let error = read_dicom(&tree.root, b"image").unwrap_err();
    assert_eq!(error.to_string(), "read the header of `image`: it is cut off");
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 1_000_000, "{kilobytes} kB");
}

#[test]
fn what_is_no_file_below_the_root_is_not_opened() {
    let tree = Tree::in_memory();
    tree.write(b"image", &written(image(&mut Dice(1)), SYNTAXES[0]));
    std::os::unix::fs::symlink("image", tree.path(b"link")).unwrap();
    assert!(read_dicom(&tree.root, b"image").is_ok());
    for path in [&b"link"[..], b"../x", b"."] {
        let error = read_dicom(&tree.root, path).unwrap_err();
        assert!(matches!(error, InspectError::Open { .. }), "{path:?}: {error:?}");
    }
    assert!(matches!(read_dicom(&tree.root, b"none"), Err(InspectError::Absent { .. })));
}
