//! SIGKILL, at every point between two requests of a product and at any other: everything is registered once, copied
//! once.

use std::fs;
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::dlm::{Fault, Received};
use testkit::wait_until;

use crate::stage::{PATIENCE, Stage, fill};

/// Where a product is when the watcher dies: the request that is in hand, the item it is about, and whether the services
/// did it (then only the answer is lost).
type Point = (&'static str, &'static str, bool);

const BEFORE_CHILDREN: [Point; 6] = [
    ("register_data_item", "", false),
    ("register_data_item", "", true),
    // Between REG and COPY.
    ("copy_data_item", "", false),
    ("copy_data_item", "", true),
    // Between COPY and the children.
    ("register_data_item", "/a", false),
    ("register_data_item", "/a", true),
];

const AMONG_CHILDREN: [Point; 6] = [
    ("query_data_item", "/a", false),
    ("init_data_item", "/a", false),
    ("init_data_item", "/a", true),
    // Between two children.
    ("register_data_item", "/b", false),
    ("register_data_item", "/b", true),
    // All is done, and nobody here knows.
    ("init_data_item", "/b", true),
];

fn is_at(request: &Received, operation: &str, name: &str) -> bool {
    request.operation() == operation && request.item_name.as_deref() == Some(name)
}

/// Kills at each of these, with a product of its own.
fn kill_at(points: &[Point]) {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    for (number, (operation, item, acts)) in points.iter().enumerate() {
        let product = format!("p{number}");
        let name = format!("{product}{item}");
        let of = name.clone();
        let fault =
            Fault::hang().at(operation).when(move |request| request.item_name.as_deref() == Some(&of));
        stage.dlm.inject(if *acts { fault.after_acting() } else { fault });
        stage.move_in(&product, &[("a", "1"), ("b", "22"), ("ska-data-product.yaml", "x: 1\n")]);
        let what = format!("{operation} of {name}");
        stage.dlm.wait_for(PATIENCE, &what, |all| all.iter().any(|one| is_at(one, operation, &name)));
        watcher.kill();
        stage.dlm.clear_faults();
        watcher = stage.start_ready(&[]);
        stage.wait_all_there();
        stage.wait_idle();
        stage.assert_each_once();
    }
    assert_eq!(watcher.terminate(), Some(0));
}

#[test]
fn between_registration_copy_and_children() {
    kill_at(&BEFORE_CHILDREN);
}

#[test]
fn between_children() {
    kill_at(&AMONG_CHILDREN);
}

/// The last answer is written down, but the watcher dies before it can say that the product is delivered: because
/// another one that goes with it is not through.
#[test]
fn between_the_last_answer_and_the_report() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&["--dir-updates-wait-time=1"]);
    assert_eq!(watcher.terminate(), Some(0));
    stage.move_in("done", &[("a", "1")]);
    stage.move_in("held", &[("a", "1")]);
    // Both are complete before the sink begins, and so they begin together.
    stage.dlm.inject(Fault::late(Duration::from_secs(4)).at("query_location"));
    stage.dlm.inject(Fault::hang().at("register_data_item").item("held"));
    let mut watcher = stage.start(&["--dir-updates-wait-time=1"]);
    let place = stage.watched().join("done");
    let explained = || {
        let answer = stage.ask(&["explain", place.to_str().expect("a plain name")]);
        String::from_utf8(answer).expect("text")
    };
    wait_until(PATIENCE, "the product to be through", || explained().contains("everything is registered"));
    assert!(!explained().contains("DELIVERED"), "{}", explained());
    watcher.kill();
    let before = stage.lines("done");
    stage.dlm.clear_faults();
    watcher = stage.start_ready(&["--dir-updates-wait-time=1"]);
    stage.wait_all_there();
    stage.wait_idle();
    assert!(explained().contains("DELIVERED"), "{}", explained());
    assert_eq!(stage.lines("done"), before, "nothing more is asked about it");
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}

const KILLS: usize = 20;
const PRODUCTS_EACH: usize = 3;

/// A product of one of five kinds, prepared beside the watched directory.
fn prepare(stage: &Stage, number: usize) -> String {
    let files: &[(&str, &str)] = match number % 5 {
        0 => {
            let name = format!("f{number}.dat");
            fs::write(stage.beside().join(&name), "12345").expect("it takes files");
            return name;
        }
        1 => &[("table.dat", "0123456789"), ("SUB/table.f0", "01234")],
        2 => &[("a", "1"), ("b", "22"), ("c", "333"), ("ska-data-product.yaml", "x: 1\n")],
        3 => &[("sub/a", "1"), ("sub/deep/b", "22"), ("vis.ms/table.dat", "1"), ("top", "4444")],
        _ => &[],
    };
    let name = format!("p{number}{}", if number % 5 == 1 { ".ms" } else { "" });
    let _prepared = fill(&stage.beside().join(&name), files);
    name
}

fn put(stage: &Stage, number: usize) {
    let name = prepare(stage, number);
    fs::rename(stage.beside().join(&name), stage.watched().join(name)).expect("both are on one file system");
}

fn wait_at_most(longest: Duration, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() && begun.elapsed() < longest {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn at_random_moments_of_sixty_products() {
    let mut chance = Chance::from_environment();
    let stage = Stage::new();
    stage.dlm.set_latency(Duration::from_millis(15));
    let words = &["--dir-updates-wait-time=0.2"];
    let mut watcher = stage.start_ready(words);
    for round in 0..KILLS {
        let first = round * PRODUCTS_EACH;
        let before = stage.dlm.count("register_data_item");
        put(&stage, first);
        put(&stage, first + 1);
        // Mostly in the middle of the work; now and then during the start, or when all is done.
        wait_at_most(Duration::from_millis(1500), || stage.dlm.count("register_data_item") > before);
        let enough = stage.dlm.total() + chance.below(16);
        wait_at_most(Duration::from_millis(300), || stage.dlm.total() >= enough);
        std::thread::sleep(chance.up_to(Duration::from_millis(5)));
        watcher.kill();
        put(&stage, first + 2);
        watcher = stage.start(words);
    }
    stage.wait_ready();
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(stage.products().keys().filter(|name| !name.is_empty()).count(), KILLS * PRODUCTS_EACH);
    assert_eq!(watcher.terminate(), Some(0));
}
