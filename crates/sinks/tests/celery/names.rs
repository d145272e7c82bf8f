//! Names of any bytes reach a worker's `os.listdir`, by way of Python's own decoders.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use testkit::chance::Chance;
use testkit::redis::Redis;

use crate::rig::{QUEUE, celery, deliver_all, folder, sink};

const COUNT: u64 = 10_000;

/// What a worker does with each element of the list: kombu's envelope, Celery's body, the file system's encoding. It
/// prints the path's bytes, and says when `kwargsrepr` is no literal of the arguments.
const WORKER: &str = r#"
import ast, base64, json, os, sys
for line in open(sys.argv[1], "rb"):
    message = json.loads(line.decode("utf-8"))
    body = base64.b64decode(message["body"])
    args, kwargs, embed = json.loads(body.decode(message["content-encoding"]))
    shown = message["headers"]["kwargsrepr"]
    if not shown.endswith("...") and ast.literal_eval(shown) != kwargs:
        print("kwargsrepr differs:", ascii(shown))
    elif len(shown) > 1024:
        print("kwargsrepr is long:", len(shown))
    else:
        print(os.fsencode(kwargs["dicom_dir"]).hex())
"#;

/// A name as nobody would choose it.
fn name(chance: &mut Chance) -> Vec<u8> {
    const PIECES: [&str; 12] = [
        "\u{2028}",
        "\u{2029}",
        "\u{85}",
        "\u{1f600}",
        "\u{10ffff}",
        "é",
        "漢",
        "\"",
        "'",
        "\\",
        "\\udcff",
        "{}%s",
    ];
    let mut name = Vec::new();
    for _ in 0..=chance.below(40) {
        match chance.below(4) {
            0 => name.extend_from_slice(chance.pick(&PIECES).as_bytes()),
            1 => name.push(1 + chance.below(31) as u8),
            2 => name.push(128 + chance.below(128) as u8),
            _ => name.push(1 + chance.below(255) as u8),
        }
    }
    name.retain(|byte| *byte != b'/');
    name.truncate(255);
    if name.is_empty() { b"x".to_vec() } else { name }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test]
async fn ten_thousand_random_names_come_back_byte_for_byte() {
    let redis = Redis::start();
    let mut chance = Chance::from_environment();
    let mut names: Vec<Vec<u8>> = (1..=255_u8).filter(|byte| *byte != b'/').map(|byte| vec![byte]).collect();
    // Half and whole characters, and surrogates as if they were characters.
    names.extend(
        [&b"\xf0\x9f\x98"[..], b"\xe2\x80", b"\xed\xb3\xbf", b"\xed\xa0\x80\xed\xb0\x80"].map(<[u8]>::to_vec),
    );
    names.push((1..=255).filter(|byte| *byte != b'/').collect());
    while (names.len() as u64) < COUNT {
        names.push(name(&mut chance));
    }
    let batch: Vec<_> = (1..).zip(&names).map(|(seq, name)| folder(seq, name)).collect();
    deliver_all(&mut *sink(celery(&redis)), &batch).await;
    let elements = redis.pop_all(QUEUE);
    assert_eq!(elements.len() as u64, COUNT);
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("list"), elements.join(&b'\n')).unwrap();
    let output = worker_output(
        Command::new("python3").args(["-X", "utf8", "-c", WORKER]).arg(dir.path().join("list")),
    );
    let expected: Vec<_> = names.iter().map(|name| hex(&[b"/data/", &name[..]].concat())).collect();
    for (found, (expected, name)) in output.lines().zip(expected.iter().zip(&names)) {
        assert_eq!(found, expected, "{}", name.escape_ascii());
    }
    assert_eq!(output.lines().count(), expected.len());
}

fn worker_output(worker: &mut Command) -> String {
    let output = worker.output().expect("python3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
