//! One service: a port that somebody listens on, or does not.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::contract::ServiceName;
use super::desk::Desk;
use super::http::Connection;

/// How long ending the connections may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// One of the four services, which a test can stop and start.
#[derive(Debug)]
pub struct Service {
    name: ServiceName,
    port: u16,
    desk: Arc<Desk>,
    runtime: Handle,
    door: Mutex<Door>,
}

#[derive(Debug)]
enum Door {
    Open {
        close: oneshot::Sender<()>,
        closed: Receiver<()>,
    },
    /// The socket has the port and does not listen: connections are refused, and nobody else gets it.
    Shut(TcpSocket),
    /// For the moment of a change only.
    Between,
}

/// Says, when it goes, that the task that had it has let go of everything.
struct Farewell(#[expect(dead_code, reason = "held for its end")] Sender<()>);

impl Service {
    /// A service on a free port; it listens from now on.
    pub(super) fn open(name: ServiceName, desk: Arc<Desk>, runtime: Handle) -> Self {
        let socket = bound(0);
        let port = socket.local_addr().expect("a bound socket has an address").port();
        let service = Self { name, port, desk, runtime, door: Mutex::new(Door::Shut(socket)) };
        service.start();
        service
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port, the same after a stop and a start.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Listens again.
    pub fn start(&self) {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let Door::Shut(socket) = std::mem::replace(&mut *door, Door::Between) else {
            panic!("the {} service is running already", self.name.as_str())
        };
        let _inside = self.runtime.enter();
        let listener = socket.listen(BACKLOG).expect("a bound socket can listen");
        let (close, closing) = oneshot::channel();
        let (farewell, closed) = channel();
        let desk = Arc::clone(&self.desk);
        self.runtime.spawn(accept(listener, desk, self.name, closing, Farewell(farewell)));
        *door = Door::Open { close, closed };
    }

    /// Ends all connections; from now on new ones are refused. What was in hand is not answered.
    pub fn stop(&self) {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let Door::Open { close, closed } = std::mem::replace(&mut *door, Door::Between) else {
            panic!("the {} service does not run", self.name.as_str())
        };
        let _ = close.send(());
        // Nothing is ever sent; the other end goes with the last connection.
        let _ = closed.recv_timeout(PATIENCE);
        *door = Door::Shut(bound(self.port));
    }

    /// Whether it listens.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(*self.door.lock().unwrap_or_else(PoisonError::into_inner), Door::Open { .. })
    }
}

async fn accept(
    listener: TcpListener,
    desk: Arc<Desk>,
    name: ServiceName,
    mut closing: oneshot::Receiver<()>,
    farewell: Farewell,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut closing => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(Arc::clone(&desk).attend(name, Connection::new(stream)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
    drop(farewell);
}

fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    // Connections of the service that was here a moment ago may still be on their way out.
    socket.set_reuseaddr(true).expect("a new socket takes options");
    let address = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
    let begun = Instant::now();
    // A child that another thread has just forked has the old socket until it becomes another program.
    while let Err(error) = socket.bind(address) {
        assert!(begun.elapsed() < PATIENCE, "failed to get port {port} (0 is any): {error}");
        std::thread::sleep(Duration::from_millis(5));
    }
    socket
}
