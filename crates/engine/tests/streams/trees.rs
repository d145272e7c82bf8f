//! What appears whole: chains of new directories, trees that are moved in.

use std::fs;

use crate::rig::{Rig, counts, line_of};

#[test]
fn of_a_chain_of_new_directories_each_is_told_once_in_100_runs() {
    let rig = Rig::one();
    for run in 0..100 {
        let chain = rig.path(&format!("w/p{run}/q/r"));
        fs::create_dir_all(&chain).unwrap();
        fs::write(chain.join("f0"), b"1\n").unwrap();
    }
    rig.barrier("log", &rig.path("w"));
    let expected = |run: usize| ["", "/q", "/q/r", "/q/r/f0"].map(|rest| format!("p{run}{rest}"));
    rig.until("all of them", || counts(&rig.lines("log"), "create").len() > 400);
    let created = counts(&rig.lines("log"), "create");
    for run in 0..100 {
        for path in expected(run) {
            assert_eq!(created.get(&path), Some(&1), "{path}");
        }
    }
}

#[test]
fn a_tree_that_is_moved_in_is_told_whole() {
    let rig = Rig::one();
    let (tree, mut paths) = (rig.path("tree"), Vec::new());
    for number in 0..200 {
        let dir = format!("a{}/b{}", number % 4, number % 8);
        fs::create_dir_all(tree.join(&dir)).unwrap();
        fs::write(tree.join(format!("{dir}/f{number}")), b"x").unwrap();
        paths.push(format!("t/{dir}/f{number}"));
    }
    fs::rename(&tree, rig.path("w/t")).unwrap();
    rig.barrier("log", &rig.path("w"));
    let events = rig.events("log");
    let created = counts(&rig.lines("log"), "create");
    for path in &paths {
        assert_eq!(created.get(path), Some(&1), "{path}");
    }
    assert!(rig.lines("log").contains(&line_of("moved_to", "t")));
    let synthetic = events.iter().filter(|event| event["data"]["event"]["synthetic"] == true).count();
    assert_eq!(synthetic, 200 + 4 + 8);
    assert!(!created.contains_key("t"));
}
