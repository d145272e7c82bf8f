//! The language of the scenarios: one step a line, as in a shell.
//!
//! ```text
//! mkdir [-p] D            write F [CONTENT]      append F CONTENT     rename X Y
//! exchange X Y            link F G               symlink TARGET L     tmpfile F [CONTENT]
//! rm F                    rm -r X                chmod MODE X         touch X
//! open F [CONTENT]        more F CONTENT         close F              fifo P
//! settle                  known                  rescan               repeat N … end
//! state NAME              old X                  down                 up
//! ```
//!
//! Names are below the watched root; `outside:X` is below a directory beside it on the same file
//! system, `root:` is the root itself. `open` keeps a writer on the file under the name given there,
//! also when the file has another name by then; `more` and `close` speak of that writer.
//! `settle` waits until everything so far is through, `known` also until what is gone is known to be gone
//! (with polling: by the next full pass), `rescan` orders a comparison and then settles, `state` waits until
//! the source says that it is in that state, `old` until the last change is some seconds ago, `down` and `up` stop and start the engine.
//! In a word `\n`, `\s`, `\\`, `\$` and `\xHH` are bytes, `{text*N}` is the text N times, and `$i` within
//! `repeat` is the number of the round.

/// A path below the scratch directory: `in/…`, `outside/…`, or `in` for the root.
pub(crate) type Name = Vec<u8>;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Mkdir(Name),
    MkdirAll(Name),
    Write(Name, Vec<u8>),
    Append(Name, Vec<u8>),
    Rename(Name, Name),
    Exchange(Name, Name),
    Link(Name, Name),
    Symlink(Vec<u8>, Name),
    Tmpfile(Name, Vec<u8>),
    Fifo(Name),
    Rm(Name),
    RmAll(Name),
    Chmod(u32, Name),
    Touch(Name),
    Open(Name, Vec<u8>),
    More(Name, Vec<u8>),
    Close(Name),
    Settle,
    Known,
    Rescan,
    Old(Name),
    State(String),
    Down,
    Up,
}

/// A step and where it stands, for whoever reads why it failed.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) step: Step,
}

/// The steps of a script, with the loops written out.
pub(crate) fn parse(script: &str) -> Vec<Line> {
    let lines: Vec<&str> = script.lines().map(str::trim).collect();
    let mut steps = Vec::new();
    lines_to_steps(&lines, None, &mut steps);
    steps
}

fn lines_to_steps(lines: &[&str], round: Option<usize>, steps: &mut Vec<Line>) {
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(times) = line.strip_prefix("repeat ") {
            let end = lines[at..].iter().position(|line| *line == "end").expect("a loop has an end");
            let times: usize = times.parse().expect("a loop has a number");
            (0..times).for_each(|round| lines_to_steps(&lines[at..at + end], Some(round), steps));
            at += end + 1;
            continue;
        }
        let text = round.map_or_else(|| line.to_owned(), |round| line.replace("$i", &round.to_string()));
        let step = step(&text).unwrap_or_else(|| panic!("no such step: {text}"));
        steps.push(Line { text, step });
    }
}

fn step(line: &str) -> Option<Step> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (verb, words) = words.split_first()?;
    let content = |at: usize| words.get(at).map_or_else(Vec::new, |word| bytes(word));
    let name = |at: usize| words.get(at).map(|word| name(word));
    Some(match (*verb, words.first().copied(), words.len()) {
        ("mkdir", Some("-p"), 2) => Step::MkdirAll(name(1)?),
        ("rm", Some("-r"), 2) => Step::RmAll(name(1)?),
        ("mkdir", _, 1) => Step::Mkdir(name(0)?),
        ("rm", _, 1) => Step::Rm(name(0)?),
        ("write", _, 1 | 2) => Step::Write(name(0)?, content(1)),
        ("append", _, 2) => Step::Append(name(0)?, content(1)),
        ("tmpfile", _, 1 | 2) => Step::Tmpfile(name(0)?, content(1)),
        ("open", _, 1 | 2) => Step::Open(name(0)?, content(1)),
        ("more", _, 2) => Step::More(name(0)?, content(1)),
        ("close", _, 1) => Step::Close(name(0)?),
        ("rename", _, 2) => Step::Rename(name(0)?, name(1)?),
        ("exchange", _, 2) => Step::Exchange(name(0)?, name(1)?),
        ("link", _, 2) => Step::Link(name(0)?, name(1)?),
        ("symlink", _, 2) => Step::Symlink(content(0), name(1)?),
        ("fifo", _, 1) => Step::Fifo(name(0)?),
        ("chmod", Some(mode), 2) => Step::Chmod(u32::from_str_radix(mode, 8).ok()?, name(1)?),
        ("touch", _, 1) => Step::Touch(name(0)?),
        ("settle", _, 0) => Step::Settle,
        ("known", _, 0) => Step::Known,
        ("rescan", _, 0) => Step::Rescan,
        ("old", _, 1) => Step::Old(name(0)?),
        ("state", Some(state), 1) => Step::State(state.to_owned()),
        ("down", _, 0) => Step::Down,
        ("up", _, 0) => Step::Up,
        _ => return None,
    })
}

fn name(word: &str) -> Name {
    let (base, rest) = match (word.strip_prefix("outside:"), word.strip_prefix("root:")) {
        (Some(rest), _) => (&b"outside"[..], rest),
        (_, Some(rest)) => (&b"in"[..], rest),
        _ => (&b"in"[..], word),
    };
    let rest = bytes(rest);
    if rest.is_empty() { base.to_vec() } else { [base, &b"/"[..], &rest].concat() }
}

/// The bytes that a word stands for.
fn bytes(word: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'\\' => escaped(after, &mut out),
            b'{' => repeated(after, &mut out),
            byte => {
                out.push(byte);
                after
            }
        };
    }
    out
}

fn escaped<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let (length, byte) = match rest {
        [b'n', ..] => (1, b'\n'),
        [b's', ..] => (1, b' '),
        [b'x', high, low, ..] => {
            let digits = [*high, *low];
            let digits = std::str::from_utf8(&digits).expect("two digits");
            (3, u8::from_str_radix(digits, 16).expect("two hex digits"))
        }
        [byte, ..] => (1, *byte),
        [] => panic!("a word ends in a backslash"),
    };
    out.push(byte);
    &rest[length..]
}

/// `text*N}`, where the text may hold braces of its own.
fn repeated<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut depth = 0;
    let ends = |&byte: &u8| {
        depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        depth < 0
    };
    let end = rest.iter().position(ends).expect("an opened brace is closed");
    let inner = std::str::from_utf8(&rest[..end]).expect("scripts are text");
    let (text, times) = inner.rsplit_once('*').expect("a repetition has a number");
    let times = times.parse().expect("a repetition has a number");
    out.extend(bytes(text).repeat(times));
    &rest[end + 1..]
}

#[test]
fn words_are_bytes() {
    assert_eq!(bytes(r"a\n\xff\s{bc*2}"), b"a\n\xff bcbc");
    assert_eq!(bytes("{{d*2}/*3}f"), b"dd/dd/dd/f");
    assert_eq!(name("outside:a/b"), b"outside/a/b");
    assert_eq!(name("root:"), b"in");
}

#[test]
fn loops_are_written_out() {
    let steps = parse("repeat 2\n write f$i x\nend\nsettle");
    let steps: Vec<_> = steps.into_iter().map(|line| line.step).collect();
    let write = |name: &[u8]| Step::Write(name.into(), b"x".into());
    assert_eq!(steps, [write(b"in/f0"), write(b"in/f1"), Step::Settle]);
}

#[test]
fn a_misspelt_step_is_no_comment() {
    assert_eq!(step("wrte f x"), None);
    assert_eq!(step("rename f"), None);
}
