//! What was shown, for people: at the end of a run, and as `docs/proof.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::controls::{Found, Verdict};
use super::results::Results;
use super::rows::{self, Row, Test};

const HEAD: &str = "# What was shown

The core of the reliability battery, 34 tests, and behind it further ones of the battery: each with its figure, and each seen to
fail without the guarantee that it is there for. This page is written by the command that runs them:

```sh
cargo xtask proof --write           # the numbers that continuous integration runs
cargo xtask proof --write --long    # the battery's own numbers
```

`cargo xtask proof --list` says which rows there are, `cargo xtask proof A01` runs one and its controls (a minute or two behind the
build), `--rows` the test alone, `--controls` only without its guarantee, `--long` with the battery's own numbers. A guarantee is
taken away by a switch in the code (`switch::is_off`), which only builds for tests have: `STAITHE_WITHOUT=name`. Where something was
drawn, the seed stands behind the figures: `STAITHE_SEED=5 cargo xtask proof A01 --rows` repeats the random part. Lost, early and repeated are counted by the oracle (`testkit::judge`),
which compares what the writers noted with what the consumer received and read at that moment.
";

/// Prints what each row has shown.
pub(super) fn summary(
    rows: &[&Row],
    failed: &BTreeSet<&'static str>,
    results: &Results,
    controls: &[Verdict],
) {
    println!("\nrow  result   lost/early/repeated  figures");
    for row in rows {
        let word = match results.of(row) {
            _ if failed.contains(row.id) => "FAILED",
            None => "-",
            Some(_) if results.skipped(row).is_some() => "SKIPPED",
            Some(_) => "ok",
        };
        println!("{:<4} {word:<8} {:<20} {}", row.id, results.counts(row), results.figures(row));
    }
    let count = |what: Found| controls.iter().filter(|verdict| verdict.found == what).count();
    if !controls.is_empty() {
        let slowest = controls.iter().map(|verdict| verdict.took.as_secs()).max().unwrap_or_default();
        let (noticed, skipped) = (count(Found::Noticed), count(Found::Skipped));
        let not_judged = match count(Found::NotJudged) {
            0 => String::new(),
            some => format!(", {some} not judged"),
        };
        println!(
            "{noticed} of {} controls noticed, {skipped} SKIPPED{not_judged}; the slowest took {slowest} s",
            controls.len()
        );
    }
}

/// What went wrong, in one line.
pub(super) fn failures(failed: &BTreeSet<&'static str>, controls: &[Verdict]) -> Option<String> {
    let unnoticed = controls.iter().filter(|verdict| !verdict.is_good() && !failed.contains(verdict.row));
    let unnoticed = unnoticed.map(|verdict| format!("{} without {}", verdict.row, verdict.control.without));
    let all: Vec<String> = failed.iter().map(|&id| id.to_owned()).chain(unnoticed).collect();
    (!all.is_empty()).then(|| format!("FAILED: {}", all.join(", ")))
}

/// Writes the page.
pub(super) fn write(page: &Path, results: &Results, controls: &[Verdict]) -> anyhow::Result<()> {
    std::fs::write(page, text(results, controls))
        .with_context(|| format!("failed to write {}", page.display()))
}

fn text(results: &Results, controls: &[Verdict]) -> String {
    let mut text = HEAD.to_owned();
    let long = rows::all().filter_map(|row| results.of(row)).any(|value| value["long"] == true);
    let form =
        if long { "the battery's own numbers (`--long`)" } else { "the numbers of continuous integration" };
    let _ = writeln!(text, "\nLast written with {form}.\n");
    text += "| | what is shown | lost / early / repeated | figures | fails without | test |\n|--|--|--|--|--|--|\n";
    for row in rows::all() {
        let without = controls.iter().filter(|verdict| verdict.row == row.id).map(control);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.id,
            row.shows,
            results.counts(row),
            results.figures(row),
            without.collect::<Vec<_>>().join(", "),
            row.tests().map(name).collect::<Vec<_>>().join(", "),
        );
    }
    text
}

fn name(test: Test) -> String {
    format!("`{}/{}` `{}`", test.package, test.program, test.name)
}

fn control(verdict: &Verdict) -> String {
    let name = format!("`{}`", verdict.control.without);
    match verdict.found {
        Found::Noticed => name,
        Found::Skipped => format!("{name} (skipped)"),
        Found::NotJudged => format!("{name} (not judged)"),
        _ => format!("{name} **not noticed**"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_line_names_what_went_wrong_and_nothing_twice() {
        let control = rows::all().next().unwrap().controls[0];
        let verdict = |row, found| Verdict { row, control, found, took: Duration::ZERO };
        let controls = [
            verdict("A01", Found::Noticed),
            verdict("A02", Found::Unnoticed),
            verdict("A03", Found::NotJudged),
        ];
        assert_eq!(failures(&BTreeSet::new(), &controls[..1]), None);
        let line = failures(&BTreeSet::from(["A03"]), &controls).unwrap();
        assert_eq!(line, format!("FAILED: A03, A02 without {}", control.without));
    }
}
