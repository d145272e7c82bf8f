//! What still lies there is announced again, for consumers that lose messages; bounded by their queues.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use config::{Backend, Format, Initial, JsonlSink, Plan, QueueSink, Reannounce, SinkKind, SinkPlan};
use settle::{Clause, Completion, Expr, Pattern};

use crate::rig::Rig;

/// How often it is announced in these tests.
const OFTEN: Duration = Duration::from_millis(200);

fn often(plan: &mut Plan) {
    plan.sources[0].reannounce = Some(Reannounce { every: Some(OFTEN), queue_limit: None });
}

fn up_to(limit: u64) -> impl FnOnce(&mut Plan) {
    move |plan| {
        often(plan);
        plan.sources[0].reannounce.as_mut().unwrap().queue_limit = Some(limit);
    }
}

fn sink(plan: &mut Plan, name: &str, kind: SinkKind) {
    let timeout = Duration::from_secs(10);
    plan.sinks.push(SinkPlan {
        name: name.into(),
        kind,
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout,
    });
}

fn fill(root: &Path, count: u32) {
    for number in 0..count {
        fs::write(root.join(format!("f{number}")), b"x").unwrap();
    }
}

/// Waits until so many turns have begun.
fn turns(rig: &Rig, count: u32) {
    let before = rig.peer().asked;
    rig.until("turns", || rig.peer().asked >= before + count);
}

fn queued(rig: &Rig, name: &str) -> u64 {
    let id = rig.engine().sink_id(name).unwrap();
    let counts = rig.engine().ledger().sink_counts(id).unwrap();
    counts.queued + counts.in_flight + counts.retrying
}

#[test]
fn an_unchanged_file_comes_again_under_a_new_id_that_names_the_old() {
    let rig = Rig::prepared(|root| fs::write(root.join("a"), b"x").unwrap(), often);
    let events = rig.wait("a", 4);
    for (number, pair) in events.windows(2).enumerate() {
        assert_eq!(pair[1]["data"]["supersedes"], pair[0]["id"], "{pair:?}");
        assert_ne!(pair[1]["id"], pair[0]["id"]);
        assert_eq!(pair[1]["data"]["generation"], number as u64 + 2, "{pair:?}");
        assert_eq!(pair[1]["data"]["mtime"], pair[0]["data"]["mtime"]);
    }
    let explained = rig.explain("a");
    assert!(explained["timeline"].to_string().contains("announced again"), "{explained}");
    assert_eq!(rig.status()["counts"]["superseded"], 0, "each was delivered");
}

#[test]
fn a_file_that_is_there_no_more_comes_no_more() {
    let rig = Rig::prepared(|root| fill(root, 2), often);
    rig.wait("f0", 2);
    fs::remove_file(rig.path("f0")).unwrap();
    rig.until("the removal on record", || rig.units().iter().any(|unit| unit["state"] == "delivered"));
    rig.barrier();
    turns(&rig, 2);
    let (gone, there) = (rig.events("f0").len(), rig.events("f1").len());
    rig.wait("f1", there + 3);
    assert_eq!(rig.events("f0").len(), gone);
}

#[test]
fn line_files_have_no_queue_and_get_everything_again() {
    let rig = Rig::prepared(
        |root| fill(root, 3),
        |plan| {
            up_to(1000)(plan);
            let path = plan.sources[0].path.with_file_name("lines");
            sink(plan, "lines", SinkKind::Jsonl(JsonlSink { path }));
            plan.sources[0].rules.rules[0].to = vec!["lines".into()];
        },
    );
    let lines = rig.root().with_file_name("lines");
    rig.until("each file three times", || {
        fs::read_to_string(&lines).is_ok_and(|text| {
            (0..3).all(|number| text.matches(&format!("\"path\":\"f{number}\"")).count() >= 3)
        })
    });
}

#[test]
fn the_embedded_queue_is_filled_up_to_the_limit_and_again_when_it_was_taken() {
    let rig = Rig::start(|plan| {
        up_to(4)(plan);
        sink(plan, "queue", SinkKind::Queue(QueueSink { retain: Duration::ZERO }));
        // The other rule's sink counts the turns.
        let mut rule = plan.sources[0].rules.rules[0].clone();
        rule.name = "queued".into();
        rule.include = vec![Pattern::parse("f*").unwrap()];
        rule.to = vec!["queue".into()];
        plan.sources[0].rules.rules.insert(0, rule);
    });
    let (ledger, id) = (rig.engine().ledger().clone(), rig.engine().sink_id("queue").unwrap());
    let lie = || ledger.queue_depth(id).unwrap().ready;
    let taken = |max| -> Vec<Vec<u8>> {
        let now = rig.engine().clock().wall();
        let taken = ledger.queue_take(id, max, None, now).unwrap();
        let ids: Vec<_> = taken.iter().map(|parcel| parcel.event.id).collect();
        ledger.queue_ack(Some(id), &ids, now).unwrap();
        taken.into_iter().map(|parcel| parcel.path).collect()
    };
    fill(rig.root(), 9);
    rig.until("new files are not held back", || lie() == 9);
    turns(&rig, 4);
    assert_eq!(lie(), 9, "beyond the limit nothing comes again");
    assert_eq!(taken(9).len(), 9);
    let mut again = std::collections::BTreeSet::new();
    for _ in 0..3 {
        rig.until("the queue is filled again", || lie() == 4);
        turns(&rig, 3);
        assert_eq!(lie(), 4, "up to the limit");
        again.extend(taken(9));
    }
    assert_eq!(again.len(), 9, "each had its turn: {again:?}");
}

#[test]
fn while_the_sink_is_down_nothing_is_announced_twice() {
    let rig = Rig::prepared(|root| fill(root, 3), often);
    rig.wait("f2", 2);
    rig.peer().down = true;
    fs::write(rig.path("new"), b"x").unwrap();
    rig.until("the new file waits", || queued(&rig, "out") > 0 && rig.status()["sinks"][0]["state"] != "ok");
    let held = queued(&rig, "out");
    std::thread::sleep(OFTEN * 5);
    assert_eq!(queued(&rig, "out"), held, "they pile up");
    rig.peer().down = false;
    rig.wait("new", 2);
}

/// A paused sink still says how long its queue is.
#[test]
fn while_the_sink_is_paused_each_file_waits_once() {
    let rig = Rig::prepared(|root| fill(root, 3), often);
    rig.wait("f2", 2);
    rig.engine().dispatch().pause(rig.engine().sink_id("out").unwrap());
    fs::write(rig.path("new"), b"x").unwrap();
    rig.until("everything waits", || queued(&rig, "out") >= 4);
    turns(&rig, 5);
    assert_eq!(queued(&rig, "out"), 4, "what is on its way comes no second time");
    let before = rig.received();
    rig.engine().dispatch().resume(rig.engine().sink_id("out").unwrap());
    rig.wait("new", 2);
    assert!(rig.received() > before);
}

#[test]
fn what_is_on_its_way_counts_as_if_it_lay_in_the_queue() {
    let rig = Rig::prepared(|root| fill(root, 20), up_to(5));
    rig.wait("f19", 1);
    rig.engine().dispatch().pause(rig.engine().sink_id("out").unwrap());
    rig.until("up to the limit", || queued(&rig, "out") >= 5);
    turns(&rig, 4);
    assert_eq!(queued(&rig, "out"), 5);
}

#[test]
fn the_length_that_the_sink_says_leaves_the_rest_for_later() {
    let rig = Rig::prepared(|root| fill(root, 5), up_to(10));
    rig.wait("f4", 2);
    rig.peer().length = Some(10);
    turns(&rig, 3);
    let full = rig.received();
    turns(&rig, 3);
    assert_eq!(rig.received(), full, "announced into a full queue");
    rig.peer().length = Some(0);
    rig.until("all again", || rig.received() >= full + 5);
}

#[test]
fn the_fullest_of_a_rules_sinks_decides_and_others_rules_go_on() {
    let rig = Rig::prepared(
        |root| {
            fs::write(root.join("both"), b"x").unwrap();
            fs::write(root.join("one"), b"x").unwrap();
        },
        |plan| {
            up_to(1)(plan);
            sink(plan, "queue", SinkKind::Queue(QueueSink { retain: Duration::ZERO }));
            let rules = &mut plan.sources[0].rules.rules;
            rules.push(rules[0].clone());
            rules[0].name = "both".into();
            rules[0].include = vec![Pattern::parse("both").unwrap()];
            rules[0].to = vec!["out".into(), "queue".into()];
        },
    );
    // The queue holds the first announcement of `both`, and that is all that fits.
    rig.wait("one", 5);
    assert_eq!(rig.events("both").len(), 1);
}

#[test]
fn an_incomplete_file_is_announced_when_it_is_complete_and_once() {
    let rig = Rig::start(often);
    let mut file = fs::File::create(rig.path("slow")).unwrap();
    file.write_all(b"half").unwrap();
    fs::write(rig.path("other"), b"x").unwrap();
    rig.wait("other", 4);
    assert!(rig.events("slow").is_empty(), "announced while it is written");
    file.write_all(b" and half").unwrap();
    drop(file);
    let events = rig.wait("slow", 2);
    assert_eq!((&events[0]["data"]["size"], &events[0]["data"]["generation"]), (&13.into(), &1.into()));
}

/// It is known, and written to once more: what is in the making is not announced as the old.
#[test]
fn a_known_file_that_is_being_rewritten_waits() {
    let rig = Rig::start(often);
    fs::write(rig.path("a"), b"x").unwrap();
    fs::write(rig.path("other"), b"x").unwrap();
    rig.wait("a", 2);
    let mut file = fs::OpenOptions::new().append(true).open(rig.path("a")).unwrap();
    file.write_all(b"y").unwrap();
    rig.until("it waits", || rig.explain("a")["state"] == "waiting");
    let (before, others) = (rig.events("a").len(), rig.events("other").len());
    rig.wait("other", others + 3);
    assert_eq!(rig.events("a").len(), before);
    drop(file);
    rig.until("the new content", || rig.events("a").last().unwrap()["data"]["size"] == 2);
}

#[test]
fn polled_trees_are_announced_again_too() {
    let rig = Rig::prepared(
        |root| {
            fs::create_dir(root.join("d")).unwrap();
            fs::write(root.join("d/a"), b"x").unwrap();
        },
        |plan| {
            often(plan);
            plan.sources[0].backend = Backend::Poll;
        },
    );
    rig.wait("d/a", 4);
}

#[test]
fn what_no_rule_takes_stays_unannounced_and_explained() {
    let rig = Rig::prepared(
        |root| {
            fill(root, 1);
            fs::write(root.join("x.log"), b"x").unwrap();
        },
        |plan| {
            often(plan);
            plan.sources[0].rules.rules[0].exclude = vec![Pattern::parse("*.log").unwrap()];
        },
    );
    rig.wait("f0", 4);
    assert!(rig.events("x.log").is_empty());
    assert_eq!(rig.explain("x.log")["state"], "ignored", "{}", rig.explain("x.log"));
    assert!(rig.units().iter().any(|unit| unit["path"] == "x.log"), "{:?}", rig.units());
}

#[test]
fn adopted_files_were_never_announced_and_are_not_announced_again() {
    let mut rig = Rig::prepared(
        |root| {
            fill(root, 3);
            // The coarse clock of change times must have gone on.
            std::thread::sleep(Duration::from_millis(50));
        },
        |plan| {
            up_to(2)(plan);
            plan.sources[0].initial = Initial::Adopt;
        },
    );
    fs::write(rig.path("new"), b"x").unwrap();
    rig.wait("new", 4);
    rig.down();
    rig.up();
    let before = rig.events("new").len();
    rig.wait("new", before + 3);
    assert!((0..3).all(|number| rig.events(&format!("f{number}")).is_empty()), "{:?}", rig.all());
    fs::write(rig.path("f0"), b"other").unwrap();
    rig.wait("f0", 3);
}

#[test]
fn a_dead_letter_is_left_to_the_operator() {
    let rig = Rig::prepared(
        |root| fill(root, 1),
        |plan| {
            often(plan);
            plan.sinks[0].max_attempts = 1;
        },
    );
    rig.peer().refused = Some("poison");
    fs::write(rig.path("poison"), b"x").unwrap();
    let dead = || rig.status()["counts"]["dead"].as_u64().unwrap();
    rig.until("the letter", || dead() == 1);
    turns(&rig, 5);
    rig.wait("f0", rig.events("f0").len() + 2);
    assert_eq!(dead(), 1, "a letter at each turn");
}

/// Files that nothing told of are found by the listing, whatever the queue's length.
#[test]
fn a_full_queue_does_not_hold_back_what_is_new() {
    let mut rig = Rig::prepared(|root| fill(root, 2), up_to(3));
    rig.wait("f1", 1);
    // No room for a second file: the first listing that walks finds the new one.
    rig.peer().length = Some(2);
    rig.down();
    fs::write(rig.path("new"), b"x").unwrap();
    rig.up();
    rig.wait("new", 1);
}

/// The walk over a new directory ends while the sink is still asked.
#[test]
fn a_walk_that_ends_while_the_sink_is_asked_does_not_swallow_the_turn() {
    let rig = Rig::prepared(|root| fill(root, 1), often);
    rig.wait("f0", 2);
    rig.peer().thinks = true;
    let asked = rig.peer().asked;
    rig.until("the sink is asked", || rig.peer().asked > asked);
    let before = rig.events("f0").len();
    rig.reload(|plan| plan.sources[0].reannounce.as_mut().unwrap().every = Some(Duration::from_hours(1)));
    fs::create_dir_all(rig.path("d/e/f")).unwrap();
    fs::write(rig.path("d/e/f/g"), b"x").unwrap();
    rig.until("the walk", || rig.explain("d/e/f/g")["state"] == "queued");
    rig.peer().thinks = false;
    rig.wait("f0", before + 1);
}

#[test]
fn a_reload_of_something_else_announces_nothing_again() {
    let rig = Rig::prepared(
        |root| fill(root, 1),
        |plan| {
            plan.sources[0].reannounce = Some(Reannounce { every: None, queue_limit: None });
        },
    );
    rig.wait("f0", 1);
    rig.reload(|plan| {
        plan.sources[0].rules.rules[0].completion =
            Completion { expr: Expr::Clause(Clause::WriterGone), ..Completion::local() };
        plan.sources[0].reannounce = Some(Reannounce { every: None, queue_limit: None });
    });
    rig.barrier();
    rig.rescan();
    assert_eq!(rig.events("f0").len(), 1);
}
