//! Taking over another plan while everything runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use config::{Plan, SourcePlan};
use ledger::SinkId;

use super::running::{Ending, RunningSource, RunningStream, has_arrivals};
use super::{Engine, EngineError, ForDispatch, ReloadError, Reloaded, RunningSink, make_sink};
use crate::notice::Notice;
use crate::orders::Order;
use crate::source::Routes;
use crate::stream::orders::StreamOrder;

/// How long sinks that go with a reload may take what is there for them.
const LAST_ORDERS: Duration = Duration::from_secs(5);
/// How long a stream is waited for until it has told what is to be told of a reload.
const TELLING: Duration = Duration::from_secs(2);

impl Engine {
    /// Takes over a new plan, or nothing of it.
    pub fn reload(self: &Arc<Self>, plan: &Plan) -> Result<Reloaded, ReloadError> {
        let old = self.plan();
        if old.site != plan.site {
            return Err(ReloadError::NeedsRestart { what: "site" });
        }
        if old.durability != plan.durability {
            return Err(ReloadError::NeedsRestart { what: "durability" });
        }
        let mut done = Reloaded::default();
        let renewed = self.reload_sinks(&old, plan, &mut done)?;
        self.reload_sources(plan, &renewed, &mut done)?;
        self.drop_sinks(plan, &mut done);
        self.lock().plan = plan.clone();
        Ok(done)
    }

    /// New and changed sinks first, so that routes to them exist. All are made before any is used. Gives those that
    /// have changed.
    fn reload_sinks(&self, old: &Plan, plan: &Plan, done: &mut Reloaded) -> Result<Vec<SinkId>, EngineError> {
        let mut made = Vec::new();
        for sink in &plan.sinks {
            let before = old.sinks.iter().find(|before| before.name == sink.name);
            if before.is_some_and(|before| before == sink) {
                continue;
            }
            let list = if before.is_some() { &mut done.changed } else { &mut done.added };
            list.push(sink.name.clone());
            let observer: Arc<dyn dispatch::Observer> = Arc::new(ForDispatch(Arc::clone(&self.observer)));
            made.push((sink, before.is_some(), make_sink(&self.ledger, sink, &observer)?));
        }
        let mut renewed = Vec::new();
        for (sink, was_there, (id, made)) in made {
            renewed.extend(was_there.then_some(id));
            self.dispatch.remove(id);
            self.dispatch.add(id, sink.clone(), made);
            let mut state = self.lock();
            state.sinks.retain(|running| running.id != id);
            state.sinks.push(RunningSink { plan: sink.clone(), id });
        }
        Ok(renewed)
    }

    fn reload_sources(
        self: &Arc<Self>,
        plan: &Plan,
        renewed: &[SinkId],
        done: &mut Reloaded,
    ) -> Result<(), EngineError> {
        // First what may fail: a ledger that cannot be written refuses it before anything is stopped.
        let routes = plan.sources.iter().map(|source| self.routes(source)).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<&str> = plan.sources.iter().map(|source| source.name.as_str()).collect();
        let gone = self.take_sources(|running| !names.contains(&running.plan.name.as_str()));
        done.removed.extend(gone.iter().map(|source| source.plan.name.clone()));
        self.stop_all(gone);
        // What streams have to say of it is waited for when all of them know.
        let mut telling = Vec::new();
        for (source, routes) in plan.sources.iter().zip(routes) {
            let same_place = {
                let state = self.lock();
                let running = state.sources.iter().find(|running| running.plan.name == source.name);
                running.map(|running| is_same_place(&running.plan, source) || keeps_stream(running, source))
            };
            match same_place {
                Some(true) => telling.extend(self.replan(source, routes, plan, renewed, done)?),
                Some(false) => {
                    self.stop_all(self.take_sources(|running| running.plan.name == source.name));
                    self.begin_source(source, plan)?;
                    done.changed.push(source.name.clone());
                }
                None => {
                    self.begin_source(source, plan)?;
                    done.added.push(source.name.clone());
                }
            }
        }
        for told in telling {
            // The drop of the sender is the answer.
            let _ = told.recv_timeout(TELLING);
        }
        Ok(())
    }

    fn begin_source(self: &Arc<Self>, source: &SourcePlan, plan: &Plan) -> Result<(), EngineError> {
        let running = self.start_source(source, &plan.sinks)?;
        running.orders.give(Order::Begin);
        self.lock().sources.push(running);
        Ok(())
    }

    /// Gives a source that stays where it is its new plan, and starts or ends the thread that it has or has not any
    /// more. Gives what to wait for until its stream has told what is to be told.
    fn replan(
        self: &Arc<Self>,
        source: &SourcePlan,
        routes: Routes,
        plan: &Plan,
        renewed: &[SinkId],
        done: &mut Reloaded,
    ) -> Result<Option<Receiver<()>>, EngineError> {
        let Some(mut running) = self.take_sources(|running| running.plan.name == source.name).pop() else {
            return Ok(None);
        };
        let before = std::mem::replace(&mut running.plan, source.clone());
        if before != *source {
            done.changed.push(source.name.clone());
        }
        let mut endings = Vec::new();
        let arrivals = self.replan_arrivals(&mut running, &before, routes, plan, &mut endings);
        let stream = self.replan_stream(&mut running, &before, renewed, &mut endings);
        self.lock().sources.push(running);
        self.wait_for(endings);
        arrivals.and(stream)
    }

    fn replan_arrivals(
        self: &Arc<Self>,
        running: &mut RunningSource,
        before: &SourcePlan,
        routes: Routes,
        plan: &Plan,
        endings: &mut Vec<Ending>,
    ) -> Result<(), EngineError> {
        match (running.looks(), has_arrivals(&running.plan, &plan.sinks)) {
            (true, true) if !is_same_place(before, &running.plan) => {
                let ended = running.end_arrivals();
                self.wait_for(ended.into_iter().collect());
                self.start_arrivals(running)?;
                running.orders.give(Order::Begin);
                running.set_front();
            }
            (true, true) if without_streams(before) != without_streams(&running.plan) => {
                let plan = Box::new(running.plan.clone());
                running.orders.give(Order::Replan { plan, routes });
            }
            (true, false) => {
                endings.extend(running.end_arrivals());
                running.set_front();
            }
            (false, true) => {
                self.start_arrivals(running)?;
                running.orders.give(Order::Begin);
                running.set_front();
            }
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    fn replan_stream(
        &self,
        running: &mut RunningSource,
        before: &SourcePlan,
        renewed: &[SinkId],
        endings: &mut Vec<Ending>,
    ) -> Result<Option<Receiver<()>>, EngineError> {
        if running.plan.streams.is_empty() {
            endings.extend(running.stream.take().map(RunningStream::end));
            return Ok(None);
        }
        let wishes = self.wishes(&running.plan);
        let Some(stream) = &mut running.stream else {
            self.start_stream(running)?;
            return Ok(None);
        };
        let sinks = wishes.sinks();
        let renewed: Vec<SinkId> = renewed.iter().copied().filter(|sink| sinks.contains(sink)).collect();
        let hears = |plan: &SourcePlan| (plan.poll_interval, plan.backend, plan.recursive);
        let same = stream.wishes == wishes && hears(before) == hears(&running.plan);
        stream.wishes = wishes.clone();
        // Whatever else has changed (rules of arrivals) is nothing to it; it keeps the plan it has.
        if same && renewed.is_empty() {
            return Ok(None);
        }
        let (done, told) = sync_channel(1);
        let plan = Box::new(running.plan.clone());
        stream.orders.give(StreamOrder::Replan { plan, wishes, renewed, done });
        Ok(Some(told))
    }

    /// Sinks that are configured no more. Those that take happenings get time for what was told of the end.
    fn drop_sinks(&self, plan: &Plan, done: &mut Reloaded) {
        let gone: Vec<(SinkId, String, bool)> = self
            .lock()
            .sinks
            .iter()
            .filter(|running| plan.sinks.iter().all(|sink| sink.name != running.plan.name))
            .map(|running| (running.id, running.plan.name.clone(), running.plan.kind.takes_happenings()))
            .collect();
        let handed: Vec<SinkId> = gone.iter().filter(|(_, _, hears)| *hears).map(|(id, _, _)| *id).collect();
        let left = self.hand_over(&handed, LAST_ORDERS);
        for (id, name, _) in gone {
            if let Some((_, count)) = left.iter().find(|(sink, _)| *sink == id) {
                self.observer.notice(&Notice::Unhandled { sink: &name, count: *count, dropped: true });
            }
            self.dispatch.remove(id);
            self.lock().sinks.retain(|running| running.id != id);
            done.removed.push(name);
        }
    }

    /// Waits until these sinks have what was told until now; gives what is left.
    pub(super) fn hand_over(&self, sinks: &[SinkId], patience: Duration) -> Vec<(SinkId, u64)> {
        if sinks.is_empty() {
            return Vec::new();
        }
        if self.is_writing() {
            // What was submitted counts only when it is committed.
            let _ = self.ledger.flush();
        }
        self.dispatch.hand_over(sinks, patience)
    }

    /// Ends sources that are configured no more.
    fn stop_all(&self, sources: Vec<RunningSource>) {
        // One after the other: what they say of their end comes in the order of the plan.
        for source in sources {
            self.wait_for(source.end());
        }
    }
}

fn without_streams(plan: &SourcePlan) -> SourcePlan {
    SourcePlan { streams: Vec::new(), ..plan.clone() }
}

/// Whether its stream can go on in a changed source: whatever else has changed, it takes over while it listens. What
/// happened while it began anew would be lost.
fn keeps_stream(running: &RunningSource, new: &SourcePlan) -> bool {
    running.stream.is_some() && !new.streams.is_empty() && running.plan.path == new.path
}

/// Whether a changed source can keep its watches.
fn is_same_place(old: &SourcePlan, new: &SourcePlan) -> bool {
    old.path == new.path
        && old.recursive == new.recursive
        && old.backend == new.backend
        && old.identity == new.identity
        && old.announce == new.announce
        && old.follow_symlinks == new.follow_symlinks
}
