use std::fs;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::Scratch;

use super::*;

const SOURCE: &str = "[source.s]\npath = \"/d\"\n";

struct House {
    dir: Scratch,
    following: Following,
    now: Mono,
}

fn house(text: &str) -> House {
    let dir = Scratch::in_memory("following");
    let mut house = House { following: Following::new(&dir.path().join("c.toml")), dir, now: Mono::ZERO };
    house.write(text);
    house.following.read();
    house
}

impl House {
    fn write(&self, text: &str) {
        fs::write(self.dir.path().join("c.toml"), text.replace("DIR", self.dir.path().to_str().unwrap()))
            .unwrap();
    }

    /// What is told within so many looks, each as an answer to whether the configuration is good.
    fn looks(&mut self, count: u32) -> Vec<(bool, bool)> {
        let mut told = Vec::new();
        for _ in 0..count {
            self.now += Duration::from_millis(250);
            let found = self.following.look(self.now);
            told.extend(found.map(|(news, reading)| (news.altered, reading.result.is_ok())));
        }
        told
    }
}

#[test]
fn what_is_known_is_no_news() {
    let mut house = house(SOURCE);
    assert_eq!(house.looks(4), []);
    house.write("site = 'x'\n[source.s]\npath = \"/d\"\n");
    house.following.read();
    assert_eq!(house.looks(4), [], "somebody has read it already");
    house.write(SOURCE);
    house.following.leave();
    assert_eq!(house.looks(4), [], "nobody asks");
}

#[test]
fn a_new_content_is_told_once_good_or_bad() {
    let mut house = house(SOURCE);
    house.write("broken");
    assert_eq!(house.looks(6), [(true, false)]);
    house.write(SOURCE);
    assert_eq!(house.looks(6), [(true, true)]);
    fs::remove_file(house.dir.path().join("c.toml")).unwrap();
    assert_eq!(house.looks(6), [(false, false)]);
    house.write(SOURCE);
    assert_eq!(house.looks(6), [(false, true)], "it is back as it was");
}

/// The configuration refers to a file that it did not refer to before: that is one change, not two. And
/// what it waits for counts when it comes.
#[test]
fn what_it_refers_to_belongs_to_it() {
    let mut house = house(SOURCE);
    let redis = "[sink.r]\ntype = 'redis-list'\nkey = 'k'\nurl_file = 'DIR/url'\n";
    let url = house.dir.path().join("url");
    house.write(&format!("{SOURCE}{redis}"));
    assert_eq!(house.looks(6), [(true, false)], "the file is not there");
    fs::write(&url, "redis://h/1").unwrap();
    assert_eq!(house.looks(6), [(true, true)]);
    fs::write(&url, "redis://h/2").unwrap();
    assert_eq!(house.looks(6), [(true, true)]);
    house.write(SOURCE);
    assert_eq!(house.looks(6), [(true, true)]);
    fs::write(&url, "redis://h/3").unwrap();
    assert_eq!(house.looks(6), [], "it refers to it no more");
    house.write(&format!("{SOURCE}{redis}"));
    assert_eq!(house.looks(6), [(true, true)]);
}

/// What does not rest is not taken, and is not forgotten either.
#[test]
fn nothing_is_taken_while_it_is_written() {
    let mut house = house(SOURCE);
    house.write("site = 'x'\n[source.s]\npath = \"/d\"\n");
    assert_eq!(house.looks(1), []);
    for number in 0..5 {
        house.write(&format!("site = 'x{number}'\n[source.s]\npath = \"/d\"\n"));
        assert_eq!(house.looks(1), []);
    }
    assert_eq!(house.looks(4), [(true, true)]);
}

/// A plugin's manifest and program belong to it, too; without a manifest the configuration is still good.
#[test]
fn manifests_of_plugins_count_when_they_come_change_and_go() {
    let mut house = house(&format!(
        "{SOURCE}[[source.s.rule]]\nevents = 'all'\n[sink.p]\ntype = 'plugin'\nplugin = 'count'\n"
    ));
    let plugins = house.dir.folder("plugins");
    let manifest = plugins.join("count.toml");
    assert_eq!(house.looks(4), []);
    fs::write(plugins.join("new"), "command = './count.sh'\n").unwrap();
    fs::rename(plugins.join("new"), &manifest).unwrap();
    assert_eq!(house.looks(6), [(true, true)]);
    fs::write(plugins.join("count.sh"), "#!/bin/sh\n").unwrap();
    assert_eq!(house.looks(6), [(true, true)]);
    fs::remove_file(&manifest).unwrap();
    assert!(!house.looks(6).is_empty(), "it is gone");
}

/// While the meaning of one content is read, another comes: what was read may be half of each. The pipe is where the
/// reader can be met in the middle.
#[test]
fn what_changes_while_it_is_read_is_read_again() {
    let dir = Scratch::in_memory("following");
    let (config, pipe) = (dir.path().join("c.toml"), dir.path().join("url"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let text = |site: &str| {
        let sink = format!("[sink.r]\ntype = 'redis-list'\nkey = 'k'\nurl_file = '{}'\n", pipe.display());
        format!("site = '{site}'\n{SOURCE}{sink}")
    };
    fs::write(&config, text("old")).unwrap();
    let late = Arc::new(Mutex::new(None));
    let (writer, late_text, to) = (pipe.clone(), Arc::clone(&late), config.clone());
    // It ends with the process: nobody reads from the pipe any more.
    std::thread::spawn(move || {
        while let Ok(mut file) = fs::File::options().write(true).open(&writer) {
            if let Some(text) = late_text.lock().unwrap().take() {
                fs::write(&to, text).unwrap();
            }
            let _ = file.write_all(b"redis://h/1\n");
        }
    });
    let mut house = House { following: Following::new(&config), dir, now: Mono::ZERO };
    house.following.read();
    fs::write(&config, text("new")).unwrap();
    *late.lock().unwrap() = Some(text("newest"));
    let mut sites = Vec::new();
    for _ in 0..8 {
        house.now += Duration::from_millis(250);
        let found = house.following.look(house.now);
        sites.extend(found.map(|(_, reading)| reading.result.unwrap().plan.site));
    }
    assert_eq!(sites, ["newest"]);
}
