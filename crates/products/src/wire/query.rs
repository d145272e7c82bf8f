//! Percent-encoding of query values.

/// `value` as it stands in a query: UTF-8, everything escaped but letters, digits and `_.-~/`.
#[must_use]
pub fn percent_encode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for &byte in value.as_bytes() {
        let stays = byte.is_ascii_alphanumeric() || b"_.-~/".contains(&byte);
        if stays {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
    }
    out
}

fn hex_digit(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'A' + value - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_bytes_and_the_slash_stay() {
        assert_eq!(percent_encode("a b&c=d+e%f#g?h"), "a%20b%26c%3Dd%2Be%25f%23g%3Fh");
        assert_eq!(percent_encode("ü√"), "%C3%BC%E2%88%9A");
        assert_eq!(percent_encode("new\nline quote\"s'"), "new%0Aline%20quote%22s%27");
        assert_eq!(percent_encode("dp/A-z_0.9~/:@"), "dp/A-z_0.9~/%3A%40");
    }
}
