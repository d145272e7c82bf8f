//! Who wants to be told what happens at the sinks.

use std::time::Duration;

use model::Parcel;
use sinks::Trouble;

/// Is told, on the runtime's threads: return soon, and wait for nothing.
pub trait Observer: Send + Sync {
    /// The sink has acknowledged these; the ledger records it with its next commit.
    fn delivered(&self, sink: &str, parcels: &[Parcel]) {
        let _ = (sink, parcels);
    }

    /// The sink as a whole failed and is tried again after `retry_in` ([`Duration::MAX`]: never).
    /// Told for each failure.
    fn trouble(&self, sink: &str, trouble: &Trouble, retry_in: Duration) {
        let _ = (sink, trouble, retry_in);
    }

    /// The sink works again after trouble.
    fn recovered(&self, sink: &str) {
        let _ = sink;
    }

    /// The sink has something to say that is about no failure of its own.
    fn remark(&self, sink: &str, text: &str) {
        let _ = (sink, text);
    }

    /// The event became a dead letter.
    fn dead(&self, sink: &str, parcel: &Parcel, error: &str) {
        let _ = (sink, parcel, error);
    }
}

/// Wants to know nothing.
impl Observer for () {}
