//! Files, directories, measurement sets, links.

use std::fs;
use std::process::Command;

use super::super::change::Change::{
    Confirmed, DanglingLeftOut, FinalNameOnly, FirstChildLikeOthers, GoesOn, RealChildSizes, WholeFile,
};
use super::super::content::{
    METADATA, YAML, bad_then_good, elsewhere, link, measurement_set, slow_file, three,
};
use super::super::replay::Expected::{But, Instead};
use super::super::replay::{Expected, Replay, Run, TEN};

/// What is expected by default of a directory with children.
const CHILDREN: Expected = But(&[FirstChildLikeOthers, RealChildSizes]);
/// The same in the form of 2.1, which sends no sizes.
const R21_CHILDREN: Expected = But(&[FirstChildLikeOthers]);
/// Metadata that cannot be read: in strict mode as well, the file that comes next is registered.
const GOOD_ONE: Expected = Instead(&[GoesOn], &[("plain", "REG plain, COPY plain")]);

pub(super) fn table() -> Vec<Replay> {
    [files(), directories(), sets_and_links()].into_iter().flatten().collect()
}

fn files() -> Vec<Replay> {
    vec![
        Replay::of("B01", |run| run.write("file1.dat", "12345")),
        Replay::of("R02", |run| run.write("file1.dat", "12345")),
        Replay::of("B03", |run| run.write(YAML, METADATA)),
        Replay::of("B05", slow_file).default(But(&[WholeFile])),
        Replay::of("B06", |run| {
            let file = run.stage.beside().join("m.dat");
            fs::write(&file, TEN).expect("there is room");
            fs::rename(file, run.watched().join("m.dat")).expect("one file system");
        }),
        Replay::of("B07", |run| {
            run.create_all(&["a b&c=d+e%f#g?h", "ü√", "quote\"s'"]);
        }),
        Replay::of("B10", renamed_and_so_on).after(|stage| {
            stage.write("a.dat", TEN);
            stage.write("b.dat", TEN);
        }),
        Replay::of("B11", replaced).default(Instead(
            &[Confirmed],
            &[("a.dat", "REG a.dat, COPY a.dat, REG a.dat, ASK a.dat, ASK a.dat")],
        )),
        Replay::of("B12", gone_before_its_turn),
        Replay::of("B13", |run| {
            let made = Command::new("mkfifo").arg(run.watched().join("pipe")).status();
            assert!(made.expect("mkfifo runs").success());
        })
        .both(But(&[GoesOn])),
        Replay::of("O10", |run| {
            let file = run.stage.beside().join("big");
            let made = fs::File::create(&file).expect("there is room");
            made.set_len(3 << 30).expect("a hole needs no room");
            fs::rename(file, run.watched().join("big")).expect("one file system");
        }),
        Replay::of("S01", |run| (0..20).for_each(|at| run.create(&format!("b{at:03}")))),
        Replay::of("X06", |run| {
            run.create("f1");
            run.pause(0.7);
            run.create("f2");
            run.pause(0.3);
            run.create("f3");
        }),
        Replay::of("X18", |run| {
            run.create("t.part");
            if run.strict {
                run.asked("t.part");
            }
            run.pause(if run.strict { 0.6 } else { 0.1 });
            fs::rename(run.watched().join("t.part"), run.watched().join("t.dat")).expect("it is there");
        })
        .default(Instead(&[FinalNameOnly], &[("t.dat", "REG t.dat, COPY t.dat")])),
    ]
}

fn renamed_and_so_on(run: &mut Run) {
    let at = |name: &str| run.watched().join(name);
    let mut content = fs::read(at("a.dat")).expect("it is there");
    content.extend(b"more");
    fs::write(at("a.dat"), content).expect("there is room");
    fs::rename(at("a.dat"), at("c.dat")).expect("it is there");
    fs::remove_file(at("b.dat")).expect("it is there");
    run.copied("c.dat");
    fs::rename(at("c.dat"), run.stage.beside().join("c.dat")).expect("one file system");
}

fn replaced(run: &mut Run) {
    run.create("a.dat");
    run.copied("a.dat");
    let new = run.stage.beside().join("new");
    fs::write(&new, TEN).expect("there is room");
    fs::rename(new, run.watched().join("a.dat")).expect("one file system");
}

/// Two files at once; the one whose turn has not come is removed.
fn gone_before_its_turn(run: &mut Run) {
    if run.strict {
        run.create("p3");
        run.create("p4");
        run.asked("p3");
    } else {
        // Whatever has not been quiet yet has not had its turn.
        run.create("p4");
        run.create("p3");
    }
    fs::remove_file(run.watched().join("p4")).expect("it is there");
}

fn directories() -> Vec<Replay> {
    vec![
        Replay::of("C02", three).default(CHILDREN),
        Replay::of("C03", |run| fs::create_dir(run.watched().join("empty")).expect("it takes folders")),
        Replay::of("C04", nested).default(CHILDREN),
        Replay::of("C06", |run| {
            // "Immediately": a busy machine must not come between the directory and its files.
            run.frozen(|run| run.create_all(&["dp/f0", "dp/f1", "dp/f2"]));
        })
        .default(CHILDREN),
        Replay::of("C08", |run| bad_then_good(run, "a: [1, 2\nb: }")).both(GOOD_ONE),
        Replay::of("C09", |run| bad_then_good(run, "- a\n- b\n")).both(GOOD_ONE),
        Replay::of("C10", |run| bad_then_good(run, "")).both(GOOD_ONE),
        Replay::of("C11", |run| {
            let metadata = "config:\n  d: 2024-01-02\n  t: 2024-01-02T03:04:05Z\n  n:\n  f: 1.5\n  b: yes\n  l: [1, {a: ü}]\n";
            run.stage.move_in("dp", &[(YAML, metadata)]);
        }),
        Replay::of("C12", |run| bad_then_good(run, "1: one\n")).both(GOOD_ONE),
        Replay::of("S02", |run| {
            let names: Vec<String> = (0..60).map(|at| format!("c{at:03}")).collect();
            run.stage.move_in("dp", &names.iter().map(|name| (name.as_str(), TEN)).collect::<Vec<_>>());
        })
        .default(CHILDREN),
        Replay::of("X12", |run| {
            let (stage, watched) = (&run.stage, run.watched());
            for (name, child) in [("d1", "d1/x"), ("d2", "d2/y"), ("f", "f")] {
                crate::stage::write(&stage.beside().join(child), TEN);
                fs::rename(stage.beside().join(name), watched.join(name)).expect("one file system");
            }
        })
        .default(CHILDREN),
        Replay::of("X19", |run| {
            run.create(".dp.tmp/a");
            run.create(".dp.tmp/b");
            run.pause(1.0);
            fs::rename(run.watched().join(".dp.tmp"), run.watched().join("dp")).expect("it is there");
        })
        .default(CHILDREN),
    ]
}

fn nested(run: &mut Run) {
    let inner = METADATA.replace("12345", "99999");
    let files = [
        (YAML, METADATA),
        ("top.bin", TEN),
        ("sub/a.bin", TEN),
        ("sub/deep/b.bin", TEN),
        ("meta_sub/ska-data-product.yaml", &inner),
        ("meta_sub/c.bin", TEN),
    ];
    run.stage.move_in("dp", &files);
}

fn sets_and_links() -> Vec<Replay> {
    let described = |stage: &crate::stage::Stage| stage.write(YAML, METADATA);
    vec![
        Replay::of("M01", |run| measurement_set(run, "vis.ms", &[])),
        Replay::of("M02", |run| measurement_set(run, "vis.ms", &[])).after(described),
        Replay::of("M03", |run| measurement_set(run, "VIS.MS", &[(YAML, METADATA)])),
        Replay::of("M05", |run| {
            run.write("plain.ms", "12345");
            run.copied("plain.ms");
            run.stage.move_in("dp", &[("x.ms", "12345")]);
        })
        .default(But(&[FirstChildLikeOthers])),
        Replay::of("R05", |run| measurement_set(run, "vis.ms", &[])).after(described),
        Replay::of("R06", |run| {
            let files =
                [(YAML, METADATA), ("vis0.ms/table.dat", TEN), ("vis1.ms/table.dat", TEN), ("log.txt", TEN)];
            run.stage.move_in("dp", &files);
        })
        .default(R21_CHILDREN),
        Replay::of("L02", |run| {
            let real = elsewhere(&run.stage, "realdir", &[(YAML, METADATA), ("one", TEN)]);
            link(&real, &run.watched().join("linkdir"));
        })
        .default(CHILDREN),
        Replay::of("L03", |run| link("nowhere".as_ref(), &run.watched().join("dangling"))),
        Replay::of("L05", links_within).default(Instead(
            &[FirstChildLikeOthers, DanglingLeftOut],
            &[(
                "dp",
                "REG dp, COPY dp, REG dp/ld, QRY dp/ld, INIT dp/ld, REG dp/ld/one, QRY dp/ld/one, \
                 INIT dp/ld/one, REG dp/lf, QRY dp/lf, INIT dp/lf",
            )],
        )),
        Replay::of("L06", |run| {
            three(run);
            run.copied("dp");
            link("dp".as_ref(), &run.watched().join("alias"));
        })
        .default(CHILDREN),
    ]
}

fn links_within(run: &mut Run) {
    let real = elsewhere(&run.stage, "realdir", &[(YAML, METADATA), ("one", TEN)]);
    let file = elsewhere(&run.stage, "", &[("real.dat", TEN)]).join("real.dat");
    let made = crate::stage::fill(&run.stage.beside().join("dp"), &[]);
    link(&file, &made.join("lf"));
    link(&real, &made.join("ld"));
    link("nowhere".as_ref(), &made.join("dang"));
    fs::rename(made, run.watched().join("dp")).expect("one file system");
}
