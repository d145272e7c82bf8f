//! A configuration is text from anywhere: no control byte and no secret comes through.

use std::fmt::Write as _;

use crate::{SOURCE, bad, good};

#[test]
fn no_control_byte_of_the_file_reaches_the_terminal() {
    let evil = "\\u001b]0;x\\u0007\\u202e\\r\\n\\u0085";
    let raw = "\u{202e}\u{9b}\u{85}";
    let text = format!(
        "site = \"{evil}\"\n\"{evil}{raw}\" = 1 # {raw}\n[source.\"{evil}\"]\npath = 5\nbackend = \"{evil}{raw}\"\n\
         poll_interval = \"{evil}\"\n[[source.\"{evil}\".rule]]\nname = \"{evil}\"\ninclude = [\"[{evil}\", \"re:({evil}\"]\n\
         to = [\"{evil}\"]\ncomplete = \"{evil}\"\n[sink.\"{evil}\"]\ntype = \"{evil}{raw}\"\n\
         [sink.b]\ntype = \"redis-list\"\nurl = \"{evil}\"\nkey = \"${{{evil}}}\"\n"
    );
    let found = bad(&text);
    assert!(found.len() >= 10, "{}", found.len());
    for finding in found {
        let shown = finding.render(false);
        for c in shown.chars() {
            assert!(
                c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)),
                "{c:?} in {shown:?}"
            );
        }
        assert_eq!(shown.lines().count(), if finding.help.is_some() { 4 } else { 3 }, "{shown}");
        assert_eq!(finding.to_string(), shown.trim_end());
    }
}

#[test]
fn raw_control_bytes_are_a_syntax_error_that_shows_them_escaped() {
    let found = bad("site = \"\x1b[31m\"\n");
    assert!(found.iter().all(|finding| !finding.render(false).contains('\x1b')));
    assert!(found[0].snippet.text.contains("\\x1b[31m"), "{}", found[0]);
}

#[test]
fn no_secret_is_ever_shown() {
    let texts = [
        // Wrong in the line that holds the password.
        "url=\"redis://u:hunter2@h:bad\"\nkey=\"k\"",
        "url=\"redis://u:hunter2@h\" x",
        "url=[\"redis://u:hunter2@h\"]\nkey=\"k\"",
        "url=\"http://u:hunter2@h\"\nkey=\"k\"",
        "url=\"redis+unix:///s?pass=hunter2&db=x\"\nkey=\"k\"",
        // From the environment.
        "url=\"redis://u:${SECRET}@h:bad\"\nkey=\"k\"",
        "url=\"${SECRET}\"\nkey=\"k\"",
        "url=\"redis://h\"\nkey=\"k\"\nformat=\"${SECRET}\"",
        "url=\"redis://h\"\nkey=\"k\"\ntimeout=\"${SECRET}\"",
        "url=\"redis://h\"\nkey=\"k\"\nurl_file=\"${SECRET}\"",
        "url_file=\"/${SECRET}\"\nkey=\"k\"",
    ];
    for text in texts {
        let found = bad(&format!("{SOURCE}[sink.r]\ntype=\"redis-list\"\n{text}"));
        let mut all = String::new();
        for finding in &found {
            let _ = write!(all, "{}{finding:?}", finding.render(true));
        }
        assert!(!all.contains("hunter2"), "{text}\n{all}");
    }
    let loaded =
        good(&format!("{SOURCE}[sink.r]\ntype=\"redis-list\"\nurl=\"redis://u:hunter2@h\"\nkey=\"k\""));
    assert!(!format!("{loaded:?}").contains("hunter2"));
    assert!(!config::to_toml(&loaded.plan).contains("hunter2"));
}

#[test]
fn endless_and_deep_texts_are_refused_in_few_words() {
    let deep = format!(
        "{SOURCE}[[source.s.rule]]\ncomplete = {}\"closed\"{}",
        "{ any = [".repeat(30),
        "] }".repeat(30)
    );
    assert!(bad(&deep)[0].render(false).len() < 1000);
    let deeper = format!("a = {}", "[".repeat(100_000));
    assert!(!bad(&deeper).is_empty());
    let long = format!(
        "{SOURCE}[[source.s.rule]]\ninclude = [\"{}\"]\n{} = 1",
        "[".repeat(100_000),
        "k".repeat(100_000)
    );
    for finding in bad(&long) {
        assert!(finding.render(false).len() < 1000, "{}", finding.render(false).len());
    }
    let name = "n".repeat(201);
    assert!(bad(&format!("[source.{name}]\npath=\"/d\""))[0].message.contains("longer than 200"));
}

#[test]
fn endless_mistakes_are_listed_to_an_end() {
    let mut text = String::from(SOURCE);
    for number in 0..20_000 {
        let _ = writeln!(text, "unknown-{number} = 1");
    }
    let found = bad(&text);
    assert_eq!(found.len(), 201);
    assert!(found.iter().any(|finding| finding.message.contains("not listed")));
}

#[test]
fn what_a_rule_asks_for_is_text_from_anywhere_too() {
    let evil = "\\u001b]0;x\\u0007\\u202e\\r\\n\\u0085/..";
    let values = [
        format!("dataset = \"[{evil}\""),
        format!("group = \"re:({evil}\""),
        format!("group = \"{evil}\""),
        format!("group = {{ dicom = \"{evil}\" }}"),
        format!("dataset = \"x\"\nlate = \"{evil}\""),
        format!("dataset = \"x\"\nof = \"{evil}\""),
        format!("complete = \"{evil}\""),
        format!("complete = {{ marker = \"{evil}\" }}"),
        format!("complete = {{ lock_gone = \"{evil}\" }}"),
        format!("complete = {{ manifest = {{ file = \"x\", rate = \"{evil}\" }} }}"),
        format!("complete = {{ metadata = {{ file = \"x\", key = \"{evil}\" }} }}"),
        format!("complete = {{ all = [\"{evil}\"] }}"),
        format!("complete = {{ all = [{{ \"{evil}\" = 1 }}] }}"),
    ];
    let long = "([(*".repeat(30_000);
    let endless = values.iter().map(|value| value.replace(evil, &long));
    for value in values.iter().cloned().chain(endless) {
        for finding in bad(&format!("{SOURCE}[[source.s.rule]]\n{value}\n")) {
            let shown = finding.render(false);
            assert!(shown.len() < 1200, "{} bytes", shown.len());
            let harmless = |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            assert!(shown.chars().all(harmless), "{shown:?}");
        }
    }
}

#[test]
fn expressions_that_would_take_endless_memory_are_refused() {
    let rule = |keys: &str| format!("{SOURCE}[[source.s.rule]]\n{keys}\n");
    for group in [
        "re:(?<key>(?:(?:a{1000}){1000}){1000})".to_owned(),
        format!("re:(?<key>{})", "a".repeat(16 * 1024)),
        format!("re:(?<key>{}a{})", "(".repeat(8000), ")".repeat(8000)),
    ] {
        let found = bad(&rule(&format!("group = '{group}'")));
        assert!(found[0].message.contains("the group pattern"), "{}", found[0]);
    }
    let long = "n".repeat(1025);
    for value in ["marker = 'X'", "metadata = { file = 'x', key = 'X' }"] {
        let found = bad(&rule(&format!("complete = {{ {} }}", value.replace('X', &long))));
        assert!(found[0].message.contains("too long"), "{}", found[0]);
    }
    let nested = format!("{}'closed'{}", "{all=[".repeat(9), "]}".repeat(9));
    assert!(bad(&rule(&format!("complete = {nested}")))[0].message.contains("nest deeper than 8"));
    let nested = format!("{}'closed'{}", "{all=[".repeat(8), "]}".repeat(8));
    good(&rule(&format!("complete = {nested}")));
}

#[test]
fn names_that_are_odd_but_harmless_are_fine() {
    let loaded = good("[source.\"\u{e9}t\u{e9} 'x' \\\"y\\\"\"]\npath = \"/d\u{e9} \\\\ \"\n");
    assert_eq!(loaded.plan.sources[0].name, "\u{e9}t\u{e9} 'x' \"y\"");
    assert_eq!(loaded.plan.sources[0].path, std::path::Path::new("/d\u{e9} \\ "));
}
