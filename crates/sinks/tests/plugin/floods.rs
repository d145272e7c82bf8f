//! Plugins that say too much.

use sinks::Sink as _;

use crate::rig::{Rig, come_true, creates, deliver_all, down};

#[tokio::test]
async fn a_stray_line_is_told_of_and_passed_over() {
    let rig = Rig::python(
        r#"
print("loading")
hello()
say(type="progress", percent=50)
for event in events():
    print("got", event["path"])
    say(type="ack", seq=event["seq"])
"#,
    );
    let mut sink = rig.sink();
    // The answer comes behind both: they are told of by now, and no flood has used up what may be said in a second.
    deliver_all(&mut sink, &creates(1, 1)).await;
    let remarks = rig.remarks();
    assert!(
        remarks.iter().any(|text| text.contains("W-PLUGIN-STRAY") && text.contains("loading")),
        "{remarks:?}"
    );
    let unknown = |text: &String| text.contains("W-PLUGIN-UNKNOWN") && text.contains("progress");
    assert!(remarks.iter().any(unknown), "{remarks:?}");
    deliver_all(&mut sink, &creates(2, 300)).await;
    let remarks = rig.remarks();
    assert!(remarks.len() < 150, "so many lines a second and no more: {}", remarks.len());
}

#[tokio::test]
async fn garbage_without_end_ends_the_plugin() {
    let rig = Rig::python("hello()\nwhile True: os.write(1, b'\\xff' * 3000 + b'\\n')");
    let mut sink = rig.sink();
    let text = down(sink.deliver(&creates(1, 1)).await);
    assert!(text.starts_with("E-PLUGIN-OUTPUT") && text.contains("101 lines"), "{text}");
    rig.rewrite("hello()\nfor event in events(): say(type='ack', seq=event['seq'])");
    deliver_all(&mut sink, &creates(1, 1)).await;
}

#[tokio::test]
async fn a_line_of_10_mib_ends_the_plugin() {
    let rig = Rig::python(
        "hello()\nnext(events())\nsay(type='log', level='info', message='x' * (10 << 20))\ntime.sleep(60)",
    );
    let text = down(rig.sink().deliver(&creates(1, 1)).await);
    assert!(text.starts_with("E-PLUGIN-LINE") && text.contains("1048576 bytes"), "{text}");
}

#[tokio::test]
async fn a_flood_of_logs_holds_up_no_event_and_is_not_passed_on() {
    let rig = Rig::python(
        r#"
hello()
for event in events():
    for number in range(200):
        say(type="log", level="warning", message="event %d, line %d" % (event["seq"], number))
        print("and on standard error", file=sys.stderr)
    say(type="ack", seq=event["seq"])
"#,
    );
    deliver_all(&mut rig.sink(), &creates(1, 100)).await;
    let remarks = rig.remarks();
    assert!(remarks.iter().any(|text| text.starts_with("W-PLUGIN-SAYS: event 1, line 0")), "{remarks:?}");
    assert!(remarks.len() < 1000, "{} of 40 000 lines", remarks.len());
    let told = || rig.remarks().iter().any(|text| text.starts_with("W-PLUGIN-LINES"));
    come_true("the number of lines left out", told).await;
}

#[tokio::test]
async fn log_lines_have_their_level_and_do_no_harm_to_a_terminal() {
    let rig = Rig::python(
        r#"
hello()
event = next(events())
for level in ["debug", "info", "warning", "error"]:
    say(type="log", level=level, message="at \x1b[31m " + level)
say(type="error", message="about the plugin itself")
say(type="ack", seq=event["seq"])
next(events())
"#,
    );
    deliver_all(&mut rig.sink(), &creates(1, 1)).await;
    let remarks = rig.remarks();
    let said = [
        "at \\x1b[31m info",
        "W-PLUGIN-SAYS: at \\x1b[31m warning",
        "E-PLUGIN-SAYS: at \\x1b[31m error",
        "E-PLUGIN-SAYS: about the plugin itself",
    ];
    assert_eq!(remarks[1..], said, "the first says that it runs");
}
