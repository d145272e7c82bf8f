//! A slow HTTP server of the test's own.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Into how many pieces each content is divided.
const PIECES: usize = 4;

/// Serves contents by name, in pieces with pauses. It ends when this is dropped.
pub(crate) struct Http {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    pub(crate) fn start(contents: HashMap<String, Vec<u8>>, pause: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface is up");
        let address = listener.local_addr().expect("it is bound");
        let (contents, stop) = (Arc::new(contents), Arc::new(AtomicBool::new(false)));
        let ours = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ours.load(Ordering::Acquire) {
                    return;
                }
                let contents = Arc::clone(&contents);
                // One thread for each of the few connections that a test makes. A client that goes away
                // ends it; the client notices what is missing.
                std::thread::spawn(move || stream.and_then(|stream| answer(stream, &contents, pause)));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread from its wait for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(
    mut stream: TcpStream,
    contents: &HashMap<String, Vec<u8>>,
    pause: Duration,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let name = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let Some(content) = contents.get(name) else {
        return stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\n");
    };
    let dated = "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT";
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n{dated}\r\n\r\n", content.len())?;
    for piece in content.chunks(content.len().div_ceil(PIECES).max(1)) {
        stream.write_all(piece)?;
        stream.flush()?;
        std::thread::sleep(pause);
    }
    Ok(())
}
