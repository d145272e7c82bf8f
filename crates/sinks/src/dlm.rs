//! The SKA Data Lifecycle Management services: each unit is a data product, made of items.
//!
//! A product takes several requests to four services. What was answered is written down before the
//! next request, so that a crash at any point resumes there; `docs/design/dlm.md` says how.

mod client;
mod fault;
mod follow;
mod gate;
mod keys;
mod product;
mod pursuit;
mod register;
mod rows;
mod shop;
mod startup;
mod step;

use std::collections::VecDeque;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use config::DlmSink;
use model::{Kind, Parcel};
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};
use tokio::time::sleep;

use self::client::Client;
use self::gate::Gate;
use self::product::{End, Place, Slice, make};
use self::register::Register;
use self::shop::Shop;
pub use self::step::{copy_standing, describe};
use crate::journal::Hands;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// After so long products end after their request in hand, so that others get their turn.
const SLICE: Duration = Duration::from_secs(5);
/// So many products are offered with one call for each that may be under way.
const OFFERED: usize = 4;
/// A product that is cut off so often in a row, though the services are there, is put off.
const CUT_OFF: u32 = 3;
/// And for so long.
const PUT_OFF: Duration = Duration::from_mins(1);
/// The status file is written at most so often.
const STATUS_PAUSE: Duration = Duration::from_millis(500);

/// Registers products and has them copied.
#[derive(Debug)]
pub struct Dlm {
    plan: DlmSink,
    timeout: Duration,
    hands: Hands,
    shop: Option<Arc<Shop>>,
    /// What is listed in the status file; it outlives what is arranged with the services.
    register: Option<Arc<Mutex<Register>>>,
    /// What hangs there hangs whatever is arranged.
    gate: Arc<Gate>,
    /// The event that was offered alone and failed with all of the sink, and how often in a row.
    suspect: Option<(u64, u32)>,
    /// Ends with the sink.
    background: Vec<AbortOnDrop>,
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Dlm {
    /// A sink for the services that `plan` names. Nobody is asked.
    #[must_use]
    pub fn new(plan: DlmSink, timeout: Duration, hands: Hands) -> Self {
        Self {
            plan,
            timeout,
            hands,
            shop: None,
            register: None,
            gate: Arc::default(),
            suspect: None,
            background: Vec::new(),
        }
    }

    async fn open(&mut self) -> Result<Arc<Shop>, Trouble> {
        if let Some(shop) = &self.shop {
            return Ok(Arc::clone(shop));
        }
        let register = self.open_register().await?;
        let client = Client::open(&self.plan, self.timeout).await?;
        let arranged = startup::arrange(&client, &self.plan, &self.hands).await?;
        let startup::Arranged { storage_id, target } = arranged;
        let (plan, hands, gate) = (self.plan.clone(), self.hands.clone(), Arc::clone(&self.gate));
        let shop = Arc::new(Shop::new(plan, hands, client, storage_id, target, register, gate));
        self.shop = Some(Arc::clone(&shop));
        self.start_background(&shop);
        Ok(shop)
    }

    async fn open_register(&mut self) -> Result<Arc<Mutex<Register>>, Trouble> {
        if let Some(register) = &self.register {
            return Ok(Arc::clone(register));
        }
        let (path, reload) =
            (self.plan.status_file.clone(), self.plan.reload_status_file && !self.plan.strict);
        let register = spawn_blocking(move || Register::open(path.as_deref(), reload));
        let stopping = |_| Trouble::Down("E-DLM-STOPPING: the program is stopping".into());
        let register = register.await.map_err(stopping)?.map_err(Trouble::Misconfigured)?;
        Ok(Arc::clone(self.register.insert(Arc::new(Mutex::new(register)))))
    }

    fn start_background(&mut self, shop: &Arc<Shop>) {
        let mut start = |task: AbortHandle| self.background.push(AbortOnDrop(task));
        if self.plan.follow_copies && self.plan.target.is_some() && !self.plan.strict {
            start(tokio::spawn(follow::follow(Arc::clone(shop))).abort_handle());
        }
        if self.plan.status_file.is_some() {
            start(tokio::spawn(keep_status_file(Arc::clone(shop))).abort_handle());
        }
    }

    /// Where the product of an event lies.
    fn place(&self, parcel: &Parcel) -> Result<Place, String> {
        let source = PathBuf::from(std::ffi::OsStr::from_bytes(&parcel.root));
        if self.plan.storage.is_none() {
            return Err(format!(
                "E-DLM-STORAGE: no storage is named, so nothing of {} is registered. Fix: set storage, then staithe dead \
                 retry",
                source.display()
            ));
        }
        let root = self.plan.root.clone().unwrap_or_else(|| source.clone());
        let below = source.strip_prefix(&root).map_err(|_| {
            format!(
                "E-DLM-ROOT: {} does not lie below the storage's root {}; it is not registered. Fix: correct root, then \
                 staithe dead retry",
                source.display(),
                root.display()
            )
        })?;
        let path = below.join(std::ffi::OsStr::from_bytes(&parcel.path));
        let path = path.as_os_str().as_bytes();
        let path = path.strip_suffix(b"/").unwrap_or(path).to_vec();
        Ok(Place { seq: parcel.seq, root, path })
    }

    async fn make_all(&mut self, batch: &[Parcel]) -> Result<Vec<Outcome>, Trouble> {
        let shop = self.open().await?;
        let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
        let mut places = Vec::new();
        for (at, parcel) in batch.iter().enumerate() {
            match (parcel.kind, self.place(parcel)) {
                // Removals, gaps and event streams have no counterpart there.
                (Kind::Removal { .. } | Kind::Gap { .. } | Kind::Happening(_), _) => {
                    outcomes[at] = Some(Outcome::Delivered);
                }
                (_, Err(why)) => outcomes[at] = Some(Outcome::Rejected(why)),
                (_, Ok(place)) => places.push((at, place)),
            }
        }
        let trouble = run(&shop, chains(places), usize::from(self.plan.parallel.max(1)), &mut outcomes).await;
        // A product that is interrupted is not through with what it knows.
        let failed = outcomes.iter().any(|outcome| matches!(outcome, Some(Outcome::Retry(_))));
        let contradicted =
            (failed && shop.is_in_doubt()) || matches!(trouble, Some(Trouble::Misconfigured(_)));
        if contradicted && !self.plan.strict {
            // The services may have been set up anew: the next call arranges everything again.
            self.reopen();
        }
        match trouble {
            Some(trouble) => self.blame(&shop, batch, trouble).await,
            None => Ok(outcomes.into_iter().map_while(|outcome| outcome).collect()),
        }
    }
}

impl Dlm {
    /// After trouble the lane offers one event alone until it is well again. Where that one is cut off each time
    /// while all services take connections, it may be its own fault: others get their turn.
    async fn blame(
        &mut self,
        shop: &Shop,
        batch: &[Parcel],
        trouble: Trouble,
    ) -> Result<Vec<Outcome>, Trouble> {
        let [only] = batch else { return Err(trouble) };
        let before = self.suspect.filter(|(seq, _)| *seq == only.seq).map_or(0, |(_, times)| times);
        self.suspect = Some((only.seq, before + 1));
        if self.plan.strict || before + 1 < CUT_OFF || shop.client.reach(self.timeout).await.is_err() {
            return Err(trouble);
        }
        self.suspect = None;
        Ok(vec![Outcome::PutOff(PUT_OFF, trouble.to_string())])
    }
}

/// Products that must not be under way at once: those of equal names, and those within each other.
fn chains(places: Vec<(usize, Place)>) -> VecDeque<Vec<(usize, Place)>> {
    let mut chains: VecDeque<Vec<(usize, Place)>> = VecDeque::new();
    for (at, place) in places {
        let meets = |(_, other): &(usize, Place)| {
            let (one, other) = (
                Path::new(std::ffi::OsStr::from_bytes(&place.path)),
                Path::new(std::ffi::OsStr::from_bytes(&other.path)),
            );
            one.starts_with(other) || other.starts_with(one)
        };
        let mut joined = vec![];
        let mut rest = VecDeque::new();
        for chain in chains {
            if chain.iter().any(meets) { joined.extend(chain) } else { rest.push_back(chain) }
        }
        joined.push((at, place));
        joined.sort_unstable_by_key(|(at, _)| *at);
        rest.push_back(joined);
        chains = rest;
    }
    // The first of a call must get its turn, or the call says nothing at all.
    chains.make_contiguous().sort_by_key(|chain| chain.first().map(|(at, _)| *at));
    chains
}

/// Makes products side by side until all are made, the slice is over, or the sink is in trouble.
async fn run(
    shop: &Arc<Shop>,
    mut chains: VecDeque<Vec<(usize, Place)>>,
    parallel: usize,
    outcomes: &mut [Option<Outcome>],
) -> Option<Trouble> {
    let slice = Arc::new(Slice::default());
    let mut tasks = JoinSet::new();
    let mut trouble = None;
    let end_of_slice = sleep(SLICE);
    tokio::pin!(end_of_slice);
    loop {
        while tasks.len() < parallel
            && !slice.is_over()
            && let Some(chain) = chains.pop_front()
        {
            tasks.spawn(make_chain(Arc::clone(shop), chain, Arc::clone(&slice)));
        }
        let joined = tokio::select! {
            joined = tasks.join_next() => joined,
            () = &mut end_of_slice, if !slice.is_over() => { slice.end(); continue }
        };
        let Some(joined) = joined else { return trouble };
        let ends = match joined {
            Ok(ends) => ends,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => continue,
        };
        for (at, end) in ends {
            match end {
                End::Trouble(found) => {
                    slice.stop();
                    trouble.get_or_insert(found);
                }
                other => outcomes[at] = Some(outcome(other)),
            }
        }
    }
}

fn outcome(end: End) -> Outcome {
    match end {
        End::Made => Outcome::Delivered,
        End::Underway(progress) => Outcome::Underway(progress),
        End::Again(text) => Outcome::Retry(text),
        End::Refused(text) => Outcome::Rejected(text),
        // Taken out before.
        End::Trouble(trouble) => Outcome::Retry(trouble.to_string()),
    }
}

async fn make_chain(shop: Arc<Shop>, chain: Vec<(usize, Place)>, slice: Arc<Slice>) -> Vec<(usize, End)> {
    let mut ends = Vec::with_capacity(chain.len());
    for (at, place) in chain {
        // One that was not begun is not spoken of; the first of a call is begun whatever the time is.
        if slice.is_over() && at != 0 {
            break;
        }
        let end = make(&shop, &place, &slice).await;
        let is_last = !matches!(end, End::Made | End::Refused(_));
        ends.push((at, end));
        if is_last {
            break;
        }
    }
    ends
}

/// Writes the status file now and then, when something was registered.
async fn keep_status_file(shop: Arc<Shop>) {
    let (mut told, mut pause) = (false, STATUS_PAUSE);
    loop {
        sleep(pause).await;
        let begun = Instant::now();
        let Some((path, text)) = shop.register().news() else { continue };
        let shown = path.display().to_string();
        match spawn_blocking(move || register::write(&path, &text)).await {
            Ok(Ok(())) => told = false,
            Ok(Err(error)) => {
                shop.register().is_unwritten();
                if !std::mem::replace(&mut told, true) {
                    (shop.hands.remark)(&format!(
                        "W-DLM-STATUS: cannot write the status file {shown}: {error}; products are registered all the \
                         same. Fix: make its directory writable"
                    ));
                }
            }
            Err(_) => {}
        }
        // A long list must not cost more than it is worth.
        pause = STATUS_PAUSE.max(begun.elapsed() * 20);
    }
}

impl Drop for Dlm {
    fn drop(&mut self) {
        // What was registered in the last moments.
        if let Some(shop) = &self.shop
            && let Some((path, text)) = shop.register().news()
        {
            let _ = register::write(&path, &text);
        }
    }
}

impl Sink for Dlm {
    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async move { self.open().await.map(drop) })
    }

    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(self.make_all(batch))
    }

    fn batch_limit(&self) -> usize {
        usize::from(self.plan.parallel.max(1)) * OFFERED
    }

    /// Only whether the services take connections: a question would be one that the original does not ask.
    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let client = Client::open(&self.plan, self.timeout).await?;
            client.reach(self.timeout).await
        })
    }

    fn reopen(&mut self) {
        self.background.clear();
        self.shop = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Place { seq: 1, root: "/w".into(), path: path.into() }
    }

    /// As where reading the tree takes longer than a slice.
    #[tokio::test]
    async fn a_product_gets_on_even_if_its_slice_is_over_before_it_begins() {
        let (services, dir) = (testkit::dlm::Dlm::with_usual_state(), tempfile::TempDir::new().unwrap());
        std::fs::create_dir(dir.path().join("dp")).unwrap();
        std::fs::write(dir.path().join("dp/a"), "").unwrap();
        let plan = DlmSink {
            ingest_url: services.ingest().url(),
            storage_url: services.storage().url(),
            storage: Some("here".into()),
            target: None,
            root: Some(dir.path().into()),
            ..DlmSink::default()
        };
        let mut sink = Dlm::new(plan, Duration::from_secs(20), Hands::in_memory());
        let shop = sink.open().await.unwrap();
        let slice = Slice::default();
        slice.end();
        let place = Place { seq: 1, root: dir.path().into(), path: b"dp".to_vec() };
        let mut calls = 1;
        while let End::Underway(progress) = make(&shop, &place, &slice).await {
            assert!(calls < 10, "it gets nowhere: {progress}");
            calls += 1;
        }
        assert_eq!(services.items_on("here").len(), 2);
    }

    #[test]
    fn products_within_each_other_go_one_after_the_other_in_order() {
        let names = ["a", "b", "c/d", "a", "c", "ab", "b/x"];
        let chains = chains(names.iter().map(|name| place(name)).enumerate().collect());
        let shape: Vec<Vec<usize>> =
            chains.iter().map(|chain| chain.iter().map(|(at, _)| *at).collect()).collect();
        assert_eq!(shape, [vec![0, 3], vec![1, 6], vec![2, 4], vec![5]]);
    }
}
