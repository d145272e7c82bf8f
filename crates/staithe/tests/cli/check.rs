//! `check`, `init`, usage errors.

use testkit::{Finished, Landing};

use crate::{CONFIG, landing};

fn check(landing: &Landing, text: &str) -> Finished {
    landing.configure(text);
    landing.call(&["check", "-c", landing.config().to_str().expect("a plain name")])
}

#[test]
fn a_good_configuration_is_good() {
    let done = check(&landing(), CONFIG);
    done.assert_code(0);
    assert!(done.text().ends_with("good, 1 source, 2 sinks\n"), "{}", done.text());
}

#[test]
fn an_absent_tree_and_an_unreachable_server_are_warnings() {
    let text = CONFIG.replace("{in}", "{in}/absent").replace(
        "[sink.local]\n    type = \"queue\"",
        "[sink.local]\n    type = \"redis-list\"\n    url = \"redis://127.0.0.1:1/0\"\n    key = \"q\"",
    );
    let done = check(&landing(), &text);
    done.assert_code(0);
    let said = done.text() + &done.stderr;
    assert!(said.contains("absent"), "{said}");
}

#[test]
fn each_error_has_its_place_and_the_nearest_known_name() {
    let landing = landing();
    let done = check(&landing, &CONFIG.replace("complete =", "compleet ="));
    done.assert_code(2);
    let said = done.text() + &done.stderr;
    let line = CONFIG.lines().position(|line| line.contains("complete")).expect("it is there") + 1;
    let place = format!("{}:{line}:", landing.config().display());
    assert!(said.contains(&place), "no {place} in:\n{said}");
    assert!(said.contains("compleet") && said.contains("`complete`"), "{said}");
}

#[test]
fn every_error_is_told_at_once() {
    let text = CONFIG
        .replace("type = \"queue\"", "type = \"queu\"")
        .replace("\"lines\", \"local\"", "\"lines\", \"locl\"");
    let done = check(&landing(), &text);
    done.assert_code(2);
    let said = done.text() + &done.stderr;
    assert!(said.contains("queu") && said.contains("locl"), "{said}");
}

#[test]
fn an_undefined_variable_and_a_file_that_is_not_there_are_errors() {
    let landing = landing();
    let done = check(&landing, &CONFIG.replace("{out}/events.jsonl", "${STAITHE_TEST_UNDEFINED}/x"));
    done.assert_code(2);
    assert!((done.text() + &done.stderr).contains("STAITHE_TEST_UNDEFINED"));
    landing.call(&["check", "-c", "/nonexistent/staithe.toml"]).assert_code(2);
}

#[test]
fn what_init_prints_passes_the_check() {
    let landing = landing();
    let printed = landing.call(&["init"]);
    printed.assert_code(0);
    assert!(printed.text().lines().any(|line| line.trim_start().starts_with('#')), "{}", printed.text());
    check(&landing, &printed.text()).assert_code(0);
}

#[test]
fn init_translates_an_old_configuration() {
    let landing = landing();
    let ini = landing.out("old.ini");
    let text = format!(
        "[monitor_inbox]\nactive = 1\ndirectory = {}\nqueue = old:queue\nredis_server = 127.0.0.1\n\
         redis_port = 6379\nredis_unix_socket = null\n",
        landing.root().display()
    );
    std::fs::write(&ini, text).expect("the scratch folder takes files");
    let printed =
        landing.call(&["init", "--from", "directory-observer", ini.to_str().expect("a plain name")]);
    printed.assert_code(0);
    assert!(printed.text().contains("old:queue"), "{}", printed.text());
    check(&landing, &printed.text()).assert_code(0);
}

#[test]
fn wrong_usage_is_code_2_and_help_is_code_0() {
    let landing = landing();
    landing.call(&["--help"]).assert_code(0);
    landing.call(&["--version"]).assert_code(0);
    for words in [&["fly"][..], &["watch"], &["watch", "--fly", "."]] {
        landing.call(words).assert_code(2);
    }
}
