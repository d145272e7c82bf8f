//! What `explain` says of units that a sink will never take, and of those that it does not take now.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde_json::Value;

use crate::rig::Rig;

#[track_caller]
fn wait_for_reason(rig: &Rig, path: &str, reason: &str) -> Value {
    rig.until(reason, || rig.explain(path)["reason"] == reason);
    let answer = rig.explain(path);
    assert_eq!(answer["reason_args"]["sink"], "out", "{answer}");
    answer
}

fn moments(answer: &Value) -> Vec<&str> {
    answer["timeline"].as_array().unwrap().iter().map(|moment| moment["what"].as_str().unwrap()).collect()
}

#[test]
fn a_dead_letter_says_whether_it_was_rejected_or_refused_too_often() {
    // One attempt only, so that the number of attempts does not tell.
    let rig = Rig::start(|plan| plan.sinks[0].max_attempts = 1);
    (rig.peer().refused, rig.peer().put_off) = (Some("poison"), Some("heavy"));
    for name in ["poison", "heavy"] {
        fs::write(rig.path(name), b"x").unwrap();
    }
    let rejected = wait_for_reason(&rig, "poison", "dead.rejected");
    assert_eq!(
        (&rejected["state"], &rejected["sinks"][0]["attempts"]),
        (&"dead".into(), &1.into()),
        "{rejected}"
    );
    let tired = wait_for_reason(&rig, "heavy", "dead.max-attempts");
    assert_eq!(tired["state"], "dead", "{tired}");
    for (answer, word) in [(&rejected, "rejected for good"), (&tired, "attempt 1")] {
        assert!(moments(answer).iter().any(|what| what.contains(word)), "{answer}");
        assert_eq!(answer["next_check"], Value::Null, "{answer}");
    }
}

#[test]
fn a_unit_that_a_sink_in_trouble_holds_up_has_the_sinks_words() {
    let rig = Rig::start(|_| {});
    rig.peer().down = true;
    fs::write(rig.path("a"), b"x").unwrap();
    let answer = wait_for_reason(&rig, "a", "blocked.sink-down");
    assert!(
        answer["sinks"][0]["last_error"].as_str().is_some_and(|error| error.contains("down")),
        "{answer}"
    );
    assert!(moments(&answer).iter().any(|what| what.contains("generation 1 admitted")), "{answer}");
    rig.peer().down = false;
    rig.until("delivered", || rig.explain("a")["state"] == "delivered");
    assert_eq!(rig.explain("a")["sinks"][0]["last_error"], Value::Null);
}

/// The event of that file says another name from now on: one bit on the disk, behind everybody's back.
fn spoil(ledger: &Path, name: &str) {
    let (bytes, said) = (fs::read(ledger).unwrap(), format!("\"subject\":\"{name}\""));
    let at = bytes.windows(said.len()).rposition(|window| window == said.as_bytes()).unwrap();
    let at = at + said.len() - 2;
    let file = fs::OpenOptions::new().write(true).open(ledger).unwrap();
    file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
}

#[test]
fn a_sink_that_waits_for_a_damaged_ledger_is_not_blamed() {
    /// More than are read ahead for a sink.
    const FILES: usize = 2000;
    let mut rig = Rig::start(|_| {});
    rig.peer().down = true;
    for number in 0..FILES {
        fs::write(rig.path(&format!("f{number}")), b"x").unwrap();
    }
    let queued = |rig: &Rig, count: usize| rig.status()["counts"]["queued"].as_u64() == Some(count as u64);
    rig.until("all are stored", || queued(&rig, FILES));
    fs::write(rig.path("last"), b"x").unwrap();
    rig.until("the last one is stored", || queued(&rig, FILES + 1));
    // What was admitted before is read from the disk.
    rig.down();
    rig.up();
    spoil(&rig.root().with_file_name("state").join("ledger.db"), "last");
    rig.peer().down = false;
    let answer = wait_for_reason(&rig, "last", "blocked.ledger");
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("sink out waits for the ledger: the ledger is damaged"), "{detail}");
    assert!(detail.contains("restart staithe") && !detail.contains("cannot be reached"), "{detail}");
    assert_eq!(answer["reason_args"]["sink"], "out", "{answer}");
    assert!(
        answer["reason_args"]["problem"]
            .as_str()
            .is_some_and(|text| text.starts_with("the ledger is damaged"))
    );
}
