//! A real OpenSSH server of the test's own, for the user who runs the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Process, Scratch, free_port, wait_for};

/// Longer than a start takes on a busy machine.
const START: Duration = Duration::from_secs(30);
/// Another process may take the port before the server does.
const ATTEMPTS: usize = 5;

/// A server on a free port, with keys of its own. It ends when this is dropped.
pub(crate) struct Sshd {
    _process: Process,
    home: Scratch,
    port: u16,
}

impl Sshd {
    /// Starts it and waits until it answers.
    pub(crate) fn start() -> Self {
        let home = Scratch::on_disk("sshd");
        for key in ["host", "user"] {
            keygen(&home.path().join(key));
        }
        fs::copy(home.path().join("user.pub"), home.path().join("authorized")).expect("it was made");
        make_room();
        for _ in 0..ATTEMPTS {
            let port = free_port();
            if let Some(process) = launch(home.path(), port) {
                return Self { _process: process, home, port };
            }
        }
        panic!("sshd does not start");
    }

    /// The options by which `ssh` and `sftp` reach it and nothing of the user's is read.
    pub(crate) fn options(&self) -> Vec<String> {
        let key = self.home.path().join("user");
        let known = self.home.path().join("known");
        let option = |text: String| ["-o".to_owned(), text];
        let options = [
            format!("Port={}", self.port),
            format!("IdentityFile={}", key.display()),
            format!("UserKnownHostsFile={}", known.display()),
            "StrictHostKeyChecking=no".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "BatchMode=yes".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ];
        ["-F".to_owned(), "/dev/null".to_owned()]
            .into_iter()
            .chain(options.into_iter().flat_map(option))
            .collect()
    }
}

fn keygen(path: &Path) {
    let words = ["-q", "-t", "ed25519", "-N", "", "-f"];
    let output = Command::new("ssh-keygen").args(words).arg(path).output().expect("ssh-keygen is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Where root runs it, the server insists on an empty folder, which a system's own server makes at its start.
fn make_room() {
    if rustix::process::geteuid().is_root() {
        fs::create_dir_all("/run/sshd").expect("root makes folders");
    }
}

/// A plain user's `PATH` may lack the folders of system programs; and the server wants its full path.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(system).map(|folder| folder.join("sshd"));
    places.find(|file| file.is_file()).expect("openssh-server is installed")
}

/// Without PAM, which is not to be had in every container, the server lets nobody in whose password is
/// locked. A plain user's server cannot see that.
fn is_locked() -> bool {
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    rustix::process::geteuid().is_root() && shadow.lines().any(|line| line.starts_with("root:!"))
}

/// The server, or nothing if it has ended at once.
fn launch(home: &Path, port: u16) -> Option<Process> {
    let config = home.join("config");
    let at = |name: &str| home.join(name).display().to_string();
    let text = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
         UsePAM {}\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
         MaxStartups 50\nSubsystem sftp internal-sftp\n",
        at("host"),
        at("authorized"),
        if is_locked() { "yes" } else { "no" },
    );
    fs::write(&config, text).expect("the scratch folder takes files");
    let mut command = Command::new(program());
    let mut process = Process::spawn("sshd", home, command.args(["-D", "-e", "-f"]).arg(&config));
    wait_for(START, "sshd to listen or to end", || {
        if process.stderr().contains("Server listening on") {
            return Some(true);
        }
        (!process.is_running()).then_some(false)
    })
    .then_some(process)
}
