//! Plugins: 19 and 20.

use testkit::wait_until;

use crate::stage::{FOLLOWING, PATIENCE, Stage, stop};
use crate::world::sh;

/// Drops a plugin by rename. It writes process, kind and path of each event to `out/told`, and acknowledges once
/// there is `out/go`.
pub(crate) fn install(stage: &Stage, name: &str, more: &str) {
    let out = stage.at("out").display().to_string();
    let program = r#"echo $$ >> OUT/pids
echo '{"type":"hello","protocol":1,"name":"NAME","version":"1"MORE}'
while read -r line; do
  case "$line" in '{"type":"event"'*) ;; *) continue;; esac
  seq=${line#*'"seq":'}; kind=${line#*'"kind":"'}; path=${line#*'"path":"'}
  echo "$$ ${kind%%'"'*} ${path%%'"'*}" >> OUT/told
  if [ -e OUT/go ]; then echo "{\"type\":\"ack\",\"seq\":${seq%%[!0-9]*}}"; fi
done
"#;
    let program = program.replace("OUT", &out).replace("NAME", name).replace("MORE", more);
    stage.write(&format!("plugins/{name}.sh"), &program);
    stage.replace(
        &format!("plugins/{name}.toml"),
        &format!("command = \"/bin/sh\"\nargs = [\"{name}.sh\"]\n"),
    );
}

/// What the plugin was told, without its process's id.
fn told(stage: &Stage) -> Vec<String> {
    let text = stage.text("out/told");
    text.lines().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest.to_owned()).collect()
}

/// Defect of the original: this sequence ended the program.
#[test]
fn s19_a_plugin_is_dropped_and_then_named() {
    let stage = Stage::new();
    stage.write("out/go", "");
    let with = |plugins: &str| format!("{FOLLOWING}[[w]]\nplugins = {plugins}\nscribe_log = out/w\n");
    stage.write("iobserverrc", &with("scribe"));
    let mut process = stage.start();
    stage.wait_logged("out/w", "WATCH STARTED");
    install(&stage, "late", "");
    sh(&stage, "touch w/before");
    stage.wait_logged("out/w", "file 'before' was CLOSED");
    assert_eq!(told(&stage), [""; 0], "nobody has named it");
    stage.write("iobserverrc", &with("scribe, late"));
    wait_until(PATIENCE, "its beginning", || told(&stage).first().is_some_and(|line| line == "watch_init "));
    sh(&stage, "touch w/after");
    stage.wait_logged("out/w", "file 'after' was CLOSED");
    wait_until(PATIENCE, "the file", || told(&stage).contains(&"close_write after".to_owned()));
    assert_eq!(told(&stage)[1], "create after");
    assert_eq!(stage.logged("out/w", "WATCH STARTED"), 1);
    stop(&mut process);
    assert_eq!(told(&stage).last().map(String::as_str), Some("watch_dead "));
}

#[test]
fn s20_a_plugin_is_killed_with_50_events_in_hand() {
    let stage = Stage::new();
    install(&stage, "keep", r#","events":["create"]"#);
    stage.write("iobserverrc", "[watches]\n[[w]]\nplugins = scribe, keep\nscribe_log = out/w\n");
    let mut process = stage.start();
    stage.wait_logged("out/w", "WATCH STARTED");
    // What comes while it stands still comes at once.
    process.freeze();
    sh(&stage, "i=0; while [ $i -lt 50 ]; do touch w/f$i; i=$((i+1)); done");
    process.resume();
    wait_until(PATIENCE, "50 events in hand", || told(&stage).len() == 50);
    let pids = || stage.text("out/pids").lines().count();
    assert_eq!(pids(), 1);
    stage.write("out/go", "");
    sh(&stage, "kill -9 $(cat out/pids)");
    sh(&stage, "i=50; while [ $i -lt 60 ]; do touch w/f$i; i=$((i+1)); done");
    // The watcher does not mind.
    stage.wait_logged("out/w", "file 'f59' was CLOSED");
    wait_until(PATIENCE, "the rest", || told(&stage).len() >= 110);
    assert_eq!(pids(), 2);
    stop(&mut process);
    let names = |range: std::ops::Range<usize>| range.map(|number| format!("create f{number}"));
    let wanted: Vec<String> = names(0..50).chain(names(0..60)).collect();
    assert_eq!(told(&stage), wanted);
    assert_eq!(stage.logged("out/w", " was CREATED"), 60);
}
