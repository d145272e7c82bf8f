//! Flags, and the polling mode.

use std::fs;

use super::super::change::Change::{
    BothSpellings, FirstChildLikeOthers, RealChildSizes, WholeDirectory, WholeFile,
};
use super::super::content::{HIDDEN, fill_slowly, slow_file, three, two_described};
use super::super::replay::Expected::{But, Instead};
use super::super::replay::Replay;

/// What is registered where the original ended at once.
const F1: &[(&str, &str)] = &[("f1", "REG f1, COPY f1")];

pub(super) fn table() -> Vec<Replay> {
    vec![
        Replay::of("O01", |run| run.create("f1")),
        Replay::of("O03", |run| run.create("f1")),
        Replay::of("O04", |run| {
            run.create("f1");
            run.copied("f1");
            let unchecked =
                |one: &testkit::dlm::Received| one.param("do_storage_access_check") == Some("false");
            assert!(run.stage.dlm.requests_at("register_data_item").iter().all(unchecked));
        })
        .both(Instead(&[BothSpellings], F1)),
        Replay::of("O05", |run| {
            run.says("poll");
            run.create("f1");
        })
        .both(Instead(&[BothSpellings], F1)),
        Replay::of("O06", fill_slowly).default(Instead(
            &[WholeDirectory, FirstChildLikeOthers, RealChildSizes],
            &[(
                "dp",
                "REG dp, COPY dp, REG dp/f0, QRY dp/f0, INIT dp/f0, REG dp/f1, QRY dp/f1, INIT dp/f1, \
                 REG dp/f2, QRY dp/f2, INIT dp/f2, REG dp/f3, QRY dp/f3, INIT dp/f3, REG dp/f4, \
                 QRY dp/f4, INIT dp/f4",
            )],
        )),
        Replay::of("O07", |run| {
            run.create("other.run");
            run.create(".directory_watcher_status.run");
        }),
        Replay::of("O08", three)
            .after(|stage| drop(stage.dlm.add_storage("second", "/second", "LIQUID")))
            .default(But(&[FirstChildLikeOthers, RealChildSizes])),
        Replay::of("P01", |run| run.write("file1.dat", "12345")),
        Replay::of("P02", two_described).default(But(&[FirstChildLikeOthers, RealChildSizes])),
        Replay::of("P05", |run| {
            run.create_all(&HIDDEN);
            fs::create_dir(run.watched().join(".hidden_dir")).expect("it takes folders");
        }),
        Replay::of("P09", slow_file).default(But(&[WholeFile])),
    ]
}
