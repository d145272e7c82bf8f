use super::*;

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn paths(name: &str, text: &str, style: Style) -> Vec<String> {
    let lines = parse(name.as_bytes(), text.as_bytes(), style).unwrap();
    lines.into_iter().map(|line| String::from_utf8(line.path).unwrap()).collect()
}

fn fault(name: &str, text: &str, style: Style) -> (u64, Fault) {
    match parse(name.as_bytes(), text.as_bytes(), style) {
        Err(ManifestError::Line { line, fault }) => (line, fault),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn a_plain_list_has_paths_and_sizes() {
    let text = "# members\r\n\r\n./a/b.dat\t1234\r\nc d\n.\n./\ne\\n\nf\tg\n  \n./#h\na//./i/\n";
    let lines = parse(b"manifest.txt", text.as_bytes(), Style::Auto).unwrap();
    let found: Vec<_> = lines.iter().map(|l| (std::str::from_utf8(&l.path).unwrap(), l.size)).collect();
    let expected =
        [("a/b.dat", Some(1234)), ("c d", None), ("e\\n", None), ("f\tg", None), ("#h", None), ("a/i", None)];
    assert_eq!(found, expected);
    assert!(lines.iter().all(|line| line.hash.is_none()));
}

#[test]
fn each_line_of_an_unnamed_list_is_what_it_looks_like() {
    let text = format!("{SHA256}  a\n{MD5} *b\nSHA512 (c) = {SHA256}{SHA256}\nd\nabc e\n{}\n", &SHA256[1..]);
    let lines = parse(b"manifest.txt", text.as_bytes(), Style::Auto).unwrap();
    let hashes: Vec<_> = lines.iter().map(|line| line.hash.as_ref().map(|(hash, _)| *hash)).collect();
    assert_eq!(hashes, [Some(Hash::Sha256), Some(Hash::Md5), Some(Hash::Sha512), None, None, None]);
    assert_eq!(lines[4].path, b"abc e");
}

#[test]
fn the_name_of_the_file_tells_blake3_from_sha256_and_that_sums_must_be() {
    let text = format!("{SHA256}  a\n{MD5}  b\n");
    for (name, hash) in [
        ("SHA256SUMS", Hash::Sha256),
        ("x.sha256", Hash::Sha256),
        ("B3SUMS", Hash::Blake3),
        ("d/x.b3", Hash::Blake3),
        ("checksums.txt", Hash::Sha256),
    ] {
        let lines = parse(name.as_bytes(), text.as_bytes(), Style::Auto).unwrap();
        assert_eq!(lines[0].hash.as_ref().unwrap().0, hash, "{name}");
        assert_eq!(lines[1].hash.as_ref().unwrap().0, Hash::Md5, "{name}");
        assert_eq!(fault(name, "z\n", Style::Auto), (1, Fault::NoHash));
        assert_eq!(fault(name, "\n\nabcdef  a\n", Style::Auto), (3, Fault::WrongLength));
    }
}

#[test]
fn names_that_other_tools_make_awkward() {
    let text = format!(
        "{SHA256}   led by a space\n{SHA256} * b\n{SHA256} c\n{SHA256}\td\n\\{SHA256}  e\\\\f\\ng\n\
         \\SHA256 (h\\ni) = {SHA256}\nSHA256 (j) = 1 (k)) = {SHA256}\nSHA2-256(l)= {SHA256}\n{}  m\n",
        SHA256.to_uppercase()
    );
    let expected = [" led by a space", " b", "c", "d", "e\\f\ng", "h\ni", "j) = 1 (k)", "l", "m"];
    assert_eq!(paths("x", &text, Style::Sums(Hash::Sha256)), expected);
    assert_eq!(paths("x", &text, Style::Auto), expected);
    let raw = [SHA256.as_bytes(), b"  \xff\xfe"].concat();
    assert_eq!(parse(b"x", &raw, Style::Auto).unwrap()[0].path, b"\xff\xfe");
}

#[test]
fn a_sum_alone_is_for_the_one_file() {
    for text in
        [SHA256.to_owned(), format!("# x\n{SHA256}\r\n"), format!("{SHA256}  -\n"), format!("{SHA256}  \n")]
    {
        assert_eq!(paths("x.dat.sha256", &text, Style::Auto), [""]);
        assert_eq!(paths("x", &text, Style::Auto), [""]);
        assert_eq!(paths("x", &text, Style::Sums(Hash::Blake3)), [""]);
    }
    assert_eq!(fault("x", &format!("{SHA256}  a\n{SHA256}\n"), Style::Auto), (2, Fault::NoName));
    assert_eq!(paths("x", SHA256, Style::List), [SHA256]);
}

#[test]
fn what_escapes_is_refused_in_every_form() {
    for path in ["/etc/passwd", "../a", "a/../../b", "a/..", "..", "./../a"] {
        assert_eq!(fault("x", &format!("ok\n{path}\n"), Style::List), (2, Fault::Escapes), "{path}");
        assert_eq!(fault("x", &format!("{SHA256}  {path}\n"), Style::Auto), (1, Fault::Escapes), "{path}");
        assert_eq!(
            fault("x", &format!("MD5 ({path}) = {MD5}\n"), Style::Auto),
            (1, Fault::Escapes),
            "{path}"
        );
    }
    assert_eq!(fault("x", "a\0b\n", Style::Auto), (1, Fault::Nul));
    assert_eq!(paths("x", "..a\na..\n.../b\n", Style::Auto), ["..a", "a..", ".../b"]);
}

#[test]
fn sums_that_are_none_are_refused() {
    let sums = Style::Sums(Hash::Sha256);
    assert_eq!(fault("x", &format!("{MD5}  a\n"), sums), (1, Fault::WrongLength));
    assert_eq!(fault("x", &format!("{}  a\n", &SHA256[1..]), sums), (1, Fault::WrongLength));
    assert_eq!(fault("x", &format!("MD5 (a) = {MD5}\n"), sums), (1, Fault::WrongAlgorithm));
    assert_eq!(fault("x", &format!("SHA256 (a) = {MD5}\n"), sums), (1, Fault::WrongLength));
    assert_eq!(fault("x", &format!("SHA384 (a) = {SHA256}\n"), Style::Auto), (1, Fault::WrongAlgorithm));
    assert_eq!(fault("x", &format!("\\{SHA256}  a\\tb\n"), sums), (1, Fault::WrongEscape));
    assert_eq!(fault("x", &format!("\\{SHA256}  a\\\n"), sums), (1, Fault::WrongEscape));
    assert_eq!(fault("x", &format!("SHA256 () = {SHA256}\n"), sums), (1, Fault::NoName));
    assert_eq!(fault("x", "zz  a\n", sums), (1, Fault::NoHash));
}

#[test]
fn the_same_twice_is_once_and_a_contradiction_is_an_error() {
    let other = SHA256.replace('e', "f");
    assert_eq!(paths("x", &format!("{SHA256}  a\n{SHA256}  ./a\n"), Style::Auto), ["a"]);
    assert_eq!(fault("x", &format!("{SHA256}  a\nb\n{other}  a\n"), Style::Auto), (3, Fault::Contradicts));
    assert_eq!(fault("x", "a\t1\na\t2\n", Style::Auto), (2, Fault::Contradicts));
    let long = format!("{SHA256}  a\n{SHA256}  {}\n", "b".repeat(200_000));
    assert_eq!(fault("x", &long, Style::Auto), (2, Fault::TooLong));
    assert_eq!(paths("x", &format!("{SHA256}  a\n{MD5}  a\n"), Style::Auto), ["a", "a"]);
}

#[test]
fn nothing_and_too_much_are_refused() {
    for text in ["", "\n\n", "# only a remark\n", "\u{feff}"] {
        assert_eq!(parse(b"x", text.as_bytes(), Style::Auto), Err(ManifestError::Empty), "{text:?}");
    }
    let lines = |count: usize| (0..count).map(|n| format!("{n:x}")).collect::<Vec<_>>().join("\n") + "\n";
    assert_eq!(parse(b"x", lines(MOST_LINES).as_bytes(), Style::List).unwrap().len(), MOST_LINES);
    assert_eq!(parse(b"x", lines(MOST_LINES + 1).as_bytes(), Style::List), Err(ManifestError::TooLarge));
    assert_eq!(
        ManifestError::Line { line: 3, fault: Fault::Escapes }.to_string(),
        "read line 3: the path leads out of the directory"
    );
}
