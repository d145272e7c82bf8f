//! Following is switched by the configuration itself.

use std::fs;

use testkit::{Signal, wait_until};

use crate::{STEP, deliver, running, standing, text, wait_applied};

#[test]
fn who_is_told_not_to_follow_waits_for_a_word() {
    let mut landing = running();
    assert_eq!(standing(&landing)["watched"], true);
    let off = |number| text(&landing, number).replace("watch_config = true", "watch_config = false");
    fs::write(landing.config(), off(1)).unwrap();
    wait_applied(&landing, 1, 1);
    assert_eq!(standing(&landing)["watched"], false);
    // Nobody looks at it: the command finds what was never seen before.
    fs::write(landing.config(), "broken").unwrap();
    landing.call(&["reload"]).assert_code(2);
    fs::write(landing.config(), text(&landing, 2)).unwrap();
    landing.call(&["reload"]).assert_code(0);
    wait_applied(&landing, 2, 2);
    assert_eq!(standing(&landing)["watched"], true);
    fs::write(landing.config(), text(&landing, 3)).unwrap();
    wait_applied(&landing, 3, 3);
    // A signal takes over at once what would be seen a moment later: not twice.
    fs::write(landing.config(), text(&landing, 4)).unwrap();
    landing.daemon().signal(Signal::HUP);
    wait_applied(&landing, 4, 4);
    fs::write(landing.config(), text(&landing, 5)).unwrap();
    wait_applied(&landing, 5, 5);
    deliver(&landing, "a", 5);
}

/// Each sink lets go of its file, also when the configuration is the same.
#[test]
fn a_log_that_was_rotated_is_opened_anew_by_a_signal() {
    let mut landing = running();
    deliver(&landing, "a", 0);
    fs::rename(landing.out("v0.jsonl"), landing.out("v0.jsonl.1")).unwrap();
    landing.daemon().signal(Signal::HUP);
    deliver(&landing, "b", 0);
    wait_until(STEP, "both files", || {
        let lines = |name: &str| fs::read_to_string(landing.out(name)).map_or(0, |text| text.lines().count());
        (lines("v0.jsonl.1"), lines("v0.jsonl")) == (1, 1)
    });
}
