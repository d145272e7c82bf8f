//! Arguments that stand in the unit's DICOM files.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use config::{Argument, CelerySink};
use model::{Members, Parcel};
use serde_json::{Value, json};
use sinks::{Hands, Outcome};
use tempfile::TempDir;
use testkit::redis::Redis;

use crate::rig::{celery, deliver_all, kwargs, parcel, sink, sink_with};

/// The header of an image, explicit and little endian, without pixels.
fn image(study: &str, series: &str) -> Vec<u8> {
    let element = |group: u16, number: u16, text: &str| {
        let padded = if text.len().is_multiple_of(2) { text.to_owned() } else { format!("{text}\0") };
        let mut out = [group.to_le_bytes(), number.to_le_bytes()].concat();
        out.extend_from_slice(b"UI");
        out.extend_from_slice(&(padded.len() as u16).to_le_bytes());
        out.extend_from_slice(padded.as_bytes());
        out
    };
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    out.extend(element(2, 0x10, "1.2.840.10008.1.2.1"));
    out.extend(element(8, 0x18, "1.9"));
    out.extend(element(0x20, 0xd, study));
    out.extend(element(0x20, 0xe, series));
    out
}

fn asking(redis: &Redis) -> CelerySink {
    let text = |text: &str| Argument::Text(text.into());
    let kwargs =
        vec![("study".into(), text("{StudyInstanceUID}")), ("uids".into(), text("{SeriesInstanceUID}!"))];
    CelerySink { kwargs, ..celery(redis) }
}

fn unit(root: &Path, seq: u64, path: &[u8], members: Option<&Members>) -> Parcel {
    parcel(root.as_os_str().as_bytes(), seq, path, members)
}

#[tokio::test]
async fn they_are_read_from_the_first_file_that_has_them() {
    let (redis, dir) = (Redis::start(), TempDir::new().unwrap());
    let root = dir.path();
    fs::create_dir_all(root.join("st/deep")).unwrap();
    fs::write(root.join("st/00-notes.txt"), "no image").unwrap();
    fs::write(root.join("st/20.dcm"), image("1.2", "1.2.20")).unwrap();
    fs::write(root.join("st/10.dcm"), image("1.2", "1.2.10")).unwrap();
    fs::write(root.join("st/deep/01.dcm"), image("1.3", "1.3.1")).unwrap();
    fs::write(root.join("b.dcm"), image("1.5", "1.5.1")).unwrap();
    fs::write(root.join("a.dcm"), image("1.6", "1.6.1")).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    let listed = vec![b"b.dcm"[..].into()];
    let group = Members { count: 1, listed, key: Some("1.5.1".into()) };
    let batch = [
        unit(root, 1, b"st", Some(&Members::default())),
        unit(root, 2, b"a.dcm", None),
        unit(root, 3, b"1.5.1/", Some(&group)),
        unit(root, 4, b"empty", Some(&Members::default())),
        unit(root, 5, b"gone", Some(&Members::default())),
    ];
    deliver_all(&mut *sink(asking(&redis)), &batch).await;
    let said: Vec<Value> = kwargs(&redis);
    let both = |study: Value, series: &str| json!({"study": study, "uids": series});
    assert_eq!(
        said,
        [
            both("1.2".into(), "1.2.10!"),
            both("1.6".into(), "1.6.1!"),
            both("1.5".into(), "1.5.1!"),
            both(Value::Null, "!"),
            both(Value::Null, "!"),
        ]
    );
}

#[tokio::test]
async fn what_is_no_file_is_never_waited_for() {
    let (redis, dir) = (Redis::start(), TempDir::new().unwrap());
    fs::create_dir(dir.path().join("st")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("st/00")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("st/01")).unwrap();
    let mut sink = sink_with(asking(&redis), &Hands::in_memory(), Duration::from_mins(1));
    let begun = Instant::now();
    let outcomes = sink.deliver(&[unit(dir.path(), 1, b"st", Some(&Members::default()))]).await;
    assert_eq!(outcomes, Ok(vec![Outcome::Delivered]));
    assert!(begun.elapsed() < Duration::from_secs(20));
}
