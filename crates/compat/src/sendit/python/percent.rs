//! `"redis://%s:%d/%d" % (host, port, db)`.

use super::value::Value;

/// A text with what stands for its `%s` and `%d`; nothing where anything else is asked for, or something is missing or
/// left over.
pub(super) fn filled(text: &[u8], given: &Value) -> Option<Vec<u8>> {
    let one = std::slice::from_ref(given);
    let mut values = match given {
        Value::Tuple(values) => values.iter(),
        _ => one.iter(),
    };
    let (mut out, mut rest) = (Vec::new(), text.iter());
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        match rest.next()? {
            b'%' => out.push(b'%'),
            b's' => out.extend_from_slice(&as_text(values.next()?)?),
            b'd' | b'i' => match values.next()? {
                Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
                _ => return None,
            },
            _ => return None,
        }
    }
    values.next().is_none().then_some(out)
}

/// What `str` makes of a value.
pub(super) fn as_text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Text(text) | Value::Path(text) => Some(text.clone()),
        Value::Integer(_) | Value::Flag(_) | Value::None => Some(value.shown().into_bytes()),
        _ => None,
    }
}
