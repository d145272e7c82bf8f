use super::*;

type Case = (&'static str, &'static [&'static [u8]], &'static [&'static [u8]]);

/// Expression, names that match, names that do not; recorded from Python 3.11's `re.match` on
/// names decoded by `os.fsdecode`.
#[rustfmt::skip]
const RECORDED: &[Case] = &[
    (r"foo", &[b"foo", b"foobar"], &[b"xfoo", b"Foo"]),
    (r"^.*\.t$", &[b"a.t", b"a.t\n", b".t"], &[b"a\nb.t", b"a.tt"]),
    (r"^.*\.working$", &[b"a.working", b"a.working\n"], &[b"a\nb.working"]),
    (r"^.*$", &[b"", b"a", b"ab\n", b"\n"], &[b"a\nb"]),
    (r"(^.*\.working$)|(^.*\.t$)|(^.*\.tmp$)", &[b"a.t", b"a.tmp\n", b"b.working"], &[b"a.dat", b"a.t.x"]),
    (r"", &[b"", b"anything"], &[]),
    (r"(x)|()", &[b"x", b"y"], &[]),
    (r"a$\n", &[b"a\n"], &[b"a", b"a\n\n"]),
    (r"a$", &[b"a", b"a\n"], &[b"a\n\n", b"ab"]),
    (r"a\Z", &[b"a"], &[b"a\n"]),
    (r"(?m)a$", &[b"a\nb", b"a"], &[b"ab"]),
    (r"(?s)a.b", &[b"a\nb", b"axb"], &[]),
    (r"a.b", &[b"axb", b"a\xffb", b"a\xc3\xa9b", b"a\rb"], &[b"a\nb"]),
    (r"(?i)ABC", &[b"abc", b"aBc"], &[b"abd"]),
    (r"(?i)É", &[b"\xc3\xa9"], &[b"e"]),
    (r"(?i:a)b", &[b"Ab"], &[b"AB"]),
    (r"(?ai)k", &[b"K"], &[b"\xe2\x84\xaa"]),
    (r"(?i)k", &[b"K", b"\xe2\x84\xaa"], &[]),
    (r"\d+$", &[b"12", b"\xd9\xa3"], &[b"\xc2\xb2", b"a"]),
    (r"\w+$", &[b"a\xc3\xa9_1", b"\xc2\xb2"], &[b"e\xcc\x81", b"a\xff", b"a-"]),
    (r"\W+$", &[b"\xff", b"-"], &[b"a"]),
    (r"\s$", &[b" ", b"\x1c", b"\xc2\xa0"], &[b"\xe2\x80\x8b"]),
    (r"(?a)\w+$", &[b"a1_"], &[b"\xc3\xa9"]),
    (r"(?a)\s$", &[b" "], &[b"\xc2\xa0", b"\x1c"]),
    (r"\bfoo\b.*", &[b"foo", b"foo-x", b"foo\xcc\x81"], &[b"foo\xc2\xb2"]),
    (r".\Bx", &[b"ax"], &[b"-x"]),
    (r"(?P<n>a|b)(?P=n)$", &[b"aa", b"bb"], &[b"ab"]),
    (r"(.)\1$", &[b"xx", b"\xc3\xa9\xc3\xa9"], &[b"xy"]),
    (r"(a)?b\1$", &[b"aba"], &[b"b", b"ab"]),
    (r"(?i)(a)\1$", &[b"aA"], &[b"ab"]),
    (r"(?!tmp)\w+", &[b"xtmp"], &[b"tmpx"]),
    (r"(?=.*\.dat$)a", &[b"a.dat", b"a.dat\n"], &[b"a.txt"]),
    (r".*(?<!\.t)$", &[b"a.d"], &[b"a.t", b"a.t\n"]),
    (r".*(?<=\.dat)$", &[b"a.dat"], &[b"a.da"]),
    (r"(a)?(?(1)b|c)$", &[b"ab", b"c"], &[b"ac", b"b"]),
    (r#"(?P<q>")?x(?(q)")$"#, &[b"\"x\"", b"x"], &[b"\"x"]),
    (r"a{,2}b", &[b"b", b"aab"], &[b"aaab"]),
    (r"a{2}$", &[b"aa"], &[b"a", b"aaa"]),
    (r"a{1,}$", &[b"a", b"aaa"], &[b""]),
    (r"a{,}b", &[b"aaaab", b"b"], &[]),
    (r"a{x}", &[b"a{x}"], &[b"ax"]),
    (r"{1", &[b"{1"], &[b"1"]),
    (r"a{1, 2}", &[b"a{1, 2}"], &[b"aa"]),
    (r"a*+a", &[], &[b"aaa"]),
    (r"(?>a|ab)c", &[b"ac"], &[b"abc"]),
    (r"(?x) a b # c", &[b"ab"], &[b"a b"]),
    (r"(?x: a ) b", &[b"a b"], &[b"ab"]),
    (r"[]a]+$", &[b"]a"], &[b"b"]),
    (r"[^]a]", &[b"b"], &[b"]"]),
    (r"[a-]+$", &[b"a-"], &[b"b"]),
    (r"[a&&b]+$", &[b"a&b"], &[b"c"]),
    (r"[[a]b]", &[b"[b]", b"ab]"], &[b"b"]),
    (r"[\w-]+$", &[b"a-b"], &[b"a.b"]),
    (r"[\d\-.]+$", &[b"1-."], &[b"a"]),
    (r"[\b]", &[b"\x08"], &[b"b"]),
    (r"[^\W\d]+$", &[b"ab"], &[b"a1"]),
    (r"\x41\u00e9\101\0\t", &[b"A\xc3\xa9A\x00\t"], &[b"A"]),
    (r"\udcff", &[b"\xff"], &[b"\xfe", b"\xc3\xbf"]),
    (r"[\udc80-\udcff]$", &[b"\xff"], &[b"a", b"\xc3\xbf"]),
    (r"[\x80-\U0010ffff]$", &[b"\xff", b"\xc3\xbf"], &[b"a"]),
    (r"\.\-\ ", &[b".- "], &[b"x- "]),
    (r"a(?#comment)*$", &[b"", b"aa"], &[b"b"]),
    (r"()*x", &[b"x"], &[]),
    (r"(?:(?=a))*a", &[b"a"], &[b"b"]),
    (r"(?:^)?a", &[b"a"], &[]),
    (r"(a*)*b", &[b"aab"], &[b"aa"]),
    (r"(?:a|ab)(?:c|bcd)(?:d*)$", &[b"abcd", b"abc"], &[]),
    (r"^[^.]*\.(grib|bufr)[12]?$", &[b"x.grib", b"x.grib2", b"x.bufr1\n"], &[b"x.y.grib", b"x.grib3"]),
    (r"(?u)é", &[b"\xc3\xa9"], &[]),
    (r"a|", &[b"a", b"b"], &[]),
    (r"(?-i:a)(?i:b)", &[b"aB"], &[b"AB"]),
];

/// Expressions that Python refuses too, and a part of what is said about them.
#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    (r"(a", r"never closed"),
    (r"a)", r"no opening"),
    (r"*a", r"nothing to repeat"),
    (r"^*", r"nothing to repeat"),
    (r"a**", r"follow each other"),
    (r"a{2,1}", r"runs backwards"),
    (r"[a", r"never closed"),
    (r"[b-a]", r"runs backwards"),
    (r"[\d-a]", r"at one end"),
    (r"\q", r"\q"),
    (r"\8", r"group 8"),
    (r"[\8]", r"\8"),
    (r"\1(a)", r"no group 1"),
    (r"(a\1)", r"still open"),
    (r"(?P=n)", r"no group is named n"),
    (r"(?P<n>a)(?P<n>b)", r"given twice"),
    (r"(?P<1>a)", r"no name"),
    (r"(?P<n", r"not ended"),
    (r"(?P>x)", r"unknown"),
    (r"(?<n>a)", r"(?P<name>"),
    (r"(?<=a*)b", r"fixed length"),
    (r"(?<=(a)\1)b", r"inside it"),
    (r"a(?i)b", r"very start"),
    (r"(a)|(?i)b", r"very start"),
    (r"(?L)a", r"flag L"),
    (r"(?y)a", r"(?y"),
    (r"(?iy)a", r"flag y"),
    (r"(?a-u:x)", r"turned off"),
    (r"(?i-i:x)", r"on and off"),
    (r"(?-:x)", r"followed"),
    (r"(?i", r"middle"),
    (r"(?au)x", r"exclude"),
    (r"(?#c", r"comment"),
    (r"\", r"lone"),
    (r"\x4", r"2 hexadecimal"),
    (r"\U00110000", r"no character"),
    (r"[\400]", r"377"),
    (r"(?(1)a|b|c)(x)", r"two branches"),
    (r"(?(2)a)", r"no group 2"),
    (r"(?(n)a)", r"named n"),
    (r"(?(0)a)", r"no number"),
];

#[test]
fn names_match_as_in_python() {
    for (text, yes, no) in RECORDED {
        let python = Python::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        for name in *yes {
            assert!(python.matches(name), "{text} should match {}", name.escape_ascii());
        }
        for name in *no {
            assert!(!python.matches(name), "{text} should not match {}", name.escape_ascii());
        }
        assert!(!python.gave_up(), "{text}");
    }
}

#[test]
fn what_python_refuses_is_refused_in_words() {
    for (text, part) in REFUSED {
        let words = Python::compile(text).expect_err(text).to_string();
        assert!(words.contains(part), "{text}: {words}");
        assert!(!words.contains('\n'), "one line: {words}");
    }
}

#[test]
fn what_is_not_supported_says_so() {
    for (text, part) in [
        (r"\N{EM DASH}", "not supported"),
        (r"(?<!(?:-?+){0}a)", "look-behind"),
        (r"(a(?(1)b))", "inside group 1"),
        (r"(?:\w{1000}){1000}", "too large"),
        (&"(".repeat(60), "nest deeper"),
    ] {
        let words = Python::compile(text).expect_err(text).to_string();
        assert!(words.contains(part), "{text}: {words}");
    }
}

#[test]
fn a_match_that_takes_too_long_is_given_up_and_remembered() {
    let python = Python::compile(r"(a|a)*(?=b)\1$").unwrap();
    let copy = python.clone();
    assert!(!python.matches(&b"a".repeat(200)));
    assert!(python.gave_up() && copy.gave_up(), "clones share the memory");
}

#[test]
fn expressions_without_references_take_linear_time() {
    let python = Python::compile(r"(a*)*(a*)*(a|aa)*b$").unwrap();
    assert!(!python.matches(&b"a".repeat(255)));
    assert!(!python.gave_up());
}
