//! Datasets and groups at moments that are hard to meet from outside.

use std::fs;
use std::fs::File;
use std::io::Write as _;

use config::Plan;
use settle::companion::{Ask, Count};
use settle::{Clause, Completion, Expr, Grouping, KeyPattern, Pattern, Shape, Take};

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
