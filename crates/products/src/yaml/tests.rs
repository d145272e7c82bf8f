//! What the original was recorded to make of metadata, and what `PyYAML` makes of more of it.

use serde_json::Value as Json;

use super::{DEEPEST, LARGEST, LARGEST_BODY, MOST_NODES, Place, YamlError, to_json};

/// Each case must give its body, byte for byte, or be refused where it has none. Where we are known to
/// differ, `ours` tells what we give, with a `!` before a refusal.
fn compare(name: &str, cases: &str) -> usize {
    let cases: Vec<Json> = serde_json::from_str(cases).expect("a list of cases");
    let mut differences = Vec::new();
    for case in &cases {
        let yaml = case["yaml"].as_str().expect("text");
        let known = case["ours"].as_str().or(case["body_text"].as_str());
        let wanted = known.filter(|ours| !ours.starts_with('!'));
        let got = to_json(yaml.as_bytes()).map(|body| String::from_utf8(body).expect("ASCII"));
        if got.as_deref().ok() != wanted {
            differences.push(format!("{yaml:?}\n  wanted {wanted:?}\n  got    {got:?}"));
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

fn body(yaml: &str) -> String {
    String::from_utf8(to_json(yaml.as_bytes()).expect("a body")).expect("ASCII")
}

fn error(yaml: &str) -> YamlError {
    to_json(yaml.as_bytes()).expect_err("no body")
}

fn at(line: usize, column: usize) -> Place {
    Place { line, column }
}

#[test]
fn recorded_metadata_gives_the_recorded_bodies() {
    assert_eq!(compare("recorded", include_str!("../../data/recorded_metadata.json")), 26);
}

#[test]
fn a_thousand_documents_give_what_pyyaml_gives() {
    assert!(compare("pyyaml", include_str!("../../data/pyyaml_metadata.json")) > 900);
}

#[test]
fn errors_name_their_place() {
    let cases = [
        ("a: 1\nb: [1,\n", "read line 2, column 4: unclosed flow collection"),
        ("a:\n\tb: 1", "read line 2, column 2: tab in block indentation"),
        ("a: 1\n---\nb: 2\n", "read line 2, column 1: a second document begins"),
        ("# nothing\n", "find anything in it: it is empty, or has comments only"),
        ("- a\n", "read line 1, column 1: the document is no mapping"),
        ("a: 1\nb:\n  c: !foo x\n", "read line 3, column 11: unknown tag \"!foo\""),
        ("a: 1\nb: 2024-13-45\n", "read line 2, column 4: \"2024-13-45\" is no possible date or time"),
        ("a: 1\n1: x\n", "read line 2, column 1: a key at the top must be text"),
        ("a: {[1]: x}\n", "read line 1, column 5: a collection cannot be a key"),
        ("a: {2024-01-01: x}\n", "read line 1, column 5: a date cannot be a key"),
        ("a: !!binary aGk=\n", "read line 1, column 13: a binary value cannot be sent"),
        ("a: !!set {x}\n", "read line 1, column 10: a set cannot be sent"),
        ("a: &x 1\nb: &x 2\n", "read line 2, column 4: the anchor \"x\" is given a second time"),
        ("a: 1\nb: \u{1}\n", "read line 2, column 4: the character '\\u{1}' is not allowed"),
        ("a: {<<: 1}\n", "read line 1, column 9: a mapping is needed here"),
    ];
    for (yaml, message) in cases {
        assert_eq!(error(yaml).to_string(), message, "{yaml:?}");
    }
    assert_eq!(to_json(b"a: 1\n\xff"), Err(YamlError::NotUtf8 { place: at(2, 1) }));
}

#[test]
fn infinities_are_written_as_python_writes_them() {
    assert_eq!(body("a: [.nan, .inf, -.inf, 1.0e+400]\n"), r#"{"a": [NaN, Infinity, -Infinity, Infinity]}"#);
}

#[test]
fn whole_numbers_have_as_many_digits_as_python_allows() {
    let longest = "9".repeat(4300);
    assert_eq!(body(&format!("a: {longest}\n")), format!(r#"{{"a": {longest}}}"#));
    assert!(matches!(error(&format!("a: {longest}9\n")), YamlError::Value { .. }));
    // 2^14284 has 4300 digits, 2^14288 has 4302.
    assert_eq!(body(&format!("a: 0x{}\n", "f".repeat(3571))).len(), 4300 + 7);
    assert!(matches!(error(&format!("a: 0x{}\n", "f".repeat(3572))), YamlError::Value { .. }));
    assert!(matches!(error(&format!("a: 0b{}\n", "1".repeat(100_000))), YamlError::Value { .. }));
    assert_eq!(body(&format!("a: 0{}7\n", "0".repeat(100_000))), r#"{"a": 7}"#);
    assert!(matches!(error(&format!("a: 1{}.5\n", ":00".repeat(5000))), YamlError::Value { .. }));
    assert!(matches!(error(&format!("a: 1{}\n", ":00".repeat(50_000))), YamlError::Value { .. }));
}

#[test]
fn a_file_has_a_largest_size() {
    let mut text = b"a: 1\n# ".to_vec();
    text.resize(LARGEST, b'x');
    assert!(to_json(&text).is_ok());
    text.push(b'x');
    assert_eq!(to_json(&text), Err(YamlError::TooLarge { limit: LARGEST }));
}

#[test]
fn collections_have_a_greatest_depth() {
    let nested = |depth: usize| format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(to_json(nested(DEEPEST - 1).as_bytes()).is_ok());
    assert!(to_json(nested(100_000).as_bytes()).is_err());
    let blocks: Vec<String> = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(to_json(blocks.concat().as_bytes()).is_err());
    // Each alias lies one deeper than the last.
    let chain: Vec<String> =
        (1..2000).map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1)).collect();
    assert!(matches!(error(&format!("a0: &a0 [x]\n{}", chain.concat())), YamlError::TooDeep { .. }));
    assert!(matches!(error("a: &a [*a]\n"), YamlError::TooDeep { limit: DEEPEST, .. }));
    assert!(matches!(error("a: &a {b: *a}\n"), YamlError::TooDeep { .. }));
}

#[test]
fn aliases_and_merge_keys_do_not_explode() {
    let ten = |name: &str, before: &str| {
        format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "))
    };
    let laugh = "ha".repeat(500);
    let mut laughs = format!("a: &a [{laugh}, {laugh}]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i", "j"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g", "h", "i"])
    {
        laughs.push_str(&ten(name, before));
    }
    assert!(matches!(error(&laughs), YamlError::TooMuch { limit: LARGEST_BODY, .. }));
    let merges = laughs
        .replace(&format!("[{laugh}, {laugh}]"), "{x: 1, y: 2}")
        .replace("[*", "{<<: [*")
        .replace("]\n", "]}\n");
    assert!(matches!(error(&merges), YamlError::TooMuch { limit: MOST_NODES, .. }), "{merges}");
    assert!(matches!(error(&format!("a: [{}]\n", "1,".repeat(MOST_NODES))), YamlError::TooMuch { .. }));
}

#[test]
fn lines_of_quoted_text_may_begin_at_the_margin() {
    assert_eq!(body("a:\n  b: \"x\ny\n\nz\"\nc: 'd\ne'\n"), r#"{"a": {"b": "x y\nz"}, "c": "d e"}"#);
    assert!(matches!(error("a: '\n---\n'\n"), YamlError::Syntax { .. }));
    let many = format!("a: 'x\n{}'\n", "y\n".repeat(1000));
    assert!(matches!(error(&many), YamlError::Syntax { .. }));
}

/// No text may bring the reader down, whatever it is.
#[test]
fn nothing_that_is_drawn_panics() {
    const PIECES: [&str; 40] = [
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "? ",
        ": ",
        "&x ",
        "*x",
        "<<: ",
        "=",
        "!!int ",
        "!!set ",
        "!!omap ",
        "!!float ",
        "!!timestamp ",
        "! ",
        "'",
        "\"",
        "|",
        ">",
        "#",
        "%",
        "\t",
        "1",
        "0x",
        "1:30",
        "2024-01-02",
        ".inf",
        "-",
        "~",
        "\\u00e9",
        "é",
        "\u{2028}",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..30_000 {
        let mut text = String::from("a: ");
        for _ in 0..20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(PIECES[(state % PIECES.len() as u64) as usize]);
        }
        let _ = to_json(text.as_bytes());
    }
}
