//! Names of any bytes, read by the decoder of the workers.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use testkit::celery::Site;
use testkit::chance::Chance;
use testkit::python::{CELERY_NOW, Recipe};
use testkit::redis::Redis;
use testkit::{Landing, Process, Scratch};

use crate::rig::{PATIENCE, bytes, landing, oldest, rabbit};

const QUEUES: [&str; 2] = ["decoded-today", "decoded-long-ago"];

/// Takes everything out of a queue with `kombu` and prints the bytes that a worker would open.
const READ: &str = r#"
import binascii, os, sys
from kombu import Connection, Exchange, Queue

name, count = sys.argv[1], int(sys.argv[2])
queue = Queue(name, Exchange("", type="direct"), routing_key=name)
with Connection(os.environ["BROKER"]) as connection:
    taken = connection.SimpleQueue(queue, no_ack=True)
    for _ in range(count):
        args, kwargs, embed = taken.get(timeout=60).payload
        assert args == [] and list(kwargs) == ["dicom_dir"], (args, kwargs)
        sys.stdout.write(binascii.hexlify(os.fsencode(kwargs["dicom_dir"])).decode("ascii") + "\n")
    taken.close()
"#;

/// Pieces that have gone wrong somewhere once; the rest of a name is any bytes.
const PIECES: [&[u8]; 16] = [
    b"'",
    b"\"",
    b"\\",
    b"\\u0041",
    b"\\udcff",
    b"\n",
    b"\r",
    b"\x7f",
    b"\x01",
    b"%s{path}{{}}",
    "\u{2028}".as_bytes(),
    "\u{fffd}".as_bytes(),
    "\u{1f600}".as_bytes(),
    "e\u{301}".as_bytes(),
    b"\xed\xb3\xbf",
    b"\xf0\x9f\x98",
];

fn name(chance: &mut Chance) -> Vec<u8> {
    let mut name = b"ST-".to_vec();
    let length = 3 + chance.below(120);
    while name.len() < length {
        if chance.below(4) == 0 {
            name.extend_from_slice(chance.pick(&PIECES));
        } else {
            let byte = 1 + chance.below(255) as u8;
            name.push(if byte == b'/' { b'.' } else { byte });
        }
    }
    // So that no name ends as temporary ones do.
    name.extend_from_slice(b"-e");
    name
}

/// Moves that many folders in and waits until all are tasks; gives their paths.
fn fill(landing: &Landing, count: usize) -> BTreeSet<Vec<u8>> {
    let mut chance = Chance::from_environment();
    let outside = landing.out("names");
    fs::create_dir(&outside).expect("it takes folders");
    let mut paths = BTreeSet::new();
    while paths.len() < count {
        let name = name(&mut chance);
        let place = landing.root().join(OsStr::from_bytes(&name));
        if paths.insert(bytes(&place)) {
            let folder = outside.join("next");
            fs::create_dir(&folder).expect("it takes folders");
            fs::rename(&folder, &place).expect("both are on one file system");
        }
    }
    landing.wait_idle(count as u64, PATIENCE * 2);
    paths
}

fn read(broker: &str, (queue, count): (&str, usize), recipe: Recipe, folder: &Path) -> Vec<Vec<u8>> {
    let site = Site::new(broker).queue(queue);
    let mut command = site.python(&recipe.venv());
    command.args(["-c", READ, queue, &count.to_string()]);
    let done = Process::finish("kombu", folder, &mut command, PATIENCE * 2);
    done.assert_code(0);
    done.text().lines().map(testkit::celery::bytes).collect()
}

fn both_give_back_the_same_bytes(broker: &str, count: usize) {
    let mut landing = landing(broker, &QUEUES);
    landing.start();
    let wanted = fill(&landing, count);
    let scratch = Scratch::on_disk("kombu");
    for (queue, recipe) in QUEUES.into_iter().zip([CELERY_NOW, oldest()]) {
        let given = read(broker, (queue, count), recipe, scratch.path());
        let given: BTreeSet<Vec<u8>> = given.into_iter().collect();
        let lost = wanted.difference(&given).next().map(|path| path.escape_ascii().to_string());
        let odd = given.difference(&wanted).next().map(|path| path.escape_ascii().to_string());
        assert_eq!((lost, odd), (None, None), "{}", recipe.version);
    }
    landing.stop();
}

#[test]
fn ten_thousand_names_of_any_bytes_come_through_redis() {
    let redis = Redis::start();
    both_give_back_the_same_bytes(&redis.url(), 10_000);
}

#[test]
fn names_of_any_bytes_come_through_rabbitmq() {
    for queue in QUEUES {
        rabbit().declare(queue);
    }
    both_give_back_the_same_bytes(&rabbit().url(), 2_000);
}
