//! What the tests need besides the Rust toolchain, and how this machine gets it.

use std::process::Command;

use crate::shell;

/// A program that some test starts, and the Debian package that holds it.
struct Need {
    program: &'static str,
    package: &'static str,
}

/// Among them `openssl`, with which the tests make themselves certificates for TLS to Redis.
const NEEDS: &[Need] = &[need("git"), need("openssl"), need("redis-server")];

/// A program whose package has the same name.
const fn need(name: &'static str) -> Need {
    Need { program: name, package: name }
}

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
    install(&mut privileged, &packages)
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| shell::find(need.program).is_none()).collect()
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
    privilege.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(privilege[0]);
        command.args(&privilege[1..]).args(arguments);
        command
    };
    let fetched = shell::passes(&mut apt(&["update"]))?;
    let mut words = vec!["install", "-y", "--no-install-recommends"];
    words.extend(packages);
    // A failed update may still leave a usable package list, so the installation decides.
    let installed = shell::passes(&mut apt(&words))? && missing().is_empty();
    if !installed {
        let reason = if fetched { "" } else { " (apt-get update failed as well)" };
        println!("apt-get could not install them{reason}. {}", advice(packages));
    }
    Ok(installed)
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

    #[test]
    fn advice_names_the_command_to_type() {
        let text = advice(&["redis-server"]);
        assert!(text.contains("sudo apt-get update && sudo apt-get install -y redis-server"), "{text}");
    }
}
