//! What events tell is told by events: not by the comparison that would find it later.
//!
//! Some steps make the source compare everything soon. On a busy machine that may come first, so each script
//! has several attempts.

use config::Backend;

use crate::run::is_heard_at_once;

const ATTEMPTS: usize = 5;

fn heard_at_once(script: &str) {
    for backend in [Backend::Inotify, Backend::Fanotify] {
        let heard = (0..ATTEMPTS).any(|_| is_heard_at_once(script, backend).unwrap_or(true));
        assert!(heard, "{backend:?}: only a comparison found it, {ATTEMPTS} times");
    }
}

#[test]
fn what_is_written_below_a_renamed_directory() {
    heard_at_once(
        "
        mkdir -p a/b/c
        write a/b/c/f x
        settle
        rename a/b a/m
        write a/m/c/g x
        append a/m/c/f more
        ",
    );
}

#[test]
fn what_is_written_below_exchanged_directories() {
    heard_at_once(
        "
        mkdir -p a/b/c
        mkdir -p d/e/f
        settle
        exchange a/b d/e
        write a/b/f/one x
        write d/e/c/two x
        ",
    );
}

#[test]
fn what_is_written_in_a_directory_made_again() {
    heard_at_once(
        "
        mkdir -p a/b
        write a/b/f x
        settle
        rm -r a
        mkdir -p a/b
        write a/b/f x
        settle
        append a/b/f more
        write a/g x
        ",
    );
}

#[test]
fn what_comes_with_a_directory_and_after_it() {
    heard_at_once(
        "
        mkdir -p outside:t/a/b
        write outside:t/a/b/f x
        rename outside:t t
        settle
        write t/a/b/g x
        mkdir -p n/o/p
        write n/o/p/f x
        settle
        append n/o/p/f more
        ",
    );
}

#[test]
fn files_renamed_replaced_linked_and_exchanged() {
    heard_at_once(
        "
        mkdir d
        write a.part x
        rename a.part a
        settle
        rename a d/a
        write b y
        settle
        exchange b d/a
        settle
        link b c
        rm c
        link b c
        ",
    );
}
