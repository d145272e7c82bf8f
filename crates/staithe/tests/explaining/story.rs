//! What a person reads: the story of a unit, members, and what is away.

use std::fs::{self, File};
use std::path::PathBuf;

use serde_json::Value;
use testkit::{Landing, Scratch, wait_for};

use crate::STEP;
use crate::ask::explain;
use crate::world::write;

const RULES: &str = r#"
    [source.main]
    path = "{in}/main"

    [[source.main.rule]]
    name = "runs"
    dataset = "*.run"
    complete = { all = ["members", { manifest = "B3SUMS" }] }

    [[source.main.rule]]
    name = "sets"
    dataset = "*.ms"
    complete = { all = ["members"] }

    [[source.main.rule]]
    name = "asked"
    include = ["*.asked"]
    complete = { all = ["announce", "renamed_in"] }

    [[source.main.rule]]
    name = "told"
    include = ["*.told"]
    complete = { all = ["announce", "closed"] }

    [[source.main.rule]]
    name = "files"
    complete = "local"

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"
"#;

fn start() -> Landing {
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory("story"));
    landing.configure(RULES);
    fs::create_dir(landing.root().join("main")).unwrap();
    landing.start();
    landing
}

fn at(landing: &Landing, path: &str) -> PathBuf {
    landing.root().join("main").join(path)
}

#[track_caller]
fn wait_for_answer(landing: &Landing, path: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let found = wait_for(STEP, &format!("{path} to be {what}"), || {
        last = explain(landing, "main", path.as_bytes()).1;
        is(&last).then(|| last.clone())
    });
    assert!(found["detail"].is_string(), "{found}");
    found
}

/// The page for people.
fn page(landing: &Landing, path: &str) -> String {
    let path = at(landing, path);
    landing.call(&["explain", path.to_str().unwrap()]).text()
}

fn moments(answer: &Value) -> Vec<&str> {
    answer["timeline"].as_array().unwrap().iter().map(|moment| moment["what"].as_str().unwrap()).collect()
}

/// Whether these come in this order, perhaps with others between.
fn tells(answer: &Value, story: &[&str]) -> bool {
    let mut told = moments(answer).into_iter();
    story.iter().all(|wanted| told.any(|what| what.contains(wanted)))
}

fn sums(content: &[u8]) -> String {
    format!("{}  data\n", blake3::hash(content).to_hex())
}

#[test]
fn the_timeline_tells_of_every_generation_and_not_of_every_look() {
    let landing = start();
    write(&at(&landing, "a.run/B3SUMS"), sums(b"right").as_bytes());
    write(&at(&landing, "a.run/data"), b"wrong");
    let is_wrong = |answer: &Value| answer["reason_args"]["wrong"] == 1;
    wait_for_answer(&landing, "a.run", "wrong", is_wrong);
    for length in 10..15 {
        // Each time everything is read again.
        write(&at(&landing, "a.run/data"), &vec![b'x'; length]);
        let size = format!("{} bytes", length + sums(b"").len());
        wait_for_answer(&landing, "a.run", "read again", |answer| {
            is_wrong(answer) && tells(answer, &[&size])
        });
    }
    write(&at(&landing, "a.run/data"), b"right");
    let whole = wait_for_answer(&landing, "a.run", "delivered", |answer| answer["state"] == "delivered");
    assert!(tells(
        &whole,
        &["seen", "members", "waiting.manifest", "generation 1 admitted", "delivered to lines"]
    ));
    let reasons = |answer: &Value| moments(answer).iter().filter(|what| what.starts_with("waiting.")).count();
    assert!(reasons(&whole) <= 3, "looks are no moments: {:#?}", moments(&whole));
    assert_eq!((&whole["kind"], &whole["members"]), (&"dataset".into(), &2.into()), "{whole}");

    write(&at(&landing, "a.run/more"), b"more");
    let again = wait_for_answer(&landing, "a.run", "delivered again", |answer| answer["generation"] == 2);
    let both = ["generation 1 admitted", "delivered to lines", "seen", "generation 2 admitted"];
    assert!(tells(&again, &both), "{:#?}", moments(&again));
    fs::remove_dir_all(at(&landing, "a.run")).unwrap();
    let gone = wait_for_answer(&landing, "a.run", "gone", |answer| answer["removed_at"].is_string());
    assert!(tells(&gone, &["generation 2 admitted", "seen to be gone"]), "{:#?}", moments(&gone));
    let when = gone["removed_at"].as_str().unwrap();
    assert!(gone["detail"].as_str().unwrap().contains(when), "{gone}");
}

#[test]
fn the_timeline_has_each_signal() {
    let landing = start();
    write(&at(&landing, "a.part"), b"data");
    fs::rename(at(&landing, "a.part"), at(&landing, "a.asked")).unwrap();
    let is_waiting = |answer: &Value| answer["reason"] == "waiting.announce";
    wait_for_answer(&landing, "a.asked", "waiting", is_waiting);
    let notified = landing.call(&["notify", at(&landing, "a.asked").to_str().unwrap()]);
    notified.assert_code(0);
    let done = wait_for_answer(&landing, "a.asked", "delivered", |answer| answer["state"] == "delivered");
    let story = [
        "seen",
        "4 bytes",
        "renamed in",
        "waiting.announce",
        "announced by",
        "generation 1 admitted",
        "delivered",
    ];
    assert!(tells(&done, &story), "{:#?}", moments(&done));

    write(&at(&landing, "a.told"), b"data");
    // It may be seen before its close is.
    let is_closed = |answer: &Value| is_waiting(answer) && moments(answer).contains(&"closed");
    wait_for_answer(&landing, "a.told", "closed", is_closed);

    write(&landing.out("built/x"), b"x");
    fs::rename(landing.out("built"), at(&landing, "whole.ms")).unwrap();
    let done = wait_for_answer(&landing, "whole.ms", "delivered", |answer| answer["state"] == "delivered");
    assert!(tells(&done, &["seen", "renamed in", "1 member, 1 bytes", "generation 1 admitted"]), "{done}");
}

#[test]
fn a_member_is_told_of_as_what_it_is() {
    let landing = start();
    fs::create_dir(at(&landing, "obs.ms")).unwrap();
    let late = File::create(at(&landing, "obs.ms/late")).unwrap();
    write(&at(&landing, "obs.ms/x"), b"x");
    let is_open = |answer: &Value| answer["reason_args"]["blocking"] == serde_json::json!(["late"]);
    let member = wait_for_answer(&landing, "obs.ms/x", "waiting", is_open);
    assert_eq!((&member["unit"], &member["state"]), (&"obs.ms".into(), &"waiting".into()), "{member}");
    let detail = member["detail"].as_str().unwrap();
    assert!(detail.starts_with("a member of \"obs.ms\", which is waiting: "), "{detail}");

    let page_of_member = page(&landing, "obs.ms/x");
    assert!(
        page_of_member.starts_with("obs.ms/x: WAITING as a member of obs.ms (source main)\n"),
        "{page_of_member}"
    );
    for line in [
        "  reason   waiting.members\n",
        "  blocking late\n",
        "  rule     sets\n",
        "  next     20",
        "  timeline\n",
    ] {
        assert!(page_of_member.contains(line), "no {line:?} in\n{page_of_member}");
    }
    drop(late);
    write(&at(&landing, "bare.run/x"), b"x");
    wait_for_answer(&landing, "bare.run", "without a list", |answer| answer["reason"] == "waiting.manifest");
    let bare = page(&landing, "bare.run");
    assert!(bare.starts_with("bare.run: WAITING (source main)\n"), "{bare}");
    assert!(bare.contains("the manifest \"B3SUMS\" cannot be used: it is not there"), "{bare}");
}

#[test]
fn what_is_away_is_said_to_be_away() {
    let landing = start();
    write(&at(&landing, "here"), b"x");
    let is_delivered = |answer: &Value| answer["state"] == "delivered";
    let here = wait_for_answer(&landing, "here", "delivered", is_delivered);
    assert!(!here["detail"].as_str().unwrap().contains("cannot be seen"), "{here}");
    fs::rename(landing.root().join("main"), landing.root().join("elsewhere")).unwrap();
    let is_away = |answer: &Value| {
        answer["detail"].as_str().is_some_and(|text| text.contains("is not there at the moment"))
    };
    let away = wait_for_answer(&landing, "here", "away", is_away);
    // That nobody sees it does not mean that it is gone.
    assert_eq!((&away["state"], &away["removed_at"]), (&"delivered".into(), &Value::Null), "{away}");
    fs::rename(landing.root().join("elsewhere"), landing.root().join("main")).unwrap();
    wait_for_answer(&landing, "here", "back", |answer| is_delivered(answer) && !is_away(answer));
}
