//! Plugins that end, by themselves or by others.

use std::time::{Duration, Instant};

use model::Happening;
use sinks::{Outcome, Sink as _};

use crate::rig::{Rig, creates, deliver_all, down, happening, misconfigured, names, runs, wait_for_end};

const HOLDS_50: &str = r#"
hello()
open("pid", "w").write("%d\n" % os.getpid())
first = not os.path.exists("second")
open("second", "w").close()
for event in events():
    keep(event)
    if not first or event["seq"] <= 10:
        say(type="ack", seq=event["seq"])
"#;

#[tokio::test]
async fn what_was_not_acknowledged_at_a_kill_is_sent_again_and_then_the_rest() {
    let mut rig = Rig::python(HOLDS_50);
    rig.timeout = Duration::from_millis(100);
    let mut sink = rig.sink();
    let batch = creates(1, 60);
    let mut done = 0;
    while done < 10 {
        done += sink.deliver(&batch[done..]).await.unwrap().len();
    }
    rig.wait_for_lines(60);
    let pid = rustix::process::Pid::from_raw(rig.pid_in("pid") as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let text = down(sink.deliver(&batch[10..]).await);
    assert!(text.starts_with("E-PLUGIN-ENDED") && text.contains("signal 9"), "{text}");
    assert!(text.contains("nothing is lost"), "{text}");
    // As the lane does: a question, one alone, then all.
    sink.ping().await.unwrap();
    deliver_all(&mut sink, &batch[10..11]).await;
    deliver_all(&mut sink, &batch[11..]).await;
    deliver_all(&mut sink, &creates(61, 100)).await;
    assert_eq!(rig.paths(), [names(1, 60), names(11, 150)].concat());
}

#[tokio::test]
async fn what_was_acknowledged_right_before_the_end_counts() {
    let rig = Rig::python(
        r#"
hello()
for event in events():
    say(type="ack", seq=event["seq"])
    if event["seq"] == 3:
        sys.exit("enough")
"#,
    );
    let mut sink = rig.sink();
    let batch = creates(1, 5);
    assert_eq!(sink.deliver(&batch).await, Ok(vec![Outcome::Delivered; 3]));
    let text = down(sink.ping().await);
    assert!(text.contains("exit status 1; it said last: enough"), "{text}");
    deliver_all(&mut sink, &batch[3..]).await;
}

#[tokio::test]
async fn a_plugin_that_ends_at_once_says_why() {
    let rig = Rig::python("print('the shelf is missing', file=sys.stderr)\nsys.exit(3)");
    let mut sink = rig.sink();
    for _ in 0..3 {
        let text = down(sink.prepare().await);
        assert!(text.contains("exit status 3; it said last: the shelf is missing"), "{text}");
    }
    rig.rewrite("hello()\nfor event in events(): say(type='ack', seq=event['seq'])");
    deliver_all(&mut sink, &creates(1, 3)).await;
}

#[tokio::test]
async fn what_cannot_be_started_waits_for_a_person() {
    let mut rig = Rig::command("./no-such-program", &[]);
    let text = misconfigured(rig.sink().prepare().await);
    assert!(text.starts_with("E-PLUGIN-START") && text.contains("no-such-program"), "{text}");
    rig.plan.manifest = Err("actor.toml:3: window must be a number".into());
    let text = misconfigured(rig.sink().deliver(&creates(1, 1)).await);
    assert!(text.starts_with("E-PLUGIN-MANIFEST") && text.contains("actor.toml:3"), "{text}");
}

#[tokio::test]
async fn a_check_starts_nothing_and_says_what_is_missing() {
    let mut rig = Rig::python("open('started', 'w')");
    let plan = |rig: &Rig| config::SinkPlan {
        name: "actor".into(),
        kind: config::SinkKind::Plugin(Box::new(rig.plan.clone())),
        format: config::Format::CloudEvents,
        max_attempts: 0,
        timeout: rig.timeout,
    };
    assert_eq!(sinks::check(&plan(&rig)).await, None);
    assert!(!rig.path("started").exists());
    rig.manifest().command = "./actor.py".into();
    let text = sinks::check(&plan(&rig)).await.unwrap();
    assert!(text.contains("E-PLUGIN-START") && text.contains("ermission"), "{text}");
    rig.manifest().command = "no-such-interpreter".into();
    assert!(sinks::check(&plan(&rig)).await.unwrap().contains("no-such-interpreter"));
    rig.plan.manifest = Err("there is no actor.toml".into());
    assert!(sinks::check(&plan(&rig)).await.unwrap().contains("there is no actor.toml"));
}

#[tokio::test]
async fn an_event_that_ends_it_each_time_is_put_off_and_others_go_on() {
    let rig = Rig::python(
        r#"
hello()
for event in events():
    if event["path"] == "poison":
        os._exit(9)
    say(type="ack", seq=event["seq"])
"#,
    );
    let mut sink = rig.sink();
    let poison = [happening(1, Happening::Create, b"poison")];
    for _ in 0..2 {
        down(sink.deliver(&poison).await);
    }
    let outcomes = sink.deliver(&poison).await.unwrap();
    assert!(
        matches!(&outcomes[..], [Outcome::PutOff(_, why)] if why.contains("exit status 9")),
        "{outcomes:?}"
    );
    deliver_all(&mut sink, &creates(2, 5)).await;
    down(sink.deliver(&poison).await);
}

#[tokio::test]
async fn a_plugin_that_cannot_go_on_says_so_itself() {
    let rig = Rig::python("hear()\nsay(type='error', message='no licence', fatal=True)\ntime.sleep(60)");
    let text = down(rig.sink().prepare().await);
    assert!(text.starts_with("E-PLUGIN-FATAL") && text.contains("no licence"), "{text}");
    let rig = Rig::python("hear()\nsay(type='hello', protocol=2, name='x')\ntime.sleep(60)");
    let text = misconfigured(rig.sink().prepare().await);
    assert!(text.starts_with("E-PLUGIN-VERSION") && text.contains("version 2"), "{text}");
}

#[tokio::test]
async fn an_answer_to_what_was_never_sent_ends_it() {
    let rig = Rig::python("hello()\nfor event in events(): say(type='ack', seq=event['seq'] + 1)");
    let text = down(rig.sink().deliver(&creates(1, 1)).await);
    assert!(text.starts_with("E-PLUGIN-PROTOCOL") && text.contains("event 2"), "{text}");
}

#[tokio::test]
async fn a_farewell_is_heard_and_nothing_is_killed() {
    let rig = Rig::python(
        r#"
hello()
open("pid", "w").write("%d\n" % os.getpid())
while True:
    message = hear()
    keep(message)
    if message["type"] == "bye":
        time.sleep(0.1)
        log.write("done\n")
        sys.exit(0)
"#,
    );
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    sink.close(Duration::from_secs(20)).await;
    assert_eq!(rig.log().last().unwrap(), "done");
    assert!(!runs(rig.pid_in("pid")));
    assert!(!rig.remarks().iter().any(|text| text.contains("W-PLUGIN-STOP")));
}

#[tokio::test]
async fn a_plugin_that_knows_no_farewell_sees_the_end_of_its_input() {
    let rig = Rig::python("hello()\nwhile True: keep(hear())");
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    sink.close(Duration::from_secs(20)).await;
    assert_eq!(rig.log().last().unwrap(), "end of input");
}

/// Ignores the farewell, the end of its input and SIGTERM, and so does its child.
const STUBBORN: &str = r#"
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    open("grandchild", "w").write("%d\n" % os.getpid())
    while True:
        time.sleep(60)
hello()
open("pid", "w").write("%d\n" % os.getpid())
while True:
    time.sleep(60)
"#;

#[tokio::test]
async fn who_ignores_everything_is_killed_in_time_with_whatever_it_started() {
    let rig = Rig::python(STUBBORN);
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    let (pid, grandchild) = (rig.pid_in("pid"), rig.pid_in("grandchild"));
    let begun = Instant::now();
    sink.close(Duration::from_millis(400)).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(rig.remarks().iter().any(|text| text.starts_with("W-PLUGIN-STOP")));
    wait_for_end(pid);
    wait_for_end(grandchild);
}

#[tokio::test]
async fn a_sink_that_is_dropped_leaves_no_process_behind() {
    let rig = Rig::python(STUBBORN);
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    let (pid, grandchild) = (rig.pid_in("pid"), rig.pid_in("grandchild"));
    assert!(runs(pid) && runs(grandchild));
    drop(sink);
    wait_for_end(pid);
    wait_for_end(grandchild);
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_does_not_hide_the_end() {
    let rig = Rig::python(
        r#"
if os.fork() == 0:
    open("grandchild", "w").write("%d\n" % os.getpid())
    while True:
        time.sleep(60)
hello()
next(events())
os._exit(4)
"#,
    );
    let mut sink = rig.sink();
    let text = down(sink.deliver(&creates(1, 2)).await);
    assert!(text.contains("exit status 4"), "{text}");
    wait_for_end(rig.pid_in("grandchild"));
}
