//! Writers that pause with the file open: seen where the kernel tells of writers, and where it does not, believed after
//! so much quiet.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, size, skip};
use testkit::{Collector, Judgement, Truth, judge, wait_until};

use crate::STEP;
use crate::overlay::layered;
use crate::world::World;

/// The settle time of the file system that is only polled.
const SETTLE: Duration = Duration::from_secs(1);
/// No pause is longer than so many of it.
const LONGEST: f64 = 3.0;
/// Ends of the sections of the curve, as multiples of the settle time.
const SECTIONS: [f64; 5] = [1.0, 1.1, 1.25, 1.5, f64::INFINITY];

const PLAN: &str = r#"
    [source.local]
    path = "{in}"
    rescan = "0s"

    [[source.local.rule]]
    name = "all"
    include = ["*"]
    complete = "local"
    to = ["local"]

    [sink.local]
    type = "jsonl"
    path = "{out}/local.jsonl"
"#;
const BLIND: &str = r#"
    [source.blind]
    path = "{out}/merged"
    poll_interval = "200ms"
    poll_full = "1s"

    [[source.blind.rule]]
    name = "all"
    include = ["*"]
    complete = { preset = "network", quiet = "1s" }
    to = ["blind"]

    [sink.blind]
    type = "jsonl"
    path = "{out}/blind.jsonl"
"#;

#[test]
fn a_pause_with_the_file_open_fools_only_who_cannot_see_writers() {
    let row = Row::new("A04");
    let chance = Chance::from_environment();
    let Some(mut world) = World::new("pausing") else { return skip("A04", "no namespace of mounts") };
    let merged = world.landing.out("merged");
    std::fs::create_dir(&merged).expect("a mount point");
    let upper = layered(&world, &merged);
    if upper.is_none() {
        skip("A04", "no overlays: nothing is shown of whoever cannot see writers");
    }
    let local = world.landing.root();
    world.landing.configure(&format!("{PLAN}{}", if upper.is_some() { BLIND } else { "" }));
    let tail = |name: &str, root: &Path| Collector::tail(&world.landing.out(name), root);
    let seeing = tail("local.jsonl", &local);
    let blind = upper.as_ref().map(|upper| tail("blind.jsonl", upper));
    world.landing.start();

    let trees: Vec<PathBuf> = std::iter::once(local).chain(upper).collect();
    let (truth, pauses) = write_all(&trees, &chance);
    for lines in std::iter::once(&seeing).chain(&blind) {
        wait_until(STEP, "the last version of every file", || {
            lines.count() >= truth.paths() && judge(&truth, &lines.receipts()).lost.is_empty()
        });
    }
    world.landing.wait_idle(truth.paths() as u64, STEP);

    let judgement = judge(&truth, &seeing.finish());
    println!("local: {judgement}");
    let row = row.seed(chance.seed()).judged(&judgement).figure("files", truth.paths());
    let mut row = row.milliseconds("local: p99", judgement.delay(0.99));
    let curve = blind.map(|lines| Curve::of(&judge(&truth, &lines.finish()), &pauses));
    for (name, share) in curve.iter().flat_map(Curve::shares) {
        row = row.figure(&format!("polled: early % where the longest pause is {name} settle times"), share);
    }
    row.print();
    judgement.assert_exact();
    if let Some(curve) = curve {
        curve.assert_is_a_threshold();
    }
}

/// Each writer writes the same file into each tree. Gives the longest pause of each, never less than it was.
fn write_all(trees: &[PathBuf], chance: &Chance) -> (Truth, HashMap<Vec<u8>, Duration>) {
    let (mut truth, mut pauses) = (Truth::default(), HashMap::new());
    std::thread::scope(|scope| {
        let write = |number: usize| {
            let chance = chance.fork(number as u64);
            scope.spawn(move || write(trees, number, chance))
        };
        let writers: Vec<_> = (0..size(200, 500)).map(write).collect();
        for writer in writers {
            let (written, pause) = writer.join().expect("it wrote");
            pauses.extend(written.published.iter().map(|version| (version.path.clone(), pause)));
            truth.merge(written);
        }
    });
    (truth, pauses)
}

/// Some writers make short pauses only.
fn write(trees: &[PathBuf], number: usize, mut chance: Chance) -> (Truth, Duration) {
    let name = format!("slow{number:03}.dat");
    let create = |tree: &PathBuf| File::create(tree.join(&name)).expect("the tree takes files");
    let mut files: Vec<File> = trees.iter().map(create).collect();
    let (mut content, mut longest) = (Vec::new(), Duration::ZERO);
    let most = chance.up_to(SETTLE.mul_f64(LONGEST));
    let mut since = Instant::now();
    for piece in 0..=size(2, 5) {
        if piece > 0 {
            std::thread::sleep(chance.up_to(most));
        }
        let begun = Instant::now();
        let length = 100 + chance.below(20_000);
        let piece = chance.bytes(length);
        for file in &mut files {
            file.write_all(&piece).expect("there is room");
        }
        content.extend_from_slice(&piece);
        longest = longest.max(since.elapsed());
        since = begun;
    }
    drop(files);
    let mut truth = Truth::default();
    truth.note(name.as_bytes(), &content);
    (truth, longest)
}

/// How many files were announced too early, by their longest pause.
#[derive(Debug)]
struct Curve([Section; SECTIONS.len()]);

#[derive(Clone, Copy, Debug, Default)]
struct Section {
    files: usize,
    early: usize,
}

impl Curve {
    fn of(judgement: &Judgement, pauses: &HashMap<Vec<u8>, Duration>) -> Self {
        println!("polled: {judgement}");
        let mut sections = [Section::default(); SECTIONS.len()];
        for (path, pause) in pauses {
            let name = String::from_utf8_lossy(path);
            let ratio = pause.as_secs_f64() / SETTLE.as_secs_f64();
            let section = SECTIONS.iter().position(|end| ratio < *end).expect("the last has no end");
            sections[section].files += 1;
            let is_of_path = |offence: &String| offence.split(' ').next() == Some(&*name);
            sections[section].early += usize::from(judgement.early.iter().any(is_of_path));
        }
        Self(sections)
    }

    fn shares(&self) -> impl Iterator<Item = (String, f64)> {
        let mut begin = 0.0;
        self.0.iter().zip(SECTIONS).map(move |(section, end)| {
            let name = if end.is_finite() { format!("{begin}–{end}") } else { format!("over {begin}") };
            begin = end;
            (name, 100.0 * section.early as f64 / section.files.max(1) as f64)
        })
    }

    /// Below the settle time nobody is fooled; far above it nearly everybody is, or these writers could fool nobody. Far
    /// enough, that a poller on a busy machine has come by twice.
    #[track_caller]
    fn assert_is_a_threshold(&self) {
        assert_eq!(self.0[0].early, 0, "early though no pause was as long as the settle time: {self:?}");
        let above = &self.0[4..];
        let sum = |count: fn(&Section) -> usize| above.iter().map(count).sum::<usize>();
        let (early, files) = (sum(|section| section.early), sum(|section| section.files));
        assert!(2 * early > files, "pauses far above the settle time fool nobody: {self:?}");
    }
}
