//! Pain 4: limits of watches that confuse, kill or say nothing.

use std::collections::BTreeMap;
use std::fs;

use testkit::wait_until;

use crate::STEP;
use crate::enclosed::{Enclosed, landing};

const DIRECTORIES: usize = 1000;
const WATCHES: usize = 100;

fn fill(enclosed: &Enclosed, name: &str) -> BTreeMap<String, Vec<u64>> {
    let paths = (0..DIRECTORIES).map(|number| format!("d{number}/{name}"));
    let write = |path: String| {
        fs::write(enclosed.landing.root().join(&path), b"x").expect("the tree takes files");
        (path, vec![1])
    };
    paths.map(write).collect()
}

/// The number after `text=`.
fn number_after(said: &str, text: &str) -> Option<u64> {
    let (_, rest) = said.split_once(text)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn pain_4_watch_limits_lose_nothing_and_say_what_to_do() {
    let landing = landing("pain-4", "poll_interval = \"200ms\"\npoll_full = \"1s\"");
    for number in 0..DIRECTORIES {
        fs::create_dir(landing.root().join(format!("d{number}"))).expect("a tree");
    }
    let limit = format!("echo {WATCHES} > /proc/sys/user/max_inotify_watches");
    let Some(enclosed) = Enclosed::with_limits(landing, &limit) else { return };
    let mut expected = fill(&enclosed, "one");
    enclosed.wait_for("with too few watches", &expected);
    let source = enclosed.source();
    assert_eq!(source["backend"], "inotify+poll", "{source}");
    assert_eq!(source["state"], "degraded", "{source}");
    assert_eq!(source["watches"].as_u64(), Some(WATCHES as u64), "{source}");
    assert_eq!(source["unwatched"].as_u64(), Some((DIRECTORIES + 1 - WATCHES) as u64), "{source}");
    let said = enclosed.said();
    let line = "sysctl -w fs.inotify.max_user_watches=";
    let advised = number_after(&said, line).unwrap_or_else(|| panic!("no `{line}…` in {said}"));
    assert!(advised > DIRECTORIES as u64, "{advised} would not do: {said}");

    // And when somebody has done it, everything is watched again, without a restart.
    enclosed.inside("echo 100000 > /proc/sys/user/max_inotify_watches");
    wait_until(STEP, "all to be watched", || enclosed.source()["unwatched"] == 0);
    expected.extend(fill(&enclosed, "two"));
    enclosed.wait_for("with enough watches", &expected);
    enclosed.wait_for_state("ok");
}

#[test]
fn pain_4_without_an_instance_the_tree_is_polled_and_it_says_why() {
    let landing = landing("pain-4-instances", "poll_interval = \"200ms\"");
    for number in 0..DIRECTORIES {
        fs::create_dir(landing.root().join(format!("d{number}"))).expect("a tree");
    }
    let limit = "echo 0 > /proc/sys/user/max_inotify_instances";
    let Some(enclosed) = Enclosed::with_limits(landing, limit) else { return };
    let expected = fill(&enclosed, "one");
    enclosed.wait_for("without inotify", &expected);
    let source = enclosed.source();
    assert_eq!(source["backend"], "poll", "{source}");
    let said = enclosed.said();
    // The limit that is in the way here is that of the namespace.
    assert!(number_after(&said, "sysctl -w user.max_inotify_instances=") >= Some(1), "{said}");
}
