//! Starting: what is known, what is there already, what comes back after a restart.

use testkit::dlm::Fault;

use super::super::change::Change::{
    FirstChildLikeOthers, NotRepeatedAtOnce, NothingMissed, OtherProgram, RealChildSizes, Remembered,
    StartAskedTwice, StartRetried,
};
use super::super::content::existing;
use super::super::replay::Expected::{But, Instead, NotReplayed};
use super::super::replay::{Replay, Run};

pub(super) fn table() -> Vec<Replay> {
    vec![
        Replay::of("A01", |_| {}).both(NotReplayed(&[OtherProgram])),
        Replay::of("A02", |_| {}),
        Replay::of("A03", |_| {}),
        Replay::of("A05", storage_refuses)
            .after(|stage| stage.dlm.storage().stop())
            .at_once()
            .default(But(&[StartRetried])),
        Replay::of("A06", key_fails)
            .after(|stage| stage.dlm.inject(Fault::internal_error().at("get_ssh_public_key")))
            .at_once()
            .strict(But(&[StartAskedTwice]))
            .default(But(&[StartRetried])),
        Replay::of("A07", idle_services).after(|stage| {
            stage.dlm.ingest().stop();
            stage.dlm.migration().stop();
            stage.dlm.request().stop();
        }),
        Replay::of("A09", closed_once)
            .after(|stage| stage.dlm.inject(Fault::close().at("query_location").once()))
            .at_once()
            .strict(But(&[NotRepeatedAtOnce])),
        Replay::of("A10", |run| {
            run.create("f1");
            run.no_last();
        }),
        Replay::of("A13", |run| run.create("f1")),
        Replay::of("X10", |run| run.create("f1")),
        Replay::of("R01", |_| {}),
        Replay::of("E02", |_| {}).after(existing).default(But(&[FirstChildLikeOthers, RealChildSizes])),
        Replay::of("E03", restarted)
            .both(Instead(&[Remembered], &[("keep.dat", "REG keep.dat, COPY keep.dat")])),
        Replay::of("X07", meanwhile)
            .after(|stage| (0..4).for_each(|at| stage.write(&format!("e{at}"), super::super::replay::TEN)))
            .at_once()
            .both(Instead(
                &[NothingMissed],
                &[
                    ("during", "REG during, COPY during"),
                    ("e0", "REG e0, COPY e0"),
                    ("e1", "REG e1, COPY e1"),
                    ("e2", "REG e2, COPY e2"),
                    ("e3", "REG e3, COPY e3"),
                ],
            )),
        Replay::of("X08", alone).at_once().default(But(&[StartRetried])),
    ]
}

fn storage_refuses(run: &mut Run) {
    if run.strict {
        return run.ends();
    }
    run.says("E-DLM-UNREACHED");
    not_ready(run);
}

fn key_fails(run: &mut Run) {
    if run.strict {
        return run.ends();
    }
    run.says("get_ssh_public_key");
    not_ready(run);
}

/// It waits, and says so to whoever looks.
fn not_ready(run: &mut Run) {
    assert!(run.watcher().is_running() && !run.stage.is_ready());
    run.no_last();
    run.terminate();
}

fn closed_once(run: &mut Run) {
    if run.strict { run.ends_or_is_ready() } else { run.ready() }
}

fn idle_services(run: &mut Run) {
    run.no_last();
}

fn restarted(run: &mut Run) {
    run.write("keep.dat", "1");
    run.copied("keep.dat");
    run.terminate();
    run.restart(&["--include-existing", "--use-status-file", "True", "--reload_status_file", "True"]);
}

fn meanwhile(run: &mut Run) {
    run.asked("e0");
    run.create("during");
    run.ready();
}

fn alone(run: &mut Run) {
    if run.strict {
        return run.ends();
    }
    run.says("E-DLM-UNREACHED");
    not_ready(run);
}
