//! Datasets and groups at moments that are hard to meet from outside.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use config::{Backend, Plan};
use settle::companion::{Ask, Count};
use settle::{Clause, Completion, Expr, Grouping, KeyPattern, Pattern, Quiet, Shape, Take};

use crate::rig::Rig;

/// Two files with the same letter in front are one unit; whatever else comes is a unit of its own.
fn pairs(plan: &mut Plan) {
    let mut all = plan.sources[0].rules.rules[0].clone();
    all.include = vec![Pattern::parse("*.x").unwrap(), Pattern::parse("barrier*").unwrap()];
    let mut pairs = all.clone();
    pairs.name = "pairs".into();
    pairs.include = vec![Pattern::parse("*.part-[0-9]").unwrap()];
    let key = KeyPattern::parse("re:(?<key>[a-z]+)\\.part-.").unwrap();
    pairs.shape = Shape { take: Take::Group(Grouping::Name(key)), ..Shape::default() };
    let both = vec![Expr::Clause(Clause::Members), Expr::Clause(Clause::Ask(0))];
    pairs.completion =
        Completion { asks: vec![Ask::Count(Count::Least(2))], ..Completion::of(Expr::All(both)) };
    plan.sources[0].rules.rules = vec![pairs, all];
}

fn waits(rig: &Rig, path: &str) -> bool {
    rig.units().iter().any(|unit| unit["path"] == path && unit["state"] == "waiting")
}

/// Nothing is heard of a file that is opened again until it is closed.
#[test]
fn a_member_that_is_opened_again_holds_its_group_until_it_is_closed() {
    let rig = Rig::start(pairs);
    fs::write(rig.path("a.part-1"), b"one").unwrap();
    rig.until("the first member is known", || waits(&rig, "a/"));
    let mut again = File::options().append(true).open(rig.path("a.part-1")).unwrap();
    again.write_all(b" and more").unwrap();
    fs::write(rig.path("a.part-2"), b"two").unwrap();
    rig.until("the writer is noticed", || {
        let explained = rig.units().into_iter().find(|unit| unit["path"] == "a/");
        explained.is_some_and(|unit| unit["reason"] == "waiting.members")
    });
    assert_eq!(rig.events("a/"), Vec::<serde_json::Value>::new());
    again.write_all(b" still").unwrap();
    drop(again);
    let event = rig.one("a/");
    assert_eq!(event["data"]["size"], "one and more still".len() + "two".len());
    assert_eq!(event["data"]["members"]["count"], 2);
}

/// Directories called `*.ms` are datasets, files at the top are units; links are followed.
fn linked(plan: &mut Plan, backend: Backend) {
    let source = &mut plan.sources[0];
    (source.follow_symlinks, source.backend) = (true, backend);
    let mut files = source.rules.rules[0].clone();
    files.include = vec![Pattern::parse("/*").unwrap()];
    files.completion = Completion::of(Expr::Clause(Clause::Quiet(Quiet::For(Duration::from_millis(100)))));
    let mut datasets = files.clone();
    datasets.name = "datasets".into();
    datasets.shape =
        Shape { take: Take::Dataset(vec![Pattern::parse("/*.ms").unwrap()]), ..Shape::default() };
    source.rules.rules = vec![datasets, files];
}

#[test]
fn a_followed_link_to_a_directory_is_a_unit_where_its_name_is_a_datasets() {
    for backend in [Backend::Auto, Backend::Poll] {
        let mut rig = Rig::prepared(
            |root| {
                let outside = root.join("../outside");
                fs::create_dir(&outside).unwrap();
                fs::write(outside.join("member"), b"linked").unwrap();
                symlink("../outside", root.join("before.ms")).unwrap();
            },
            |plan| linked(plan, backend),
        );
        symlink("../outside", rig.path("a.ms")).unwrap();
        symlink("../outside", rig.path("no-dataset")).unwrap();
        symlink("..", rig.path("up")).unwrap();
        symlink("nowhere", rig.path("broken.ms")).unwrap();
        symlink("..", rig.path("circle.ms")).unwrap();
        for link in ["a.ms", "before.ms", "circle.ms"] {
            let event = rig.one(link);
            assert_eq!(
                (&event["data"]["kind"], &event["data"]["generation"]),
                (&"symlink".into(), &1.into()),
                "{event}"
            );
        }
        rig.barrier();
        for not in ["no-dataset", "up", "broken.ms", "a.ms/member"] {
            assert!(rig.events(not).is_empty(), "{not}");
        }
        assert_eq!(rig.explain("broken.ms")["reason"], "ignored.symlink");
        rig.down();
        rig.up();
        fs::remove_file(rig.path("broken.ms")).unwrap();
        symlink("../outside", rig.path("broken.ms")).unwrap();
        rig.one("broken.ms");
        rig.barrier();
        assert_eq!(rig.events("a.ms").len(), 1, "a restart announces nothing again");
    }
}
