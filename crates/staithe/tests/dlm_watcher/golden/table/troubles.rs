//! Services that fail, signals, a watched directory that goes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::dlm::Fault;

use super::super::change::Change::{
    ArrangedAgain, FirstChildLikeOthers, GoesOn, LostAnswer, NothingMissed, RealChildSizes, Remembered,
    Retried, StopsInTime,
};
use super::super::content::{bad_then_good, replace_root, three};
use super::super::replay::Expected::{But, Instead};
use super::super::replay::{Expected, Replay, Run};
use crate::stage::Stage;

/// A file whose registration failed and is tried again, and one that came later.
const RETRIED: Expected =
    Instead(&[Retried], &[("f1", "REG f1, ASK f1, REG f1, ASK f1, COPY f1"), ("f2", "REG f2, COPY f2")]);

/// The same where the answer looks like one of services that were set up anew.
const ARRANGED: Expected = Instead(
    &[Retried, ArrangedAgain],
    &[("f1", "REG f1, ASK f1, REG f1, ASK f1, COPY f1"), ("f2", "REG f2, COPY f2")],
);

pub(super) fn table() -> Vec<Replay> {
    [of_services(), of_children(), of_signals(), of_directories()].into_iter().flatten().collect()
}

fn register_fails(stage: &Stage, fault: Fault) {
    stage.dlm.inject(fault.at("register_data_item").item("f1").once());
}

/// f1 meets the fault; f2 comes when that is over.
fn two_files(run: &mut Run) {
    run.create("f1");
    run.asked("f1");
    run.pause(0.5);
    run.create("f2");
}

fn of_services() -> Vec<Replay> {
    vec![
        Replay::of("F02", |run| {
            run.create("f1");
            run.says("E-DLM-UNREACHED");
            run.no_last();
        })
        .after(|stage| stage.dlm.migration().stop())
        .both(But(&[GoesOn])),
        Replay::of("F10", two_files)
            .after(|stage| register_fails(stage, Fault::internal_error()))
            .default(RETRIED),
        Replay::of("F12", two_files)
            .after(|stage| {
                register_fails(stage, Fault::answer(404, "application/json", "{\"detail\":\"Not Found\"}"));
            })
            .default(ARRANGED),
        Replay::of("F13", two_files)
            .after(|stage| register_fails(stage, Fault::refusal(409, "DatabaseOperationError", "m")))
            .default(RETRIED),
        Replay::of("F14", two_files)
            .after(|stage| register_fails(stage, Fault::refusal(422, "UnmetPreconditionForOperation", "m")))
            .default(ARRANGED),
        Replay::of("F24", two_files)
            .after(|stage| register_fails(stage, Fault::html()))
            .strict(Instead(&[LostAnswer], &[("f1", "REG f1"), ("f2", "REG f2, COPY f2")]))
            .default(RETRIED),
        Replay::of("F25", two_files).after(|stage| register_fails(stage, Fault::octets())).default(RETRIED),
        Replay::of("F26", two_files).after(|stage| register_fails(stage, Fault::close())).both(Instead(
            &[GoesOn, LostAnswer],
            &[("f1", "REG f1, ASK f1, REG f1, ASK f1, COPY f1"), ("f2", "REG f2, COPY f2")],
        )),
        Replay::of("F29", |run| run.create("f1"))
            .after(|stage| register_fails(stage, Fault::null()))
            .default(Instead(&[LostAnswer], &[("f1", "REG f1, ASK f1, REG f1, ASK f1, COPY f1")])),
        Replay::of("X17", |run| {
            run.create("f1");
            run.asked("f1");
            run.says("UnmetPreconditionForOperation");
            run.no_last();
        })
        .after(|stage| stage.dlm.set_reachable("dir-watcher", false))
        .default(But(&[Retried])),
        Replay::of("P08", |run| {
            run.stage.dlm.ingest().stop();
            run.create("f1");
            run.says("E-DLM-UNREACHED");
            run.stage.dlm.ingest().start();
            run.create("f2");
        })
        .both(Instead(&[GoesOn], &[("f1", "ASK f1, REG f1, ASK f1, COPY f1"), ("f2", "REG f2, COPY f2")])),
        Replay::of("P07", |run| bad_then_good(run, "a: [1, 2\nb: }"))
            .both(Instead(&[GoesOn], &[("plain", "REG plain, COPY plain")])),
    ]
}

/// The second of those that `fault` could hit.
fn second(stage: &Stage, fault: Fault) {
    let seen = AtomicUsize::new(0);
    stage.dlm.inject(fault.when(move |_| seen.fetch_add(1, Ordering::Relaxed) == 1));
}

fn of_children() -> Vec<Replay> {
    vec![
        Replay::of("F22", three)
            .after(|stage| stage.dlm.inject(Fault::internal_error().at("query_data_item").once()))
            .default(Instead(
                &[FirstChildLikeOthers, RealChildSizes, Retried],
                &[(
                    "dp",
                    "REG dp, COPY dp, REG dp/data.bin, QRY dp/data.bin, ASK dp/third, REG dp/third, \
                     ASK dp/third, QRY dp/third, INIT dp/third, ASK dp/weights, REG dp/weights, \
                     ASK dp/weights, QRY dp/weights, INIT dp/weights, ASK dp/data.bin, QRY dp/data.bin, \
                     INIT dp/data.bin",
                )],
            )),
        Replay::of("F23", three)
            .after(|stage| stage.dlm.inject(Fault::internal_error().at("init_data_item").once()))
            .default(Instead(
                &[FirstChildLikeOthers, RealChildSizes, Retried, ArrangedAgain],
                &[(
                    "dp",
                    "REG dp, COPY dp, REG dp/data.bin, QRY dp/data.bin, INIT dp/data.bin, ASK dp/third, \
                     REG dp/third, ASK dp/third, QRY dp/third, INIT dp/third, ASK dp/weights, \
                     REG dp/weights, ASK dp/weights, QRY dp/weights, INIT dp/weights, ASK dp/data.bin, \
                     INIT dp/data.bin",
                )],
            )),
        Replay::of("X16", three)
            .after(|stage| {
                second(
                    stage,
                    Fault::internal_error()
                        .at("register_data_item")
                        .when(|one| one.param("parents").is_some()),
                );
            })
            .default(Instead(
                &[FirstChildLikeOthers, RealChildSizes, Retried],
                &[(
                    "dp",
                    "REG dp, COPY dp, REG dp/data.bin, QRY dp/data.bin, INIT dp/data.bin, REG dp/third, \
                     ASK dp/weights, REG dp/weights, ASK dp/weights, QRY dp/weights, INIT dp/weights, \
                     ASK dp/third, REG dp/third, ASK dp/third, QRY dp/third, INIT dp/third",
                )],
            )),
        Replay::of("X14", |run| {
            let made = crate::stage::fill(
                &run.stage.beside().join("dp"),
                &[(".hid", "0123456789"), ("b~", "0123456789")],
            );
            fs::write(made.join(OsStr::from_bytes(b"bad\xff")), "x").expect("any bytes are a name");
            fs::rename(made, run.watched().join("dp")).expect("one file system");
        })
        .strict(Instead(
            &[GoesOn],
            &[("dp", "REG dp, COPY dp, REG dp/.hid, COPY dp/.hid, REG dp/b~, QRY dp/b~, INIT dp/b~")],
        ))
        .default(Instead(
            &[GoesOn, FirstChildLikeOthers, RealChildSizes],
            &[(
                "dp",
                "REG dp, COPY dp, REG dp/.hid, QRY dp/.hid, INIT dp/.hid, REG dp/b~, QRY dp/b~, INIT dp/b~",
            )],
        )),
    ]
}

/// Six files at once. Which of them have their turn first is arbitrary; these two did when a kill was recorded.
const SIX: [&str; 6] = ["n2", "n5", "n0", "n1", "n3", "n4"];

fn of_signals() -> Vec<Replay> {
    vec![
        Replay::of("F27", |run| {
            run.create("f1");
            run.asked("f1");
            run.terminate();
        })
        .after(|stage| register_fails(stage, Fault::late(Duration::from_secs(12))))
        .both(Instead(&[StopsInTime], &[("f1", "REG f1")])),
        Replay::of("F30", |run| {
            run.create_all(&SIX);
            run.asked("n2");
            run.pause(1.5);
            run.terminate();
            let registered = run.stage.dlm.count("register_data_item");
            assert!(!run.strict || registered < 6, "it finished them all before it ended");
            run.resume();
        })
        .both(But(&[StopsInTime])),
        Replay::of("F31", |run| {
            run.create_all(&SIX);
            run.copied("n5");
            if run.strict {
                return run.kill();
            }
            run.idle();
            run.kill();
            run.resume();
            run.kill();
        })
        .default(Instead(
            &[Remembered],
            &[
                ("n0", "REG n0, COPY n0"),
                ("n1", "REG n1, COPY n1"),
                ("n2", "REG n2, COPY n2"),
                ("n3", "REG n3, COPY n3"),
                ("n4", "REG n4, COPY n4"),
                ("n5", "REG n5, COPY n5"),
            ],
        )),
    ]
}

fn of_directories() -> Vec<Replay> {
    const F1: &[(&str, &str)] = &[("f1", "REG f1, COPY f1")];
    vec![
        Replay::of("X04", replace_root).both(Instead(&[NothingMissed], F1)),
        Replay::of("X05", replace_root).both(Instead(&[NothingMissed], F1)),
        Replay::of("X02", |run| {
            fs::remove_file(run.watched().join("a")).expect("it is there");
            run.create("b");
        })
        .after(|stage| stage.write("a", "0123456789"))
        .both(Instead(&[NothingMissed], &[("b", "REG b, COPY b")])),
        Replay::of("X20", |run| {
            for name in ["a", "b"] {
                run.create(&format!(".dp.tmp/{name}"));
                run.pause(1.5);
            }
            fs::rename(run.watched().join(".dp.tmp"), run.watched().join("dp")).expect("it is there");
        })
        .strict(Instead(
            &[NothingMissed],
            &[("dp", "REG dp, COPY dp, REG dp/a, COPY dp/a, REG dp/b, QRY dp/b, INIT dp/b")],
        ))
        .default(Instead(
            &[NothingMissed, FirstChildLikeOthers, RealChildSizes],
            &[("dp", "REG dp, COPY dp, REG dp/a, QRY dp/a, INIT dp/a, REG dp/b, QRY dp/b, INIT dp/b")],
        )),
    ]
}
