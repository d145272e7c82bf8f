use super::*;

fn check(pattern: &str, yes: &[&[u8]], no: &[&[u8]]) {
    let compiled = Pattern::parse(pattern).unwrap();
    assert_eq!(compiled.text(), pattern);
    for path in yes {
        assert!(compiled.matches(path), "{pattern} should match {}", path.escape_ascii());
    }
    for path in no {
        assert!(!compiled.matches(path), "{pattern} should not match {}", path.escape_ascii());
    }
}

fn words(pattern: &str) -> String {
    Pattern::parse(pattern).expect_err(pattern).to_string()
}

#[test]
fn without_a_slash_the_last_name_is_asked() {
    check("*", &[b"a", b"a/b", b"\xff\n", b".x"], &[]);
    check("**", &[b"a", b"a/b"], &[]);
    check("*.t", &[b"a.t", b"d/e/a.t", b".t", b"\xff.t"], &[b"a.tt", b"a.t/b", b"at"]);
    check("core*", &[b"core", b"core.1", b"d/core"], &[b"xcore", b"core/x"]);
    check("README", &[b"README", b"d/README"], &[b"README.md", b"README/x"]);
    check("a*c", &[b"ac", b"abc", b"d/a.\n.c", b"a\xffc"], &[b"a/c", b"abcd", b"xabc"]);
}

#[test]
fn with_a_slash_the_whole_path_is_asked() {
    check("a/b", &[b"a/b"], &[b"x/a/b", b"a/b/c", b"b"]);
    check("/b", &[b"b"], &[b"a/b"]);
    check("a/*.t", &[b"a/x.t"], &[b"a/b/x.t", b"x.t"]);
    check("a/**", &[b"a/b", b"a/b/c"], &[b"a", b"ab/c", b"x/a/b"]);
    check("**/b", &[b"b", b"a/b", b"a/c/b"], &[b"ab", b"a/bb"]);
    check("a/**/b", &[b"a/b", b"a/x/b", b"a/x/y/b"], &[b"a/xb", b"b", b"a/x/bb"]);
    check("**/*", &[b"a", b"a/b"], &[]);
    check("**/x/*.dat", &[b"x/1.dat", b"a/x/1.dat"], &[b"a/x/y/1.dat", b"1.dat"]);
    check("a/b**c", &[b"a/bc", b"a/bxc"], &[b"a/b/c"]);
}

#[test]
fn question_marks_classes_and_braces() {
    check("a?c", &[b"abc", b"a\xffc", "a\u{e4}c".as_bytes(), b"a\nc"], &[b"ac", b"a/c", b"abbc"]);
    check("[a-c]x", &[b"ax", b"d/cx"], &[b"dx", b"x"]);
    check("[!a-c]x", &[b"dx", b"\xffx"], &[b"ax", b"a/x"]);
    check("[^a]", &[b"b"], &[b"a"]);
    check("[]a-]", &[b"]", b"a", b"-"], &[b"b"]);
    check("[\u{e4}\u{f6}]", &["\u{e4}".as_bytes()], &[b"\xc3", "\u{fc}".as_bytes()]);
    check("x[.-0]y/z", &[b"x.y/z", b"x0y/z"], &[b"x/y/z"]);
    check("*.{jpg,png}", &[b"a.jpg", b"d/a.png"], &[b"a.gif", b"a.{jpg,png}"]);
    check("{a,b{c,d}}*", &[b"a1", b"bc2", b"bd"], &[b"b1"]);
    check("a{,b}", &[b"a", b"ab"], &[b"abb"]);
    check("a,b", &[b"a,b"], &[b"a"]);
    check("{a/b,c}", &[b"a/b", b"c"], &[b"x/c"]);
}

#[test]
fn a_backslash_takes_the_meaning_away() {
    check(r"\*", &[b"*"], &[b"a"]);
    check(r"\[x\]\?", &[b"[x]?"], &[b"x"]);
    check(r"\re:x", &[b"re:x"], &[b"x"]);
    check(r"a\\b", &[br"a\b"], &[b"ab"]);
    check(r"[\]\-a]", &[b"]", b"-", b"a"], &[b"b", br"\"]);
}

#[test]
fn regex_characters_in_globs_are_literal() {
    check("a.b+(c)^$|*x?", &[b"a.b+(c)^$|-x1"], &[b"aXb+(c)^$|-x1"]);
}

#[test]
fn regexes_search_bytes() {
    check(r"re:.*\.[0-9]{2}$", &[b"a.01", b"d/x.99", b"\xff.12", b"a\nb.12"], &[b"a.123", b"a.01\n"]);
    check("re:b", &[b"abc", b"b/x"], &[b"ac"]);
    check("re:^a.c$", &[b"a\nc", b"a\xffc"], &["a\u{e4}c".as_bytes()]);
    check("re:^a(?u:.)c$", &["a\u{e4}c".as_bytes()], &[b"a\xffc"]);
    check("re:\u{e9}", &["caf\u{e9}".as_bytes()], &[b"cafe"]);
    check(r"re:\xff", &[b"a\xff"], &["\u{ff}".as_bytes()]);
}

#[test]
fn python_expressions_look_at_the_last_name() {
    check(r"py:foo", &[b"foobar", b"d/foo"], &[b"xfoo", b"foo/x"]);
    check(r"py:^.*\.t$", &[b"a.t", b"d/a.t\n"], &[b"a\nb.t", b"a.tt"]);
}

#[test]
fn mistakes_are_said_in_words() {
    assert!(words("").contains("empty"));
    assert!(words("[ab").contains("[ is never closed"));
    assert!(words("[").contains("never closed"));
    assert!(words(r"[\").contains("never closed"));
    assert!(words("[b-a]").contains("b-a"));
    assert!(words("[[:alpha:]]").contains("[a-zA-Z]"));
    assert!(words("{a,b").contains("{ is never closed"));
    assert!(words("a}").contains("} without {"));
    assert!(words(r"a\").contains("escapes nothing"));
    assert!(words("tmp/").contains("ends with /"));
    assert!(words("a//b").contains("//"));
    assert!(words("../a").contains(".."));
    assert!(words("./a").contains("relative"));
    assert!(words("re:a(b").contains("unclosed group"), "{}", words("re:a(b"));
    assert!(words("re:(?=a)").contains("look-around"), "{}", words("re:(?=a)"));
    assert!(words("re:[\u{e9}]").contains("(?u:[…])"));
    assert!(words("re:((a{1000}){1000}){1000}").contains("smaller repetitions"));
    assert!(words(&"x".repeat(20_000)).contains("longer"));
    for pattern in ["re:a(b", "py:a(b", "[ab", "re:*"] {
        assert!(!words(pattern).contains('\n'), "one line: {}", words(pattern));
    }
}

#[test]
fn patterns_are_equal_when_written_the_same() {
    let parse = |text| Pattern::parse(text).unwrap();
    assert_eq!(parse("*.a"), parse("*.a"));
    assert_ne!(parse("*.a"), parse("*.b"));
}

#[test]
fn a_directory_may_hold_matches_or_not() {
    let may = |pattern: &str, dir: &[u8]| Pattern::parse(pattern).unwrap().may_match_in(dir);
    for (pattern, yes, no) in [
        ("a/*.t", &[&b"a"[..]][..], &[&b""[..], b"b", b"a/b"][..]),
        ("/x", &[b""], &[b"a"]),
        ("a/*/x", &[b"a/b"], &[b"a", b"a/b/c", b"b/b"]),
        ("a/**/x", &[b"a", b"a/b", b"a/b/c"], &[b"", b"b"]),
        ("a/**", &[b"a", b"a/b"], &[b"", b"b"]),
        ("**/x", &[b"", b"a", b"a/b"], &[]),
        ("*.t", &[b"", b"a", b"a/b"], &[]),
        ("re:^a/b$", &[b"", b"a", b"z"], &[]),
        ("{a/b,c}/x", &[b"", b"a/b", b"z"], &[]),
    ] {
        for dir in yes {
            assert!(may(pattern, dir), "{pattern} in {}", dir.escape_ascii());
        }
        for dir in no {
            assert!(!may(pattern, dir), "{pattern} in {}", dir.escape_ascii());
        }
    }
}
