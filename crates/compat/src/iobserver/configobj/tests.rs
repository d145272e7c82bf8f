use super::*;

fn text(text: &str) -> Item {
    Item::Value(Value::Text(text.into()))
}

fn list(items: &[&str]) -> Item {
    Item::Value(Value::List(items.iter().map(|item| item.as_bytes().to_vec()).collect()))
}

fn read(file: &str) -> Section {
    Section::read(file.as_bytes()).unwrap_or_else(|errors| panic!("{file:?}: {errors:?}"))
}

fn refused(file: &str) -> Vec<(usize, Wrong)> {
    let errors = Section::read(file.as_bytes()).expect_err(file);
    errors.0.into_iter().map(|mistake| (mistake.line, mistake.wrong)).collect()
}

/// What stands behind `k =`.
fn value(rest: &str) -> Item {
    read(&format!("k ={rest}\n")).get(b"k").unwrap_or_else(|| panic!("{rest}")).item.clone()
}

fn below<'a>(section: &'a Section, names: &[&str]) -> &'a Section {
    names.iter().fold(section, |section, name| match section.get(name.as_bytes()).map(|entry| &entry.item) {
        Some(Item::Section(below)) => below,
        other => panic!("{name}: {other:?}"),
    })
}

#[test]
fn sections_lie_in_sections() {
    let file = "top = 1\n[global]\nwatch_config = yes # often\n\n[watches]\n# a comment\n[[/some/path]]\nplugins = \
                scribe, replica\n  scribe_log = -\n[[ /with space ]]\n[[[deeper]]]\na=b\n[[\"/a]b\"]]\n[last]#x";
    let root = read(file);
    assert_eq!(root.get(b"top").unwrap().item, text("1"));
    assert_eq!(below(&root, &["global"]).get(b"watch_config").unwrap().item, text("yes"));
    let watch = below(&root, &["watches", "/some/path"]);
    assert_eq!(watch.get(b"plugins").unwrap().item, list(&["scribe", "replica"]));
    assert_eq!(
        (watch.get(b"scribe_log").unwrap().line, &watch.get(b"scribe_log").unwrap().item),
        (9, &text("-"))
    );
    assert_eq!(below(&root, &["watches", "/with space", "deeper"]).entries.len(), 1);
    below(&root, &["watches", "/a]b"]);
    below(&root, &["last"]);
}

#[test]
fn headings_in_all_their_forms() {
    for (heading, name) in [
        ("[a]", "a"),
        ("  [ a b ]  # x ] y", "a b"),
        ("[a#b]", "a#b"),
        ("[a]b]", "a]b"),
        ("['a # ]']", "a # ]"),
        ("[\"it's\"]#", "it's"),
        ("[a=b]", "a=b"),
    ] {
        assert_eq!(read(heading).entries[0].name, name.as_bytes(), "{heading}");
    }
    assert_eq!(read("[odd = x").get(b"[odd").unwrap().item, text("x"));
}

#[test]
fn values_in_all_their_forms() {
    for (rest, wanted) in [
        ("", text("")),
        (" # only a comment", text("")),
        (" a b ", text("a b")),
        (" a#b", text("a")),
        (" it's", text("it's")),
        (" 'a # b, c' # d", text("a # b, c")),
        (" \"'\"", text("'")),
        (" ''", text("")),
        (" a = b", text("a = b")),
        (" a,", list(&["a"])),
        (" ,", list(&[])),
        (" , # none", list(&[])),
        (" a,b , \"c, d\", 'e'", list(&["a", "b", "c, d", "e"])),
        (" a, b # c, d", list(&["a", "b"])),
        (" a # b, c", text("a")),
        (" '', x", list(&["", "x"])),
        (" %(x)s", text("%(x)s")),
        (" '''a ' # b''' # c", text("a ' # b")),
        (" \"\"\"a\n # b\n\nc\"\"\"", text("a\n # b\n\nc")),
    ] {
        assert_eq!(value(rest), wanted, "{rest}");
    }
}

#[test]
fn names_may_be_quoted() {
    let root = read("'a = b' = 1\n\"c\"=2\nd e = 3\n");
    let names: Vec<&[u8]> = root.entries.iter().map(|entry| entry.name.as_slice()).collect();
    assert_eq!(names, [&b"a = b"[..], b"c", b"d e"]);
}

#[test]
fn bytes_stay_bytes_and_lines_end_in_three_ways() {
    let root = Section::read(b"\xef\xbb\xbfa = \xff\xfe/x\r\n[\xe9]\rb = 1\n").unwrap();
    assert_eq!(root.get(b"a").unwrap().item, Item::Value(Value::Text(b"\xff\xfe/x".into())));
    assert_eq!(root.entries[1].name, b"\xe9");
    assert_eq!(root.entries[1].line, 2);
}

#[test]
fn every_mistake_is_found_in_its_line() {
    assert_eq!(refused("junk"), [(1, Wrong::Line)]);
    assert_eq!(refused("= x"), [(1, Wrong::Line)]);
    assert_eq!(refused("[]"), [(1, Wrong::Line)]);
    assert_eq!(refused("a=1\n\na = 2"), [(3, Wrong::DuplicateKey { first: 1 })]);
    assert_eq!(refused("[s]\n[t]\n[s]"), [(3, Wrong::DuplicateSection { first: 1 })]);
    assert_eq!(refused("[w]\n[[a]]\n[[a]]"), [(3, Wrong::DuplicateSection { first: 2 })]);
    assert_eq!(refused("[w]\na = 1\n[[a]]"), [(3, Wrong::DuplicateSection { first: 2 })]);
    assert_eq!(refused("[[a]"), [(1, Wrong::Depth)]);
    assert_eq!(refused("[[a]]"), [(1, Wrong::TooNested { parents: 0 })]);
    assert_eq!(refused("[a]\n[[[b]]]"), [(2, Wrong::TooNested { parents: 1 })]);
    for bad in ["'a", "\"a\" b", "a,,b", ", a", "'''a", "'''a'''b", "'''a\nb''' c"] {
        assert_eq!(refused(&format!("k = {bad}"))[0], (1, Wrong::Value), "{bad}");
    }
    assert_eq!(refused("x\n'\n[a]\n[a]\n").len(), 3);
    assert_eq!(Section::read(b"\xff\xfe[\0a\0]\0").unwrap_err().0[0].wrong, Wrong::Utf16);
}

/// The original counts them all, and only the heading is to be mended.
#[test]
fn what_follows_a_wrong_heading_is_not_told() {
    let errors = Section::read(b"[w]\n[[a]]\nk = 1\n[[a]]\nk = 1\n[[b]]\nk = 1\nk = 2\n").unwrap_err();
    assert_eq!(errors.original(), "Parsing failed with several errors.\nFirst error at line 4.");
    let lines: Vec<usize> = errors.explanations().map(|(line, _)| line).collect();
    assert_eq!((lines, errors.count(), errors.0.len()), (vec![4, 8], 2, 3));
}

#[test]
fn what_looks_like_interpolation_is_found() {
    let root = read("a = %(x)s\nb = 100%\n[s]\nc = x, $HOME/y\nd = ${x}\ne = 5$\nf = $5, %(x, )s\n");
    assert_eq!(root.interpolations(), [1, 4, 5]);
}

/// A generator that needs no crate; each seed is one history.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % below
    }
}

#[test]
fn no_bytes_make_it_panic_and_every_mistake_has_words() {
    const ALPHABET: &[u8] = b"[]=,#'\" \t\n\r\\%($)ab/\xff\0-";
    let mut seen = [0, 0];
    for seed in 1..20_000_u64 {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let length = chance.next(60);
        let file: Vec<u8> = (0..length).map(|_| ALPHABET[chance.next(ALPHABET.len())]).collect();
        match Section::read(&file) {
            Ok(section) => {
                seen[0] += 1;
                assert!(section.interpolations().len() <= file.len());
            }
            Err(errors) => {
                seen[1] += 1;
                assert!(!errors.0.is_empty() && errors.original().ends_with('.'));
                let last = lines(&file).len().max(1);
                assert!(
                    errors.explanations().all(|(line, text)| line <= last && !text.is_empty()),
                    "{file:?}"
                );
            }
        }
    }
    assert!(seen.iter().all(|&count| count > 500), "{seen:?}");
}

/// A file within the limit of size that costs as much as it can: still a moment.
#[test]
fn hostile_files_take_no_time() {
    for piece in ["[a", "]", "' ", "'''", "k=' ' '", "[a]]]] ]", "= = ", "\"\"\"\n", ",", "a,"] {
        let file = piece.repeat(200_000 / piece.len());
        drop(Section::read(file.as_bytes()));
        drop(Section::read(format!("k = {file}").as_bytes()));
        drop(Section::read(format!("[{file}x").as_bytes()));
    }
    let heading = |depth| [&vec![b'['; depth][..], b"x", &vec![b']'; depth], b"\n"].concat();
    let deep: Vec<u8> = (1..600).flat_map(heading).collect();
    assert!(Section::read(&deep).is_ok());
}
