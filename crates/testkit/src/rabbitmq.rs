//! Real `rabbitmq-server` processes, each with folders, ports and an Erlang port mapper of its own.
//!
//! A start takes five to ten seconds, so a test program has one server for all of its tests. It may stand in a
//! `static`: a watchdog ends whatever it started when the test program is gone, however that ended.

mod client;
mod setting;
mod watchdog;

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use self::client::Client;
pub use self::client::Taken;
use self::setting::Setting;
use self::watchdog::Watchdog;
use crate::process::Process;
use crate::redis::Certificates;
use crate::wait::wait_until;

/// How long the server may take to start or to end; Erlang is slow on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server of the test's own. It ends when this is dropped, and when the test program ends.
#[derive(Debug)]
pub struct Rabbit {
    server: Option<Running>,
    client: Client,
    setting: Setting,
}

/// The processes of one run.
#[derive(Debug)]
struct Running {
    server: Process,
    /// The port mapper; a server that finds none would start one that outlives it.
    mapper: Process,
    _watchdog: Watchdog,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The script leads a group; the virtual machine and what that starts belong to it.
        for process in [&self.server, &self.mapper] {
            let _ = kill_process_group(pid(process.id()), Signal::KILL);
        }
    }
}

fn pid(id: u32) -> Pid {
    i32::try_from(id).ok().and_then(Pid::from_raw).expect("a child has a process id")
}

impl Rabbit {
    /// The user of [`Rabbit::url`], who may do everything.
    pub const ADMIN: &'static str = "guest";
    /// A user with the password `p@ss/w` who may read everything in `/` and write nothing.
    pub const READER: &'static str = "reader";
    /// The password of [`Rabbit::READER`] and [`Rabbit::STRANGER`].
    pub const PASSWORD: &'static str = "p@ss/w";
    /// A user who may enter no virtual host.
    pub const STRANGER: &'static str = "stranger";
    /// A second virtual host.
    pub const OTHER_HOST: &'static str = "a/b";

    /// Starts a server and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::build(None)
    }

    /// The same with a TLS port beside the plain one. It takes clients with and without a certificate.
    #[must_use]
    pub fn start_tls() -> Self {
        Self::build(Some(Certificates::new()))
    }

    fn build(certificates: Option<Certificates>) -> Self {
        let setting = Setting::new(certificates);
        let client = Client::new(setting.port());
        let mut rabbit = Self { server: None, client, setting };
        rabbit.start_again();
        rabbit
    }

    /// Starts the stopped server again: same ports, same data. How long that took.
    pub fn start_again(&mut self) -> Duration {
        let begun = Instant::now();
        self.server = None;
        let folder = self.setting.folder();
        let mapper = Process::spawn("epmd", folder, &mut self.setting.mapper());
        let server = Process::spawn("rabbitmq", folder, &mut self.setting.server());
        let watchdog = Watchdog::over(&[server.id(), mapper.id()], folder);
        let mut running = Running { server, mapper, _watchdog: watchdog };
        wait_until(PATIENCE, "rabbitmq-server to answer", || {
            assert!(
                running.server.is_running(),
                "rabbitmq-server ended: {}",
                String::from_utf8_lossy(&running.server.stdout())
            );
            self.client.is_welcome()
        });
        self.server = Some(running);
        begun.elapsed()
    }

    /// Asks the server to end, as a service manager does, and waits for that. It closes its connections in order.
    pub fn stop(&mut self) {
        let Some(mut running) = self.server.take() else { return };
        if let Some(machine) = self.setting.machine() {
            let _ = kill_process(pid(machine), Signal::TERM);
        }
        running.server.wait_exit(PATIENCE);
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Stops the process where it stands: it accepts connections (the kernel does) and answers nothing.
    pub fn freeze(&self) {
        let machine = self.setting.machine().expect("the server runs");
        kill_process(pid(machine), Signal::STOP).expect("the server runs");
    }

    /// Lets it go on after [`Rabbit::freeze`].
    pub fn resume(&self) {
        let machine = self.setting.machine().expect("the server runs");
        kill_process(pid(machine), Signal::CONT).expect("the server runs");
    }

    /// The plain port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.setting.port()
    }

    /// `amqp://guest:guest@127.0.0.1:PORT`, the virtual host `/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port())
    }

    /// `amqps://…`; only after [`Rabbit::start_tls`].
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("amqps://guest:guest@127.0.0.1:{}", self.setting.tls().0)
    }

    /// The certificates; only after [`Rabbit::start_tls`].
    #[must_use]
    pub fn certificates(&self) -> &Certificates {
        self.setting.tls().1
    }

    /// Declares a durable queue, as a Celery worker does.
    pub fn declare(&self, queue: &str) {
        self.client.declare(queue);
    }

    /// Declares a durable queue that takes so many messages and refuses more.
    pub fn declare_small(&self, queue: &str, most: u32) {
        self.client.declare_small(queue, most);
    }

    /// Declares a queue that keeps nothing on disk: it confirms at once, and so several messages together.
    pub fn declare_passing(&self, queue: &str) {
        self.client.declare_passing(queue);
    }

    /// Declares a durable exchange of this kind (`direct`, `topic`, `fanout`).
    pub fn declare_exchange(&self, exchange: &str, kind: &str) {
        self.client.declare_exchange(exchange, kind);
    }

    /// Has the exchange route this key to the queue.
    pub fn bind(&self, queue: &str, exchange: &str, key: &str) {
        self.client.bind(queue, exchange, key);
    }

    /// Removes a queue with what is in it; one that is not there does not mind.
    pub fn delete(&self, queue: &str) {
        self.client.delete(queue);
    }

    /// Whether there is a queue of this name.
    #[must_use]
    pub fn has(&self, queue: &str) -> bool {
        self.client.count(queue).is_some()
    }

    /// How many messages wait in the queue.
    #[must_use]
    pub fn count(&self, queue: &str) -> u32 {
        self.client.count(queue).unwrap_or_default()
    }

    /// Takes everything out of a queue, in order.
    #[must_use]
    pub fn take_all(&self, queue: &str) -> Vec<Taken> {
        self.client.take_all(queue)
    }

    /// Runs `rabbitmqctl` with these words; fails unless it succeeds. It takes a second or two.
    #[track_caller]
    pub fn control(&self, words: &[&str]) -> String {
        let mut command: Command = self.setting.control();
        command.args(words);
        let done = Process::finish("rabbitmqctl", self.setting.folder(), &mut command, PATIENCE);
        done.assert_code(0);
        done.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(id: u32) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    }

    #[test]
    fn starts_keeps_its_data_and_leaves_nothing_behind() {
        let mut rabbit = Rabbit::start();
        rabbit.declare("list");
        assert!(rabbit.has("list") && !rabbit.has("other"));
        rabbit.stop();
        assert!(std::net::TcpStream::connect(("127.0.0.1", rabbit.port())).is_err());
        rabbit.start_again();
        assert!(rabbit.has("list"));
        let ids = [rabbit.setting.machine().unwrap(), rabbit.server.as_ref().unwrap().mapper.id()];
        let folder = rabbit.setting.folder().to_owned();
        assert!(ids.into_iter().all(alive));
        drop(rabbit);
        wait_until(PATIENCE, "every process to be gone", || !ids.into_iter().any(alive));
        wait_until(PATIENCE, "the folder to be gone", || !folder.exists());
    }
}
