use super::*;
use crate::rule::{Completion, Quiet};

const ASK_WRITER: Verdict = Verdict::Ask(Questions::WRITER);

fn facts() -> Facts<'static> {
    Facts {
        renamed_in: Heard::No,
        unheard_rest: None,
        closed: Heard::No,
        writer: WriterFact::NotAsked,
        unchanged_for: Duration::ZERO,
        age: Duration::ZERO,
        linked_in: false,
        pause: Duration::ZERO,
        announced: false,
        members: &Answer::NotAsked,
        children: &Answer::NotAsked,
        answers: &[],
        dear: Questions::NONE,
    }
}

fn local(facts: Facts<'_>) -> Verdict {
    judge(&Completion::local().expr, &facts)
}

fn signals(signals: &[Signal]) -> Verdict {
    Verdict::Complete(signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal)))
}

#[test]
fn local_takes_a_rename_unless_somebody_is_known_to_write() {
    let renamed = Facts { renamed_in: Heard::Yes, ..facts() };
    assert_eq!(local(renamed), ASK_WRITER);
    for writer in [WriterFact::Gone, WriterFact::Unknown] {
        assert_eq!(local(Facts { writer, ..renamed }), signals(&[Signal::RenamedIn]));
    }
    let open = local(Facts { writer: WriterFact::Open, ..renamed });
    assert!(matches!(open, Verdict::Wait { reason: Reason::WaitingWriterOpen, .. }), "{open:?}");
}

#[test]
fn local_wants_the_close_and_no_other_writer() {
    assert!(matches!(local(facts()), Verdict::Wait { reason: Reason::WaitingClosed, .. }));
    let closed = Facts { closed: Heard::Yes, ..facts() };
    assert_eq!(local(closed), ASK_WRITER);
    let open = Facts { writer: WriterFact::Open, ..closed };
    assert!(matches!(local(open), Verdict::Wait { reason: Reason::WaitingWriterOpen, .. }));
    let gone = Facts { writer: WriterFact::Gone, ..closed };
    assert_eq!(local(gone), signals(&[Signal::Closed, Signal::WriterGone]));
}

#[test]
fn what_cannot_be_heard_is_replaced_by_the_writer_then_by_quiet() {
    let scanned = Facts { renamed_in: Heard::Unknowable, closed: Heard::Unknowable, ..facts() };
    assert_eq!(local(scanned), ASK_WRITER);
    assert_eq!(local(Facts { writer: WriterFact::Gone, ..scanned }), signals(&[Signal::WriterGone]));
    let unknown = Facts { writer: WriterFact::Unknown, ..scanned };
    assert!(matches!(local(unknown), Verdict::Wait { reason: Reason::WaitingQuiet, .. }));
    let quiet = Facts { unchanged_for: SUBSTITUTE_QUIET, ..unknown };
    assert_eq!(local(quiet), signals(&[Signal::Quiet]));
}

#[test]
fn every_wait_says_when_to_look_again() {
    // P8: no verdict may forget a unit, nor put it off for longer than what it waits for takes.
    const LONGEST: Duration = Duration::from_secs(3);
    let clauses = [
        Clause::RenamedIn,
        Clause::Closed,
        Clause::WriterGone,
        Clause::Quiet(Quiet::For(LONGEST)),
        Clause::MinAge(LONGEST),
    ];
    for heard in [Heard::Yes, Heard::No, Heard::Unknowable] {
        for writer in [WriterFact::Gone, WriterFact::Open, WriterFact::Unknown] {
            for clause in clauses {
                let facts = Facts { renamed_in: heard, closed: heard, writer, ..facts() };
                for expr in [Expr::Clause(clause), Expr::Any(vec![Expr::Clause(clause)])] {
                    match judge(&expr, &facts) {
                        Verdict::Wait { again_in, .. } => {
                            assert!(again_in > Duration::ZERO && again_in <= LONGEST, "{again_in:?}");
                        }
                        Verdict::Complete(signals) => assert_ne!(signals, SignalSet::EMPTY),
                        Verdict::Ask(_) => panic!("asked again after the answer"),
                    }
                }
            }
        }
    }
}

#[test]
fn all_names_the_longest_wait_and_any_the_shortest() {
    let quiet = |s| Expr::Clause(Clause::Quiet(Quiet::For(Duration::from_secs(s))));
    let age = |s| Expr::Clause(Clause::MinAge(Duration::from_secs(s)));
    let all = judge(&Expr::All(vec![quiet(1), age(9)]), &facts());
    assert_eq!(all, wait(Reason::WaitingMinAge, Duration::from_secs(9)));
    let any = judge(&Expr::Any(vec![quiet(1), age(9)]), &facts());
    assert_eq!(any, wait(Reason::WaitingQuiet, Duration::from_secs(1)));
    // A rename that may never come is no answer where something else is only a matter of time.
    let renamed = || clause(Clause::RenamedIn);
    for parts in [vec![renamed(), quiet(60)], vec![quiet(60), renamed()]] {
        assert_eq!(code(&judge(&Expr::Any(parts), &facts())), "waiting.quiet");
    }
}

fn clause(clause: Clause) -> Expr {
    Expr::Clause(clause)
}

fn ask(at: u8) -> Expr {
    clause(Clause::Ask(at))
}

fn quiet(s: u64) -> Expr {
    clause(Clause::Quiet(Quiet::For(secs(s))))
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn missing() -> Answer {
    Answer::Missing(Reason::WaitingLock { lock: b"l".to_vec() })
}

fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Wait { reason, .. } => reason.code(),
        Verdict::Complete(_) => "complete",
        Verdict::Ask(_) => "ask",
    }
}

fn bits(asks: u32) -> Questions {
    Questions { writer: false, asks }
}

#[test]
fn each_clause_holds_or_says_what_is_missing() {
    let holds = Answer::Holds(Signal::Members);
    let missing =
        Answer::Missing(Reason::WaitingMembers { present: 1, expected: Some(2), blocking: Vec::new() });
    let gone = Facts { writer: WriterFact::Gone, ..facts() };
    let open = Facts { writer: WriterFact::Open, ..facts() };
    for (one, with, expected) in [
        (Clause::Appeared, facts(), "complete"),
        (Clause::RenamedIn, Facts { renamed_in: Heard::Yes, ..facts() }, "complete"),
        (Clause::RenamedIn, facts(), "waiting.renamed-in"),
        (Clause::RenamedIn, gone, "waiting.renamed-in"),
        (Clause::LinkedIn, Facts { linked_in: true, ..facts() }, "complete"),
        (Clause::LinkedIn, facts(), "waiting.renamed-in"),
        (Clause::Closed, Facts { closed: Heard::Yes, ..facts() }, "complete"),
        (Clause::Closed, Facts { closed: Heard::No, ..gone }, "waiting.closed"),
        (Clause::Closed, Facts { closed: Heard::Unknowable, ..gone }, "complete"),
        (Clause::Closed, Facts { closed: Heard::Unknowable, ..open }, "waiting.writer-open"),
        (Clause::WriterGone, facts(), "ask"),
        (Clause::WriterGone, gone, "complete"),
        (Clause::WriterGone, open, "waiting.writer-open"),
        (Clause::WriterGone, Facts { members: &missing, ..open }, "waiting.members"),
        (Clause::WriterGone, Facts { writer: WriterFact::Unknown, ..facts() }, "waiting.quiet"),
        (Clause::NoWriterKnown, Facts { writer: WriterFact::Unknown, ..facts() }, "complete"),
        (Clause::NoWriterKnown, open, "waiting.writer-open"),
        (Clause::Quiet(Quiet::For(secs(3))), Facts { unchanged_for: secs(3), ..facts() }, "complete"),
        (Clause::Quiet(Quiet::For(secs(3))), Facts { unchanged_for: secs(2), ..facts() }, "waiting.quiet"),
        (Clause::MinAge(secs(3)), Facts { age: secs(3), ..facts() }, "complete"),
        (Clause::MinAge(secs(3)), Facts { age: secs(2), ..facts() }, "waiting.min-age"),
        (Clause::Members, facts(), "ask"),
        (Clause::Members, Facts { members: &holds, ..gone }, "complete"),
        (Clause::Members, Facts { members: &missing, ..gone }, "waiting.members"),
        (Clause::Members, Facts { members: &holds, writer: WriterFact::Unknown, ..facts() }, "waiting.quiet"),
        (Clause::Announce, Facts { announced: true, ..facts() }, "complete"),
        (Clause::Announce, facts(), "waiting.announce"),
        (Clause::Ask(0), facts(), "ask"),
        (Clause::Ask(0), Facts { answers: &[Answer::Pending], ..facts() }, "waiting.inspection"),
        (Clause::Ask(0), Facts { answers: &[Answer::Holds(Signal::Marker)], ..facts() }, "complete"),
        (Clause::Ask(1), Facts { answers: &[Answer::Holds(Signal::Marker)], ..facts() }, "ask"),
    ] {
        let verdict = judge(&clause(one), &with);
        assert_eq!(code(&verdict), expected, "{one:?} of {with:?}");
    }
}

#[test]
fn an_adaptive_quiet_stays_within_its_bounds() {
    let quiet = Quiet::Adaptive { least: secs(2), most: secs(60), factor: 3 };
    for (pause, period) in [(0, 2), (1, 3), (10, 30), (20, 60), (21, 60), (1 << 40, 60)] {
        assert_eq!(quiet.period(secs(pause)), secs(period), "{pause}");
    }
    assert_eq!(quiet.period(Duration::MAX), secs(60));
    let wrong = Quiet::Adaptive { least: secs(5), most: secs(1), factor: 1 };
    assert_eq!(wrong.period(secs(9)), secs(5), "bounds that cross are no panic");
    assert_eq!(Quiet::For(secs(7)).period(secs(100)), secs(7));
}

#[test]
fn all_wants_everything_and_any_one_and_they_may_be_nested() {
    let yes = clause(Clause::Appeared);
    let no = clause(Clause::Announce);
    let all = |parts: &[&Expr]| Expr::All(parts.iter().map(|part| (*part).clone()).collect());
    let any = |parts: &[&Expr]| Expr::Any(parts.iter().map(|part| (*part).clone()).collect());
    for (expr, expected) in [
        (all(&[&yes, &yes]), "complete"),
        (all(&[&yes, &no]), "waiting.announce"),
        (any(&[&no, &yes]), "complete"),
        (any(&[&no, &no]), "waiting.announce"),
        (all(&[&any(&[&no, &yes]), &yes]), "complete"),
        (any(&[&all(&[&yes, &no]), &no]), "waiting.announce"),
        (all(&[&any(&[&no, &no]), &yes]), "waiting.announce"),
    ] {
        assert_eq!(code(&judge(&expr, &facts())), expected, "{expr:?}");
    }
    assert_eq!(
        judge(&Expr::Any(Vec::new()), &facts()),
        wait(Reason::WaitingLook, RECHECK),
        "nothing is no yes"
    );
}

#[test]
fn a_complete_unit_names_the_signals_of_everything_that_held() {
    let answers = [Answer::Holds(Signal::Marker), Answer::Holds(Signal::Manifest)];
    let with = Facts { answers: &answers, unchanged_for: secs(9), ..facts() };
    let verdict = judge(&Expr::All(vec![ask(0), ask(1), quiet(1)]), &with);
    assert_eq!(verdict, signals(&[Signal::Marker, Signal::Manifest, Signal::Quiet]));
    let children = Facts { children: &Answer::Holds(Signal::Children), ..with };
    assert_eq!(judge(&ask(0), &children), signals(&[Signal::Marker, Signal::Children]));
}

#[test]
fn what_time_alone_does_not_bring_names_the_reason() {
    let missing = [missing()];
    let with = Facts { answers: &missing, ..facts() };
    for parts in [vec![quiet(3600), ask(0)], vec![ask(0), quiet(3600)]] {
        assert_eq!(code(&judge(&Expr::All(parts), &with)), "waiting.lock");
    }
    // Of what time brings, the longest; of what it does not, the later.
    let min_age = clause(Clause::MinAge(secs(9)));
    assert_eq!(code(&judge(&Expr::All(vec![min_age, quiet(3)]), &with)), "waiting.min-age");
    let two = Expr::All(vec![ask(0), clause(Clause::Announce)]);
    assert_eq!(code(&judge(&two, &with)), "waiting.announce");
}

#[test]
fn what_is_cheap_is_found_out_before_the_reason_is_told_and_what_is_dear_only_at_the_end() {
    let dear = Facts { dear: Questions { writer: true, asks: 0b10 }, ..facts() };
    let members = clause(Clause::Members);
    // The marker is looked for although the quiet is not over: it may be the true reason.
    assert_eq!(
        judge(&Expr::All(vec![quiet(9), ask(0), ask(1), members.clone()]), &dear),
        Verdict::Ask(bits(1))
    );
    let answers = [Answer::Holds(Signal::Marker)];
    let marked = Facts { answers: &answers, ..dear };
    let rule = Expr::All(vec![quiet(9), ask(0), ask(1), members]);
    assert_eq!(code(&judge(&rule, &marked)), "waiting.quiet", "nothing dear before the time is over");
    let over = Facts { unchanged_for: secs(9), ..marked };
    // Nothing is hashed of what somebody may still write.
    assert_eq!(judge(&rule, &over), Verdict::Ask(Questions::WRITER));
    let holds = Answer::Holds(Signal::Members);
    let written = Facts { writer: WriterFact::Gone, members: &holds, ..over };
    assert_eq!(judge(&rule, &written), Verdict::Ask(bits(2)));
    let missing = [missing()];
    assert_eq!(code(&judge(&rule, &Facts { answers: &missing, ..dear })), "waiting.lock");
    // Of alternatives, too, what is cheap comes first.
    let either = Expr::Any(vec![ask(0), ask(1)]);
    assert_eq!(judge(&either, &dear), Verdict::Ask(bits(1)));
    assert_eq!(judge(&either, &Facts { answers: &missing, ..dear }), Verdict::Ask(bits(2)));
    assert_eq!(judge(&either, &over), signals(&[Signal::Marker]), "the other need not be known");
}

#[test]
fn units_inside_are_waited_for_whatever_the_rule_says() {
    let missing = Answer::Missing(Reason::WaitingChildren { count: 1, blocking: Vec::new() });
    let appeared = clause(Clause::Appeared);
    for (children, expected) in [
        (&missing, "waiting.children"),
        (&Answer::Pending, "waiting.inspection"),
        (&Answer::NotAsked, "complete"),
    ] {
        assert_eq!(code(&judge(&appeared, &Facts { children, ..facts() })), expected);
    }
}

/// P8: another part than the one that names the reason must not be put off with it.
#[test]
fn a_wait_says_when_time_alone_ends_it() {
    let missing = [missing()];
    let with = Facts { answers: &missing, unchanged_for: secs(1), ..facts() };
    let by_itself = |expr: &Expr| match judge(expr, &with) {
        Verdict::Wait { by_itself, .. } => by_itself,
        other => panic!("{other:?}"),
    };
    assert_eq!(by_itself(&quiet(10)), Some(secs(9)));
    assert_eq!(by_itself(&ask(0)), None);
    assert_eq!(by_itself(&Expr::Any(vec![ask(0), quiet(10)])), Some(secs(9)));
    assert_eq!(by_itself(&Expr::Any(vec![quiet(20), quiet(10), ask(0)])), Some(secs(9)));
    assert_eq!(by_itself(&Expr::All(vec![quiet(20), quiet(10)])), Some(secs(19)));
    assert_eq!(by_itself(&Expr::All(vec![ask(0), quiet(10)])), None);
    let nested = Expr::Any(vec![Expr::All(vec![ask(0), quiet(2)]), Expr::All(vec![quiet(5), quiet(6)])]);
    assert_eq!(by_itself(&nested), Some(secs(5)));
}

#[test]
fn questions_name_their_numbers() {
    assert_eq!(bits(0b1010_0000_0000_0000_0000_0000_0000_0001).asked().collect::<Vec<_>>(), [0, 29, 31]);
    assert!(Questions::NONE.is_none() && !Questions::WRITER.is_none() && !bits(1).is_none());
    let last = Completion::ASKS as u8 - 1;
    assert_eq!(judge(&ask(last), &facts()), Verdict::Ask(bits(1 << 31)), "the last one that a rule may have");
}
