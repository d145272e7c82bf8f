//! The state directory: `store check`, `store export`, `store repair`.

use crate::{deliver, running};

#[test]
fn a_store_is_checked_exported_and_repaired() {
    let mut landing = running();
    deliver(&landing, &["a.dat", "b.dat"]);
    landing.stop();
    landing.call(&["store", "check"]).assert_code(0);
    let exported = landing.call(&["store", "export"]);
    exported.assert_code(0);
    assert!(exported.text().contains("a.dat") && exported.text().contains("b.dat"), "{}", exported.text());
    landing.call(&["store", "repair"]).assert_code(0);
    landing.start();
    deliver(&landing, &["c.dat"]);
    let lines = std::fs::read_to_string(landing.out("events.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

/// Whatever happened to the ledger, the program starts, says so, and delivers under the same ids.
#[test]
fn a_damaged_store_is_set_aside_and_the_ids_stay() {
    let mut landing = running();
    deliver(&landing, &["a.dat", "b.dat"]);
    landing.stop();
    for entry in std::fs::read_dir(landing.state_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|extension| extension != "lock") {
            std::fs::write(&path, b"this is no database at all, not even nearly".repeat(200)).unwrap();
        }
    }
    let checked = landing.call(&["store", "check"]);
    assert_ne!(checked.code, Some(0));
    assert!(checked.text().contains("The next start puts the damaged files aside"), "{}", checked.text());
    landing.start();
    landing.wait_idle(2, crate::STEP);
    deliver(&landing, &["c.dat"]);
    let lines = std::fs::read_to_string(landing.out("events.jsonl")).unwrap();
    let ids: std::collections::BTreeSet<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 3, "{lines}");
}
