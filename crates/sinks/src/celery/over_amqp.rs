//! Tasks over AMQP: to the queue by the default exchange, as Celery does it, or to an exchange.

use std::time::Duration;

use config::{CelerySink, Secret, SinkPlan};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use model::Parcel;

use super::maker::{Made, Maker, rejected};
use super::message::{Header, Message};
use crate::amqp::{Broker, Fate, Outgoing, short};
use crate::registry::BuildError;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};
use crate::tls::TlsFiles;

/// The property `delivery_mode` of a message that a queue keeps on disk.
const PERSISTENT: u8 = 2;
/// Where the broker took a part of a batch, the rest comes again after so long.
const REST: Duration = Duration::from_secs(1);

/// Publishes tasks.
#[derive(Debug)]
pub(super) struct OverAmqp {
    broker: Broker,
    maker: Maker,
    /// What the making of messages leaves of the sink's time.
    within: Duration,
    /// `None` where its name is too long to be one.
    queue: Option<ShortString>,
}

/// Builds the sink. Nothing is opened and nobody is asked.
pub(super) fn build(
    plan: &SinkPlan,
    celery: &CelerySink,
    url: &Secret,
    maker: Maker,
) -> Result<OverAmqp, BuildError> {
    let tls = TlsFiles { authority: celery.ca_file.clone(), client: celery.client_cert.clone() };
    let exchange = celery.exchange.as_deref().unwrap_or_default();
    let broker = Broker::new(url, tls, exchange, plan.timeout)
        .map_err(|error| BuildError::AmqpUrl { name: plan.name.clone(), error })?;
    let within = plan.timeout.saturating_sub(maker.share());
    Ok(OverAmqp { broker, maker, within, queue: short(celery.queue.as_str()) })
}

impl OverAmqp {
    /// Whether TLS files were given to a connection that uses none.
    pub(super) fn ignores_tls_files(&self) -> bool {
        self.broker.ignores_tls_files()
    }

    async fn offer(&mut self, batch: &[Parcel]) -> Result<Vec<Outcome>, Trouble> {
        let made = self.maker.make(batch).await;
        let ready: Vec<_> =
            made.into_iter().zip(batch).map(|(made, parcel)| outgoing(made, parcel)).collect();
        let messages: Vec<Outgoing> = ready.iter().filter_map(|one| one.as_ref().ok()).cloned().collect();
        let fates = self.broker.publish_within(&messages, self.within).await?;
        // All tasks go one way. Where none was taken, none will be: the next one need not be tried for that.
        if !fates.is_empty() && !fates.contains(&Fate::Taken) {
            return Err(Trouble::Down(self.words(&fates[0], &messages[0])));
        }
        let mut published = fates.iter().zip(&messages);
        let outcome = |one: Result<Outgoing, Outcome>| match (one, &mut published) {
            (Err(outcome), _) => outcome,
            // There is one fate for each message.
            (Ok(_), published) => match published.next() {
                Some((Fate::Taken, _)) | None => Outcome::Delivered,
                Some((fate, message)) => Outcome::PutOff(REST, self.words(fate, message)),
            },
        };
        Ok(ready.into_iter().map(outcome).collect())
    }

    fn words(&self, fate: &Fate, message: &Outgoing) -> String {
        self.broker.words(fate, message.routing_key.as_str()).unwrap_or_default()
    }

    async fn count(&mut self) -> Result<Option<u64>, Trouble> {
        let Some(queue) = &self.queue else { return Ok(None) };
        Ok(self.broker.count(queue).await?.map(u64::from))
    }
}

/// The message as it is published, or what becomes of the event without.
fn outgoing(made: Made, parcel: &Parcel) -> Result<Outgoing, Outcome> {
    match made {
        Made::Not(outcome) => Err(outcome),
        Made::Message(message) => packed(*message).ok_or_else(|| {
            let why =
                "the name of the exchange or the routing key is longer than the 255 bytes that AMQP allows";
            Outcome::Rejected(rejected(parcel, why))
        }),
    }
}

fn packed(message: Message) -> Option<Outgoing> {
    let headers = table(&message.headers);
    let properties = BasicProperties::default()
        .with_content_type(message.content_type.into())
        .with_content_encoding(message.content_encoding.into())
        .with_headers(headers)
        .with_delivery_mode(PERSISTENT)
        .with_priority(message.priority)
        .with_correlation_id(short(message.correlation_id)?)
        .with_reply_to(short(message.reply_to)?);
    let (exchange, routing_key) = (short(message.exchange)?, short(message.routing_key)?);
    Some(Outgoing { exchange, routing_key, properties, body: message.body })
}

/// Sorted by name, as the library keeps it; workers do not mind.
fn table(members: &[(&'static str, Header)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in members {
        table.insert((*name).into(), field(value));
    }
    table
}

fn field(header: &Header) -> AMQPValue {
    match header {
        Header::Text(text) => AMQPValue::LongString(text.as_str().into()),
        Header::Null => AMQPValue::Void,
        Header::Int(number) => AMQPValue::LongInt(*number),
        Header::Flag(flag) => AMQPValue::Boolean(*flag),
        Header::List(items) => {
            AMQPValue::FieldArray(FieldArray::from(items.iter().map(field).collect::<Vec<_>>()))
        }
        Header::Table(members) => AMQPValue::FieldTable(table(members)),
    }
}

impl Sink for OverAmqp {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(self.offer(batch))
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.broker.look())
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        Box::pin(self.count())
    }

    fn reopen(&mut self) {
        self.broker.reopen();
    }

    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.broker.close(within))
    }
}
