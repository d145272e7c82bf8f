//! What events tell is told by events, and what the time of a directory tells, by a cheap pass: not by the
//! comparison that would find it later.
//!
//! Some steps make the source compare everything soon. On a busy machine that may come first, so each script
//! has several attempts.

use config::Backend;

use crate::run::is_heard_at_once;

const ATTEMPTS: usize = 5;

fn heard_at_once(script: &str, backend: Backend) {
    let heard = (0..ATTEMPTS).any(|_| is_heard_at_once(script, backend).unwrap_or(true));
    assert!(heard, "only a comparison found it, {ATTEMPTS} times");
}

/// One script as three tests.
macro_rules! at_once {
    ($name:ident, $script:expr) => {
        mod $name {
            #[test]
            fn inotify() {
                super::heard_at_once($script, config::Backend::Inotify);
            }

            #[test]
            fn fanotify() {
                super::heard_at_once($script, config::Backend::Fanotify);
            }

            #[test]
            fn poll() {
                super::heard_at_once($script, config::Backend::Poll);
            }
        }
    };
}

at_once!(
    what_is_written_below_a_renamed_directory,
    "
        mkdir -p a/b/c
        write a/b/c/f x
        settle
        rename a/b a/m
        write a/m/c/g x
    "
);

at_once!(
    what_is_written_below_exchanged_directories,
    "
        mkdir -p a/b/c
        mkdir -p d/e/f
        settle
        exchange a/b d/e
        write a/b/f/one x
        write d/e/c/two x
    "
);

at_once!(
    what_is_written_in_a_directory_made_again,
    "
        mkdir -p a/b
        write a/b/f x
        settle
        rm -r a
        mkdir -p a/b
        write a/b/f x
        settle
        write a/g x
    "
);

at_once!(
    what_comes_with_a_directory_and_after_it,
    "
        mkdir -p outside:t/a/b
        write outside:t/a/b/f x
        rename outside:t t
        settle
        write t/a/b/g x
        mkdir -p n/o/p
        write n/o/p/f x
        settle
        write n/o/p/g x
    "
);

at_once!(
    files_renamed_replaced_linked_and_exchanged,
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
    "
);

// Polling lists a directory again and again for some seconds after it has changed; here that is over.
at_once!(
    what_comes_into_directories_that_were_quiet,
    "
        mkdir -p a/b
        write a/b/f x
        mkdir c
        write c/f x
        settle
        old barrier-1
        write a/b/g x
        mkdir -p c/d/e
        write c/d/e/f x
        settle
        rename c/d a/d
        write a/d/e/g x
    "
);

/// No time of a directory tells of it: events do.
const IN_PLACE: &str = "
    mkdir -p a/b
    write a/b/f x
    settle
    append a/b/f more
    rename a/b a/c
    append a/c/f more
    link a/c/f a/g
    settle
    append a/g more
";

#[test]
fn what_changes_in_place_by_inotify() {
    heard_at_once(IN_PLACE, Backend::Inotify);
}

#[test]
fn what_changes_in_place_by_fanotify() {
    heard_at_once(IN_PLACE, Backend::Fanotify);
}
