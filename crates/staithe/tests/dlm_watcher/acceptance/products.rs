//! Scenarios 6 to 24 and 43: what becomes of one product, request by request.
//!
//! All products arrive in one watched directory within a moment and are judged one by one, so that all share the wait
//! for quiet: the default of five seconds. Those that others would change have a directory of their own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::sync::LazyLock;

use crate::exact::{all, child, copy, folder, init, lines, qry, reg, reg_file, top};
use crate::stage::{PATIENCE, Record, Stage, fill, write};

const YAML: &str = "execution_block: eb-m001-20191031-12345\nconfig: {cmdline: '-dump'}\n";
const BODY: &str = r#"{"execution_block": "eb-m001-20191031-12345", "config": {"cmdline": "-dump"}}"#;
const META: &str = "ska-data-product.yaml";

/// What came of a directory full of products.
struct Outcome {
    lines: BTreeMap<&'static str, Vec<String>>,
    names: Vec<String>,
    log: Vec<Record>,
    dead: Vec<String>,
}

impl Outcome {
    fn of(&self, product: &str) -> &[String] {
        &self.lines[product]
    }
}

/// In the first directory nothing describes anything, in the other one lies a `ska-data-product.yaml` from the start.
/// Both are filled at the same time.
static BOTH: LazyLock<[Outcome; 2]> = LazyLock::new(|| {
    std::thread::scope(|scope| {
        let prepare = |stage: &Stage| stage.write(META, YAML);
        let other = scope.spawn(move || run(prepare, described, &["file1.dat", "vis.ms"]));
        [run(|_| (), plain, &PLAIN_NAMES), other.join().expect("the other directory's outcome")]
    })
});
static PLAIN: LazyLock<&Outcome> = LazyLock::new(|| &BOTH[0]);
static DESCRIBED: LazyLock<&Outcome> = LazyLock::new(|| &BOTH[1]);

const PLAIN_NAMES: [&str; 25] = [
    "file1.dat",
    "empty",
    "a b&c=d+e%f#g?h",
    "ü√",
    "new\nline",
    "quote\"s'",
    "dp",
    "dp12",
    "empty-dir",
    "dp14",
    "vis.ms",
    "VIS.MS",
    "dp18",
    "plain.ms",
    "dp19",
    "link.dat",
    "linkdir",
    "dangling",
    "dp22",
    "dp23",
    "broken",
    "good",
    "dp43",
    META,
    "last",
];

fn run(prepare: fn(&Stage), act: fn(&Stage), names: &[&'static str]) -> Outcome {
    let stage = Stage::new();
    prepare(&stage);
    let mut watcher = stage.start_ready(&[]);
    act(&stage);
    // It comes last and is moved nowhere, so everything else had its time.
    stage.write("last", "x");
    stage.wait_steps("last", &["REG last", "COPY last"]);
    stage.wait_idle();
    let dead = stage.dead().iter().map(ToString::to_string).collect();
    assert_eq!(watcher.terminate(), Some(0));
    assert!(stage.dlm.overlapping().is_empty());
    Outcome {
        lines: names.iter().map(|name| (*name, lines(&stage.dlm, name))).collect(),
        names: stage.products().into_keys().collect(),
        log: watcher.records(),
        dead,
    }
}

fn described(stage: &Stage) {
    stage.write("file1.dat", "12345");
    stage.move_in("vis.ms", &measurement_set());
}

fn measurement_set() -> [(&'static str, &'static str); 2] {
    const FULL: &str = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";
    [("table.dat", FULL), ("SUB/table.f0", FULL.split_at(50).0)]
}

fn plain(stage: &Stage) {
    stage.write("file1.dat", "12345");
    stage.write("empty", "");
    for name in ["a b&c=d+e%f#g?h", "ü√", "new\nline", "quote\"s'"] {
        stage.write(name, "1");
    }
    stage.move_in("dp", &[("data.bin", "1234567"), ("weights", "123"), (META, YAML)]);
    stage.move_in("dp12", &[("a", "1"), ("b", "22"), ("c", "333")]);
    stage.move_in("empty-dir", &[]);
    stage.move_in(
        "dp14",
        &[
            (META, YAML),
            ("top.bin", "1"),
            ("sub/a.bin", "22"),
            ("sub/deep/b.bin", "333"),
            ("meta_sub/c.bin", "4444"),
            ("meta_sub/ska-data-product.yaml", "x: 1\n"),
        ],
    );
    let set = measurement_set();
    stage.move_in("vis.ms", &set);
    stage.move_in("VIS.MS", &[set[0], set[1], (META, YAML)]);
    let sets = |name: &str| set.map(|(file, text)| (format!("{name}/{file}"), text));
    let (one, other) = (sets("vis0.ms"), sets("vis1.ms"));
    let both: Vec<(&str, &str)> =
        one.iter().chain(&other).map(|(name, text)| (name.as_str(), *text)).collect();
    stage.move_in("dp18", &[&both[..], &[(META, YAML), ("log.txt", "log")]].concat());
    stage.write("plain.ms", "12345");
    stage.move_in("dp19", &[("plain.ms", "12345")]);
    links(stage);
    let yaml = "a: yes\nb: 012\nc: 1e3\nd: 2024-01-02\ne: 12:30:45\n";
    stage.move_in("dp23", &[(META, yaml)]);
    stage.move_in("broken", &[(META, "a: [1, 2\n"), ("a", "1")]);
    stage.move_in("good", &[]);
    odd_names(stage);
    // Before it lies there: it would describe them.
    for name in ["vis.ms", "VIS.MS"] {
        stage.wait_steps(name, &[&format!("REG {name}"), &format!("COPY {name}")]);
    }
    stage.write(META, YAML);
}

fn links(stage: &Stage) {
    let elsewhere = stage.scratch.folder("elsewhere");
    write(&elsewhere.join("file"), [b'x'; 33]);
    fill(&elsewhere.join("dir"), &[(META, YAML), ("one", "1")]);
    let link = |to: &str, name: &str| {
        symlink(elsewhere.join(to), stage.watched().join(name)).expect("it can be made");
    };
    link("file", "link.dat");
    link("dir", "linkdir");
    link("nothing", "dangling");
    let dp = fill(&stage.beside().join("dp22"), &[("a", "1")]);
    symlink("nothing", dp.join("dangling")).expect("it can be made");
    fs::rename(dp, stage.watched().join("dp22")).expect("both are on one file system");
}

fn odd_names(stage: &Stage) {
    let name = OsStr::from_bytes(b"name-\xff.dat");
    fs::write(stage.watched().join(name), "1").expect("Linux takes any name");
    let dp = fill(&stage.beside().join("dp43"), &[("a", "1")]);
    fs::write(dp.join(OsStr::from_bytes(b"\xfe")), "1").expect("Linux takes any name");
    fs::rename(dp, stage.watched().join("dp43")).expect("both are on one file system");
}

fn file(name: &str, size: usize) -> Vec<String> {
    vec![reg_file(name, size), copy(name)]
}

#[test]
fn s06_a_file() {
    assert_eq!(PLAIN.of("file1.dat"), file("file1.dat", 5));
}

#[test]
fn s07_an_empty_file() {
    assert_eq!(PLAIN.of("empty"), file("empty", 0));
}

#[test]
fn s08_a_file_has_no_metadata_whatever_lies_beside_it() {
    assert_eq!(DESCRIBED.of("file1.dat"), file("file1.dat", 5));
    // B03: such a file, created there, is a product like any other.
    assert_eq!(PLAIN.of(META), file(META, YAML.len()));
}

#[test]
fn s09_and_10_names_are_percent_encoded_as_the_original_does_it() {
    for (name, encoded) in [
        ("a b&c=d+e%f#g?h", "a%20b%26c%3Dd%2Be%25f%23g%3Fh"),
        ("ü√", "%C3%BC%E2%88%9A"),
        ("new\nline", "new%0Aline"),
        ("quote\"s'", "quote%22s%27"),
    ] {
        assert_eq!(PLAIN.of(name), [reg_file(encoded, 1), copy(name)]);
    }
}

/// The original: both children with the size of the directory's inode, the first of them copied a second time instead
/// of being put on the target with QRY and INIT [C01].
#[test]
fn s11_a_directory_with_metadata() {
    let wanted = all([top("dp", BODY), child("dp/data.bin", 7), child("dp/weights", 3)]);
    assert_eq!(PLAIN.of("dp"), wanted);
}

/// The original: as above [C02].
#[test]
fn s12_a_directory_without_metadata() {
    let wanted = all([top("dp12", ""), child("dp12/a", 1), child("dp12/b", 2), child("dp12/c", 3)]);
    assert_eq!(PLAIN.of("dp12"), wanted);
}

#[test]
fn s13_an_empty_directory() {
    assert_eq!(PLAIN.of("empty-dir"), top("empty-dir", ""));
}

/// The original: 22 requests, as its first child has no INIT [C04].
#[test]
fn s14_nested_directories_each_with_its_own_metadata_before_their_content() {
    let wanted = all([
        top("dp14", BODY),
        folder("dp14/meta_sub", "{\"x\": 1}"),
        child("dp14/meta_sub/c.bin", 4),
        folder("dp14/sub", ""),
        child("dp14/sub/a.bin", 2),
        folder("dp14/sub/deep", ""),
        child("dp14/sub/deep/b.bin", 3),
        child("dp14/top.bin", 1),
    ]);
    assert_eq!((PLAIN.of("dp14"), wanted.len()), (&wanted[..], 23));
}

fn set(name: &str, size: usize, body: &str) -> Vec<String> {
    vec![reg(name, "container", &format!("&decompressed_size={size}"), body), copy(name)]
}

#[test]
fn s15_a_measurement_set_is_one_item() {
    assert_eq!(PLAIN.of("vis.ms"), set("vis.ms", 150, ""));
}

#[test]
fn s16_a_measurement_set_is_described_by_what_lies_beside_it() {
    assert_eq!(DESCRIBED.of("vis.ms"), set("vis.ms", 150, BODY));
}

#[test]
fn s17_what_lies_inside_a_measurement_set_only_counts_as_bytes() {
    assert_eq!(PLAIN.of("VIS.MS"), set("VIS.MS", 150 + YAML.len(), ""));
}

#[test]
fn s18_measurement_sets_in_a_directory_are_not_gone_into() {
    let set = |name: &str| {
        let sent = "&parents=<dp18>&decompressed_size=150";
        vec![reg(name, "container", sent, ""), qry(name), init(name, "container", "150")]
    };
    let wanted = all([top("dp18", BODY), child("dp18/log.txt", 3), set("dp18/vis0.ms"), set("dp18/vis1.ms")]);
    assert_eq!(PLAIN.of("dp18"), wanted);
}

/// The original says size 0 of the child, as it sums up what is below a file [M05].
#[test]
fn s19_a_plain_file_with_the_ending_of_a_measurement_set() {
    assert_eq!(PLAIN.of("plain.ms"), file("plain.ms", 5));
    let lines = PLAIN.of("dp19");
    assert_eq!(lines[..2], top("dp19", ""));
    let name = "dp19/plain.ms";
    assert!(lines[2] == reg(name, "container", "&parents=<dp19>&decompressed_size=0", ""), "{lines:#?}");
    assert_eq!(lines[3..], [qry(name), init(name, "container", "0")]);
}

#[test]
fn s20_a_link_to_a_file() {
    assert_eq!(PLAIN.of("link.dat"), file("link.dat", 33));
}

#[test]
fn s21_a_link_to_a_directory() {
    assert_eq!(PLAIN.of("linkdir"), all([top("linkdir", BODY), child("linkdir/one", 1)]));
}

/// The original: registers it as a file when it lies in a directory [L05], so that its row points nowhere.
#[test]
fn s22_a_dangling_link_is_left_out_and_reported() {
    assert!(
        PLAIN.log.iter().any(|record| record.message.contains("dangling is a link that leads to nothing"))
    );
    assert_eq!(PLAIN.of("dangling"), [""; 0]);
    assert_eq!(PLAIN.of("dp22"), all([top("dp22", ""), child("dp22/a", 1)]));
    let told =
        |record: &&Record| record.message.contains("dp22/dangling is left out of its product: dangling link");
    assert_eq!(PLAIN.log.iter().filter(told).count(), 1);
}

#[test]
fn s23_metadata_are_yaml_1_1() {
    let body = r#"{"a": true, "b": 10, "c": "1e3", "d": "2024-01-02", "e": 45045}"#;
    assert_eq!(PLAIN.of("dp23"), top("dp23", body));
}

/// The original: exit 1, or a zombie in polling mode [C08, P07].
#[test]
fn s24_broken_metadata_are_reported_and_others_go_on() {
    assert_eq!(PLAIN.of("broken"), [""; 0]);
    assert_eq!(PLAIN.of("good"), top("good", ""));
    let told = |record: &&Record| {
        record.level == "ERROR" && record.message.starts_with("broken is NOT added to DLM: E-DLM-METADATA")
    };
    assert_eq!(PLAIN.log.iter().filter(told).count(), 1, "{:#?}", PLAIN.log);
    assert!(PLAIN.dead.iter().any(|dead| dead.contains("E-DLM-METADATA")), "{:?}", PLAIN.dead);
}

/// The original: exit 1 [B08, X14].
#[test]
fn s43_a_name_that_is_no_text_is_reported_and_others_go_on() {
    let odd = |name: &&String| name.contains('\u{fffd}') || name.contains("name-");
    assert_eq!(PLAIN.names.iter().filter(odd).count(), 0, "{:?}", PLAIN.names);
    let told = |record: &&Record| {
        record.level == "ERROR" && record.message.contains("name-\\xff.dat is NOT added to DLM")
    };
    assert_eq!(PLAIN.log.iter().filter(told).count(), 1, "{:#?}", PLAIN.log);
    assert_eq!(PLAIN.of("dp43"), all([top("dp43", ""), child("dp43/a", 1)]));
    assert!(
        PLAIN.log.iter().any(|record| record.message.contains("dp43/\\xfe is left out")),
        "{:#?}",
        PLAIN.log
    );
}

/// Whatever the scenarios say of single products: there is nothing else.
#[test]
fn nothing_else_is_asked_for() {
    let mut known: Vec<&str> =
        PLAIN_NAMES.iter().copied().filter(|name| !["dangling", "broken"].contains(name)).collect();
    known.push("");
    known.sort_unstable();
    assert_eq!(PLAIN.names, known);
    assert_eq!(PLAIN.dead.len(), 2, "{:#?}", PLAIN.dead);
}

/// The original, in polling mode: alive, "ready", and blind from the first of them on [P07, X14].
#[test]
fn s24_and_43_hold_in_polling_mode_too() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&["--use-polling-watcher", "--dir-updates-wait-time=1"]);
    stage.move_in("broken", &[(META, "a: [1, 2\n"), ("a", "1")]);
    fs::write(stage.watched().join(OsStr::from_bytes(b"name-\xff.dat")), "1").expect("Linux takes any name");
    stage.dlm.wait_until(PATIENCE, "two dead letters", |_| stage.dead().len() == 2);
    stage.write("good", "1");
    stage.wait_steps("good", &["REG good", "COPY good"]);
    assert_eq!(stage.products().into_keys().collect::<Vec<_>>(), ["", "good"]);
    assert!(stage.is_ready() && watcher.terminate() == Some(0));
}
