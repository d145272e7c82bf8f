//! The recorded metadata files, each as the description of a directory.

use serde_json::Value;
use testkit::dlm::golden;

use super::content::YAML;
use crate::stage::{PATIENCE, Stage};

#[test]
fn every_recorded_metadata_file_becomes_the_recorded_bytes_or_a_dead_letter() {
    let cases = &golden().yaml;
    assert_eq!(cases.len(), 26);
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    for (at, case) in cases.iter().enumerate() {
        stage.move_in(&format!("p{at:02}"), &[(YAML, &case.yaml), ("data.bin", "x")]);
    }
    let good = cases.iter().filter(|case| case.body_text.is_some()).count();
    stage.wait_answered("init_data_item", good);
    testkit::wait_until(PATIENCE, "the dead letters", || stage.dead().len() == cases.len() - good);
    let (products, dead) = (stage.products(), stage.dead());
    for (at, case) in cases.iter().enumerate() {
        let name = format!("p{at:02}");
        let requests = products.get(&name);
        if let Some(wanted) = &case.body_text {
            assert_eq!(&requests.expect("it was registered")[0].text(), wanted, "{:?}", case.yaml);
            continue;
        }
        assert!(requests.is_none(), "{:?} is fatal: {:?}", case.yaml, case.crash);
        let file = format!("{name}/{YAML}");
        let names = |letter: &&Value| letter["error"].as_str().is_some_and(|text| text.contains(&file));
        assert_eq!(dead.iter().filter(names).count(), 1, "no letter names {file}: {dead:?}");
    }
    assert_eq!(watcher.terminate(), Some(0));
}
