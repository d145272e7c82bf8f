//! Names and keys that meet where nobody expects it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::stage::Stage;

const HEADERS: &str = r#"
    [[source.inbox.rule]]
    name = "studies"
    include = ["*.dcm"]
    group = { dicom = "study" }
    complete = { all = ["members", { quiet = "400ms" }] }

    [[source.inbox.rule]]
    name = "series"
    include = ["*.dcm"]
    of = "studies"
    group = { dicom = "series" }
    complete = { all = ["members", { quiet = "400ms" }] }
"#;

#[test]
fn a_file_whose_header_names_neither_is_one_group_and_may_go() {
    let mut stage = Stage::start("headers", "", HEADERS);
    stage.write("a.dcm", "this is none");
    stage.wait_event("a.dcm/", 1).is_first().is_complete(1, 12);
    fs::remove_file(stage.path("a.dcm")).expect("it can be removed");
    stage.write("b.dcm", "nor is this");
    stage.wait_event("b.dcm/", 1).is_first();
    stage.assert_only(&[("a.dcm/", 1), ("b.dcm/", 1)]);
}

const SETS: &str = r#"
    [[source.inbox.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members", { quiet = "400ms" }] }
    removed = true
"#;

#[test]
fn a_link_or_a_file_in_the_place_of_a_dataset_is_none() {
    let mut stage = Stage::start("replaced-by", "rescan = \"2s\"", SETS);
    stage.write("a.ms/x", "1");
    stage.write("b.ms/x", "1");
    stage.wait_event("a.ms", 1);
    stage.wait_event("b.ms", 1);
    let archive = stage.landing.out("archive");
    fs::rename(stage.path("a.ms"), &archive).expect("it can be archived");
    symlink(&archive, stage.path("a.ms")).expect("a link can take its place");
    fs::remove_dir_all(stage.path("b.ms")).expect("it can be removed");
    stage.write("b.ms", "a file");
    assert_eq!(stage.wait_event("a.ms", 2).type_name(), "staithe.file.removed");
    assert_eq!(stage.wait_event("b.ms", 2).type_name(), "staithe.file.removed");
    stage.assert_only(&[("a.ms", 2), ("b.ms", 2)]);
}
