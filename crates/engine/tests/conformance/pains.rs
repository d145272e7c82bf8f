//! What users of file watchers complain about most, each a test of its name. The numbers are the rows of the
//! survey of thirteen watchers; those that need other processes or mounts are in `staithe`'s own tests.

use std::fs;
use std::time::Instant;

use config::Backend;
use serde_json::Value;

use crate::rig::Rig;
use crate::run::{run, start};

const ALL: [Backend; 3] = [Backend::Inotify, Backend::Fanotify, Backend::Poll];

fn with_each(script: &str) {
    for backend in ALL {
        run(script, backend);
    }
}

fn last_scan(rig: &Rig) -> Value {
    rig.status()["sources"][0]["last_scan"].clone()
}

/// Without a whole comparison, which would find them anyhow, only later.
#[test]
fn pain_1_files_in_fresh_or_moved_in_directories_are_not_missed() {
    for backend in [Backend::Inotify, Backend::Fanotify] {
        let Some(rig) = start(backend) else { continue };
        let before = last_scan(&rig);
        let outside = rig.root().with_extension("outside");
        for number in 0..200 {
            let fresh = rig.path(&format!("d{number}/a/b/c"));
            fs::create_dir_all(&fresh).unwrap();
            fs::write(fresh.join("f"), b"x").unwrap();
            fs::create_dir_all(outside.join("a/b")).unwrap();
            fs::write(outside.join("a/b/f"), b"x").unwrap();
            fs::rename(&outside, rig.path(&format!("m{number}"))).unwrap();
            fs::write(rig.path(&format!("m{number}/a/b/g")), b"x").unwrap();
        }
        rig.until("all files", || rig.received() >= 600);
        assert_eq!(last_scan(&rig), before, "{backend:?}: they were found by a comparison");
    }
    run(
        "
        repeat 100
          mkdir -p d$i/a/b/c
          write d$i/a/b/c/f x
          mkdir -p outside:m/a/b
          write outside:m/a/b/f x
          rename outside:m m$i
          write m$i/a/b/g y
        end
        ",
        Backend::Poll,
    );
}

#[test]
fn pain_2_a_file_is_announced_when_it_is_finished() {
    with_each(
        "
        # A pause is no end.
        open slow one
        settle
        more slow two
        settle
        more slow three
        settle
        close slow
        # Nor is the first of two closes.
        mkdir d
        open d/two first
        link d/two d/other
        open d/other second
        close d/two
        settle
        more d/other end
        close d/other
        settle
        # Times set last are no new file.
        write stamped content
        touch stamped
        settle
        # One who comes back makes a new version, announced when it is finished as well.
        open slow again
        settle
        more slow evenmore
        close slow
        # The usual ways of publishing.
        write p.part content
        rename p.part p
        write q.part content
        link q.part q
        rm q.part
        tmpfile r content
        # Empty files are files.
        write empty
        ",
    );
}

#[test]
fn pain_8_no_event_speaks_of_a_path_that_was_renamed_away() {
    with_each(
        "
        mkdir -p a/b
        write a/b/old x
        settle
        rename a z
        write z/b/one x
        settle
        # A name that begins like another is another.
        mkdir z-sibling
        write z-sibling/f x
        rename z a
        write a/b/two x
        write z-sibling/g x
        settle
        # Renames in between each other.
        mkdir p
        mkdir q
        rename p r
        rename q p
        rename r q
        write p/f from-q
        write q/f from-p
        settle
        exchange p q
        append p/f more
        append q/f more
        ",
    );
}

#[test]
fn pain_9_a_file_that_is_replaced_is_still_watched() {
    with_each(
        "
        write f one
        settle
        repeat 5
          write f.tmp new$i
          rename f.tmp f
          settle
        end
        append f in-place
        settle
        # As some editors do: the old one is put aside.
        rename f f~
        write f edited
        settle
        rm f~
        rm f
        write f recreated
        settle
        append f more
        ",
    );
}

#[test]
fn pain_10_what_came_while_it_was_down_comes_once() {
    with_each(
        "
        mkdir -p d/e
        repeat 50
          write d/f$i x
        end
        settle
        down
        repeat 25
          append d/f$i more
          write d/e/new$i x
        end
        rename d/f30 d/e/f30
        rename d/e outside:e
        append outside:e/new3 more
        rename outside:e e
        up
        settle
        down
        up
        settle
        append e/new3 evenmore
        ",
    );
}

/// A comparison opens, lists, looks and probes; none of that may be heard, or it would feed itself.
#[test]
fn pain_12_a_comparison_makes_no_events_of_its_own() {
    for backend in ALL {
        let Some(rig) = start(backend) else { continue };
        for number in 0..20 {
            fs::create_dir(rig.path(&format!("d{number}"))).unwrap();
            (0..20).for_each(|file| fs::write(rig.path(&format!("d{number}/f{file}")), b"x").unwrap());
        }
        rig.until("all files", || rig.received() == 400);
        rig.barrier();
        let (received, begun) = (rig.received(), Instant::now());
        (0..10).for_each(|_| rig.rescan_only());
        let (took, quiet) = (begun.elapsed(), rig.engine().silent_for());
        assert!(quiet >= took, "{backend:?}: heard something {quiet:?} ago, within {took:?} of comparing");
        assert_eq!(rig.received(), received);
    }
}
