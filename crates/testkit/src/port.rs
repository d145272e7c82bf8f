//! Free TCP ports.

use std::net::{Ipv4Addr, TcpListener};

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
