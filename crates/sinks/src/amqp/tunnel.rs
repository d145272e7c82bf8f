//! TLS that is ours: with the library's own the program would carry some fifty packages more, for the key files of other
//! systems, and could not choose whom to trust. The library gets one end of a pair of sockets, and a task carries the bytes
//! between the other end and the encrypted connection.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fault::Fault;

/// How long after the handshake a peer may object to our certificate.
const OBJECTION: Duration = Duration::from_millis(200);

/// The task. It ends with the connection, and at once when this is dropped.
#[derive(Debug)]
pub(super) struct Tunnel {
    task: JoinHandle<()>,
    end: Arc<Mutex<Option<io::Error>>>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel {
    /// Shakes hands with the peer of `socket` and takes it over. What is put in its place carries what is said inside: it is
    /// a unix socket in truth, of which the library only reads and writes.
    pub(super) async fn dig(socket: &mut TcpStream, host: &str, config: ClientConfig) -> Result<Self, Fault> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Fault::Tls(rustls::Error::UnsupportedNameType))?;
        let connector = TlsConnector::from(Arc::new(config));
        let (mut inner, theirs) = pair().map_err(Fault::Connect)?;
        let stream = std::mem::replace(socket, theirs);
        let mut outer = connector.connect(name, stream).await.map_err(|error| Fault::of_io(&error))?;
        objection(&mut outer).await?;
        let end = Arc::new(Mutex::new(None));
        let told = Arc::clone(&end);
        let task = tokio::spawn(async move {
            let result = copy_bidirectional(&mut inner, &mut outer).await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = result.err();
        });
        Ok(Self { task, end })
    }

    /// What ended it, if that was an error.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Fault::of_io)
    }
}

/// With TLS 1.3 the peer judges our certificate after the handshake is over for us. Its alert would be lost with what we have
/// sent by then, and AMQP has the client speak first; so we hold our tongue for a moment.
async fn objection(stream: &mut TlsStream<TcpStream>) -> Result<(), Fault> {
    match timeout(OBJECTION, stream.read(&mut [0])).await {
        Err(_) => Ok(()),
        Ok(Err(error)) => Err(Fault::of_io(&error)),
        Ok(Ok(0)) => Err(Fault::Broken("it was closed after the TLS handshake".into())),
        Ok(Ok(_)) => Err(Fault::Garbage),
    }
}

fn pair() -> io::Result<(UnixStream, TcpStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    let theirs = std::net::TcpStream::from(OwnedFd::from(theirs));
    Ok((UnixStream::from_std(ours)?, TcpStream::from_std(theirs)?))
}
