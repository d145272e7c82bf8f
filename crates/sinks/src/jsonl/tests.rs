use std::fs;
use std::time::Duration;

use config::Format;
use tempfile::TempDir;

use super::Jsonl;
use crate::samples::batch;
use crate::sink::{Outcome, Sink, Trouble};

const SOON: Duration = Duration::from_secs(10);

fn sink(dir: &TempDir, name: &str) -> Jsonl {
    Jsonl::new(dir.path().join(name), Format::CloudEvents, SOON)
}

fn lines(dir: &TempDir, name: &str) -> Vec<String> {
    fs::read_to_string(dir.path().join(name)).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn creates_directories_and_appends() {
    let dir = TempDir::new().unwrap();
    for first in [1, 4] {
        let mut sink = sink(&dir, "a/b/events.jsonl");
        assert_eq!(sink.deliver(&batch(first, 3)).await, Ok(vec![Outcome::Delivered; 3]));
    }
    let lines = lines(&dir, "a/b/events.jsonl");
    let expected: Vec<_> = batch(1, 6).iter().map(|p| String::from_utf8(p.event.line(1)).unwrap()).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn an_unfinished_last_line_is_ended_and_kept() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("e"), b"{\"whole\":1}\n{\"torn\":").unwrap();
    let mut sink = sink(&dir, "e");
    sink.deliver(&batch(1, 2)).await.unwrap();
    sink.deliver(&batch(3, 1)).await.unwrap();
    let lines = lines(&dir, "e");
    assert_eq!(lines[..2], ["{\"whole\":1}", "{\"torn\":"]);
    assert_eq!(lines.len(), 5);
}

#[tokio::test]
async fn a_file_that_was_rotated_away_is_followed() {
    let dir = TempDir::new().unwrap();
    let mut sink = sink(&dir, "e");
    sink.deliver(&batch(1, 1)).await.unwrap();
    fs::rename(dir.path().join("e"), dir.path().join("e.1")).unwrap();
    sink.deliver(&batch(2, 1)).await.unwrap();
    fs::remove_file(dir.path().join("e")).unwrap();
    sink.deliver(&batch(3, 1)).await.unwrap();
    assert_eq!(lines(&dir, "e.1").len(), 1);
    assert_eq!(lines(&dir, "e"), [String::from_utf8(batch(3, 1)[0].event.line(1)).unwrap()]);
}

#[tokio::test]
async fn a_file_emptied_in_place_goes_on_at_its_start() {
    let dir = TempDir::new().unwrap();
    let mut sink = sink(&dir, "e");
    sink.deliver(&batch(1, 5)).await.unwrap();
    fs::write(dir.path().join("e"), b"").unwrap();
    sink.reopen();
    sink.deliver(&batch(6, 1)).await.unwrap();
    assert_eq!(lines(&dir, "e").len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_down_and_heals() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("e");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut sink = sink(&dir, "e");
    let Err(Trouble::Down(text)) = sink.deliver(&batch(1, 2)).await else { panic!("not down") };
    assert!(text.starts_with("E-SINK-DISK-FULL") && text.contains("nothing is lost"), "{text}");
    fs::remove_file(&path).unwrap();
    sink.deliver(&batch(1, 2)).await.unwrap();
    assert_eq!(lines(&dir, "e").len(), 2);
}

#[tokio::test]
async fn what_is_no_file_is_misconfigured() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("plain"), b"").unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for name in ["d", "plain/below", "fifo"] {
        let trouble = sink(&dir, name).deliver(&batch(1, 1)).await.unwrap_err();
        let Trouble::Misconfigured(text) = trouble else { panic!("{name}: {trouble:?}") };
        assert!(text.contains("Fix:"), "{text}");
    }
}

#[tokio::test]
async fn ping_opens_without_writing() {
    let dir = TempDir::new().unwrap();
    assert_eq!(sink(&dir, "e").ping().await, Ok(()));
    assert_eq!(lines(&dir, "e").len(), 0);
    assert!(sink(&dir, "").ping().await.is_err());
}
