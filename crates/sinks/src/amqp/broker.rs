//! A broker, as the sinks see it: each call is bounded, finds its connection by itself, and ends in an answer or in words.

use std::time::Duration;

use config::Secret;
use lapin::types::ShortString;
use model::text::safe;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::endpoint::{AmqpUrlError, Endpoint};
use super::fault::{Fault, Names, Step};
use super::link::Link;
use super::message::{Fate, Outgoing};
use crate::peer::{AGAIN, KEPT};
use crate::sink::Trouble;
use crate::tls::TlsFiles;

/// Publishes to one broker. There is no connection before the first call; after any error it is dropped.
#[derive(Debug)]
pub(crate) struct Broker {
    endpoint: Endpoint,
    tls: TlsFiles,
    timeout: Duration,
    names: Names,
    link: Option<Link>,
    /// A connection on which the broker has raised its alarm while something was published. It tells when the alarm is
    /// over and carries nothing more: what was published on it comes to the broker in the end, and each further
    /// connection would add another copy of the batch.
    sentry: Option<Link>,
    /// How far the call in hand has come, for the case that its time ends.
    step: Step,
}

impl Broker {
    /// The broker at `url`, for publishing to this exchange.
    pub(crate) fn new(
        url: &Secret,
        tls: TlsFiles,
        exchange: &str,
        timeout: Duration,
    ) -> Result<Self, AmqpUrlError> {
        let endpoint = Endpoint::parse(url.expose())?;
        let names = Names {
            server: endpoint.to_string(),
            user: endpoint.user.clone(),
            password: endpoint.password.clone(),
            vhost: endpoint.vhost.clone(),
            exchange: exchange.to_owned(),
        };
        Ok(Self { endpoint, tls, timeout, names, link: None, sentry: None, step: Step::Connect })
    }

    /// Whether TLS files were given to a connection that uses none.
    pub(crate) fn ignores_tls_files(&self) -> bool {
        !self.endpoint.tls && (self.tls.authority.is_some() || self.tls.client.is_some())
    }

    /// Publishes all in order; what became of each.
    pub(crate) async fn publish(&mut self, messages: &[Outgoing]) -> Result<Vec<Fate>, Trouble> {
        self.publish_within(messages, self.timeout).await
    }

    /// The same where a part of the sink's time is used up already.
    pub(crate) async fn publish_within(
        &mut self,
        messages: &[Outgoing],
        within: Duration,
    ) -> Result<Vec<Fate>, Trouble> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let result = timeout(within, self.try_publish(messages)).await;
        self.conclude(result)
    }

    async fn try_publish(&mut self, messages: &[Outgoing]) -> Result<Vec<Fate>, Fault> {
        if self.sentry.as_ref().is_some_and(Link::is_blocked) {
            return Err(Fault::Blocked);
        }
        self.sentry = None;
        if let Some(link) = self.link.take().filter(Link::is_alive) {
            match self.on(link, messages).await {
                // The broker closed an idle connection in this very moment: that is no trouble yet.
                Err(fault) if fault.is_hangup() => {}
                result => return result,
            }
        }
        let link = self.open().await?;
        self.on(link, messages).await
    }

    async fn on(&mut self, link: Link, messages: &[Outgoing]) -> Result<Vec<Fate>, Fault> {
        self.step = Step::Publish;
        let result = link.publish(messages).await;
        match result {
            Ok(_) => self.link = Some(link),
            Err(Fault::Blocked) => self.sentry = Some(link),
            Err(_) => {}
        }
        result
    }

    async fn open(&mut self) -> Result<Link, Fault> {
        Link::open(&self.endpoint, &self.tls, self.timeout, &mut self.step).await
    }

    /// The connection in hand, or a new one.
    async fn connection(&mut self) -> Result<Link, Fault> {
        match self.link.take().filter(Link::is_alive) {
            Some(link) => Ok(link),
            None => self.open().await,
        }
    }

    /// Everything but publishing, as far as it can be known without: whether we are let in, and no alarm is known.
    pub(crate) async fn look(&mut self) -> Result<(), Trouble> {
        let result = timeout(self.timeout, async {
            if self.sentry.as_ref().is_some_and(Link::is_blocked) {
                return Err(Fault::Blocked);
            }
            self.link = Some(self.connection().await?);
            Ok(())
        });
        let result = result.await;
        self.conclude(result)
    }

    /// How many messages are ready in a queue; `None` where there is no such queue, or we may not look.
    pub(crate) async fn count(&mut self, queue: &ShortString) -> Result<Option<u32>, Trouble> {
        let result = timeout(self.timeout, self.try_count(queue)).await;
        self.conclude(result)
    }

    async fn try_count(&mut self, queue: &ShortString) -> Result<Option<u32>, Fault> {
        let mut link = self.connection().await?;
        self.step = Step::Ask;
        let count = match link.count(queue).await {
            Err(fault) if fault.is_hangup() => {
                link = self.open().await?;
                self.step = Step::Ask;
                link.count(queue).await
            }
            count => count,
        }?;
        self.link = Some(link);
        Ok(count)
    }

    /// Lets go of the connection.
    pub(crate) fn reopen(&mut self) {
        self.link = None;
        self.sentry = None;
    }

    /// Says good-bye.
    pub(crate) async fn close(&mut self, within: Duration) {
        self.sentry = None;
        if let Some(link) = self.link.take() {
            let _ = timeout(within, link.close()).await;
        }
    }

    /// Drops the connection after whatever went wrong, and finds the words for it.
    fn conclude<T>(&mut self, result: Result<Result<T, Fault>, Elapsed>) -> Result<T, Trouble> {
        let fault = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(fault)) => fault,
            Err(_) => Fault::Timeout(self.step, self.timeout),
        };
        self.link = None;
        Err(fault.trouble(&self.names))
    }

    /// The words for a message that was not taken; nothing for one that was.
    pub(crate) fn words(&self, fate: &Fate, key: &str) -> Option<String> {
        let Names { server, exchange, vhost, .. } = &self.names;
        let key = safe(key.as_bytes());
        match fate {
            Fate::Taken => None,
            Fate::Returned { code, text } if exchange.is_empty() => Some(format!(
                "E-SINK-UNROUTABLE: the AMQP broker at {server} has no queue {key} in the vhost {} (it says {code}: {}); \
                 {KEPT}. Fix: start a consumer that declares the queue, or correct the queue (and the vhost in the \
                 url); nothing is declared from here",
                safe(vhost.as_bytes()),
                self.names.quote(text)
            )),
            Fate::Returned { code, text } => Some(format!(
                "E-SINK-UNROUTABLE: no queue at the AMQP broker at {server} is bound to the exchange {} with a key that \
                 matches {key} (it says {code}: {}); {KEPT}. Fix: start a consumer that binds its queue, or correct \
                 exchange and routing_key; nothing is declared from here",
                safe(exchange.as_bytes()),
                self.names.quote(text)
            )),
            Fate::Nack => Some(format!(
                "E-SINK-NACK: the AMQP broker at {server} could not keep a message for {key}; {AGAIN}. Fix: if the queue \
                 has a maximum length, let consumers drain it; else see the broker's log"
            )),
        }
    }
}
