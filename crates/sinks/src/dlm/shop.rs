//! What all products of one sink share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::{DlmDialect, DlmSink};
use model::Stamp;
use products::wire::{self, Dialect};
use tokio::sync::OnceCell;

use super::client::Client;
use super::fault::Fault;
use super::gate::Gate;
use super::register::Register;
use super::rows::{self, ItemRow, StorageRow};
use crate::journal::Hands;

/// Everything that does not belong to one product.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) plan: DlmSink,
    pub(crate) hands: Hands,
    pub(crate) client: Client,
    /// The id of the storage that items are registered on.
    pub(crate) storage_id: String,
    /// Asked for at the start, or when it is needed.
    target: OnceCell<StorageRow>,
    /// What was registered, for the status file.
    register: Arc<Mutex<Register>>,
    /// The services contradict what they said at the start: they were set up anew, perhaps.
    stale: AtomicBool,
    /// Looks at the tree.
    pub(crate) gate: Arc<Gate>,
    /// Products that were interrupted while some of their items failed for now.
    interrupted: Mutex<HashMap<u64, Interrupted>>,
}

/// Where a product goes on, so that items that fail first do not take every turn from those behind them.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// The item that is next.
    pub(crate) next: String,
    /// What failed before it.
    pub(crate) again: String,
}

impl Shop {
    pub(crate) fn new(
        plan: DlmSink,
        hands: Hands,
        client: Client,
        storage_id: String,
        target: Option<StorageRow>,
        register: Arc<Mutex<Register>>,
        gate: Arc<Gate>,
    ) -> Self {
        let target = target.map_or_else(OnceCell::new, |row| OnceCell::new_with(Some(row)));
        let (stale, interrupted) = (AtomicBool::new(false), Mutex::default());
        Self { plan, hands, client, storage_id, target, register, stale, gate, interrupted }
    }

    /// The storage's name; the original falls back on it, too.
    pub(crate) fn storage(&self) -> &str {
        storage_name(&self.plan)
    }

    pub(crate) fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found out at the start holds no more, it seems.
    pub(crate) fn doubt(&self) {
        self.stale.store(true, Ordering::Relaxed);
    }

    /// Whether that was said.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// Where the product goes on; it is told once.
    pub(crate) fn interrupted(&self, seq: u64) -> Option<Interrupted> {
        self.interrupted.lock().unwrap_or_else(PoisonError::into_inner).remove(&seq)
    }

    /// The product goes on there.
    pub(crate) fn interrupt(&self, seq: u64, at: Interrupted) {
        self.interrupted.lock().unwrap_or_else(PoisonError::into_inner).insert(seq, at);
    }

    /// The shapes of the requests.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.plan.dialect {
            DlmDialect::V20 | DlmDialect::V21 => Dialect::R21,
            DlmDialect::Main => Dialect::Main,
        }
    }

    pub(crate) fn now(&self) -> Stamp {
        (self.hands.now)()
    }

    /// The target storage.
    pub(crate) async fn target(&self, name: &str) -> Result<&StorageRow, Fault> {
        self.target.get_or_try_init(|| query_target(&self.client, name)).await
    }

    /// The rows of that name on the storage.
    pub(crate) async fn find(&self, name: &str, storage_id: &str) -> Result<Option<ItemRow>, Fault> {
        let request = wire::query_data_item_named(name, storage_id);
        let answer = self.client.ask(&request).await?;
        let rows = rows::items(&answer).ok_or_else(|| super::fault::unclear(&request, "no list of items"))?;
        // Of several the one that is whole; a half-made one is news only where there is no other.
        Ok(rows.iter().find(|row| row.ready).or(rows.first()).cloned())
    }

    /// The same on the target storage.
    pub(crate) async fn find_on_target(&self, name: &str, target: &str) -> Result<Option<ItemRow>, Fault> {
        let id = self.target(target).await?.id.clone();
        self.find(name, &id).await
    }

    /// How long until a copy's row on the target expires, as the original sends it.
    pub(crate) fn expiration(&self, target: &str) -> Option<String> {
        const YEAR: Duration = Duration::from_hours(365 * 24);
        (target == "dlm-archive").then(|| local_time(self.now(), YEAR))
    }
}

/// The name of the storage that items are registered on.
pub(crate) fn storage_name(plan: &DlmSink) -> &str {
    plan.storage.as_deref().unwrap_or("dir-watcher")
}

/// Asks for the target storage: there must be exactly one.
pub(crate) async fn query_target(client: &Client, name: &str) -> Result<StorageRow, Fault> {
    let request = wire::query_storage(name);
    let answer = client.ask(&request).await?;
    let mut found =
        rows::storages(&answer).ok_or_else(|| super::fault::unclear(&request, "no list of storages"))?;
    match (found.pop(), found.is_empty()) {
        (Some(row), true) => Ok(row),
        (found, _) => Err(Fault::Again(format!(
            "E-DLM-TARGET: the storage service knows {} target storage \"{name}\"; nothing is lost, products wait until \
             there is exactly one. Fix: make that storage, or correct target",
            if found.is_none() { "no" } else { "more than one" }
        ))),
    }
}

/// Local time without a zone, with microseconds.
fn local_time(now: Stamp, later: Duration) -> String {
    let at = jiff::Timestamp::new(now.sec, now.nsec as i32).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let at = at.checked_add(later).unwrap_or(at);
    let zoned = at.to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiration_is_local_time_in_a_year_with_microseconds() {
        let text = local_time(Stamp::new(1_795_226_623, 123_456_789), Duration::from_hours(365 * 24));
        assert!(text.starts_with("2027-11-2") && text.ends_with(".123456"), "{text}");
        assert_eq!(text.len(), "2027-11-21T02:03:04.123456".len());
    }
}
