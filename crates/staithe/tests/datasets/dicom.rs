//! DICOM files by hand: as much of them as tells which series they are of.

/// A data element with a text, explicit VR little endian.
fn element(tag: (u16, u16), vr: [u8; 2], value: &str) -> Vec<u8> {
    let mut value = value.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == *b"UI" { 0 } else { b' ' });
    }
    let mut out = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    out.extend(vr);
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    out
}

/// An image: preamble, file meta group, a few elements, and pixels that nobody looks at.
pub(crate) fn image(study: &str, series: &str, number: usize) -> Vec<u8> {
    let syntax = element((2, 0x10), *b"UI", "1.2.840.10008.1.2.1");
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    // The length of the group, as a number.
    out.extend([2, 0, 0, 0, b'U', b'L', 4, 0]);
    out.extend((syntax.len() as u32).to_le_bytes());
    out.extend(syntax);
    out.extend(element((0x08, 0x18), *b"UI", &format!("{series}.{number}")));
    out.extend(element((0x10, 0x10), *b"PN", "Nobody^Knows"));
    out.extend(element((0x20, 0x0d), *b"UI", study));
    out.extend(element((0x20, 0x0e), *b"UI", series));
    out.extend(element((0x20, 0x13), *b"IS", &number.to_string()));
    out.extend([0xe0, 0x7f, 0x10, 0x00, b'O', b'W', 0, 0]);
    let pixels = vec![number as u8; 200];
    out.extend((pixels.len() as u32).to_le_bytes());
    out.extend(pixels);
    out
}
