//! Writers that are processes of their own and take one step at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A program that takes a step for each line of input and says `done` after it. It is killed when this
/// is dropped.
pub(crate) struct Steps {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Steps {
    /// Starts a program with the file and two pieces of content as its arguments.
    pub(crate) fn start(command: &mut Command, path: &Path, first: &str, second: &str) -> Self {
        command.arg(path).args([first, second]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        let said = BufReader::new(child.stdout.take().expect("it was asked for"));
        Self { child, said }
    }

    /// A shell script; `$1` is the file, `$2` and `$3` are the content.
    pub(crate) fn sh(script: &str, path: &Path, first: &str, second: &str) -> Self {
        Self::start(Command::new("sh").args(["-c", script, "sh"]), path, first, second)
    }

    /// Lets it take a step and waits until it has.
    pub(crate) fn step(&mut self) {
        let input = self.child.stdin.as_mut().expect("it was asked for");
        input.write_all(b"\n").expect("it listens");
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it speaks");
        assert_eq!(line, "done\n", "it ended too soon");
    }

    /// Waits for the end of the process that was started; others that it has started go on.
    pub(crate) fn wait(&mut self) {
        let input = self.child.stdin.take();
        let status = self.child.wait().expect("it is our child");
        self.child.stdin = input;
        assert!(status.success(), "{status}");
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is our child");
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Compiles a small C program. Where Rust can be linked there is a C compiler.
pub(crate) fn compiled(source: &str, folder: &Path, name: &str) -> PathBuf {
    let (text, program) = (folder.join(format!("{name}.c")), folder.join(name));
    std::fs::write(&text, source).expect("the folder takes files");
    let status = Command::new("cc").args(["-O1", "-o"]).args([&program, &text]).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "cc {name}.c: {status:?}");
    program
}
