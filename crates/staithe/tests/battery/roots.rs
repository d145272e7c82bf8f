//! The watched root goes away, comes back, or is another one.

use std::fs;

use testkit::redis::Redis;
use testkit::{Landing, Scratch, Truth, judge, wait_until};

use crate::{LONG, STEP, landing, pop, to_redis_and_lines};

fn wait_for_source(landing: &Landing, state: &str) {
    wait_until(STEP, &format!("the source to be {state}"), || {
        landing.status()["sources"][0]["state"] == state
    });
}

fn write(landing: &Landing, truth: &mut Truth, names: &[&str], content: &str) {
    for name in names {
        truth.write(&landing.root(), name.as_bytes(), format!("{content} {name}").as_bytes());
    }
}

#[test]
fn a_root_that_was_away_repeats_nothing_and_brings_what_is_new() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("away"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    landing.start();
    let list = pop(&redis, &landing);
    let mut truth = Truth::default();
    write(&landing, &mut truth, &["a.dat", "b.dat"], "old");
    list.wait_for(2, LONG);
    landing.wait_idle(2, LONG);

    let away = landing.out("away");
    fs::rename(landing.root(), &away).unwrap();
    wait_for_source(&landing, "absent");
    landing.call(&["status"]).assert_code(5);
    fs::write(away.join("c.dat"), b"written while it was away").unwrap();
    let counts = landing.status()["counts"].clone();
    assert_eq!((&counts["delivered"], &counts["gone"]), (&2.into(), &0.into()), "{counts}");

    fs::rename(&away, landing.root()).unwrap();
    truth.note(b"c.dat", b"written while it was away");
    list.wait_for(3, LONG);
    wait_for_source(&landing, "ok");
    landing.wait_idle(3, LONG);
    judge(&truth, &list.finish()).assert_exact();
}

#[test]
fn what_really_lies_in_a_new_root_arrives() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("swap"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    landing.start();
    let list = pop(&redis, &landing);
    let mut truth = Truth::default();
    write(&landing, &mut truth, &["same.dat", "old.dat"], "first");
    list.wait_for(2, LONG);
    landing.wait_idle(2, LONG);

    fs::rename(landing.root(), landing.out("away")).unwrap();
    fs::create_dir(landing.root()).unwrap();
    write(&landing, &mut truth, &["same.dat", "new.dat"], "second");
    list.wait_for(4, LONG);
    wait_for_source(&landing, "ok");
    let receipts = list.finish();
    let newest = receipts.iter().rfind(|receipt| receipt.path == b"same.dat");
    assert_eq!(newest.map(|receipt| receipt.generation), Some(2));
    let judgement = judge(&truth, &receipts);
    // `old.dat` was received before the swap, when its content was right.
    judgement.assert_exact();
}
