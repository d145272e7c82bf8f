//! The rows of the battery's core, and others that stand beside it: what is shown, by which test, and without which
//! guarantee that test must fail.

mod answers;
mod completeness;
mod crash;
mod faults;
mod scale;
mod security;
mod seeing;
mod sinks;

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// Its id in the battery.
    pub(super) id: &'static str,
    /// What is shown, for people.
    pub(super) shows: &'static str,
    /// By which test.
    pub(super) test: Test,
    /// And by which others, whose figures are told together with its own; the controls are about the first.
    pub(super) also: &'static [Test],
    /// Without what that test must fail.
    pub(super) controls: &'static [Control],
}

/// A test of one of the test programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) package: &'static str,
    /// The file or folder in `tests/`.
    pub(super) program: &'static str,
    /// The test's path in the program.
    pub(super) name: &'static str,
}

/// One guarantee that can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    /// The name in the code: `switch::is_off("…")`.
    pub(super) without: &'static str,
    /// What the failing test says then; a failure for another reason proves nothing.
    pub(super) says: &'static str,
}

impl Row {
    /// Which others show it as well.
    const fn and(self, also: &'static [Test]) -> Self {
        Self { also, ..self }
    }

    /// All its tests.
    pub(super) fn tests(&self) -> impl Iterator<Item = Test> {
        std::iter::once(self.test).chain(self.also.iter().copied())
    }
}

const fn row(id: &'static str, shows: &'static str, test: Test, controls: &'static [Control]) -> Row {
    Row { id, shows, test, also: &[], controls }
}

const fn test(package: &'static str, program: &'static str, name: &'static str) -> Test {
    Test { package, program, name }
}

const fn control(without: &'static str, says: &'static str) -> Control {
    Control { without, says }
}

/// All rows: those of the core in the battery's order, then those beside it.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    let core = [
        completeness::ROWS,
        seeing::ROWS,
        crash::ROWS,
        sinks::ROWS,
        scale::ROWS,
        answers::ROWS,
        security::ROWS,
    ];
    core.into_iter().chain([faults::ROWS]).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::workspace::Workspace;

    /// The 34 of the battery's last list.
    const CORE: &str = "A01 A02 A03 A04 A05 A06 A07 A09 B01 B02 B03 B04 B06 B07 B08 C01 C04 C07 C08 D01 D04 D09 D11 \
        E01 E03 G03 G04 G06 H01 H02 H04 H05 H07 H08";
    /// And others of the battery.
    const BESIDE: &str = "E08 F01 F01b F03";

    #[test]
    fn the_core_is_complete_and_in_its_order() {
        let ids: Vec<&str> = all().map(|row| row.id).collect();
        let expected = CORE.split_whitespace().chain(BESIDE.split_whitespace());
        assert_eq!(ids, expected.collect::<Vec<_>>());
    }

    #[test]
    fn each_has_a_control() {
        for row in all() {
            assert!(!row.controls.is_empty(), "{} cannot be seen to fail", row.id);
        }
    }

    #[test]
    fn each_test_is_there() {
        let root = Workspace::locate().unwrap().root;
        for (row, test) in all().flat_map(|row| row.tests().map(move |test| (row, test))) {
            let Test { package, program, name } = test;
            let tests = root.join("crates").join(package).join("tests");
            let text = sources(&tests.join(program)) + &sources(&tests.join(format!("{program}.rs")));
            let name = name.rsplit("::").next().unwrap();
            assert!(text.contains(&format!("fn {name}()")), "{}: {package}/{program} has no {name}", row.id);
        }
    }

    /// What can be switched off and what is switched off are the same.
    #[test]
    fn each_switch_is_in_the_code_and_used() {
        let root = Workspace::locate().unwrap().root;
        let mut code = String::new();
        for entry in std::fs::read_dir(root.join("crates")).unwrap() {
            let package = entry.unwrap().path();
            if !["switch", "testkit"].iter().any(|name| package.ends_with(name)) {
                code += &sources(&package.join("src"));
            }
        }
        let asked = code.split("switch::is_off(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let asked: BTreeSet<&str> = asked.collect();
        let used: BTreeSet<&str> =
            all().flat_map(|row| row.controls).map(|control| control.without).collect();
        let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().copied().collect();
        let expected: BTreeSet<&str> = used.union(&elsewhere).copied().collect();
        assert_eq!(asked, expected, "left: in the code; right: used by a control");
    }

    /// Switches that tests without a row use, by themselves.
    const ELSEWHERE: &[&str] = &[
        // Off in the test of B01, also when it is to pass: comparisons would find what events have missed.
        "comparing-after-renames",
        // Those of the simulation, which tries further ones of the list as well.
        "arming-before-listing",
        "last-look",
        "order-of-a-path",
    ];

    fn sources(path: &Path) -> String {
        if path.is_file() {
            return std::fs::read_to_string(path).unwrap();
        }
        let Ok(entries) = std::fs::read_dir(path) else { return String::new() };
        entries.map(|entry| sources(&entry.unwrap().path())).collect()
    }
}
