//! Text that was made to break whoever reads it: each is read in a process of its own, which must give an answer in words, soon,
//! without taking much memory and without crashing.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::Scratch;
use testkit::proof::{Row, size};

/// The parsers that read what others have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parser {
    /// Native configuration.
    Toml,
    /// `directory_observer`'s configuration.
    Ini,
    /// `iobserver`'s configuration.
    Rc,
    /// `sendit`'s settings.
    Python,
    /// A metadata file that a rule asks for.
    Metadata,
    /// A data product's metadata.
    Product,
    /// A list of checksums.
    Manifest,
    /// A DICOM header.
    Dicom,
}

use Parser::{Dicom, Ini, Manifest, Metadata, Product, Python, Rc, Toml};

/// What the child is told: a parser's number and a file.
const CHILD: &str = "STAITHE_TEST_BOMB";
/// The processor time that an answer may take: a second, and in a build that was not optimized, as tests usually are, as much
/// longer as that is slower.
const LONGEST_MS: u64 = if cfg!(debug_assertions) { 3_000 } else { 1_000 };
/// So many are lit at a time.
const AT_ONCE: usize = 4;
/// The memory that it may take, above what the process had before.
const MOST_KB: u64 = 64 << 10;
/// The hard limit, in case that is no more than a beginning.
const CAGE: u64 = 1 << 30;

const PARSERS: [Parser; 8] = [Toml, Ini, Rc, Python, Metadata, Product, Manifest, Dicom];

/// What a parser says of a file, as the program would have it: good, or what is wrong.
fn read(parser: Parser, file: &Path) -> Result<(), String> {
    let environment = compat::Environment::from_iter([("A", "B")]);
    let (directory, name) = (file.parent().unwrap(), file.file_name().unwrap().as_encoded_bytes());
    let root = || sys::Dir::open_root(directory).unwrap();
    match parser {
        Toml => config::load(file, &|_| None).map(drop).map_err(|error| error.to_string()),
        Ini => {
            let loading = compat::directory_observer::load(Some(file.as_os_str()), &environment, directory);
            let said: Vec<String> =
                loading.lines.iter().map(|line| String::from_utf8_lossy(&line.text()).into_owned()).collect();
            loading.outcome.map(drop).map_err(|stop| format!("{stop:?} {said:?}"))
        }
        Rc => {
            let bytes = compat::bounded::read(file, compat::iobserver::rc::SIZE_LIMIT as u64);
            let bytes = bytes.map_err(|error| error.to_string())?;
            compat::iobserver::Rc::read(&bytes).map(drop).map_err(|error| format!("{error:?}"))
        }
        Python => {
            let world = compat::sendit::World { environment: &environment, working: directory };
            compat::sendit::python::read(file, world).map(drop).map_err(|error| error.to_string())
        }
        Metadata => match inspect::has_key(&inspect::Place { root: &root(), path: name }, Some("a.b")) {
            Ok(inspect::MetadataAnswer::Good) => Ok(()),
            other => Err(format!("{other:?}")),
        },
        Product => {
            let bytes = compat::bounded::read(file, products::yaml::LARGEST as u64);
            let bytes = bytes.map_err(|error| error.to_string())?;
            products::yaml::to_json(&bytes).map(drop).map_err(|error| error.to_string())
        }
        Manifest => {
            let request = inspect::ManifestRequest {
                file: name.to_vec(),
                style: inspect::Style::Auto,
                own_line: false,
                extras: inspect::Extras::Ignore,
                ignore: &|_| false,
                threads: 1,
                bytes_per_second: None,
            };
            let place = inspect::Place { root: &root(), path: b"" };
            let mut checked = inspect::Checked::default();
            match inspect::verify_manifest(&place, &request, &mut checked, &|_| (), &|| false) {
                Ok(answer) if answer.holds() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }
        Dicom => inspect::read_dicom(&root(), name).map(drop).map_err(|error| error.to_string()),
    }
}

fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The processor time of this process, all threads together: unlike a clock it does not count what others do.
fn processor_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000 + time.tv_nsec as u64 / 1_000_000
}

/// What the child does: one parser, one file.
fn explode(parser: usize, file: &Path) {
    let cage = rustix::process::Rlimit { current: Some(CAGE), maximum: Some(CAGE) };
    rustix::process::setrlimit(rustix::process::Resource::As, cage).expect("a limit may be lowered");
    let (before, begun) = (peak_kb(), processor_ms());
    let answer = read(PARSERS[parser], file);
    let (took, more) = (processor_ms() - begun, peak_kb() - before);
    let word: String = match answer {
        Ok(()) => "good".to_owned(),
        Err(error) => format!("refused {}", error.chars().take(200).collect::<String>().escape_debug()),
    };
    println!("\nBOMB {took} {more} {word}");
}

/// What one bomb did.
struct Bang {
    name: String,
    ms: u64,
    kb: u64,
    said: String,
}

fn light(number: usize, bomb: &Bomb, folder: &Path) -> Result<Bang, String> {
    let name = format!("{:?}: {}", bomb.parser, bomb.name);
    let file = folder.join(format!("{number}{}", bomb.ending()));
    fs::write(&file, &bomb.text).unwrap();
    let at = PARSERS.iter().position(|parser| *parser == bomb.parser).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--nocapture", "bombs::no_text_takes_a_parser_down_or_far_up"]);
    child.env(CHILD, format!("{at} {}", file.display())).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    let done = child.output().unwrap();
    let _ = fs::remove_file(&file);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("BOMB "));
    let Some((line, true)) = line.map(|line| (line, done.status.success())) else {
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(format!("{name}: {}: it crashed: {error}", done.status));
    };
    let mut words = line.splitn(3, ' ');
    let mut number = || words.next().unwrap().parse::<u64>().unwrap();
    let (ms, kb) = (number(), number());
    let said = words.next().unwrap_or_default().to_owned();
    println!("{ms:>5} ms {kb:>6} kB  {name}: {}", said.chars().take(100).collect::<String>());
    match () {
        () if kb > MOST_KB => Err(format!("{name}: it took {kb} kB more: {said}")),
        () if ms > LONGEST_MS => Err(format!("{name}: it took {ms} ms: {said}")),
        () if bomb.is_bad && said == "good" => Err(format!("{name}: it was taken for good")),
        () => Ok(Bang { name, ms, kb, said }),
    }
}

struct Bomb {
    parser: Parser,
    name: &'static str,
    text: Vec<u8>,
    /// No parser may take it for good.
    is_bad: bool,
}

impl Bomb {
    fn ending(&self) -> &'static str {
        match self.parser {
            Toml => ".toml",
            Ini => ".ini",
            Rc => ".rc",
            Python => ".py",
            Metadata if self.name.contains("JSON") => ".json",
            Metadata | Product => ".yaml",
            Manifest => ".sums",
            Dicom => ".dcm",
        }
    }
}

fn bad(parser: Parser, name: &'static str, text: impl Into<Vec<u8>>) -> Bomb {
    Bomb { parser, name, text: text.into(), is_bad: true }
}

/// May be good or bad: only time, memory and survival count.
fn odd(parser: Parser, name: &'static str, text: impl Into<Vec<u8>>) -> Bomb {
    Bomb { is_bad: false, ..bad(parser, name, text) }
}

const DEEP: usize = 100_000;

fn scalar(before: &str, bytes: usize, after: &str) -> Vec<u8> {
    [before.as_bytes(), &vec![b'x'; bytes], after.as_bytes()].concat()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}

/// Alias upon alias: `levels` times ten times as much.
fn laughs(levels: usize) -> String {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..levels {
        let below = format!("*a{},", level - 1).repeat(10);
        let _ = writeln!(text, "a{level}: &a{level} [{}]", below.trim_end_matches(','));
    }
    text
}

fn toml(large: usize) -> Vec<Bomb> {
    vec![
        bad(Toml, "deep arrays", format!("a = {}", "[".repeat(DEEP))),
        bad(Toml, "deep tables", format!("a = {}", "{a=".repeat(DEEP))),
        bad(Toml, "a dotted key", format!("{}a = 1", "a.".repeat(DEEP))),
        bad(Toml, "a dotted header", format!("[{}a]", "a.".repeat(DEEP))),
        bad(
            Toml,
            "dotted keys that grow",
            lines(1_000, |number| format!("{}b{number} = 1", "a.".repeat(number))),
        ),
        bad(Toml, "tables in a list", "[[a]]\n".repeat(DEEP)),
        bad(Toml, "a huge scalar", scalar("site = \"", large, "\"\n")),
        bad(Toml, "a scalar of 3 MB", scalar("[source.a]\npath = \"", 3 << 20, "\"\nx = 1\n")),
        bad(Toml, "a key of 3 MB", scalar("", 3 << 20, " = 1\n")),
        bad(Toml, "one key many times", "a = 1\n".repeat(DEEP)),
        bad(Toml, "a huge number", format!("watch_config = {}\n", "9".repeat(DEEP))),
        bad(Toml, "zeros", "a = \"\0\"\n\0\0"),
        odd(Toml, "a mark of byte order", "\u{feff}[source.a]\npath = \"/d\"\n[sink.q]\ntype = \"queue\"\n"),
        bad(Toml, "two marks of byte order", "\u{feff}\u{feff}[source.a]\npath = \"/d\"\n"),
        bad(Toml, "UTF-16", [0xff, 0xfe, b'a', 0, b'=', 0].repeat(1_000)),
        bad(
            Toml,
            "an expression that would grow",
            "[source.a]\npath='/d'\n[[source.a.rule]]\ninclude=['re:(((a{1000}){1000}){1000})']\n",
        ),
        bad(Toml, "variables that are none", "site = \"${".to_owned() + &"${".repeat(DEEP) + "\"\n"),
        bad(Toml, "quotes without an end", "a = \"\"\"".to_owned() + &"\"\"\\".repeat(DEEP)),
    ]
}

fn ini(large: usize) -> Vec<Bomb> {
    let chain = lines(2_000, |number| format!("[s{number}:s{}]\na = 1", number + 1));
    vec![
        bad(Ini, "a huge scalar", scalar("[a]\nb = ", large, "\n")),
        odd(Ini, "a scalar of 3 MB", scalar("[a]\nb = ", 3 << 20, "\n")),
        bad(Ini, "one section many times", "[a]\n".repeat(DEEP)),
        bad(Ini, "one key many times", format!("[a]\n{}", "b = 1\n".repeat(DEEP))),
        odd(Ini, "sections that inherit in a ring", "[a:b]\nx = 1\n[b:c]\n[c:a]\n"),
        odd(Ini, "a chain of sections", chain),
        odd(
            Ini,
            "values that name themselves",
            "[a]\nb = %(b)s {{ b }} {{ '{{ b }}' }}\nc = %(d)s\nd = %(c)s\n",
        ),
        odd(
            Ini,
            "a loop in a loop",
            "[a]\nb = {% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n",
        ),
        odd(Ini, "deep parentheses", format!("[a]\nb = {{{{ {}1 }}}}\n", "(".repeat(DEEP))),
        odd(Ini, "a deep list", format!("[a]\nb = {{{{ {}1 }}}}\n", "[".repeat(DEEP))),
        odd(Ini, "deep conditions", format!("[a]\nb = {}\n", "{% if 1 %}".repeat(20_000))),
        odd(Ini, "a text that is repeated", "[a]\nb = {{ 'x' * 1000000000 }}\n"),
        odd(Ini, "a huge number", format!("[a]\nb = {}\nc = {{{{ 9**9**9 }}}}\n", "9".repeat(DEEP))),
        bad(Ini, "zeros", "\0\0[a]\0\nb\0 = \0\n"),
        odd(Ini, "a mark of byte order", "\u{feff}[a]\nb = 1\n"),
        bad(Ini, "no section", "x = 1\n".repeat(1_000)),
        odd(Ini, "a value of many lines", format!("[a]\nb = 1\n{}", "  more\n".repeat(DEEP))),
    ]
}

fn rc(large: usize) -> Vec<Bomb> {
    vec![
        bad(Rc, "a huge scalar", scalar("[watches]\n[[a]]\nb = ", large, "\n")),
        bad(
            Rc,
            "deep sections",
            lines(600, |number| format!("{0}a{1}", "[".repeat(number + 1), "]".repeat(number + 1))),
        ),
        bad(Rc, "brackets", "[".repeat(DEEP)),
        bad(Rc, "one key many times", format!("[global]\n{}", "a = 1\n".repeat(20_000))),
        bad(Rc, "quotes without an end", "[watches]\n[[a]]\nb = '''".to_owned() + &"''\n".repeat(50_000)),
        odd(Rc, "a list", format!("[watches]\n[[a]]\nb = {}\n", "1,".repeat(DEEP))),
        bad(Rc, "zeros", "\0\0[watches\0]\n"),
        odd(Rc, "a mark of byte order", "\u{feff}[watches]\n"),
    ]
}

fn python(large: usize) -> Vec<Bomb> {
    let doubling = "a = 'x'\n".to_owned() + &"a = a + a\n".repeat(64);
    vec![
        bad(Python, "a huge scalar", scalar("A = '", large, "'\n")),
        odd(Python, "a scalar of 1 MB", scalar("A = '", 1_000_000, "'\n")),
        odd(Python, "deep parentheses", format!("A = {}", "(".repeat(DEEP))),
        odd(Python, "deep lists", format!("A = {}{}", "[".repeat(DEEP), "]".repeat(DEEP))),
        odd(Python, "denials", format!("A = {}True", "not ".repeat(DEEP))),
        odd(Python, "minus", format!("A = {}1", "-".repeat(DEEP))),
        odd(Python, "a long sum", format!("A = {}'x'\n", "'x' + ".repeat(DEEP))),
        odd(Python, "a text that doubles", doubling),
        odd(Python, "a text that is repeated", "A = 'x' * 1000000000\n"),
        odd(Python, "a power", "A = 9**9**9**9\n"),
        odd(Python, "a huge number", format!("A = {}\n", "9".repeat(DEEP))),
        odd(Python, "a module that imports itself", "from settings import *\nimport settings\n"),
        odd(Python, "one name many times", "A = 1\n".repeat(DEEP)),
        odd(Python, "zeros", "A = '\0'\n\0"),
        odd(Python, "a mark of byte order", "\u{feff}A = 1\n"),
        odd(Python, "quotes without an end", "A = '''".to_owned() + &"''\n".repeat(DEEP)),
        odd(Python, "indents", lines(500, |number| format!("{}if 1:", " ".repeat(number)))),
    ]
}

/// YAML for both of its readers.
fn yaml(parser: Parser, large: usize) -> Vec<Bomb> {
    let merges = "a: &a {k: v}\n".to_owned() + &lines(5_000, |number| format!("b{number}: {{<<: *a, x: 1}}"));
    vec![
        bad(parser, "a huge scalar", scalar("a: ", large, "\n")),
        odd(parser, "a scalar of 8 MB", scalar("a: ", 8 << 20, "\n")),
        odd(parser, "a laugh of 10^9", laughs(9)),
        bad(parser, "an alias of itself", "a: &a [*a, *a, *a]\n"),
        bad(parser, "deep lists", "[".repeat(DEEP)),
        bad(parser, "deep mappings", "{a: ".repeat(DEEP)),
        bad(parser, "deep blocks", lines(3_000, |number| format!("{}a:", " ".repeat(number)))),
        bad(parser, "dashes", "- ".repeat(DEEP)),
        odd(parser, "one key many times", "a: 1\n".repeat(50_000)),
        odd(parser, "a huge number", format!("a: {}\n", "9".repeat(DEEP))),
        odd(parser, "a huge exponent", "a: 1e999999999\nb: 0x".to_owned() + &"f".repeat(DEEP) + "\n"),
        bad(parser, "zeros", "a: \0\n\0"),
        odd(parser, "a mark of byte order", "\u{feff}a: {b: 1}\n"),
        odd(parser, "merges", merges),
        bad(parser, "endless items", format!("a: [{}", "1,".repeat(1_500_000))),
        bad(parser, "documents", "---\na: 1\n".repeat(DEEP)),
        bad(parser, "tags", format!("a: {}1\n", "!!python/object:os.system ".repeat(10_000))),
        odd(parser, "anchors", lines(50_000, |number| format!("a{number}: &a{number} 1"))),
        odd(parser, "a question", "? ".repeat(DEEP)),
    ]
}

fn json(large: usize) -> Vec<Bomb> {
    vec![
        bad(Metadata, "JSON, a huge scalar", scalar("{\"a\": \"", large, "\"}")),
        odd(Metadata, "JSON, a scalar of 8 MB", scalar("{\"a\": \"", 8 << 20, "\"}")),
        bad(Metadata, "JSON, deep lists", "[".repeat(DEEP)),
        bad(Metadata, "JSON, deep mappings", "{\"a\":".repeat(DEEP)),
        odd(Metadata, "JSON, one key many times", format!("{{{}\"a\": 1}}", "\"a\": 1,".repeat(DEEP))),
        odd(Metadata, "JSON, a huge number", format!("{{\"a\": {}}}", "9".repeat(DEEP))),
        odd(Metadata, "JSON, a huge exponent", "{\"a\": 1e999999999}"),
        bad(Metadata, "JSON, zeros", "{\"a\": \0}\0"),
        odd(Metadata, "JSON, a mark of byte order", "\u{feff}{\"a\": {\"b\": 1}}"),
        bad(Metadata, "JSON, half a surrogate", "{\"a\": \"\\ud800\"}x"),
    ]
}

fn manifests(large: usize) -> Vec<Bomb> {
    let sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    vec![
        bad(Manifest, "a line of 16 MB", scalar(&format!("{sum}  "), 16 << 20, "\n")),
        bad(Manifest, "a huge scalar", vec![b'x'; large.min(24 << 20)]),
        bad(Manifest, "one file many times", format!("{sum}  a\n").repeat(DEEP)),
        bad(Manifest, "ways out", format!("{sum}  ../../../etc/passwd\n{sum}  /etc/passwd\n")),
        bad(Manifest, "zeros", vec![0; 1 << 20]),
        bad(Manifest, "a mark of byte order", format!("\u{feff}{sum}  a\n")),
        bad(Manifest, "sums without an end", "e".repeat(1 << 20)),
        bad(Manifest, "backslashes", format!("\\{sum}  {}\n", "\\".repeat(1 << 20))),
        bad(Manifest, "deep paths", format!("{sum}  {}a\n", "a/".repeat(DEEP))),
        // What unpacks itself nobody unpacks here.
        bad(Manifest, "gzip", [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xed; 1 << 16]].concat()),
    ]
}

fn dicom() -> Vec<Bomb> {
    let head = [&[0; 128][..], b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"].concat();
    let with = |rest: &[u8]| [&head[..], rest].concat();
    let nested = b"\x08\x00\x06\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff".repeat(DEEP);
    vec![
        bad(Dicom, "an element of 4 GB", with(b"\x08\x00\x05\x00OB\0\0\xfe\xff\xff\xff")),
        bad(Dicom, "sequences in sequences", with(&nested)),
        bad(Dicom, "zeros", vec![0; 1 << 20]),
        odd(Dicom, "many elements", with(&b"\x08\x00\x05\x00CS\x02\x00AB".repeat(DEEP))),
    ]
}

/// All of them, a parser's at a time so that no more lies in memory.
fn light_all(folder: &Path, large: usize) -> (Vec<Bang>, Vec<String>) {
    let kinds: [&dyn Fn() -> Vec<Bomb>; 9] = [
        &|| toml(large),
        &|| ini(large),
        &|| rc(large),
        &|| python(large),
        &|| yaml(Metadata, large),
        &|| yaml(Product, large),
        &|| json(large),
        &|| manifests(large),
        &dicom,
    ];
    let (bangs, mistakes, number) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()), AtomicUsize::new(0));
    for kind in kinds {
        let bombs = Mutex::new(kind());
        let work = || {
            while let Some(bomb) = { bombs.lock().unwrap().pop() } {
                match light(number.fetch_add(1, Ordering::Relaxed), &bomb, folder) {
                    Ok(bang) => bangs.lock().unwrap().push(bang),
                    Err(mistake) => mistakes.lock().unwrap().push(mistake),
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(work);
            }
        });
    }
    (bangs.into_inner().unwrap(), mistakes.into_inner().unwrap())
}

#[test]
fn no_text_takes_a_parser_down_or_far_up() {
    if let Ok(task) = std::env::var(CHILD) {
        let (parser, file) = task.split_once(' ').unwrap();
        explode(parser.parse().unwrap(), &PathBuf::from(file));
        return;
    }
    let row = Row::new("H08");
    let large = size(64 << 20, 1 << 30);
    let scratch = Scratch::on_disk("bombs");
    let (bangs, mistakes) = light_all(scratch.path(), large);
    assert!(mistakes.is_empty(), "{} bombs went off:\n{}", mistakes.len(), mistakes.join("\n"));
    let slowest = bangs.iter().max_by_key(|bang| bang.ms).unwrap();
    let largest = bangs.iter().max_by_key(|bang| bang.kb).unwrap();
    let refused = bangs.iter().filter(|bang| bang.said.starts_with("refused")).count();
    let row = row.figure("texts", bangs.len()).figure("refused", refused).figure("crashes", 0);
    let row = row.figure("slowest ms", slowest.ms).figure("slowest", slowest.name.as_str());
    row.figure("most kB more", largest.kb).figure("largest", largest.name.as_str()).print();
}
