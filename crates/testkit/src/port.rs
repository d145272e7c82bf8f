//! Free TCP ports.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};

/// A port of the loopback interface that nobody listens on now.
///
/// Another process may take it before the caller does; whoever starts a server on it must be
/// ready to try another one.
#[must_use]
pub fn free_port() -> u16 {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has free ports");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A port that nobody else is given while this lives. A server that asks to use addresses again, as they all do, may
/// listen on it, stop, and listen once more; in between connections are refused, as they are on a port that is free.
#[derive(Debug)]
pub struct Reserved {
    number: u16,
    _socket: OwnedFd,
}

impl Reserved {
    /// A port of the loopback interface.
    #[must_use]
    pub fn new() -> Self {
        let flags = SocketFlags::CLOEXEC;
        let socket =
            socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).expect("there are sockets");
        sockopt::set_socket_reuseaddr(&socket, true).expect("a socket takes options");
        let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        bind(&socket, &any).expect("the loopback interface has free ports");
        let address = getsockname(&socket).ok().and_then(|address| SocketAddrV4::try_from(address).ok());
        Self { number: address.expect("a bound socket has an address").port(), _socket: socket }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

impl Default for Reserved {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_reserved_port_is_refused_served_and_refused_again() {
        let port = Reserved::new();
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port.number()));
        for _ in 0..2 {
            assert_eq!(connect().unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
            let server =
                TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).expect("it may be listened on");
            let _client = connect().expect("somebody listens");
            let (_taken, _) = server.accept().expect("somebody connects");
        }
    }

    #[test]
    fn a_reserved_port_is_given_to_nobody() {
        let port = Reserved::new();
        // More than there are ports of that kind would be needed to be certain.
        assert!((0..2000).all(|_| free_port() != port.number()));
    }
}
