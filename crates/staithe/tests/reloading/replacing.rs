//! Every way in which one file is replaced.

use std::os::unix::fs::symlink;
use std::time::Duration;
use std::{fs, io};

use serde_json::Value;
use testkit::{Landing, wait_until};

use crate::{STEP, deliver, running, said, standing, text, version, wait_applied};

type Way = fn(&Landing, u32) -> io::Result<()>;

fn in_place(landing: &Landing, number: u32) -> io::Result<()> {
    fs::write(landing.config(), text(landing, number))
}

/// By a file beside it and a rename, as editors and package managers do.
fn rename_over(landing: &Landing, number: u32) -> io::Result<()> {
    fs::write(landing.out("new"), text(landing, number))?;
    fs::rename(landing.out("new"), landing.config())
}

fn made_again(landing: &Landing, number: u32) -> io::Result<()> {
    fs::remove_file(landing.config())?;
    wait_until(STEP, "the missing file to be noticed", || standing(landing)["last_error"] != Value::Null);
    fs::write(landing.config(), text(landing, number))
}

fn with_an_older_time(landing: &Landing, number: u32) -> io::Result<()> {
    let before = fs::metadata(landing.config())?.modified()?;
    fs::write(landing.out("new"), text(landing, number))?;
    let file = fs::File::options().write(true).open(landing.out("new"))?;
    file.set_modified(before - Duration::from_hours(24))?;
    fs::rename(landing.out("new"), landing.config())
}

/// As Kubernetes mounts a `ConfigMap`: a link to a link to a directory, of which the middle one is exchanged.
fn linked(landing: &Landing, number: u32) -> io::Result<()> {
    let name = format!("..{number}");
    fs::create_dir(landing.out(&name))?;
    fs::write(landing.out(&name).join("staithe.toml"), text(landing, number))?;
    symlink(&name, landing.out("..data_tmp"))?;
    fs::rename(landing.out("..data_tmp"), landing.out("..data"))
}

fn by_links(landing: &Landing, number: u32) -> io::Result<()> {
    linked(landing, number)?;
    symlink("..data/staithe.toml", landing.out("new"))?;
    fs::rename(landing.out("new"), landing.config())
}

#[test]
fn each_way_of_replacing_it_is_applied_once() {
    let landing = running();
    deliver(&landing, "a0", 0);
    let ways: [Way; 6] = [in_place, rename_over, made_again, with_an_older_time, by_links, linked];
    for (number, way) in (1..).zip(ways) {
        way(&landing, number).unwrap();
        wait_applied(&landing, number.into(), number);
        deliver(&landing, &format!("a{number}"), number);
    }
    assert_eq!(standing(&landing)["applied"], 6);
}

#[test]
fn a_broken_one_changes_nothing_and_is_told_once() {
    let mut landing = running();
    fs::write(landing.config(), "watch_config = true\n[source.inbox\n").unwrap();
    wait_until(STEP, "the mistake to be told", || standing(&landing)["last_error"] != Value::Null);
    let error = standing(&landing)["last_error"].as_str().unwrap().to_owned();
    assert!(error.contains("staithe.toml:2:"), "it has its place: {error}");
    assert!(error.contains("stays in force"), "{error}");
    deliver(&landing, "meanwhile", 0);
    assert!(landing.call(&["status"]).text().contains("staithe.toml:2:"));
    rename_over(&landing, 1).unwrap();
    wait_applied(&landing, 1, 1);
    deliver(&landing, "mended", 1);
    assert_eq!(said(&mut landing, "stays in force"), 1);
    assert_eq!(said(&mut landing, "the configuration has changed"), 1);
}

/// What needs a restart is refused in the same way.
#[test]
fn what_only_a_restart_can_change_is_refused_whole() {
    let landing = running();
    fs::write(landing.config(), format!("site = 'other'\n{}", text(&landing, 1))).unwrap();
    wait_until(STEP, "the refusal", || {
        standing(&landing)["last_error"].as_str().is_some_and(|error| error.contains("restart"))
    });
    deliver(&landing, "meanwhile", 0);
}

#[test]
fn a_hundred_saves_end_with_the_last() {
    let mut landing = running();
    for number in 1..=100 {
        match number % 3 {
            0 => rename_over(&landing, number).unwrap(),
            _ => landing.configure(&version(number)),
        }
        fs::write(landing.root().join(format!("f{number}")), b"x").unwrap();
    }
    wait_until(STEP, "the last one to be in force", || crate::sinks(&landing) == ["v100"]);
    deliver(&landing, "last", 100);
    assert_eq!(said(&mut landing, "stays in force"), 0, "no half of a file was taken");
    let sent: String = (0..=100)
        .filter_map(|number| fs::read_to_string(landing.out(&format!("v{number}.jsonl"))).ok())
        .collect();
    for number in 1..=100 {
        assert_eq!(sent.matches(&format!("\"subject\":\"f{number}\"")).count(), 1, "f{number}");
    }
}
