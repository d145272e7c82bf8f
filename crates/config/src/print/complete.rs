//! `complete`, as it is read back.

use settle::{After, Ask, Clause, Completion, Expr, Extras, Manifest, ManifestStyle, Quiet};

use super::{choice, duration, list, quoted};
use crate::read::choices;

/// The value of `complete`.
pub(super) fn completion(completion: &Completion) -> String {
    let asks = completion.asks.as_slice();
    let mut fields = known_preset(completion).unwrap_or_else(|| {
        vec![match &completion.expr {
            Expr::Clause(clause) => match written(*clause, asks) {
                Written::Word(word) => format!("all = [{}]", quoted(word)),
                Written::Keyed(field) => field,
            },
            Expr::Any(members) => format!("any = {}", list(members.iter().map(|part| member(part, asks)))),
            Expr::All(members) => format!("all = {}", list(members.iter().map(|part| member(part, asks)))),
        }]
    });
    if let Some((deadline, then)) = completion.deadline {
        fields.push(format!("deadline = {}", duration(&deadline)));
        fields.push(format!("on_deadline = {}", choice(&choices::ON_DEADLINE, &then)));
    }
    match fields.as_slice() {
        [only] if only.starts_with("preset = ") => only["preset = ".len()..].to_owned(),
        fields => format!("{{ {} }}", fields.join(", ")),
    }
}

/// The fields for a completion that is what its preset gives, with an age or a period of quiet.
fn known_preset(completion: &Completion) -> Option<Vec<String>> {
    let name = completion.preset?;
    let preset = Completion::preset(name).filter(|preset| preset.asks == completion.asks)?;
    let (core, age) = match &completion.expr {
        Expr::All(members) => match members.as_slice() {
            [core, Expr::Clause(Clause::MinAge(age))] => (core, Some(age)),
            _ => (&completion.expr, None),
        },
        expr => (expr, None),
    };
    let mut fields = vec![format!("preset = {}", quoted(name))];
    if *core != preset.expr {
        let quiet = fixed_quiet(core)?;
        let Quiet::For(period) = quiet else { return None };
        preset.with_quiet(period).filter(|preset| preset.expr == *core)?;
        fields.push(format!("quiet = {}", duration(&period)));
    }
    fields.extend(age.map(|age| format!("min_age = {}", duration(age))));
    Some(fields)
}

fn fixed_quiet(expr: &Expr) -> Option<Quiet> {
    match expr {
        Expr::Clause(Clause::Quiet(quiet @ Quiet::For(_))) => Some(*quiet),
        Expr::Clause(_) => None,
        Expr::Any(parts) | Expr::All(parts) => parts.iter().find_map(fixed_quiet),
    }
}

fn member(expr: &Expr, asks: &[Ask]) -> String {
    match expr {
        Expr::Clause(clause) => match written(*clause, asks) {
            Written::Word(word) => quoted(word),
            Written::Keyed(field) => format!("{{ {field} }}"),
        },
        Expr::Any(members) => format!("{{ any = {} }}", list(members.iter().map(|part| member(part, asks)))),
        Expr::All(members) => format!("{{ all = {} }}", list(members.iter().map(|part| member(part, asks)))),
    }
}

/// How a clause is written.
enum Written {
    /// By its name alone.
    Word(&'static str),
    /// As `key = value`.
    Keyed(String),
}

fn written(clause: Clause, asks: &[Ask]) -> Written {
    let keyed = |field| Written::Keyed(field);
    match clause {
        Clause::Quiet(Quiet::For(period)) => keyed(format!("quiet = {}", duration(&period))),
        Clause::Quiet(Quiet::Adaptive { least, most, factor }) => keyed(format!(
            "quiet = {{ least = {}, most = {}, factor = {factor} }}",
            duration(&least),
            duration(&most)
        )),
        Clause::MinAge(age) => keyed(format!("min_age = {}", duration(&age))),
        // A number without its entry is no plan of ours; the word is refused when it is read.
        Clause::Ask(number) => match asks.get(usize::from(number)) {
            Some(Ask::Whole) => Written::Word(choices::WHOLE),
            of => of.map_or(Written::Word("ask"), |of| keyed(ask(of))),
        },
        // In presets only: whoever takes them out of theirs gets a configuration that says so.
        Clause::LinkedIn => Written::Word("linked_in"),
        Clause::SeenRenamed => Written::Word("seen_renamed"),
        Clause::NoWriterKnown => Written::Word("no_writer_known"),
        Clause::Appeared
        | Clause::RenamedIn
        | Clause::Closed
        | Clause::WriterGone
        | Clause::Members
        | Clause::Announce => {
            let word = choices::CLAUSES.iter().find(|(_, other)| *other == clause);
            Written::Word(word.map_or("", |(word, _)| word))
        }
    }
}

fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Marker(marker) if marker.after == After::Keep => {
            format!("marker = {}", quoted(marker.form.text()))
        }
        Ask::Marker(marker) => {
            let (name, after) = (quoted(marker.form.text()), choice(&choices::AFTERS, &marker.after));
            format!("marker = {{ name = {name}, after = {after} }}")
        }
        Ask::Lock(form) => format!("lock_gone = {}", quoted(form.text())),
        Ask::Manifest(manifest) => format!("manifest = {}", manifest_value(manifest)),
        Ask::Metadata(metadata) => {
            let file = quoted(metadata.form.text());
            match &metadata.key {
                None => format!("metadata = {file}"),
                Some(key) => format!("metadata = {{ file = {file}, key = {} }}", quoted(key)),
            }
        }
        Ask::Count(settle::Count::Least(least)) => format!("count = {least}"),
        // Written as a word.
        Ask::Whole => String::new(),
        Ask::Count(count) => format!("count = {}", choice(&choices::COUNTS, count)),
    }
}

fn manifest_value(manifest: &Manifest) -> String {
    let mut fields = vec![format!("file = {}", quoted(manifest.form.text()))];
    if manifest.style != ManifestStyle::Auto {
        fields.push(format!("style = {}", choice(&choices::STYLES, &manifest.style)));
    }
    if manifest.extras != Extras::Ignore {
        fields.push(format!("extras = {}", choice(&choices::EXTRAS, &manifest.extras)));
    }
    fields.extend(manifest.rate.map(|rate| format!("rate = {}", size(rate))));
    match fields.as_slice() {
        [_] => quoted(manifest.form.text()),
        fields => format!("{{ {} }}", fields.join(", ")),
    }
}

/// A number of bytes in the largest unit that gives it exactly.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    let (per, unit) = unit.unwrap_or((1, "B"));
    quoted(&format!("{}{unit}", bytes / per))
}
