//! Two interleaved series in one flat directory.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use testkit::chance::Chance;
use testkit::python::PYDICOM;
use testkit::redis::Redis;
use testkit::wait_until;

use crate::STEP;
use crate::images::{Wanted, made};
use crate::stage::{Stage, landing, seconds_after};

const QUIET: f64 = 2.0;
/// An announcement comes no later than so long after its time. Only a machine that is busy with other things is slower, so that
/// is tried again; an early one never is.
const SLACK: f64 = 1.5;
const TRIES: u32 = 4;

const RULES: &str = r#"
    [[source.inbox.rule]]
    name = "series"
    include = ["flat/*"]
    group = { dicom = "series" }
    complete = { preset = "dicom-series", quiet = "2s" }
"#;

const SERIES: [&str; 2] = ["1.2.826.0.1.3680043.8.498.77.1", "1.2.826.0.1.3680043.8.498.77.2"];
const SYNTAXES: [&str; 4] = ["explicit", "implicit", "rle", "big"];

/// 150 of each series; the second one goes on for a second longer.
fn write_both(stage: &Stage, chance: &mut Chance) -> [SystemTime; 2] {
    let of = |at: usize| {
        (0..150).map(move |number| (at, Wanted { syntax: SYNTAXES[number % 4], series: SERIES[at], number }))
    };
    let (series, wanted): (Vec<usize>, Vec<Wanted<'_>>) = of(0).chain(of(1)).unzip();
    let images = made(&stage.work(), &wanted);
    let mut order: Vec<usize> = (0..images.len()).collect();
    chance.shuffle(&mut order);
    let late = |at: &usize| series[*at] == 1 && at.is_multiple_of(3);
    let (last, first): (Vec<usize>, Vec<usize>) = order.into_iter().partition(late);
    let mut written = [SystemTime::UNIX_EPOCH; 2];
    for at in first {
        written[series[at]] = stage.write(&format!("flat/{at:04}.dcm"), &images[at]);
    }
    for at in last {
        sleep(Duration::from_millis(20));
        written[series[at]] = stage.write(&format!("flat/{at:04}.dcm"), &images[at]);
    }
    written
}

fn play(chance: &mut Chance) -> Result<(), String> {
    let stage = Stage::start("s21", RULES);
    let written = write_both(&stage, chance);
    let mut slow = Ok(());
    for (uid, written) in SERIES.iter().zip(written) {
        let path = format!("flat/{uid}/");
        let event = stage.wait_event(&path, 1);
        let members = &event["data"]["members"];
        assert_eq!((&members["count"], &members["key"]), (&150.into(), &(*uid).into()), "{event}");
        let passed = seconds_after(&event, written);
        assert!(passed >= QUIET, "{passed} s after its last file: {event}");
        if passed > QUIET + SLACK {
            slow = Err(format!("{path} came {passed} s after its last file"));
        }
    }
    stage.settle();
    let datasets = stage.events().iter().filter(|event| event["data"]["kind"] == "dataset").count();
    assert_eq!(datasets, 2, "{:#?}", stage.events());
    slow
}

#[test]
fn each_is_one_task_after_its_own_last_file() {
    let mut chance = Chance::from_environment();
    let slow: Vec<String> = (0..TRIES).map_while(|_| play(&mut chance).err()).collect();
    for slow in &slow {
        eprintln!("slow: {slow}");
    }
    assert!(slow.len() < TRIES as usize, "{slow:?}");
}

/// What a worker takes out of the message: its arguments.
fn arguments(stage: &Stage, message: &[u8]) -> Value {
    const SCRIPT: &str = "import base64, json, sys\n\
         message = json.load(open(sys.argv[1]))\n\
         print(json.dumps(json.loads(base64.b64decode(message['body']))[1]))";
    let file = stage.work().join("message");
    fs::write(&file, message).expect("the scratch folder takes files");
    let output = PYDICOM.venv().command().args(["-c", SCRIPT]).arg(&file).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the arguments are JSON")
}

#[test]
fn each_is_one_celery_task_with_its_uid_and_count() {
    let redis = Redis::start();
    let sink = format!(
        r#"
        [sink.tasks]
        type = "celery"
        url = "{}"
        task = "app.tasks.import_series"
        kwargs = {{ directory = "{{directory}}", uid = "{{SeriesInstanceUID}}", count = "{{count}}" }}
        queue = "default"
        "#,
        redis.url()
    );
    let mut stage = Stage { landing: landing("s21-celery", RULES, &sink) };
    stage.landing.start();
    write_both(&stage, &mut Chance::from_environment());
    wait_until(STEP, "both tasks", || redis.run("LLEN default").integer() == Some(2));
    stage.settle();
    // What tells the end is a task of its own.
    wait_until(STEP, "the end", || redis.run("LLEN default").integer() == Some(3));
    let messages = redis.pop_all(b"default");
    let found: Vec<Value> = messages.iter().map(|message| arguments(&stage, message)).collect();
    for uid in SERIES {
        let directory = stage.path("flat");
        let wanted = json!({"directory": directory.to_str(), "uid": uid, "count": 150});
        assert_eq!(found.iter().filter(|found| **found == wanted).count(), 1, "{wanted} in {found:#?}");
    }
}

const COUNTED: &str = r#"
    [[source.inbox.rule]]
    name = "series"
    include = ["flat/*"]
    group = { dicom = "series" }
    complete = { all = ["members", "whole", { count = 3 }] }
"#;

#[test]
fn a_group_waits_for_its_member_that_is_cut_off() {
    let stage = Stage::start("s21-cut", COUNTED);
    let uid = SERIES[0];
    let wanted: Vec<Wanted<'_>> =
        (0..3).map(|number| Wanted { syntax: SYNTAXES[number], series: uid, number }).collect();
    let images = made(&stage.work(), &wanted);
    stage.write("flat/a", &images[0]);
    stage.write("flat/b", &images[1]);
    let cut = &images[2][..images[2].len() - 11];
    stage.write("flat/c", cut);
    let path = format!("flat/{uid}/");
    let answer = stage.wait_reason(&path, "waiting.whole");
    let args = &answer["reason_args"];
    assert_eq!((&args["file"], &args["missing"], &args["count"]), (&"c".into(), &11.into(), &1.into()));
    let whole = stage.write("flat/c", &images[2]);
    let event = stage.wait_event(&path, 1);
    assert!(seconds_after(&event, whole) >= 0.0, "{event}");
    assert_eq!(event["data"]["members"]["count"], 3, "{event}");
}
