//! A server that does not answer for one of its directories.

use std::fs;
use std::time::{Duration, Instant};

use testkit::{Truth, judge, wait_until};

use crate::fuse::Server;
use crate::world::World;
use crate::{STEP, wait_for_source};

/// Longer than what goes on takes on a busy machine, shorter than until a hanging call is given up.
const PATIENCE: Duration = Duration::from_secs(15);

const SOURCES: &str = r#"
[source.inbox]
path = "{in}"
poll_interval = "500ms"
[[source.inbox.rule]]
name = "all"
include = ["*"]
to = ["lines"]

[source.second]
path = "{out}/second"
[[source.second.rule]]
name = "all"
include = ["*"]
to = ["second"]

[sink.lines]
type = "jsonl"
path = "{out}/events.jsonl"
[sink.second]
type = "jsonl"
path = "{out}/second.jsonl"
"#;

/// A truth about what another machine wrote.
fn write(server: &Server, truth: &mut Truth, path: &str) {
    server.write(path, path.as_bytes());
    truth.note(format!("far/{path}").as_bytes(), path.as_bytes());
}

#[test]
fn a_directory_whose_server_hangs_holds_up_itself_and_nobody_else() {
    let Some(mut world) = World::new("hanging") else { return };
    let (far, near) = (world.landing.root().join("far"), world.landing.root().join("near"));
    for folder in [&far, &near, &world.landing.out("second")] {
        fs::create_dir(folder).expect("the scratch folder takes folders");
    }
    world.sh(&format!("mount -t tmpfs tmpfs {}", near.display()));
    let Some(server) = Server::mount(&world, &far) else { return };
    for folder in ["bad", "good", "fine"] {
        server.make_directory(folder);
    }
    world.landing.configure(SOURCES);
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    write(&server, &mut truth, "bad/first");
    write(&server, &mut truth, "good/first");
    lines.wait_for(2, STEP);
    world.landing.wait_idle(2, STEP);

    // More units wait there than the mount has scanners.
    for number in 0..8 {
        write(&server, &mut truth, &format!("bad/{number}"));
    }
    wait_for_source(&world.landing, "units that wait", |row| row["waiting"].as_u64() >= Some(8));
    server.hang("bad");
    wait_until(STEP, "a scanner to be stuck", || server.held() > 0);
    // Until it is shown as stuck, everything else goes on, and status answers.
    let (mut expected, mut round) = (2, 0);
    let begun = Instant::now();
    loop {
        write(&server, &mut truth, &format!("good/{round}"));
        write(&server, &mut truth, &format!("fine/{round}"));
        truth.write(&world.root(), format!("near/{round}").as_bytes(), b"near");
        truth.write(&world.root(), format!("here{round}").as_bytes(), b"here");
        fs::write(world.landing.out("second").join(format!("s{round}")), b"second").expect("a file");
        (expected, round) = (expected + 4, round + 1);
        let waited = Instant::now();
        while lines.count() < expected {
            let held = server.held();
            assert!(
                waited.elapsed() < PATIENCE,
                "round {round} came to nothing; {held} requests are not answered"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let second = world.landing.out("second.jsonl");
        let seconds = || fs::read_to_string(&second).map_or(0, |text| text.lines().count());
        wait_until(STEP, "the other source", || seconds() == round);
        let asked = Instant::now();
        let status = world.landing.status();
        assert!(asked.elapsed() < PATIENCE, "status took {:?}", asked.elapsed());
        let row = &status["sources"][0];
        if row["stuck"].as_u64() >= Some(1) {
            assert_eq!((&row["state"], &status["state"]), (&"degraded".into(), &"degraded".into()), "{row}");
            break;
        }
        assert!(begun.elapsed() < STEP, "nothing is shown as stuck: {row}");
    }
    eprintln!("hanging: shown as stuck after {:?}, {round} rounds meanwhile", begun.elapsed());
    assert!(world.said().contains("not answered for half a minute"), "{}", world.said());

    server.answer();
    lines.wait_for(truth.paths(), STEP);
    let row = wait_for_source(&world.landing, "nothing to be stuck", |row| row["stuck"] == 0);
    assert_eq!(row["mounts"][1]["backend"], "poll", "{row}");
    world.landing.wait_idle(truth.paths() as u64, STEP);
    let judgement = judge(&truth, &lines.finish());
    eprintln!("hanging: {judgement}");
    judgement.assert_exact();
}

#[test]
fn a_root_whose_server_hangs_holds_up_its_source_and_nobody_else() {
    let Some(mut world) = World::new("hanging-root") else { return };
    fs::create_dir(world.landing.out("second")).expect("a folder");
    let Some(server) = Server::mount(&world, &world.landing.root()) else { return };
    server.make_directory("sub");
    world.landing.configure(SOURCES);
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    server.write("sub/first", b"first");
    truth.note(b"sub/first", b"first");
    lines.wait_for(1, STEP);
    world.landing.wait_idle(1, STEP);

    server.hang("");
    wait_until(STEP, "somebody to be stuck", || server.held() > 0);
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < Duration::from_secs(2) {
        fs::write(world.landing.out("second").join(format!("s{round}")), b"second").expect("a file");
        round += 1;
        let seconds =
            || fs::read_to_string(world.landing.out("second.jsonl")).map_or(0, |text| text.lines().count());
        wait_until(PATIENCE, "the other source", || seconds() == round);
        let asked = Instant::now();
        let _row = world.landing.status();
        assert!(asked.elapsed() < PATIENCE, "status took {:?}", asked.elapsed());
    }
    server.write("sub/meanwhile", b"meanwhile");
    truth.note(b"sub/meanwhile", b"meanwhile");
    server.answer();
    lines.wait_for(2, STEP);
    world.landing.wait_idle(2, STEP);
    judge(&truth, &lines.finish()).assert_exact();

    // Nobody can make the kernel give the thread back; the program ends without it, and the kernel
    // clears it away when the server answers.
    server.hang("");
    wait_until(STEP, "somebody to be stuck", || server.held() > 0);
    world.landing.daemon().signal(testkit::Signal::TERM);
    let stat = format!("/proc/{}/stat", world.landing.daemon().id());
    let has_ended = || {
        let text = fs::read_to_string(&stat).expect("nobody has taken its exit code");
        text.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    };
    let took = wait_until(PATIENCE, "the end of all but the thread that the kernel keeps", has_ended);
    eprintln!("hanging root: the end took {took:?}");
    server.answer();
    assert_eq!(world.landing.daemon().wait_exit(STEP).code(), Some(0));
}
