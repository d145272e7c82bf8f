//! Trees that were made to lead the mirror astray. Nothing outside of the two may be changed, nor get in.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};

use mirror::{Brought, Content};

use crate::rig::{Rig, bring, chmod, equalize, fingerprint, only_times, snapshot, touch, write};

/// A rig with a canary tree outside.
fn with_canary() -> (Rig, Vec<String>) {
    let rig = Rig::new();
    write(&rig.outside, "f", "CANARY");
    write(&rig.outside, "d/f", "CANARY");
    chmod(&rig.outside.join("f"), 0o604);
    touch(&rig.outside.join("f"), (77, 7));
    touch(&rig.outside.join("d"), (78, 8));
    let print = fingerprint(&rig.outside);
    (rig, print)
}

#[test]
fn links_planted_in_the_destination_are_replaced_and_never_followed() {
    let (rig, canary) = with_canary();
    rig.write("f", "mine");
    rig.write("d/f", "mine");
    rig.write("deep/d/f", "mine");
    let pair = rig.pair();
    for act in [
        &|| {
            for name in ["f", "d/f", "deep/d/f"] {
                assert!(matches!(bring(&pair, name, Content::Always), Brought::Copied { .. }));
            }
        },
        &|| drop(equalize(&pair)),
        &|| {
            for name in ["f", "d/f", "d/none", "deep/d/f", "deep/d", "d", "deep"] {
                pair.remove(name.as_bytes()).unwrap();
            }
        },
        &|| {
            pair.rename(b"d/f", b"f").unwrap();
            pair.rename(b"f", b"d/f").unwrap();
            pair.rename(b"d", b"deep/d").unwrap();
            equalize(&pair);
        },
    ] as [&dyn Fn(); 4]
    {
        for name in ["f", "d", "deep"] {
            let _ = fs::remove_dir_all(rig.here(name));
            let _ = fs::remove_file(rig.here(name));
        }
        fs::create_dir(rig.here("deep")).unwrap();
        symlink(rig.outside.join("f"), rig.here("f")).unwrap();
        symlink(&rig.outside, rig.here("d")).unwrap();
        symlink("../../outside/d", rig.here("deep/d")).unwrap();
        act();
        assert_eq!(fingerprint(&rig.outside), canary);
    }
    equalize(&pair);
    rig.assert_equal();
}

#[test]
fn links_in_the_source_are_never_read_through() {
    let (rig, canary) = with_canary();
    symlink(&rig.outside, rig.there("d")).unwrap();
    symlink(rig.outside.join("f"), rig.there("f")).unwrap();
    let pair = rig.pair();
    for name in ["d/f", "d/d/f", "d/d"] {
        assert_eq!(bring(&pair, name, Content::Always), Brought::Same, "the source has no such path");
        assert!(!pair.content_equal(name.as_bytes(), &|_| true).unwrap());
        assert_eq!(pair.look_source(name.as_bytes()).unwrap(), None);
    }
    equalize(&pair);
    rig.assert_equal();
    assert_eq!(fingerprint(&rig.outside), canary);
}

#[test]
fn a_hard_link_in_the_destination_is_never_written_through() {
    let (rig, canary) = with_canary();
    let pair = rig.pair();
    let contents = [Some(Content::Never), None, Some(Content::IfDiffers), Some(Content::Always)];
    for content in contents {
        for same_content in [false, true] {
            rig.write("f", if same_content { "CANARY" } else { "mine" });
            touch(&rig.there("f"), if same_content { (77, 7) } else { (99, 9) });
            chmod(&rig.there("f"), 0o640);
            let _ = fs::remove_file(rig.here("f"));
            fs::hard_link(rig.outside.join("f"), rig.here("f")).unwrap();
            let content = content.unwrap_or_else(|| only_times(&pair, b"f"));
            let brought = bring(&pair, "f", content);
            let copied = matches!(brought, Brought::Copied { .. });
            let never = matches!(content, Content::Never | Content::OnlyTimesOf(_));
            assert!(
                if never { brought == Brought::ContentDiffers } else { copied },
                "{content:?} {brought:?}"
            );
            assert_eq!(fingerprint(&rig.outside), canary);
        }
    }
    equalize(&pair);
    rig.assert_equal();
    assert_eq!(fs::metadata(rig.outside.join("f")).unwrap().nlink(), 1);
}

#[test]
fn a_fifo_does_not_block() {
    let (rig, canary) = with_canary();
    for dir in [&rig.source, &rig.destination] {
        fs::create_dir_all(dir).unwrap();
    }
    let pair = rig.pair();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    for dir in [&rig.source, &rig.destination] {
        rustix::fs::mknodat(rustix::fs::CWD, dir.join("p"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
    assert!(!pair.content_equal(b"p", &|_| true).unwrap());
    bring(&pair, "p", Content::Always);
    assert!(fs::symlink_metadata(rig.here("p")).is_err());
    assert_eq!(fingerprint(&rig.outside), canary);
}

#[test]
fn another_mirrors_root_below_the_source_is_nothing_special_but_its_marker() {
    let rig = Rig::new();
    let inner = Rig::new();
    inner.write("f", "text");
    let chained = mirror::Pair::open(&inner.source, &rig.source, Rig::options()).unwrap();
    equalize(&chained);
    let pair = rig.pair();
    equalize(&pair);
    rig.assert_equal();
    assert_ne!(
        fs::read(rig.there(".staithe-mirror")).unwrap(),
        fs::read(rig.here(".staithe-mirror")).unwrap()
    );
}

/// What the killed one does in [`a_kill_in_the_middle_of_a_copy_leaves_no_half_file`].
const COPY_AND_WAIT: &str = "STAITHE_TEST_COPY_AND_WAIT";

#[test]
fn a_kill_in_the_middle_of_a_copy_leaves_no_half_file() {
    if let Ok(root) = std::env::var(COPY_AND_WAIT) {
        copy_and_wait(std::path::Path::new(&root));
        return;
    }
    let rig = Rig::new();
    rig.write("f", "old");
    let pair = rig.pair();
    equalize(&pair);
    fs::write(rig.there("f"), vec![7; 20 << 20]).unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "hostile::a_kill_in_the_middle_of_a_copy_leaves_no_half_file"])
        .env(COPY_AND_WAIT, rig.source.parent().unwrap())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains("in the middle")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(rig.here("f")).unwrap(), b"old");
    let told = crate::rig::walk(&pair, 10, false);
    assert!(told[0].starts_with("leftover .staithe-mirror-") && told[1] == "content f", "{told:?}");
    equalize(&pair);
    rig.assert_equal();
    assert_eq!(snapshot(&rig.destination).len(), 2);
}

fn copy_and_wait(root: &std::path::Path) {
    let pair = mirror::Pair::open(&root.join("source"), &root.join("mirror"), Rig::options()).unwrap();
    let wait = |_| {
        println!("in the middle");
        std::io::stdout().flush().unwrap();
        loop {
            std::thread::park();
        }
    };
    pair.bring(b"f", Content::Always, &wait).unwrap();
}
