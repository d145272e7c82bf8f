use super::*;

const W1: StreamNumber = StreamNumber(1);
const W2: StreamNumber = StreamNumber(2);
const SUB: StreamNumber = StreamNumber(3);
const NOW: Mono = Mono::from_secs(100);

/// Two trees beside one another, and one within the first.
fn desk() -> Pairing {
    let mut desk = Pairing::default();
    desk.enroll(W1, b"/s/w1");
    desk.enroll(W2, b"/s/w10");
    desk.enroll(SUB, b"/s/w1/sub");
    desk
}

fn half(stream: StreamNumber, from: bool, path: &[u8]) -> Half<'_> {
    Half { stream, cookie: 7, from, path, sinks: &[SinkId(1)], made_up: false }
}

fn own(path: &[u8]) -> Met {
    Met::Own { path: path.into(), sinks: Box::new([SinkId(1)]) }
}

fn foreign(path: &[u8]) -> Met {
    Met::Foreign { path: path.into() }
}

#[test]
fn a_rename_within_a_tree_is_put_together_once() {
    let mut desk = desk();
    assert_eq!(desk.meet(&half(W1, true, b"/s/w1/f"), NOW), Met::Nobody);
    assert_eq!(desk.meet(&half(W1, false, b"/s/w1/g"), NOW), own(b"/s/w1/f"));
    assert_eq!(desk.len(), 0);
}

#[test]
fn a_rename_between_trees_is_put_together_in_either_order() {
    for first in [true, false] {
        let mut desk = desk();
        let (from, to) = (half(W1, true, b"/s/w1/f"), half(W2, false, b"/s/w10/g"));
        let (one, other) = if first { (from, to) } else { (to, from) };
        assert_eq!(desk.meet(&one, NOW), Met::Nobody);
        assert_eq!(desk.meet(&other, NOW), foreign(one.path));
    }
}

/// Each of the nested watches sees both halves; whatever the order, each gets its own pair, and none is made of one
/// path twice.
#[test]
fn nested_trees_get_a_pair_each() {
    let halves = [
        half(W1, true, b"/s/w1/sub/f"),
        half(W1, false, b"/s/w1/sub/g"),
        half(SUB, true, b"/s/w1/sub/f"),
        half(SUB, false, b"/s/w1/sub/g"),
    ];
    for order in [[0, 1, 2, 3], [0, 2, 1, 3], [0, 2, 3, 1], [2, 0, 1, 3], [2, 0, 3, 1], [2, 3, 0, 1]] {
        let mut desk = desk();
        for at in order {
            let met = desk.meet(&halves[at], NOW);
            let expected = if halves[at].from { Met::Nobody } else { own(b"/s/w1/sub/f") };
            assert_eq!(met, expected, "{order:?}");
        }
        assert_eq!(desk.len(), 0);
    }
}

/// The inner stream sees one half only, and the outer one both: the pair is the outer one's.
#[test]
fn a_rename_into_a_nested_tree_is_the_outer_ones() {
    let mut desk = desk();
    assert_eq!(desk.meet(&half(SUB, false, b"/s/w1/sub/g"), NOW), Met::Nobody);
    assert_eq!(desk.meet(&half(W1, true, b"/s/w1/f"), NOW), Met::Nobody);
    assert_eq!(desk.meet(&half(W1, false, b"/s/w1/sub/g"), NOW), own(b"/s/w1/f"));
}

#[test]
fn two_trees_are_put_together_once_however_many_see_a_half() {
    let mut desk = desk();
    desk.enroll(StreamNumber(4), b"/s/w10/in");
    assert_eq!(desk.meet(&half(W1, true, b"/s/w1/sub/f"), NOW), Met::Nobody);
    assert_eq!(desk.meet(&half(SUB, true, b"/s/w1/sub/f"), NOW), Met::Nobody);
    assert_eq!(desk.meet(&half(W2, false, b"/s/w10/in/g"), NOW), foreign(b"/s/w1/sub/f"));
    assert_eq!(desk.meet(&half(StreamNumber(4), false, b"/s/w10/in/g"), NOW), Met::Nobody);
}

#[test]
fn a_half_without_another_is_forgotten_in_time_and_in_number() {
    let mut desk = desk();
    let (from, to) = (half(W1, true, b"/s/w1/f"), half(W1, false, b"/s/w1/g"));
    assert_eq!(desk.meet(&from, NOW), Met::Nobody);
    assert_eq!(desk.meet(&to, NOW + PATIENCE), Met::Nobody);
    for cookie in 0..2 * LIMIT as u32 {
        desk.meet(&Half { cookie, ..from }, NOW + PATIENCE);
    }
    assert!(desk.len() <= LIMIT && desk.order.len() <= LIMIT);
    let late = Half { cookie: 2 * LIMIT as u32 - 1, ..to };
    assert_eq!(desk.meet(&late, NOW + PATIENCE), own(b"/s/w1/f"), "the newest are kept");
}

#[test]
fn a_cookie_that_was_made_up_means_nothing_elsewhere() {
    let mut desk = desk();
    let from = Half { made_up: true, ..half(W1, true, b"/s/w1/f") };
    assert_eq!(desk.meet(&from, NOW), Met::Nobody);
    assert_eq!(desk.meet(&half(W2, false, b"/s/w10/g"), NOW), Met::Nobody);
    assert_eq!(desk.meet(&Half { made_up: true, ..half(W1, false, b"/s/w1/g") }, NOW), own(b"/s/w1/f"));
}

#[test]
fn two_streams_of_one_tree_or_of_the_root_are_not_apart() {
    let mut desk = desk();
    desk.enroll(StreamNumber(5), b"/s/w1");
    desk.enroll(StreamNumber(6), b"/");
    for other in [StreamNumber(5), StreamNumber(6)] {
        assert!(!apart(&desk.roots, W1, other), "{other:?}");
    }
    assert!(apart(&desk.roots, W1, W2), "w1 does not contain w10");
}
