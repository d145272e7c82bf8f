//! Plugins that take too long, or too much.

use std::time::{Duration, Instant};

use sinks::Sink as _;

use crate::rig::{Rig, creates, deliver_all, down, runs, wait_for_end};

/// A limit that must strike.
const SHORT: Duration = Duration::from_millis(400);
/// What a busy machine may add.
const MOMENT: Duration = Duration::from_secs(10);

const PID: &str = "open('pid', 'w').write('%d\\n' % os.getpid())\n";

#[tokio::test]
async fn no_hello_in_time() {
    let mut rig = Rig::python(&format!("{PID}time.sleep(60)"));
    rig.manifest().hello_within = Duration::from_secs(3);
    let begun = Instant::now();
    let text = down(rig.sink().prepare().await);
    assert!(begun.elapsed() < Duration::from_secs(3) + MOMENT);
    assert!(text.starts_with("E-PLUGIN-HELLO") && text.contains("3s"), "{text}");
    wait_for_end(rig.pid_in("pid"));
}

#[tokio::test]
async fn no_acknowledgement_in_time() {
    let mut rig = Rig::python(&format!(
        "{PID}hello()\nevent = next(events())\nsay(type='ack', seq=1)\nfor event in events(): pass"
    ));
    rig.manifest().ack_within = SHORT;
    let mut sink = rig.sink();
    let batch = creates(1, 4);
    let begun = Instant::now();
    let outcomes = sink.deliver(&batch).await.unwrap();
    assert_eq!(outcomes.len(), 1, "what was acknowledged counts");
    let text = down(sink.deliver(&batch[1..]).await);
    assert!(begun.elapsed() < SHORT + MOMENT);
    assert!(text.starts_with("E-PLUGIN-ACK") && text.contains("3 events"), "{text}");
    assert!(!runs(rig.pid_in("pid")));
    // The next start has its chance.
    assert_eq!(sink.deliver(&batch[1..2]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_plugin_that_does_not_read_its_input() {
    let mut rig = Rig::python("hello()\ntime.sleep(60)");
    rig.manifest().ack_within = SHORT;
    rig.manifest().window = 10_000;
    let mut sink = rig.sink();
    // More than a pipe holds.
    let batch: Vec<_> = creates(1, 1000);
    let text = down(sink.deliver(&batch).await);
    assert!(text.starts_with("E-PLUGIN-ACK"), "{text}");
}

#[tokio::test]
async fn memory_beyond_its_limit_is_not_to_be_had() {
    let mut rig = Rig::python(
        r#"
hello()
event = next(events())
hoard = []
try:
    while len(hoard) < 4096:
        hoard.append(bytearray(1 << 20))
except MemoryError:
    log.write("%d\n" % len(hoard))
    raise
say(type="ack", seq=event["seq"])
"#,
    );
    rig.manifest().memory = Some(256 << 20);
    let mut sink = rig.sink();
    let text = down(sink.deliver(&creates(1, 1)).await);
    assert!(text.starts_with("E-PLUGIN-ENDED") && text.contains("said last: MemoryError"), "{text}");
    let had: usize = rig.log()[0].parse().unwrap();
    assert!(had < 256, "{had} MiB");
    // Within the limit it works.
    rig.rewrite("hello()\nfor event in events(): say(type='ack', seq=event['seq'])");
    deliver_all(&mut sink, &creates(1, 1)).await;
}
