//! Which value holds for each key: variants and inheritance, then the templates.

use std::collections::{BTreeMap, HashMap};

use super::inherit::{chains, is_dropped};
use super::lines::{Entry, RawSection};
use super::{Ini, IniError, Section, Value};
use crate::directory_observer::environment::Environment;
use crate::directory_observer::template::Templates;

/// The configuration name when `$MFCONFIG` is not set.
const DEFAULT_NAME: &str = "generic";

pub(super) fn resolve(
    sections: &[RawSection],
    templates: &Templates,
    environment: &Environment,
) -> Result<Ini, IniError> {
    let name = environment.get("MFCONFIG").unwrap_or(DEFAULT_NAME).to_lowercase();
    let candidates = sections
        .iter()
        .map(|section| candidates(section, &name, templates))
        .collect::<Result<Vec<_>, IniError>>()?;
    let inherited = chains(sections)?;
    let resolved = sections.iter().zip(&inherited.chains).filter(|(section, _)| !is_dropped(section));
    let resolved = resolved.map(|(section, chain)| Section {
        name: section.name.clone(),
        line: section.line,
        values: values(chain.iter().map(|&at| &candidates[at]), templates),
    });
    Ok(Ini { sections: resolved.collect(), warnings: inherited.warnings })
}

/// A line that may decide a key's value.
struct Candidate {
    score: usize,
    /// After the first rendering.
    text: String,
    line: u32,
}

type Candidates = HashMap<String, Vec<Candidate>>;

/// The lines of a section that hold under the configuration name, rendered once. The original
/// renders them all when it loads the file, whether they win or not.
fn candidates(section: &RawSection, name: &str, templates: &Templates) -> Result<Candidates, IniError> {
    let mut found = Candidates::new();
    for entry in &section.entries {
        let (key, variant) = key_and_variant(&entry.key);
        let Some(score) = score(variant, name) else { continue };
        let text = templates.render(&entry.text).map_err(|reason| template_error(entry, reason))?;
        found.entry(key.to_owned()).or_default().push(Candidate { score, text, line: entry.line });
    }
    Ok(found)
}

fn template_error(entry: &Entry, reason: String) -> IniError {
    IniError::Template { line: entry.line, key: entry.key.clone(), reason }
}

fn key_and_variant(key: &str) -> (&str, Option<&str>) {
    let parts = key.strip_suffix(']').and_then(|inside| inside.split_once('['));
    parts.map_or((key, None), |(key, variant)| (key, Some(variant)))
}

/// How well a line fits the configuration name: a plain key least, then prefixes by the number of
/// their parts, the whole name best. `None`: it does not hold at all.
fn score(variant: Option<&str>, name: &str) -> Option<usize> {
    // `key[]` is a plain key to the original.
    let Some(variant) = variant.filter(|variant| !variant.is_empty()) else { return Some(0) };
    if variant == name {
        return Some(usize::MAX);
    }
    let prefix = name.strip_prefix(variant)?.starts_with('_');
    prefix.then(|| variant.split('_').count())
}

/// For each key the best line of all sections in the chain; the earlier section wins a tie.
fn values<'a>(chain: impl Iterator<Item = &'a Candidates>, templates: &Templates) -> BTreeMap<String, Value> {
    let mut best: BTreeMap<&str, &Candidate> = BTreeMap::new();
    for (key, candidate) in
        chain.flat_map(|section| section.iter()).flat_map(|(key, all)| all.iter().map(move |one| (key, one)))
    {
        best.entry(key)
            .and_modify(|held| {
                if candidate.score > held.score {
                    *held = candidate;
                }
            })
            .or_insert(candidate);
    }
    let rendered =
        |candidate: &Candidate| Value { text: templates.render(&candidate.text), line: candidate.line };
    best.into_iter().map(|(key, candidate)| (key.to_owned(), rendered(candidate))).collect()
}
