//! Typed reading of TOML tables that collects every mistake instead of stopping at the first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Severity};
use crate::expand::{ExpandError, expand};
use crate::keys::Section;
use crate::misplaced::elsewhere;
use crate::nearest::nearest;
use crate::source_text::{Place, SourceText, shown};

/// The files, the environment, and what was found wrong so far.
pub(crate) struct Report<'f> {
    pub(crate) files: &'f [SourceText],
    env: &'f dyn Fn(&str) -> Option<String>,
    found: Vec<(Place, Diagnostic)>,
    /// Files and directories beside the configuration that it was read from or that were missing.
    looked_at: Vec<PathBuf>,
}

/// So many findings are listed; nobody reads more, and each costs a walk through its file.
const FINDINGS_LIMIT: usize = 200;

impl<'f> Report<'f> {
    pub(crate) fn new(files: &'f [SourceText], env: &'f dyn Fn(&str) -> Option<String>) -> Self {
        Self { files, env, found: Vec::new(), looked_at: Vec::new() }
    }

    /// The environment that references in texts are replaced from.
    pub(crate) fn env(&self) -> &'f dyn Fn(&str) -> Option<String> {
        self.env
    }

    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.push(Severity::Error, place, message.into(), help);
    }

    pub(crate) fn warn(&mut self, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.push(Severity::Warning, place, message.into(), help);
    }

    fn push(&mut self, severity: Severity, place: &Place, message: String, help: Option<String>) {
        let (severity, message, help) = match self.found.len() {
            0..FINDINGS_LIMIT => (severity, message, help),
            // An error, whatever it was: a plan must not come of what was not looked at.
            FINDINGS_LIMIT => (Severity::Error, "there is more to say, which is not listed".to_owned(), None),
            _ => return,
        };
        let file = &self.files[place.file];
        let (line, column) = file.position(place.span.start);
        let snippet = file.snippet(&place.span);
        let file = file.name.clone();
        let diagnostic = Diagnostic { file, line, column, severity, message, help, snippet };
        self.found.push((place.clone(), diagnostic));
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|(_, finding)| finding.severity == Severity::Error)
    }

    /// Whether more findings would not be listed.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() > FINDINGS_LIMIT
    }

    /// `file:line` of a place, for messages that point at a second one.
    pub(crate) fn where_is(&self, place: &Place) -> String {
        let file = &self.files[place.file];
        format!("{}:{}", file.name, file.position(place.span.start).0)
    }

    /// Notes a file or directory whose content decides what the plan is: whoever follows the configuration
    /// follows it, too, also while it is missing.
    pub(crate) fn looks_at(&mut self, path: &Path) {
        self.looked_at.push(path.to_owned());
    }

    /// What was noted by [`Self::looks_at`].
    pub(crate) fn take_looked_at(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.looked_at)
    }

    /// Everything found, in the order of the files' texts.
    pub(crate) fn into_found(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(place, _)| (place.file, place.span.start));
        self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Value<'d> {
    pub(crate) value: &'d DeValue<'d>,
    pub(crate) place: Place,
}

/// A string with its references to the environment replaced.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) value: String,
    /// As it stands in the file. Messages quote this: the environment may hold secrets.
    pub(crate) written: String,
    pub(crate) place: Place,
}

impl<'d> Value<'d> {
    pub(crate) fn of(value: &'d Spanned<DeValue<'d>>, file: usize) -> Self {
        Self { value: value.get_ref(), place: Place { file, span: value.span() } }
    }

    fn type_name(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// Says that something else was expected; the help shows how it is written.
    pub(crate) fn mismatch(&self, report: &mut Report<'_>, expected: &str, help: impl Into<Option<String>>) {
        report.error(&self.place, format!("expected {expected}, found {}", self.type_name()), help.into());
    }

    pub(crate) fn text(&self, report: &mut Report<'_>, expected: &str) -> Option<Text> {
        let DeValue::String(written) = self.value else {
            let help = match self.value {
                DeValue::Integer(number) => Some(format!("write it in quotes: \"{number}\"")),
                // Versions are written like this.
                DeValue::Float(number) => Some(format!("write it in quotes: \"{number}\"")),
                _ => None,
            };
            self.mismatch(report, expected, help);
            return None;
        };
        match expand(written, report.env) {
            Ok(value) => Some(Text { value, written: written.to_string(), place: self.place.clone() }),
            Err(error) => {
                let help = match &error {
                    ExpandError::Undefined(name) => {
                        format!("set {name}, or give a default: ${{{}:-default}}", shown(name))
                    }
                    _ => "write $${ for the characters ${ themselves".into(),
                };
                report.error(&self.place, shown(&error.to_string()), Some(help));
                None
            }
        }
    }

    pub(crate) fn duration(&self, report: &mut Report<'_>) -> Option<Duration> {
        if let DeValue::Integer(number) = self.value {
            let help = format!("write the unit too: \"{number}s\", \"{number}m\"");
            self.mismatch(report, "a duration such as \"5s\"", help);
            return None;
        }
        self.text(report, "a duration such as \"5s\"")?.duration(report)
    }

    /// A duration that cannot be zero; `name` is what it is for.
    pub(crate) fn period(&self, report: &mut Report<'_>, name: &str) -> Option<Duration> {
        let duration = self.duration(report)?;
        if duration.is_zero() {
            report.error(&self.place, format!("`{name}` cannot be zero"), None);
            return None;
        }
        Some(duration)
    }

    /// A number of bytes.
    pub(crate) fn size(&self, report: &mut Report<'_>) -> Option<u64> {
        const EXPECTED: &str = "a size such as \"64MiB\"";
        if let DeValue::Integer(number) = self.value {
            let help = format!("write the unit too: \"{number}B\", \"{number}MiB\"");
            self.mismatch(report, EXPECTED, help);
            return None;
        }
        self.text(report, EXPECTED)?.size(report)
    }

    pub(crate) fn integer(&self, report: &mut Report<'_>) -> Option<u64> {
        let DeValue::Integer(number) = self.value else {
            self.mismatch(report, "an integer", None);
            return None;
        };
        let parsed = u64::from_str_radix(number.as_str(), number.radix()).ok();
        if parsed.is_none() {
            report.error(
                &self.place,
                format!("{} is no whole number from 0 up", shown(&number.to_string())),
                None,
            );
        }
        parsed
    }

    pub(crate) fn flag(&self, report: &mut Report<'_>) -> Option<bool> {
        if let DeValue::Boolean(flag) = self.value {
            return Some(*flag);
        }
        self.mismatch(report, "true or false", None);
        None
    }

    pub(crate) fn list(&self, report: &mut Report<'_>) -> Option<Vec<Value<'d>>> {
        if let DeValue::Array(values) = self.value {
            return Some(values.iter().map(|value| Value::of(value, self.place.file)).collect());
        }
        let help = match self.value {
            DeValue::String(text) => Some(format!("write [\"{}\"]", shown(text))),
            _ => None,
        };
        self.mismatch(report, "a list", help);
        None
    }

    /// As it may stand in a help that shows how to write it: quoted text or a number as it is, and `…` for all else.
    pub(crate) fn sketch(&self) -> String {
        match self.value {
            DeValue::String(text) => format!("\"{}\"", shown(text)),
            DeValue::Integer(number) => shown(&number.to_string()),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => "…".to_owned(),
        }
    }

    pub(crate) fn is_empty_list(&self) -> bool {
        self.value.as_array().is_some_and(|values| values.is_empty())
    }

    /// A list of strings; those that are none are reported and left out.
    pub(crate) fn texts(&self, report: &mut Report<'_>) -> Option<Vec<Text>> {
        let values = self.list(report)?;
        Some(values.iter().filter_map(|value| value.text(report, "a string")).collect())
    }

    pub(crate) fn table(&self, report: &mut Report<'_>) -> Option<&'d DeTable<'d>> {
        if let DeValue::Table(table) = self.value {
            return Some(table);
        }
        self.mismatch(report, "a table", None);
        None
    }
}

impl Text {
    /// As it may stand in a message.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", shown(&self.written))
    }

    pub(crate) fn duration(&self, report: &mut Report<'_>) -> Option<Duration> {
        let meant = |text: &str| spelt_out(text).map(|meant| format!("write \"{meant}\""));
        self.measured(
            model::measure::parse_duration,
            "a duration such as 500ms, 2s, 5m, 1h, 7d",
            meant,
            report,
        )
    }

    fn size(&self, report: &mut Report<'_>) -> Option<u64> {
        self.measured(model::measure::parse_size, "a size such as 4096B, 64KiB, 100MiB", |_| None, report)
    }

    fn measured<T>(
        &self,
        parse: fn(&str) -> Result<T, model::measure::MeasureError>,
        expected: &str,
        meant: impl Fn(&str) -> Option<String>,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let error = match parse(&self.value) {
            Ok(measure) => return Some(measure),
            Err(error) => error,
        };
        let (words, help) = if self.value == self.written {
            (shown(&error.to_string()), meant(&self.value))
        } else {
            (format!("{} does not give {expected}", self.quoted()), None)
        };
        report.error(&self.place, words, help);
        None
    }

    /// The value that goes with this name. `later` are names that will exist.
    pub(crate) fn one_of<T: Clone>(
        &self,
        report: &mut Report<'_>,
        what: &str,
        choices: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == self.value) {
            return Some(value.clone());
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let known = format!("known: {}", names.join(", "));
        if later.contains(&self.value.as_str()) {
            report.error(
                &self.place,
                format!("{what} {} is not built yet in this version", self.quoted()),
                Some(known),
            );
            return None;
        }
        let help = match nearest(&self.value, names.iter().copied()) {
            Some(name) => format!("did you mean \"{name}\"? ({known})"),
            None => known,
        };
        report.error(&self.place, format!("unknown {what} {}", self.quoted()), Some(help));
        None
    }
}

/// The duration that was probably meant by a number and a spelt-out unit: of `1 minute`, `1m`.
fn spelt_out(text: &str) -> Option<String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let unit = unit.trim().to_ascii_lowercase();
    let short = match unit.strip_suffix('s').filter(|singular| singular.len() > 1).unwrap_or(&unit) {
        "msec" | "milli" | "millisec" | "millisecond" => "ms",
        "s" | "sec" | "second" => "s",
        "minute" => "m",
        "h" | "hr" | "hour" => "h",
        "d" | "day" => "d",
        "w" | "wk" | "week" => "w",
        _ => return None,
    };
    let meant = format!("{number}{short}");
    model::measure::parse_duration(&meant).is_ok().then_some(meant)
}

struct Entry<'d> {
    key: &'d str,
    key_place: Place,
    value: Value<'d>,
}

/// A table that is read key by key; what is left over at the end is unknown.
pub(crate) struct Fields<'d> {
    section: &'static Section,
    /// How messages call the table: `source "stage1"`.
    what: String,
    /// What is marked when a key is missing.
    place: Place,
    entries: Vec<Entry<'d>>,
    asked: Vec<&'static str>,
}

impl<'d> Fields<'d> {
    pub(crate) fn of(table: &'d DeTable<'d>, section: &'static Section, what: String, place: Place) -> Self {
        let file = place.file;
        let entry = |(key, value): (&'d Spanned<_>, &'d Spanned<_>)| {
            let text: &'d toml::de::DeString<'d> = key.get_ref();
            Entry { key: text, key_place: Place { file, span: key.span() }, value: Value::of(value, file) }
        };
        Self { section, what, place, entries: table.iter().map(entry).collect(), asked: Vec::new() }
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The value of a key, and where the key stands.
    pub(crate) fn entry(&mut self, name: &'static str) -> Option<(Place, Value<'d>)> {
        debug_assert!(
            self.section.keys.iter().any(|key| key.name == name),
            "{name} is not in the table of keys"
        );
        self.asked.push(name);
        let at = self.entries.iter().position(|entry| entry.key == name)?;
        let entry = self.entries.swap_remove(at);
        Some((entry.key_place, entry.value))
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value<'d>> {
        self.entry(name).map(|(_, value)| value)
    }

    /// Takes a key out that the table does not know, to say something better of it than that.
    pub(crate) fn stray(&mut self, name: &str) -> Option<(Place, Value<'d>)> {
        let at = self.entries.iter().position(|entry| entry.key == name)?;
        let entry = self.entries.swap_remove(at);
        Some((entry.key_place, entry.value))
    }

    /// What stands at a key, which is not read by this.
    pub(crate) fn peek(&self, name: &str) -> Option<&Value<'d>> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == name)
    }

    pub(crate) fn required(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<Value<'d>> {
        let value = self.take(name);
        if value.is_none() {
            report.error(&self.place, format!("{} has no `{name}`", self.what), None);
        }
        value
    }

    pub(crate) fn text(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<Text> {
        self.take(name)?.text(report, "a string")
    }

    pub(crate) fn duration(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<Duration> {
        self.take(name)?.duration(report)
    }

    /// A duration that cannot be zero.
    pub(crate) fn period(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<Duration> {
        self.take(name)?.period(report, name)
    }

    pub(crate) fn integer(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<u64> {
        self.take(name)?.integer(report)
    }

    pub(crate) fn flag(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<bool> {
        self.take(name)?.flag(report)
    }

    pub(crate) fn texts(&mut self, report: &mut Report<'_>, name: &'static str) -> Option<Vec<Text>> {
        self.take(name)?.texts(report)
    }

    pub(crate) fn one_of<T: Clone>(
        &mut self,
        report: &mut Report<'_>,
        name: &'static str,
        choices: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        let expected =
            format!("one of {}", choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
        self.take(name)?.text(report, &expected)?.one_of(report, name, choices, later)
    }

    /// Reports what nobody asked for, and says whether there was nothing of it.
    pub(crate) fn finish(self, report: &mut Report<'_>) -> bool {
        let known: Vec<&str> = self.section.keys.iter().map(|key| key.name).collect();
        debug_assert!(
            known.iter().all(|name| self.asked.contains(name)),
            "{}: {:?}",
            self.section.title,
            self.asked
        );
        for Entry { key, key_place, .. } in &self.entries {
            if report.is_full() {
                return false;
            }
            if self.section.later.contains(key) {
                let message = format!("`{key}` is not built yet in this version");
                report.error(key_place, message, Some(format!("{} knows {}", self.what, known.join(", "))));
                continue;
            }
            let near = || match nearest(key, known.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let help = elsewhere(self.section, key).unwrap_or_else(near);
            report.error(key_place, format!("unknown key `{}` in {}", shown(key), self.what), Some(help));
        }
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelt_out_unit_has_a_short_one() {
        let meant =
            ["1 minute", "90 seconds", "1.5 Hours", "2 DAYS", "3weeks", "5S", "20 msecs"].map(spelt_out);
        let short = ["1m", "90s", "1.5h", "2d", "3w", "5s", "20ms"].map(|text| Some(text.to_owned()));
        assert_eq!(meant, short);
        for text in ["", "minute", "1", "1 month", "1.2.3 hours", "1M"] {
            assert_eq!(spelt_out(text), None, "{text}");
        }
    }
}
