//! Plugins: a child process takes events as lines of JSON and acknowledges them.
//!
//! The protocol has a page, `docs/guide/plugin-protocol.md`, and a schema, `schemas/plugin-protocol.schema.json`. What
//! holds for every sink holds here: an event counts as delivered when the plugin has acknowledged it, and whatever a
//! plugin does (it dies, hangs, floods, eats memory) concerns its own lane and nobody else.
//!
//! Events are sent ahead of their acknowledgements, as many as the window allows. What was sent and not yet answered
//! when a call returns stays in flight: when the lane offers it again it is not sent twice, unless the plugin was
//! started anew in between.

mod child;
mod fault;
mod flight;
mod listen;
mod live;
mod voice;
mod wire;

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use config::{PluginManifest, PluginSink};
use model::Parcel;
use rustix::fs::{Access, access};
use tokio::time::sleep;

use self::fault::{Fault, Remains};
use self::flight::Answer;
use self::live::{Failure, Live};
use self::voice::Voice;
use crate::journal::Hands;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};

/// An event that was with the plugin alone so often in a row when it failed is put off: it may be what ends it.
const SUSPICION: u32 = 3;
/// And for so long.
const PUT_OFF: Duration = Duration::from_mins(1);
/// One call carries at most so many events.
const BATCH: usize = 1024;

/// A child process that takes events.
#[derive(Debug)]
pub struct Plugin {
    plan: PluginSink,
    timeout: Duration,
    voice: Voice,
    live: Option<Live>,
    /// How the last run failed, when that call had outcomes to return and could not say it.
    untold: Option<Trouble>,
    /// The event that was with it alone when it failed, and how often in a row.
    suspect: Option<(u64, u32)>,
    /// Its name and version have been said.
    introduced: bool,
}

impl Plugin {
    /// A sink that starts the plugin when it is asked to do something. `timeout` is how long a call goes on when
    /// some events are answered and others are not.
    #[must_use]
    pub fn new(plan: PluginSink, timeout: Duration, hands: Hands) -> Self {
        let voice = Voice::new(&plan.plugin, hands);
        Self { plan, timeout, voice, live: None, untold: None, suspect: None, introduced: false }
    }

    fn manifest(&self) -> Result<&PluginManifest, Trouble> {
        self.plan
            .manifest
            .as_ref()
            .map_err(|why| Fault::Manifest(why.clone()).trouble(self.voice.name(), &Remains::default()))
    }

    /// Sees to it that the plugin runs.
    async fn open(&mut self) -> Result<(), Trouble> {
        if let Some(trouble) = self.untold.take() {
            return Err(trouble);
        }
        if let Some(live) = &mut self.live {
            let Err(fault) = live.look() else { return Ok(()) };
            return Err(self.fail(fault).await);
        }
        let started = Live::start(self.manifest()?, &self.voice).await;
        let live = started.map_err(|failure| self.trouble(&failure))?;
        if !std::mem::replace(&mut self.introduced, true) {
            let hello = &live.hello;
            let (name, version) =
                (voice::shown(hello.name.as_bytes()), voice::shown(hello.version.as_bytes()));
            self.voice.tell(&format!("plugin \"{}\" runs: {name} {version}", self.voice.name()));
        }
        self.live = Some(live);
        Ok(())
    }

    fn trouble(&self, failure: &Failure) -> Trouble {
        failure.fault.trouble(self.voice.name(), &failure.remains)
    }

    /// Ends the run.
    async fn fail(&mut self, fault: Fault) -> Trouble {
        let failure = match self.live.take() {
            Some(live) => live.end(fault).await,
            None => Failure { fault, remains: Remains::default() },
        };
        self.trouble(&failure)
    }

    async fn offer(&mut self, batch: &[Parcel]) -> Result<Vec<Outcome>, Trouble> {
        self.open().await?;
        let patience = self.manifest()?.ack_within;
        let Some(live) = &mut self.live else { return Ok(Vec::new()) };
        let mut call = Call::new(batch);
        let result = call.run(live, &self.plan, self.timeout, patience).await;
        let Err(fault) = result else {
            self.suspect = None;
            return Ok(call.outcomes);
        };
        call.collect(live);
        let trouble = self.fail(fault).await;
        if call.outcomes.is_empty() {
            return self.blame(batch, trouble);
        }
        self.suspect = None;
        self.untold = Some(trouble);
        Ok(call.outcomes)
    }

    /// After trouble the lane offers one event alone until it is well again. Where the plugin fails with that one
    /// each time, others get their turn.
    fn blame(&mut self, batch: &[Parcel], trouble: Trouble) -> Result<Vec<Outcome>, Trouble> {
        let [only] = batch else { return Err(trouble) };
        let before = self.suspect.filter(|(seq, _)| *seq == only.seq).map_or(0, |(_, times)| times);
        self.suspect = Some((only.seq, before + 1));
        if before + 1 < SUSPICION {
            return Err(trouble);
        }
        self.suspect = None;
        Ok(vec![Outcome::PutOff(PUT_OFF, trouble.to_string())])
    }
}

/// One offer of a batch.
struct Call<'a> {
    batch: &'a [Parcel],
    /// So many of the batch are sent, or need not be.
    sent: usize,
    outcomes: Vec<Outcome>,
    /// Paths with an event that comes again: later ones must come after it, so the call ends before them.
    refused: HashSet<(&'a str, &'a [u8])>,
    is_cut: bool,
}

impl<'a> Call<'a> {
    fn new(batch: &'a [Parcel]) -> Self {
        let outcomes = Vec::with_capacity(batch.len());
        Self { batch, sent: 0, outcomes, refused: HashSet::new(), is_cut: false }
    }

    fn is_over(&self) -> bool {
        self.is_cut || self.outcomes.len() == self.batch.len()
    }

    /// Until all is answered; or something, and `timeout` is over; or the plugin fails.
    async fn run(
        &mut self,
        live: &mut Live,
        plan: &PluginSink,
        timeout: Duration,
        patience: Duration,
    ) -> Result<(), Fault> {
        let (mut end, mut no_answer) = (pin!(sleep(timeout)), pin!(sleep(patience)));
        let mut is_late = false;
        loop {
            self.send(live, plan);
            self.collect(live);
            if self.is_over() || (is_late && !self.outcomes.is_empty()) {
                return Ok(());
            }
            tokio::select! {
                said = live.next() => {
                    if let Some(said) = said? && live.note(said)? {
                        no_answer.set(sleep(patience));
                    }
                }
                () = &mut end, if !is_late => is_late = true,
                () = &mut no_answer => return Err(Fault::NoAck(live.flight.open(), patience)),
            }
        }
    }

    fn send(&mut self, live: &mut Live, plan: &PluginSink) {
        let waits = self.send_what_may_be(live, plan);
        if waits || self.sent == self.batch.len() || !live.flight.has_room() {
            live.flush();
        }
    }

    /// Whether the next event must wait for answers to those before it. A plugin may hold them back until it is asked.
    fn send_what_may_be(&mut self, live: &mut Live, plan: &PluginSink) -> bool {
        while live.has_room()
            && let Some(parcel) = self.batch.get(self.sent)
        {
            if self.comes_after_a_refused_one(parcel) {
                return true;
            }
            if live.flight.is_held_up(parcel) {
                if self.outcomes.len() < self.sent {
                    return true;
                }
                // Behind an event that nobody asks for any more.
                live.flight.release(parcel);
            }
            if !live.passes_over(parcel) && !live.flight.knows(parcel) {
                live.send(parcel, plan);
            }
            self.sent += 1;
        }
        false
    }

    /// Takes the answers that are there, in the order of the batch.
    fn collect(&mut self, live: &mut Live) {
        while !self.is_over() {
            let parcel = &self.batch[self.outcomes.len()];
            if self.comes_after_a_refused_one(parcel) {
                self.is_cut = true;
                return;
            }
            if live.passes_over(parcel) {
                self.outcomes.push(Outcome::Delivered);
                continue;
            }
            let Some(answer) = live.flight.take(parcel) else { return };
            self.outcomes.push(match answer {
                Answer::Done => Outcome::Delivered,
                Answer::Rejected(text) => Outcome::Rejected(text),
                Answer::Refused(text) => {
                    self.refused.insert((&parcel.source, &parcel.path));
                    Outcome::Retry(text)
                }
            });
        }
    }

    fn comes_after_a_refused_one(&self, parcel: &Parcel) -> bool {
        !self.refused.is_empty() && self.refused.contains(&(&*parcel.source, &*parcel.path))
    }
}

impl Sink for Plugin {
    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.open())
    }

    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move { if batch.is_empty() { Ok(Vec::new()) } else { self.offer(batch).await } })
    }

    fn batch_limit(&self) -> usize {
        self.plan.manifest.as_ref().map_or(1, |manifest| (manifest.window as usize).clamp(1, BATCH))
    }

    /// A call ends before a second event of a path whose first one was refused.
    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.open())
    }

    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(live) = self.live.take() {
                live.dismiss(within).await;
            }
        })
    }
}

/// What would keep the plugin from starting, found out without starting it.
pub(crate) fn look(plan: &PluginSink) -> Option<String> {
    let trouble = |fault: Fault| fault.trouble(&plan.plugin, &Remains::default()).to_string();
    let manifest = match &plan.manifest {
        Ok(manifest) => manifest,
        Err(why) => return Some(trouble(Fault::Manifest(why.clone()))),
    };
    let program = child::program(manifest);
    let found = if program.components().count() > 1 {
        access(&program, Access::EXEC_OK).map_err(std::io::Error::from)
    } else {
        let path = manifest.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.into());
        let path = path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|place| place.join(&program));
        let found = places.any(|place| place.is_file() && access(&place, Access::EXEC_OK).is_ok());
        if found { Ok(()) } else { Err(std::io::Error::from_raw_os_error(2)) }
    };
    found.err().map(|error| trouble(Fault::start(&program, &error)))
}

#[cfg(test)]
mod tests;
