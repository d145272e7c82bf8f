//! Programs that people really use, writing into the watched tree: nothing early, nothing missing.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use testkit::chance::Chance;
use testkit::{Judgement, Scratch, Truth, judge};

use crate::http::Http;
use crate::sshd::Sshd;
use crate::watched::{Rule, Seen, Watched};
use crate::{ground, soon};

/// Names and sizes of what each tool brings.
const FILES: [(&str, usize); 4] =
    [("large.dat", 900_000), ("medium one.dat", 200_000), ("small.dat", 700), ("empty.dat", 0)];
/// The files are as old as this: 2001-09-09.
const OLD: Duration = Duration::from_secs(1_000_000_000);
/// Between the pieces of what is served slowly.
const PAUSE: Duration = Duration::from_millis(250);

const LOCAL: &str = r#""local""#;
/// Where rsync keeps finished files until all are finished.
const WAITING_ROOM: &str = r#"exclude = [".~tmp~"]"#;

const RULES: [Rule; 7] = [
    Rule { more: WAITING_ROOM, source: r#"rescan = "1s""#, ..Rule::new("compared", LOCAL) },
    Rule { more: WAITING_ROOM, ..Rule::new("local", LOCAL) },
    Rule { more: WAITING_ROOM, source: r#"backend = "poll""#, ..Rule::new("polled", LOCAL) },
    Rule { more: WAITING_ROOM, ..Rule::new("sftp", r#"{ preset = "sftp", quiet = "1s" }"#) },
    Rule { more: WAITING_ROOM, ..Rule::new("rsync", r#"{ preset = "rsync", quiet = "1s" }"#) },
    Rule::new("bare", LOCAL),
    Rule::new("appeared", r#"{ any = ["appeared"] }"#),
];

/// What the tools work with.
struct Bench {
    /// The files, with old times.
    originals: Scratch,
    /// On another file system where there is one.
    elsewhere: Scratch,
    sshd: Sshd,
    http: Http,
}

/// A tool that brings all files into a folder of its own.
struct Tool {
    name: &'static str,
    run: fn(&Bench, &Path),
}

const TOOLS: [Tool; 17] = [
    Tool { name: "sftp-put", run: |bench, to| bench.sftp(to, |name| format!("put \"{name}\"")) },
    Tool { name: "sftp-put-p", run: |bench, to| bench.sftp(to, |name| format!("put -p \"{name}\"")) },
    Tool { name: "sftp-rename", run: |bench, to| bench.sftp(to, |name| aside_then("rename", name)) },
    Tool { name: "sftp-link-unlink", run: |bench, to| bench.sftp(to, |name| aside_then("rename -l", name)) },
    Tool { name: "scp", run: Bench::scp },
    Tool { name: "rsync", run: |bench, to| bench.rsync(to, &[]) },
    Tool { name: "rsync-inplace", run: |bench, to| bench.rsync(to, &["--inplace"]) },
    Tool { name: "rsync-delayed", run: |bench, to| bench.rsync(to, &["--delay-updates"]) },
    Tool { name: "rsync-preallocated", run: |bench, to| bench.rsync(to, &["--inplace", "--preallocate"]) },
    Tool { name: "rsync-ssh", run: Bench::rsync_ssh },
    Tool { name: "tar", run: Bench::tar },
    Tool { name: "unzip", run: Bench::unzip },
    Tool { name: "curl", run: |bench, to| bench.curl(to, &[]) },
    Tool { name: "curl-remote-time", run: |bench, to| bench.curl(to, &["-R"]) },
    Tool { name: "cp-p", run: |bench, to| bench.each("cp", &["-p"], bench.originals.path(), to) },
    Tool { name: "mv", run: |bench, to| bench.each("mv", &[], bench.elsewhere.path(), to) },
    Tool { name: "install-p", run: |bench, to| bench.each("install", &["-p"], bench.originals.path(), to) },
];

struct Run {
    truth: Truth,
    seen: Seen,
}

/// One run for all rules.
static RUN: LazyLock<Run> = LazyLock::new(|| {
    let bench = Bench::new();
    let watched = Watched::start(ground("tools"), &RULES, |landing| {
        for tool in &TOOLS {
            fs::create_dir(landing.root().join(tool.name)).expect("the tree takes folders");
        }
    });
    std::thread::scope(|scope| {
        for tool in &TOOLS {
            scope.spawn(|| (tool.run)(&bench, &watched.root().join(tool.name)));
        }
    });
    let mut truth = Truth::default();
    for tool in &TOOLS {
        for (name, content) in contents() {
            truth.note(format!("{}/{name}", tool.name).as_bytes(), &content);
        }
    }
    let deadline = soon();
    for rule in &RULES {
        watched.wait_for(rule.name, deadline, |receipts| {
            let paths: BTreeSet<_> = receipts.iter().map(|receipt| &receipt.path).collect();
            truth.by_path().keys().all(|path| paths.contains(&path.to_vec()))
        });
    }
    Run { truth, seen: watched.finish(0, deadline) }
});

impl Run {
    fn under(&self, rule: &str) -> Judgement {
        let judgement = judge(&self.truth, self.seen.by(rule));
        println!("{rule}: {judgement}");
        judgement
    }
}

#[test]
fn what_tools_bring_is_announced_whole_and_once() {
    for preset in ["local", "sftp", "rsync"] {
        RUN.under(preset).assert_exact();
    }
}

/// Some of the tools set the times last; a comparison must not take that for a new file.
#[test]
fn what_tools_bring_is_not_announced_again_by_comparing() {
    RUN.under("compared").assert_exact();
}

#[test]
fn what_tools_bring_is_never_early_when_polled() {
    let judgement = RUN.under("polled");
    assert!(judgement.early.is_empty() && judgement.lost.is_empty(), "{judgement}");
    assert!(judgement.unknown.is_empty() && judgement.repeated.is_empty(), "{judgement}");
}

/// The trap of `rsync --delay-updates`: what lies in its waiting room is whole, but not there to stay.
#[test]
fn without_the_exclusion_only_the_waiting_room_of_rsync_is_announced_too() {
    let judgement = RUN.under("bare");
    assert!(judgement.early.is_empty() && judgement.lost.is_empty() && judgement.again.is_empty());
    assert!(judgement.unknown.iter().all(|path| path.starts_with("rsync-delayed/.~tmp~/")), "{judgement}");
}

/// The control: the tools are slow enough for those who do not wait for them.
#[test]
fn whoever_does_not_wait_is_early() {
    let judgement = RUN.under("appeared");
    for tool in ["sftp-put/", "rsync-inplace/", "tar/", "curl/"] {
        assert!(judgement.early.iter().any(|offence| offence.starts_with(tool)), "{tool}: {judgement}");
    }
}

/// The same for each tool and in each run.
fn contents() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let chance = Chance::new(4);
    let content = move |(number, (name, size)): (usize, &(&'static str, usize))| {
        (*name, chance.fork(number as u64).bytes(*size))
    };
    FILES.iter().enumerate().map(content)
}

fn aside_then(rename: &str, name: &str) -> String {
    format!("put \"{name}\" \"{name}.filepart\"\n{rename} \"{name}.filepart\" \"{name}\"")
}

/// Runs a program to its end; fails the test if it fails.
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}

impl Bench {
    fn new() -> Self {
        let (originals, elsewhere) = (Scratch::on_disk("originals"), Scratch::in_memory("elsewhere"));
        for (name, content) in contents() {
            for folder in [originals.path(), elsewhere.path()] {
                let mut file = fs::File::create(folder.join(name)).expect("a scratch folder takes files");
                file.write_all(&content).expect("there is room");
                file.set_modified(SystemTime::UNIX_EPOCH + OLD).expect("it is ours");
            }
        }
        let served = contents().map(|(name, content)| (name.replace(' ', "%20"), content));
        let served: HashMap<String, Vec<u8>> = served.collect();
        Self { originals, elsewhere, sshd: Sshd::start(), http: Http::start(served, PAUSE) }
    }

    /// The paths of the files.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        FILES.iter().map(|(name, _)| self.originals.path().join(name))
    }

    /// One batch with some lines for each file, at one megabyte a second.
    fn sftp(&self, to: &Path, lines: impl Fn(&str) -> String) {
        let mut batch = format!("cd {}\nlcd {}\n", to.display(), self.originals.path().display());
        for (name, _) in FILES {
            batch.push_str(&lines(name));
            batch.push('\n');
        }
        let file = to.with_extension("batch");
        let file = self.elsewhere.path().join(file.file_name().unwrap_or_default());
        fs::write(&file, batch).expect("a scratch folder takes files");
        let mut command = Command::new("sftp");
        run(command.args(["-l", "8000", "-b"]).arg(file).args(self.sshd.options()).arg("127.0.0.1"));
    }

    fn scp(&self, to: &Path) {
        let to = format!("127.0.0.1:{}/", to.display());
        let mut command = Command::new("scp");
        run(command.args(["-q", "-p", "-l", "8000"]).args(self.sshd.options()).args(self.files()).arg(to));
    }

    fn rsync(&self, to: &Path, more: &[&str]) {
        let mut command = Command::new("rsync");
        run(command.args(["-t", "--bwlimit=1000"]).args(more).args(self.files()).arg(to));
    }

    fn rsync_ssh(&self, to: &Path) {
        let ssh = format!("ssh {}", self.sshd.options().join(" "));
        let to = format!("127.0.0.1:{}/", to.display());
        let mut command = Command::new("rsync");
        run(command.args(["-t", "--bwlimit=1000", "-e", &ssh]).args(self.files()).arg(to));
    }

    /// The archive comes slowly.
    fn tar(&self, to: &Path) {
        let names = FILES.iter().map(|(name, _)| name);
        let archive =
            Command::new("tar").args(["-cf", "-", "-C"]).arg(self.originals.path()).args(names).output();
        let archive = archive.expect("tar is there").stdout;
        let mut tar = Command::new("tar").args(["-xf", "-", "-C"]).arg(to).stdin(Stdio::piped()).spawn();
        let tar = tar.as_mut().expect("tar is there");
        let mut input = tar.stdin.take().expect("it was asked for");
        for piece in archive.chunks(archive.len() / 5) {
            input.write_all(piece).expect("tar reads");
            std::thread::sleep(PAUSE);
        }
        drop(input);
        assert!(tar.wait().expect("it is our child").success());
    }

    fn unzip(&self, to: &Path) {
        let archive = self.elsewhere.path().join("archive.zip");
        run(Command::new("zip").arg("-qj").arg(&archive).args(self.files()));
        run(Command::new("unzip").arg("-q").arg(archive).arg("-d").arg(to));
    }

    fn curl(&self, to: &Path, more: &[&str]) {
        let mut command = Command::new("curl");
        command.args(["-sSf", "--noproxy", "*", "--parallel"]).args(more);
        for (name, _) in FILES {
            command.arg("-o").arg(to.join(name)).arg(self.http.url(&name.replace(' ', "%20")));
        }
        run(&mut command);
    }

    /// Calls the program for all files at once.
    #[expect(clippy::unused_self, reason = "the same form as the other tools")]
    fn each(&self, program: &str, words: &[&str], from: &Path, to: &Path) {
        let files = FILES.iter().map(|(name, _)| from.join(name));
        run(Command::new(program).args(words).args(files).arg(to));
    }
}
