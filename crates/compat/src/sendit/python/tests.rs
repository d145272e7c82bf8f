//! What modules say, and what nobody can know without Python.

use super::*;
use crate::environment::Environment;

const FILE: &str = "/srv/sendit/settings/watcher.py";

fn read_with(text: &str, environment: &Environment) -> Result<Names, ReadError> {
    read_text(Path::new(FILE), text, World { environment, working: Path::new("/here") })
}

fn names(text: &str) -> Names {
    let environment = [("HOST", "h"), ("EMPTY", "")].into_iter().collect();
    read_with(text, &environment).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What `X` is in the end.
fn x(text: &str) -> Value {
    names(text).get("X").cloned().unwrap_or_else(|| panic!("{text}: no X"))
}

fn text(value: &str) -> Value {
    Value::Text(value.as_bytes().to_vec())
}

/// Why `X` is not known, with line and column.
fn why(module: &str) -> String {
    match x(module) {
        Value::Unknown(unknown) => {
            format!("{}:{}: {}", unknown.place.line, unknown.place.column, unknown.why)
        }
        value => panic!("{module}: {}", value.shown()),
    }
}

#[test]
fn texts_are_read_with_prefixes_escapes_and_continuations() {
    for (module, wanted) in [
        ("X = 'a\\tb\\x41\\101\\u00e9\\\\'", "a\tbAA\u{e9}\\"),
        ("X = r'a\\tb\\'c'", "a\\tb\\'c"),
        ("X = u\"it's\"", "it's"),
        ("X = 'one' \"two\" '''three'''", "onetwothree"),
        ("X = ('one'\n     'two' # said\n    )", "onetwo"),
        ("X = 'one' \\\n  'two'", "onetwo"),
        ("X = '''a\n'b'\r\n''c'''", "a\n'b'\n''c"),
        ("X = 'a\\\nb'", "ab"),
        ("X = f'no {{field}}'", "no {field}"),
        ("X = '\\z'[g()] if False else 'y'", "y"),
        ("\u{feff}X = '#'; Y = 1", "#"),
        ("X = ''", ""),
    ] {
        assert_eq!(x(module), text(wanted), "{module}");
    }
    assert_eq!(x("X = b'\\xff' b'a'"), Value::Bytes(vec![0xff, b'a']));
    assert_eq!(x("X = '/d/\\udcff'"), Value::Text(b"/d/\xff".to_vec()));
}

#[test]
fn literals_names_and_sums_are_worked_out() {
    use Value::{Dict, Flag, Float, Integer, List, Set, Tuple};
    for (module, wanted) in [
        ("X = 0x1f | 0o7 + 0b1", Integer(31)),
        ("X = 1_000 * 60 - 1", Integer(59_999)),
        ("X = -1.5e3", Float(-1500.0)),
        ("X = None", Value::None),
        ("X = not True", Flag(false)),
        ("X = (1,)", Tuple(vec![Integer(1)])),
        ("X = 1, 2,", Tuple(vec![Integer(1), Integer(2)])),
        ("X = ()", Tuple(Vec::new())),
        ("X = (1)", Integer(1)),
        ("X = [1,\n\n 2, # two\n]", List(vec![Integer(1), Integer(2)])),
        ("X = {1, 2}", Set(vec![Integer(1), Integer(2)])),
        ("X = {'a': 1, 'b': 2}['b']", Integer(2)),
        ("X = {'a': 1,}", Dict(vec![(text("a"), Integer(1))])),
        ("A = 'a'\nX = A + 'b'", text("ab")),
        ("A = B = (1,)\nX = A + B\nX += (3,)", Tuple(vec![Integer(1), Integer(1), Integer(3)])),
        ("A = [1]\nX = A + [2]", List(vec![Integer(1), Integer(2)])),
        ("X: int = 5", Integer(5)),
        ("X = 'redis://%s:%d/%d' % ('h', 6379, 0)", text("redis://h:6379/0")),
        ("X = '100%%-%s' % 'a'", text("100%-a")),
        ("X = (1, 2)[-1]", Integer(2)),
        ("X = 'a' if 1 == 2 else 'b'", text("b")),
        ("X = None or 'y'", text("y")),
        ("X = 'a' in ('a', 'b') and not ('c' in 'ab')", Flag(true)),
        ("X = int('7') + int(True)", Integer(8)),
        ("X = list((1,)) + [str(2)]", List(vec![Integer(1), text("2")])),
        ("Y = 1; X = Y; del Y", Integer(1)),
    ] {
        assert_eq!(x(module), wanted, "{module}");
    }
}

#[test]
fn masks_are_known_by_every_way_to_their_names() {
    for (module, wanted) in [
        ("import pyinotify\nX = pyinotify.ALL_EVENTS", 0xfff),
        ("import pyinotify as p\nX = p.IN_CREATE | p.IN_MOVED_TO", 0x180),
        ("from pyinotify import IN_CREATE, IN_DELETE as D\nX = IN_CREATE | D", 0x300),
        ("from pyinotify import (\n  IN_CREATE,\n)\nX = IN_CREATE", 0x100),
        ("from pyinotify import *\nX = ALL_EVENTS & ~IN_OPEN", 0xfdf),
        ("import pyinotify\nX = pyinotify.EventsCodes.ALL_FLAGS['IN_MODIFY']", 2),
        ("from pyinotify import EventsCodes\nX = EventsCodes.IN_MODIFY", 2),
    ] {
        assert_eq!(x(module), Value::Integer(wanted), "{module}");
    }
    assert!(why("import pyinotify\nX = pyinotify.IN_CLOSE").starts_with("2:5: pyinotify has no IN_CLOSE"));
}

#[test]
fn paths_begin_at_the_file() {
    for (module, wanted) in [
        ("import os\nX = os.path.abspath(os.path.join(os.path.dirname( __file__ ), '..'))", "/srv/sendit"),
        (
            "from os.path import join, dirname as d\nX = join(d(d(__file__)), 'logs', 'a')",
            "/srv/sendit/logs/a",
        ),
        ("import os.path\nX = os.path.normpath('/a/../b')", "/b"),
        ("from os import path\nX = path.abspath('logs')", "/here/logs"),
        ("import os\nX = os.path.realpath('/no/such/../x')", "/no/x"),
        ("from pathlib import Path\nX = str(Path(__file__).resolve().parent.parent / 'x')", "/srv/sendit/x"),
        (
            "from pathlib import Path\nB = Path(__file__).parent\nX = str(B.joinpath('a', 'b'))",
            "/srv/sendit/settings/a/b",
        ),
    ] {
        assert_eq!(x(module), text(wanted), "{module}");
    }
}

#[test]
fn the_environment_is_asked_and_can_be_set() {
    for (module, wanted) in [
        ("import os\nX = os.environ.get('HOST', 'd')", text("h")),
        ("import os\nX = os.environ.get('NONE', 'd')", text("d")),
        ("import os\nX = os.getenv('NONE')", Value::None),
        ("import os\nX = os.getenv('NONE', default='e')", text("e")),
        ("from os import environ\nX = environ['HOST']", text("h")),
        ("import os\nX = os.environ.get('EMPTY') or 'y'", text("y")),
        ("import os\nos.environ['S'] = 'set'\nX = os.environ['S']", text("set")),
        ("import os\nos.environ.setdefault('HOST', 'z')\nX = os.environ['HOST']", text("h")),
        ("import os\nos.environ.setdefault('S', 'z')\nX = os.environ['S']", text("z")),
        ("import os\ntry:\n    X = os.environ['NONE']\nexcept KeyError:\n    X = 'k'", text("k")),
    ] {
        assert_eq!(x(module), wanted, "{module}");
    }
    assert_eq!(why("import os\nX = os.environ['NONE']"), "2:5: the environment variable NONE is not set");
}

#[test]
fn a_function_without_parameters_is_worked_out() {
    let module = "\ndef watch_paths():\n    '''About.\n    '''\n    import pyinotify\n    D = '/data'\n    return (\n  ( D,\n  pyinotify.ALL_EVENTS,\n  'c.D',\n  ),\n    )\nX = watch_paths()\n";
    let wanted = Value::Tuple(vec![Value::Tuple(vec![text("/data"), Value::Integer(0xfff), text("c.D")])]);
    assert_eq!(x(module), wanted);
    assert_eq!(x("A = 1\ndef f():\n  if A == 1: return 'one'\n  return 'two'\nX = f()"), text("one"));
    assert_eq!(x("def f(): return g()\ndef g(): return 3\nX = f()"), Value::Integer(3));
    assert_eq!(x("def f(): pass\nX = f()"), Value::None);
    assert!(
        why("def f():\n  for a in b:\n    return a\nX = f()").starts_with("2:3: what the function returns")
    );
    assert!(why("def f(): return f()\nX = f()").contains("more than 8 functions"));
    assert!(why("def f(a): return a\nX = f(1)").contains("with parameters"));
    assert!(why("X = 1\ndef f():\n  global X\n  X = 2\nf()").contains("a function changes it"));
}

#[test]
fn a_condition_that_is_known_is_followed() {
    for (module, wanted) in [
        ("X = None\nif X == None:\n    X = 'was none'\n", "was none"),
        ("X = 'a'\nif X is None:\n    X = 'b'\nelif X != 'a': X = 'c'\nelse:\n    X = 'd'\n", "d"),
        ("X = 'a'\nif X: X = 'b'; X = 'c'\n", "c"),
        ("try:\n    import pyinotify\n    X = 'there'\nexcept ImportError:\n    X = 'no'\n", "there"),
        (
            "try:\n    from local_settings import *\nexcept ImportError:\n    X = 'no'\nelse:\n    X = 'z'\n",
            "no",
        ),
        (
            "try:\n    from .nosuch import *\nexcept (ImportError, ValueError) as e:\n    X = 'no'\nfinally:\n    X = X + '!'",
            "no!",
        ),
    ] {
        assert_eq!(x(module), text(wanted), "{module}");
    }
}

#[test]
fn what_is_not_run_makes_its_names_unknown() {
    for module in [
        "X = 1\nif g():\n    X = 2\n",
        "X = 1\nif False:\n    pass\nelif g():\n    pass\nelse:\n    X = 2\n",
        "X = 1\nfor a in b:\n    X = 2\n",
        "for X in b: pass\n",
        "X = 1\nwhile a:\n    X += 2\n",
        "with open('f') as X:\n    pass\n",
        "X = 1\ntry:\n    X = 2\n    g()\nexcept Exception:\n    pass\n",
        "X = []\nif g():\n    X.append(1)\n",
        "X = []\nX.append(1)\n",
        "X = {}\nX['a'] = 1\n",
        "X = [1]\nX[0] += 1\n",
        "X, Y = 1, 2\n",
        "class X:\n    pass\n",
        "X = [a for a in b]\n",
        "X = lambda a=1: a\n",
        "X = g(1)\n",
        "X = f'{a}'\n",
        "X = '\\N{DASH}'\n",
        "X = b'\u{e9}'\n",
        "X = 1 < 2 < 3\n",
        "X = 1j\n",
        "X = a[1:2]\n",
        "X = (yield)\n",
        "X = *a, b\n",
        "X = 'a' 1\n",
        "X = \n",
        "X = '%s %s' % ('a',)\n",
        "X = '%5d' % 3\n",
        "X = 9223372036854775807 + 1\n",
    ] {
        assert!(matches!(x(module), Value::Unknown(_)), "{module}: {:?}", x(module));
    }
    assert_eq!(why("A = 1\nX = g(1)"), "2:5: the name g has no value here");
    assert_eq!(why("X = (1,\n  h for h in y)"), "2:5: \"for\" is not understood here");
    assert_eq!(
        why("X = 1\n\nif g():\n    X = 2\n"),
        "4:5: it is assigned in the \"if\" of line 3, which is not run, because what becomes of it is not known"
    );
}

#[test]
fn names_of_classes_and_functions_are_their_own() {
    assert_eq!(x("X = 1\nclass A:\n    X = 2\ndef f():\n    X = 3\nf()\n"), Value::Integer(1));
    assert_eq!(x("X = 1\nfor a in X: print(X)\n"), Value::Integer(1));
    assert_eq!(x("import os\nif g():\n  import os\nX = os.sep\n"), text("/"));
    assert_eq!(
        x("X = [1]\n@deco\ndef f(): pass\nY = [2]\nY.append(2)\nprint(X)"),
        Value::List(vec![Value::Integer(1)])
    );
}

#[test]
fn what_is_no_python_says_where() {
    for (module, wanted) in [
        ("X = 'abc\nY = 1", "1:5: this text is never closed"),
        ("X = (1,\n\nY = 2\n", "1:5: this \"(\" is never closed"),
        ("X = 1)", "1:6: there is nothing for \")\" to close"),
        ("X = (1]", "1:7: \"]\" does not close \"(\""),
        ("A = 1\nX = $a", "2:5: the character '$' has no meaning here"),
        ("if a:\n    b\n  c\n", "3:3: this line is indented as no line above it"),
        ("X = 1 \\ \n", "1:7: a backslash must be the last character of its line"),
        (
            "from .nosuch import *\n",
            "1:1: there is no module .nosuch, and Python would end here with ImportError",
        ),
        (
            "from .nosuch import X\n",
            "1:1: there is no module .nosuch, and Python would end here with ImportError",
        ),
    ] {
        let error = read_with(module, &Environment::default()).unwrap_err().to_string();
        assert_eq!(error, format!("read {FILE}:{wanted}"));
    }
}

#[test]
fn deep_and_large_is_refused_and_never_overflows() {
    let deep =
        |open: &str, close: &str, count: usize| format!("X = {}1{}", open.repeat(count), close.repeat(count));
    assert!(matches!(x(&deep("(", ")", 40)), Value::Integer(1)));
    for module in [deep("(", ")", 5000), deep("[", "]", 101), deep("{1:", "}", 300)] {
        assert!(read_with(&module, &Environment::default()).is_err());
    }
    for module in
        [deep("-", "", 20_000), deep("not ", "", 20_000), deep("1+", "", 20_000), deep("a.", "", 20_000)]
    {
        let module = if module.contains("a.") { module.replace("a.1", "a") } else { module };
        assert!(why(&module).contains("parts lie in one another"), "{}", &module[..20]);
    }
    let blocks: Vec<String> = (0..200).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    assert!(read_with(&blocks.concat(), &Environment::default()).is_err());
    // Each line doubles it, or puts it one deeper.
    assert!(why(&format!("X = 'a'\n{}", "X = X + X\n".repeat(60))).contains("too large"));
    for line in ["X = (X, X)\n", "X = (X,)\n", "X = {X: X}\n", "X = 'a' + str(X)\n"] {
        let _ = read_with(&format!("X = 'a'\n{}", line.repeat(10_000)), &Environment::default());
    }
    let work = format!("A = '{}'\n{}", "a".repeat(10_000), "B = A + A\n".repeat(5_000));
    let error = read_with(&work, &Environment::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("too much"), "{error}");
    let calls: Vec<String> = (0..8)
        .map(|n| {
            format!(
                "def f{n}(): return ({})
",
                format!("f{}(),", n + 1).repeat(50)
            )
        })
        .collect();
    let _ = read_with(&format!("{}X = f0()\n", calls.concat()), &Environment::default());
}

#[test]
fn files_of_the_project_are_read_where_they_are_imported() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = scratch.path().join("proj/settings");
    std::fs::create_dir_all(&settings).unwrap();
    for name in ["proj/__init__.py", "proj/settings/__init__.py"] {
        std::fs::write(scratch.path().join(name), "").unwrap();
    }
    let write = |name: &str, text: &str| std::fs::write(settings.join(name), text).unwrap();
    write(
        "__init__.py",
        "from .main import *\nfrom .apps import ONE as X1, TWO\ntry:\n    from .secrets import *\nexcept ImportError:\n    from .bogus import *\nfrom proj.settings.more import Y\n",
    );
    write("main.py", "import os\nBASE = os.path.dirname(__file__)\n_HIDDEN = 1\nfrom . import apps\n");
    write("apps.py", "ONE = 1\nTWO = ONE + 1\nfrom .main import BASE\n");
    write("bogus.py", "__all__ = ['KEY']\nKEY = 'bogus'\nOTHER = 1\n");
    write("more.py", "from .more import *\nfrom .main import BASE as B\nY = B\n");
    let environment = Environment::default();
    let world = World { environment: &environment, working: Path::new("/here") };
    let names = read(&settings.join("__init__.py"), world).unwrap();
    assert_eq!(names.get("X1"), Some(&Value::Integer(1)));
    assert_eq!(names.get("TWO"), Some(&Value::Integer(2)));
    assert_eq!(names.get("KEY"), Some(&text("bogus")));
    assert_eq!((names.get("OTHER"), names.get("_HIDDEN")), (None, None));
    assert_eq!(names.get("Y"), Some(&text(settings.to_str().unwrap())));
    assert_eq!(names.files.len(), 5, "{:?}", names.files);
    write("secrets.py", "KEY = (\n");
    let error = read(&settings.join("__init__.py"), world).unwrap_err().to_string();
    assert!(error.contains("secrets.py:1:7: this \"(\" is never closed"), "{error}");
    write("secrets.py", "from local_settings import *\n");
    let names = read(&settings.join("__init__.py"), world).unwrap();
    assert!(names.warnings[0].1.starts_with("local_settings is not read"), "{:?}", names.warnings);
    std::fs::write(settings.join("big.py"), vec![b'#'; 2 << 20]).unwrap();
    let error = read(&settings.join("big.py"), world).unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
    std::fs::write(settings.join("big.py"), b"X = '\xff'").unwrap();
    assert!(read(&settings.join("big.py"), world).unwrap_err().to_string().contains("not UTF-8"));
}

/// A generator of numbers that repeats itself.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

#[test]
fn whatever_is_written_is_read_or_refused() {
    let whole = "import os, pyinotify\nfrom pathlib import Path\nB = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))\ndef w():\n    '''t'''\n    if B == None:\n        return ()\n    return ((B, pyinotify.ALL_EVENTS | 0x1, 'a.B'),)\nX = w() + [(1, {'a': 'b%s' % 2}, f'x')][0:1]\ntry:\n    from .s import *\nexcept ImportError: Y = 1; X += ('z',)\nfor i in X: Z = i\nif not Y is None and (Y or 2) > 1: Q = '\\x41\\u00e9' b'\\xff'\n";
    let pieces: Vec<char> = " \n\t\\'\"#()[]{}=:,.;|+-*/%<>~@!$0x1.e5fabrXY\u{e9}\u{1F600}".chars().collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let environment = Environment::default();
    for _ in 0..20_000 {
        let mut module: Vec<char> = whole.chars().collect();
        for _ in 0..=chance.below(12) {
            let (at, other) = (chance.below(module.len()), chance.below(module.len()));
            match chance.below(4) {
                0 => module.insert(at, pieces[chance.below(pieces.len())]),
                1 => drop(module.remove(at)),
                2 => module.swap(at, other),
                _ => {
                    let end = (at + chance.below(30)).min(module.len());
                    let copied = module[at..end].to_vec();
                    module.splice(other..other, copied);
                }
            }
        }
        let module: String = module.into_iter().collect();
        let _ = read_with(&module, &environment);
    }
}

#[test]
fn what_may_be_changed_by_another_name_or_a_call_is_not_known() {
    for module in [
        "P = [1]\nX = P\nP.append(2)",
        "P = [1]\nX = P\nP += [2]",
        "X = P = [1]\nP[0] = 2",
        "P = [[1]]\nQ = P[0]\nX = P\nQ[0] = 2",
        "X = [1]\n(X).append(2)",
        "X = [1]\nlist.append(X, 2)",
        "X = [1]\n_ = X.append(2)",
        "X = [1]\n[X.append(n) for n in (2, 3)]",
        "X = [1]\ndef f(it):\n    it.append(2)\nf(X)",
        "X = [1]\ndef f():\n    X.append(2)\nf()",
        "X = {'a': 1}\ndef f():\n    if g():\n        X['a'] = 2\nf()",
        "X = 'a'\nY = (X := 'b')",
        "def d(f): return g\n@d\ndef f(): return 1\nX = f()",
        "X = 1 == True",
        "X = 1.0 == 1",
    ] {
        why(module);
    }
    for module in [
        "P = [0]\nX = [1]\nP.append(2)",
        "X = [1]\nprint(X)",
        "P = [1]\nX = (1,)\nX += (2,)\nX = P",
        "X = [1]\ndef f():\n    X = []\n    X.append(2)\n    return X\nY = f()",
        "X = [1]\nimport sys\nsys.path.insert(0, 'x')",
        "X = [1]\nY = list(X)",
    ] {
        assert_eq!(x(module), Value::List(vec![Value::Integer(1)]), "{module}");
    }
    assert_eq!(names("exec('X = 1')").warnings.len(), 1);
}
