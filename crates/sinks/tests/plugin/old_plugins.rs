//! Plugins that were written for iobserver, behind the adapter.

use std::fs;
use std::process::Command;

use model::{Detail, Happening};
use sinks::{Outcome, Sink as _};

use crate::rig::{Rig, come_true, deliver_all, detailed, down, happening, repository};

/// As they were written, but for the syntax of Python 2.
const OLD: &str = r#"
from iobserver import iPlugin, iPluginError
import json, os

class Old_One(iPlugin):
    made = 0

    def process_event(self, event):
        type(self).made += 1
        said = dict((name, getattr(event, name)) for name in
                    ("event_name", "path", "name", "is_dir", "mask", "cookie") if hasattr(event, name))
        said["config"] = self._config
        said["made"] = type(self).made
        said["watch"] = self._watch.get_path()
        said["before"] = self._cache.get("last")
        said["kept_by_self"] = hasattr(self, "memory")
        self.memory = True
        self._cache.push("last", event.event_name)
        if event.event_name == "IN_DELETE":
            raise iPluginError("Missing old_one_log directive.")
        if not self._config.has_key("old_one_opt"):
            raise iPluginError("no option")
        print("a line for people")
        with open(os.environ["LOG"], "a") as log:
            log.write(json.dumps(said) + "\n")
"#;

fn rig(source: &str) -> Rig {
    let mut rig = Rig::command("python3", &[]);
    let adapter = repository().join("plugins/python/staithe_iobserver.py");
    rig.manifest().args = vec![adapter.to_str().unwrap().into(), "old_one.py".into()];
    rig.plan.options =
        r#"{"old_one_opt": "seen", "old_oneother": "not", "plugins": ["old_one"], "old_one_n": 3}"#.into();
    fs::write(rig.path("old_one.py"), source).unwrap();
    rig
}

#[tokio::test]
async fn an_old_plugin_sees_what_it_saw_in_iobserver() {
    let rig = rig(OLD);
    let mut sink = rig.sink();
    let half = Detail { cookie: 7, is_dir: true, ..Detail::default() };
    let batch = [
        happening(1, Happening::WatchInit, b""),
        happening(2, Happening::Create, b"sub/f"),
        detailed(3, Happening::MovedFrom, b"d", half, None),
        happening(4, Happening::DeleteSelf, b""),
    ];
    deliver_all(&mut sink, &batch).await;
    let kept = rig.kept();
    let names: Vec<_> = kept.iter().map(|event| event["event_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["WATCH_INIT", "IN_CREATE", "IN_MOVED_FROM", "IN_DELETE_SELF"]);
    assert_eq!(kept[0]["path"], "/data/w1");
    assert!(kept[0].get("name").is_none() && kept[0].get("mask").is_none());
    assert_eq!((kept[1]["path"].as_str(), kept[1]["name"].as_str()), (Some("/data/w1/sub"), Some("f")));
    assert!(kept[1].get("cookie").is_none());
    assert_eq!((kept[2]["cookie"].as_u64(), kept[2]["mask"].as_u64()), (Some(7), Some(0x4000_0040)));
    assert_eq!((kept[3]["path"].as_str(), kept[3]["name"].as_str()), (Some("/data/w1"), Some("")));
    assert_eq!(kept[3]["config"], serde_json::json!({"old_one_opt": "seen", "old_one_n": "3"}));
    assert!(kept.iter().all(|event| event["kept_by_self"] == false), "a new object for each event");
    assert_eq!((&kept[3]["made"], &kept[3]["before"]), (&4.into(), &"IN_MOVED_FROM".into()));
    assert!(rig.remarks().iter().any(|text| text == "stderr: a line for people"), "{:?}", rig.remarks());
}

#[tokio::test]
async fn an_error_refuses_that_event_and_nothing_else() {
    let rig = rig(OLD);
    let mut sink = rig.sink();
    let batch = [
        happening(1, Happening::Create, b"a"),
        happening(2, Happening::Delete, b"b"),
        happening(3, Happening::Create, b"c"),
    ];
    let outcomes = sink.deliver(&batch).await.unwrap();
    let [Outcome::Delivered, Outcome::Retry(why), Outcome::Delivered] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    // First of all, or a long traceback would hide it.
    assert!(why.contains("\": iPluginError: Missing old_one_log directive."), "{why}");
}

#[tokio::test]
async fn a_changed_file_is_loaded_and_a_broken_one_is_not() {
    let rig = rig(OLD);
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[happening(1, Happening::Create, b"a")]).await;
    let replace = |source: &str| {
        fs::write(rig.path("new"), source).unwrap();
        fs::rename(rig.path("new"), rig.path("old_one.py")).unwrap();
    };
    replace("class Old_One(");
    deliver_all(&mut sink, &[happening(2, Happening::Create, b"b")]).await;
    let said = || rig.remarks().iter().any(|text| text.starts_with("E-PLUGIN-SAYS: the old version stays"));
    come_true("the complaint", said).await;
    replace(&OLD.replace("\"path\"", "\"wd\""));
    deliver_all(&mut sink, &[happening(3, Happening::Create, b"c")]).await;
    let kept = rig.kept();
    assert_eq!((&kept[1]["path"], &kept[1]["before"]), (&"/data/w1".into(), &"IN_CREATE".into()));
    assert!(kept[2].get("path").is_none() && kept[2]["wd"].as_u64() > Some(0));
    assert_eq!(kept[2]["before"], "IN_CREATE", "the cache outlives the code");
}

#[tokio::test]
async fn python_2_is_told_to_be_python_2() {
    let rig = rig("class Old_One:\n    def process_event(self, event):\n        print event.name\n");
    let text = down(rig.sink().prepare().await);
    assert!(text.starts_with("E-PLUGIN-FATAL"), "{text}");
    assert!(text.contains("old_one.py, line 3") && text.contains("Python 2"), "{text}");
}

#[test]
fn the_cache_forgets_what_is_old_at_every_hundredth_push() {
    let code = r#"
from staithe_iobserver import iCache
now = [0.0]
cache = iCache(clock=lambda: now[0])
cache.push("kept", 1, persistent=True)
cache.push("old", 2)
now[0] = 11.0
for number in range(98):
    cache.push("x", number)
assert cache.get("old") == 2, "it is 100 pushes"
cache.push("y", 0)
assert cache.get("old") is None
assert cache.get("kept") == 1
assert cache.pop("kept") == 1 and cache.pop("kept") is None
assert cache.get("x") == 97
"#;
    let path = repository().join("plugins/python");
    let status = Command::new("python3").args(["-c", code]).env("PYTHONPATH", path).status();
    assert!(status.unwrap().success());
}
