//! A server that lets nobody in.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Speaks as a Redis that wants a password. Its thread ends with the test.
pub(crate) struct Refusing {
    port: u16,
}

impl Refusing {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                std::thread::spawn(move || refuse(client));
            }
        });
        Self { port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

fn refuse(mut client: TcpStream) {
    let _ = client.set_read_timeout(Some(Duration::from_secs(30)));
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        // Each command begins with the number of its words.
        let commands = buffer[..length].split(|byte| *byte == b'*').skip(1).count().max(1);
        if client.write_all(b"-NOAUTH Authentication required.\r\n".repeat(commands).as_slice()).is_err() {
            return;
        }
    }
}
