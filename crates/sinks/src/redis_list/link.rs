//! One connection to a Redis server. It is used until the first error and then thrown away.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::{Address, Endpoint};
use super::fault::{Fault, Step};
use crate::tls::TlsFiles;

/// The answer to PING is one line: `+PONG`, or an error's code and a sentence.
const LONGEST_ANSWER: usize = 4096;

/// A connection; dropping it closes the socket at once, whatever is in flight.
#[derive(Debug)]
pub(crate) struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // The driver would wait for the replies that are still due, for ever with a hung server.
        self.driver.abort();
    }
}

impl Link {
    /// Connects; nothing is said to the server yet. `step` tells how far it came, for the case
    /// that the caller's patience ends first. `patience` is only shared out among the addresses
    /// of a name here; the caller bounds the whole.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        tls: &TlsFiles,
        patience: Duration,
        step: &mut Step,
    ) -> Result<Self, Fault> {
        *step = Step::Connect;
        match &endpoint.address {
            Address::Unix(path) => {
                Self::start(UnixStream::connect(path).await.map_err(Fault::Connect)?).await
            }
            Address::Tcp { host, port, tls: encrypted } => {
                *step = Step::Resolve;
                let addresses: Vec<_> =
                    lookup_host((host.as_str(), *port)).await.map_err(Fault::Resolve)?.collect();
                *step = Step::Connect;
                let stream = connect_any(&addresses, patience).await.map_err(Fault::Connect)?;
                // A batch is one write and the reply is waited for.
                stream.set_nodelay(true).map_err(Fault::Connect)?;
                if !encrypted {
                    return Self::start(stream).await;
                }
                *step = Step::Tls;
                Self::start(encrypt(stream, host, tls.clone()).await?).await
            }
        }
    }

    async fn start<S>(stream: S) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Logging in and selecting the database are ours: the library reports every refusal there
        // as a wrong password, even "max number of clients reached".
        let quiet = RedisConnectionInfo::default().set_skip_set_lib_name();
        // The caller bounds every call; the library's default of 500 ms would cut in.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&quiet, stream, config).await.map_err(Fault::of)?;
        Ok(Self { connection, driver: tokio::spawn(driver) })
    }

    /// Whether the server has not closed it yet, as far as is known.
    pub(crate) fn is_alive(&self) -> bool {
        !self.driver.is_finished()
    }

    /// One command; an error reply is an error.
    pub(crate) async fn ask(&mut self, command: &Cmd) -> Result<Value, Fault> {
        refused(self.connection.send_packed_command(command).await.map_err(Fault::of)?)
    }

    /// Several commands in one write; the replies one by one, error replies among them.
    pub(crate) async fn ask_all(&mut self, commands: &Pipeline) -> Result<Vec<Result<Value, Fault>>, Fault> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let replies =
            self.connection.send_packed_commands(commands, 0, commands.len()).await.map_err(Fault::of)?;
        Ok(replies.into_iter().map(refused).collect())
    }
}

/// Turns an error reply into a fault.
pub(crate) fn refused(reply: Value) -> Result<Value, Fault> {
    match reply {
        Value::ServerError(error) => Err(Fault::server(&error)),
        reply => Ok(reply),
    }
}

/// Tries the addresses of a name in turn, each for its share of the time.
async fn connect_any(addresses: &[SocketAddr], patience: Duration) -> io::Result<TcpStream> {
    let share = patience / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn encrypt(stream: TcpStream, host: &str, files: TlsFiles) -> Result<TlsStream<TcpStream>, Fault> {
    let config =
        spawn_blocking(move || files.load()).await.map_err(|_| Fault::Broken("stopping".into()))??;
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| Fault::Tls(rustls::Error::UnsupportedNameType))?;
    let mut stream =
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(Fault::of_io)?;
    exchange(&mut stream).await.map_err(Fault::of_io)?;
    Ok(stream)
}

/// One question and its answer, whatever it says. With TLS 1.3 the server judges our certificate
/// after the handshake is over for us, and its alert would be lost between two requests.
async fn exchange(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    stream.write_all(b"*1\r\n$4\r\nPING\r\n").await?;
    stream.flush().await?;
    let (mut byte, mut last) = ([0], 0);
    for _ in 0..LONGEST_ANSWER {
        stream.read_exact(&mut byte).await?;
        if (last, byte[0]) == (b'\r', b'\n') {
            return Ok(());
        }
        last = byte[0];
    }
    Err(io::Error::other("it answers PING with a very long line"))
}
