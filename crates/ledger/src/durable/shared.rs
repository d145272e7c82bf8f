//! What the writer, the readers and the callers have in common.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::answer::Health;
use crate::hooks::Hooks;
use crate::names::Names;
use crate::options::Durability;
use crate::recent::Recent;
use crate::tally::Tallies;

use super::arrears::Arrears;
use super::filter::Filter;
use super::intake::Intake;
use super::passing::Passed;
use super::queue::Handed;
use super::readers::Readers;

/// The shared parts of a durable ledger.
pub(crate) struct Shared {
    pub(crate) site: Arc<str>,
    /// The database file.
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) intake: Intake,
    pub(crate) hooks: Hooks,
    pub(crate) readers: Readers,
    /// This run had to start over: unknown sources count as scanned before.
    pub(crate) started_over: bool,
    /// Transactions committed since opening.
    pub(crate) commits: AtomicU64,
    names: RwLock<Names>,
    /// As of the last commit.
    tallies: Mutex<Tallies>,
    /// As of the last commit.
    recent: Mutex<Recent>,
    arrears: Mutex<Arrears>,
    /// The keys of everything that was or will be in the path index.
    filter: Mutex<Filter>,
    health: Mutex<Health>,
    handed: Mutex<Handed>,
    /// As of the last commit.
    passed: Mutex<Passed>,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let recent = Recent::at(parts.tallies.end);
        Self {
            site: parts.site,
            readers: Readers::new(&parts.path),
            path: parts.path,
            durability: parts.durability,
            intake: Intake::default(),
            hooks: Hooks::default(),
            started_over: parts.started_over,
            commits: AtomicU64::new(0),
            names: RwLock::new(parts.names),
            tallies: Mutex::new(parts.tallies),
            recent: Mutex::new(recent),
            arrears: Mutex::new(parts.arrears),
            filter: Mutex::new(parts.filter),
            health: Mutex::new(Health::Ok),
            handed: Mutex::new(Handed::default()),
            passed: Mutex::new(Passed::default()),
        }
    }

    pub(crate) fn names(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only for the writer.
    pub(crate) fn names_mut(&self) -> RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names and newest events, if nobody holds them: the writer may have the names while the disk is slow.
    pub(crate) fn newest_at_once(&self) -> Option<(RwLockReadGuard<'_, Names>, MutexGuard<'_, Recent>)> {
        Some((self.names.try_read().ok()?, self.recent.try_lock().ok()?))
    }

    pub(crate) fn arrears(&self) -> MutexGuard<'_, Arrears> {
        self.arrears.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn filter(&self) -> MutexGuard<'_, Filter> {
        self.filter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn handed(&self) -> MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it can be written, and whether what was read of it was as it was written.
    pub(crate) fn health(&self) -> Health {
        match self.health.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Health::Ok => self.readers.damage().map_or(Health::Ok, Health::Damaged),
            health => health,
        }
    }

    /// Remembers whether commits succeed.
    pub(crate) fn set_health(&self, now: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Gives the parts back, with other numbers.
    pub(crate) fn into_parts(self, tallies: Tallies) -> Parts {
        self.readers.close();
        Parts {
            site: self.site,
            path: self.path,
            durability: self.durability,
            started_over: self.started_over,
            names: self.names.into_inner().unwrap_or_else(PoisonError::into_inner),
            tallies,
            arrears: self.arrears.into_inner().unwrap_or_else(PoisonError::into_inner),
            filter: self.filter.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }

    pub(crate) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a durable ledger is made of.
pub(crate) struct Parts {
    pub(crate) site: Arc<str>,
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) started_over: bool,
    pub(crate) names: Names,
    pub(crate) tallies: Tallies,
    pub(crate) arrears: Arrears,
    pub(crate) filter: Filter,
}
