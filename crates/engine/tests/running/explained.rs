//! What `explain` says of units that a sink will never take, and of those that it does not take now.

use std::fs;

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
