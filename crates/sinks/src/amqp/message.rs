//! What is published, and what became of it.

use lapin::BasicProperties;
use lapin::types::ShortString;

/// One message, ready to be published.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Empty for the default exchange.
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    /// With a `message_id` or a `correlation_id` that no other message of the batch has.
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

impl Outgoing {
    /// Whether the properties are those of this message.
    pub(super) fn is_known_by(&self, properties: &BasicProperties) -> bool {
        let ids = |of: &BasicProperties| (of.message_id().clone(), of.correlation_id().clone());
        ids(&self.properties) == ids(properties)
    }
}

/// What the broker said to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has it.
    Taken,
    /// Nobody is bound under its key.
    Returned { code: u16, text: String },
    /// It could not keep it, or a queue is full.
    Nack,
}

/// The protocol has one byte for the length of a name; the library would send garbage.
pub(crate) fn short(text: impl Into<String>) -> Option<ShortString> {
    ShortString::try_new(text).ok()
}
