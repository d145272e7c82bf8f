//! What a test asks of a server: a connection for each question, on threads of its own, so that it can be asked from
//! within an asynchronous test.

use std::collections::BTreeMap;
use std::time::Duration;

use lapin::options::{
    BasicGetOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message that was in a queue.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The exchange that it was published to.
    pub exchange: String,
    /// The key that it was published with.
    pub routing_key: String,
    /// What stands beside the body.
    pub properties: BasicProperties,
    /// The body.
    pub body: Vec<u8>,
}

impl Taken {
    /// The headers by name.
    #[must_use]
    pub fn headers(&self) -> BTreeMap<String, AMQPValue> {
        let table = self.properties.headers().clone().unwrap_or_default();
        table.inner().iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
    }
}

/// Asks one server.
#[derive(Debug)]
pub(super) struct Client {
    port: u16,
    /// Only taken at the end.
    runtime: Option<Runtime>,
}

impl Client {
    pub(super) fn new(port: u16) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime can be made");
        Self { port, runtime: Some(runtime) }
    }

    /// Whether the server lets us in and through to a channel.
    pub(super) fn is_welcome(&self) -> bool {
        if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            return false;
        }
        self.ask(async |_| Ok(())).is_ok()
    }

    pub(super) fn declare(&self, queue: &str) {
        self.declare_with(queue, true, FieldTable::default());
    }

    pub(super) fn declare_passing(&self, queue: &str) {
        self.declare_with(queue, false, FieldTable::default());
    }

    pub(super) fn declare_small(&self, queue: &str, most: u32) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(most.cast_signed()));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        self.declare_with(queue, true, arguments);
    }

    fn declare_with(&self, queue: &str, durable: bool, arguments: FieldTable) {
        let options = QueueDeclareOptions { durable, ..QueueDeclareOptions::default() };
        self.must(async move |channel: &Channel| {
            channel.queue_declare(queue.into(), options, arguments.clone()).await.map(drop)
        });
    }

    pub(super) fn declare_exchange(&self, exchange: &str, kind: &str) {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let kind = match kind {
            "direct" => ExchangeKind::Direct,
            "topic" => ExchangeKind::Topic,
            "fanout" => ExchangeKind::Fanout,
            other => ExchangeKind::Custom(other.to_owned()),
        };
        self.must(async move |channel: &Channel| {
            channel.exchange_declare(exchange.into(), kind.clone(), options, FieldTable::default()).await
        });
    }

    pub(super) fn bind(&self, queue: &str, exchange: &str, key: &str) {
        self.must(async move |channel: &Channel| {
            let options = QueueBindOptions::default();
            channel
                .queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default())
                .await
        });
    }

    pub(super) fn delete(&self, queue: &str) {
        self.must(async move |channel: &Channel| {
            channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.map(drop)
        });
    }

    /// How many messages are ready in the queue; `None` where there is no such queue.
    pub(super) fn count(&self, queue: &str) -> Option<u32> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.ask(async move |channel: &Channel| {
            let found = channel.queue_declare(queue.into(), options, FieldTable::default()).await;
            match found {
                Ok(found) => Ok(Some(found.message_count())),
                Err(error) if error.is_amqp_soft_error() => Ok(None),
                Err(error) => Err(error),
            }
        })
        .expect("the server answers")
    }

    pub(super) fn take_all(&self, queue: &str) -> Vec<Taken> {
        self.must(async move |channel: &Channel| {
            let mut all = Vec::new();
            while let Some(got) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await? {
                all.push(Taken {
                    exchange: got.delivery.exchange.to_string(),
                    routing_key: got.delivery.routing_key.to_string(),
                    properties: got.delivery.properties.clone(),
                    body: got.delivery.data.clone(),
                });
            }
            Ok(all)
        })
    }

    fn must<T: Send>(&self, question: impl AsyncFnOnce(&Channel) -> lapin::Result<T> + Send) -> T {
        self.ask(question).expect("the server does as it is asked")
    }

    /// A connection and a channel for one question.
    fn ask<T: Send>(
        &self,
        question: impl AsyncFnOnce(&Channel) -> lapin::Result<T> + Send,
    ) -> Result<T, String> {
        let runtime = self.runtime.as_ref().expect("it is there until the end");
        let url = format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port);
        let asked = async move || {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            let answer = question(&channel).await;
            let _ = connection.close(200, "done".into()).await;
            answer
        };
        let bounded = move || {
            runtime.block_on(async {
                match timeout(PATIENCE, asked()).await {
                    Ok(answer) => answer.map_err(|error: lapin::Error| error.to_string()),
                    Err(_) => Err("no answer".to_owned()),
                }
            })
        };
        // A test that is asynchronous itself must not wait for a runtime on its own thread.
        std::thread::scope(|scope| scope.spawn(bounded).join()).expect("the question does not panic")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
