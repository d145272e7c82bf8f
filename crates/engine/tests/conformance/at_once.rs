//! What events tell is told by events: not by the comparison that would find it later.
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

/// One script as two tests.
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
        append a/m/c/f more
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
        append a/b/f more
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
        append n/o/p/f more
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
