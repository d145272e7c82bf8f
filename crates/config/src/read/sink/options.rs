//! What a plugin is told: a table of the configuration as a JSON object.

use toml::de::DeValue;

use crate::fields::{Report, Value};

/// No options.
pub(super) const NONE: &str = "{}";

/// How deep lists and tables may lie in one another.
pub(super) const DEPTH_LIMIT: usize = 16;

pub(super) const EXPECTED: &str = "a text, a number, a flag, a list or a table";

pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    value.table(report)?;
    let mut out = Vec::new();
    push(&mut out, value, 0, report)?;
    String::from_utf8(out).ok()
}

/// Appends the value; what cannot be written is reported, and then there is nothing to use.
fn push(out: &mut Vec<u8>, value: &Value<'_>, depth: usize, report: &mut Report<'_>) -> Option<()> {
    if depth > DEPTH_LIMIT {
        let message = format!("options nest deeper than {DEPTH_LIMIT}");
        report.error(&value.place, message, None);
        return None;
    }
    let file = value.place.file;
    match value.value {
        DeValue::String(_) => model::text::push_json_str(out, &value.text(report, EXPECTED)?.value),
        DeValue::Boolean(flag) => out.extend_from_slice(flag.to_string().as_bytes()),
        DeValue::Integer(_) => out.extend_from_slice(integer(value, report)?.to_string().as_bytes()),
        // As short as it can be without being another number, and never without a point or an exponent.
        DeValue::Float(_) => out.extend_from_slice(format!("{:?}", float(value, report)?).as_bytes()),
        DeValue::Datetime(_) => {
            value.mismatch(report, EXPECTED, "write it in quotes".to_owned());
            return None;
        }
        DeValue::Array(_) => {
            let values = value.list(report)?;
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                separate(out, at);
                push(out, value, depth + 1, report)?;
            }
            out.push(b']');
        }
        DeValue::Table(table) => {
            out.push(b'{');
            for (at, (key, value)) in table.iter().enumerate() {
                separate(out, at);
                model::text::push_json_str(out, key.get_ref());
                out.push(b':');
                push(out, &Value::of(value, file), depth + 1, report)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

pub(super) fn integer(value: &Value<'_>, report: &mut Report<'_>) -> Option<i64> {
    let number = value.value.as_integer()?;
    let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
    if parsed.is_none() {
        report.error(&value.place, "this number is too large", Some("write it in quotes".to_owned()));
    }
    parsed
}

pub(super) fn float(value: &Value<'_>, report: &mut Report<'_>) -> Option<f64> {
    let number: Option<f64> = value.value.as_float()?.as_str().parse().ok();
    let finite = number.filter(|number| number.is_finite());
    if finite.is_none() {
        report.error(&value.place, "JSON has no such number", Some("write it in quotes".to_owned()));
    }
    finite
}
