use super::*;
use crate::OnDeadline;
use crate::rule::{Clause, Expr, Quiet};
use crate::verdict::Questions;

const T0: Stamp = Stamp::new(1_800_000_000, 0);

fn at(s: u64) -> Mono {
    Duration::from_secs(s)
}

fn sample(size: u64) -> Sample {
    let time = Stamp::new(T0.sec - 100 + size as i64, 0);
    Sample { size, mtime: time, ctime: time, inode: size + 1, links: 1 }
}

fn group() -> Group {
    Group::new(Cause::Arrived, at(0), T0)
}

fn of(clause: Clause) -> Completion {
    Completion::of(Expr::Clause(clause))
}

fn counted(count: Count) -> Completion {
    Completion { asks: vec![Ask::Count(count)], ..of(Clause::Ask(0)) }
}

/// With the group's own answers.
fn judge(group: &mut Group, rule: &Completion, s: u64) -> Step {
    let answers: Vec<Answer> =
        rule.asks.iter().map(|ask| group.answer(ask).unwrap_or(Answer::NotAsked)).collect();
    group.judge(rule, Beside { answers: &answers, ..Beside::NOTHING }, at(s), T0)
}

fn waits_for(step: &Step, code: &str) -> bool {
    matches!(step, Step::Wait { reason, .. } if reason.code() == code)
}

fn is_complete(step: &Step) -> bool {
    matches!(step, Step::Complete(_))
}

#[test]
fn keys_and_totals_are_captured_from_the_last_name() {
    let pattern = KeyPattern::parse("re:^(?<key>[a-z]+)_(?:of(?<total>[0-9]+))?").unwrap();
    assert!(pattern.has_total());
    assert_eq!(pattern.key(b"scan_1.dat"), Some((b"scan".as_slice(), None)));
    assert_eq!(pattern.key(b"scan_of12.dat"), Some((b"scan".as_slice(), Some(12))));
    assert_eq!(pattern.key(b"1_scan"), None);
    assert_eq!(KeyPattern::parse("re:(?<key>.*)_").unwrap().key(b"_x"), None, "no key is no group");
    assert_eq!(
        pattern.key(b"x_of99999999999999999999").unwrap().1,
        None,
        "more than can be counted is not said"
    );
    for wrong in ["(?<key>x)", "re:x", "re:(?<total>x)", "re:(?<key>x"] {
        assert!(KeyPattern::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn no_files_path_is_a_groups() {
    assert_eq!(&*group_path(b"", b"k"), b"k/");
    assert_eq!(&*group_path(b"a/b", b"k"), b"a/b/k/");
}

#[test]
fn it_waits_for_every_member_whatever_the_rule_asks_for() {
    for clause in
        [Clause::Appeared, Clause::Members, Clause::WriterGone, Clause::Announce, Clause::MinAge(at(1))]
    {
        let mut group = group();
        group.announce();
        group.member_is_complete(b"a", sample(1), at(0));
        group.member_waits(b"b", at(0));
        let blocking = vec![b"b".as_slice().into()];
        let reason = Reason::WaitingMembers { present: 1, expected: Some(2), blocking };
        let step = judge(&mut group, &of(clause), 5);
        assert!(matches!(&step, Step::Wait { reason: is, .. } if *is == reason), "{clause:?}: {step:?}");
        group.member_is_complete(b"b", sample(2), at(6));
        assert!(is_complete(&judge(&mut group, &of(clause), 6)), "{clause:?}");
    }
}

#[test]
fn members_come_and_go_and_are_counted_right() {
    let mut group = group();
    let state = |group: &Group| (group.len(), group.view(false).count, group.view(false).open);
    group.member_is_complete(b"a", sample(1), at(0));
    group.member_is_complete(b"a", sample(1), at(0));
    group.member_waits(b"b", at(1));
    group.member_waits(b"b", at(1));
    assert_eq!(state(&group), (2, 1, 1));
    group.member_waits(b"a", at(2));
    assert_eq!(state(&group), (2, 0, 2));
    assert_eq!(group.member(b"a"), None);
    group.member_is_complete(b"a", sample(3), at(3));
    group.member_is_complete(b"b", sample(4), at(3));
    assert_eq!(state(&group), (2, 2, 0));
    assert_eq!(group.member(b"a"), Some(sample(3)));
    assert!(group.member_is_gone(b"a", at(4)) && !group.member_is_gone(b"a", at(4)));
    group.member_waits(b"b", at(5));
    assert!(group.member_is_gone(b"b", at(5)));
    assert_eq!(state(&group), (0, 0, 0));
    assert!(group.is_empty());
}

#[test]
fn the_blocking_members_are_named_in_order_and_not_all() {
    let mut group = group();
    for number in (0..50u8).rev() {
        group.member_waits(&[b'm', number], at(0));
    }
    let blocking = group.blocking();
    assert_eq!(blocking.len(), 16);
    assert!(blocking.iter().enumerate().all(|(at, name)| **name == [b'm', at as u8]));
}

#[test]
fn the_view_does_not_depend_on_the_order_but_on_everything_else() {
    let names: [&[u8]; 3] = [b"a", b"b", b"c"];
    let of = |order: [usize; 3], size: u64, with_inode: bool| {
        let mut group = group();
        for at_ in order {
            group.member_is_complete(names[at_], sample(size + at_ as u64), at(0));
        }
        group.view(with_inode)
    };
    let view = of([0, 1, 2], 5, true);
    assert_eq!(view, of([2, 0, 1], 5, true));
    assert_eq!((view.count, view.size), (3, 5 + 6 + 7));
    assert_eq!(view.newest_mtime, sample(7).mtime);
    assert_eq!(view.newest_ctime, sample(7).ctime);
    assert_ne!(view.fold, of([0, 1, 2], 6, true).fold);
    assert_ne!(view.fold, of([0, 1, 2], 5, false).fold);
    let fold = |members: &[(&[u8], Sample)], with_inode| {
        let mut group = group();
        for (path, sample) in members {
            group.member_is_complete(path, *sample, at(0));
        }
        group.view(with_inode).fold
    };
    let one: (&[u8], Sample) = (b"a", sample(1));
    let base = fold(&[one], true);
    assert_ne!(base, fold(&[(b"b", sample(1))], true), "another name");
    assert_ne!(base, fold(&[(b"a", Sample { size: 2, ..one.1 })], true), "another size");
    assert_ne!(base, fold(&[(b"a", Sample { mtime: Stamp::new(1, 2), ..one.1 })], true), "another time");
    let other = Sample { inode: 99, ..one.1 };
    assert_ne!(base, fold(&[(b"a", other)], true), "another file");
    assert_eq!(fold(&[one], false), fold(&[(b"a", other)], false), "inodes may mean nothing");
    let touched = Sample { ctime: Stamp::new(9, 9), links: 2, ..one.1 };
    assert_eq!(base, fold(&[(b"a", touched)], true), "chmod and link change no content");
    let swapped: [(&[u8], Sample); 2] = [(b"a", sample(2)), (b"b", sample(1))];
    assert_ne!(fold(&[one, (b"b", sample(2))], true), fold(&swapped, true), "who is what counts");
}

#[test]
fn it_is_quiet_when_no_member_came_went_or_changed() {
    let rule = of(Clause::Quiet(Quiet::For(at(10))));
    let mut group = group();
    group.member_is_complete(b"a", sample(1), at(0));
    group.member_is_complete(b"b", sample(2), at(4));
    group.member_is_complete(b"b", sample(2), at(9));
    assert!(waits_for(&judge(&mut group, &rule, 13), "waiting.quiet"));
    assert!(is_complete(&judge(&mut group, &rule, 14)), "the same again is no change");
    group.member_is_gone(b"b", at(20));
    assert!(waits_for(&judge(&mut group, &rule, 29), "waiting.quiet"));
    group.member_waits(b"a", at(30));
    group.member_is_complete(b"a", sample(1), at(35));
    assert!(waits_for(&judge(&mut group, &rule, 44), "waiting.quiet"));
    assert!(is_complete(&judge(&mut group, &rule, 45)));
}

#[test]
fn an_adaptive_quiet_learns_from_the_pauses_between_members() {
    let rule = of(Clause::Quiet(Quiet::Adaptive { least: at(1), most: at(60), factor: 2 }));
    let mut group = group();
    group.member_is_complete(b"a", sample(1), at(1));
    group.member_is_complete(b"b", sample(2), at(9));
    assert!(waits_for(&judge(&mut group, &rule, 24), "waiting.quiet"));
    assert!(is_complete(&judge(&mut group, &rule, 25)), "twice eight");
}

#[test]
fn a_count_is_of_those_that_are_there() {
    let mut group = group();
    let least = counted(Count::Least(2));
    group.member_is_complete(b"a", sample(1), at(0));
    let step = judge(&mut group, &least, 0);
    assert!(matches!(
        step,
        Step::Wait { reason: Reason::WaitingCount { present: 1, expected: Some(2) }, .. }
    ));
    group.member_waits(b"b", at(1));
    assert!(waits_for(&judge(&mut group, &least, 1), "waiting.members"));
    group.member_is_complete(b"b", sample(2), at(2));
    assert!(is_complete(&judge(&mut group, &least, 2)));
    group.member_is_complete(b"c", sample(3), at(3));
    assert!(is_complete(&judge(&mut group, &least, 3)), "one more is not too many");
}

#[test]
fn a_captured_count_waits_until_somebody_says_it_and_the_largest_counts() {
    for count in [Count::Captured, Count::Header] {
        let rule = counted(count);
        let mut group = group();
        group.member_is_complete(b"a", sample(1), at(0));
        let step = judge(&mut group, &rule, 0);
        assert!(matches!(
            step,
            Step::Wait { reason: Reason::WaitingCount { present: 1, expected: None }, .. }
        ));
        group.expect(2);
        group.expect(1);
        assert!(waits_for(&judge(&mut group, &rule, 1), "waiting.count"));
        group.member_is_complete(b"b", sample(2), at(1));
        assert!(is_complete(&judge(&mut group, &rule, 1)));
    }
    assert_eq!(
        group().answer(&Ask::Lock(crate::NameForm::parse("l").unwrap())),
        None,
        "others find out the rest"
    );
}

#[test]
fn nothing_dear_is_found_out_before_the_members_are_complete() {
    let metadata = crate::Metadata { form: crate::NameForm::parse("m.yaml").unwrap(), key: None };
    let rule = Completion { asks: vec![Ask::Metadata(metadata)], ..of(Clause::Ask(0)) };
    let dear = Beside { dear: Questions { writer: false, asks: 1 }, ..Beside::NOTHING };
    let mut group = group();
    group.member_waits(b"a", at(0));
    assert!(waits_for(&group.judge(&rule, dear, at(0), T0), "waiting.members"));
    assert_eq!(
        group.judge(&rule, Beside::NOTHING, at(0), T0),
        Step::Ask(dear.dear),
        "what is cheap is found out"
    );
    group.member_is_complete(b"a", sample(1), at(1));
    assert_eq!(group.judge(&rule, dear, at(1), T0), Step::Ask(dear.dear));
}

#[test]
fn overdue_is_said_once_and_delivered_is_what_there_is() {
    let with = |action| Completion { deadline: Some((at(30), action)), ..of(Clause::Members) };
    let mut group = group();
    group.member_is_complete(b"a", sample(1), at(0));
    group.member_waits(b"b", at(0));
    let overdue = with(OnDeadline::AnnounceIncomplete);
    let step = judge(&mut group, &overdue, 29);
    assert!(matches!(step, Step::Wait { again, alert: false, .. } if again <= at(30)), "{step:?}");
    let step = judge(&mut group, &overdue, 30);
    assert!(
        matches!(&step, Step::Overdue { reason, alert: true, .. } if reason.code() == "waiting.members"),
        "{step:?}"
    );
    group.mark_overdue();
    assert!(group.is_overdue());
    assert!(waits_for(&judge(&mut group, &overdue, 31), "waiting.members"));
    assert!(is_complete(&judge(&mut group, &with(OnDeadline::Deliver), 31)));
    assert!(waits_for(&judge(&mut group, &with(OnDeadline::Hold), 31), "waiting.deadline"));
    group.member_is_complete(b"b", sample(2), at(32));
    assert!(is_complete(&judge(&mut group, &overdue, 32)));
}

#[test]
fn looks_become_rarer_until_a_member_changes() {
    let mut group = group();
    group.member_waits(b"a", at(0));
    let mut pauses = Vec::new();
    let mut now = at(0);
    for _ in 0..10 {
        let Step::Wait { again, .. } = group.judge(&of(Clause::Members), Beside::NOTHING, now, T0) else {
            panic!("complete");
        };
        pauses.push(again.saturating_sub(now));
        now = again;
    }
    assert!(pauses.windows(2).all(|two| two[0] <= two[1]) && pauses[9] == at(30), "{pauses:?}");
    group.member_waits(b"b", now);
    let Step::Wait { again, .. } = group.judge(&of(Clause::Members), Beside::NOTHING, now, T0) else {
        panic!("complete");
    };
    assert!(again.saturating_sub(now) < at(1));
}

/// What is kept up to date with each change is what counting anew would give.
#[test]
fn the_totals_are_those_of_the_members_after_any_changes() {
    let sample = |number: u64| Sample {
        size: number * 7,
        mtime: Stamp::new(1_000 + (number * 37 % 11) as i64, 0),
        ctime: Stamp::new(2_000 + (number * 53 % 13) as i64, 0),
        inode: number,
        links: 1,
    };
    let mut group = Group::new(Cause::Arrived, Duration::ZERO, Stamp::default());
    let mut state = 1_u64;
    for step in 0..2_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let path = format!("d/m{}", state >> 33 & 15);
        let now = Duration::from_millis(step);
        match state >> 60 {
            0..4 => group.member_waits(path.as_bytes(), now),
            4..12 => group.member_is_complete(path.as_bytes(), sample(state >> 40 & 31), now),
            _ => drop(group.member_is_gone(path.as_bytes(), now)),
        }
        let mut again = Group::new(Cause::Arrived, Duration::ZERO, Stamp::default());
        for member in group.members().map(<[u8]>::to_vec).collect::<Vec<_>>() {
            match group.member(&member) {
                Some(sample) => again.member_is_complete(&member, sample, now),
                None => again.member_waits(&member, now),
            }
        }
        for with_inode in [true, false] {
            assert_eq!(group.view(with_inode), again.view(with_inode), "step {step}");
        }
        assert_eq!(group.blocking(), again.blocking(), "step {step}");
    }
}
