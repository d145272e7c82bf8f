//! Real `redis-server` processes on free ports, with a unix socket and, when asked for, TLS.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::port::Reserved;
use crate::process::Process;
use crate::resp::{Connection, Reply};
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// How long a server may take for anything that a test asks of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server of the test's own, without persistence. It ends when this is dropped.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    scratch: Scratch,
    port: Reserved,
    tls: Option<(Reserved, Certificates)>,
    extra: Vec<String>,
    /// Opened before a test changes users and passwords, so that it stays let in.
    admin: Mutex<Option<Connection>>,
}

impl Redis {
    /// Starts a server and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more words for its command line (`--maxmemory 1mb`).
    #[must_use]
    pub fn start_with(extra: &[&str]) -> Self {
        Self::build(extra, None)
    }

    /// The same with a TLS port beside the plain one. It takes clients with and without a
    /// certificate unless `extra` says `--tls-auth-clients yes`.
    #[must_use]
    pub fn start_tls(extra: &[&str]) -> Self {
        let certificates = Certificates::new();
        Self::build(extra, Some(certificates))
    }

    fn build(extra: &[&str], certificates: Option<Certificates>) -> Self {
        let mut redis = Self {
            process: None,
            scratch: Scratch::on_disk("redis"),
            port: Reserved::new(),
            tls: certificates.map(|certificates| (Reserved::new(), certificates)),
            extra: extra.iter().map(|&word| word.to_owned()).collect(),
            admin: Mutex::new(None),
        };
        redis.start_again();
        redis
    }

    /// Starts the stopped server again: same ports, empty.
    pub fn start_again(&mut self) {
        let mut process = Process::spawn("redis", self.scratch.path(), &mut self.command_line());
        let admin = wait_for(PATIENCE, "redis-server to answer", || {
            assert!(
                process.is_running(),
                "redis-server ended: {}",
                String::from_utf8_lossy(&process.stdout())
            );
            let mut connection = Connection::open(("127.0.0.1", self.port()), PATIENCE).ok()?;
            let loading =
                matches!(connection.words("PING").ok()?, Reply::Error(text) if text.starts_with("LOADING"));
            (!loading).then_some(connection)
        });
        self.process = Some(process);
        self.admin = Mutex::new(Some(admin));
    }

    fn command_line(&self) -> Command {
        let mut command = Command::new("redis-server");
        let port = self.port().to_string();
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--enable-debug-command", "local", "--enable-protected-configs", "local"]);
        command.arg("--dir").arg(self.scratch.path());
        command.arg("--unixsocket").arg(self.socket());
        if let Some((port, certificates)) = &self.tls {
            command.args(["--tls-port", &port.number().to_string(), "--tls-auth-clients", "optional"]);
            command.arg("--tls-cert-file").arg(certificates.server.certificate());
            command.arg("--tls-key-file").arg(certificates.server.key());
            command.arg("--tls-ca-cert-file").arg(certificates.authority());
        }
        command.args(&self.extra);
        command
    }

    /// The plain port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join("redis.sock")
    }

    /// `redis://…`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// `redis+unix://…`.
    #[must_use]
    pub fn unix_url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// `rediss://…`; only after [`Redis::start_tls`].
    #[must_use]
    pub fn tls_url(&self) -> String {
        let (port, _) = self.tls.as_ref().expect("started with TLS");
        format!("rediss://127.0.0.1:{}", port.number())
    }

    /// The certificates; only after [`Redis::start_tls`].
    #[must_use]
    pub fn certificates(&self) -> &Certificates {
        &self.tls.as_ref().expect("started with TLS").1
    }

    /// The server's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// A connection of one's own.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::open(("127.0.0.1", self.port()), PATIENCE).expect("the server listens")
    }

    /// Runs one command on the connection that was opened first.
    #[track_caller]
    pub fn command(&self, words: &[&[u8]]) -> Reply {
        let mut admin = self.admin.lock().expect("no test thread panicked with it");
        admin.as_mut().expect("the server runs").command(words).expect("the server answers")
    }

    /// The same for commands that are plain words; fails on an error reply.
    #[track_caller]
    pub fn run(&self, line: &str) -> Reply {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        match self.command(&words) {
            Reply::Error(text) => panic!("`{line}` gave {text}"),
            reply => reply,
        }
    }

    /// Takes everything out of a list, in the order in which `BRPOP` gives it.
    #[track_caller]
    pub fn pop_all(&self, key: &[u8]) -> Vec<Vec<u8>> {
        let mut values = self.command(&[b"LRANGE", key, b"0", b"-1"]).values();
        self.command(&[b"DEL", key]);
        values.reverse();
        values
    }

    /// Kills the server; what was in it is gone.
    pub fn stop(&mut self) {
        self.process = None;
        self.admin = Mutex::new(None);
    }

    /// Stops the process where it stands: it accepts connections (the kernel does) and answers nothing.
    pub fn freeze(&self) {
        self.process.as_ref().expect("the server runs").freeze();
    }

    /// Lets it go on after [`Redis::freeze`].
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").resume();
    }
}

/// A private authority, and certificates from it, made by the `openssl` program.
#[derive(Debug)]
pub struct Certificates {
    folder: Scratch,
    /// For 127.0.0.1 and localhost.
    pub server: Certificate,
    /// For a client.
    pub client: Certificate,
}

/// A certificate and its key, as PEM files.
#[derive(Debug)]
pub struct Certificate {
    stem: PathBuf,
}

impl Certificate {
    /// The file with the certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.stem.with_extension("pem")
    }

    /// The file with the private key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.stem.with_extension("key")
    }
}

impl Certificates {
    /// Makes a new authority and both certificates.
    #[must_use]
    pub fn new() -> Self {
        let folder = Scratch::on_disk("certificates");
        let at = |name: &str| Certificate { stem: folder.path().join(name) };
        make(&at("authority"), &[], None);
        let names =
            ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=CA:FALSE"];
        make(&at("server"), &names, Some(&at("authority")));
        make(&at("client"), &names[2..], Some(&at("authority")));
        Self { server: at("server"), client: at("client"), folder }
    }

    /// The authority's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn make(certificate: &Certificate, more: &[&str], signer: Option<&Certificate>) {
    let name = certificate.stem.file_name().and_then(|name| name.to_str()).unwrap_or("x");
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    command.args(["-days", "2", "-subj", &format!("/CN=staithe test {name}")]).args(more);
    command.arg("-out").arg(certificate.certificate()).arg("-keyout").arg(certificate.key());
    if let Some(signer) = signer {
        command.arg("-CA").arg(signer.certificate()).arg("-CAkey").arg(signer.key());
    }
    let output = command.output().expect("openssl is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(Path::new(&certificate.key()).exists());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_stops_and_starts_again_empty() {
        let mut redis = Redis::start();
        redis.run("LPUSH list a b");
        assert_eq!(redis.pop_all(b"list"), [b"a", b"b"]);
        redis.run("SET x 1");
        redis.stop();
        assert!(Connection::open(("127.0.0.1", redis.port()), PATIENCE).is_err());
        redis.start_again();
        assert_eq!(redis.run("GET x"), Reply::Nil);
    }
}
