//! One product's way through the services: ask the journal, send, write down.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::text::safe;
use products::items::{Item, Product as Parts, ProductError, Reading};
use products::wire::{self, Dialect, Registration, Request, TargetCopy};
use tokio::time::sleep;

use super::fault::{self, Fault};
use super::gate::NotSeen;
use super::pursuit::Pursued;
use super::rows;
use super::shop::{Interrupted, Shop};
use super::step::{Progress, Step};
use crate::journal::{JournalError, Note, Pursuit};
use crate::sink::Trouble;

/// What the original waits after a top item and after a child.
const STRICT_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(10));

/// So many refusals of one product are kept with the services' words.
const AT_LENGTH: usize = 100;
/// An item that is not READY is looked at so often more: the services may be at it just now.
const MORE_LOOKS: usize = 3;
/// The pause before each.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Where a product lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The event.
    pub(crate) seq: u64,
    /// The storage's root.
    pub(crate) root: PathBuf,
    /// Relative to it.
    pub(crate) path: Vec<u8>,
}

/// How a product's turn ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Every item is registered, every copy was accepted.
    Made,
    /// Its time was up.
    Underway(String),
    /// Something failed for now.
    Again(String),
    /// Something will never succeed.
    Refused(String),
    /// The sink as a whole is in trouble.
    Trouble(Trouble),
}

impl From<JournalError> for End {
    fn from(error: JournalError) -> Self {
        End::Trouble(Trouble::Down(format!(
            "E-DLM-JOURNAL: cannot write down what was done: {error}; nothing is lost, nothing more is sent until it \
             can be. Fix: free space in the state directory, or see to its disk"
        )))
    }
}

/// Whether products should go on.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    over: AtomicBool,
    stopped: AtomicBool,
}

impl Slice {
    /// It is the turn of others: each product ends when it has had its own.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The sink is in trouble: each product ends after its item in hand.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.end();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Makes a product, from where its journal says that it stands.
pub(crate) async fn make(shop: &Shop, place: &Place, slice: &Slice) -> End {
    match Making::open(shop, place, slice).await {
        Ok(None) => End::Made,
        Ok(Some(mut making)) => match making.all().await {
            Ok(()) => making.close().await.unwrap_or_else(|end| end),
            Err(end) => making.put_aside(end).await,
        },
        Err(end) => end,
    }
}

struct Making<'a> {
    shop: &'a Shop,
    place: &'a Place,
    slice: &'a Slice,
    items: Vec<Item>,
    progress: Progress,
    /// It was begun before: what is not recorded may be there already.
    unsure: bool,
    /// Done and not written down yet; it is before the next request.
    unwritten: Vec<Step>,
    /// Copies that are to be followed from the next commit on.
    pursued: Option<Pursued>,
    /// What failed for now, while its siblings went on.
    again: Option<String>,
    /// How long it took to read the tree.
    reading: Duration,
}

impl<'a> Making<'a> {
    /// Nothing where all is done already.
    async fn open(shop: &'a Shop, place: &'a Place, slice: &'a Slice) -> Result<Option<Self>, End> {
        let steps = shop.hands.journal.steps(place.seq).await?;
        let progress = Progress::of(&steps);
        if progress.done {
            return Ok(None);
        }
        let (parts, reading) = read(shop, place, slice).await?;
        let unsure = progress.unsure;
        let mut making = Self {
            shop,
            place,
            slice,
            items: parts.items,
            progress,
            unsure,
            unwritten: Vec::new(),
            pursued: None,
            again: None,
            reading,
        };
        if !making.take_earlier() && !unsure {
            making.did(Step::Begin);
        }
        for left in parts.left_out {
            let (name, why) = (safe(&left.name), left.why.as_str());
            if !making.progress.is_left_out(&name) {
                (shop.hands.remark)(&format!(
                    "W-DLM-LEFT: {name} is left out of its product: {why}; the rest is registered"
                ));
                making.did(Step::LeftOut { name, why: why.to_owned() });
            }
        }
        Ok(Some(making))
    }

    /// What an earlier program listed in the status file may be registered and copied: the services are asked
    /// first. Its word is not taken: that program may have watched another directory for another storage.
    fn take_earlier(&mut self) -> bool {
        let Some(top) = self.items.first() else { return false };
        if self.progress.uid(&top.name).is_some() || !self.shop.register().lists(&top.name) {
            return false;
        }
        self.did(Step::Begin);
        self.unsure = true;
        true
    }

    fn did(&mut self, step: Step) {
        self.progress.add(&step);
        self.unwritten.push(step);
    }

    /// The services will not take the item. Of many the first say why at length, the rest only the code.
    fn refuse(&mut self, item: &Item, mut why: String) {
        if self.progress.refused() >= AT_LENGTH {
            why.truncate(why.find(':').unwrap_or(why.len()));
        }
        self.did(Step::Refused { name: item.name.clone(), why });
    }

    /// Writes down what was done. After this, it is never done again.
    async fn write_down(&mut self) -> Result<(), End> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let steps = self.unwritten.iter().map(Step::encode).collect();
        let pursuit = self.pursued.as_ref().map_or(Pursuit::Keep, |pursued| Pursuit::Set(pursued.encode()));
        self.shop.hands.journal.note(Note { seq: self.place.seq, steps, pursuit }).await?;
        self.unwritten.clear();
        // Set once: by the next step the follower may be done with it.
        self.pursued = None;
        Ok(())
    }

    async fn all(&mut self) -> Result<(), End> {
        let begun = Instant::now();
        let (mut is_begun, first) = (false, self.take_up());
        for at in first..self.items.len() {
            let item = self.items[at].clone();
            // A tree that takes longer to read than a slice lasts would get nowhere: it works as long as it read.
            let had_its_turn = is_begun && begun.elapsed() >= self.reading;
            if self.slice.is_stopped() || (self.slice.is_over() && had_its_turn) {
                return Err(self.interrupt(&item));
            }
            if !self.is_finished(at, &item) {
                is_begun = true;
                self.item(at, &item).await?;
            }
        }
        Ok(())
    }

    /// The item to go on with.
    fn take_up(&mut self) -> usize {
        let Some(interrupted) = self.shop.interrupted(self.place.seq) else { return 0 };
        self.again = Some(interrupted.again);
        self.items.iter().position(|item| item.name == interrupted.next).unwrap_or(0)
    }

    /// The turn is over before this item.
    fn interrupt(&self, next: &Item) -> End {
        let (done, all) = (self.progress.registered(), self.items.len());
        let mut text = format!("under way: {done} of {all} items are registered");
        if let Some(again) = self.again.clone() {
            text = format!("{text}; not all can be for now: {again}");
            self.shop.interrupt(self.place.seq, Interrupted { next: next.name.clone(), again });
        }
        End::Underway(text)
    }

    /// Whether nothing is left to do for the item.
    fn is_finished(&self, at: usize, item: &Item) -> bool {
        let name = &item.name;
        let there = match self.goal(at) {
            Goal::Registered => true,
            Goal::Copied => self.progress.is_copied(name),
            Goal::OnTarget => self.progress.is_on_target(name),
        };
        self.progress.is_refused(name) || (there && self.progress.uid(name).is_some())
    }

    /// What is to become of an item besides its registration.
    fn goal(&self, at: usize) -> Goal {
        match (&self.shop.plan.target, at) {
            (None, _) => Goal::Registered,
            (Some(_), 0) => Goal::Copied,
            // The original copies the first child a second time: it comes with its parent.
            (Some(_), 1) if self.shop.plan.strict => Goal::Copied,
            (Some(_), _) => Goal::OnTarget,
        }
    }

    async fn item(&mut self, at: usize, item: &Item) -> Result<(), End> {
        let goal = self.goal(at);
        if self.progress.uid(&item.name).is_none() {
            self.register(at, item).await?;
        }
        if at == 0
            && !self.shop.plan.strict
            && let Some((_, _, why)) = self.progress.refusals()
        {
            // Its children would have no parent.
            return Err(End::Refused(why.to_owned()));
        }
        match goal {
            Goal::Copied => self.copy(item).await?,
            Goal::OnTarget if self.progress.uid(&item.name).is_some() => self.put_on_target(item).await?,
            // Nothing is copied: then the status file lists what was registered.
            Goal::Registered if at == 0 => self.list(item),
            Goal::OnTarget | Goal::Registered => {}
        }
        if self.shop.plan.strict {
            self.write_down().await?;
            sleep(if at == 0 { STRICT_PAUSES.0 } else { STRICT_PAUSES.1 }).await;
        }
        Ok(())
    }

    async fn register(&mut self, at: usize, item: &Item) -> Result<(), End> {
        if self.unsure && self.recognise(item).await? {
            return Ok(());
        }
        let top = self.items[0].name.clone();
        let parents = if at == 0 { None } else { self.progress.uid(&top).map(str::to_owned) };
        let request = wire::register_data_item(
            self.shop.dialect(),
            &Registration {
                item_name: &item.name,
                item_type: item.kind,
                storage_name: self.shop.storage(),
                parents: parents.as_deref(),
                decompressed_size: item.size,
                storage_access_check: self.shop.plan.access_check,
                metadata: item.metadata.as_deref(),
            },
        );
        self.write_down().await?;
        let answer = self.shop.client.ask(&request).await;
        let uid = answer.and_then(|value| rows::id(&value).ok_or_else(|| fault::unclear(&request, "no id")));
        match uid {
            Ok(uid) => self.did(Step::Registered { name: item.name.clone(), uid }),
            Err(Fault::Exists(_)) if !self.shop.plan.strict => self.confirm(item).await?,
            Err(fault) => self.failed(at == 0, item, fault)?,
        }
        Ok(())
    }

    /// The server may have the item from a request whose answer was lost.
    async fn recognise(&mut self, item: &Item) -> Result<bool, End> {
        self.write_down().await?;
        let mut found = self.shop.find(&item.name, &self.shop.storage_id).await;
        for _ in 0..MORE_LOOKS {
            if !matches!(&found, Ok(Some(row)) if !row.ready) {
                break;
            }
            sleep(LOOK_PAUSE).await;
            found = self.shop.find(&item.name, &self.shop.storage_id).await;
        }
        let row = match found {
            Ok(row) => row,
            Err(Fault::Refused(why)) => {
                self.refuse(item, why);
                return Ok(true);
            }
            Err(fault) => return Err(Self::halt(fault)),
        };
        let Some(row) = row else { return Ok(false) };
        if row.ready {
            self.did(Step::Known { name: item.name.clone(), uid: row.uid, oid: row.oid });
        } else {
            let why = half_made(&item.name, &row.uid);
            self.refuse(item, why);
        }
        Ok(true)
    }

    /// The server says that it has the item: it must show it.
    async fn confirm(&mut self, item: &Item) -> Result<(), End> {
        if self.recognise(item).await? {
            let Some(uid) = self.progress.uid(&item.name) else { return Ok(()) };
            if !self.unsure {
                (self.shop.hands.remark)(&format!(
                    "W-DLM-KNOWN: {} was registered before, as {uid}; the services keep its first content",
                    item.name
                ));
            }
            // Whoever registered it may have asked for its copy as well.
            self.unsure = true;
            return Ok(());
        }
        self.shop.doubt();
        Err(End::Again(format!(
            "E-DLM-ANSWER: the ingest service says that it has {}, but the request service shows none; nothing is lost, \
             it is tried again. Fix: see the services' logs",
            item.name
        )))
    }

    async fn copy(&mut self, item: &Item) -> Result<(), End> {
        let Some(target) = self.shop.plan.target.clone() else { return Ok(()) };
        let uid = self.progress.uid(&item.name).map(str::to_owned);
        if let Some(uid) = &uid
            && !self.progress.is_copied(&item.name)
        {
            match self.ask_for_copy(item, uid, &target).await {
                Ok(migration) => self.copied(item, uid, migration),
                Err(Stop::End(end)) => return Err(end),
                Err(Stop::Fault(fault)) => self.failed(true, item, fault)?,
            }
        }
        self.list(item);
        Ok(())
    }

    async fn ask_for_copy(&mut self, item: &Item, uid: &str, target: &str) -> Result<Option<i64>, Stop> {
        if self.unsure && self.is_on_target(item, target).await? {
            return Ok(None);
        }
        let request = wire::copy_data_item(uid, target);
        self.write_down().await?;
        let answer = self.shop.client.ask(&request).await?;
        if answer.is_object() {
            Ok(rows::migration_id(&answer))
        } else {
            Err(fault::unclear(&request, "no object").into())
        }
    }

    /// For the status file.
    fn list(&self, item: &Item) {
        if let Some(uid) = self.progress.uid(&item.name) {
            self.shop.register().add(&item.name, Some(uid), self.shop.now());
        }
    }

    fn copied(&mut self, item: &Item, uid: &str, migration: Option<i64>) {
        self.did(Step::Copied { name: item.name.clone(), uid: uid.to_owned(), migration });
        if self.shop.plan.follow_copies && !self.shop.plan.strict {
            let now = self.shop.now();
            self.pursued.get_or_insert_with(|| Pursued::at(self.place)).add(&item.name, uid, migration, now);
        }
    }

    async fn put_on_target(&mut self, item: &Item) -> Result<(), End> {
        let Some(target) = self.shop.plan.target.clone() else { return Ok(()) };
        match self.make_row_on_target(item, &target).await {
            Ok(()) => self.did(Step::OnTarget { name: item.name.clone() }),
            Err(Stop::End(end)) => return Err(end),
            Err(Stop::Fault(fault)) => self.failed(false, item, fault)?,
        }
        Ok(())
    }

    async fn make_row_on_target(&mut self, item: &Item, target: &str) -> Result<(), Stop> {
        if self.unsure && self.is_on_target(item, target).await? {
            return Ok(());
        }
        match self.shop.dialect() {
            Dialect::R21 => self.register_on_target(item, target).await,
            Dialect::Main => self.init_on_target(item, target).await,
        }
    }

    /// As the client 2.1 does it.
    async fn register_on_target(&mut self, item: &Item, target: &str) -> Result<(), Stop> {
        let request = wire::register_data_item(
            Dialect::R21,
            &Registration {
                item_name: &item.name,
                item_type: item.kind,
                storage_name: target,
                parents: None,
                decompressed_size: None,
                storage_access_check: false,
                metadata: item.metadata.as_deref(),
            },
        );
        self.write_down().await?;
        match self.ask_for_row(&request).await {
            Err(Fault::Exists(_)) if !self.shop.plan.strict && self.is_on_target(item, target).await? => {
                Ok(())
            }
            answer => Ok(answer?),
        }
    }

    /// Sends a request that makes a row, whose id is the answer.
    async fn ask_for_row(&self, request: &Request) -> Result<(), Fault> {
        let answer = self.shop.client.ask(request).await?;
        rows::id(&answer).map(drop).ok_or_else(|| fault::unclear(request, "no id"))
    }

    /// As the client's main branch does it.
    async fn init_on_target(&mut self, item: &Item, target: &str) -> Result<(), Stop> {
        let oid = self.oid(item).await?;
        let (id, phase) = self.shop.target(target).await.map(|row| (row.id.clone(), row.phase.clone()))?;
        let request = wire::init_data_item(&TargetCopy {
            item_name: &item.name,
            item_type: item.kind,
            oid: oid.as_deref(),
            storage_id: &id,
            uid_phase: &phase,
            uid_expiration: self.shop.expiration(target).as_deref(),
            decompressed_size: item.size,
        });
        self.write_down().await?;
        let made = self.ask_for_row(&request).await;
        if matches!(made, Err(Fault::Again(_))) {
            // As where a storage of that id is known no more.
            self.shop.doubt();
        }
        Ok(made?)
    }

    async fn oid(&mut self, item: &Item) -> Result<Option<String>, Stop> {
        if let Some(oid) = self.progress.oid(&item.name) {
            return Ok(Some(oid.to_owned()));
        }
        let Some(uid) = self.progress.uid(&item.name) else { return Ok(None) };
        let request = wire::query_data_item(uid);
        self.write_down().await?;
        let answer = self.shop.client.ask(&request).await;
        let row = answer.and_then(|value| {
            let rows = rows::items(&value).ok_or_else(|| fault::unclear(&request, "no list of items"))?;
            rows.into_iter()
                .next()
                .and_then(|row| row.oid)
                .ok_or_else(|| fault::unclear(&request, "no object id"))
        });
        match row {
            Ok(oid) => {
                self.did(Step::Oid { name: item.name.clone(), oid: oid.clone() });
                Ok(Some(oid))
            }
            // The original goes on without one, and the row on the target gets an id of its own.
            Err(_) if self.shop.plan.strict => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Whether the item has a row on the target storage.
    async fn is_on_target(&mut self, item: &Item, target: &str) -> Result<bool, Stop> {
        self.write_down().await?;
        match self.shop.find_on_target(&item.name, target).await {
            Ok(row) => Ok(row.is_some()),
            Err(fault @ Fault::Refused(_)) => Err(Stop::Fault(fault)),
            Err(fault) => Err(Stop::End(Self::halt(fault))),
        }
    }

    /// What a failed request of an item means: the end of the product's turn, or only of the item's.
    fn failed(&mut self, holds_up_all: bool, item: &Item, fault: Fault) -> Result<(), End> {
        let strict = self.shop.plan.strict;
        match fault {
            Fault::Unreached(_) => Err(Self::halt(fault)),
            fault if strict => {
                self.refuse(item, fault.text().to_owned());
                Ok(())
            }
            Fault::Busy(_) | Fault::Person(_) => Err(Self::halt(fault)),
            Fault::Again(text) | Fault::Exists(text) if holds_up_all => Err(End::Again(text)),
            Fault::Again(text) | Fault::Exists(text) => {
                // Its answer may say less than was done.
                self.unsure = true;
                self.again.get_or_insert(text);
                Ok(())
            }
            Fault::Refused(text) => {
                self.refuse(item, text.clone());
                if holds_up_all { Err(End::Refused(text)) } else { Ok(()) }
            }
        }
    }

    /// A failure that ends the product's turn whatever was asked.
    fn halt(fault: Fault) -> End {
        match fault {
            Fault::Again(text) => End::Again(text),
            other => End::Trouble(other.into_trouble()),
        }
    }

    /// Everything was tried.
    async fn close(&mut self) -> Result<End, End> {
        // Before the verdict, so that it is about the whole product: who is refused is not asked for again.
        if let Some(text) = self.again.take() {
            self.write_down().await?;
            return Ok(End::Again(text));
        }
        if let Some((count, name, why)) = self.progress.refusals() {
            let all = self.items.len();
            let text = format!("{why} ({count} of {all} items were refused, the first of them {name})");
            self.did(Step::Verdict);
            self.write_down().await?;
            return Ok(End::Refused(text));
        }
        self.did(Step::Done);
        self.write_down().await?;
        Ok(End::Made)
    }

    /// The turn ends before the end.
    async fn put_aside(&mut self, end: End) -> End {
        match &end {
            // Every request was answered: the next turn need not ask what became of them.
            End::Underway(_) if !self.unsure && self.again.is_none() => self.did(Step::Pause),
            End::Refused(_) => self.did(Step::Verdict),
            _ => {}
        }
        match self.write_down().await {
            Ok(()) => end,
            Err(worse) => worse,
        }
    }
}

enum Goal {
    Registered,
    Copied,
    OnTarget,
}

/// Why a request for an item's row on the target ended.
enum Stop {
    End(End),
    Fault(Fault),
}

impl From<End> for Stop {
    fn from(end: End) -> Self {
        Stop::End(end)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

fn half_made(name: &str, uid: &str) -> String {
    format!(
        "E-DLM-HALF: the services have {name} as {uid}, but it is not READY: an earlier request ended half-way, or it has \
         expired or was deleted there. It is not registered again, and not copied. Fix: have the item's state set or the item removed on the server, then \
         staithe dead retry"
    )
}

/// Reads the tree; gives how long that took, too.
async fn read(shop: &Shop, place: &Place, slice: &Slice) -> Result<(Parts, Duration), End> {
    let (root, path) = (place.root.clone(), place.path.clone());
    let reading = Reading { strict: shop.plan.strict, ..Reading::default() };
    let look = move || {
        let begun = Instant::now();
        (products::items::read(&root, &path, &reading), begun.elapsed())
    };
    match shop.gate.look(place.seq, || slice.is_over(), look).await {
        Ok((Ok(parts), took)) => Ok((parts, took)),
        Ok((Err(error), _)) => Err(unreadable(place, &error)),
        Err(NotSeen::Yet) => Err(End::Underway(format!(
            "under way: {} is still being read below {}, or waits until others are",
            safe(&place.path),
            place.root.display()
        ))),
        Err(NotSeen::NoThread) => Err(End::Again(format!(
            "E-DLM-READ: failed to read {}: no thread could do it; nothing is lost, it is tried again. Fix: see how many \
             threads this host allows",
            safe(&place.path)
        ))),
    }
}

fn unreadable(place: &Place, error: &ProductError) -> End {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        why.push_str(": ");
        why.push_str(&inner.to_string());
        cause = inner.source();
    }
    let root = place.root.display();
    match error {
        ProductError::Io { .. } => End::Again(format!(
            "E-DLM-READ: failed to {why} (below {root}); nothing is lost, it is tried again. Fix: see to its permissions"
        )),
        ProductError::Metadata { .. } | ProductError::MetadataKind { .. } => End::Refused(format!(
            "E-DLM-METADATA: failed to {why}; nothing of the product is registered. \
             Fix: correct that file below {root}, then staithe dead retry"
        )),
        ProductError::Gone { .. } => End::Refused(format!(
            "E-DLM-GONE: failed to {why}: what is not registered of it never will be. Fix: if it was wanted, put it back \
             below {root}, then staithe dead retry; else staithe dead purge"
        )),
        _ => End::Refused(format!(
            "E-DLM-PRODUCT: failed to {why}; it is not registered. Fix: put it below {root} as a file or a directory with \
             a name in UTF-8"
        )),
    }
}
