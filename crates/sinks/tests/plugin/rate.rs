//! How fast a plugin in Python may be fed.

use std::time::Instant;

use crate::rig::{Rig, creates, deliver_all, repository};

#[tokio::test]
async fn many_events_go_through_a_python_plugin_without_loss() {
    const COUNT: u64 = 20_000;
    let mut rig = Rig::command("python3", &["plugin.py"]);
    rig.env("PYTHONPATH", repository().join("plugins/python"));
    let body = "import os\nfrom staithe_plugin import run\nlog = open(os.environ['LOG'], 'w')\n\
                def keep(event): log.write(event.path + '\\n')\nrun(keep)\n";
    std::fs::write(rig.path("plugin.py"), body).unwrap();
    let mut sink = rig.sink();
    let batch = creates(1, COUNT);
    deliver_all(&mut sink, &batch[..1]).await;
    let begun = Instant::now();
    deliver_all(&mut sink, &batch[1..]).await;
    let rate = COUNT as f64 / begun.elapsed().as_secs_f64();
    eprintln!("{rate:.0} events/s through a Python plugin");
    sinks::Sink::close(&mut sink, crate::rig::PATIENCE).await;
    let (lines, expected) = (rig.log(), crate::rig::names(1, COUNT));
    assert!(lines == expected, "{} lines of {COUNT}, in order", lines.len());
}
