//! What the tests need besides the Rust toolchain, and how this machine gets it.

use std::process::Command;

use crate::shell;

/// A program that some test starts, and the Debian package that holds it.
struct Need {
    program: &'static str,
    package: &'static str,
    /// The service that the package would have running from now on. The tests start servers of their own.
    service: Option<&'static str>,
}

/// Among them `g++`, which compiles libFuzzer, `openssl`, with which the tests make themselves certificates for TLS to Redis, and the
/// programs by which files arrive in `tests/writers`, `strace`, which records what the ledger does to its files,
/// `faketime`, which shows a process another wall clock, the file systems whose power is cut in `tests/crashes`, and `ip`, which
/// makes the cable that is pulled in `tests/sinks`.
const NEEDS: &[Need] = &[
    need("git"),
    need("g++"),
    need("openssl"),
    Need { service: Some("redis-server"), ..need("redis-server") },
    Need { service: Some("rabbitmq-server"), ..need("rabbitmq-server") },
    Need { program: "sshd", package: "openssh-server", service: Some("ssh") },
    Need { program: "sftp", package: "openssh-client", service: None },
    Need { service: Some("rsync"), ..need("rsync") },
    need("curl"),
    need("unzip"),
    need("zip"),
    need("strace"),
    need("faketime"),
    Need { program: "mkfs.ext4", package: "e2fsprogs", service: None },
    Need { program: "mkfs.xfs", package: "xfsprogs", service: None },
    Need { program: "ip", package: "iproute2", service: None },
    Need { program: "python3", package: "python3-venv", service: None },
];

/// A program whose package has the same name and starts nothing.
const fn need(name: &'static str) -> Need {
    Need { program: name, package: name, service: None }
}

/// Installs packages, given after the path of the policy that Debian asks whether a service may be
/// started: none may, unless the machine has a policy of its own. Ours goes with the shell, however it ends.
const INSTALL: &str = r#"
policy=$1
shift
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy"
fi
apt-get install -y --no-install-recommends "$@" ||
    apt-get -o APT::Sandbox::User=root install -y --no-install-recommends "$@"
"#;
/// apt fetches as a user of its own, who cannot reach the network on every machine where root can; so what fails is tried
/// once more without that user (here and in [`INSTALL`]).
const AS_ROOT: &str = "APT::Sandbox::User=root";
/// The path of that policy.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs what is missing. Says exactly what to do where that is not possible.
pub(crate) fn ensure() -> anyhow::Result<bool> {
    let missing = missing();
    if missing.is_empty() {
        let names: Vec<&str> = NEEDS.iter().map(|need| need.program).collect();
        println!("present: {}", names.join(", "));
        return Ok(true);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let Some(mut privileged) = installer() else {
        println!("{}", advice(&packages));
        return Ok(false);
    };
    let installed = install(&mut privileged, &packages)?;
    let services = missing.iter().filter_map(|need| need.service);
    services.for_each(|service| keep_down(&privileged, service));
    Ok(installed)
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !need.is_there()).collect()
}

impl Need {
    /// Debian's `python3` alone makes no environments for the tests.
    fn is_there(&self) -> bool {
        let makes_environments =
            || shell::works(Command::new(self.program).args(["-c", "import venv, ensurepip"]));
        shell::find(self.program).is_some() && (self.program != "python3" || makes_environments())
    }
}

/// The words that come before `apt-get`: none as root, `sudo` for others; `None` where neither helps.
fn installer() -> Option<Vec<&'static str>> {
    shell::find("apt-get")?;
    if is_root() {
        return Some(Vec::new());
    }
    shell::find("sudo").map(|_| vec!["sudo"])
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn install(privilege: &mut Vec<&'static str>, packages: &[&str]) -> anyhow::Result<bool> {
    // A package that asks a question would stop the run. `sudo` drops the variable, `env` after it does not.
    privilege.extend(["env", "DEBIAN_FRONTEND=noninteractive"]);
    let fetched = shell::passes(&mut privileged(privilege, &["apt-get", "update"]))?
        || shell::passes(&mut privileged(privilege, &["apt-get", "-o", AS_ROOT, "update"]))?;
    let words = ["sh", "-c", INSTALL, "sh", POLICY];
    // A failed update may still leave a usable package list, so the installation decides.
    let installed = shell::passes(privileged(privilege, &words).args(packages))? && missing().is_empty();
    if !installed {
        let reason = if fetched { "" } else { " (apt-get update failed as well)" };
        println!("apt-get could not install them{reason}. {}", advice(packages));
    }
    Ok(installed)
}

/// A service whose package was not there before does not begin with the next boot either.
fn keep_down(privilege: &[&str], service: &str) {
    // Where one of them knows nothing of the service there is nothing to do.
    shell::works(&mut privileged(privilege, &["update-rc.d", service, "disable"]));
    shell::works(&mut privileged(privilege, &["systemctl", "disable", &format!("{service}.socket")]));
}

fn privileged(privilege: &[&str], words: &[&str]) -> Command {
    let mut words = privilege.iter().chain(words);
    let mut command = Command::new(words.next().copied().unwrap_or("false"));
    command.args(words);
    command
}

fn advice(packages: &[&str]) -> String {
    let list = packages.join(" ");
    format!(
        "The tests need programs that are not installed: {list}.\n\
         Install them with your package manager, on Debian or Ubuntu:\n\
         \x20   sudo apt-get update && sudo apt-get install -y {list}\n\
         then run `cargo xtask test` again."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Scratch;

    #[test]
    fn advice_names_the_command_to_type() {
        let text = advice(&["redis-server"]);
        assert!(text.contains("sudo apt-get update && sudo apt-get install -y redis-server"), "{text}");
    }

    /// Runs the script with an `apt-get` that asks the policy as packages do.
    fn installed(scratch: &Scratch) -> String {
        installed_where(scratch, "")
    }

    fn installed_where(scratch: &Scratch, needs_root: &str) -> String {
        let (bin, policy) = (scratch.folder("bin"), scratch.path().join("policy"));
        let asks = r#"#!/bin/sh
            "$POLICY" ssh start; echo "policy $?, $*"
            [ -z "$NEEDS_ROOT" ] || [ "$1" = -o ]"#;
        std::fs::write(bin.join("apt-get"), asks).unwrap();
        let made = Command::new("chmod").arg("755").arg(bin.join("apt-get")).status().unwrap();
        assert!(made.success());
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut command = Command::new("sh");
        command.args(["-c", INSTALL, "sh"]).arg(&policy).args(["one", "two"]);
        let output =
            command.env("PATH", path).env("POLICY", &policy).env("NEEDS_ROOT", needs_root).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn while_packages_are_installed_no_service_may_be_started() {
        let scratch = Scratch::on_disk("provision");
        assert_eq!(installed(&scratch), "policy 101, install -y --no-install-recommends one two\n");
        assert!(!scratch.path().join("policy").exists(), "it was for the installation only");
    }

    #[test]
    fn what_only_root_can_fetch_is_fetched_by_root() {
        let lines = installed_where(&Scratch::on_disk("provision"), "yes");
        let (first, second) = lines.split_once('\n').unwrap();
        assert_eq!(first, "policy 101, install -y --no-install-recommends one two");
        assert_eq!(
            second.trim_end(),
            format!("policy 101, -o {AS_ROOT} install -y --no-install-recommends one two")
        );
    }

    #[test]
    fn a_policy_of_the_machine_is_obeyed_and_stays() {
        let scratch = Scratch::on_disk("provision");
        let policy = scratch.path().join("policy");
        std::os::unix::fs::symlink("/bin/true", &policy).unwrap();
        assert!(installed(&scratch).starts_with("policy 0, "));
        assert!(policy.exists());
    }
}
