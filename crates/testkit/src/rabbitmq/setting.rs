//! Where a server lives: folders, ports, configuration, environment.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::port::Reserved;
use crate::rabbitmq::Rabbit;
use crate::redis::Certificates;
use crate::scratch::Scratch;

/// Without these the virtual machine would turn the processors into heaters while it waits.
const MACHINE: &str =
    "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +A 8 +sbwt none +sbwtdcpu none +sbwtdio none";

/// The folders and ports of one server.
#[derive(Debug)]
pub(super) struct Setting {
    scratch: Scratch,
    port: Reserved,
    mapper_port: Reserved,
    /// For what servers and `rabbitmqctl` say to each other.
    inner_port: Reserved,
    tls: Option<(Reserved, Certificates)>,
}

impl Setting {
    pub(super) fn new(certificates: Option<Certificates>) -> Self {
        let setting = Self {
            scratch: Scratch::on_disk("rabbitmq"),
            port: Reserved::new(),
            mapper_port: Reserved::new(),
            inner_port: Reserved::new(),
            tls: certificates.map(|certificates| (Reserved::new(), certificates)),
        };
        setting.write("rabbitmq.conf", &setting.configuration());
        setting.write("definitions.json", &definitions());
        setting.write("plugins", "[].\n");
        setting.write("environment", "");
        setting
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).expect("a scratch folder takes new files");
    }

    fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn configuration(&self) -> String {
        let definitions = self.at("definitions.json");
        let mut text = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\nloopback_users = none\nload_definitions = {}\n\
             log.console = true\nlog.console.level = info\ndisk_free_limit.absolute = 1MB\n",
            self.port(),
            definitions.display(),
        );
        if let Some((port, certificates)) = &self.tls {
            let (server, authority) = (&certificates.server, certificates.authority());
            let files =
                [("cacertfile", authority), ("certfile", server.certificate()), ("keyfile", server.key())];
            let mut lines = vec![format!("listeners.ssl.1 = 127.0.0.1:{}", port.number())];
            lines.extend(files.map(|(name, path)| format!("ssl_options.{name} = {}", path.display())));
            text += &lines.join("\n");
            text += "\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\n";
        }
        text
    }

    pub(super) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    pub(super) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(super) fn tls(&self) -> (u16, &Certificates) {
        let (port, certificates) = self.tls.as_ref().expect("started with TLS");
        (port.number(), certificates)
    }

    /// The process id of the virtual machine, while it runs.
    pub(super) fn machine(&self) -> Option<u32> {
        fs::read_to_string(self.at("pid")).ok()?.trim().parse().ok()
    }

    pub(super) fn mapper(&self) -> Command {
        let mut command = Command::new("epmd");
        command
            .args(["-port", &self.mapper_port.number().to_string(), "-address", "127.0.0.1"])
            .process_group(0);
        command
    }

    pub(super) fn server(&self) -> Command {
        let _ = fs::remove_file(self.at("pid"));
        let mut command = self.program("rabbitmq-server");
        command.process_group(0);
        command
    }

    pub(super) fn control(&self) -> Command {
        self.program("rabbitmqctl")
    }

    /// The script beside the server's own files: the one in the search path changes the user and the folder.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(scripts().join(name));
        // A server that is in trouble writes dumps where it stands.
        command.env("HOME", self.scratch.path()).current_dir(self.scratch.path());
        command.env("RABBITMQ_NODENAME", format!("staithe-{}@localhost", self.port()));
        for (name, file) in [
            ("RABBITMQ_MNESIA_BASE", "mnesia"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_PID_FILE", "pid"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq"),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", "advanced.config"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
            ("RABBITMQ_CONF_ENV_FILE", "environment"),
        ] {
            command.env(name, self.at(file));
        }
        command.env("RABBITMQ_LOGS", "-").env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", MACHINE);
        command
            .env("ERL_EPMD_PORT", self.mapper_port.number().to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_DIST_PORT", self.inner_port.number().to_string());
        command
    }
}

/// Debian and the makers' packages keep the scripts in a folder named after the version.
fn scripts() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("sbin")).collect();
    folders.retain(|folder| folder.join("rabbitmq-server").exists());
    folders.sort();
    folders.pop().expect("rabbitmq-server is installed")
}

/// Users and virtual hosts. Where there are definitions, the server makes no user of its own.
fn definitions() -> String {
    let user = |name: &str, password: &str, tags: &str| serde_json::json!({ "name": name, "password": password, "tags": tags });
    let may = |user: &str, host: &str, write: &str| serde_json::json!({ "user": user, "vhost": host, "configure": write, "write": write, "read": ".*" });
    serde_json::json!({
        "users": [
            user(Rabbit::ADMIN, "guest", "administrator"),
            user(Rabbit::READER, Rabbit::PASSWORD, ""),
            user(Rabbit::STRANGER, Rabbit::PASSWORD, ""),
        ],
        "vhosts": [{ "name": "/" }, { "name": Rabbit::OTHER_HOST }],
        "permissions": [
            may(Rabbit::ADMIN, "/", ".*"),
            may(Rabbit::ADMIN, Rabbit::OTHER_HOST, ".*"),
            may(Rabbit::READER, "/", "^$"),
        ],
    })
    .to_string()
}
