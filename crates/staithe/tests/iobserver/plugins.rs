//! Plugins that are dropped into their directory while everything runs.

use testkit::wait_until;

use crate::stage::{FOLLOWING, PATIENCE, Stage, said, scribe, stop};

/// An old plugin: a line for each event, with a version and what the cache has counted.
fn old(version: &str, log: &std::path::Path) -> String {
    format!(
        "class Teller:\n    def __init__(self, watch, cache, config):\n        self.cache, self.config = cache, \
         config\n    def process_event(self, event):\n        count = (self.cache.get('count') or 0) + 1\n        \
         self.cache.push('count', count, True)\n        with open({:?}, 'a') as log:\n            log.write('%s \
         {version} %d %s %s\\n' % (event.event_name, count, getattr(event, 'name', '-'), \
         sorted(self.config.items())))\n",
        log.to_str().expect("a plain name")
    )
}

/// Acceptance 19, with one of the old program's plugins; its edits are taken over and keep what it knows.
#[test]
fn an_old_plugin_is_dropped_named_edited_and_taken_away() {
    let stage = Stage::new();
    let told = stage.at("out/told");
    let with = |plugins: &str| {
        format!("{FOLLOWING}[[w]]\nplugins = {plugins}\nscribe_log = out/w\nteller_x = 1\ntellerother = 2\n")
    };
    stage.write("iobserverrc", &with("scribe"));
    let mut process = stage.start();
    stage.replace("plugins/teller.py", &old("v1", &told));
    stage.replace("iobserverrc", &with("scribe, teller"));
    let has = |begin: &str, end: &str| {
        let text = stage.text("out/told");
        text.lines().any(|line| line.starts_with(begin) && line.ends_with(end))
    };
    wait_until(PATIENCE, "its beginning", || has("WATCH_INIT v1 1 ", " [('teller_x', '1')]"));
    stage.write("w/a", "");
    wait_until(PATIENCE, "the file", || has("IN_CREATE v1 ", " a [('teller_x', '1')]"));
    stage.replace("plugins/teller.py", &old("v2", &told));
    let mut number = 0;
    wait_until(PATIENCE, "the second version", || {
        number += 1;
        stage.write(&format!("w/{number}"), "");
        stage.text("out/told").contains("IN_CREATE v2 ")
    });
    let first = stage
        .text("out/told")
        .lines()
        .filter(|line| line.contains(" v1 1 ") || line.contains(" v2 1 "))
        .count();
    assert_eq!(first, 1, "its cache was kept:\n{}", stage.text("out/told"));
    // Taken away, it is missing, and the scribe goes on.
    std::fs::remove_file(stage.at("plugins/teller.py")).expect("it is there");
    process.wait_for_line("Required plugin 'teller' is missing.", PATIENCE);
    stage.write("w/z", "");
    stage.wait_logged("out/w", "file 'z' was CREATED");
    assert_eq!(stage.logged("out/w", "WATCH STARTED"), 1, "the others were not touched");
    stop(&mut process);
}

/// One that is seen half-written is that one's trouble, until it is whole.
#[test]
fn a_plugin_that_cannot_be_loaded_runs_as_soon_as_it_is_mended() {
    let stage = Stage::new();
    let told = stage.at("out/told");
    stage.write("plugins/teller.py", "class Teller:\n    def process_ev");
    let teller = "[[v]]\nplugins = teller\n";
    stage.write("iobserverrc", &format!("{FOLLOWING}{}{teller}", scribe("w", "out/w")));
    let mut process = stage.start();
    let words = format!("Watch: {}: Plugin 'teller' reported error: ", stage.at("v").display());
    process.wait_for_line(&words, PATIENCE);
    stage.write("w/a", "");
    stage.wait_logged("out/w", "file 'a' was CREATED");
    stage.write("v/b", "");
    stage.replace("plugins/teller.py", &old("v1", &told));
    wait_until(PATIENCE, "what happened meanwhile", || stage.text("out/told").contains("IN_CREATE v1 "));
    stop(&mut process);
}

/// A manifest of ours, with a program in shell; a new content of it is another process.
#[test]
fn a_manifest_comes_and_changes() {
    let stage = Stage::new();
    let program = |version: &str| {
        format!(
            "echo '{{\"type\":\"hello\",\"protocol\":1,\"name\":\"sh\",\"version\":\"{version}\"}}'\nwhile read -r \
             line; do case \"$line\" in *'\"type\":\"event\"'*) n=${{line#*'\"seq\":'}}; n=${{n%%[!0-9]*}}; echo \
             \"{version} $line\" >> {}; echo \"{{\\\"type\\\":\\\"ack\\\",\\\"seq\\\":$n}}\";; esac; done\n",
            stage.at("out/told").display()
        )
    };
    stage.write("iobserverrc", &format!("{FOLLOWING}[[w]]\nplugins = scribe, sh\nscribe_log = out/w\n"));
    let mut process = stage.start();
    assert_eq!(said(&process, "Required plugin 'sh' is missing."), 1);
    stage.write("plugins/sh.sh", &program("v1"));
    stage.replace("plugins/sh.toml", "command = \"/bin/sh\"\nargs = [\"sh.sh\"]\n");
    let told = |text: &str| stage.text("out/told").lines().filter(|line| line.contains(text)).count();
    wait_until(PATIENCE, "its beginning", || told("watch_init") == 1);
    stage.write("plugins/other.sh", &program("v2"));
    stage.replace("plugins/sh.toml", "command = \"/bin/sh\"\nargs = [\"other.sh\"]\n");
    let mut number = 0;
    wait_until(PATIENCE, "the second version", || {
        number += 1;
        stage.write(&format!("w/{number}"), "");
        told("v2 ") > 0
    });
    assert_eq!(stage.logged("out/w", "WATCH STARTED"), 1, "the others were not touched");
    stop(&mut process);
}
