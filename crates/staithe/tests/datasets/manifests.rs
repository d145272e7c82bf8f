//! Lists of members and checksums: everything named must be there and right.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::stage::{Dataset, Stage, content, names};

const REFUSING: &str = r#"
    [[source.inbox.rule]]
    name = "runs"
    dataset = "run_*"
    complete = { all = ["members", { quiet = "300ms" }, { manifest = { file = "SHA256SUMS", extras = "refuse" } }] }
"#;

/// What this tool of the machine says of these files.
fn sums(tool: &str, options: &[&str], dir: &Path, names: &[String]) -> Vec<u8> {
    let done =
        Command::new(tool).args(options).args(names).current_dir(dir).output().expect("it is installed");
    assert!(done.status.success(), "{done:?}");
    done.stdout
}

fn member(number: usize) -> String {
    format!("d{}/f{number}.dat", number % 4)
}

/// A dataset of members with these numbers.
fn filled(stage: &Stage, name: &str, numbers: std::ops::Range<usize>) -> Dataset {
    let mut set = Dataset::at(stage.path(name));
    for number in numbers {
        set.member(&member(number), content(number));
    }
    set
}

#[test]
fn of_100_members_one_is_missing_one_wrong_one_extra_and_then_all_is_right() {
    let mut stage = Stage::start("manifest", "", REFUSING);
    let whole = filled(&stage, "elsewhere", 0..100);
    let list = sums("sha256sum", &[], &stage.path("elsewhere"), &(0..100).map(member).collect::<Vec<_>>());
    fs::rename(stage.path("elsewhere"), stage.landing.out("elsewhere")).unwrap();

    let mut run = filled(&stage, "run_1", 0..99);
    run.member("SHA256SUMS", &list).member("extra.dat", "nobody names me");
    stage.write("run_1/d2/f50.dat", content(51));
    let gap = stage.wait_answer("run_1", "short of one", |it| {
        it["reason"] == "waiting.manifest" && it["reason_args"]["problem"].is_null()
    });
    let gap = &gap["reason_args"];
    for (name, number) in [("total", 100), ("good", 98), ("missing", 1), ("wrong", 1), ("extra", 1)] {
        assert_eq!(gap[name], number, "{name} in {gap}");
    }
    assert_eq!(gap["file"], "SHA256SUMS");
    assert_eq!(names(&gap["blocking"]), ["d3/f99.dat", "d2/f50.dat", "extra.dat"]);

    stage.write("run_1/d2/f50.dat", content(50));
    fs::remove_file(stage.path("run_1/extra.dat")).unwrap();
    stage.wait_blocked("run_1", "waiting.manifest", &["d3/f99.dat"]);
    assert!(stage.of("run_1").is_empty());
    run.member("d3/f99.dat", content(99));
    let event = stage.wait_event("run_1", 1);
    let size = whole.size + list.len() as u64;
    event.is_first().is_complete(101, size).is_after(run.finished).is_by(&["members", "manifest"]);
    stage.assert_only(&[("run_1", 1)]);
}

const EACH_STYLE: &str = r#"
    [[source.inbox.rule]]
    name = "runs"
    dataset = "*.run"
    complete = { all = ["members", { quiet = "300ms" }, { manifest = "sums" }] }

    [[source.inbox.rule]]
    name = "blake3"
    dataset = "*.b3"
    complete = { all = ["members", { quiet = "300ms" }, { manifest = { file = "sums", style = "blake3" } }] }

    [[source.inbox.rule]]
    name = "lists"
    dataset = "*.list"
    complete = { all = ["members", { quiet = "300ms" }, { manifest = { file = "sums", style = "list" } }] }
"#;

/// Lists of the members 0 to 2 in all forms.
fn lists(dir: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let members: Vec<String> = (0..3).map(member).collect();
    let b3 = |number| format!("{}  {}\n", blake3::hash(&content(number)).to_hex(), member(number));
    let sized = |number| format!("{}\t{}\n", member(number), content(number).len());
    vec![
        ("md5.run", sums("md5sum", &[], dir, &members)),
        ("sha1.run", sums("sha1sum", &["-b"], dir, &members)),
        ("sha512.run", sums("sha512sum", &[], dir, &members)),
        ("bsd.run", sums("sha256sum", &["--tag"], dir, &members)),
        ("named.b3", (0..3).map(b3).collect::<String>().into_bytes()),
        ("plain.list", members.join("\n").into_bytes()),
        ("sized.list", (0..3).map(sized).collect::<String>().into_bytes()),
    ]
}

#[test]
fn every_form_of_list_is_read_and_believed_only_if_it_is_right() {
    let mut stage = Stage::start("styles", "", EACH_STYLE);
    let _template = filled(&stage, "template", 0..3);
    let lists = lists(&stage.path("template"));
    fs::rename(stage.path("template"), stage.landing.out("template")).unwrap();

    let mut sets: Vec<Dataset> = lists.iter().map(|(name, _)| filled(&stage, name, 0..2)).collect();
    for (set, (_, list)) in sets.iter_mut().zip(&lists) {
        set.member("sums", list);
    }
    for (name, _) in &lists {
        let args = stage.wait_blocked(name, "waiting.manifest", &[&member(2)]);
        assert_eq!(
            (&args["total"], &args["missing"], &args["good"]),
            (&3.into(), &1.into(), &2.into()),
            "{name}: {args}"
        );
    }
    // Of another size, but for one: that has the size and another content.
    for (name, _) in &lists {
        stage.write(
            &format!("{name}/{}", member(2)),
            if *name == "md5.run" { "MEMBER 2 xx" } else { "longer than it should be" },
        );
    }
    for (name, _) in lists.iter().filter(|(name, _)| *name != "plain.list") {
        let args = stage.wait_answer(name, "wrong in one", |it| it["reason_args"]["wrong"] == 1);
        assert_eq!(names(&args["reason_args"]["blocking"]), [member(2)]);
    }
    // A list without sums and sizes asks for no more than presence.
    stage.wait_event("plain.list", 1);
    for (set, (name, _)) in sets.iter_mut().zip(&lists).filter(|(_, (name, _))| *name != "plain.list") {
        set.member(&member(2), content(2));
        set.is_in(&stage.wait_event(name, 1));
    }
    let expected: Vec<(&str, usize)> = lists.iter().map(|(name, _)| (*name, 1)).collect();
    stage.assert_only(&expected);
}

const NAMED: &str = r#"
    [[source.inbox.rule]]
    name = "runs"
    dataset = "*.run"
    complete = { all = ["members", { quiet = "300ms" }, { manifest = "SHA256SUMS" }] }

    [[source.inbox.rule]]
    name = "lists"
    dataset = "*.list"
    complete = { all = ["members", { quiet = "300ms" }, { manifest = "names" }] }
"#;

#[test]
fn a_list_that_leads_out_or_is_garbled_is_not_believed_until_it_is_rewritten() {
    let mut stage = Stage::start("garbled", "", NAMED);
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let bad = [
        ("escapes.run", format!("{hash}  ../victim\n")),
        ("absolute.run", format!("{hash}  /etc/hostname\n")),
        ("garbled.run", "\u{1}\u{2}\u{3} is no checksum\n".to_owned()),
        ("short.run", format!("{}  d0/f0.dat\n", &hash[..63])),
        ("empty.run", String::new()),
        ("escapes.list", "d0/f0.dat\n../victim\n".to_owned()),
    ];
    let list_of = |name: &str| if name.ends_with("list") { "names" } else { "SHA256SUMS" };
    stage.write("victim", "");
    let mut sets: Vec<Dataset> = bad.iter().map(|(name, _)| filled(&stage, name, 0..1)).collect();
    for (set, (name, list)) in sets.iter_mut().zip(&bad) {
        set.member(list_of(name), list);
    }
    for (name, _) in &bad {
        let answer = stage.wait_answer(name, "not believed", |it| {
            it["reason"] == "waiting.manifest" && it["reason_args"]["problem"].is_string()
        });
        println!("{name}: {}", answer["reason_args"]["problem"]);
        assert_eq!(answer["reason_args"]["good"], 0, "{answer}");
    }
    for (set, (name, list)) in sets.iter_mut().zip(&bad) {
        let sum = sums("sha256sum", &[], &stage.path(name), &[member(0)]);
        let good = if name.ends_with("list") { b"d0/f0.dat\n".to_vec() } else { sum };
        set.size = set.size + good.len() as u64 - list.len() as u64;
        set.finished = stage.write(&format!("{name}/{}", list_of(name)), good);
    }
    for (set, (name, _)) in sets.iter().zip(&bad) {
        set.is_in(&stage.wait_event(name, 1));
    }
    let expected: Vec<(&str, usize)> = bad.iter().map(|(name, _)| (*name, 1)).collect();
    stage.assert_only(&expected);
}

const FILES: &str = r#"
    [[source.inbox.rule]]
    name = "with-own"
    include = ["own/*"]
    complete = { all = ["writer_gone", { manifest = "{name}.sha256" }] }

    [[source.inbox.rule]]
    name = "with-common"
    include = ["common/*"]
    complete = { all = ["writer_gone", { manifest = "SHA256SUMS" }] }
"#;

#[test]
fn a_file_waits_for_its_own_checksum() {
    let mut stage = Stage::start("single", "", FILES);
    for name in ["own/a.dat", "own/b.dat", "own/c.dat"] {
        stage.write(name, "right");
    }
    for name in ["own/a.dat", "own/b.dat", "own/c.dat"] {
        stage.wait_reason(name, "waiting.manifest");
    }
    let sum = String::from_utf8(sums("sha256sum", &[], &stage.path("own"), &["a.dat".to_owned()])).unwrap();
    stage.write("own/a.dat.sha256", &sum);
    stage.write("own/b.dat.sha256", format!("{}  b.dat\n", "0".repeat(64)));
    // One sum and no name: of whose companion it is.
    stage.write("own/c.dat.sha256", &sum[..64]);
    let event = stage.wait_event("own/a.dat", 1);
    assert_eq!((event.type_name(), event.signals().contains(&"manifest")), ("staithe.file.complete", true));
    stage.wait_event("own/c.dat", 1);
    let wrong = stage.wait_answer("own/b.dat", "wrong", |it| it["reason_args"]["wrong"] == 1);
    assert_eq!(wrong["reason"], "waiting.manifest");
    assert_eq!(stage.wait_state("own/a.dat.sha256", "ignored")["reason"], "ignored.marker");
    // It is believed as soon as it is right, whether or not its writer has closed it.
    let done = SystemTime::now();
    stage.write("own/b.dat.sha256", sum.replace("a.dat", "b.dat"));
    stage.wait_event("own/b.dat", 1).is_after(done);
    stage.assert_only(&[("own/a.dat", 1), ("own/b.dat", 1), ("own/c.dat", 1)]);
}

#[test]
fn each_file_waits_for_its_own_line_of_a_common_list_only() {
    let mut stage = Stage::start("common", "", FILES);
    stage.write("common/a.dat", "right");
    stage.write("common/b.dat", "right");
    let named: Vec<String> = ["a.dat", "b.dat"].map(str::to_owned).to_vec();
    let sums = String::from_utf8(sums("sha256sum", &[], &stage.path("common"), &named)).unwrap();
    stage.wait_reason("common/b.dat", "waiting.manifest");
    stage.write("common/b.dat", "wrong");
    stage.write("common/not-named.dat", "right");
    let absent = format!("{}  absent.dat\n", "0".repeat(64));
    stage.write("common/SHA256SUMS", sums + &absent);
    stage.wait_event("common/a.dat", 1);
    let wrong = stage.wait_answer("common/b.dat", "wrong", |it| it["reason_args"]["wrong"] == 1);
    assert_eq!(names(&wrong["reason_args"]["blocking"]), ["b.dat"], "{wrong}");
    stage.wait_reason("common/not-named.dat", "waiting.manifest");
    let done = stage.write("common/b.dat", "right");
    stage.wait_event("common/b.dat", 1).is_after(done);
    stage.assert_only(&[("common/a.dat", 1), ("common/b.dat", 1)]);
}
