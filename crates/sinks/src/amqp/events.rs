//! The `amqp` sink: each event as one message.

use std::time::Duration;

use config::{AmqpSink, Argument, Format, Piece};
use lapin::BasicProperties;
use lapin::types::ShortString;
use model::Parcel;
use model::text::safe;

use super::broker::Broker;
use super::message::{Fate, Outgoing, short};
use crate::facts::{Facts, Uids};
use crate::format::encode;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// The property `delivery_mode` of a message that a queue keeps on disk.
const PERSISTENT: u8 = 2;

/// Publishes events.
#[derive(Debug)]
pub(crate) struct Events {
    broker: Broker,
    exchange: String,
    routing_key: String,
    format: Format,
}

impl Events {
    pub(super) fn new(broker: Broker, amqp: &AmqpSink, format: Format) -> Self {
        Self { broker, exchange: amqp.exchange.clone(), routing_key: amqp.routing_key.clone(), format }
    }

    async fn offer(&mut self, batch: &[Parcel]) -> Result<Vec<Outcome>, Trouble> {
        let made: Vec<_> = batch.iter().map(|parcel| self.message(parcel)).collect();
        let messages: Vec<Outgoing> = made.iter().filter_map(|made| made.as_ref().ok()).cloned().collect();
        let mut fates = self.broker.publish(&messages).await?.into_iter();
        let outcomes = made.into_iter().map(|made| match made {
            // There is one fate for each message.
            Ok(message) => match fates.next().unwrap_or(Fate::Nack) {
                Fate::Taken => Outcome::Delivered,
                // The keys of events may differ, so it is this event that was refused, and the others go.
                fate => {
                    Outcome::Retry(self.broker.words(&fate, message.routing_key.as_str()).unwrap_or_default())
                }
            },
            Err(why) => Outcome::Rejected(why),
        });
        Ok(outcomes.collect())
    }

    fn message(&self, parcel: &Parcel) -> Result<Outgoing, String> {
        let routing_key = self.key(parcel);
        let (Some(exchange), Some(key)) = (short(self.exchange.as_str()), short(routing_key.as_str())) else {
            return Err(format!(
                "E-SINK-KEY: the exchange's name or the routing key {routing_key} is longer than the 255 bytes that AMQP \
                 allows; the event cannot be sent. Fix: use other fields in routing_key, then staithe dead retry"
            ));
        };
        let mut body = Vec::new();
        encode(&self.format, parcel, &mut body);
        let properties = BasicProperties::default()
            .with_content_type(ShortString::from(content_type(&self.format)))
            .with_delivery_mode(PERSISTENT)
            .with_message_id(ShortString::from(String::from_utf8_lossy(&parcel.event.id.hex()).into_owned()))
            .with_type(ShortString::from(parcel.type_name()))
            .with_app_id(ShortString::from("staithe"));
        Ok(Outgoing { exchange, routing_key: key, properties, body })
    }

    /// A dot in a value would make one word of a topic's key into two.
    fn key(&self, parcel: &Parcel) -> String {
        let Ok(pieces) = Argument::pieces(&self.routing_key) else { return self.routing_key.clone() };
        let uids = Uids::default();
        let facts = Facts::of(parcel, &uids);
        let text = |piece: &Piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Field(name) => safe(&facts.text(&format!("{{{name}}}"))).replace('.', "_"),
        };
        pieces.iter().map(text).collect()
    }
}

const fn content_type(format: &Format) -> &'static str {
    match format {
        Format::CloudEvents => "application/cloudevents+json",
        Format::Flat | Format::Metwork => "application/json",
        Format::Path | Format::Template(_) => "application/octet-stream",
    }
}

impl Sink for Events {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(self.offer(batch))
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.broker.look())
    }

    fn reopen(&mut self) {
        self.broker.reopen();
    }

    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.broker.close(within))
    }
}
