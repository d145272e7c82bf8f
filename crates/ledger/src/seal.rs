//! From an admission and its place to an id, frozen bytes and the event kept in memory.

use std::sync::Arc;

use model::{Event, EventId, Frozen, Identity};

use crate::entry::Admission;
use crate::lineage::Place;
use crate::options::RouteId;
use crate::recent::Stored;

/// The names that go into ids and events.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) site: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) root: Arc<[u8]>,
}

fn identity<'a>(origin: &'a Origin, admission: &'a Admission, place: &Place) -> Identity<'a> {
    Identity {
        site: &origin.site,
        source: &origin.source,
        path: &admission.path,
        kind: admission.kind,
        fingerprint: admission.fingerprint,
        recurrence: place.recurrence,
    }
}

/// The id alone, for what is not announced.
pub(crate) fn id(origin: &Origin, admission: &Admission, place: &Place) -> EventId {
    identity(origin, admission, place).id()
}

/// The id and the bytes, once and for all.
pub(crate) fn freeze(origin: &Origin, admission: &Admission, place: &Place) -> Frozen {
    let event = Event {
        identity: identity(origin, admission, place),
        root: &origin.root,
        time: admission.time,
        generation: place.number,
        supersedes: place.supersedes,
        mode: admission.mode,
        rule: &admission.rule,
        signals: admission.signals,
        waited_ms: admission.waited_ms,
        backend: admission.backend,
        cause: admission.cause,
        members: admission.members.as_deref(),
        moved: admission.moved.as_deref(),
    };
    event.freeze()
}

/// The event as it is kept in memory.
pub(crate) fn stored(
    origin: &Origin,
    admission: &Admission,
    place: &Place,
    route: RouteId,
    seq: u64,
    frozen: Frozen,
) -> Stored {
    Stored {
        seq,
        route,
        source: Arc::clone(&origin.source),
        root: Arc::clone(&origin.root),
        path: admission.path.clone(),
        frozen,
        cause: admission.cause,
        kind: admission.kind,
        admitted: admission.time,
        size: admission.fingerprint.size,
        mtime: admission.fingerprint.mtime,
        generation: place.number,
    }
}
