//! A second tree that is kept equal to a source's.
//!
//! Events are hints: each says where to look. What is done follows from what both trees have there when its turn
//! comes, so that a repeated, late or lost event does no harm. Only a file's content is not taken as it
//! lies there: it is copied when the file is said to be complete. `docs/design/mirror.md` is the design.

mod again;
mod ahead;
mod alike;
mod comparing;
mod doubts;
mod item;
mod marks;
mod names;
mod pending;
mod pulse;
mod second;
mod work;

use std::time::Duration;

use config::{MirrorOrigin, MirrorSink};
use mirror::{OpenError, Options, Pair};
use model::Parcel;

use crate::blocking::{Bench, Chore, NoAnswer};
use crate::journal::Hands;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

use item::Item;
use pulse::Pulse;
use work::Work;

/// Keeps a tree equal. Only the thread of its bench touches the disk.
#[derive(Debug)]
pub struct Mirror {
    timeout: Duration,
    bench: Bench<Work>,
    pulse: Pulse,
}

/// How one mirror's trees are opened.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) plan: MirrorSink,
    pub(crate) origin: MirrorOrigin,
    pub(crate) options: Options,
}

impl Mirror {
    /// The mirror `name`; `None` where the plan names no source.
    #[must_use]
    pub fn new(name: &str, plan: &MirrorSink, timeout: Duration, hands: Hands) -> Option<Self> {
        let place = Place::of(name, plan)?;
        let pulse = Pulse::default();
        let work = Work::new(place, timeout, hands, pulse.clone());
        let second_look = Chore { wait: Work::until_second_look, work: Work::look_again };
        let bench = Bench::with_chore(work, second_look);
        Some(Self { timeout, bench, pulse })
    }

    /// Runs a job as long as it shows signs of life; `None` when it is still at it after the sink's timeout.
    async fn run<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Work) -> T + Send + 'static,
    ) -> Result<Option<T>, Trouble> {
        let before = self.pulse.beats();
        match self.bench.run(self.timeout, job).await {
            Ok(done) => Ok(Some(done)),
            Err(NoAnswer::Late) if self.pulse.beats() != before => Ok(None),
            Err(why) => Err(Trouble::Down(silent(why, self.timeout))),
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.pulse.end();
    }
}

impl Place {
    pub(crate) fn of(name: &str, plan: &MirrorSink) -> Option<Self> {
        let origin = plan.origin.clone()?;
        let options = options(name, plan, &origin);
        Some(Self { plan: plan.clone(), origin, options })
    }

    pub(crate) fn open(&self) -> Result<Pair, OpenError> {
        Pair::open(&self.origin.path, &self.plan.destination, self.options.clone())
    }
}

/// How the trees of a mirror are compared and kept equal; also for those who only want to compare.
#[must_use]
pub fn options(name: &str, plan: &MirrorSink, origin: &MirrorOrigin) -> Options {
    Options {
        name: name.to_owned(),
        adopt: plan.adopt,
        owner: plan.owner,
        include: origin.include.clone(),
        exclude: origin.exclude.clone(),
        recursive: origin.recursive,
    }
}

pub(crate) fn silent(why: NoAnswer, timeout: Duration) -> String {
    match why {
        NoAnswer::Late => format!(
            "E-MIRROR-SILENT: neither tree has answered for {timeout:?}; nothing is lost, it is tried again. Fix: see \
             whether a file system hangs (a network share whose server is away)"
        ),
        NoAnswer::NoThread => {
            "E-MIRROR-THREAD: there is no thread to work with; nothing is lost, it is tried again. Fix: raise the limit \
             of threads (ulimit -u, TasksMax=)"
                .into()
        }
    }
}

impl Sink for Mirror {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let items: Vec<Item> = batch.iter().map(Item::of).collect();
            match self.run(move |work| work.through(&items)).await? {
                Some(outcomes) => outcomes,
                // The thread goes on. What it finishes meanwhile is known to it when the event comes again.
                None => Ok(vec![Outcome::Underway("a long copy is under way".into())]),
            }
        })
    }

    fn batch_limit(&self) -> usize {
        128
    }

    /// What comes behind an event of the same path that is not done is not touched.
    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async move { self.run(Work::ready).await?.unwrap_or(Ok(())) })
    }
}

/// Opens both trees of a mirror to compare them; nothing is made or changed. `None` where the plan names no source.
#[must_use]
pub fn open_unchanged(name: &str, plan: &MirrorSink) -> Option<Result<Pair, OpenError>> {
    let place = Place::of(name, plan)?;
    Some(Pair::open_unchanged(&place.origin.path, &place.plan.destination, place.options))
}

/// What would keep the mirror from working; `None` when all is well. Nothing is made or changed.
pub(crate) fn look_at(name: &str, plan: &MirrorSink) -> Option<String> {
    let place = Place::of(name, plan)?;
    let opened =
        Pair::open_unchanged(&place.origin.path, &place.plan.destination, place.options.clone()).err()?;
    match &opened {
        // It is waited for.
        OpenError::Source { .. } => None,
        // It will be made.
        OpenError::Destination { .. } if !place.plan.destination.exists() => None,
        other => Some(work::cannot_open(other)),
    }
}
