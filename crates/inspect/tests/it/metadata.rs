//! Metadata files: good, not yet good, and meant to do harm.

use std::fs::OpenOptions;
use std::time::{Duration, Instant};

use inspect::{MetadataAnswer, has_key};

use crate::dice::Dice;
use crate::tree::Tree;

fn ask(name: &str, text: &[u8], key: Option<&str>) -> MetadataAnswer {
    let tree = Tree::in_memory();
    tree.write(name.as_bytes(), text);
    has_key(&tree.place(name.as_bytes()), key).unwrap()
}

fn invalid(answer: MetadataAnswer) -> String {
    match answer {
        MetadataAnswer::Invalid(what) => what,
        other => panic!("{other:?}"),
    }
}

const YAML: &str = "# a remark\ninterface: http://schema\nexecution_block: eb-1\nconfig:\n  processing: [{id: 7}, {id: ~}]\n  \
                    1: one\n  true: yes\n  3.5: x\n  ? [a, b]\n  : pair\n  dotted.name: z\n  empty:\n  none: {}\n";
const JSON: &str = r#"{"interface":"x","config":{"processing":[{"id":7},{"id":null}],"1":"one","true":1,
                      "dotted.name":"z","empty":null,"none":{}}}"#;

#[test]
fn keys_are_found_in_both_languages() {
    for (name, text) in [("a.yaml", YAML), ("a.YML", YAML), ("a.json", JSON), ("a.meta", YAML), ("a", JSON)] {
        for key in [
            "interface",
            "config",
            "config.processing",
            "config.processing.0",
            "config.processing.0.id",
            "config.1",
            "config.true",
            "config.dotted\\.name",
            "config.none",
        ] {
            assert_eq!(ask(name, text.as_bytes(), Some(key)), MetadataAnswer::Good, "{name} {key}");
        }
        for key in [
            "other",
            "config.processing.2",
            "config.processing.id",
            "config.processing.1.id",
            "config.processing.-1",
            "config.dotted.name",
            "config.empty",
            "interface.x",
            "config.empty.x",
            "",
            "config.",
        ] {
            assert_eq!(ask(name, text.as_bytes(), Some(key)), MetadataAnswer::NoKey, "{name} {key}");
        }
        assert_eq!(ask(name, text.as_bytes(), None), MetadataAnswer::Good);
    }
    assert_eq!(ask("a.yaml", YAML.as_bytes(), Some("config.3\\.5")), MetadataAnswer::Good);
}

#[test]
fn yaml_of_the_trade_is_understood() {
    let text = "%YAML 1.2\n---\nbase: &b {x: 1, big: 123456789012345678901234567890}\nmore:\n  <<: *b\n  y: 2\n  on: 3\n  007: 4\n  Null: 5\n\
                tagged: !unit {m: 1}\nnot: .nan\nwhen: 2026-11-21T02:03:04Z\ntext: |\n  lines\n  of it\n...\n";
    for key in [
        "base.big",
        "more.x",
        "more.y",
        "more.on",
        "more.007",
        "more.Null",
        "tagged.m",
        "not",
        "when",
        "text",
    ] {
        assert_eq!(ask("a.yaml", text.as_bytes(), Some(key)), MetadataAnswer::Good, "{key}");
    }
    assert_eq!(ask("a.yaml", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", Some("b")), MetadataAnswer::Good);
}

#[test]
fn what_holds_nothing_is_invalid() {
    for (name, text) in [
        ("a.yaml", ""),
        ("a.yaml", " \n"),
        ("a.yaml", "# only a remark\n"),
        ("a.yaml", "---\n"),
        ("a.yaml", "{}"),
        ("a.yaml", "~"),
        ("a.json", ""),
        ("a.json", "{}"),
        ("a.json", "[]"),
        ("a.json", "null"),
        ("a.json", "\"\""),
    ] {
        invalid(ask(name, text.as_bytes(), None));
    }
    assert_eq!(ask("a.json", b"[0]", None), MetadataAnswer::Good);
    assert_eq!(ask("a.json", b"false", None), MetadataAnswer::Good);
}

#[test]
fn what_does_not_parse_says_where_in_one_line() {
    for (name, text) in [
        ("a.yaml", "a: [1, 2\nb: 3\n"),
        ("a.yaml", "a: \"never closed\n"),
        ("a.yaml", "a: 1\n b: 2\n- c\n"),
        ("a.yaml", "a: *nobody\n"),
        ("a.yaml", "a: 1\n---\nb: 2\n"),
        ("a.json", "{\"a\": 1"),
        ("a.json", "{\"a\": 1} x"),
        ("a.json", "a: 1"),
        ("a", "\u{1b}[31m{"),
    ] {
        for key in [None, Some("a")] {
            let what = invalid(ask(name, text.as_bytes(), key));
            assert!(!what.is_empty() && what.len() < 400, "{what}");
            assert!(!what.chars().any(char::is_control), "{what:?}");
            assert!(
                name == "a" || what.contains("line") || what.contains("documents"),
                "{name} {text:?}: {what}"
            );
        }
    }
    invalid(ask("a.yaml", b"a: \xff\xfe\n", Some("a")));
    invalid(ask("a.json", b"{\"a\": \"\xff\"}", Some("a")));
}

#[test]
fn a_document_that_is_being_written_is_not_believed() {
    let tree = Tree::new();
    assert_eq!(has_key(&tree.place(b"m/a.yaml"), Some("a")).unwrap(), MetadataAnswer::Absent);
    tree.write(b"m/a.yaml", b"a: 1\n");
    let writer = OpenOptions::new().append(true).open(tree.path(b"m/a.yaml")).unwrap();
    invalid(has_key(&tree.place(b"m/a.yaml"), Some("a")).unwrap());
    drop(writer);
    assert_eq!(has_key(&tree.place(b"m/a.yaml"), Some("a")).unwrap(), MetadataAnswer::Good);
    std::os::unix::fs::symlink("a.yaml", tree.path(b"m/link.yaml")).unwrap();
    for path in [&b"m/link.yaml"[..], b"m", b"../m"] {
        assert!(has_key(&tree.place(path), None).is_err(), "{path:?}");
    }
}

#[test]
fn bombs_are_refused_quickly() {
    let tenfold = |level: u32| {
        let inner = if level == 0 { "x".to_owned() } else { format!("*a{}", level - 1) };
        format!("a{level}: &a{level} [{}]\n", vec![inner; 9].join(","))
    };
    let laughs: Vec<String> = (0..12).map(tenfold).collect();
    let laughs = laughs.concat();
    let deep = |open: &str| format!("a: {}", open.repeat(200_000));
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(17 << 20));
    for (name, text) in [
        ("a.yaml", laughs.as_str()),
        ("a.yaml", &deep("[")),
        ("a.yaml", &deep("{a: ")),
        ("a.yaml", &"- ".repeat(100_000)),
        ("a.json", &"[".repeat(100_000)),
        ("a.json", &large),
    ] {
        let begun = Instant::now();
        let what = invalid(ask(name, text.as_bytes(), Some("z")));
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_large_document_is_read_whole() {
    let lines: Vec<String> = (0..60_000).map(|n| format!("k{n}: [{n}, x]")).collect();
    let text = lines.join("\n");
    assert_eq!(ask("a.yaml", text.as_bytes(), Some("k59999.1")), MetadataAnswer::Good);
}

#[test]
fn damaged_documents_never_panic() {
    for seed in 0..3_000 {
        let dice = &mut Dice(seed);
        let (name, text) = if dice.below(2) == 0 { ("a.yaml", YAML) } else { ("a.json", JSON) };
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..dice.below(5) {
            let at = dice.below(bytes.len());
            bytes[at] = if dice.below(2) == 0 {
                b"{}[]:,-&*!|>'\"%@`#\t\n"[dice.below(20)]
            } else {
                dice.roll() as u8
            };
        }
        bytes.truncate(dice.below(bytes.len() * 2));
        ask(name, &bytes, Some("config.processing.0.id"));
    }
}
