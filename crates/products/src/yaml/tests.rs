//! What the original was recorded to make of metadata, and what `PyYAML` makes of more of it.

use serde_json::Value as Json;

use super::{DEEPEST, LARGEST, LARGEST_BODY, YamlError, to_json};

/// Each case must give the recorded body, byte for byte, or be refused where the original was.
fn compare(name: &str, cases: &str) -> usize {
    let cases: Vec<Json> = serde_json::from_str(cases).expect("a list of cases");
    let mut differences = Vec::new();
    for case in &cases {
        let yaml = case["yaml"].as_str().expect("text");
        let got = to_json(yaml.as_bytes()).map(|body| String::from_utf8(body).expect("ASCII"));
        let is_same = match (&got, case["body_text"].as_str()) {
            (Ok(got), Some(wanted)) => got == wanted,
            (Err(_), None) => true,
            _ => false,
        };
        if !is_same {
            differences
                .push(format!("{yaml:?}\n  wanted {:?}\n  got    {got:?}", case["body_text"].as_str()));
        }
    }
    assert!(
        differences.is_empty(),
        "{name}: {} of {}\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
    cases.len()
}

#[test]
fn recorded_metadata_gives_the_recorded_bodies() {
    assert_eq!(compare("recorded", include_str!("../../data/recorded_metadata.json")), 26);
}
