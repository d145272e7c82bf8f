//! How many of a test program's tests run at a time.
//!
//! As many as there are cores, unless the program is in this table: a new one need not be. The tests of those that are
//! wait for most of their time, for files to be quiet or for servers that are down, so that more of them at a time
//! take less time and no more of the cores. Programs that measure or that keep the cores busy are left alone.

/// One test program whose tests mostly wait.
struct Paced {
    package: &'static str,
    /// The name of its file or folder in `tests/`.
    program: &'static str,
    /// So many of its tests run at a time.
    threads: usize,
    /// Why that many.
    #[expect(dead_code, reason = "read by people: no line without a reason")]
    why: &'static str,
}

const PACED: &[Paced] = &[
    paced("sinks", "amqp", 6, "waits for brokers to start and for those that are away"),
    paced("sinks", "dlm", 8, "waits out retries and restarts against a double of the services"),
    paced("staithe", "datasets", 8, "waits for datasets to be quiet"),
    paced("staithe", "dicom", 6, "waits for series to be quiet and for deadlines"),
    paced("staithe", "dlm_watcher", 8, "waits out a double of the services that is slow or down"),
    paced("staithe", "dlm_start", 8, "waits for services that are not ready yet"),
    paced("staithe", "celery_workers", 6, "waits for workers to start and for brokers that are away"),
    paced("staithe", "sendit", 8, "waits for folders to be quiet, and for starts and ends"),
    paced("staithe", "faults", 3, "waits for quiet files and for a thaw"),
    paced("staithe", "noticing", 6, "waits for polls and comparisons"),
    paced("staithe", "sinks", 4, "waits out servers that refuse, are silent or away"),
    paced("staithe", "quiet", 8, "waits for files to be quiet"),
    paced("staithe", "repeated_or_early", 6, "waits to see that nothing more comes"),
    paced("staithe", "pains", 6, "waits to see that nothing more comes"),
    paced("engine", "conformance", 6, "waits for polls"),
];

const fn paced(package: &'static str, program: &'static str, threads: usize, why: &'static str) -> Paced {
    Paced { package, program, threads, why }
}

/// A test program that runs while the others do. What it keeps busy must not disturb those that measure.
struct Beside {
    package: &'static str,
    program: &'static str,
    #[expect(dead_code, reason = "read by people: no line without a reason")]
    why: &'static str,
}

const BESIDE: &[Beside] = &[
    beside_others("staithe", "readme", "builds the program for release, of which no other test makes use"),
    beside_others("staithe", "celery_workers", "waits for workers and brokers"),
    beside_others("staithe", "dlm_watcher", "waits out a double of the services"),
    beside_others("staithe", "dlm_start", "waits for services"),
    beside_others("sinks", "dlm", "waits out retries"),
    beside_others("sinks", "amqp", "waits for brokers to start"),
];

const fn beside_others(package: &'static str, program: &'static str, why: &'static str) -> Beside {
    Beside { package, program, why }
}

/// How many tests of that program run at a time; nothing: as many as there are cores.
pub(super) fn threads(package: &str, program: &str) -> Option<usize> {
    let paced = PACED.iter().find(|paced| (paced.package, paced.program) == (package, program));
    paced.map(|paced| paced.threads)
}

/// Whether that program runs beside the others.
pub(super) fn is_beside(package: &str, program: &str) -> bool {
    BESIDE.iter().any(|beside| (beside.package, beside.program) == (package, program))
}

/// The names of the programs that run beside the others.
pub(super) fn beside() -> impl Iterator<Item = &'static str> {
    BESIDE.iter().map(|beside| beside.program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn whoever_is_in_a_table_is_there() {
        let workspace = Workspace::locate().unwrap();
        let paced = PACED.iter().map(|paced| (paced.package, paced.program));
        let beside = BESIDE.iter().map(|beside| (beside.package, beside.program));
        for (package, program) in paced.chain(beside) {
            let tests = workspace.root.join("crates").join(package).join("tests");
            let there = [tests.join(program).join("main.rs"), tests.join(format!("{program}.rs"))];
            assert!(there.iter().any(|file| file.is_file()), "{package} has no test program {program}");
        }
    }

    #[test]
    fn a_new_program_is_run_with_the_others() {
        assert_eq!((threads("staithe", "brand_new"), is_beside("staithe", "brand_new")), (None, false));
    }
}
