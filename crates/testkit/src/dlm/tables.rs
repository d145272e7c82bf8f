//! What a test asks about what the double knows.

use super::item::Item;
use super::store::{Migration, Storage};
use super::{Dlm, call};

/// What came of it.
impl Dlm {
    /// The rows on a storage, in order of insertion.
    ///
    /// # Panics
    ///
    /// When there is no such storage.
    #[must_use]
    pub fn items_on(&self, storage: &str) -> Vec<Item> {
        let store = self.desk.store();
        let id = store
            .storage_named(storage)
            .unwrap_or_else(|| panic!("there is no storage {storage}"))
            .id
            .clone();
        store.items.on_storage(&id).cloned().collect()
    }

    /// How many rows a storage has in this state (`READY`), without copying them.
    #[must_use]
    pub fn count_on(&self, storage: &str, state: &str) -> usize {
        let store = self.desk.store();
        let id = store
            .storage_named(storage)
            .unwrap_or_else(|| panic!("there is no storage {storage}"))
            .id
            .clone();
        store.items.on_storage(&id).filter(|item| item.item_state == state).count()
    }

    /// All rows, also those without a storage.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.desk.store().items.all().cloned().collect()
    }

    /// The row with this uid.
    #[must_use]
    pub fn item(&self, uid: &str) -> Option<Item> {
        self.desk.store().items.get(uid).cloned()
    }

    /// The copies that were asked for, in order.
    #[must_use]
    pub fn copies(&self) -> Vec<Migration> {
        self.desk.store().migrations.clone()
    }

    /// The storages, in order of insertion.
    #[must_use]
    pub fn storages(&self) -> Vec<Storage> {
        self.desk.store().storages.clone()
    }

    /// The storage of this name.
    #[must_use]
    pub fn storage_named(&self, name: &str) -> Option<Storage> {
        self.desk.store().storage_named(name).cloned()
    }

    /// The names of the locations.
    #[must_use]
    pub fn locations(&self) -> Vec<String> {
        self.desk.store().locations.iter().map(|one| one.name.clone()).collect()
    }

    /// Operations of the contract that the double answers with 501, because nobody measured what the real ones do.
    #[must_use]
    pub fn not_done(&self) -> Vec<String> {
        let operations = self.desk.contract.operations.iter();
        let missing = operations.filter(|one| call::handler(one.service, one.name()).is_none());
        missing.map(|one| one.name().to_owned()).collect()
    }
}
