//! What is measured: the names of the workloads, their sizes, and what they are about.

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Workload {
    /// 50 000 files in 100 watched folders by two writers, as fast as they can.
    W1,
    /// The same with four times as many files by four writers.
    W1Big,
    /// A burst while whoever reads the output stands still, and a second more.
    W1Stall,
    /// The same for five seconds.
    W1Stall5,
    /// A burst while the program itself stands still, so that the kernel's queue overflows.
    W1Overflow,
    /// One file each 5 ms.
    W2,
    /// The start on a large tree.
    W3,
    /// A new chain of six folders for each file.
    W4a,
    /// 20 000 files, ten in each of 2 000 new folders, as unpacking makes them.
    W4b,
    /// Ten rounds of writing aside, renaming, and removing the whole tree.
    W4c,
    /// One poll of an unchanged tree.
    W5,
    /// As W1, into a Redis list.
    W6,
    /// The same at 2 000 files in a second.
    W6Paced,
    /// As W2, into a Redis list, read with BLPOP.
    W6Lat,
    /// Nothing happens in 10 000 folders.
    W7,
    /// Nothing happens in 10 000 folders, which are polled each second.
    W7Poll,
    /// As W1 with a journal that survives the loss of power, beside what the disk can do.
    Journal,
    /// What a Redis server takes.
    Push,
}

/// What a run of a workload looks like, which decides who drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Files are written, lines are read.
    Stream,
    /// Files are written, a Redis list is read.
    List,
    /// A program is started on a large tree.
    Start,
    /// A tree is gone through.
    Pass,
    /// Nothing is done.
    Idle,
    /// A part of the machine is pushed to its limit; where a program of ours stands beside it, it is a stream.
    Limit,
}

impl Workload {
    /// All of them.
    pub(crate) const ALL: [Workload; 18] = [
        Workload::W1,
        Workload::W1Big,
        Workload::W1Stall,
        Workload::W1Stall5,
        Workload::W1Overflow,
        Workload::W2,
        Workload::W3,
        Workload::W4a,
        Workload::W4b,
        Workload::W4c,
        Workload::W5,
        Workload::W6,
        Workload::W6Paced,
        Workload::W6Lat,
        Workload::W7,
        Workload::W7Poll,
        Workload::Journal,
        Workload::Push,
    ];

    /// The short name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Workload::W1 => "w1",
            Workload::W1Big => "w1-big",
            Workload::W1Stall => "w1-stall",
            Workload::W1Stall5 => "w1-stall5",
            Workload::W1Overflow => "w1-overflow",
            Workload::W2 => "w2",
            Workload::W3 => "w3",
            Workload::W4a => "w4a",
            Workload::W4b => "w4b",
            Workload::W4c => "w4c",
            Workload::W5 => "w5",
            Workload::W6 => "w6",
            Workload::W6Paced => "w6-paced",
            Workload::W6Lat => "w6lat",
            Workload::W7 => "w7",
            Workload::W7Poll => "w7-poll",
            Workload::Journal => "journal",
            Workload::Push => "push",
        }
    }

    /// The workload of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// What it is, for the report.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Workload::W1 => {
                "burst: 50 000 files of 100 B in 100 watched folders, two writers as fast as they can"
            }
            Workload::W1Big => "larger burst: 200 000 files by four writers",
            Workload::W1Stall => {
                "burst of 100 000 files while the reader of the output stands still, and 1 s more"
            }
            Workload::W1Stall5 => "the same, and 5 s more",
            Workload::W1Overflow => {
                "forced overflow: the program is stopped (`SIGSTOP`) while 50 000 files are written, then goes on"
            }
            Workload::W2 => "latency: one file each 5 ms, from the return of `close` to the consumer's read",
            Workload::W3 => {
                "start on 200 000 files in 105 250 directories, then a file in each of 200 of these"
            }
            Workload::W4a => "2 000 times `mkdir -p r/a/b/c/d/e` and one file in it",
            Workload::W4b => "unpacking: 20 000 files into 2 000 new folders",
            Workload::W4c => {
                "churn: ten rounds of 2 000 files, each written aside and renamed, the tree removed after each round but the last"
            }
            Workload::W5 => "one poll of an unchanged tree of 500 000 files in 5 000 folders",
            Workload::W6 => "burst of 50 000 files into a Redis list",
            Workload::W6Paced => "4 000 files into a Redis list, 2 000 in a second",
            Workload::W6Lat => {
                "latency into a Redis list: one file each 5 ms, from the return of `close` to that of `BLPOP`"
            }
            Workload::W7 => "idle: 10 000 watched folders in which nothing happens",
            Workload::W7Poll => "idle: 10 000 folders, polled each second",
            Workload::Journal => {
                "journal on the disk: the burst of w1 with a flush for each commit, beside what the disk can do"
            }
            Workload::Push => "what the Redis server takes: 120 B values by one connection",
        }
    }

    /// The number of files at full size; of folders, where there are no files.
    pub(crate) fn files(self) -> usize {
        match self {
            Workload::W1Big | Workload::W3 => 200_000,
            Workload::W1Stall | Workload::W1Stall5 => 100_000,
            Workload::W1 | Workload::W1Overflow | Workload::W6 | Workload::Journal => 50_000,
            Workload::W2 | Workload::W6Lat => 500,
            Workload::W4a => 2_000,
            Workload::W4b | Workload::W4c => 20_000,
            Workload::W5 => 500_000,
            Workload::W6Paced => 4_000,
            Workload::W7 | Workload::W7Poll => 10_000,
            Workload::Push => 1_000_000,
        }
    }

    /// What a run of it looks like.
    pub(crate) fn shape(self) -> Shape {
        match self {
            Workload::W3 => Shape::Start,
            Workload::W5 => Shape::Pass,
            Workload::W6 | Workload::W6Paced | Workload::W6Lat => Shape::List,
            Workload::W7 | Workload::W7Poll => Shape::Idle,
            Workload::Journal | Workload::Push => Shape::Limit,
            _ => Shape::Stream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_and_is_found_by_it() {
        for workload in Workload::ALL {
            assert_eq!(Workload::named(workload.name()), Some(workload));
            assert!(workload.files() >= 500, "{workload:?}");
        }
        assert_eq!(Workload::named("w9"), None);
    }
}
