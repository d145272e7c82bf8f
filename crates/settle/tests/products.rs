//! The preset `data-product` on directories: when each is announced, and with how many members.

use std::time::Duration;

use model::{Reason, Signal, Stamp};
use settle::{Beside, Completion, Questions, Step, Stir, Tree, View};

const WALL: Stamp = Stamp::new(1_800_000_000, 0);

/// What happens to the directory, or is heard of it.
#[derive(Clone, Copy)]
enum Do {
    Hear(Stir),
    /// So many members are there.
    Hold(u64),
    /// So many of them are open for writing.
    Open(u64),
}

/// In which millisecond it is believed, by which evidence, and how many members it has then.
type Believed = (u64, Vec<Signal>, u64);

struct Story {
    /// Events tell of it, and leases of writers.
    told: bool,
    /// At which second what happens.
    steps: Vec<(u64, Do)>,
}

impl Story {
    fn told(steps: impl Into<Vec<(u64, Do)>>) -> Self {
        Self { told: true, steps: steps.into() }
    }

    fn untold(steps: impl Into<Vec<(u64, Do)>>) -> Self {
        Self { told: false, steps: steps.into() }
    }

    /// Judged each tenth of a second for three minutes. A survey is made only when it is asked for.
    fn believed(&self, rule: &Completion) -> Option<Believed> {
        let (mut view, mut tree): (View, Option<Tree>) = (View::default(), None);
        view.writers_unknown = !self.told;
        let mut steps = self.steps.iter().peekable();
        for now in (0..180_000u64).step_by(100) {
            let mono = Duration::from_millis(now);
            while let Some((_, what)) = steps.next_if(|(at, _)| at * 1000 <= now) {
                match *what {
                    Do::Hear(stir) if self.told || stir == Stir::Scanned => match &mut tree {
                        Some(tree) => tree.hear(stir, mono),
                        None => tree = Some(Tree::new(stir, mono, WALL)),
                    },
                    Do::Hear(_) => {}
                    Do::Hold(count) => (view.count, view.fold) = (count, count),
                    Do::Open(open) => view.open = if self.told { open } else { 0 },
                }
            }
            let Some(tree) = &mut tree else { continue };
            match judged(tree, rule, self.told, &view, mono) {
                Step::Complete(signals) => return Some((now, signals.iter().collect(), view.count)),
                Step::Ask(_) | Step::Wait { .. } => {}
                Step::Overdue { .. } => panic!("there is no deadline"),
            }
        }
        None
    }
}

fn judged(tree: &mut Tree, rule: &Completion, told: bool, view: &View, now: Duration) -> Step {
    let beside = Beside { dear: Questions::WRITER, ..Beside::NOTHING };
    match tree.judge(rule, told, false, beside, now, WALL) {
        Step::Ask(_) => {
            tree.look(view.clone(), now);
            tree.judge(rule, told, true, beside, now, WALL)
        }
        step => step,
    }
}

fn product() -> Completion {
    Completion::preset("data-product").expect("a preset")
}

#[track_caller]
fn announced(story: &Story, at: u64, signals: &[Signal], members: u64) {
    assert_eq!(story.believed(&product()), Some((at * 1000, signals.to_vec(), members)));
}

/// What is heard of a member that is written whole at once.
fn member(at: u64, count: u64) -> [(u64, Do); 2] {
    [(at, Do::Hold(count)), (at, Do::Hear(Stir::Changed))]
}

fn filled(at: impl IntoIterator<Item = u64>) -> Vec<(u64, Do)> {
    let members = at.into_iter().zip(1..).flat_map(|(at, count)| member(at, count));
    [(1, Do::Hear(Stir::Changed))].into_iter().chain(members).collect()
}

const QUIET: [Signal; 2] = [Signal::WriterGone, Signal::Quiet];

/// In the order in which signals are listed.
fn sorted(signals: impl IntoIterator<Item = Signal>) -> Vec<Signal> {
    signals.into_iter().fold(model::SignalSet::EMPTY, model::SignalSet::with).iter().collect()
}

#[test]
fn an_empty_directory_is_a_product_after_the_quiet_time() {
    announced(&Story::told([(1, Do::Hear(Stir::Changed))]), 6, &sorted(QUIET), 0);
    // Also one that was moved in: it may be filled at its place.
    announced(&Story::told([(1, Do::Hear(Stir::MovedIn))]), 6, &sorted(QUIET), 0);
    let moved_then_filled = [vec![(1, Do::Hear(Stir::MovedIn))], member(2, 1).into(), member(4, 2).into()];
    announced(&Story::told(moved_then_filled.concat()), 9, &sorted(QUIET), 2);
}

#[test]
fn a_directory_that_is_filled_slowly_waits_until_it_is_quiet() {
    announced(&Story::told(filled([2, 3, 4, 5, 9])), 14, &sorted(QUIET), 5);
    // A writer that holds a member open holds the whole product, however long it is still.
    let mut open = filled([2]);
    open.extend([(2, Do::Open(1)), (60, Do::Open(0)), (60, Do::Hear(Stir::Changed))]);
    announced(&Story::told(open), 65, &sorted(QUIET), 1);
    // The trap: a longer pause with nothing open.
    announced(&Story::told(filled([2, 10])), 7, &sorted(QUIET), 1);
    let patient = product().with_quiet(Duration::from_secs(20)).expect("it has a period of quiet");
    let found = Story::told(filled([2, 10])).believed(&patient);
    assert_eq!(found, Some((30_000, sorted(QUIET), 2)));
}

#[test]
fn a_directory_that_is_moved_in_with_its_members_is_announced_at_once() {
    let moved = || vec![(1, Do::Hold(4)), (1, Do::Hear(Stir::MovedIn))];
    announced(&Story::told(moved()), 1, &sorted([Signal::RenamedIn, Signal::Members]), 4);
    // Unless somebody still writes in it: then its end counts.
    let open = [moved(), vec![(1, Do::Open(1)), (30, Do::Open(0)), (30, Do::Hear(Stir::Changed))]].concat();
    announced(&Story::told(open), 35, &sorted(QUIET), 4);
}

#[test]
fn what_was_not_heard_of_must_be_quiet() {
    // There at the start: whether it was moved in or is being filled nobody knows.
    let there = |told: fn(Vec<(u64, Do)>) -> Story| {
        told(vec![(1, Do::Hold(3)), (1, Do::Hear(Stir::Scanned)), (4, Do::Hold(4))])
    };
    for (story, members) in [(there(Story::told), 4), (there(Story::untold), 4)] {
        let (at, signals, found) = story.believed(&product()).expect("it is announced");
        assert!(at >= 9_000, "{at}: the last member came at 4 s");
        assert_eq!((signals.contains(&Signal::RenamedIn), found), (false, members));
    }
}

#[test]
fn a_member_that_is_written_is_named_while_it_is_waited_for() {
    let mut tree = Tree::new(Stir::Changed, Duration::ZERO, WALL);
    let view = View { count: 2, open: 1, blocking: vec![b"p/1".as_slice().into()], ..View::default() };
    let step = judged(&mut tree, &product(), true, &view, Duration::from_secs(5));
    assert!(
        matches!(&step, Step::Wait { reason: Reason::WaitingMembers { blocking, .. }, .. } if blocking.len() == 1),
        "{step:?}"
    );
}
