//! Which sections become monitors, and what is said about the others.

use super::*;

const BASE: &str = "[common]\nredis_server=127.0.0.1\nredis_port=7\nredis_unix_socket=null\n";

struct Seen {
    said: Vec<String>,
    outcome: Result<Monitors, Stop>,
}

impl Seen {
    fn of(text: &str) -> Self {
        let ini = Ini::read(text.as_bytes(), &[("TWICE", "{{ 1/0 }}")].into_iter().collect()).unwrap();
        let mut lines = Vec::new();
        let outcome = examine(&ini, "c.ini", &mut lines);
        let said = lines
            .iter()
            .map(|line| format!("{} {}", line.level().name(), String::from_utf8_lossy(&line.text())));
        Self { said: said.collect(), outcome }
    }

    fn with(more: &str) -> Self {
        Self::of(&format!("{BASE}{more}"))
    }

    fn one(self) -> Monitor {
        let mut list = self.outcome.unwrap().list;
        assert_eq!(list.len(), 1);
        list.remove(0)
    }

    /// The status, the last line of the traceback, and the line that must have been logged.
    fn stopped(&self, status: u8, last: Option<&str>, logged: Option<&str>) {
        let stop = self.outcome.as_ref().unwrap_err();
        assert_eq!(stop.status, status);
        assert_eq!(stop.traceback.as_deref().and_then(|text| text.lines().last()), last);
        let said = &self.said;
        assert!(logged.is_none_or(|line| said.iter().any(|one| one == line)), "{said:?}");
    }
}

#[test]
fn a_monitor_with_defaults() {
    let seen =
        Seen::of("[s]\nactive=1\nredis_server=h\nredis_unix_socket=\nredis_port=1\ndirectory=d//\nqueue=q\n");
    let monitors = seen.outcome.clone().unwrap();
    assert_eq!(monitors.endpoint, Endpoint::Tcp("h".into(), 1));
    assert_eq!(monitors.inactivity, Some(300));
    let monitor = seen.one();
    assert_eq!((monitor.directory.as_str(), monitor.queue.as_str(), monitor.line), ("d//", "q", 1));
    assert_eq!(monitor.timeout, Some(Duration::from_secs(10)));
    assert_eq!((monitor.forced_poll, monitor.poll_queue_limit), (None, Some(10_000)));
    assert_eq!((monitor.only, monitor.ignore.len()), (None, 1));
    assert_eq!((monitor.counter, monitor.announce), (None, AnnounceAt::Complete));
}

#[test]
fn zero_and_less_switch_things_off() {
    for value in ["0", "-1", "-99999999999999999999"] {
        let keys = ["timeout", "forced_poll", "poll_queue_limit", "monitor_inactivitytimeout"];
        let keys = keys.map(|key| format!("{key}={value}\n")).concat();
        let seen = Seen::with(&format!("[s]\nactive=yes\ndirectory=d\nqueue=q\n{keys}"));
        assert_eq!(seen.outcome.as_ref().unwrap().inactivity, None);
        let monitor = seen.one();
        assert_eq!((monitor.timeout, monitor.forced_poll, monitor.poll_queue_limit), (None, None, None));
    }
}

#[test]
fn the_sample_of_the_readme_starts() {
    let text = "[common]\nactive=false\nRedis_server=127.0.0.1\nRedis_port=8080\n\
        [stage1:common]\nactive=true\ndirectory=dir/stage1\nqueue=queue:stage1\ncounter=counter:stage1\n";
    let seen = Seen::of(text);
    assert_eq!(seen.said, [""; 0]);
    assert_eq!(seen.outcome.as_ref().unwrap().endpoint, Endpoint::Tcp("127.0.0.1".into(), 8080));
    assert_eq!(seen.one().counter.as_deref(), Some("counter:stage1"));
    let no_port = Seen::of("[s]\nactive=1\nredis_server=h\ndirectory=d\nqueue=q\n");
    assert_eq!(no_port.outcome.unwrap().endpoint, Endpoint::Tcp("h".into(), 6379));
}

#[test]
fn sections_without_a_needed_key_are_skipped() {
    for (text, key) in [("directory=d\n", "queue"), ("queue=q\n", "directory")] {
        let seen = Seen::with(&format!("[s]\nactive=true\n{text}"));
        seen.stopped(0, None, Some("CRITICAL No directory to scan"));
        assert_eq!(seen.said[0], format!("WARNING c.ini:5: [s] is active but has no {key}: skipped"));
    }
    let seen = Seen::of("[s]\nactive=true\nredis_port=x\ndirectory=d\nqueue=q\n");
    seen.stopped(0, None, Some("WARNING c.ini:1: [s] is active but has no redis_server: skipped"));
    let empty = Seen::with("[s]\nactive=true\ndirectory=d\nqueue=\n");
    assert_eq!(empty.said, ["CRITICAL Invalid redis queue name", "CRITICAL No directory to scan"]);
}

#[test]
fn inactive_sections_are_not_looked_at() {
    let seen = Seen::with(
        "[s]\nactive=on\ndirectory=d\nqueue=q\n[t]\nredis_server=other\nredis_port=x\n[u]\nactive=0\n",
    );
    assert_eq!(seen.one().section, "s");
}

#[test]
fn common_may_be_active_without_a_word() {
    let text = format!("{BASE}active=true\n[s]\ndirectory=d\nqueue=q\n");
    let seen = Seen::of(&text);
    assert!(seen.said.iter().all(|line| line.starts_with("DEBUG")), "{:?}", seen.said);
    assert_eq!(seen.one().section, "s");
}

#[test]
fn there_is_one_server_one_port_one_inactivity() {
    for (key, what) in [
        ("redis_server=other", "redis server"),
        ("redis_port=8", "redis port"),
        ("monitor_inactivitytimeout=7", "monitor_inactivitytimeout"),
    ] {
        let first = "[s]\nactive=1\nmonitor_inactivitytimeout=5\ndirectory=d\nqueue=q\n";
        let seen = Seen::with(&format!("{first}[t]\nactive=1\n{key}\n"));
        seen.stopped(0, None, Some(&format!("CRITICAL Only 1 {what} Please")));
    }
    // Off is off, however it is written.
    let off = Seen::with(
        "[s]\nactive=1\nmonitor_inactivitytimeout=0\ndirectory=d\nqueue=q\n[t]\nactive=1\nmonitor_inactivitytimeout=-5\n",
    );
    assert!(off.outcome.is_ok());
}

#[test]
fn the_last_unix_socket_wins() {
    let two = "[s]\nactive=1\nredis_unix_socket=/a\ndirectory=d\nqueue=q\n[t]\nactive=1\nredis_unix_socket=";
    assert_eq!(Seen::with(&format!("{two}/b\n")).outcome.unwrap().endpoint, Endpoint::Unix("/b".into()));
    assert_eq!(
        Seen::with(&format!("{two}null\n")).outcome.unwrap().endpoint,
        Endpoint::Tcp("127.0.0.1".into(), 7)
    );
}

#[test]
fn bad_numbers_and_booleans_end_in_a_traceback() {
    for (line, last) in [
        ("active=maybe", "ValueError: Not a boolean: maybe"),
        ("redis_port=x", "ValueError: invalid literal for int() with base 10: 'x'"),
        ("forced_poll=1.5", "ValueError: invalid literal for int() with base 10: '1.5'"),
        ("timeout=", "ValueError: invalid literal for int() with base 10: ''"),
        ("announce=later", "ValueError: announce is \"create\" or \"complete\", not 'later'"),
    ] {
        let (key, _) = line.split_once('=').unwrap();
        let active = if key == "active" { "" } else { "active=1\n" };
        let text = format!("[s]\n{active}{line}\nredis_server=h\ndirectory=d\nqueue=q\n");
        Seen::of(&text).stopped(1, Some(last), None);
    }
    let twice = Seen::with("[s]\nactive=1\ndirectory={{TWICE}}\nqueue=q\n");
    assert!(
        twice.outcome.unwrap_err().traceback.unwrap().contains("line 7, in [s] directory\nTemplateError: ")
    );
}

#[test]
fn an_address_that_cannot_be_is_an_unreachable_server() {
    for keys in ["redis_server=h\nredis_port=70000\n", "redis_server=\n", "redis_server=h\nredis_port=-1\n"] {
        let seen = Seen::of(&format!("[s]\nactive=1\n{keys}directory=d\nqueue=q\n"));
        seen.stopped(1, None, Some("CRITICAL can't ping redis => exit"));
    }
    let unused =
        Seen::of("[s]\nactive=1\nredis_server=h\nredis_port=0\nredis_unix_socket=/s\ndirectory=d\nqueue=q\n");
    assert_eq!(unused.outcome.unwrap().endpoint, Endpoint::Unix("/s".into()));
}
