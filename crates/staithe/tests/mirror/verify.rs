//! `staithe mirror verify` and `prune`.

use std::fs;
use std::time::Duration;

use testkit::{Landing, Scratch};

use crate::trees::wait_equal;

const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn verify_names_what_differs_and_prune_removes_what_a_new_root_left() {
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("verify"));
    landing.configure(
        "[source.w]\npath = \"{in}\"\n[[source.w.rule]]\nname = \"all\"\nto = [\"m\"]\n\
         [sink.m]\ntype = \"mirror\"\ndestination = \"{out}/m\"\n",
    );
    let config = landing.config().to_str().expect("a plain name").to_owned();
    let call = |landing: &Landing, words: &[&str]| {
        let words = [&["mirror"], words, &["-c", &config]].concat();
        let done = landing.call(&words);
        (done.code, done.text() + &done.stderr)
    };
    landing.write_old("f", b"text");
    fs::create_dir(landing.root().join("d")).expect("the tree takes it");
    landing.start();
    wait_equal(&landing.root(), &landing.out("m"), PATIENCE).expect("they become equal");
    let (code, text) = call(&landing, &["verify", "m", "--content"]);
    assert_eq!((code, text.as_str()), (Some(0), "m: equal, 2 entries\n"));
    landing.stop();

    let time = fs::metadata(landing.root().join("f")).and_then(|look| look.modified()).expect("it is there");
    let copy = fs::File::options().write(true).open(landing.out("m/f")).expect("it is ours");
    fs::write(landing.out("m/f"), b"TEXT").expect("it is ours");
    copy.set_modified(time).expect("it is ours");
    fs::write(landing.out("m/extra"), b"").expect("it is ours");
    let (code, text) = call(&landing, &["verify", "m", "--content"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("f: the bytes differ") && text.contains("extra: only in the mirror"), "{text}");
    let (_, json) = call(&landing, &["verify", "m", "--json"]);
    assert!(json.contains("\"equal\":false") && json.contains("\"path\":\"extra\""), "{json}");
    assert_eq!(call(&landing, &["verify", "nobody"]).0, Some(4));

    // Another directory takes the source's place.
    fs::remove_dir_all(landing.root()).expect("it is ours");
    fs::create_dir(landing.root()).expect("it is ours");
    landing.start();
    let (code, text) = call(&landing, &["verify", "m"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("staithe mirror prune m") && landing.out("m/f").exists(), "{text}");
    let (code, text) = call(&landing, &["prune", "m"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("is empty") && text.contains("--yes") && landing.out("m/f").exists(), "{text}");
    // The daemon does the same as soon as the new root is accepted.
    let (code, text) = call(&landing, &["prune", "m", "--yes"]);
    assert_eq!(code, Some(0), "{text}");
    wait_equal(&landing.root(), &landing.out("m"), PATIENCE).expect("they become equal");
    landing.stop();
}
