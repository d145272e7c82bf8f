//! Which sections a section takes keys from.

use std::collections::HashMap;

use super::lines::RawSection;
use super::{IniError, Warning};

/// Every section inherits from this one.
const COMMON: &str = "common";

/// So many sections may inherit from each other: what is longer was made to keep us busy.
const LONGEST: usize = 100;

/// For each section, by index: itself, its parents, and `[common]` last.
pub(super) struct Chains {
    pub(super) chains: Vec<Vec<usize>>,
    pub(super) warnings: Vec<Warning>,
}

pub(super) fn chains(sections: &[RawSection]) -> Result<Chains, IniError> {
    let names = Names::of(sections);
    let mut warnings = Vec::new();
    let parents: Vec<Option<usize>> =
        (0..sections.len()).map(|at| names.parent(sections, at, &mut warnings)).collect();
    let common = names.exact.get(COMMON).copied();
    let chains = (0..sections.len()).map(|at| chain(sections, &parents, common, at));
    Ok(Chains { chains: chains.collect::<Result<_, _>>()?, warnings })
}

fn chain(
    sections: &[RawSection],
    parents: &[Option<usize>],
    common: Option<usize>,
    start: usize,
) -> Result<Vec<usize>, IniError> {
    let mut chain = vec![start];
    let mut at = start;
    while let Some(parent) = parents[at] {
        if let Some(from) = chain.iter().position(|&seen| seen == parent) {
            let round = chain[from..].iter().chain([&parent]);
            let names = round.map(|&section| format!("[{}]", sections[section].name)).collect();
            return Err(IniError::Cycle { line: sections[parent].line, names });
        }
        if chain.len() == LONGEST {
            return Err(IniError::Deep { line: sections[start].line, limit: LONGEST });
        }
        chain.push(parent);
        at = parent;
    }
    if let Some(common) = common
        && !chain.contains(&common)
    {
        chain.push(common);
    }
    Ok(chain)
}

/// The sections that can be inherited from.
struct Names<'a> {
    /// By what stands between the brackets.
    exact: HashMap<&'a str, usize>,
    /// By what stands before the colon: `[b:c]` is a parent for `[a:b]`. `None`: several.
    short: HashMap<&'a str, Option<usize>>,
}

impl<'a> Names<'a> {
    fn of(sections: &'a [RawSection]) -> Self {
        let mut names = Self { exact: HashMap::new(), short: HashMap::new() };
        for (at, section) in sections.iter().enumerate().filter(|(_, section)| !is_dropped(section)) {
            names.exact.insert(&section.name, at);
            if let Some((short, _)) = split(&section.name) {
                names.short.entry(short).and_modify(|which| *which = None).or_insert(Some(at));
            }
        }
        names
    }

    fn parent(&self, sections: &[RawSection], at: usize, warnings: &mut Vec<Warning>) -> Option<usize> {
        let section = &sections[at];
        if is_dropped(section) {
            return None;
        }
        let (own, wanted) = split(&section.name)?;
        // `[main:main]` is a name, as in "plugin:step"; nothing can be its own parent.
        if own == wanted || wanted.is_empty() {
            return None;
        }
        if let Some(&parent) = self.exact.get(wanted) {
            return Some(parent);
        }
        let which = self.short.get(wanted)?;
        if which.is_none() {
            warnings.push(Warning {
                line: section.line,
                text: format!(
                    "[{}] inherits nothing from \"{wanted}\": several sections are called [{wanted}:…]",
                    section.name
                ),
            });
        }
        *which
    }
}

fn split(name: &str) -> Option<(&str, &str)> {
    let (own, parent) = name.split_once(':')?;
    Some((own.trim(), parent.trim()))
}

/// Sections whose name begins with `_` exist for other readers of the file.
pub(super) fn is_dropped(section: &RawSection) -> bool {
    section.name.starts_with('_')
}
