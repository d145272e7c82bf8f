//! One connection with one channel. It is used until the first error and then thrown away.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::tcp::AsyncTcpStream;
use lapin::types::{FieldTable, ShortString};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Channel, Confirmation, Connection, ConnectionProperties};
use tokio::net::lookup_host;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::endpoint::Endpoint;
use super::fault::{Fault, Step};
use super::message::{Fate, Outgoing};
use super::tunnel::Tunnel;
use crate::tls::TlsFiles;

/// After so long without a word from the broker the connection is given up, half of it between two heartbeats.
const HEARTBEAT_SECONDS: u16 = 20;
/// The library keeps two buffers of 32 frames: a megabyte each with this, four with what brokers propose.
const FRAME: u32 = 32 << 10;
/// An alarm that passes sooner is waited out.
const ALARM: Duration = Duration::from_millis(500);
/// How often the alarm is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A connection; dropping it closes the socket at once, whatever is in flight.
pub(super) struct Link {
    connection: Connection,
    channel: Channel,
    socket: Socket,
    tunnel: Option<Tunnel>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("status", self.connection.status()).finish_non_exhaustive()
    }
}

/// A second handle of the library's socket. The library reads and writes in a thread of its own, which would wait for a
/// peer that hangs for as long as that likes; shutting the socket down ends it.
struct Socket(std::net::TcpStream);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Link {
    /// Connects, logs in and opens a channel that confirms. `step` tells how far it came, for the case that the caller's
    /// patience ends first; `patience` is only shared out among the addresses of a name here.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: &TlsFiles,
        patience: Duration,
        step: &mut Step,
    ) -> Result<Self, Fault> {
        *step = Step::Resolve;
        let found = lookup_host((endpoint.host.as_str(), endpoint.port)).await.map_err(Fault::Resolve)?;
        let addresses: Vec<SocketAddr> = found.collect();
        *step = Step::Connect;
        let runtime = lapin::runtime::default_runtime()?;
        let connect = |address| AsyncTcpStream::connect(&runtime, address);
        let mut stream = connect_any(&addresses, patience, connect).await.map_err(Fault::Connect)?;
        let AsyncTcpStream::Plain(plain) = &mut stream else { return Err(Fault::Broken("no socket".into())) };
        let mut tunnel = None;
        if endpoint.tls {
            *step = Step::Tls;
            let files = tls.clone();
            let config = spawn_blocking(move || files.load())
                .await
                .map_err(|_| Fault::Broken("stopping".into()))??;
            tunnel = Some(Tunnel::dig(plain.get_mut(), &endpoint.host, config).await?);
        }
        let handle = plain.get_ref().as_fd().try_clone_to_owned().map_err(Fault::Connect)?;
        let socket = Socket(handle.into());
        *step = Step::Login;
        // The library would connect by itself; with a stream of ours each part has its own words, and its own end.
        let slot = Mutex::new(Some(stream));
        let connect = async move |_, _| {
            let stream = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
        };
        let entered = async {
            let connection = Connection::connector(uri(endpoint), runtime, connect, properties()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok::<_, lapin::Error>((connection, channel))
        };
        match entered.await {
            Ok((connection, channel)) => Ok(Self { connection, channel, socket, tunnel }),
            Err(error) => Err(explained(tunnel.as_ref(), error.into())),
        }
    }

    /// Whether nothing is known to be wrong with it.
    pub(super) fn is_alive(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    /// Whether the broker has said that it takes no messages for now.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().connected() && self.connection.status().blocked()
    }

    /// Publishes all in order and waits until each is confirmed.
    pub(super) async fn publish(&self, messages: &[Outgoing]) -> Result<Vec<Fate>, Fault> {
        tokio::select! {
            fates = self.confirmed(messages) => fates,
            () = self.alarm() => Err(Fault::Blocked),
        }
    }

    /// Which message was returned is told by the message's own id: where confirmations come several at once or out of
    /// order, the library hands a returned message to whichever confirmation it looks at next. Before the last of
    /// them, each returned message was handed to one.
    async fn confirmed(&self, messages: &[Outgoing]) -> Result<Vec<Fate>, Fault> {
        let mut calls: Vec<_> = messages.iter().map(|message| Call::new(self.one(message))).collect();
        poll_fn(|cx| {
            for call in &mut calls {
                call.poll(cx);
            }
            Poll::Ready(())
        })
        .await;
        let (mut fates, mut returned) = (Vec::with_capacity(messages.len()), Vec::new());
        for call in calls {
            let confirmation =
                call.end().await.map_err(|error| explained(self.tunnel.as_ref(), error.into()))?;
            fates.push(if confirmation.is_ack() { Fate::Taken } else { Fate::Nack });
            returned.extend(confirmation.take_message());
        }
        for message in returned {
            let (code, text) = (message.reply_code, message.reply_text.to_string());
            let of = |outgoing: &Outgoing| outgoing.is_known_by(&message.delivery.properties);
            let at = messages.iter().position(of).ok_or(Fault::Garbage)?;
            fates[at] = Fate::Returned { code, text };
        }
        Ok(fates)
    }

    async fn one(&self, message: &Outgoing) -> Result<Confirmation, lapin::Error> {
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let (exchange, key) = (message.exchange.clone(), message.routing_key.clone());
        let properties = message.properties.clone();
        self.channel.basic_publish(exchange, key, options, &message.body, properties).await?.await
    }

    /// Returns when the broker has been in alarm for a while.
    async fn alarm(&self) {
        let mut since = Duration::ZERO;
        while since < ALARM {
            sleep(LOOK).await;
            since = if self.is_blocked() { since + LOOK } else { Duration::ZERO };
        }
    }

    /// How many messages are ready in the queue; `None` where it is not there, or may not be looked at. On a channel of
    /// its own: a refusal closes the channel.
    pub(super) async fn count(&self, queue: &ShortString) -> Result<Option<u32>, Fault> {
        let channel = self.connection.create_channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match channel.queue_declare(queue.clone(), options, FieldTable::default()).await {
            Ok(found) => {
                channel.close(200, "done".into()).await?;
                Ok(Some(found.message_count()))
            }
            Err(error) if error.is_amqp_soft_error() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Says good-bye, so that the broker's log has no complaint about us.
    pub(super) async fn close(self) {
        let _ = self.connection.close(200, "done".into()).await;
        drop(self.socket);
    }
}

/// One publish. All are begun before the first is waited for.
enum Call<F: Future> {
    Running(Pin<Box<F>>),
    Done(F::Output),
}

impl<F: Future<Output: Unpin>> Call<F> {
    fn new(future: F) -> Self {
        Call::Running(Box::pin(future))
    }

    fn poll(&mut self, cx: &mut std::task::Context<'_>) {
        if let Call::Running(future) = self
            && let Poll::Ready(output) = future.as_mut().poll(cx)
        {
            *self = Call::Done(output);
        }
    }

    async fn end(self) -> F::Output {
        match self {
            Call::Running(future) => future.await,
            Call::Done(output) => output,
        }
    }
}

/// Where the connection broke, the tunnel may know why.
fn explained(tunnel: Option<&Tunnel>, fault: Fault) -> Fault {
    match fault {
        Fault::Broken(what) => tunnel.and_then(Tunnel::fault).unwrap_or(Fault::Broken(what)),
        fault => fault,
    }
}

/// Only what is said at the login is taken from it.
fn uri(endpoint: &Endpoint) -> AMQPUri {
    let userinfo =
        AMQPUserInfo { username: endpoint.user.clone(), password: endpoint.password.expose().to_owned() };
    AMQPUri {
        scheme: AMQPScheme::default(),
        authority: AMQPAuthority { userinfo, host: endpoint.host.clone(), port: endpoint.port },
        vhost: endpoint.vhost.clone(),
        query: AMQPQueryString {
            frame_max: Some(FRAME),
            heartbeat: Some(HEARTBEAT_SECONDS),
            ..AMQPQueryString::default()
        },
    }
}

fn properties() -> ConnectionProperties {
    let name = format!("staithe {}", std::process::id());
    ConnectionProperties::default()
        .with_connection_name(name.as_str().into())
        .with_client_property("product".into(), "staithe".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

/// Tries the addresses of a name in turn, each for its share of the time.
async fn connect_any<S, F: Future<Output = io::Result<S>>>(
    addresses: &[SocketAddr],
    patience: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<S> {
    let share = patience / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for &address in addresses {
        match timeout(share, connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
