//! Ends servers when the program that started them is gone without having done so.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input: that is our end. A folder goes only then; else its owner removes it.
const SCRIPT: &str = r#"
folder=$1
shift
read -r word
for leader; do kill -s KILL -- "-$leader" 2>/dev/null; done
[ "$word" = done ] || rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }
"#;

/// A shell that waits for our end.
#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Watches over these process groups and the folder in which they work.
    pub(super) fn over(leaders: &[u32], folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(folder).args(leaders.iter().map(u32::to_string));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("there is a shell"))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(mut input) = self.0.stdin.take() {
            let _ = std::io::Write::write_all(&mut input, b"done\n");
        }
        let _ = self.0.wait();
    }
}
