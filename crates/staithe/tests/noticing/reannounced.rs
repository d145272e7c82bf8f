//! Announcing again what lies on a server, while all is well and while a part of it does not answer.

use std::fs;

use testkit::wait_until;

use crate::fuse::Server;
use crate::world::World;
use crate::{STEP, to_lines};

#[test]
fn what_lies_on_a_server_comes_again_and_one_that_hangs_holds_back_nothing_new() {
    let Some(mut world) = World::new("reannounced") else { return };
    let far = world.landing.root().join("far");
    fs::create_dir(&far).expect("the scratch folder takes folders");
    let Some(server) = Server::mount(&world, &far) else { return };
    for folder in ["bad", "good"] {
        server.make_directory(folder);
        server.write(&format!("{folder}/first"), b"x");
    }
    world.landing.configure(&to_lines("reannounce = \"500ms\"\npoll_interval = \"500ms\""));
    world.landing.start();
    let lines = world.landing.out("events.jsonl");
    let times = |path: &str| {
        fs::read_to_string(&lines).unwrap_or_default().matches(&format!("\"path\":\"far/{path}\"")).count()
    };
    wait_until(STEP, "both again and again", || times("bad/first") >= 3 && times("good/first") >= 3);

    server.hang("bad");
    wait_until(STEP, "a scanner to be stuck", || server.held() > 0);
    // Several: a pass that was not yet part of a listing might find the first.
    for number in 0..4 {
        server.write(&format!("good/new{number}"), b"x");
        let took = wait_until(STEP, "what is new", || times(&format!("good/new{number}")) >= 1);
        assert!(took.as_secs() < 15, "held up for {took:?}: {}", world.said());
    }
    server.answer();
    let before = times("bad/first");
    wait_until(STEP, "all again", || times("bad/first") > before + 1 && times("good/new3") >= 2);
}

/// So many that their listing comes in parts, and that scanners only name the last of them.
#[test]
fn a_huge_directory_on_a_server_comes_again_whole() {
    const FILES: usize = 8400;
    let Some(mut world) = World::new("reannounced-huge") else { return };
    let far = world.landing.root().join("far");
    fs::create_dir(&far).expect("the scratch folder takes folders");
    let Some(server) = Server::mount(&world, &far) else { return };
    for number in 0..FILES {
        server.write(&format!("f{number}"), b"x");
    }
    world.landing.configure(&to_lines("reannounce = \"5s\""));
    world.landing.start();
    let lines = world.landing.out("events.jsonl");
    let again = || {
        let text = fs::read_to_string(&lines).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"generation\":2,")).count()
    };
    wait_until(STEP, "each once more", || again() == FILES);
}
