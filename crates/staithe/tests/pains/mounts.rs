//! Pains 5 and 6: mounts where nothing is told, and mounts that drop out.

use std::collections::BTreeMap;
use std::fs;

use crate::enclosed::{Enclosed, landing};

type Expected = BTreeMap<String, Vec<u64>>;

fn expect(expected: &mut Expected, path: &str, size: u64) {
    expected.entry(path.to_owned()).or_default().push(size);
}

/// What is written into the upper layer is seen through the mount, and no event tells of it: as with another
/// machine's writes on a network mount.
#[test]
fn pain_5_network_and_foreign_mounts_are_noticed_without_events() {
    let landing = landing("pain-5", "poll_interval = \"200ms\"\npoll_full = \"1s\"");
    for name in ["lower/d", "upper/d", "work"] {
        fs::create_dir_all(landing.out(name)).expect("layers");
    }
    let (out, root) = (landing.out(""), landing.root());
    let (out, root) = (out.display(), root.display());
    let mount = format!(
        "mount -t overlay overlay -o lowerdir={out}/lower,upperdir={out}/upper,workdir={out}/work {root}"
    );
    let Some(enclosed) = Enclosed::with_mounts(landing, &mount) else { return };
    let mut expected = Expected::new();
    let upper = enclosed.landing.out("upper");
    for number in 0..500 {
        let name = if number % 2 == 0 { format!("f{number}") } else { format!("d/f{number}") };
        fs::write(upper.join(&name), b"xx").expect("the layer takes files");
        expect(&mut expected, &name, 2);
    }
    enclosed.wait_for("written into the upper layer", &expected);
    fs::create_dir_all(upper.join("fresh/deep")).expect("the layer takes directories");
    fs::write(upper.join("fresh/deep/f"), b"xxx").expect("the layer takes files");
    expect(&mut expected, "fresh/deep/f", 3);
    enclosed.wait_for("a fresh directory in the upper layer", &expected);
    // In place, where no directory's time tells.
    fs::write(upper.join("f0"), b"changed").expect("the layer takes files");
    expect(&mut expected, "f0", 7);
    enclosed.wait_for("changed in place in the upper layer", &expected);
    // What is written through the mount is not told twice.
    enclosed.inside(&format!("printf four > {root}/through; printf five > {root}/d/through"));
    expect(&mut expected, "through", 4);
    expect(&mut expected, "d/through", 4);
    enclosed.wait_for("written through the mount", &expected);
    assert_eq!(enclosed.source()["backend"], "inotify+poll", "{}", enclosed.source());
    let _ = enclosed.landing.call(&["rescan"]);
    enclosed.wait_for("nothing came again", &expected);
}

/// A share that is the source's root is unmounted and mounted again.
fn root_drops_out(backend: &str) {
    let more = format!("backend = \"{backend}\"\npoll_interval = \"100ms\"\npoll_full = \"500ms\"");
    let landing = landing("pain-6", &more);
    let share = landing.out("share");
    fs::create_dir_all(share.join("d")).expect("a share");
    let (share_shown, root) = (share.display().to_string(), landing.root().display().to_string());
    let mount = format!("mount --bind {share_shown} {root}");
    let Some(enclosed) = Enclosed::with_mounts(landing, &mount) else { return };
    let mut expected = Expected::new();
    for number in 0..100 {
        let name = format!("d/f{number}");
        fs::write(share.join(&name), b"x").expect("the share takes files");
        expect(&mut expected, &name, 1);
    }
    enclosed.wait_for("before", &expected);

    enclosed.inside(&format!("umount -l {root}"));
    enclosed.wait_for_state("hidden");
    let _ = enclosed.landing.call(&["rescan"]);
    let _ = enclosed.landing.call(&["rescan"]);
    assert_eq!(enclosed.delivered(), expected, "{backend}: a share that was away made events");
    assert_eq!(enclosed.source()["known"], 100, "{backend}: what the share holds was taken as removed");

    fs::write(share.join("while-away"), b"xx").expect("the share takes files");
    expect(&mut expected, "while-away", 2);
    enclosed.inside(&mount);
    enclosed.wait_for("after", &expected);
    enclosed.wait_for_state("ok");
    let _ = enclosed.landing.call(&["rescan"]);
    assert_eq!(enclosed.delivered(), expected, "{backend}: it came again");
}

#[test]
fn pain_6_polling_a_share_that_drops_out_makes_no_events() {
    root_drops_out("poll");
}

#[test]
fn pain_6_a_watched_share_that_drops_out_makes_no_events() {
    root_drops_out("inotify");
}

#[test]
fn pain_6_a_marked_share_that_drops_out_makes_no_events() {
    root_drops_out("fanotify");
}

/// As after a restart of the storage: the same files on a device with another number.
fn comes_back_under_another_number(backend: &str) {
    let more = format!("backend = \"{backend}\"\npoll_interval = \"100ms\"\npoll_full = \"500ms\"");
    let landing = landing("pain-6-device", &more);
    let (out, root) = (landing.out("").display().to_string(), landing.root().display().to_string());
    let images = "for image in one two; do truncate -s 16M $image; mkfs.ext4 -q -F $image; done";
    let mount = format!("mount -o loop one {root}");
    let Some(enclosed) = Enclosed::with_mounts(landing, &format!("{images}; {mount}")) else { return };
    let mut expected = Expected::new();
    let write = |name: &str| enclosed.inside(&format!("printf x > {root}/{name}"));
    enclosed.inside(&format!("mkdir {root}/d; for n in $(seq 100); do printf x > {root}/d/f$n; done"));
    (1..=100).for_each(|number| expect(&mut expected, &format!("d/f{number}"), 1));
    enclosed.wait_for("before", &expected);

    // A scan that runs just now keeps the file system busy.
    let unmount = format!("until umount {root} 2>/dev/null; do sleep 0.05; done");
    enclosed.inside(&format!("stat -c %d {root} > {out}/number; {unmount}"));
    enclosed.wait_for_state("hidden");
    // Others take the number, until it is another one.
    let differs = format!("mountpoint -q {root} && test $(stat -c %d {root}) != $(cat number)");
    let take = "mkdir spare$n; cp --sparse=always two two$n; mount -o loop two$n spare$n";
    enclosed.inside(&format!(
        "cd {out}; for n in 1 2 3 4 5 6; do {take}; {mount}; if {differs}; then break; fi; {unmount}; done; {differs}"
    ));
    enclosed.wait_for_state("ok");
    let _ = enclosed.landing.call(&["rescan"]);
    assert_eq!(enclosed.delivered(), expected, "{backend}: it came again");
    write("after");
    expect(&mut expected, "after", 1);
    enclosed.wait_for("after", &expected);
    assert_eq!(enclosed.source()["known"], 101, "{backend}");
}

#[test]
fn pain_6_another_device_number_is_no_change_for_polling() {
    comes_back_under_another_number("poll");
}

#[test]
fn pain_6_another_device_number_is_no_change_for_inotify() {
    comes_back_under_another_number("inotify");
}

#[test]
fn pain_6_another_device_number_is_no_change_for_fanotify() {
    comes_back_under_another_number("fanotify");
}

/// For how long a share is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    /// Until it was missed.
    Long,
    /// Shorter than any pause between two looks at the mounts, but longer than a comparison.
    AMoment,
}

/// A share somewhere below the root.
fn part_drops_out(backend: &str, how_long: Away) {
    let more = format!("backend = \"{backend}\"\npoll_interval = \"100ms\"\npoll_full = \"500ms\"");
    let landing = landing("pain-6-below", &more);
    let share = landing.out("share");
    fs::create_dir_all(share.join("d")).expect("a share");
    fs::create_dir_all(landing.root().join("sub")).expect("a tree");
    let (share_shown, root) = (share.display().to_string(), landing.root().display().to_string());
    let mount = format!("mount --bind {share_shown} {root}/sub");
    let Some(enclosed) = Enclosed::with_mounts(landing, &mount) else { return };
    let mut expected = Expected::new();
    for number in 0..100 {
        fs::write(share.join(format!("d/f{number}")), b"x").expect("the share takes files");
        expect(&mut expected, &format!("sub/d/f{number}"), 1);
        fs::write(enclosed.landing.root().join(format!("f{number}")), b"x").expect("the tree takes files");
        expect(&mut expected, &format!("f{number}"), 1);
    }
    enclosed.wait_for("before", &expected);

    enclosed.inside(&format!("umount -l {root}/sub"));
    if how_long == Away::Long {
        enclosed.wait_for_state("degraded");
    }
    for name in ["one", "two"] {
        fs::write(enclosed.landing.root().join(name), b"x").expect("the tree takes files");
        expect(&mut expected, name, 1);
        enclosed.wait_for("beside it", &expected);
        let _ = enclosed.landing.call(&["rescan"]);
    }
    fs::write(share.join("d/while-away"), b"xx").expect("the share takes files");
    expect(&mut expected, "sub/d/while-away", 2);
    enclosed.inside(&mount);
    enclosed.wait_for("after", &expected);
    let _ = enclosed.landing.call(&["rescan"]);
    assert_eq!(enclosed.delivered(), expected, "{backend}, {how_long:?}: it came again");
}

#[test]
fn pain_6_a_polled_part_that_drops_out_makes_no_events() {
    part_drops_out("poll", Away::Long);
}

#[test]
fn pain_6_a_watched_part_that_drops_out_makes_no_events() {
    part_drops_out("inotify", Away::Long);
}

#[test]
fn pain_6_a_polled_part_that_is_away_for_a_moment_makes_no_events() {
    part_drops_out("poll", Away::AMoment);
}

#[test]
fn pain_6_a_watched_part_that_is_away_for_a_moment_makes_no_events() {
    part_drops_out("inotify", Away::AMoment);
}
