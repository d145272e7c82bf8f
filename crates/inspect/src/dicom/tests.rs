use std::io::Cursor;

use super::*;

fn read(bytes: &[u8]) -> Result<DicomHeader, &'static str> {
    header(Source::new(Cursor::new(bytes), bytes.len() as u64)).map_err(|trouble| match trouble {
        Trouble::Form(what) => what,
        Trouble::Cut(_) => CUT,
        Trouble::Stopped => panic!("nobody said so"),
        Trouble::Disk(error) => panic!("{error}"),
    })
}

/// An element without a type.
fn implicit((group, number): Tag, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u32).to_le_bytes();
    [&group.to_le_bytes()[..], &number.to_le_bytes(), &length, value].concat()
}

/// An element with a type of short values.
fn explicit((group, number): Tag, vr: &[u8], value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u16).to_le_bytes();
    [&group.to_le_bytes()[..], &number.to_le_bytes(), vr, &length, value].concat()
}

fn delimiter(tag: Tag, length: u32) -> Vec<u8> {
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), &length.to_le_bytes()].concat()
}

fn plain_implicit() -> Vec<u8> {
    [
        implicit((8, 5), b"ISO_IR 100"),
        implicit(SOP, b"1.2.3.4\0"),
        implicit((8, 0x1140), &[delimiter((0xfffe, 0xe000), 8), delimiter(STUDY, 0)].concat()),
        implicit((0x10, 0x10), b"Doe^J "),
        implicit(STUDY, b"1.2.3\0"),
        implicit(SERIES, b"1.2.3.9 "),
        implicit(INSTANCES_IN_STUDY, b" 120"),
        implicit(SLICES, &40_u16.to_le_bytes()),
        implicit(TIME_SLICES, &3_u16.to_le_bytes()),
        implicit((0x7fe0, 0x10), &[0; 64]),
    ]
    .concat()
}

fn expected() -> DicomHeader {
    DicomHeader {
        study: Some("1.2.3".to_owned()),
        series: Some("1.2.3.9".to_owned()),
        sop: Some("1.2.3.4".to_owned()),
        expected_in_series: Some(120),
        expected_in_study: Some(120),
    }
}

#[test]
fn a_data_set_without_preamble_and_file_meta_group() {
    assert_eq!(read(&plain_implicit()), Ok(expected()));
    let set = [explicit(SOP, b"UI", b"1.2.3.4\0"), explicit(STUDY, b"UI", b"1.2.3\0")].concat();
    assert_eq!(read(&set).unwrap().study, expected().study);
}

#[test]
fn with_a_file_meta_group_but_without_preamble_or_group_length() {
    let meta = explicit(TRANSFER_SYNTAX, b"UI", b"1.2.840.10008.1.2\0");
    for front in [&b""[..], b"DICM", &[&[0; 128][..], b"DICM"].concat()] {
        let file = [front, &meta, &plain_implicit()].concat();
        assert_eq!(read(&file), Ok(expected()), "{} bytes in front", front.len());
    }
}

#[test]
fn a_file_meta_group_that_is_wrong_is_not_believed() {
    let meta = explicit(TRANSFER_SYNTAX, b"UI", b"1.2.840.10008.1.2.1\0");
    assert_eq!(read(&[meta, plain_implicit()].concat()), Ok(expected()));
}

#[test]
fn nested_data_sets_are_passed_over_however_they_end() {
    let inner = explicit(STUDY, b"UI", b"9.9.9\0");
    let whole = (0xfffe, 0xe000);
    let (item_end, end) = (delimiter((0xfffe, 0xe00d), 0), delimiter((0xfffe, 0xe0dd), 0));
    let sequence = |vr: &[u8], inner: &[u8]| {
        let head = [&[8, 0, 0x40, 0x11][..], vr, &[0, 0], &UNDEFINED_LENGTH.to_le_bytes()].concat();
        [&head, inner, &end].concat()
    };
    let undefined = [delimiter(whole, UNDEFINED_LENGTH), inner.clone(), item_end.clone()].concat();
    let defined = [delimiter(whole, inner.len() as u32), inner].concat();
    // What has no known type is written without types.
    let untyped =
        [delimiter(whole, UNDEFINED_LENGTH), implicit(STUDY, b"9.9.9\0"), item_end.clone()].concat();
    let nested = [delimiter(whole, UNDEFINED_LENGTH), sequence(b"SQ", &undefined), item_end].concat();
    for inside in [
        sequence(b"SQ", b""),
        sequence(b"SQ", &undefined),
        sequence(b"SQ", &defined),
        sequence(b"SQ", &[undefined.clone(), defined.clone()].concat()),
        sequence(b"UN", &untyped),
        sequence(b"SQ", &nested),
    ] {
        let file = [explicit(SOP, b"UI", b"1.2"), inside, explicit(STUDY, b"UI", b"1.2.3\0")].concat();
        assert_eq!(read(&file).unwrap().study, expected().study);
    }
}

const UNDEFINED_LENGTH: u32 = u32::MAX;

#[test]
fn a_sequence_of_sequences_without_end_is_damage() {
    let head = [&[8, 0, 0x40, 0x11][..], b"SQ\0\0", &UNDEFINED_LENGTH.to_le_bytes()].concat();
    let deeper = [head, delimiter((0xfffe, 0xe000), UNDEFINED_LENGTH)].concat();
    assert_eq!(read(&deeper.repeat(100_000)), Err("it is damaged"));
}

#[test]
fn a_length_that_is_a_lie_costs_nothing() {
    let file = [&[8, 0, 0x19, 1][..], b"UT\0\0", &0xffff_fff0_u32.to_le_bytes()].concat();
    assert_eq!(read(&file), Err("it is cut off"));
    let many = [explicit(SOP, b"UI", b"1.2"), explicit((8, 0x20), b"DA", b"").repeat(200_000)].concat();
    assert_eq!(read(&many), Err("it has too many elements"));
    let meta = [&[2, 0, 1, 0][..], b"UI\0\0"].concat();
    assert_eq!(read(&meta.repeat(200_000)), Err("its file meta group has no end"));
}

#[test]
fn other_files_are_none() {
    let zeros = vec![0; 1_000];
    for file in [&b""[..], b"DIC", b"hello, world\n", b"\x89PNG\r\n\x1a\n", &zeros, b"\x08\0"] {
        assert_eq!(read(file), Err("it is no DICOM file"), "{file:?}");
    }
    let deflated = explicit(TRANSFER_SYNTAX, b"UI", b"1.2.840.10008.1.2.1.99");
    assert_eq!(read(&[b"DICM", &deflated[..], b"xxx"].concat()), Err("its data set is deflated"));
}

#[test]
fn what_is_no_uid_and_no_count_is_nothing() {
    let long = [b"1.".repeat(32), b"1\0".to_vec()].concat();
    for wrong in [&b""[..], b"\0\0", b"  ", b"1.2.x", b"1.2\\3.4", b"../../etc", b"1.2 3", &long] {
        let file = [implicit(SOP, b"1.2\0"), implicit(STUDY, wrong)].concat();
        assert_eq!(read(&file).unwrap().study, None, "{wrong:?}");
    }
    let most = b"1".repeat(64);
    assert_eq!(uid(&most).unwrap().len(), 64);
    for (text, count) in [
        (&b"12"[..], Some(12)),
        (b" 12 ", Some(12)),
        (b"+7", Some(7)),
        (b"3\\9", Some(3)),
        (b"0", None),
        (b"-1", None),
        (b"1e3", None),
        (b"99999999", None),
        (b"99999999999999999999999", None),
        (b"", None),
    ] {
        assert_eq!(number(text), count, "{text:?}");
    }
}

#[test]
fn the_expected_count_is_the_first_that_is_whole() {
    let series = |elements: &[Vec<u8>]| {
        read(&[implicit(SOP, b"1.2\0"), elements.concat()].concat()).unwrap().expected_in_series
    };
    let cardiac = implicit(CARDIAC_IMAGES, b"25");
    let positions = implicit(TEMPORAL_POSITIONS, b"2 ");
    let images = implicit(IMAGES_IN_ACQUISITION, b"30");
    let stated = implicit(INSTANCES_IN_SERIES, b"77");
    let slices = implicit(SLICES, &10_u16.to_le_bytes());
    let times = implicit(TIME_SLICES, &4_u16.to_le_bytes());
    let all = [cardiac.clone(), positions, images.clone(), stated, slices.clone(), times];
    assert_eq!(series(&all), Some(77));
    let without = |left_out: &[usize]| {
        let kept = all.iter().enumerate().filter(|(at, _)| !left_out.contains(at));
        series(&kept.map(|(_, element)| element.clone()).collect::<Vec<_>>())
    };
    assert_eq!(without(&[3]), Some(60));
    assert_eq!(without(&[1, 3]), Some(40));
    assert_eq!(without(&[1, 3, 5]), Some(25));
    assert_eq!(series(&[images, slices]), None, "half a product is none");
}
