//! A way to a server on which answers are late, come in pieces, break off or never arrive: what was asked is done, and
//! the one who asked does not know.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt;

/// What is done to answers. Requests get through as they are.
#[derive(Clone, Debug, Default)]
pub struct Toxics {
    /// Each piece of an answer comes so much later.
    pub latency: Duration,
    /// Answers come in pieces of so many bytes; 0: as the server sends them.
    pub slice: usize,
    /// No answer gets through, and none that is held back ever will.
    pub drops: bool,
    /// After so many bytes of answers a connection is reset.
    pub limit: Option<usize>,
    /// After the server has closed a connection the client learns of it so much later.
    pub late_close: Duration,
}

/// Goes between. Its threads end with their connections, and the one that listens with the test.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    toxics: Arc<Mutex<Toxics>>,
}

impl Proxy {
    /// Listens, and passes on to this port of the loopback interface.
    #[must_use]
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let toxics = Arc::new(Mutex::new(Toxics::default()));
        let shared = Arc::clone(&toxics);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                pass(client, port, &shared);
            }
        });
        Self { address, toxics }
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on this is done, on connections that are open, too.
    pub fn set(&self, toxics: Toxics) {
        *lock(&self.toxics) = toxics;
    }

    /// From now on no answer gets through, and none that is held back ever will.
    pub fn hold_answers(&self) {
        self.set(Toxics { drops: true, ..Toxics::default() });
    }

    /// New answers get through again, unharmed.
    pub fn let_through(&self) {
        self.set(Toxics::default());
    }
}

fn lock(toxics: &Mutex<Toxics>) -> MutexGuard<'_, Toxics> {
    toxics.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass(client: TcpStream, port: u16, toxics: &Arc<Mutex<Toxics>>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
    // Else small pieces would be put together again.
    let _ = client.set_nodelay(true);
    let (client, server) = (Arc::new(client), Arc::new(server));
    let (client_too, server_too) = (Arc::clone(&client), Arc::clone(&server));
    let toxics = Arc::clone(toxics);
    thread::spawn(move || {
        let _ = io::copy(&mut &*client_too, &mut &*server_too);
        let _ = server_too.shutdown(Shutdown::Write);
    });
    thread::spawn(move || answer(&server, &client, &toxics));
}

/// Passes answers on until one side has enough. Whoever is at the other end learns of it; one who is gone does not mind.
fn answer(mut server: &TcpStream, client: &TcpStream, toxics: &Mutex<Toxics>) {
    let (mut buffer, mut passed) = ([0; 16 * 1024], 0);
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        let toxics = lock(toxics).clone();
        if toxics.drops {
            continue;
        }
        let left = toxics.limit.map_or(count, |limit| limit.saturating_sub(passed).min(count));
        passed += left;
        if send(client, &buffer[..left], &toxics).is_err() {
            break;
        }
        if left < count {
            reset(client);
            let _ = server.shutdown(Shutdown::Both);
            return;
        }
    }
    let late = lock(toxics).late_close;
    thread::sleep(late);
    let _ = client.shutdown(Shutdown::Write);
}

fn send(mut client: &TcpStream, answer: &[u8], toxics: &Toxics) -> io::Result<()> {
    let size = if toxics.slice == 0 { answer.len() } else { toxics.slice };
    for piece in answer.chunks(size.max(1)) {
        thread::sleep(toxics.latency);
        client.write_all(piece)?;
    }
    Ok(())
}

/// The connection ends with a reset when both threads have let go of it, and the other one does at once.
fn reset(client: &TcpStream) {
    let _ = sockopt::set_socket_linger(client, Some(Duration::ZERO));
    let _ = client.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers whatever comes with ten bytes.
    fn server() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut buffer = [0; 100];
                    while client.read(&mut buffer).is_ok_and(|count| count > 0) {
                        client.write_all(b"0123456789").unwrap();
                    }
                });
            }
        });
        port
    }

    fn asked(proxy: &Proxy) -> TcpStream {
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.write_all(b"?").unwrap();
        client
    }

    #[test]
    fn answers_get_through_and_in_pieces() {
        let proxy = Proxy::before(server());
        let mut answer = [0; 10];
        asked(&proxy).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"0123456789");
        proxy.set(Toxics { slice: 1, latency: Duration::from_millis(5), ..Toxics::default() });
        let mut client = asked(&proxy);
        assert_eq!(client.read(&mut answer).unwrap(), 1);
        client.read_exact(&mut answer[1..]).unwrap();
        assert_eq!(&answer, b"0123456789");
    }

    #[test]
    fn a_connection_is_reset_within_an_answer() {
        let proxy = Proxy::before(server());
        proxy.set(Toxics { limit: Some(13), ..Toxics::default() });
        let (mut client, mut answer) = (asked(&proxy), [0; 13]);
        client.read_exact(&mut answer[..10]).unwrap();
        client.write_all(b"?").unwrap();
        client.read_exact(&mut answer[10..]).unwrap();
        assert_eq!(client.read(&mut answer).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn answers_that_were_held_back_never_come() {
        let proxy = Proxy::before(server());
        proxy.hold_answers();
        let mut client = asked(&proxy);
        client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut answer = [0; 10];
        assert!(client.read(&mut answer).is_err());
        proxy.let_through();
        client.write_all(b"?").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.read_exact(&mut answer).unwrap();
    }
}
