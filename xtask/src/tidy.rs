//! The style rules as checks. Each rule is a small module that returns findings; a finding names
//! the place and what to do. Exceptions stand in [`exceptions`], each with its reason.

mod blank;
mod borders;
mod exceptions;
mod habits;
mod links;
mod names;
mod promises;
mod repository;
mod shape;
mod sources;

use std::fmt;

use crate::Outcome;
use crate::workspace::Workspace;
use sources::Source;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The path below the root, with a line where there is one.
    place: String,
    /// What is wrong and what to do.
    text: String,
}

impl Finding {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }

    fn at(source: &Source, line: usize, text: impl Into<String>) -> Self {
        Self::new(format!("{}:{line}", source.path), text)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Checks everything and prints the figures of size and shape.
pub(crate) fn run(workspace: &Workspace, _arguments: &[String]) -> anyhow::Result<Outcome> {
    let sources = sources::load(&workspace.root)?;
    let packages = workspace.packages()?;
    let mut findings = Vec::new();
    findings.extend(shape::check(&sources));
    findings.extend(habits::check(&sources));
    findings.extend(names::check(&sources));
    findings.extend(repository::check(workspace)?);
    findings.extend(borders::check(workspace, &packages));
    findings.extend(promises::check(workspace, &sources));
    findings.extend(exceptions::unused(&sources));
    println!("{}", shape::figures(&sources));
    for finding in &findings {
        println!("tidy: {finding}");
    }
    println!("{} Rust files, {} findings", sources.len(), findings.len());
    Ok(if findings.is_empty() { Outcome::Passed } else { Outcome::Failed })
}
