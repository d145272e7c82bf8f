//! The bytes of log lines, and which of them go where.

use std::sync::Arc;

use super::*;

const NOW: Stamp = Stamp::new(1_795_226_339, 539_746_999);

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn stream(&self, terminal: bool) -> Stream {
        Stream { writer: Box::new(self.clone()), terminal }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

fn added(name: &[u8]) -> Line {
    Line::Added { directory: b"in".to_vec(), name: name.to_vec(), queue: b"q".to_vec() }
}

fn log(minimal: Level, out: Option<&Kept>, err: &Kept, file: Option<&Kept>) -> Log {
    let outputs = Outputs {
        out: out.map(|out| out.stream(false)),
        err: err.stream(true),
        file: file.map(|file| file.stream(false)),
        json: None,
    };
    Log { minimal, pid: 23_896, outputs: Mutex::new(outputs) }
}

#[test]
fn lines_look_like_the_originals() {
    let line = |level| String::from_utf8(plain_line(NOW, 23_896, level, b"x", false)).unwrap();
    assert_eq!(line(Level::Info), "2026-11-21T01:58:59.539746Z     [INFO] (directory_observer#23896) x\n");
    assert_eq!(line(Level::Debug), "2026-11-21T01:58:59.539746Z    [DEBUG] (directory_observer#23896) x\n");
    assert_eq!(line(Level::Warning), "2026-11-21T01:58:59.539746Z  [WARNING] (directory_observer#23896) x\n");
    assert_eq!(
        line(Level::Critical),
        "2026-11-21T01:58:59.539746Z [CRITICAL] (directory_observer#23896) x\n"
    );
    assert_eq!(timestamp(Stamp::new(0, 0)), "1970-01-01T00:00:00.000000Z");
}

#[test]
fn levels_choose_the_stream() {
    let (out, err) = (Kept::default(), Kept::default());
    let log = log(Level::Info, Some(&out), &err, None);
    for line in [Line::StopRequest, Line::StopMonitoring, Line::RedisTimeout, Line::NoDirectory] {
        log.write(NOW, &line);
    }
    assert_eq!(out.text().lines().count(), 1);
    assert!(out.text().ends_with(") Stop Monitoring.\n"));
    assert_eq!(err.text().lines().count(), 2);
}

#[test]
fn a_log_file_gets_everything_and_standard_error_what_is_wrong() {
    let (err, file) = (Kept::default(), Kept::default());
    let log = log(Level::Debug, None, &err, Some(&file));
    for line in [Line::StopRequest, Line::StopMonitoring, Line::RedisTimeout] {
        log.write(NOW, &line);
    }
    assert_eq!(file.text().lines().count(), 3);
    assert_eq!(err.text().lines().count(), 1);
}

#[test]
fn names_are_raw_except_on_a_terminal() {
    let text = added(b"a\nb\x1b[31m\xff").text();
    let raw = plain_line(NOW, 1, Level::Info, &text, false);
    assert!(raw.ends_with(b"in/a\nb\x1b[31m\xff added to redis queue q\n"));
    let shown = plain_line(NOW, 1, Level::Info, &text, true);
    assert!(shown.ends_with(b"in/a\\nb\\x1b[31m\\xff added to redis queue q\n"));
}

#[test]
fn json_lines_hold_the_five_keys() {
    let line = json_line(NOW, 7, Level::Info, &added(b"b\xff").text());
    let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(value["name"], "directory_observer");
    assert_eq!((&value["level"], &value["pid"]), (&"info".into(), &7.into()));
    assert_eq!(value["timestamp"], "2026-11-21T01:58:59.539746Z");
    assert_eq!(model::text::json_path(&value, "event").unwrap(), b"in/b\xff added to redis queue q");
}

#[test]
fn the_environment_decides() {
    let of = |pairs: &[(&str, &str)]| Settings::of(&pairs.iter().copied().collect(), None);
    let plain = of(&[]).unwrap();
    assert_eq!((plain.minimal, plain.json, plain.notes.len()), (Level::Info, None, 0));
    assert_eq!(of(&[("MFLOG_MINIMAL_LEVEL", "debug")]).unwrap().minimal, Level::Debug);
    let json = of(&[("MFLOG_JSON_FILE", "/x"), ("MFLOG_JSON_MINIMAL_LEVEL", "INFO")]).unwrap();
    assert_eq!(json.json, Some(("/x".into(), Level::Info)));
    assert_eq!(of(&[("MFLOG_JSON_FILE", "/x")]).unwrap().json, Some(("/x".into(), Level::Warning)));
    assert_eq!(of(&[("MFLOG_JSON_FILE", "null")]).unwrap().json, None);
    assert_eq!(of(&[("MFLOG_SYSLOG_ADDRESS", "udp://h:514")]).unwrap().notes.len(), 1);
    assert!(of(&[("MFLOG_MINIMAL_LEVEL", "loud")]).is_err());
}

#[test]
fn files_are_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let (json, file) = (dir.path().join("j"), dir.path().join("l"));
    std::fs::write(&file, "before\n").unwrap();
    let settings = Settings {
        minimal: Level::Info,
        json: Some((json.clone(), Level::Info)),
        file: Some(file.clone()),
        notes: Vec::new(),
    };
    Log::open(&settings, 1).unwrap().write(NOW, &Line::StopMonitoring);
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 2);
    assert_eq!(std::fs::read_to_string(json).unwrap().lines().count(), 1);
    let nowhere = Settings { file: Some("/nonexistent/x".into()), ..settings };
    assert!(matches!(Log::open(&nowhere, 1), Err(LogError::Open { .. })));
}
