use model::Reason;
use settle::{RuleMask, Selection};

use super::*;

fn of(args: &Args, existing: &[&str]) -> Rules {
    let existing: Vec<OsString> = existing.iter().map(OsString::from).collect();
    rules(args, Scene { absolute: Path::new("/data/w"), existing: &existing }, "dlm")
}

fn watched() -> Args {
    Args { directory: "/data/w".into(), ..Args::default() }
}

/// What becomes of a file's path: the name of the rule that takes it, and of which unit it is a part.
fn fate(rules: &Rules, path: &[u8]) -> (String, usize) {
    let mut mask = RuleMask::EMPTY;
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        mask = rules.directory_mask(&path[..at], mask);
    }
    match rules.select(path, mask) {
        Selection::Taken(rule) => (rules.rules[rule].name.clone(), path.len()),
        Selection::Member { rule, len } => (rules.rules[rule].name.clone(), len),
        Selection::Ignored(Reason::IgnoredFilter { .. }) => ("out".to_owned(), 0),
        Selection::Ignored(other) => panic!("{other:?}"),
    }
}

fn is(rules: &Rules, path: &[u8]) -> String {
    fate(rules, path).0
}

#[test]
fn first_names_are_products_and_nothing_below_is() {
    let rules = of(&watched(), &[]);
    assert_eq!(fate(&rules, b"a.dat"), ("files".into(), 5));
    assert_eq!(fate(&rules, b"ska-data-product.yaml"), ("files".into(), 21));
    assert_eq!(fate(&rules, b"dp/x"), ("directories".into(), 2));
    assert_eq!(fate(&rules, b"dp/sub/deep/x"), ("directories".into(), 2));
    assert_eq!(fate(&rules, b"vis.ms/SUB/t"), ("directories".into(), 6));
    assert_eq!(is(&rules, b"na\xffme"), "files");
}

/// B09 and X14: what is left out at the top is a child all the same.
#[test]
fn inotify_mode_leaves_out_what_the_library_does() {
    let rules = of(&watched(), &[]);
    for name in [".hidden_file", "plain", "x.py", "a.sw", "~a", "x.swap", "pycache", ".envrc", "a b"] {
        assert_eq!(is(&rules, name.as_bytes()), "files", "{name}");
    }
    let out = [
        "backup~",
        "mod.pyc",
        "mod.pyo",
        "mod.pyd",
        ".x.swp",
        "x.swé",
        ".DS_Store",
        "flycheck_a",
        ".#lock",
        ".git",
        "node_modules",
        ".directory_watcher_status.run",
    ];
    for name in out {
        assert_eq!(is(&rules, name.as_bytes()), "out", "{name}");
        assert_eq!(is(&rules, format!("{name}/in").as_bytes()), "out", "{name}/in");
        assert_eq!(is(&rules, format!("dp/{name}").as_bytes()), "directories", "dp/{name}");
        assert_eq!(is(&rules, format!("dp/{name}/in").as_bytes()), "directories", "dp/{name}/in");
    }
    assert_eq!(is(&rules, b".hidden_dir/in"), "out");
    assert_eq!(is(&rules, b".hidden_dir/sub/in"), "out");
}

/// P05.
#[test]
fn polling_mode_leaves_out_hidden_directories_and_the_status_file() {
    let rules = of(&Args { polling: true, ..watched() }, &[]);
    for name in [".hidden_file", "backup~", "mod.pyc", ".DS_Store", "flycheck_a", ".git", "plain"] {
        assert_eq!(is(&rules, name.as_bytes()), "files", "{name}");
    }
    assert_eq!(is(&rules, b".directory_watcher_status.run"), "out");
    assert_eq!(is(&rules, b".hidden_dir/in"), "out");
    assert_eq!(is(&rules, b"node_modules/in"), "directories");
}

/// What is left out whole costs nothing: it is not looked into.
#[test]
fn what_lies_below_a_directory_that_is_left_out_is_pruned() {
    let rules = of(&watched(), &[]);
    let mask = |dir: &[u8], parent| rules.directory_mask(dir, parent);
    let hidden = mask(b".hidden", RuleMask::EMPTY);
    assert!(rules.prunes(mask(b".hidden/sub", hidden)));
    let taken = mask(b"dp", RuleMask::EMPTY);
    assert!(!rules.prunes(taken) && !rules.prunes(mask(b"dp/sub", taken)));
}

/// O07: newer versions know one name only.
#[test]
fn the_status_file_is_left_out_under_the_name_that_its_version_knows() {
    let named = Args { status_file_name: "other[1].run".into(), ..watched() };
    let rules = of(&named, &[]);
    assert_eq!(
        (is(&rules, b"other[1].run"), is(&rules, STATUS_FILE.as_bytes())),
        ("files".into(), "out".into())
    );
    let rules = of(&Args { dialect: DlmDialect::V20, ..named.clone() }, &[]);
    assert_eq!(
        (is(&rules, b"other[1].run"), is(&rules, STATUS_FILE.as_bytes())),
        ("out".into(), "files".into())
    );
    assert_eq!(is(&rules, b"other1.run"), "files");
    let beside = b"other[1].run.4711.tmp";
    assert_eq!(is(&rules, beside), "files");
    let written = Args { dialect: DlmDialect::V20, use_status_file: true, ..named };
    assert_eq!(is(&of(&written, &[]), beside), "out", "the file is made beside itself");
}

#[test]
fn the_originals_slips_are_for_strict_mode() {
    for directory in ["w", "/data/w/"] {
        let args = Args { directory: directory.into(), ..Args::default() };
        assert_eq!(is(&of(&args, &[]), STATUS_FILE.as_bytes()), "out");
        assert_eq!(is(&of(&Args { strict: true, ..args }, &[]), STATUS_FILE.as_bytes()), "files");
    }
    let below = |strict, polling| {
        let args = Args { polling, strict, ..watched() };
        let scene = Scene { absolute: Path::new("/x/node_modules/w"), existing: &[] };
        let rules = rules(&args, scene, "dlm");
        (is(&rules, b"plain"), is(&rules, b"dp/x"))
    };
    let taken = ("files".to_owned(), "directories".to_owned());
    assert_eq!(below(true, false), ("out".into(), "out".into()));
    assert_eq!((below(false, false), below(true, true)), (taken.clone(), taken));
}

/// E02: at the start there is no filter at all.
#[test]
fn what_exists_is_taken_without_any_filter() {
    let existing = ["old.dat", ".hid", ".hiddir", STATUS_FILE, "olddir", "backup~", "[a]~", "new\nline~"];
    let rules = of(&Args { include_existing: true, ..watched() }, &existing);
    for name in [STATUS_FILE, "backup~", "[a]~", "new\nline~"] {
        assert_eq!(is(&rules, name.as_bytes()), "existing files", "{name}");
    }
    assert_eq!(fate(&rules, b".hiddir/in"), ("existing directories".into(), 7));
    assert_eq!((is(&rules, b"old.dat"), is(&rules, b".hid")), ("files".into(), "existing files".into()));
    assert_eq!(fate(&rules, b"olddir/a"), ("directories".into(), 6));
    for new in ["a~", ".new/in", ".new/sub/in", "x.pyc"] {
        assert_eq!(is(&rules, new.as_bytes()), "out", "{new}");
    }
    assert_eq!(of(&watched(), &existing), of(&watched(), &[]), "without the flag nothing is known of it");
}

#[test]
fn a_name_that_is_no_text_is_taken_too() {
    use std::os::unix::ffi::OsStringExt as _;
    let existing = [OsString::from_vec(b"\xff~".to_vec())];
    let args = Args { include_existing: true, ..watched() };
    let rules = rules(&args, Scene { absolute: Path::new("/w"), existing: &existing }, "dlm");
    assert_eq!((is(&rules, b"\xff~"), is(&rules, b"\xfe~")), ("existing files".into(), "out".into()));
}

#[test]
fn a_product_is_complete_when_it_is_quiet() {
    let completion = |args: &Args| of(args, &[]).rules[0].completion.clone();
    let usual = Completion::preset("data-product").unwrap();
    assert_eq!(completion(&watched()), usual);
    let waits = Args { wait_time: Some(Duration::from_secs(7)), ..watched() };
    assert_eq!(Some(completion(&waits)), usual.with_quiet(Duration::from_secs(7)));
    let strict = completion(&Args { strict: true, ..waits });
    assert_eq!(strict, Completion::of(Expr::Clause(Clause::Quiet(Quiet::For(BATCH)))));
    assert!(
        of(&watched(), &[]).rules.iter().all(|rule| rule.shape.late == Late::Ignore && rule.to == ["dlm"])
    );
}
