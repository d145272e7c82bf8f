//! What happens in one case: random operations of writers, of the kernel and of time.

use crate::rng::Rng;
use crate::world::{Ms, WALL, World};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create(&'static str),
    Append(&'static str),
    Mknod(&'static str),
    Put(&'static str, u64),
    Write(usize, u64),
    Close(usize),
    Rename(&'static str, &'static str),
    Link(&'static str, &'static str),
    Unlink(&'static str),
    Chmod(&'static str),
    Utimes(&'static str),
    RenameDir(&'static str, &'static str),
    Notify(&'static str),
    Overflow,
    /// Only so many events are read before files are looked at.
    Read(usize),
    Sleep(Ms),
}

const FILES: [&str; 20] = [
    "f0",
    "f0",
    "f1.dat",
    "f1.dat",
    "d/f2",
    "d/f3.dat",
    "x.ms/a",
    "x.ms/a",
    "x.ms/sub/b",
    "x.ms/sub/b",
    "x.ms/t.tmp",
    "x.ms/c.log",
    "y.ms/a",
    "st/a",
    "g1_a",
    "g1_b",
    "g1_of3_c",
    "g2_a",
    "d/g1_a",
    "f0.tmp",
];
const COMPANIONS: [&str; 14] = [
    "f0.done",
    "f1.dat.done",
    "d/f3.dat.done",
    "x.ms.done",
    "g1.done",
    "_SUCCESS",
    "d/_SUCCESS",
    "x.ms/_SUCCESS",
    "f1.dat.lock",
    "x.ms.lock",
    "meta.yaml",
    "d/meta.yaml",
    "x.ms/meta.yaml",
    "g1.lock",
];
const DIRS: [&str; 6] = ["x.ms", "x.ms", "y.ms", "st", "d", "d/z.ms"];
const UNITS: [&str; 7] = ["f0", "f1.dat", "d/f3.dat", "x.ms", "y.ms", "g1/", "d/g1/"];
/// Writers stop for so long.
const PAUSES: [Ms; 9] = [1, 5, 50, 300, 1_000, 2_500, 6_000, 15_000, 70_000];

impl Op {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let file = rng.pick(&FILES);
        match rng.below(100) {
            0..8 => Op::Create(file),
            8..12 => Op::Append(file),
            12..14 => Op::Mknod(file),
            14..22 => Op::Put(file, rng.below(9) as u64),
            22..34 => Op::Write(rng.below(8), 1 + rng.below(5) as u64),
            34..44 => Op::Close(rng.below(8)),
            44..51 => Op::Rename(rng.pick(&FILES), file),
            51..54 => Op::Link(rng.pick(&FILES), file),
            54..57 => Op::Unlink(file),
            57..59 => Op::Chmod(file),
            59..61 => Op::Utimes(file),
            61..64 => Op::RenameDir(rng.pick(&DIRS), rng.pick(&DIRS)),
            64..66 => Op::Notify(rng.pick(&UNITS)),
            66..68 => Op::Overflow,
            68..74 => Op::Put(rng.pick(&COMPANIONS), rng.below(7) as u64),
            74..76 => Op::Unlink(rng.pick(&COMPANIONS)),
            76..80 => Op::Read(rng.below(5)),
            _ => Op::Sleep(rng.pick(&PAUSES)),
        }
    }

    /// Does it, unless it is for the driver.
    pub(crate) fn happen(&self, world: &mut World) {
        match self {
            Op::Create(path) => world.create(path),
            Op::Append(path) => world.append(path),
            Op::Mknod(path) => world.mknod(path),
            Op::Put(path, bytes) => world.put(path, *bytes),
            Op::Write(handle, bytes) => world.write(*handle, *bytes),
            Op::Close(handle) => world.close(*handle),
            Op::Rename(from, to) => world.rename(from, to),
            Op::Link(from, to) => world.link(from, to),
            Op::Unlink(path) => world.unlink(path),
            Op::Chmod(path) => world.attrib(path, None),
            Op::Utimes(path) => world.attrib(path, Some(WALL - 1_000_000)),
            Op::RenameDir(from, to) => world.rename_dir(from, to),
            Op::Overflow => world.overflow(),
            Op::Notify(_) | Op::Read(_) | Op::Sleep(_) => {}
        }
    }
}
