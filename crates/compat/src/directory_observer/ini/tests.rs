//! The dialect, case by case; what each file means to the original was measured with it.

use super::*;

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Ini, IniError> {
    Ini::read(text.as_bytes(), &variables.iter().copied().collect())
}

fn read(text: &str) -> Ini {
    read_with(text, &[]).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn error(text: &str) -> IniError {
    read_with(text, &[]).map(|_| ()).expect_err(text)
}

fn value<'a>(ini: &'a Ini, section: &str, key: &str) -> Option<&'a str> {
    let section =
        ini.sections.iter().find(|one| one.name == section).unwrap_or_else(|| panic!("no [{section}]"));
    Some(section.get(key)?.text.as_deref().unwrap())
}

#[test]
fn keys_delimiters_comments_and_case() {
    let ini =
        read("[s]\n# c\n ; c\nRedis_Port : 1\nb = a=b:c ; no comment\nc=\"q\"\nd =\n  \n e\u{e9}=x\r\n");
    assert_eq!(value(&ini, "s", "redis_port"), Some("1"));
    assert_eq!(value(&ini, "s", "b"), Some("a=b:c ; no comment"));
    assert_eq!(value(&ini, "s", "c"), Some("\"q\""));
    // The indented line continues the empty value of `d`.
    assert_eq!(value(&ini, "s", "d"), Some("\n\ne\u{e9}=x"));
    assert_eq!(ini.sections[0].get("b").unwrap().line, 5);
}

#[test]
fn continuation_lines() {
    assert_eq!(value(&read("[s]\na=1\n\n b2\n # c\n   b3\n\nb=2\n"), "s", "a"), Some("1\n\nb2\nb3"));
    assert_eq!(value(&read("[s]\na=1\n b2\n # c\n\n\n   b3=5\n\nb=2\n"), "s", "a"), Some("1\nb2\n\n\nb3=5"));
    let indented = read("  [s]\n  a=1\n  b=2\n   c=3\n");
    assert_eq!(value(&indented, "s", "a"), Some("1"));
    assert_eq!(value(&indented, "s", "b"), Some("2\nc=3"));
    assert_eq!(value(&read("[t]\na=1\n   \x0b\n x\n"), "t", "a"), Some("1\n\n\nx"));
}

#[test]
fn section_names_are_verbatim() {
    let ini = read("[ a b ] tail\nx=1\n[s]]\nx=2\n[c:d]\nx=3\n[]y=4\n");
    let names: Vec<&str> = ini.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, [" a b ", "s]", "c:d"]);
    assert_eq!(value(&ini, "c:d", "[]y"), Some("4"));
}

#[test]
fn lines_end_also_at_python_line_ends() {
    let ini = read("[t]\na=1\u{2028}b=2\x0cc=3\rd=4");
    assert_eq!(value(&ini, "t", "a"), Some("1"));
    assert_eq!(value(&ini, "t", "d"), Some("4"));
}

#[test]
fn load_errors_name_their_line() {
    assert_eq!(error("x=1\n[s]\n"), IniError::MissingHeader { line: 1, text: "x=1".into() });
    assert!(error("\u{feff}[s]\n").to_string().contains("byte order mark"));
    assert_eq!(error("[s]\na=1\n[s]\n"), IniError::DuplicateSection { line: 3, name: "s".into(), first: 1 });
    let twice = IniError::DuplicateKey { line: 4, section: "s".into(), key: "queue".into(), first: 2 };
    assert_eq!(error("[s]\nqueue=1\nb=1\nQueue : 2\n"), twice);
    assert_eq!(error("[s]\njustakey\n"), IniError::NoDelimiter { line: 2, text: "justakey".into() });
    assert_eq!(error("[s]\n=1\n").line(), 2);
    assert!(matches!(error("[_s]\na=1\na=2\n"), IniError::DuplicateKey { .. }));
    let latin = Ini::read(b"[s]\nqueue=\xe9\n", &Environment::default());
    assert_eq!(latin.map(|_| ()), Err(IniError::Encoding { line: 2 }));
}

#[test]
fn an_error_in_any_template_that_could_hold_is_a_load_error() {
    for text in [
        "[_s]\na={{ 1/0 }}\n",
        "[t]\nb={{\n",
        "[t]\nb={{ 1/0 }}\nb[generic]=1\n",
        "[common]\nb={{ 1/0 }}\n[t]\nb=1\n",
        "[t]\nunknown={% if %}\n",
    ] {
        assert!(matches!(error(text), IniError::Template { .. }), "{text}");
    }
    // A variant of another configuration is not looked at.
    assert_eq!(value(&read("[t]\nb[zz]={{ 1/0 }}\nc=1"), "t", "c"), Some("1"));
}

#[test]
fn values_are_rendered_twice() {
    let variables = [("NAME", "{{OTHER}}"), ("OTHER", "deep"), ("X3", "{{NAME}}"), ("BAD", "{{ 1/0 }}")];
    let ini = read_with("[s]\na=step.{{NAME}}\nb={{X3}}\nc={{BAD}}\nd=100%\n", &variables).unwrap();
    assert_eq!(value(&ini, "s", "a"), Some("step.deep"));
    assert_eq!(value(&ini, "s", "b"), Some("{{OTHER}}"));
    assert_eq!(value(&ini, "s", "d"), Some("100%"));
    // Found only when the value is used.
    assert!(ini.sections[0].get("c").unwrap().text.is_err());
}

#[test]
fn everything_inherits_from_common_but_nothing_from_default() {
    let ini = read("[s]\nb=2\n[common]\na=1\n[_x]\na=3\n[DEFAULT]\nc=4\n");
    assert_eq!(value(&ini, "s", "a"), Some("1"));
    assert_eq!(value(&ini, "common", "a"), Some("1"));
    assert_eq!(value(&ini, "s", "c"), None);
    assert_eq!(ini.sections.len(), 3);
}

#[test]
fn the_best_variant_wins_over_section_and_common() {
    let cases = [
        (None, "[t]\nb=0\nb[prod]=1\nb[generic]=4\n", "4"),
        (None, "[t]\nb=0\nb[generic]x=1\nb[GENERIC]=7\n q2\n", "7\nq2"),
        (Some(""), "[t]\nb=0\nb[]=1\nb[generic]=2\n", "0"),
        (None, "[t]\nb[]=1\nb=0\n", "1"),
        (Some("PROD_EU"), "[t]\nb=0\nb[prod]=1\nb[prod_eu]=2\nb[dev]=3\n", "2"),
        (Some("PROD_FR"), "[t]\nb=0\nb[prod]=1\nb[prod_eu]=2\n", "1"),
        (Some("PROD"), "[common]\nb[prod]=c\n[t]\nb=0\n", "c"),
        (Some("PROD"), "[common]\nb[prod]=c\n[t]\nb[prod]=1\n", "1"),
        (Some("A_b_C"), "[common]\nb[a_b_c]=8\n[t]\nb[a_b]=1\n", "8"),
        (Some("A_b_C"), "[t]\nb=0\nb[a]=1\nb[b_c]=2\nb[a_]=3\nb[ a ]=4\nb[a_b_c_d]=5\nb[x][a]=6\n", "1"),
        (Some("A__C"), "[t]\nb=0\nb[a]=1\nb[a_]=2\n", "2"),
    ];
    for (name, text, want) in cases {
        let variables: Vec<(&str, &str)> = name.iter().map(|name| ("MFCONFIG", *name)).collect();
        assert_eq!(value(&read_with(text, &variables).unwrap(), "t", "b"), Some(want), "{name:?} {text}");
    }
}

#[test]
fn a_child_inherits_from_its_parent_before_common() {
    let ini = read(
        "[common]\na=c\nb=c\nd=c\n[base]\na=b\nb=b\n[child:base]\na=own\n[grand : child]\n[lone:nobody]\n",
    );
    assert_eq!(value(&ini, "child:base", "a"), Some("own"));
    assert_eq!(value(&ini, "child:base", "b"), Some("b"));
    assert_eq!(value(&ini, "child:base", "d"), Some("c"));
    assert_eq!(value(&ini, "grand : child", "a"), Some("own"));
    assert_eq!(value(&ini, "lone:nobody", "a"), Some("c"));
}

#[test]
fn inheriting_from_common_by_name_changes_nothing() {
    let text = "[common]\nb[prod]=c\na=1\n[s:common]\nb=0\n";
    let ini = read_with(text, &[("MFCONFIG", "prod")]).unwrap();
    assert_eq!(value(&ini, "s:common", "b"), Some("c"));
    assert_eq!(value(&ini, "s:common", "a"), Some("1"));
}

#[test]
fn circles_are_errors_and_own_names_are_not() {
    let circle = error("[a:b]\nx=1\n[b:a]\ny=1\n");
    assert_eq!(circle.to_string(), "sections inherit from each other in a circle: [a:b] -> [b:a] -> [a:b]");
    assert_eq!(value(&read("[main:main]\nx=1\n[main]\nx=2\ny=2\n"), "main:main", "y"), None);
}

#[test]
fn a_parent_that_is_not_clear_is_warned_about() {
    let ini = read("[a:x]\nv=1\n[a:y]\nv=2\n[c:a]\nw=1\n");
    assert_eq!(value(&ini, "c:a", "v"), None);
    assert_eq!(ini.warnings[0].line, 5);
}

#[test]
fn an_empty_file_has_no_sections() {
    assert!(read("").sections.is_empty());
}
