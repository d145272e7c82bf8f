//! Random work on a tree, and kills of the program. At each quiet point the mirror is equal.

use std::time::Duration;

use testkit::chance::Chance;
use testkit::{Landing, Scratch};

use crate::steps::User;
use crate::trees::wait_equal_but;

/// Steps in all; `STAITHE_CHURN_STEPS` makes it a long run.
const STEPS: u64 = 600;
const ROUND: u64 = 60;
const PATIENCE: Duration = Duration::from_mins(2);

fn steps() -> u64 {
    std::env::var("STAITHE_CHURN_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(STEPS)
}

fn landing(backend: &str) -> Landing {
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("mirror"));
    landing.configure(&format!(
        "[source.w]\npath = \"{{in}}\"\nbackend = \"{backend}\"\npoll_interval = \"100ms\"\n\
         [[source.w.rule]]\nname = \"all\"\nto = [\"m\"]\n\
         [sink.m]\ntype = \"mirror\"\ndestination = \"{{out}}/m\"\n"
    ));
    landing.start();
    landing
}

fn churn(backend: &str) {
    let mut landing = landing(backend);
    let mut chance = Chance::from_environment();
    let outside = landing.out("outside");
    std::fs::create_dir(&outside).expect("it is new");
    let mut user = User::new(&landing.root(), &outside, chance.fork(1), backend == "poll");
    for round in 0..steps().div_ceil(ROUND) {
        let killed_at = chance.draw().is_multiple_of(3).then(|| chance.draw() % ROUND);
        let mut done = Vec::new();
        for step in 0..ROUND {
            done.push(user.step());
            if killed_at == Some(step) {
                done.push("KILL".into());
                landing.kill();
            }
        }
        if killed_at.is_some() {
            landing.start();
        }
        if let Err(differences) =
            wait_equal_but(&landing.root(), &landing.out("m"), PATIENCE, backend == "poll")
        {
            let log = landing.daemon().stderr();
            let tail: Vec<_> = log.lines().rev().take(20).collect();
            panic!(
                "round {round}: {differences}\n{}\nlog, last first:\n{}",
                done.join("\n"),
                tail.join("\n")
            );
        }
    }
    landing.stop();
}

#[test]
fn a_mirror_ends_equal_with_inotify() {
    churn("inotify");
}

#[test]
fn a_mirror_ends_equal_with_fanotify() {
    churn("fanotify");
}

#[test]
fn a_mirror_ends_equal_with_polling() {
    churn("poll");
}
