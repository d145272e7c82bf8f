//! Placeholder until the durable mode is in: every state directory is ignored and kept in memory.
#![allow(missing_docs, unused, clippy::all, clippy::pedantic)]
use crate::*; use std::sync::Arc; use std::time::Duration; use std::path::Path; use model::*; use crate::volatile::Volatile;
#[derive(Clone, Debug)] pub struct Ledger(Arc<Volatile>);
pub struct CheckReport { pub damage: Vec<String>, pub records: u64 }
pub fn check(_: &Path) -> Result<CheckReport, OpenError> { loop {} }
pub fn repair(_: &Path, _: Stamp) -> Result<OpenReport, OpenError> { loop {} }
pub fn export(_: &Path, _: &mut dyn std::io::Write) -> Result<(), LedgerError> { loop {} }
impl Ledger {
 pub fn open(o: Options) -> Result<(Ledger, OpenReport), OpenError> { Ok((Ledger(Arc::new(Volatile::new(&o.site))), OpenReport::default())) }
 pub fn close(&self) -> Result<(), CommitError> { self.0.close(); Ok(()) }
 pub fn health(&self) -> Health { Health::Ok }
 pub fn register_source(&self, name: &str, root: &[u8]) -> Result<SourceRecord, LedgerError> { self.0.register_source(name, root) }
 pub fn note_source(&self, id: SourceId, note: SourceNote) -> Result<(), LedgerError> { self.0.note_source(id, note) }
 pub fn register_sink(&self, name: &str, kind: &str) -> Result<SinkId, LedgerError> { self.0.register_sink(name, kind) }
 pub fn route(&self, sinks: &[SinkId]) -> Result<RouteId, LedgerError> { self.0.route(sinks) }
 pub fn orphan_sinks(&self, configured: &[SinkId]) -> Result<Vec<(String, u64)>, LedgerError> { self.0.orphan_sinks(configured) }
 pub fn submit(&self, batch: Vec<Entry>) -> Result<(), Closed> { self.0.submit(batch) }
 pub fn flush(&self) -> Result<u64, Closed> { self.0.end() }
 pub fn on_commit(&self, hook: Box<dyn Fn(u64) + Send + Sync>) { self.0.hooks().on_commit(hook.into()) }
 pub fn known(&self, source: SourceId, each: &mut dyn FnMut(KnownRow<'_>)) -> Result<(), LedgerError> { Ok(()) }
 pub fn cursor(&self, sink: SinkId) -> Result<u64, LedgerError> { self.0.cursor(sink) }
 pub fn fetch(&self, sink: SinkId, after: u64, limit: usize) -> Result<Fetch, LedgerError> { self.0.fetch(sink, after, limit) }
 pub fn retries(&self, sink: SinkId) -> Result<Vec<RetryRow>, LedgerError> { self.0.retries(sink) }
 pub fn report(&self, sink: SinkId, r: Report) -> Result<(), Closed> { self.0.report(sink, r) }
 pub fn queue_put(&self, q: SinkId, s: Vec<u64>) -> Result<(), LedgerError> { loop {} }
 pub fn end(&self) -> Result<u64, LedgerError> { Ok(self.0.end()?) }
 pub fn tail(&self, after: u64, limit: usize) -> Result<Fetch, LedgerError> { loop {} }
 pub fn queue_take(&self, queue: SinkId, max: usize, lease_until: Option<Stamp>, now: Stamp) -> Result<Vec<Parcel>, LedgerError> { loop {} }
 pub fn queue_ack(&self, queue: Option<SinkId>, ids: &[EventId], now: Stamp) -> Result<Vec<EventId>, LedgerError> { loop {} }
 pub fn queue_depth(&self, q: SinkId) -> Result<QueueDepth, LedgerError> { loop {} }
 pub fn prune(&self, now: Stamp, retain_acked: Duration, retain_history: Duration) -> Result<Pruned, LedgerError> { Ok(Pruned::default()) }
 pub fn counts(&self) -> Result<Counts, LedgerError> { self.0.counts() }
 pub fn sink_counts(&self, sink: SinkId) -> Result<SinkCounts, LedgerError> { self.0.sink_counts(sink) }
 pub fn records(&self, source: SourceId, path: &[u8]) -> Result<Vec<Record>, LedgerError> { Ok(vec![]) }
 pub fn each_record(&self, state: Option<State>, each: &mut dyn FnMut(Record) -> bool) -> Result<(), LedgerError> { Ok(()) }
 pub fn dead(&self, sink: Option<&str>) -> Result<Vec<DeadRow>, LedgerError> { self.0.dead(sink) }
 pub fn dead_retry(&self, sink: SinkId, seqs: &[u64], now: Stamp) -> Result<u64, LedgerError> { loop {} }
 pub fn dead_purge(&self, sink: SinkId, seqs: &[u64]) -> Result<u64, LedgerError> { loop {} }
}
