//! A way to a server on which answers can be held back: what was asked is done, and the one who asked does not know.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Goes between. Its threads end with their connections.
pub(crate) struct Proxy {
    address: SocketAddr,
    holds: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens, and passes on to this port of the loopback interface.
    pub(crate) fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let holds = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&holds);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                pass(client, port, &shared);
            }
        });
        Self { address, holds }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on no answer gets through, and none that is held back ever will.
    pub(crate) fn hold_answers(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// New answers get through again.
    pub(crate) fn let_through(&self) {
        self.holds.store(false, Ordering::SeqCst);
    }
}

fn pass(client: TcpStream, port: u16, holds: &Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
    let holds = Arc::clone(holds);
    thread::spawn(move || copy(client_too, server_too, || false));
    thread::spawn(move || copy(server, client, || holds.load(Ordering::SeqCst)));
}

fn copy(mut from: TcpStream, mut to: TcpStream, drops: impl Fn() -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !drops() && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Whoever is at the other end learns of it; one who is gone does not mind.
    let _ = to.shutdown(Shutdown::Write);
}
