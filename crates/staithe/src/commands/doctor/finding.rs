//! What the doctor found: one code, one sentence, one fix.

use serde_json::{Value, json};

use crate::show::{self, paint};

/// One thing that was looked at. The codes are stable; the guide lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    /// Whether it can stay as it is.
    pub(super) ok: bool,
    /// What is so, and what it means for the data.
    pub(super) text: String,
    /// What to do, as exactly as can be said; what is well may still have a way to be better.
    pub(super) fix: Option<String>,
    /// The source that it is about.
    pub(super) source: Option<String>,
}

/// All is well.
pub(super) fn good(code: &'static str, text: impl Into<String>) -> Finding {
    Finding { code, ok: true, text: text.into(), fix: None, source: None }
}

/// Nothing is lost and nothing is broken, but it should be known.
pub(super) fn note(code: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { fix: Some(fix.into()), ..good(code, text) }
}

/// Somebody should do something.
pub(super) fn bad(code: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { ok: false, ..note(code, text, fix) }
}

impl Finding {
    /// The same, about a source.
    pub(super) fn of(self, source: &str) -> Self {
        Self { source: Some(source.to_owned()), ..self }
    }

    pub(super) fn value(&self) -> Value {
        let mut value = json!({"code": self.code, "ok": self.ok, "text": self.text, "fix": self.fix});
        if let Some(source) = &self.source {
            value["source"] = source.as_str().into();
        }
        value
    }

    /// A line, and a second one with the fix.
    pub(super) fn page(&self) -> String {
        let colour = show::colour();
        let mark = match (self.ok, &self.fix) {
            (true, None) => paint("ok  ", "32", colour),
            (true, Some(_)) => paint("note", "33", colour),
            (false, _) => paint("FAIL", "31", colour),
        };
        let source = self.source.as_ref().map(|source| format!("source {source}: ")).unwrap_or_default();
        let fix = self.fix.as_ref().map(|fix| format!("\n      Fix: {fix}")).unwrap_or_default();
        format!("{mark}  {}: {source}{}{fix}", self.code, self.text)
    }
}

/// "1 directory", "1 194 directories".
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3);
    let head = (first > 0).then(|| digits[..first].to_owned());
    let rest = groups.map(|group| String::from_utf8_lossy(group).into_owned());
    head.into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let shown = [0, 7, 12, 999, 1000, 91_234, 1_000_000].map(grouped);
        assert_eq!(shown, ["0", "7", "12", "999", "1 000", "91 234", "1 000 000"]);
        assert_eq!(count(1, "directory", "directories"), "1 directory");
    }

    #[test]
    fn a_finding_for_programs_has_every_member() {
        let finding = bad("E-X", "it is so", "do this").of("in");
        let expected =
            json!({"code": "E-X", "ok": false, "text": "it is so", "fix": "do this", "source": "in"});
        assert_eq!(finding.value(), expected);
        assert!(good("I-X", "well").value()["fix"].is_null());
        assert!(finding.page().ends_with("FAIL  E-X: source in: it is so\n      Fix: do this"));
    }
}
