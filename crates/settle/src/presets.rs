//! The presets: what common writers do, as rules. The guide says what each is for and what fools it.

use std::time::Duration;

use crate::companion::{After, Ask, Marker, NameForm};
use crate::rule::{Clause, Completion, Expr, Quiet};

/// A preset, for those who list them.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// What it is, in the configuration's own language.
    pub meaning: &'static str,
    /// What fools it.
    pub trap: &'static str,
    /// Whether it is for datasets and groups only.
    pub datasets: bool,
    make: fn() -> Completion,
}

/// How long a file must be unchanged under the preset `network`.
pub const NETWORK_QUIET: Duration = Duration::from_secs(10);
/// How long an upload must be unchanged that was neither renamed nor linked to its name.
const UPLOAD_QUIET: Duration = Duration::from_secs(5);
/// How long a data product must be unchanged that was not moved in.
const PRODUCT_QUIET: Duration = Duration::from_secs(5);
/// How long a dataset must be unchanged.
const DATASET_QUIET: Duration = Duration::from_mins(1);

/// All of them, in the order in which they are listed.
pub const PRESETS: [Preset; 9] = [
    Preset {
        name: "local",
        purpose: "writers on this machine; the default",
        meaning: "{ any = [\"renamed_in\", { all = [\"closed\", \"writer_gone\"] }] }",
        trap: "a writer that closes and opens again is announced at each close: use `scanner`",
        datasets: false,
        make: Completion::local,
    },
    Preset {
        name: "network",
        purpose: "NFS, SMB, FUSE: other machines' writes raise no events here and no lease tells of them",
        meaning: "{ quiet = \"10s\" }",
        trap: "a transfer that stalls for longer is announced half-written; let the writer rename, or use `done-file`",
        datasets: false,
        make: || Completion::network(NETWORK_QUIET),
    },
    Preset {
        name: "sftp",
        purpose: "uploads by SFTP or FTP: renamed or linked from `.filepart`, `.part`, … at once, in place after a pause",
        meaning: "{ any = [\"renamed_in\", linked in, { all = [\"closed\", \"writer_gone\", { quiet = \"5s\" }] }] }",
        trap: "an upload in place that is broken off looks finished after 5 s; only the client's rename is certain",
        datasets: false,
        make: || upload("sftp"),
    },
    Preset {
        name: "rsync",
        purpose: "rsync: renamed from `.name.XXXXXX`; with --inplace or --append after a pause",
        meaning: "{ any = [\"renamed_in\", linked in, { all = [\"closed\", \"writer_gone\", { quiet = \"5s\" }] }] }",
        trap: "--inplace broken off looks finished after 5 s; keep rsync's temporary names (no --inplace)",
        datasets: false,
        make: || upload("rsync"),
    },
    Preset {
        name: "measurement-set",
        purpose: "directories that are one thing: `*.ms`, run folders, zarr stores",
        meaning: "{ all = [\"members\", { quiet = \"1m\" }] }",
        trap: "a writer that holds nothing open and pauses for longer than a minute; add a marker or metadata",
        datasets: true,
        make: measurement_set,
    },
    Preset {
        name: "dicom-series",
        purpose: "DICOM series, as directories or as groups by their headers; DICOM has no end mark",
        meaning: "{ all = [\"members\", \"whole\", { quiet = \"1m\" }] }",
        trap: "a sender that pauses for longer than a minute: the rest becomes a new generation",
        datasets: true,
        make: dicom,
    },
    Preset {
        name: "done-file",
        purpose: "writers that make `NAME.done` when `NAME` is complete",
        meaning: "{ all = [{ marker = \"{name}.done\" }, \"writer_gone\"] }",
        trap: "a marker older than the data waits; a marker without data does nothing",
        datasets: false,
        make: done_file,
    },
    Preset {
        name: "scanner",
        purpose: "devices that open the same file again for each page, and SMB clients that close twice",
        meaning: "{ all = [\"closed\", \"writer_gone\", { quiet = { least = \"5s\", most = \"2m\", factor = 3 } }] }",
        trap: "the first pause is not known yet: one that is longer than 5 s and nothing before it, ends the file",
        datasets: false,
        make: scanner,
    },
    Preset {
        name: "data-product",
        purpose: "data products, files and directories alike: moved in whole, or filled in place",
        meaning: "{ any = [{ all = [renamed in, \"members\"] }, { all = [\"writer_gone\", { quiet = \"5s\" }] }] }",
        trap: "a product that is filled in place with a pause of more than 5 s and nothing open; move it in, or give `quiet`",
        datasets: false,
        make: product,
    },
];

impl Preset {
    /// The rule that it stands for.
    #[must_use]
    pub fn completion(&self) -> Completion {
        (self.make)()
    }
}

impl Completion {
    /// `local`: renamed in, or closed after writing with no other writer left. A file that is renamed
    /// while a process still writes it waits for that writer.
    #[must_use]
    pub fn local() -> Self {
        let renamed = all([Clause::RenamedIn, Clause::NoWriterKnown]);
        let closed = all([Clause::Closed, Clause::WriterGone]);
        named("local", Expr::Any(vec![renamed, closed]))
    }

    /// `network`: unchanged for `quiet`; the only thing that can be known on a remote file system.
    #[must_use]
    pub fn network(quiet: Duration) -> Self {
        named("network", Expr::Clause(Clause::Quiet(Quiet::For(quiet))))
    }

    /// The same with another period of quiet; `None` where it has no fixed one.
    #[must_use]
    pub fn with_quiet(mut self, period: Duration) -> Option<Self> {
        self.expr.set_quiet(period).then_some(self)
    }

    /// The preset of that name with its default values.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).map(Preset::completion)
    }
}

impl Expr {
    /// Sets every fixed period of quiet; returns whether there was one.
    fn set_quiet(&mut self, period: Duration) -> bool {
        match self {
            Expr::Clause(Clause::Quiet(Quiet::For(old))) => {
                *old = period;
                true
            }
            Expr::Clause(_) => false,
            Expr::Any(parts) | Expr::All(parts) => {
                parts.iter_mut().fold(false, |any, part| any | part.set_quiet(period))
            }
        }
    }
}

fn named(preset: &'static str, expr: Expr) -> Completion {
    Completion { preset: Some(preset), ..Completion::of(expr) }
}

fn all<const N: usize>(clauses: [Clause; N]) -> Expr {
    Expr::All(clauses.into_iter().map(Expr::Clause).collect())
}

fn upload(preset: &'static str) -> Completion {
    let renamed = all([Clause::SeenRenamed, Clause::NoWriterKnown]);
    let closed = all([Clause::Closed, Clause::WriterGone, Clause::Quiet(Quiet::For(UPLOAD_QUIET))]);
    named(preset, Expr::Any(vec![renamed, Expr::Clause(Clause::LinkedIn), closed]))
}

fn measurement_set() -> Completion {
    named("measurement-set", all([Clause::Members, Clause::Quiet(Quiet::For(DATASET_QUIET))]))
}

/// What was broken off is quiet, too; but an image says how long it is.
fn dicom() -> Completion {
    let clauses = [Clause::Members, Clause::Ask(0), Clause::Quiet(Quiet::For(DATASET_QUIET))];
    Completion { asks: vec![Ask::Whole], ..named("dicom-series", all(clauses)) }
}

fn done_file() -> Completion {
    let marker = Marker { form: NameForm::suffix(".done"), after: After::Keep };
    let asks = vec![Ask::Marker(marker)];
    Completion { asks, ..named("done-file", all([Clause::Ask(0), Clause::WriterGone])) }
}

fn scanner() -> Completion {
    let quiet = Quiet::Adaptive { least: Duration::from_secs(5), most: Duration::from_mins(2), factor: 3 };
    named("scanner", all([Clause::Closed, Clause::WriterGone, Clause::Quiet(quiet)]))
}

/// What was moved in is all there, unless it is an empty directory: that may be filled at its place, so it waits as
/// what was made there does. It is announced empty when nothing comes.
fn product() -> Completion {
    // Where no rename can be heard, only quiet counts: between two files of a directory nobody writes.
    let moved = all([Clause::SeenRenamed, Clause::Members]);
    let filled = all([Clause::WriterGone, Clause::Quiet(Quiet::For(PRODUCT_QUIET))]);
    named("data-product", Expr::Any(vec![moved, filled]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_with_a_fixed_quiet_take_another() {
        let period = Duration::from_mins(10);
        let with = |name| Completion::preset(name).unwrap().with_quiet(period);
        for name in ["network", "sftp", "rsync", "measurement-set", "dicom-series", "data-product"] {
            let found = with(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.preset, Some(name));
            assert!(found.has(Clause::Quiet(Quiet::For(period))), "{name}");
            assert_eq!(
                found.clone().with_quiet(Duration::from_secs(1)).unwrap().with_quiet(period),
                Some(found)
            );
        }
        for name in ["local", "done-file", "scanner"] {
            assert_eq!(with(name), None, "{name}");
        }
        assert_eq!(Completion::network(NETWORK_QUIET).with_quiet(period), Some(Completion::network(period)));
    }
}
