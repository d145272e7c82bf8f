//! Histories in which random ones have found a defect, each at every moment of a turn.

use crate::run::Run;
use crate::script::{Case, Op, RuleSet, Step};
use crate::world::Manners;

fn case(steps: Vec<Step>) -> Case {
    let manners = Manners { leases: true, self_first: false, room: 16_384 };
    Case { manners, rules: RuleSet::Local, rescan: Some(20), durable: false, batch: 256, steps }
}

/// Plays these operations, and then the last one after each number of calls of a turn.
fn at_every_moment(ops: &[Op], last: Op) {
    for calls in 0..16 {
        let mut steps: Vec<Step> = ops.iter().map(|op| Step { during: None, op: *op }).collect();
        steps.push(Step { during: Some(calls), op: last });
        let case = case(steps);
        let mut run = Run::new(&case, true).expect("it begins");
        if let Err(error) = run.whole(&case.steps) {
            panic!("after {calls} calls: {error}\n  {}", run.log().join("\n  "));
        }
    }
}

/// Its close is heard under another name or under none, so the last look does not tell of it.
#[test]
fn a_linked_file_whose_writer_ends_between_look_and_probe_is_announced_as_it_is_then() {
    let linked = [Op::Create("a"), Op::Write(0, 3), Op::Link("a", "b")];
    at_every_moment(&linked, Op::Finish(0, 4));
    let unnamed = [Op::Create("p.tmp"), Op::Write(0, 3), Op::Link("p.tmp", "b"), Op::Unlink("p.tmp")];
    at_every_moment(&unnamed, Op::Finish(0, 4));
}
