//! Files that are finished when they come to their names: by a rename, by a link, by a real server's rename.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::chance::Chance;
use testkit::proof::{Row, is_long, size};
use testkit::{Judgement, Layout, Manner, Scratch, Truth, Workload};

use crate::sshd::Sshd;
use crate::watched::{Rule, Watched, heard};
use crate::{found, ground, soon};

/// Files a second: what is measured is the way of one file, and not a queue of them.
const RATE: u32 = 500;
/// The quiet that an upload in place would have to keep; a link does not wait for it.
const SFTP: Rule = Rule::new("sftp", r#"{ preset = "sftp", quiet = "5s" }"#);

/// What writers left behind that were broken off: these lie there for good.
const ABANDONED: [&str; 5] =
    [".left.dat.part", "left.dat.tmp", "left.filepart", ".left.dat.k3Xw9Q", "left.dat~"];

#[test]
fn files_renamed_by_8_writers_come_whole_and_once() {
    let row = Row::new("A01");
    let chance = Chance::from_environment();
    let (rules, folders) = (heard(), 40);
    let watched = Watched::start(ground("renamed"), &rules, |_| ());
    let layout = Layout::Burst { files: size(4_000, 20_000), folders };
    layout.prepare(&watched.root());
    for folder in fs::read_dir(watched.root()).expect("it was made").flatten() {
        for name in ABANDONED {
            fs::write(folder.path().join(name), "half of it").expect("the tree takes files");
        }
    }
    let truth = Workload {
        writers: 8,
        sizes: (1_000, 10_000),
        large: Some((16, 5_000_000)),
        seed: chance.seed(),
        rate: Some(RATE),
        ..Workload::new(watched.root(), layout, Manner::RenamedIn)
    }
    .run();
    let seen = watched.finish_with(&truth, soon());

    let mut row = row.seed(chance.seed()).figure("files", truth.paths());
    row = row.figure("abandoned", folders * ABANDONED.len());
    let mut judgements = Vec::new();
    for rule in &rules {
        let (with, judgement) = seen.judged(rule.name, &truth, row);
        row = with;
        judgements.push(judgement);
    }
    row.print();
    judgements.iter().for_each(Judgement::assert_exact);
}

#[test]
fn linked_files_and_a_servers_renames_are_noticed_by_their_events() {
    let row = Row::new("A02");
    let chance = Chance::from_environment();
    let mut rules = heard();
    rules.push(SFTP);
    let (server, originals) = (Sshd::start(), Scratch::on_disk("uploads"));
    let layout = Layout::Burst { files: 2_000, folders: 20 };
    let watched = Watched::start(ground("linked"), &rules, |landing| {
        layout.prepare(&landing.root());
        fs::create_dir(landing.root().join("uploads")).expect("the tree takes folders");
    });
    let linking = Workload {
        sizes: (1_000, 10_000),
        seed: chance.seed(),
        rate: Some(RATE),
        ..Workload::new(watched.root(), layout, Manner::Linked)
    }
    .start();
    let uploaded = upload(&server, originals.path(), &watched.root(), size(200, 2_000), &chance);
    let mut truth = linking.join();
    let (linked, renamed) = (truth.paths(), uploaded.paths());
    truth.merge(uploaded);
    let seen = watched.finish_with(&truth, soon());

    let mut row = row.seed(chance.seed()).figure("linked", linked).figure("renamed by a server", renamed);
    let mut judgements = Vec::new();
    for rule in &rules {
        let (with, judgement) = seen.judged(rule.name, &truth, row);
        let by_scan = seen.number(rule.name, "found_by_scan_only");
        let share = 1.0 - by_scan as f64 / truth.paths() as f64;
        row = with.figure(&format!("{}: by event %", rule.name), share * 100.0);
        row = row.milliseconds(&format!("{}: max", rule.name), judgement.delay(1.0));
        judgements.push((rule.name, judgement, by_scan));
    }
    row.print();
    // Above the settle time, which is none for what was linked. The battery wants a second; a debug build on two
    // busy cores gets more, and the files that it must not wait for (a scan, quiet) would take longer.
    let bound = Duration::from_secs(if is_long() { 1 } else { 4 });
    for (rule, judgement, by_scan) in judgements {
        judgement.assert_exact();
        assert_eq!(by_scan, 0, "{rule}: found by comparing");
        assert!(judgement.delay(1.0) < bound, "{rule}: {judgement}");
    }
}

/// Uploads by `sftp`, each under a temporary name that is then renamed by the request of the protocol's version 3.
/// OpenSSH's server makes a link and an unlink of it.
fn upload(server: &Sshd, from: &Path, root: &Path, files: usize, chance: &Chance) -> Truth {
    let folder = root.join("uploads");
    let mut batch = vec![format!("cd {}\nlcd {}", folder.display(), from.display())];
    for number in 0..files {
        let mut chance = chance.fork(number as u64);
        let length = 1_000 + chance.below(9_000);
        let name = format!("u{number:04}.dat");
        fs::write(from.join(&name), chance.bytes(length)).expect("a scratch folder takes files");
        batch.push(format!("put {name} {name}.filepart\nrename -l {name}.filepart {name}"));
    }
    let script = from.join("batch");
    fs::write(&script, batch.join("\n")).expect("a scratch folder takes files");
    let mut sftp = Command::new("sftp");
    sftp.arg("-b").arg(script).args(server.options()).arg("127.0.0.1").stdin(Stdio::null());
    let output = sftp.output().expect("sftp is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut truth = Truth::default();
    for number in 0..files {
        let name = format!("u{number:04}.dat");
        let content = fs::read(from.join(&name)).expect("it was made");
        truth.published.push(found(root, format!("uploads/{name}"), &content));
    }
    truth
}
