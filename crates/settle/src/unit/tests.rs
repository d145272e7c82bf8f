use super::*;
use crate::OnDeadline;
use crate::patience::LONGEST_PAUSE;
use model::Signal;

const T0: Stamp = Stamp::new(1_800_000_000, 0);

fn at(ms: u64) -> Mono {
    Duration::from_millis(ms)
}

fn sample(size: u64, change: i64) -> Sample {
    let time = Stamp::new(1_700_000_000 + change, 0);
    Sample { size, mtime: time, ctime: time, inode: 7, links: 1 }
}

fn judge_at(unit: &mut Unit, sample: Sample, writer: WriterFact, ms: u64) -> Step {
    unit.look(sample, at(ms));
    unit.judge(&Completion::local(), writer, Beside::NOTHING, at(ms), T0)
}

fn has(step: &Step, signal: Signal) -> bool {
    matches!(step, Step::Complete(signals) if signals.contains(signal))
}

#[test]
fn a_created_file_waits_for_its_close() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    assert_eq!(judge_at(&mut unit, sample(0, 0), WriterFact::NotAsked, 0), Step::Ask(Questions::WRITER));
    let step = judge_at(&mut unit, sample(0, 0), WriterFact::Open, 0);
    assert!(matches!(step, Step::Wait { reason: Reason::WaitingWriterOpen, .. }), "{step:?}");
    unit.hear(What::Closed);
    assert_eq!(judge_at(&mut unit, sample(9, 1), WriterFact::NotAsked, 5), Step::Ask(Questions::WRITER));
    assert!(has(&judge_at(&mut unit, sample(9, 1), WriterFact::Gone, 5), Signal::Closed));
}

#[test]
fn a_second_writer_holds_a_closed_file() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    unit.hear(What::Closed);
    let step = judge_at(&mut unit, sample(9, 1), WriterFact::Open, 5);
    assert!(matches!(step, Step::Wait { reason: Reason::WaitingWriterOpen, .. }), "{step:?}");
}

#[test]
fn a_link_publish_is_complete_at_once() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    assert!(has(&judge_at(&mut unit, sample(9, 1), WriterFact::Gone, 0), Signal::WriterGone));
}

#[test]
fn an_empty_file_without_writer_is_not_believed_at_once() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    let step = judge_at(&mut unit, sample(0, 0), WriterFact::Gone, 0);
    let Step::Wait { again, .. } = step else { panic!("{step:?}") };
    assert!(again <= at(200));
    assert!(has(&judge_at(&mut unit, sample(0, 0), WriterFact::Gone, 200), Signal::WriterGone));
}

#[test]
fn a_new_file_under_the_name_forgets_the_old_close() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    unit.hear(What::Closed);
    unit.hear(What::Deleted);
    unit.hear(What::Created);
    let step = judge_at(&mut unit, sample(9, 1), WriterFact::Open, 0);
    assert!(matches!(step, Step::Wait { reason: Reason::WaitingWriterOpen, .. }), "{step:?}");
    assert!(!unit.is_closed());
}

#[test]
fn a_scanned_file_is_judged_by_its_writer() {
    let mut unit = Unit::scanned(at(0), T0);
    assert_eq!(judge_at(&mut unit, sample(9, 1), WriterFact::NotAsked, 0), Step::Ask(Questions::WRITER));
    assert!(has(&judge_at(&mut unit, sample(9, 1), WriterFact::Gone, 0), Signal::WriterGone));
}

#[test]
fn a_foreign_file_that_is_never_closed_is_not_lost() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    let step = judge_at(&mut unit, sample(9, 1), WriterFact::Unknown, 0);
    assert!(matches!(step, Step::Wait { .. }), "{step:?}");
    assert!(has(&judge_at(&mut unit, sample(9, 1), WriterFact::Unknown, 60_000), Signal::Quiet));
    let linked = Sample { ctime: Stamp::new(1_700_000_002, 0), ..sample(9, 1) };
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    unit.look(linked, at(0));
    assert!(has(&judge_at(&mut unit, linked, WriterFact::Unknown, 2_000), Signal::Quiet));
}

/// P1: a rename that was dropped with other events is not waited for for ever.
#[test]
fn after_dropped_events_what_was_not_heard_is_unknowable() {
    let rule = Completion::of(crate::Expr::Clause(crate::Clause::RenamedIn));
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    unit.look(sample(9, 1), at(0));
    assert!(matches!(unit.judge(&rule, WriterFact::Gone, Beside::NOTHING, at(0), T0), Step::Wait { .. }));
    unit.miss();
    assert!(has(&unit.judge(&rule, WriterFact::Gone, Beside::NOTHING, at(1), T0), Signal::WriterGone));
    unit.hear(What::Closed);
    unit.miss();
    assert!(!unit.is_closed(), "the close may have been another file's");
}

#[test]
fn quiet_starts_again_with_every_change() {
    let rule = Completion::network(Duration::from_secs(10));
    let mut unit = Unit::scanned(at(0), T0);
    unit.look(sample(1, 0), at(0));
    unit.look(sample(2, 1), at(9_000));
    let step = unit.judge(&rule, WriterFact::NotAsked, Beside::NOTHING, at(10_000), T0);
    assert_eq!(step, Step::Wait { reason: Reason::WaitingQuiet, again: at(19_000), alert: false });
    unit.look(sample(2, 1), at(19_000));
    assert!(has(&unit.judge(&rule, WriterFact::NotAsked, Beside::NOTHING, at(19_000), T0), Signal::Quiet));
}

#[test]
fn min_age_goes_by_the_change_time_and_a_clock_from_the_future_only_waits() {
    let rule = Completion::of(crate::Expr::Clause(crate::Clause::MinAge(Duration::from_mins(1))));
    let mut unit = Unit::scanned(at(0), T0);
    unit.look(Sample { ctime: Stamp::new(T0.sec + 500, 0), ..sample(1, 0) }, at(0));
    let step = unit.judge(&rule, WriterFact::NotAsked, Beside::NOTHING, at(0), T0);
    assert_eq!(step, Step::Wait { reason: Reason::WaitingMinAge, again: at(60_000), alert: false });
    unit.look(sample(1, 0), at(1));
    assert!(has(&unit.judge(&rule, WriterFact::NotAsked, Beside::NOTHING, at(1), T0), Signal::MinAge));
}

#[test]
fn a_deadline_alerts_once_delivers_or_holds() {
    let with = |action| Completion {
        deadline: Some((Duration::from_secs(5), action)),
        ..Completion::network(Duration::from_secs(100))
    };
    let mut unit = Unit::scanned(at(0), T0);
    unit.look(sample(1, 0), at(0));
    let alert = with(OnDeadline::Alert);
    let step = unit.judge(&alert, WriterFact::NotAsked, Beside::NOTHING, at(0), T0);
    assert_eq!(step, Step::Wait { reason: Reason::WaitingQuiet, again: at(5_000), alert: false });
    let told = |step: &Step| matches!(step, Step::Wait { alert: true, .. });
    assert!(told(&unit.judge(&alert, WriterFact::NotAsked, Beside::NOTHING, at(5_000), T0)));
    assert!(!told(&unit.judge(&alert, WriterFact::NotAsked, Beside::NOTHING, at(6_000), T0)));
    let step = unit.judge(&with(OnDeadline::Deliver), WriterFact::NotAsked, Beside::NOTHING, at(6_000), T0);
    assert!(matches!(step, Step::Complete(_)));
    let step = unit.judge(&with(OnDeadline::Hold), WriterFact::NotAsked, Beside::NOTHING, at(6_000), T0);
    assert!(matches!(step, Step::Wait { reason: Reason::WaitingDeadline, .. }));
}

#[test]
fn looks_become_rarer_but_never_stop() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    let mut now = at(0);
    let mut last_pause = Duration::ZERO;
    for _ in 0..100 {
        unit.look(sample(5, 1), now);
        let Step::Wait { again, .. } =
            unit.judge(&Completion::local(), WriterFact::Open, Beside::NOTHING, now, T0)
        else {
            panic!("a file with an open writer was complete");
        };
        last_pause = again.saturating_sub(now);
        assert!(last_pause > Duration::ZERO && last_pause <= LONGEST_PAUSE);
        now = again;
    }
    assert_eq!(last_pause, LONGEST_PAUSE);
}

/// The pauses between looks at a file whose writer stays, for so long.
fn pauses(look: Sample, time: Duration) -> Vec<Duration> {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    let (mut now, mut pauses) = (at(0), Vec::new());
    while now < time {
        unit.look(look, now);
        let step = unit.judge(&Completion::local(), WriterFact::Open, Beside::NOTHING, now, T0);
        let Step::Wait { again, .. } = step else { panic!("{step:?}") };
        pauses.push(again.saturating_sub(now));
        now = again;
    }
    pauses
}

/// The last close of a linked file may be told under another name, or under none.
#[test]
fn a_linked_file_is_looked_at_each_second_while_somebody_writes() {
    let plain = sample(5, 1);
    let later = Stamp { nsec: 1, ..plain.mtime };
    let half_a_minute = Duration::from_secs(30);
    for linked in [Sample { links: 2, ..plain }, Sample { ctime: later, ..plain }] {
        let longest = pauses(linked, half_a_minute).into_iter().max();
        assert!(longest.is_some_and(|longest| longest <= Duration::from_millis(1_100)), "{longest:?}");
        // As often as any other file, but for the beginning.
        let looks = pauses(linked, Duration::from_hours(24)).len();
        assert!((2_800..3_200).contains(&looks), "{looks} looks a day");
        assert_eq!(pauses(linked, Duration::from_hours(1)).last(), Some(&LONGEST_PAUSE));
    }
    assert!(pauses(plain, half_a_minute).into_iter().max() > Some(Duration::from_secs(8)));
}

#[test]
fn what_was_linked_once_may_be_closed_under_the_name_that_went() {
    let mut unit = Unit::heard(at(0), T0);
    unit.hear(What::Created);
    let linked = Sample { links: 2, ..sample(5, 1) };
    let pause = |unit: &mut Unit, look: Sample, now: Mono| {
        for _ in 0..8 {
            unit.look(look, now);
        }
        let step = unit.judge(&Completion::local(), WriterFact::Open, Beside::NOTHING, now, T0);
        let Step::Wait { again, .. } = step else { panic!("{step:?}") };
        again.saturating_sub(now)
    };
    assert_eq!(pause(&mut unit, linked, at(9_000)), LINKED_PAUSE);
    assert_eq!(pause(&mut unit, sample(6, 2), at(9_000)), LINKED_PAUSE, "its other name is gone");
    unit.hear(What::Created);
    assert_eq!(pause(&mut unit, sample(7, 3), at(9_000)), LONGEST_PAUSE, "another file");
}

/// P8: a part that time alone completes is not put off with a part that is looked after ever more rarely.
#[test]
fn a_quiet_beside_a_marker_is_looked_at_when_it_is_over() {
    use crate::companion::{After, Ask, Marker, NameForm};
    use crate::{Clause, Expr, Quiet};
    let quiet = Clause::Quiet(Quiet::For(Duration::from_secs(20)));
    let form = NameForm::parse("{name}.done").unwrap();
    let rule = Completion {
        asks: vec![Ask::Marker(Marker { form, after: After::Keep })],
        ..Completion::of(Expr::Any(vec![Expr::Clause(quiet), Expr::Clause(Clause::Ask(0))]))
    };
    let missing = [crate::Answer::Missing(Reason::WaitingMarker { marker: Vec::new(), stale: false })];
    let beside = Beside { answers: &missing, ..Beside::NOTHING };
    let mut unit = Unit::scanned(at(0), T0);
    let mut now = at(0);
    loop {
        unit.look(sample(1, 0), now);
        match unit.judge(&rule, WriterFact::Gone, beside, now, T0) {
            Step::Wait { again, reason, .. } => {
                assert_eq!(reason.code(), "waiting.marker");
                now = again;
            }
            step => break assert!(has(&step, Signal::Quiet), "{step:?}"),
        }
    }
    assert_eq!(now, at(20_000));
}

#[test]
fn the_longest_pause_between_changes_lengthens_an_adaptive_quiet() {
    let quiet =
        crate::Quiet::Adaptive { least: Duration::from_secs(2), most: Duration::from_mins(1), factor: 3 };
    let rule = Completion::of(crate::Expr::Clause(crate::Clause::Quiet(quiet)));
    let mut unit = Unit::scanned(at(0), T0);
    let judge = |unit: &mut Unit, size: u64, ms: u64| {
        unit.look(sample(size, 1000 * size as i64), at(ms));
        unit.judge(&rule, WriterFact::NotAsked, Beside::NOTHING, at(ms), T0)
    };
    let until = |step: &Step| match step {
        Step::Wait { again, .. } => *again,
        step => panic!("{step:?}"),
    };
    assert_eq!(until(&judge(&mut unit, 1, 0)), at(2_000));
    assert_eq!(until(&judge(&mut unit, 2, 1_500)), at(1_500 + 4_500));
    assert_eq!(until(&judge(&mut unit, 3, 5_500)), at(5_500 + 12_000));
    assert_eq!(unit.longest_pause(), at(4_000));
    assert_eq!(until(&judge(&mut unit, 4, 100_000)), at(160_000), "not longer than `most`");
    assert!(has(&judge(&mut unit, 4, 160_000), Signal::Quiet));
}

/// A look that comes late does not make the pause longer than it was.
#[test]
fn a_pause_is_what_lies_between_two_changes_and_not_between_two_looks() {
    let mut unit = Unit::scanned(at(0), T0);
    unit.look(sample(1, 0), at(0));
    unit.look(sample(2, 2), at(9_000));
    assert_eq!(unit.longest_pause(), at(2_000));
    unit.look(sample(3, 1), at(10_000));
    assert_eq!(unit.longest_pause(), at(2_000), "a clock that was set back proves nothing");
    unit.look(sample(4, 30), at(14_000));
    assert_eq!(unit.longest_pause(), at(4_000), "no longer than it was looked at");
}
