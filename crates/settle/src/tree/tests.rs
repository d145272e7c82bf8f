use super::*;
use crate::OnDeadline;
use crate::companion::{Ask, Marker, NameForm};
use crate::patience::LONGEST_PAUSE;
use crate::rule::{Clause, Expr, Quiet};

const T0: Stamp = Stamp::new(1_800_000_000, 0);

fn at(s: u64) -> Mono {
    Duration::from_secs(s)
}

fn quiet(s: u64) -> Expr {
    Expr::Clause(Clause::Quiet(Quiet::For(at(s))))
}

fn all(parts: impl Into<Vec<Expr>>) -> Completion {
    Completion::of(Expr::All(parts.into()))
}

/// `{ all = ["members", { quiet = "10s" }] }`
fn rule() -> Completion {
    all([Expr::Clause(Clause::Members), quiet(10)])
}

/// A tree whose content is called `fold`.
fn view(fold: u64) -> View {
    let old = Stamp::new(T0.sec - 3600, 0);
    View { count: 3, size: 30, newest_mtime: old, newest_ctime: old, fold, ..View::default() }
}

fn open(fold: u64) -> View {
    View { open: 1, blocking: vec![b"m/1".as_slice().into()], ..view(fold) }
}

fn heard(s: u64) -> Tree {
    Tree::new(Stir::Changed, at(s), T0)
}

/// Without a survey of just now.
fn ask(tree: &mut Tree, rule: &Completion, s: u64) -> Step {
    tree.judge(rule, true, false, Beside::NOTHING, at(s), T0)
}

/// With a survey that was asked for and is there in the same second.
fn survey(tree: &mut Tree, rule: &Completion, view: View, s: u64) -> Step {
    tree.look(view, at(s));
    tree.judge(rule, true, true, Beside::NOTHING, at(s), T0)
}

fn wants_survey(step: &Step) -> bool {
    *step == Step::Ask(Questions::WRITER)
}

fn waits_for(step: &Step, code: &str) -> bool {
    matches!(step, Step::Wait { reason, .. } if reason.code() == code)
}

#[track_caller]
fn signals(step: &Step) -> Vec<Signal> {
    match step {
        Step::Complete(signals) => signals.iter().collect(),
        other => panic!("not complete: {other:?}"),
    }
}

#[test]
fn a_survey_is_made_when_everything_else_holds() {
    let mut tree = heard(0);
    // A survey is dear; before the time is over there is no need of one.
    let dear = Beside { dear: Questions::WRITER, ..Beside::NOTHING };
    let step = tree.judge(&rule(), true, false, dear, at(0), T0);
    assert!(
        matches!(step, Step::Wait { reason: Reason::WaitingQuiet, again, .. } if again == at(10)),
        "{step:?}"
    );
    assert!(wants_survey(&tree.judge(&rule(), true, false, dear, at(10), T0)));
    assert_eq!(signals(&survey(&mut tree, &rule(), view(1), 10)), [Signal::Quiet, Signal::Members]);
}

#[test]
fn nothing_is_announced_unsurveyed_whatever_the_rule_looks_at() {
    for clause in
        [Clause::Appeared, Clause::Announce, Clause::Quiet(Quiet::For(at(1))), Clause::MinAge(at(1))]
    {
        let rule = Completion::of(Expr::Clause(clause));
        let mut tree = heard(0);
        tree.announce();
        assert!(wants_survey(&ask(&mut tree, &rule, 5)), "{clause:?}");
        assert!(matches!(survey(&mut tree, &rule, view(1), 5), Step::Complete(_)), "{clause:?}");
    }
}

#[test]
fn a_survey_from_before_the_last_change_completes_nothing() {
    let appeared = Completion::of(Expr::Clause(Clause::Appeared));
    let mut tree = heard(0);
    tree.look(view(1), at(1));
    assert!(tree.is_fresh() && tree.is_current());
    tree.hear(Stir::Changed, at(2));
    assert!(!tree.is_fresh() && !tree.is_current());
    assert!(wants_survey(&tree.judge(&appeared, true, true, Beside::NOTHING, at(3), T0)));
    assert!(matches!(survey(&mut tree, &appeared, view(2), 3), Step::Complete(_)));
}

#[test]
fn a_look_at_the_open_members_is_no_survey() {
    let partial = || View { partial: true, count: 0, fold: 0, ..open(0) };
    for clause in [Clause::Appeared, Clause::MinAge(at(1))] {
        let rule = Completion::of(Expr::Clause(clause));
        let mut tree = heard(0);
        assert!(wants_survey(&survey(&mut tree, &rule, partial(), 5)), "{clause:?}");
        assert!(tree.is_current() && !tree.is_fresh());
    }
    let mut tree = heard(0);
    let step = survey(&mut tree, &rule(), partial(), 50);
    assert!(waits_for(&step, "waiting.members"), "{step:?}");
    let late = Completion { deadline: Some((at(5), OnDeadline::Deliver)), ..rule() };
    assert!(wants_survey(&survey(&mut tree, &late, partial(), 60)), "not as a few members");
    assert!(matches!(survey(&mut tree, &late, open(1), 61), Step::Complete(_)));
}

#[test]
fn open_and_unreadable_members_are_named() {
    let mut tree = heard(0);
    let step = survey(&mut tree, &rule(), View { unreadable: 1, ..open(1) }, 20);
    let blocking = vec![b"m/1".as_slice().into()];
    let reason = Reason::WaitingMembers { present: 1, expected: Some(3), blocking };
    assert!(matches!(&step, Step::Wait { reason: is, .. } if *is == reason), "{step:?}");
    let writer_gone = Completion::of(Expr::Clause(Clause::WriterGone));
    let step = survey(&mut tree, &writer_gone, open(1), 21);
    assert!(waits_for(&step, "waiting.members"), "the members are what is of use: {step:?}");
}

#[test]
fn each_change_starts_the_quiet_again() {
    let mut tree = heard(0);
    tree.hear(Stir::Changed, at(9));
    assert!(waits_for(&survey(&mut tree, &rule(), view(1), 10), "waiting.quiet"));
    assert!(waits_for(&survey(&mut tree, &rule(), view(1), 18), "waiting.quiet"));
    assert!(matches!(survey(&mut tree, &rule(), view(1), 19), Step::Complete(_)));
}

#[test]
fn a_survey_proves_no_quiet_of_after_it_was_asked_for() {
    // What a writer writes who has a member open is not heard.
    let mut tree = heard(0);
    tree.look(view(1), at(2));
    let step = tree.judge(&rule(), true, true, Beside::NOTHING, at(15), T0);
    assert!(waits_for(&step, "waiting.quiet"), "{step:?}");
}

#[test]
fn where_a_member_is_open_equal_surveys_show_quiet() {
    let only_quiet = Completion::of(quiet(10));
    let mut tree = heard(0);
    assert!(waits_for(&survey(&mut tree, &only_quiet, open(1), 10), "waiting.quiet"));
    assert!(
        waits_for(&survey(&mut tree, &only_quiet, open(2), 19), "waiting.quiet"),
        "it was written meanwhile"
    );
    assert!(waits_for(&survey(&mut tree, &only_quiet, open(2), 28), "waiting.quiet"));
    assert!(matches!(survey(&mut tree, &only_quiet, open(2), 29), Step::Complete(_)));
}

#[test]
fn untold_quiet_is_what_two_equal_surveys_show() {
    let mut tree = Tree::new(Stir::Scanned, at(0), T0);
    let dear = Beside { dear: Questions::WRITER, ..Beside::NOTHING };
    let judge = |tree: &mut Tree, surveyed, s| tree.judge(&rule(), false, surveyed, dear, at(s), T0);
    assert_eq!(tree.cause, Cause::Found);
    assert!(wants_survey(&judge(&mut tree, false, 0)), "the first one starts the clock");
    // It was asked for at 0 and took 4 s: a member may have been written at 3 and seen after that.
    tree.look(view(1), at(0));
    assert!(waits_for(&judge(&mut tree, true, 4), "waiting.quiet"));
    assert!(waits_for(&judge(&mut tree, false, 8), "waiting.quiet"));
    tree.look(view(1), at(13));
    assert!(waits_for(&judge(&mut tree, true, 13), "waiting.quiet"), "nine seconds are proved");
    tree.look(view(1), at(14));
    assert!(matches!(judge(&mut tree, true, 15), Step::Complete(_)));
}

#[test]
fn untold_another_survey_starts_the_quiet_again() {
    let mut tree = Tree::new(Stir::Scanned, at(0), T0);
    for (fold, s) in [(1, 0), (2, 20), (2, 29)] {
        tree.look(view(fold), at(s));
        let step = tree.judge(&rule(), false, true, Beside::NOTHING, at(s), T0);
        assert!(waits_for(&step, "waiting.quiet"), "at {s}: {step:?}");
    }
    tree.look(view(2), at(30));
    assert!(matches!(tree.judge(&rule(), false, true, Beside::NOTHING, at(30), T0), Step::Complete(_)));
}

#[test]
fn a_scanned_tree_that_events_tell_of_is_told_from_the_first_event_on() {
    let mut tree = Tree::new(Stir::Scanned, at(0), T0);
    assert!(wants_survey(&ask(&mut tree, &rule(), 0)));
    tree.hear(Stir::Changed, at(5));
    assert!(waits_for(&survey(&mut tree, &rule(), view(1), 14), "waiting.quiet"));
    assert!(matches!(survey(&mut tree, &rule(), view(1), 15), Step::Complete(_)));
}

#[test]
fn after_dropped_events_the_quiet_starts_again_and_the_rename_is_forgotten() {
    let mut tree = Tree::new(Stir::MovedIn, at(0), T0);
    tree.miss(at(9));
    assert!(waits_for(&survey(&mut tree, &rule(), view(1), 12), "waiting.quiet"));
    let renamed = Completion::of(Expr::Clause(Clause::RenamedIn));
    assert_eq!(signals(&survey(&mut tree, &renamed, view(1), 12)), [Signal::WriterGone, Signal::Quiet]);
    // The same again: nothing was quiet for long enough since the loss.
    tree.miss(at(20));
    assert!(waits_for(&survey(&mut tree, &renamed, view(1), 21), "waiting.quiet"));
}

/// A dataset that a scan has found, in a tree in which events are heard.
fn found(s: u64) -> Tree {
    Tree::new(Stir::Scanned, at(s), T0)
}

/// The wall clock goes along with the other one.
fn survey_at(tree: &mut Tree, rule: &Completion, view: View, s: u64, told: bool) -> Step {
    tree.look(view, at(s));
    tree.judge(rule, told, true, Beside::NOTHING, at(s), Stamp::new(T0.sec + s as i64, 0))
}

/// A member was written at that second.
fn written(fold: u64, s: u64) -> View {
    let time = Stamp::new(T0.sec + s as i64, 0);
    View { newest_mtime: time, newest_ctime: time, ..view(fold) }
}

fn renamed_or(rest: &[Clause]) -> Completion {
    let rest = Expr::All(rest.iter().copied().map(Expr::Clause).collect());
    Completion::of(Expr::Any(vec![Expr::Clause(Clause::RenamedIn), rest]))
}

#[test]
fn a_rename_that_was_not_heard_needs_members_no_writer_and_quiet() {
    let renamed = Completion::of(Expr::Clause(Clause::RenamedIn));
    let mut tree = found(0);
    assert!(wants_survey(&ask(&mut tree, &renamed, 0)), "it starts the clock");
    assert!(
        waits_for(&survey(&mut tree, &renamed, View::default(), 0), "waiting.members"),
        "nobody has begun"
    );
    assert!(waits_for(&survey(&mut tree, &renamed, open(1), 10), "waiting.members"));
    assert!(waits_for(&survey(&mut tree, &renamed, view(2), 20), "waiting.quiet"), "between two members");
    assert!(waits_for(&survey(&mut tree, &renamed, view(2), 21), "waiting.quiet"));
    assert_eq!(signals(&survey(&mut tree, &renamed, view(2), 22)), [Signal::WriterGone, Signal::Quiet]);
    let mut heard = found(0);
    heard.hear(Stir::MovedIn, at(1));
    assert_eq!(
        signals(&survey(&mut heard, &renamed, view(2), 1)),
        [Signal::RenamedIn],
        "it was heard after all"
    );
}

#[test]
fn a_rename_that_was_not_heard_is_believed_no_sooner_than_the_rule_believes_anything() {
    let quiet = renamed_or(&[Clause::Members, Clause::Quiet(Quiet::For(at(20)))]);
    let mut tree = found(0);
    for s in [0, 2, 19] {
        assert!(waits_for(&survey(&mut tree, &quiet, view(1), s), "waiting.quiet"), "at {s}");
    }
    assert!(matches!(survey(&mut tree, &quiet, view(1), 20), Step::Complete(_)));
    let aged = renamed_or(&[Clause::Members, Clause::MinAge(at(60))]);
    let mut tree = found(0);
    for s in [0, 3, 59] {
        let step = survey_at(&mut tree, &aged, written(1, 0), s, true);
        assert!(matches!(step, Step::Wait { .. }), "at {s}: {step:?}");
    }
    assert!(matches!(survey_at(&mut tree, &aged, written(1, 0), 60, true), Step::Complete(_)));
    // A marker may never come for what was renamed: it is not waited for.
    let announced = renamed_or(&[Clause::Announce]);
    let mut tree = found(0);
    assert!(matches!(survey(&mut tree, &announced, view(1), 0), Step::Wait { .. }));
    assert_eq!(signals(&survey(&mut tree, &announced, view(1), 2)), [Signal::WriterGone, Signal::Quiet]);
}

#[test]
fn what_was_written_since_a_rename_would_have_been_heard_was_not_renamed() {
    let renamed = Completion::of(Expr::Clause(Clause::RenamedIn));
    let mut tree = found(5);
    survey_at(&mut tree, &renamed, written(1, 5), 5, true);
    assert!(waits_for(&survey_at(&mut tree, &renamed, written(2, 6), 7, true), "waiting.renamed-in"));
    assert!(waits_for(&survey_at(&mut tree, &renamed, written(2, 6), 99, true), "waiting.renamed-in"));
    tree.hear(Stir::MovedIn, at(100));
    assert_eq!(signals(&survey_at(&mut tree, &renamed, written(2, 6), 100, true)), [Signal::RenamedIn]);
    // New times of inodes alone, or times that a copy has brought along, are no writing.
    let moved =
        |times: (u64, u64)| View { newest_mtime: written(1, times.0).newest_mtime, ..written(1, times.1) };
    for times in [(4, 8), (900, 4)] {
        let mut tree = found(5);
        survey_at(&mut tree, &renamed, moved(times), 5, true);
        survey_at(&mut tree, &renamed, moved(times), 9, true);
        let step = survey_at(&mut tree, &renamed, moved(times), 12, true);
        assert_eq!(signals(&step), [Signal::WriterGone, Signal::Quiet]);
    }
}

#[test]
fn where_no_rename_is_heard_writing_proves_nothing_against_it() {
    let renamed = Completion::of(Expr::Clause(Clause::RenamedIn));
    let mut tree = found(5);
    survey_at(&mut tree, &renamed, written(1, 5), 5, false);
    assert!(waits_for(&survey_at(&mut tree, &renamed, written(2, 6), 7, false), "waiting.quiet"));
    assert!(matches!(survey_at(&mut tree, &renamed, written(2, 6), 9, false), Step::Complete(_)));
    // Nor does what was written while events were dropped.
    let mut tree = found(5);
    survey_at(&mut tree, &renamed, written(1, 5), 5, true);
    tree.miss(at(7));
    assert!(waits_for(&survey_at(&mut tree, &renamed, written(2, 6), 8, true), "waiting.quiet"));
    assert!(matches!(survey_at(&mut tree, &renamed, written(2, 6), 10, true), Step::Complete(_)));
}

#[test]
fn a_renamed_tree_is_complete_until_somebody_writes_into_it() {
    let renamed = Completion::of(Expr::Clause(Clause::RenamedIn));
    let mut tree = Tree::new(Stir::MovedIn, at(0), T0);
    assert!(wants_survey(&ask(&mut tree, &renamed, 0)));
    assert_eq!(signals(&survey(&mut tree, &renamed, view(1), 0)), [Signal::RenamedIn]);
    tree.hear(Stir::Changed, at(1));
    assert!(waits_for(&survey(&mut tree, &renamed, open(1), 1), "waiting.renamed-in"));
    tree.hear(Stir::MovedIn, at(2));
    assert_eq!(signals(&survey(&mut tree, &renamed, view(1), 2)), [Signal::RenamedIn]);
}

#[test]
fn min_age_is_the_newest_inodes_and_a_survey_finds_it_out() {
    let rule = Completion::of(Expr::Clause(Clause::MinAge(at(60))));
    let mut tree = heard(0);
    // Never surveyed, it would never be old enough.
    assert!(wants_survey(&ask(&mut tree, &rule, 0)));
    let young = View { newest_ctime: Stamp::new(T0.sec - 20, 0), ..view(1) };
    let step = survey(&mut tree, &rule, young, 0);
    assert!(
        matches!(step, Step::Wait { reason: Reason::WaitingMinAge, again, .. } if again == at(40)),
        "{step:?}"
    );
    assert_eq!(signals(&survey(&mut tree, &rule, view(1), 40)), [Signal::MinAge]);
}

#[test]
fn where_writers_are_unknown_quiet_stands_in() {
    let unknown = |fold| View { writers_unknown: true, ..view(fold) };
    for clause in [Clause::WriterGone, Clause::Members, Clause::Closed] {
        let rule = Completion::of(Expr::Clause(clause));
        let mut tree = heard(0);
        assert!(waits_for(&survey(&mut tree, &rule, unknown(1), 1), "waiting.quiet"), "{clause:?}");
        let step = survey(&mut tree, &rule, unknown(1), 3);
        assert!(signals(&step).contains(&Signal::Quiet), "{clause:?}");
    }
}

#[test]
fn the_longest_pause_between_changes_lengthens_an_adaptive_quiet() {
    let adaptive = Quiet::Adaptive { least: at(2), most: at(100), factor: 3 };
    let rule = Completion::of(Expr::Clause(Clause::Quiet(adaptive)));
    let mut tree = heard(0);
    for s in [7, 8, 9] {
        tree.hear(Stir::Changed, at(s));
    }
    let step = ask(&mut tree, &rule, 9);
    assert!(matches!(step, Step::Wait { again, .. } if again == at(30)), "three times seven: {step:?}");
    tree.hear(Stir::Changed, at(209));
    let step = ask(&mut tree, &rule, 209);
    assert!(matches!(step, Step::Wait { again, .. } if again == at(309)), "not longer than `most`: {step:?}");
    let mut untold = Tree::new(Stir::Scanned, at(0), T0);
    untold.look(view(1), at(0));
    untold.look(view(2), at(10));
    let step = untold.judge(&rule, false, true, Beside::NOTHING, at(10), T0);
    assert!(waits_for(&step, "waiting.quiet"));
    untold.look(view(2), at(39));
    assert!(waits_for(&untold.judge(&rule, false, true, Beside::NOTHING, at(39), T0), "waiting.quiet"));
    untold.look(view(2), at(40));
    assert!(matches!(untold.judge(&rule, false, true, Beside::NOTHING, at(40), T0), Step::Complete(_)));
}

#[test]
fn overdue_is_said_once_of_what_a_survey_has_shown() {
    let rule = Completion { deadline: Some((at(30), OnDeadline::AnnounceIncomplete)), ..rule() };
    let mut tree = heard(0);
    let step = survey(&mut tree, &rule, open(1), 12);
    assert!(matches!(step, Step::Wait { again, .. } if again <= at(30)), "{step:?}");
    tree.hear(Stir::Changed, at(29));
    assert!(wants_survey(&ask(&mut tree, &rule, 30)));
    let step = survey(&mut tree, &rule, open(2), 30);
    let Step::Overdue { reason, again, alert: true, .. } = step else { panic!("{step:?}") };
    assert_eq!(reason.code(), "waiting.members");
    assert!(again > at(30) && again <= at(60));
    tree.mark_overdue();
    assert!(tree.is_overdue());
    let step = survey(&mut tree, &rule, open(2), 31);
    assert!(matches!(step, Step::Wait { alert: false, .. }), "{step:?}");
    assert!(matches!(survey(&mut tree, &rule, view(3), 60), Step::Complete(_)));
}

#[test]
fn at_the_deadline_it_is_delivered_as_a_survey_shows_it() {
    let rule = Completion { deadline: Some((at(30), OnDeadline::Deliver)), ..Completion::of(quiet(100)) };
    let mut tree = heard(0);
    assert!(waits_for(&ask(&mut tree, &rule, 29), "waiting.quiet"));
    assert!(wants_survey(&ask(&mut tree, &rule, 30)), "unsurveyed there is nothing to deliver");
    assert_eq!(signals(&survey(&mut tree, &rule, open(1), 30)), [Signal::Appeared]);
}

#[test]
fn units_inside_are_waited_for() {
    let children =
        Answer::Missing(Reason::WaitingChildren { count: 1, blocking: vec![b"s1".as_slice().into()] });
    let beside = Beside { children: &children, ..Beside::NOTHING };
    let appeared = Completion::of(Expr::Clause(Clause::Appeared));
    let mut tree = heard(0);
    let step = tree.judge(&appeared, true, false, beside, at(1), T0);
    assert!(waits_for(&step, "waiting.children"), "{step:?}");
    let done = Beside { children: &Answer::Holds(Signal::Children), ..Beside::NOTHING };
    tree.look(view(1), at(2));
    let step = tree.judge(&appeared, true, true, done, at(2), T0);
    assert_eq!(signals(&step), [Signal::Appeared, Signal::Children]);
}

#[test]
fn looks_become_rarer_but_never_stop_and_start_again_when_something_is_heard() {
    let marker = Marker { form: NameForm::parse("_SUCCESS").unwrap(), after: crate::After::Keep };
    let rule = Completion { asks: vec![Ask::Marker(marker)], ..Completion::of(Expr::Clause(Clause::Ask(0))) };
    let missing = Answer::Missing(Reason::WaitingMarker { marker: b"_SUCCESS".to_vec(), stale: false });
    let answers = [missing];
    let beside = Beside { answers: &answers, ..Beside::NOTHING };
    let mut tree = heard(0);
    let mut now = at(0);
    let mut pause = Duration::ZERO;
    for _ in 0..40 {
        let Step::Wait { again, .. } = tree.judge(&rule, true, false, beside, now, T0) else {
            panic!("complete without its marker");
        };
        assert!(again.saturating_sub(now) >= pause, "rarer and rarer");
        pause = again.saturating_sub(now);
        assert!(pause > Duration::ZERO && pause <= LONGEST_PAUSE);
        now = again;
    }
    assert_eq!(pause, LONGEST_PAUSE);
    for again in [Tree::stir, Tree::announce, |tree: &mut Tree| tree.hear(Stir::Changed, at(10_000))] {
        again(&mut tree);
        let step = tree.judge(&rule, true, false, beside, at(10_000), T0);
        assert!(matches!(step, Step::Wait { again, .. } if again < at(10_002)), "{step:?}");
    }
}

#[test]
fn new_times_of_inodes_are_a_change_as_for_files() {
    let mut tree = Tree::new(Stir::Scanned, at(0), T0);
    let judge = |tree: &mut Tree, view, s| {
        tree.look(view, at(s));
        tree.judge(&rule(), false, true, Beside::NOTHING, at(s), T0)
    };
    assert!(waits_for(&judge(&mut tree, view(1), 0), "waiting.quiet"));
    let touched = || View { newest_ctime: T0, ..view(1) };
    assert!(waits_for(&judge(&mut tree, touched(), 12), "waiting.quiet"));
    assert!(matches!(judge(&mut tree, touched(), 22), Step::Complete(_)));
}

#[test]
fn a_tree_that_is_made_in_place_waits_for_its_rename_and_an_empty_one_for_its_members() {
    let renamed = Completion::of(Expr::Clause(Clause::RenamedIn));
    let mut made = heard(0);
    assert!(waits_for(&survey(&mut made, &renamed, view(1), 9), "waiting.renamed-in"));
    let members = Completion::of(Expr::Clause(Clause::Members));
    let mut empty = heard(0);
    assert!(waits_for(&survey(&mut empty, &members, View::default(), 9), "waiting.members"));
    assert!(matches!(survey(&mut empty, &members, view(1), 10), Step::Complete(_)));
}

#[test]
fn where_no_close_is_heard_an_open_member_is_asked_for_often() {
    let members = Completion::of(Expr::Clause(Clause::Members));
    let mut tree = Tree::new(Stir::Scanned, at(0), T0);
    let mut now = 0;
    for _ in 0..20 {
        let step = survey(&mut tree, &members, open(1), now);
        let Step::Wait { again, .. } = step else { panic!("{step:?}") };
        assert!(again <= at(now + 5), "{again:?} at {now}");
        now = again.as_secs().max(now + 1);
    }
}
