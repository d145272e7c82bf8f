//! File systems that are unmounted, mounted again under another device number, or mounted over.
//! Nothing of that is a removal, and nothing comes twice.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;
use testkit::proof::{Row, skip};
use testkit::{Collector, Truth, judge};

use crate::fuse::Server;
use crate::world::World;
use crate::{STEP, source, to_lines, wait_for_scans, wait_for_source};

/// Whole scans often: each is a chance to take something as removed.
const OFTEN: &str = "rescan = \"200ms\"\npoll_interval = \"200ms\"\npoll_full = \"200ms\"";

/// A file with a file system in it.
struct Image {
    file: PathBuf,
}

impl Image {
    /// An ext4 file system; nothing if this machine does not let us mount one.
    fn new(world: &World) -> Option<Self> {
        let file = world.landing.out("image");
        let point = world.landing.out("elsewhere");
        fs::create_dir(&point).expect("the scratch folder takes folders");
        let image = Self { file };
        let made = world.try_sh(&format!(
            "truncate -s 16M {0} && mkfs.ext4 -q -E root_owner {0} && mount -o loop {0} {1} && umount {1}",
            image.file.display(),
            point.display()
        ));
        if made.code != Some(0) {
            eprintln!("SKIPPED: no loop devices here: {}", made.stderr);
            return None;
        }
        Some(image)
    }

    /// Mounts it there by some loop device.
    fn mount(&self, world: &World, point: &Path) {
        world.sh(&format!("mount -o loop {} {}", self.file.display(), point.display()));
    }

    /// Unmounts it and mounts it by another loop device, with something new in it.
    fn mount_by_another_device(
        &self,
        world: &World,
        point: &Path,
        truth: &mut Truth,
        new: &str,
        below: &str,
    ) {
        let number = || fs::metadata(world.inside(point)).expect("it is mounted").dev();
        let before = number();
        // Loop devices are given out anew, the lowest first; one more is taken while the first is held.
        let elsewhere = world.landing.out("elsewhere");
        let script = format!("losetup -f --show {}", self.file.display());
        let done = world.try_sh(&script);
        done.assert_code(0);
        let device = done.text().trim().to_owned();
        world.unmount(point);
        world.sh(&format!("mount {device} {}", elsewhere.display()));
        let content = b"written while it was mounted elsewhere";
        fs::write(world.inside(&elsewhere).join(new), content).expect("the image takes files");
        truth.note(format!("{below}{new}").as_bytes(), content);
        world.unmount(&elsewhere);
        // Detached by the kernel when it is unmounted.
        world.sh(&format!("mount {device} {} && losetup -d {device}", point.display()));
        assert_ne!(before, number(), "another device number");
    }
}

/// What `ls` knows of each path.
fn states(world: &World) -> Vec<(String, String)> {
    let text = world.landing.call(&["ls", "--json"]).text();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let text_of = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text_of(&row, "path"), text_of(&row, "state"))).collect()
}

/// Fails unless everything is delivered and nothing else was ever the case.
#[track_caller]
fn assert_all_delivered(world: &World, count: usize) {
    let counts = world.landing.status()["counts"].clone();
    let expected = Value::from(count);
    assert_eq!((&counts["delivered"], &counts["seen"], &counts["gone"]), (&expected, &expected, &0.into()));
    let states = states(world);
    assert!(states.len() == count && states.iter().all(|(_, state)| state == "delivered"), "{states:?}");
}

/// Writes files below the tree's root and waits until they have arrived.
fn arrive(world: &World, truth: &mut Truth, lines: &Collector, names: &[&str]) {
    for name in names {
        truth.write(&world.root(), name.as_bytes(), name.as_bytes());
    }
    lines.wait_for(truth.paths(), STEP);
    world.landing.wait_idle(truth.paths() as u64, STEP);
}

#[test]
fn a_root_that_is_unmounted_and_mounted_by_another_device_repeats_nothing() {
    let proof = Row::new("B08");
    let Some(mut world) = World::new("loop-root") else { return skip("B08", "no namespace of mounts") };
    let Some(image) = Image::new(&world) else { return skip("B08", "no loop devices") };
    let root = world.landing.root();
    image.mount(&world, &root);
    fs::create_dir(world.root().join("sub")).expect("a folder");
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    arrive(&world, &mut truth, &lines, &["a", "b", "sub/c", "sub/d"]);
    wait_for_scans(&world.landing, 2);

    world.unmount(&root);
    let row = wait_for_source(&world.landing, "the root to be hidden and not empty", |row| {
        row["state"] == "hidden"
    });
    wait_for_scans(&world.landing, 3);
    assert_eq!(source(&world.landing)["state"], "hidden", "{row}");
    world.landing.call(&["status"]).assert_code(5);
    assert_all_delivered(&world, 4);
    assert!(world.said().contains("W-HIDDEN"), "{}", world.said());
    image.mount(&world, &root);
    wait_for_source(&world.landing, "the root to be back", |row| row["state"] == "ok");

    image.mount_by_another_device(&world, &root, &mut truth, "sub/new", "");
    let back = Instant::now();
    wait_for_source(&world.landing, "the root to be back", |row| row["state"] == "ok");
    lines.wait_for(5, STEP);
    wait_for_scans(&world.landing, 3);
    arrive(&world, &mut truth, &lines, &["e", "sub/f"]);
    assert_all_delivered(&world, 7);
    let receipts = lines.finish();
    let judgement = judge(&truth, &receipts);
    let first = receipts.iter().map(|receipt| receipt.at).find(|at| *at > back).unwrap_or(back);
    let proof = proof.judged(&judgement).milliseconds("remount to first event", first - back);
    proof.figure("delivered again", receipts.len() - 7).print();
    judgement.assert_exact();
}

#[test]
fn a_mount_below_the_root_that_goes_and_comes_by_another_device_repeats_nothing() {
    let Some(mut world) = World::new("loop-below") else { return };
    let Some(image) = Image::new(&world) else { return };
    let disk = world.landing.root().join("disk");
    fs::create_dir(&disk).expect("a mount point");
    image.mount(&world, &disk);
    fs::create_dir(world.inside(&disk).join("sub")).expect("a folder");
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    arrive(&world, &mut truth, &lines, &["here", "disk/a", "disk/b", "disk/sub/c"]);
    wait_for_scans(&world.landing, 2);

    world.unmount(&disk);
    wait_for_source(&world.landing, "the loss to be shown", |row| row["state"] == "degraded");
    wait_for_scans(&world.landing, 3);
    assert_all_delivered(&world, 4);
    // The rest goes on, also beneath the mount point.
    arrive(&world, &mut truth, &lines, &["there", "disk/beneath"]);
    assert!(world.said().contains("was unmounted; nothing is taken as removed"), "{}", world.said());
    image.mount(&world, &disk);
    wait_for_source(&world.landing, "it to be back", |row| row["state"] == "ok");

    image.mount_by_another_device(&world, &disk, &mut truth, "sub/new", "disk/");
    lines.wait_for(truth.paths(), STEP);
    wait_for_source(&world.landing, "it to be back", |row| row["state"] == "ok");
    wait_for_scans(&world.landing, 3);
    for name in ["disk/e", "disk/sub/f"] {
        truth.write(&world.root(), name.as_bytes(), name.as_bytes());
    }
    lines.wait_for(truth.paths(), STEP);
    world.landing.wait_idle(truth.paths() as u64, STEP);
    assert_all_delivered(&world, 9);
    let receipts = lines.finish();
    judge(&truth, &receipts).assert_exact();
}

#[test]
fn a_file_system_that_is_not_mounted_at_a_start_is_no_removal() {
    let Some(mut world) = World::new("loop-restart") else { return };
    let Some(image) = Image::new(&world) else { return };
    let (root, disk) = (world.landing.root(), world.landing.root().join("disk"));
    fs::create_dir(&disk).expect("a mount point");
    image.mount(&world, &disk);
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    arrive(&world, &mut truth, &lines, &["here", "disk/a", "disk/b"]);
    world.landing.stop();
    world.unmount(&disk);
    world.landing.start();
    wait_for_scans(&world.landing, 3);
    assert_all_delivered(&world, 3);
    image.mount(&world, &disk);
    wait_for_scans(&world.landing, 2);
    arrive(&world, &mut truth, &lines, &["disk/c"]);

    // Something that is really removed is a removal nevertheless, and a new file of its name arrives.
    wait_for_scans(&world.landing, 2);
    fs::remove_file(world.inside(&root).join("disk/a")).expect("it is there");
    wait_for_scans(&world.landing, 2);
    truth.write(&world.root(), b"disk/a", b"disk/a");
    lines.wait_for(5, STEP);
    let receipts = lines.finish();
    let generations: Vec<u64> = receipts
        .iter()
        .filter(|receipt| receipt.path == b"disk/a")
        .map(|receipt| receipt.generation)
        .collect();
    assert_eq!((generations, receipts.len()), (vec![1, 2], 5));
}

#[test]
fn a_share_that_drops_out_empties_the_root_and_raises_nothing() {
    let Some(mut world) = World::new("share") else { return };
    let root = world.landing.root();
    let Some(server) = Server::mount(&world, &root) else { return };
    server.make_directory("sub");
    let mut truth = Truth::default();
    for path in ["a", "b", "sub/c"] {
        server.write(path, path.as_bytes());
        truth.note(path.as_bytes(), path.as_bytes());
    }
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    let lines = world.tail();
    lines.wait_for(3, STEP);
    world.landing.wait_idle(3, STEP);
    wait_for_scans(&world.landing, 2);
    let row = source(&world.landing);
    assert_eq!((&row["backend"], &row["filesystem"]), (&"poll".into(), &"fuse.test".into()), "{row}");

    world.sh(&format!("umount -l {}", root.display()));
    wait_for_source(&world.landing, "the root to be hidden", |row| row["state"] == "hidden");
    wait_for_scans(&world.landing, 3);
    assert_all_delivered(&world, 3);
    assert_eq!(lines.count(), 3);

    let server = server.remount(&world, &root);
    server.write("sub/d", b"sub/d");
    truth.note(b"sub/d", b"sub/d");
    lines.wait_for(4, STEP);
    wait_for_source(&world.landing, "the root to be back", |row| row["state"] == "ok");
    wait_for_scans(&world.landing, 3);
    world.landing.wait_idle(4, STEP);
    assert_all_delivered(&world, 4);
    judge(&truth, &lines.finish()).assert_exact();
}

/// Something is mounted over a directory of the tree. No event tells of that.
fn mounted_over(label: &str, below: &str, state_while_empty: &str) {
    let Some(mut world) = World::new(label) else { return };
    let point = world.landing.root().join(below);
    fs::create_dir_all(&point).expect("a folder");
    let at = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    arrive(&world, &mut truth, &lines, &[&at("a"), &at("b")]);
    wait_for_scans(&world.landing, 2);

    world.sh(&format!("mount -t tmpfs tmpfs {}", point.display()));
    wait_for_source(&world.landing, "the cover to be noticed", |row| {
        row["state"] == state_while_empty
            && row["mounts"].as_array().into_iter().flatten().any(|mount| mount["filesystem"] == "tmpfs")
    });
    wait_for_scans(&world.landing, 3);
    assert_all_delivered(&world, 2);
    arrive(&world, &mut truth, &lines, &[&at("covering")]);
    wait_for_scans(&world.landing, 3);
    // Outside the namespace what is covered can be reached.
    fs::write(point.join("covered"), b"written beneath").expect("the scratch folder takes files");
    wait_for_scans(&world.landing, 2);
    assert_eq!(lines.count(), 3, "what is covered is not there");
    assert_all_delivered(&world, 3);

    world.unmount(&point);
    lines.wait_for(4, STEP);
    truth.note(at("covered").as_bytes(), b"written beneath");
    wait_for_scans(&world.landing, 3);
    arrive(&world, &mut truth, &lines, &[&at("c")]);
    assert_all_delivered(&world, 5);
    let receipts = lines.finish();
    // The file on the cover was right when it was received.
    judge(&truth, &receipts).assert_exact();
}

#[test]
fn a_root_that_is_mounted_over_loses_nothing_and_is_caught_up_with() {
    mounted_over("over-root", "", "hidden");
}

#[test]
fn a_directory_that_is_mounted_over_loses_nothing_and_is_caught_up_with() {
    mounted_over("over-below", "sub", "ok");
}

/// The kernel gives the number of a mount and of a loop device again at once, so the table looks the same
/// afterwards; what was heard by a mark or by watches is not heard any more.
fn remounted_while_nobody_looked(backend: &str, below: &str) {
    let Some(mut world) = World::new("remounted") else { return };
    let Some(image) = Image::new(&world) else { return };
    let disk = world.landing.root().join(below);
    fs::create_dir_all(&disk).expect("a mount point");
    image.mount(&world, &disk);
    // No comparison comes to help.
    world.landing.configure(&to_lines(&format!("rescan = \"1h\"\nbackend = \"{backend}\"")));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    let (before, fresh, later) =
        (below.to_owned() + "/before", below.to_owned() + "/fresh", below.to_owned() + "/later");
    arrive(&world, &mut truth, &lines, &[before.trim_start_matches('/')]);
    let (daemon, disk) = (world.landing.daemon().id(), disk.display().to_string());
    // Whoever has a directory open there just now holds the unmount up.
    world.sh(&format!(
        "until kill -STOP {daemon} && umount {disk} 2>&1; do kill -CONT {daemon}; sleep 0.05; done; \
         mount -o loop {} {disk}; echo fresh > {disk}/fresh; kill -CONT {daemon}",
        image.file.display()
    ));
    truth.note(fresh.trim_start_matches('/').as_bytes(), b"fresh\n");
    lines.wait_for(truth.paths(), STEP);
    arrive(&world, &mut truth, &lines, &[later.trim_start_matches('/')]);
}

#[test]
fn a_mount_below_a_root_that_was_gone_for_a_moment_is_caught_up_with_by_fanotify() {
    remounted_while_nobody_looked("fanotify", "disk");
}

#[test]
fn a_mount_below_a_root_that_was_gone_for_a_moment_is_caught_up_with_by_inotify() {
    remounted_while_nobody_looked("inotify", "disk");
}

#[test]
fn a_root_that_was_gone_for_a_moment_is_caught_up_with_by_fanotify() {
    remounted_while_nobody_looked("fanotify", "");
}

/// A consumer takes away what it was told of, also what producers write below a mount point meanwhile.
#[test]
fn what_comes_and_goes_while_a_mount_is_away_does_not_wait_for_it() {
    let Some(mut world) = World::new("meanwhile") else { return };
    let disk = world.landing.root().join("disk");
    fs::create_dir(&disk).expect("a mount point");
    world.sh(&format!("mount -t tmpfs none {}", disk.display()));
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    arrive(&world, &mut truth, &lines, &["disk/before"]);
    world.unmount(&disk);
    wait_for_source(&world.landing, "the unmount to be seen", |row| row["unmounted"][0]["path"] == "disk");
    arrive(&world, &mut truth, &lines, &["disk/meanwhile"]);
    fs::remove_file(world.inside(&disk).join("meanwhile")).expect("it is ours");
    let known = |row: &Value| row["known"] == 1 && row["waiting"] == 0;
    let row = wait_for_source(&world.landing, "only what is not mounted to be known", known);
    assert_eq!(row["state"], "degraded", "what is away is still missed");
}

/// Containers come and go by the thousand.
#[test]
fn a_mount_below_which_nothing_was_known_is_not_missed() {
    let Some(mut world) = World::new("empty") else { return };
    let root = world.landing.root();
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    for name in ["one", "two"] {
        let point = root.join(name);
        world.sh(&format!("mkdir {0} && mount -t tmpfs none {0}", point.display()));
        wait_for_source(&world.landing, "the mount to be seen", |row| row["mounts"][1]["path"] == name);
        world.unmount(&point);
        let gone = |row: &Value| row["mounts"].as_array().is_some_and(|mounts| mounts.len() == 1);
        let row = wait_for_source(&world.landing, "the unmount to be seen", gone);
        assert_eq!((&row["unmounted"], &row["state"]), (&serde_json::json!([]), &Value::from("ok")), "{row}");
    }
}

/// With the mount point everything is gone that could come back; before that it could.
#[test]
fn an_unmounted_point_is_missed_until_it_is_removed() {
    let Some(mut world) = World::new("removed") else { return };
    let point = world.landing.root().join("disk");
    world.sh(&format!("mkdir {0} && mount -t tmpfs none {0} && echo x > {0}/f", point.display()));
    world.landing.configure(&to_lines(OFTEN));
    world.landing.start();
    world.tail().wait_for(1, STEP);
    world.unmount(&point);
    let missed = |row: &Value| row["unmounted"].as_array().is_some_and(|points| points.len() == 1);
    wait_for_source(&world.landing, "the unmount to be seen", missed);
    wait_for_scans(&world.landing, 2);
    let row = source(&world.landing);
    assert!(missed(&row) && row["state"] == "degraded", "{row}");
    fs::remove_dir(world.inside(&point)).expect("an empty directory");
    wait_for_source(&world.landing, "nothing to be missed", |row| row["state"] == "ok" && !missed(row));
}

/// What no rule wants to hear of is neither watched nor told of.
#[test]
fn a_mount_in_an_excluded_directory_is_nobodys_business() {
    let Some(mut world) = World::new("excluded") else { return };
    let root = world.landing.root();
    for name in ["skip", "take"] {
        world.sh(&format!("mkdir {0} && mount -t tmpfs none {0}", root.join(name).display()));
    }
    let excluding = to_lines(OFTEN).replace("include = [\"*\"]", "include = [\"*\"]\nexclude = [\"skip\"]");
    world.landing.configure(&excluding);
    world.landing.start();
    let taken = |row: &Value| row["mounts"][1]["path"] == "take";
    let row = wait_for_source(&world.landing, "the other mount", taken);
    assert_eq!(row["mounts"].as_array().map(Vec::len), Some(2), "{row}");
    assert!(!world.said().contains("skip"), "{}", world.said());
}

/// The mount table tells of no rename. What is polled must not be taken for what events tell of.
#[test]
fn a_mount_below_a_directory_that_is_renamed_is_noticed_as_before() {
    for backend in ["auto", "fanotify", "poll"] {
        let Some(mut world) = World::new("along") else { return };
        let (above, moved) = (world.root().join("above"), world.root().join("moved"));
        fs::create_dir_all(above.join("disk")).expect("a mount point");
        let point = world.landing.root().join("above/disk");
        if world.try_sh(&format!("mount -t hugetlbfs none {0} && mkdir {0}/sub", point.display())).code
            != Some(0)
        {
            eprintln!("SKIPPED: no file system here that nobody knows");
            return;
        }
        world.landing.configure(&to_lines(&format!("backend = \"{backend}\"\nrescan = \"1h\"")));
        world.landing.start();
        let is_at = |row: &Value, path: &str| {
            row["mounts"][1]["path"] == path
                && row["mounts"][1]["backend"] == "poll"
                && row["polled"].as_u64() >= Some(2)
        };
        wait_for_source(&world.landing, "the mount to be polled", |row| is_at(row, "above/disk"));
        fs::rename(&above, &moved).expect("a directory above a mount can be renamed");
        let row =
            wait_for_source(&world.landing, "the mount to be polled there", |row| is_at(row, "moved/disk"));
        assert_eq!(row["unmounted"], serde_json::json!([]), "{backend}");
        world.unmount(&world.landing.root().join("moved/disk"));
    }
}

/// What is heard of a file may be read when its file system is not mounted any more.
#[test]
fn an_event_that_is_read_after_the_unmount_is_no_removal() {
    for backend in ["inotify", "fanotify"] {
        let Some(mut world) = World::new("late") else { return };
        let Some(image) = Image::new(&world) else { return };
        let disk = world.landing.root().join("disk");
        fs::create_dir(&disk).expect("a mount point");
        image.mount(&world, &disk);
        world.landing.configure(&to_lines(&format!("rescan = \"1h\"\nbackend = \"{backend}\"")));
        world.landing.start();
        let lines = world.tail();
        let mut truth = Truth::default();
        arrive(&world, &mut truth, &lines, &["disk/a", "disk/b"]);
        let (daemon, point) = (world.landing.daemon().id(), disk.display().to_string());
        // Whoever has a directory open there just now holds the unmount up.
        world.sh(&format!(
            "until kill -STOP {daemon} && chmod 600 {point}/a && umount {point} 2>&1; \
             do kill -CONT {daemon}; sleep 0.05; done; kill -CONT {daemon}"
        ));
        wait_for_source(&world.landing, "the loss to be shown", |row| row["unmounted"][0]["path"] == "disk");
        // What the event told of waits until its file system is back.
        truth.write(&world.root(), b"there", b"there");
        lines.wait_for(3, STEP);
        image.mount(&world, &disk);
        wait_for_source(&world.landing, "it to be back", |row| row["unmounted"] == serde_json::json!([]));
        arrive(&world, &mut truth, &lines, &["disk/c"]);
        assert_all_delivered(&world, 4);
        judge(&truth, &lines.finish()).assert_exact();
    }
}
