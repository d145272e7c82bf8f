#!/usr/bin/env python3
"""Compares products::yaml with PyYAML, and writes the table that the tests read.

    python3 crates/products/data/compare.py            # compare, print what differs
    python3 crates/products/data/compare.py --write    # also write pyyaml_metadata.json

Needs PyYAML 6 (`pip install pyyaml==6.0.3`); the tests themselves need neither Python nor PyYAML.
What the original does between reading and sending is done here as it was recorded: dates become
their ISO text, the root must be a mapping, its keys must be text.
"""

import argparse
import collections
import datetime
import json
import pathlib
import random
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).parent

# Spellings whose type is easily mistaken.
SCALARS = """
yes Yes YES yEs no NO nO on ON oN off OFF oFF y n Y N true TRUE True tRUE false null Null NULL nULL ~ ~~
0 -0 +0 00 -00 01 08 09 012 -012 +012 0o12 0x1F 0X1F 0x 0x_ 0x_f -0xff 0b 0b_ 0b101 0b1_0 0b2 1_000 _1 1_ 1__0 0_ 0__ 0_7
1.5 .5 -.5 +.5 ._5 5. 5._ 5_. 1_0.5 1.0e3 1.0e+3 1.e+3 1e+3 1e3 1E5 6.02e23 6.02E+23 6.02e-23 1.0e+400 -1.0e+400 1.0e-400
.inf -.inf +.inf .Inf .INF .iNF .nan .NaN .NAN -.nan .Nan inf nan . .. -. + - ++1 --1 +-1 1+ 1-
1:30 -1:30 +1:30 12:30:45 1:99 1:60 1:59 1:5 0:30 01:30 00:30 190:20:30 190:20:30.15 190:20:30. -190:20:30.15 1:2:3:4:5:6
1:30:99 1:30:9 1:30. 1:30.5e+3 1_0:30 1_0:30.5_0 0:30.5 09:30.5 1: :1 1::1 1:30:
2024-01-02 2024-1-2 2024-1-02 0000-01-01 9999-12-31 2024-02-29 2023-02-29 1900-02-29 2000-02-29 2024-04-31 2024-00-10
2024-01-02T03:04:05 2024-01-02t3:04:05 2024-1-2T3:04:05 2024-01-02T03:04:05Z 2024-01-02T03:04:05z 2024-01-02T03:04:05.
2024-01-02T03:04:05.1 2024-01-02T03:04:05.000000 2024-01-02T03:04:05.0000009 2024-01-02T03:04:05.123456789
2024-01-02T03:04:05+02:00 2024-01-02T03:04:05-05 2024-01-02T03:04:05+5 2024-01-02T03:04:05-00:00 2024-01-02T03:04:05+23:59
2024-01-02T03:04:05+24:00 2024-01-02T03:04:05+05:99 2024-01-02T03:04:05-05:30 2024-01-02T24:00:00 2024-01-02T23:60:00
2024-01-02T23:59:60 2024-01-02T03:04 2024-01-02T 2024-01-02T03:04:05+ 2024-01-02T03:04:05+1:2 2024-01-02T03:04:05.5Z
1e16 1.0e+15 1.0e+16 1.0e+17 123456789012345678.0 0.0001 0.00001 0.1 1.7976931348623157e+308 4.9e-324 2.2250738585072014e-308
123456789012345678901234567890 -123456789012345678901234567890 0xffffffffffffffffffffffffffffffff 0777777777777777777777777777
<< = == <= => !  eb-m001-20191031-12345 20191031-12345 a:b a#b 1,000 1.2.3 1.2.3.4 0.0.0.0 ::1 12e 0e123456 1e10 0x1G 0b12
""".split() + [
    "2024-01-02 03:04:05", "2024-01-02  03:04:05 Z", "2024-01-02\t03:04:05", "2024-01-02 03:04:05 +02:00", "2024-01-02 3:4:5",
    "2024-01-02t03:04:05.5 -5", "12 13", "yes no", "- 1", "a b", "1 :30", "null null", "~ ~", "'012'", '"012"', "'yes'", '""', "''",
    '"\\x41\\u00e9\\U0001F600\\n\\t\\r\\0\\a\\b\\e\\f\\v\\N\\_\\L\\P\\/\\"\\\\"', '"\\ud83d\\ude00"', '"\\ "', "'it''s'", '"\\q"', '"a\\\n  b"',
]

TAGS = ["!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!", "!foo", "!!foo", "!!binary", "!!seq", "!!map", "!!set",
        "!!merge", "!!value", "!<tag:yaml.org,2002:int>", "!!python/name:os.system"]

# Whole documents.
DOCUMENTS = [
    "", "\n", "# c\n", "---\n", "---\n...\n", "...\n", "a", "- a", "[]", "{}", "a: 1\n---\n", "a: 1\n---\nb: 2\n", "a: 1\n...\n", "a: 1\n...\n...\n",
    "a: 1\n...\n# c\n", "a: 1\n...\nb: 1\n", "%YAML 1.1\n---\na: 1\n", "%YAML 2.0\n---\na: 1\n", "%TAG !e! tag:yaml.org,2002:\n---\na: !e!int '12'\n",
    "%FOO bar\n---\na: 1\n", "--- {a: 1}\n", "--- a: 1\n", "---\ta: 1\n", "\ufeffa: 1\n", "\ufeff---\na: 1\n", "a: \ufeff1\n",
    # keys
    "a: 1\na: 2\nb: 3\na: 4\n", "a: 1\n'a': 2\n", "a: {b: 1, c: 2, b: 3}\n", "a: {1: x, 1.0: y, true: z, '1': w}\n", "a: {1.0: x, 1: y}\n",
    "a: {0: x, false: y, -0.0: z, 0.0: w}\n", "a: {.nan: 1, .nan: 2}\n", "a: {.inf: 1, -.inf: 2}\n", "a: {null: 1, ~: 2, : 3}\n", "a: {1e16: 1, 1.0e+16: 2, 10000000000000000: 3}\n",
    "a: {9007199254740993: 1, 9007199254740992.0: 2}\n", "a: {0x10: 1, 16: 2, 020: 3}\n", "a: {12:30: 1}\n", "a: {12:30:45: 1}\n", "a: {yes: 1, no: 2}\n", "a: {1.5: 1, 1.50: 2}\n",
    "1: x\n", "yes: x\n", "null: x\n", "~: x\n", "2024-01-01: x\n", "1.5: x\n", ": x\n", "? a\n: 1\n", "? a\n", "? [a]\n: 1\n", "? {a: 1}\n: 1\n", "? |\n  a\n: 1\n",
    "a: {2024-01-01: 1}\n", "a: {2024-01-01 00:00:00: 1}\n", "a: {!!binary aGk=: 1}\n", "a: {2024-01-01: 1}\na: 2\n", "!!binary aGk=: 1\n", "=: 1\n", "a: =\n", "a: [=]\n", "a: {=: 1}\n",
    "<<: 1\n", "a: <<\n", "a: [<<]\n", "'<<': {b: 1}\n", "\"<<\": 1\n", "!!str <<: {a: 1}\n", "!!merge x: {a: 1}\n", "a: !!str {=: x}\n", "a: !!int {b: 1, =: '12'}\n",
    # merging
    "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}\n", "a: &a {x: 1, y: 2}\nb: {z: 4, y: 3, <<: *a}\n", "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 1}\n",
    "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: *a, <<: *b}\n", "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n", "a: {<<: [], b: 1}\n", "a: {<<: [[]], b: 1}\n", "a: {<<: null}\n",
    "a: {<<: {<<: {x: 1}, y: 2}, z: 3}\n", "a: &a {<<: *a, b: 1}\n", "a: &a {<<: [*a, *a], b: 1}\n", "<<: {a: 1}\nb: 2\n", "<<: {1: x}\n", "a: {<<: !foo {x: 1}}\n", "a: {<<: !foo [{x: 1}]}\n",
    "a: {<<: {2024-13-01: 1}}\n", "a: {<<: {x: 2024-13-01}, x: 1}\n", "- &a {x: 1}\n- {<<: *a}\n", "a: !!set {x, y}\n", "a: !!set {x, y}\na: 1\n", "a: !!omap [{<<: {a: 1}}]\n",
    "a: {<<: &m {x: 1}, y: *m}\n", "a: &a [{x: 1}, {x: 2, y: 3}]\nb: {<<: *a}\n", "base: &base\n  x: 1\n  y: [1, 2]\nderived:\n  <<: *base\n  x: 2\n",
    # anchors
    "a: &x 1\nb: *x\n", "a: *x\n", "a: &x 1\nb: &x 2\nc: *x\n", "a: &x [1, *x]\n", "a: &x {b: *x}\n", "a: &x [1]\nb: [*x, *x, {c: *x}]\n", "a: &x yes\nb: *x\n*x : 1\n", "&k a: 1\nb: *k\n",
    "a: &x\nb: *x\n", "a: &x !!str 12\nb: *x\n", "a: !!str &x 12\nb: *x\n", "a: {? *x : 1}\n", "&a a: &b b\n*b : *a\n", "a: &ä 1\n", "a: &x-y_z 1\nb: *x-y_z\n", "a: & 1\n", "a: &x, 1\n",
    # tags
    "a: !!str\n", "a: !!null\n", "a: !!int\n", "a: ! 12\n", "a: ! '12'\n", "a: ! [1]\n", "a: !!omap [{x: 1}, {y: 2}]\n", "a: !!pairs [{x: 1}, {x: 2}]\n", "a: !!omap {x: 1}\n", "a: !!omap [x]\n",
    "a: !!omap [{x: 1, y: 2}]\n", "a: !!omap [{1: 1}, {2024-01-01: 2}]\n", "a: !!seq [1]\n", "a: !!seq {}\n", "a: !!map {b: 1}\n", "a: !!map [1]\n", "!!map {a: 1}\n", "!!str {a: 1}\n", "!!set {a}\n",
    "!!omap [{a: 1}]\n", "a: !!float 12\n", "a: !!float '1e5'\n", "a: !!float inf\n", "a: !!float ' 1.5 '\n", "a: !!int ' 12 '\n", "a: !!int 0o12\n", "a: !!int 1.5\n", "a: !!bool 1\n", "a: !!bool YeS\n",
    "a: !!null x\n", "a: !!null [x]\n", "a: !!str [x]\n", "a: !!timestamp 2024-1-2\n", "a: !!timestamp '2024-01-02'\n", "a: !!timestamp x\n", "a: !!binary aGk=\n", "a: !!binary 'ü'\n", "a: !!binary '*'\n",
    "a: !<tag:yaml.org,2002:str> 12\n", "a: !e!x 1\n", "!foo a: 1\n", "!foo {a: 1}\n", "a: !!python/object:x.Y {}\n", "a: !!binary aGk=\na: 1\n", "a: !!str 2024-13-45\n", "a: !!str yes\n", "a: !!str ''\n",
    "a: !!timestamp |\n  2024-01-02\n",
    # scalars of several lines
    "a: b\n  c\n\n  d\n", "a: 'b\n  c\n\n  d'\n", "a: \"b\n  c\n\n  d\"\n", "a: \"b\nc\"\n", "a: 'b\nc'\n", "a: b\nc: d\n", "a: |\n  b\n  c\n", "a: |-\n  b\n", "a: |+\n  b\n\n", "a: >\n  b\n  c\n\n  d\n   e\n  f\n",
    "a: >-\n  b\n\n\n  c\n", "a: |2\n   b\n", "a: |1-\n  b\n", "a: |\nb: 1\n", "a: |\n\n\n  b\n", "a: |\n  b\n # c\n", "a: | # c\n  b\n", "a: |\n  b", "a: >\n  b", "a: |\n   b\n  c\n", "a: >\n\n  b\n", "a: |\n  \tb\n",
    "a:\n  b\n  c\n", "a: 12\n  13\n", "a: yes\n  no\n", "a: |+\n\n", "a: >+\n  b\n\n\n", "a: |\n  b\r\n  c\r\n", "a: b\r\nc: d\r\n", "a: 1\rb: 2\r", "a: 'x\\ny'\n", "a: \"x \\\n   y\"\n", "a: \"x\n\n  \\  y\"\n", "a: ''''\n",
    "a: \"\tx\t\"\n", "a: >\n  x\n\ty\n", "a: |\n x\n\n  y\n z\n",
    # flow
    "a: [1, 2, ]\n", "a: [1,, 2]\n", "a: [,]\n", "a: {b, c: 1}\n", "a: {b: , c: 1}\n", "a: {b:1}\n", "a: {\"b\":1}\n", "a: {'b':1, c : 2}\n", "a: [b: 1, c]\n", "a: [? b : 1]\n", "a: [? b]\n", "a: {? b : 1, ? c}\n", "a: [a:b]\n", "a: [a :b]\n",
    "a: [1\n, 2]\n", "a: [\n1\n]\n", "a: {\nb: 1\n}\n", "a: [1, 2\n", "a: [1}\n", "a: [b c, d\n  e]\n", "a: [-1, - 1]\n", "a: [-]\n", "a: [a, [b, [c]]]\n", "{a: 1, b: 2}\n", "{a: 1}\nb: 2\n", "[a]: 1\n", "a: [http://x/y, x?y, a#b]\n", "a: {x: http://y}\n",
    "a: [:x]\n", "a: [?x]\n", "a: {?x: 1}\n", "a: {:x: 1}\n", "a: [x:, y]\n", "a: {x:}\n", "a: {x: 1,}\n", "a: [ # c\n 1 # d\n ]\n", "a: [1,2]\n", "a: {b: 1,c: 2}\n", "a: [a,b]\n", "a: ['a','b']\n", "a: [\"a\" , \"b\"]\n", "a: [\"a\":1]\n", "a: [a: 1\n  , b: 2]\n",
    # block
    "a:\n- 1\n- 2\n", "a:\n  - 1\n  - 2\n", "a:\n  - b: 1\n    c: 2\n  - - 1\n    - 2\n", "a:\n  -\n  - 1\n", "a:\n  b: 1\n c: 2\n", "a:\n  b: 1\n   c: 2\n", " a: 1\n", " a: 1\nb: 2\n", "a: - 1\n", "a: b: c\n", "a:b\n", "a :1\n", "a : 1\n", "a:\n", "a:\n\n  b\n",
    "a:   \n  b: 1\n", "- a\nb: 1\n", "a: 1\n- b\n", "a:\n  - b\n c: 1\n", "a:\n- b\nc:\n- d\n", "a: ? b\n", "a: |x\n  b\n", "a: @b\n", "a: `b\n", "a: %b\n", "%a: 1\n", "a: b%c\n", "a: *\n", "a: ,b\n", "a: ]b\n", "a: -b\n", "a: -\n", "a: ?b\n", "a: :b\n", "a: b:\n", "a: b: \n",
    "-a: 1\n", "?a: 1\n", ":a: 1\n", "a: --- b\n", "a: b --- c\n", "---a: 1\n", "a: '---'\n", "a: |\n  ---\n", "a: '\n---\n'\n", "a: x\n--- \n", "a b c: 1\n", "\"a b\": 1\n", "'a': 1\n", "? 'a'\n: 'b'\n? c\n", "a:\n  ? b\n  : c\n", "a: \"b\": c\n", "\"a\"b: 1\n", "a: \"b\"c\n", "a: 'b' c\n",
    # comments, blanks, tabs
    "a: b #c\n", "a: b#c\n", "a: #c\n  b\n", "#c\na: 1 # d\n# e\n", "a: \"b\"#c\n", "a: [b]#c\n", "a: b\n#c\n  d\n", "a:\tb\n", "a: b\t\n", "a: b\t# c\n", "a: b\tc\n", "\ta: 1\n", "a:\n\tb: 1\n", "a: [\tb]\n", "a: [b,\tc]\n", "a: [b\t]\n", "a: {b:\t1}\n", "a: 1\n\t\nb: 2\n", "a: 1\n \t\nb: 2\n", "a:\n  - \tb\n", "a:\n  -\tb\n",
    "a: \t b\n", "a: 'b'\t\n", "a: |\t\n  b\n", "a: b\n\n\n\nc: d\n", "a: b   \n", "a: &x\t1\n", "a: !!str\t1\n", "? a\n:\tb\n", "a: \"b\\\tc\"\n", "a: 'b\tc'\n", "a: [a, b]\t\n", "a: b\n\t# c\nd: e\n",
    # characters
    "a: ü√😀\n", "ü: 1\n", "a: \x7f\n", "a: \x01\n", "a: \x80\n", "a: \x85b\n", "a: b\x85c: d\n", "a: b\u2028c: d\n", "a: 'b\u2028c'\n", "a: b\u2029\n", "a: \ufffe\n", "a: \uffff\n", "a: \ufffd\n", "a: b\xa0c\n", "a: \xa0b\n", "a: \"\\x7f\\x85\\u2028\"\n", "a: \0\n", "a: \u3000b\n", "a: \"\\ud83d\"\n", "a: \"\\U00110000\"\n", "a: \"\\x4\"\n", "a: \"\\u00g0\"\n",
    # sizes
    "a: " + "9" * 4300 + "\n", "a: " + "9" * 4301 + "\n", "a: 0x" + "f" * 3571 + "\n", "a: 0x" + "f" * 3572 + "\n", "a: 1" + ":00" * 200 + "\n", "a: 1" + ":00" * 200 + ".5\n", "a: 0" + "0" * 5000 + "\n", "x" * 1000 + ": 1\n", "x" * 1030 + ": 1\n", "? " + "x" * 1030 + "\n: 1\n", "a: {" + "x" * 1030 + ": 1}\n",
    "a: " + "[" * 100 + "]" * 100 + "\n", "a: 0b" + "1" * 300 + "\n",
]


def sanitize(value):
    """What the original's REST client does to a value before it is JSON."""
    if isinstance(value, (float, bool, bytes, str, int)) or value is None:
        return value
    if isinstance(value, list):
        return [sanitize(entry) for entry in value]
    if isinstance(value, tuple):
        return tuple(sanitize(entry) for entry in value)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: sanitize(entry) for key, entry in value.items()}
    raise TypeError(type(value).__name__)


def body(document):
    """The body, or nothing where the original ends."""
    try:
        root = yaml.safe_load(document)
        if not isinstance(root, dict) or not all(isinstance(key, str) for key in root):
            return None
        return json.dumps(sanitize(root))
    except Exception:  # the original catches none of them
        return None


def fixed():
    for text in SCALARS:
        yield f"a: {text}\n"
        yield f"a: {{b: [{text}, {{{text}: 1}}]}}\n"
    for tag in TAGS:
        for text in ("12", "'012'", "1.5", "yes", "x", "", "~", "2024-01-02", "[1]", "{b: 1}", "aGk="):
            yield f"a: {tag} {text}\n"
    yield from DOCUMENTS


def spelled(random_source):
    """A scalar of the characters that the implicit types are made of."""
    alphabet = random_source.choice(["0123456789", "01234567_.:eE+-", "0-9:T.Z+ 1234", "xb01f_o", "yesnoYESNOtrufal", "0123456789.e+-", "-:.0129 T"])
    return "".join(random_source.choice(alphabet) for _ in range(random_source.randint(1, 14)))


def timestamp(r):
    out = f"{r.choice([0, 1, 1999, 2024, 9999]):04}-{r.randint(0, 13)}-{r.randint(0, 32):02}" if r.random() < 0.3 else f"2024-{r.randint(1, 12):02}-{r.randint(1, 31):02}"
    if r.random() < 0.8:
        out += r.choice(["T", "t", " ", "  "]) + f"{r.randint(0, 25)}:{r.randint(0, 61):02}:{r.randint(0, 61):02}"
        out += r.choice(["", ".", f".{r.randint(0, 10**9)}"]) + r.choice(["", "Z", " Z", f"{r.choice('+-')}{r.randint(0, 26)}", f" {r.choice('+-')}{r.randint(0, 26):02}:{r.randint(0, 99):02}"])
    return out


def number(r):
    bits = r.getrandbits(64)
    import struct
    value = struct.unpack("d", struct.pack("Q", bits))[0] if r.random() < 0.5 else r.uniform(-1, 1) * 10 ** r.randint(-8, 20)
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".e")
    return text


def node(r, depth):
    """Some YAML in flow style, with anchors, aliases, tags and merge keys."""
    choice = r.random()
    if depth == 0 or choice < 0.45:
        text = r.choice([lambda: r.choice(SCALARS), lambda: spelled(r), lambda: number(r), lambda: timestamp(r), lambda: r.choice("abcxyz")])()
        return r.choice(["", "", "", "", "", r.choice(TAGS) + " "]) + text
    if choice < 0.55:
        return f"*{r.choice('pq')}"
    anchor = f"&{r.choice('pqrst')} " if r.random() < 0.3 else ""
    if choice < 0.75:
        return anchor + "[" + ", ".join(node(r, depth - 1) for _ in range(r.randint(0, 3))) + "]"
    keys = [r.choice(["<<", "a", "b", "c", "1", "1.0", "true", "~", spelled(r)]) for _ in range(r.randint(0, 4))]
    return anchor + "{" + ", ".join(f"{key} : {node(r, depth - 1)}" for key in keys) + "}"


def block(r, indent, depth):
    """Some YAML in block style, with odd indentation now and then."""
    pad = " " * (indent + (r.random() < 0.03))
    out = []
    is_list = r.random() < 0.35 and indent > 0
    for _ in range(r.randint(1, 4)):
        head = "-" if is_list else r.choice(["a", "b", "c", "key", "'q'", '"d"', "x y"]) + ":"
        choice = r.random()
        if depth and choice < 0.35:
            out.append(f"{pad}{head}\n" + block(r, indent + r.choice([1, 2, 2, 2, 4]), depth - 1))
        elif choice < 0.45:
            style = r.choice(["|", ">", "|-", ">-", "|+", ">+"])
            lines = "".join(" " * (indent + 2 + r.choice([0, 0, 0, 1])) + r.choice(["one", "two # c", "", "- x", "a: b", "'"]) + "\n" for _ in range(r.randint(0, 4)))
            out.append(f"{pad}{head} {style}\n{lines}")
        elif choice < 0.55:
            quote = r.choice("'\" ")
            out.append(f"{pad}{head} {quote}one\n{' ' * (indent + r.choice([0, 1, 2, 3]))}two{r.choice(['', chr(10), ' #c'])}{quote}\n")
        else:
            out.append(f"{pad}{head} {node(r, 1)}{r.choice(['', '', '', ' # c', ' '])}\n{r.choice(['', '', '', chr(10), '# c' + chr(10)])}")
    return "".join(out)


def drawn(count, seed):
    r = random.Random(seed)
    for index in range(count):
        kind = index % 5
        if kind == 0:
            yield f"a: {spelled(r)}\n"
        elif kind == 1:
            yield f"a: {r.choice([timestamp, number])(r)}\n"
        elif kind == 2:
            yield f"p: &p {{x: 1, y: 2}}\nq: &q [*p, {{x: 3, z: 4}}]\na: {node(r, 3)}\n"
        elif kind == 3:
            yield block(r, 0, 3)
        else:
            yield "a: " + "".join(r.choice("ab:,[]{}#&*!|>'\"%-? \n\t1") for _ in range(r.randint(1, 12))) + "\n"


def ours(documents):
    command = ["cargo", "run", "-q", "-p", "products", "--example", "metadata"]
    given = "".join(json.dumps(document) + "\n" for document in documents)
    answer = subprocess.run(command, input=given, text=True, capture_output=True, check=True, cwd=HERE).stdout
    return answer.split("\n")[:-1]


def compare(documents, show):
    counts = collections.Counter()
    for document, mine in zip(documents, ours(documents), strict=True):
        theirs = body(document)
        got = None if mine.startswith("!") else mine
        if got == theirs:
            counts["same"] += 1
            continue
        how = "only we refuse" if got is None else "only PyYAML refuses" if theirs is None else "other body"
        counts[how] += 1
        if counts[how] <= show or how == "other body":
            print(f"{how}: {document!r:.200}\n    PyYAML {theirs!r:.200}\n    ours   {mine!r:.200}")
    print(dict(counts))
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--drawn", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=40)
    chosen = parser.parse_args()
    table = list(dict.fromkeys(fixed()))
    print("the fixed documents")
    compare(table, chosen.show)
    print("drawn documents, seed", chosen.seed)
    compare(list(drawn(chosen.drawn, chosen.seed)), chosen.show)
    if chosen.write:
        write(table)


def write(table):
    """One case a line. Where the two differ, our answer stands in the case as well."""
    cases = []
    for document, mine in zip(table, ours(table), strict=True):
        if len(document) > 300:
            continue  # these are in tests.rs, in short
        theirs = body(document)
        case = {"yaml": document, **({"body_text": theirs} if theirs is not None else {})}
        if (None if mine.startswith("!") else mine) != theirs:
            case["ours"] = mine
        cases.append(json.dumps(case, ensure_ascii=True))
    (HERE / "pyyaml_metadata.json").write_text("[\n" + ",\n".join(cases) + "\n]\n")


if __name__ == "__main__":
    sys.exit(main())
