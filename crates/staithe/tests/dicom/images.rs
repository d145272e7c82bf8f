//! Images, made by pydicom before the test begins.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use testkit::python::PYDICOM;

pub(crate) const STUDY: &str = "1.2.826.0.1.3680043.8.498.77";

/// What an image is to be.
pub(crate) struct Wanted<'a> {
    pub(crate) syntax: &'a str,
    pub(crate) series: &'a str,
    pub(crate) number: usize,
}

/// The bytes of each. `work` is a directory for them that nobody watches.
#[track_caller]
pub(crate) fn made(work: &Path, wanted: &[Wanted<'_>]) -> Vec<Vec<u8>> {
    fs::create_dir_all(work).expect("the scratch folder takes directories");
    let path = |at: usize| work.join(format!("made/{at}"));
    let mut plan = String::new();
    for (at, Wanted { syntax, series, number }) in wanted.iter().enumerate() {
        writeln!(plan, "{}\t{syntax}\t{STUDY}\t{series}\t{number}", path(at).display()).expect("text grows");
    }
    let list = work.join("plan");
    fs::write(&list, plan).expect("the scratch folder takes files");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dicom/make.py");
    let output = PYDICOM.venv().command().arg(script).arg(&list).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (0..wanted.len()).map(|at| fs::read(path(at)).expect("it was made")).collect()
}
