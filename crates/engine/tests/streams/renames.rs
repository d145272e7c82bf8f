//! Halves of renames put together: within a tree, between trees, in trees within one another.

use std::fs;

use model::Happening;

use crate::rig::{Rig, line_of, pairs, patterns, set, source, wish, without_barriers};

fn text(path: &std::path::Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_rename_within_a_tree_is_told_in_halves_and_put_together_once() {
    let rig = Rig::one();
    fs::write(rig.path("w/foo"), b"x").unwrap();
    fs::rename(rig.path("w/foo"), rig.path("w/bar")).unwrap();
    rig.barrier("log", &rig.path("w"));
    let told = [("watch_init", ""), ("create", "foo"), ("moved_from", "foo"), ("moved_to", "bar")];
    assert_eq!(without_barriers(rig.lines("log")), told.map(|(what, path)| line_of(what, path)));
    let events = rig.events("log");
    assert_eq!(pairs(&events), [(text(&rig.path("w/foo")), text(&rig.path("w/bar")))]);
    assert!(events[3]["data"]["event"]["moved"].is_object(), "the second half says it");
    assert_eq!(events[2]["data"]["event"]["cookie"], events[3]["data"]["event"]["cookie"]);
}

#[test]
fn a_rename_between_two_trees_is_put_together_once_and_after_both_halves() {
    let rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w1")).unwrap();
        fs::create_dir(dir.join("w2")).unwrap();
        ["w1", "w2"].map(|name| source(name, &dir.join(name), vec![wish(&["log"])])).to_vec()
    });
    for number in 0..50 {
        let (from, to) = (rig.path(&format!("w1/f{number}")), rig.path(&format!("w2/g{number}")));
        fs::write(&from, b"x").unwrap();
        fs::rename(&from, &to).unwrap();
    }
    rig.until("all halves", || {
        rig.lines("log").iter().filter(|(what, _)| what.starts_with("moved")).count() == 100
    });
    let events = rig.events("log");
    for number in 0..50 {
        let halves: Vec<_> = events
            .iter()
            .filter(|event| {
                let path = event["data"]["path"].as_str().unwrap();
                let what = event["data"]["event"]["what"].as_str().unwrap();
                what.starts_with("moved") && path[1..] == number.to_string()
            })
            .cloned()
            .collect();
        assert_eq!(halves.len(), 2, "{halves:?}");
        let pair = (text(&rig.path(&format!("w1/f{number}"))), text(&rig.path(&format!("w2/g{number}"))));
        assert_eq!(pairs(&halves[1..]), [pair], "the later one says it");
        assert_eq!(pairs(&halves[..1]), []);
    }
}

#[test]
fn trees_within_one_another_have_a_pair_each_and_none_of_one_path_twice() {
    let rig = Rig::start(|dir| {
        fs::create_dir_all(dir.join("w/sub")).unwrap();
        let tree = |name: &str, path| source(name, path, vec![wish(&["log"])]);
        vec![tree("outer", &dir.join("w")), tree("inner", &dir.join("w/sub"))]
    });
    for number in 0..20 {
        let (from, to) = (rig.path(&format!("w/sub/f{number}")), rig.path(&format!("w/sub/g{number}")));
        fs::write(&from, b"x").unwrap();
        fs::rename(&from, &to).unwrap();
    }
    rig.until("all halves", || {
        rig.lines("log").iter().filter(|(what, _)| what.starts_with("moved")).count() == 80
    });
    for name in ["outer", "inner"] {
        let pairs = pairs(&rig.events_of("log", name));
        assert_eq!(pairs.len(), 20, "{name}: {pairs:?}");
        assert!(pairs.iter().all(|(from, to)| from != to && from.contains("sub/f") && to.contains("sub/g")));
    }
}

#[test]
fn what_is_moved_out_is_told_as_gone_and_never_again() {
    let rig = Rig::one();
    fs::create_dir_all(rig.path("w/d/e")).unwrap();
    rig.barrier("log", &rig.path("w"));
    fs::rename(rig.path("w/d"), rig.path("outside")).unwrap();
    fs::write(rig.path("outside/e/late"), b"x").unwrap();
    fs::create_dir(rig.path("outside/e/later")).unwrap();
    rig.barrier("log", &rig.path("w"));
    fs::write(rig.path("outside/latest"), b"x").unwrap();
    rig.barrier("log", &rig.path("w"));
    let told = [("watch_init", ""), ("create", "d"), ("create", "d/e"), ("moved_from", "d")];
    assert_eq!(without_barriers(rig.lines("log")), told.map(|(what, path)| line_of(what, path)));
}

/// Files that are renamed when they are done: whoever excludes the names before is not told where they come from.
#[test]
fn a_sink_that_is_not_told_of_the_first_half_gets_no_pair() {
    let rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w")).unwrap();
        let mut finished = wish(&["other"]);
        finished.exclude = patterns(&["*.tmp"]);
        vec![source("w", &dir.join("w"), vec![wish(&["log"]), finished])]
    });
    fs::write(rig.path("w/a.tmp"), b"x").unwrap();
    fs::rename(rig.path("w/a.tmp"), rig.path("w/a")).unwrap();
    rig.barrier("log", &rig.path("w"));
    rig.barrier("other", &rig.path("w"));
    assert_eq!(pairs(&rig.events("log")).len(), 1);
    let others = without_barriers(rig.lines("other"));
    assert_eq!(others, [line_of("watch_init", ""), line_of("moved_to", "a")]);
    assert_eq!(pairs(&rig.events("other")), []);
}

#[test]
fn two_wishes_for_one_sink_tell_it_once() {
    let rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w")).unwrap();
        let mut more = wish(&["log", "other"]);
        more.what = set(&[Happening::Create, Happening::CloseWrite]);
        vec![source("w", &dir.join("w"), vec![wish(&["log"]), more])]
    });
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.barrier("log", &rig.path("w"));
    let told = without_barriers(rig.lines("log"));
    assert_eq!(told, [line_of("watch_init", ""), line_of("create", "a"), line_of("close_write", "a")]);
    rig.until("the other", || rig.lines("other").len() >= 5);
    assert_eq!(rig.lines("other")[..3], told[..]);
}
