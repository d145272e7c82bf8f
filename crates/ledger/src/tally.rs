//! The running numbers: who is behind by how much. Pure; the database and the memory of the
//! volatile mode answer the few questions that need rows, through [`Rows`].
//!
//! A sink settles in order: everything up to its *cursor* is delivered, parked or dead. A route's
//! *floor* is the slowest cursor among its sinks; rows *above* it are queued or in flight, rows
//! below it are settled everywhere, with exceptions that are counted one by one.

use std::collections::HashMap;

use model::State;

use crate::names::{Names, slot};
use crate::options::{RouteId, SinkId};
use crate::record::{Counts, SinkCounts};
use crate::route::Route;

/// Questions about rows.
pub(crate) trait Rows {
    /// What can go wrong.
    type Error;

    /// How many announced rows of each route lie in `(after, upto]`.
    fn per_route(&mut self, after: u64, upto: u64) -> Result<HashMap<RouteId, u64>, Self::Error>;

    /// The number of the `nth` row (from 1) behind `after` that a route of `sink` has; the last
    /// one when there are fewer; `after` when there is none.
    fn nth_behind(&mut self, sink: SinkId, after: u64, nth: u64) -> Result<u64, Self::Error>;

    /// The rows of `route` that are parked or dead with some sink.
    fn exceptions(&mut self, route: RouteId) -> Result<Vec<Exceptional>, Self::Error>;
}

/// A row that is parked or dead with at least one sink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exceptional {
    pub(crate) seq: u64,
    /// Parked with at least one sink.
    pub(crate) retrying: bool,
}

/// What an exception is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Refused for now.
    Parked,
    /// A dead letter.
    Letter,
    /// A dead letter that an operator threw away.
    Purged,
}

/// The numbers of one sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SinkTally {
    /// Everything up to here is settled.
    pub(crate) cursor: u64,
    /// Rows for it behind the cursor.
    pub(crate) pending: u64,
    /// How many of them it has in hand.
    pub(crate) in_flight: u64,
    /// Acknowledgements ever.
    pub(crate) delivered: u64,
    pub(crate) retrying: u64,
    pub(crate) letters: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct RouteTally {
    sinks: Route,
    total: u64,
    /// The slowest cursor among its sinks.
    floor: u64,
    /// Rows behind the floor.
    above: u64,
    /// Exceptions of its rows, counted for each sink.
    retrying: u64,
    dead: u64,
}

/// All numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies {
    /// The last number given to a row.
    pub(crate) end: u64,
    sinks: Vec<SinkTally>,
    routes: Vec<RouteTally>,
    adopted: u64,
    gone: u64,
    /// All rows behind `uniform_after` have this route, without a gap: most questions about
    /// ranges need no row then.
    uniform: Option<RouteId>,
    uniform_after: u64,
}

impl Tallies {
    /// With rows up to `end`, none of them counted yet.
    pub(crate) fn at(end: u64) -> Self {
        Self { end, uniform_after: end, ..Self::default() }
    }

    pub(crate) fn sink(&self, id: SinkId) -> Option<&SinkTally> {
        self.sinks.get(slot(id.0))
    }

    fn sink_mut(&mut self, id: SinkId) -> Option<&mut SinkTally> {
        self.sinks.get_mut(slot(id.0))
    }

    /// The numbers of all sinks, in the order of their ids.
    pub(crate) fn sinks(&self) -> &[SinkTally] {
        &self.sinks
    }

    /// Everything up to here is settled at every sink of the route.
    pub(crate) fn floor(&self, route: RouteId) -> u64 {
        self.routes.get(slot(route.0)).map_or(0, |route| route.floor)
    }

    /// How many rows of the route there are, settled or not.
    pub(crate) fn total(&self, route: RouteId) -> u64 {
        self.routes.get(slot(route.0)).map_or(0, |route| route.total)
    }

    /// The routes of event streams.
    pub(crate) fn streams(&self) -> impl Iterator<Item = RouteId> {
        let numbered = (1..).map(RouteId).zip(&self.routes);
        numbered.filter(|(_, route)| route.sinks.stream).map(|(id, _)| id)
    }

    /// Whether units were ever announced to the sink.
    pub(crate) fn takes_units(&self, sink: SinkId) -> bool {
        let units = |route: &&RouteTally| !route.sinks.stream && route.total > 0;
        self.routes.iter().filter(units).any(|route| route.sinks.contains(&sink))
    }

    pub(crate) fn add_sink(&mut self, cursor: u64, delivered: u64) {
        self.sinks.push(SinkTally { cursor, delivered, ..SinkTally::default() });
    }

    /// How many routes there are.
    pub(crate) fn routes(&self) -> usize {
        self.routes.len()
    }

    /// A new route of which no row exists yet.
    pub(crate) fn add_route(&mut self, sinks: Route) {
        let mut route = RouteTally { sinks, total: 0, floor: 0, above: 0, retrying: 0, dead: 0 };
        route.floor = self.slowest(&route.sinks);
        self.routes.push(route);
    }

    fn slowest(&self, sinks: &[SinkId]) -> u64 {
        sinks.iter().filter_map(|id| self.sink(*id)).map(|sink| sink.cursor).min().unwrap_or(u64::MAX)
    }

    /// The next row is admitted and announced to `route`; returns its number.
    pub(crate) fn admit(&mut self, route: RouteId) -> u64 {
        self.end += 1;
        if self.uniform != Some(route) {
            self.uniform = Some(route);
            self.uniform_after = self.end - 1;
        }
        let Some(tally) = self.routes.get_mut(slot(route.0)) else { return self.end };
        tally.total += 1;
        if tally.sinks.is_empty() {
            return self.end;
        }
        tally.above += 1;
        for id in tally.sinks.iter() {
            if let Some(sink) = self.sinks.get_mut(slot(id.0)) {
                sink.pending += 1;
            }
        }
        self.end
    }

    /// The next row is admitted without an event; returns its number.
    pub(crate) fn set_down(&mut self, adopted: bool) -> u64 {
        self.end += 1;
        self.uniform = None;
        self.uniform_after = self.end;
        if adopted {
            self.adopted += 1;
        } else {
            self.gone += 1;
        }
        self.end
    }

    /// Counts rows that were there already, at opening.
    pub(crate) fn count_old(&mut self, route: Option<RouteId>, adopted: bool, total: u64) {
        match route.and_then(|id| self.routes.get_mut(slot(id.0))) {
            Some(route) => route.total += total,
            None if adopted => self.adopted += total,
            None => self.gone += total,
        }
    }

    /// Counts the rows that are still behind some cursor, at opening.
    pub(crate) fn count_pending<R: Rows>(&mut self, rows: &mut R) -> Result<(), R::Error> {
        for at in 0..self.sinks.len() {
            let id = SinkId(at as u32 + 1);
            let found = rows.per_route(self.sinks[at].cursor, self.end)?;
            self.sinks[at].pending = self.towards(id, &found);
        }
        for at in 0..self.routes.len() {
            let floor = self.routes[at].floor;
            if floor < self.end {
                let found = rows.per_route(floor, self.end)?;
                self.routes[at].above = found.get(&RouteId(at as u32 + 1)).copied().unwrap_or(0);
            }
        }
        Ok(())
    }

    /// Rows were pruned.
    pub(crate) fn forget(&mut self, route: Option<RouteId>, adopted: bool, rows: u64) {
        match route.and_then(|id| self.routes.get_mut(slot(id.0))) {
            Some(route) => route.total = route.total.saturating_sub(rows),
            None if adopted => self.adopted = self.adopted.saturating_sub(rows),
            None => self.gone = self.gone.saturating_sub(rows),
        }
    }

    fn towards(&self, sink: SinkId, found: &HashMap<RouteId, u64>) -> u64 {
        let leads = |id: &RouteId| self.routes.get(slot(id.0)).is_some_and(|r| r.sinks.contains(&sink));
        found.iter().filter(|(id, _)| leads(id)).map(|(_, rows)| rows).sum()
    }

    fn range<R: Rows>(&self, after: u64, upto: u64, rows: &mut R) -> Result<HashMap<RouteId, u64>, R::Error> {
        match self.uniform {
            Some(route) if self.uniform_after <= after => Ok(HashMap::from([(route, upto - after)])),
            _ => rows.per_route(after, upto),
        }
    }

    /// Moves a sink's cursor forward; a number beyond the end is cut to the end, one behind the
    /// cursor changes nothing.
    pub(crate) fn settle<R: Rows>(&mut self, id: SinkId, upto: u64, rows: &mut R) -> Result<(), R::Error> {
        let Some(sink) = self.sink(id) else { return Ok(()) };
        let (from, upto) = (sink.cursor, upto.min(self.end));
        if upto <= from {
            return Ok(());
        }
        let found = self.range(from, upto, rows)?;
        let settled = self.towards(id, &found);
        if let Some(sink) = self.sink_mut(id) {
            sink.cursor = upto;
            sink.pending = sink.pending.saturating_sub(settled);
            sink.in_flight = sink.in_flight.min(sink.pending);
        }
        self.raise_floors(id, (from, upto), &found, rows)
    }

    fn raise_floors<R: Rows>(
        &mut self,
        sink: SinkId,
        known: (u64, u64),
        found: &HashMap<RouteId, u64>,
        rows: &mut R,
    ) -> Result<(), R::Error> {
        for at in 0..self.routes.len() {
            if !self.routes[at].sinks.contains(&sink) {
                continue;
            }
            let (old, new) = (self.routes[at].floor, self.slowest(&self.routes[at].sinks));
            if new <= old {
                continue;
            }
            let id = RouteId(at as u32 + 1);
            let passed = if (old, new) == known {
                found.get(&id).copied()
            } else {
                self.range(old, new, rows)?.get(&id).copied()
            };
            let route = &mut self.routes[at];
            route.floor = new;
            route.above = route.above.saturating_sub(passed.unwrap_or(0));
        }
        Ok(())
    }

    /// The sink has the next `in_flight` rows behind its cursor in hand, and `delivered` more were
    /// acknowledged.
    pub(crate) fn report(&mut self, id: SinkId, in_flight: u64, delivered: u64) {
        if let Some(sink) = self.sink_mut(id) {
            sink.in_flight = in_flight.min(sink.pending);
            sink.delivered += delivered;
        }
    }

    /// A row's trouble with a sink began, ended or changed.
    pub(crate) fn trouble(
        &mut self,
        sink: SinkId,
        route: RouteId,
        before: Option<Trouble>,
        after: Option<Trouble>,
    ) {
        let shift = |number: &mut u64, was: bool, is: bool| {
            *number = number.saturating_add(u64::from(is)).saturating_sub(u64::from(was));
        };
        let is = |trouble: Option<Trouble>, wanted: Trouble| trouble == Some(wanted);
        let dead = |trouble: Option<Trouble>| is(trouble, Trouble::Letter) || is(trouble, Trouble::Purged);
        if let Some(sink) = self.sink_mut(sink) {
            shift(&mut sink.retrying, is(before, Trouble::Parked), is(after, Trouble::Parked));
            shift(&mut sink.letters, is(before, Trouble::Letter), is(after, Trouble::Letter));
        }
        if let Some(route) = self.routes.get_mut(slot(route.0)) {
            shift(&mut route.retrying, is(before, Trouble::Parked), is(after, Trouble::Parked));
            shift(&mut route.dead, dead(before), dead(after));
        }
    }

    /// The last row that a sink has in hand; its cursor when it has none.
    pub(crate) fn edge<R: Rows>(&self, id: SinkId, rows: &mut R) -> Result<u64, R::Error> {
        let Some(sink) = self.sink(id) else { return Ok(0) };
        if sink.in_flight == 0 {
            return Ok(sink.cursor);
        }
        let uniform = self.uniform.and_then(|route| self.routes.get(slot(route.0)));
        if self.uniform_after <= sink.cursor && uniform.is_some_and(|route| route.sinks.contains(&id)) {
            return Ok((sink.cursor + sink.in_flight).min(self.end));
        }
        rows.nth_behind(id, sink.cursor, sink.in_flight)
    }

    /// The numbers of one sink for people, without the age of its oldest event.
    pub(crate) fn sink_counts(&self, id: SinkId) -> Option<SinkCounts> {
        let sink = self.sink(id)?;
        Some(SinkCounts {
            queued: sink.pending.saturating_sub(sink.in_flight),
            in_flight: sink.in_flight,
            delivered: sink.delivered,
            retrying: sink.retrying,
            dead: sink.letters,
            oldest_admitted: None,
        })
    }

    /// Sinks that are not configured and still have something to take, with how much.
    pub(crate) fn orphans(&self, names: &Names, configured: &[SinkId]) -> Vec<(String, u64)> {
        let mut orphans = Vec::new();
        for (id, sink) in names.sink_ids().zip(&self.sinks) {
            let open = sink.pending + sink.retrying;
            if let Some(name) = names.sink(id).filter(|_| open > 0 && !configured.contains(&id)) {
                orphans.push((name.name.clone(), open));
            }
        }
        orphans
    }

    /// How many generations are in each state. Happenings are none.
    pub(crate) fn counts<R: Rows>(&self, rows: &mut R) -> Result<Counts, R::Error> {
        let mut counts = Counts::default();
        counts.add(State::Adopted, self.adopted);
        counts.add(State::Gone, self.gone);
        for at in 0..self.routes.len() {
            self.count_route(RouteId(at as u32 + 1), rows, &mut counts)?;
        }
        Ok(counts)
    }

    fn count_route<R: Rows>(&self, id: RouteId, rows: &mut R, counts: &mut Counts) -> Result<(), R::Error> {
        let Some(route) = self.routes.get(slot(id.0)).filter(|route| !route.sinks.stream) else {
            return Ok(());
        };
        let mut edge = u64::MAX;
        for sink in route.sinks.iter() {
            edge = edge.min(self.edge(*sink, rows)?);
        }
        let mut delivering = 0;
        if edge > route.floor && route.above > 0 {
            delivering = self.range(route.floor, edge, rows)?.get(&id).copied().unwrap_or(0);
        }
        let queued = route.above.saturating_sub(delivering);
        let (mut retrying, mut dead) = (route.retrying, route.dead);
        if route.sinks.len() > 1 && retrying + dead > 0 {
            (retrying, dead) = (0, 0);
            // Up to the edge every sink has settled the row or has it in hand.
            for exceptional in rows.exceptions(id)?.iter().filter(|row| row.seq <= edge) {
                let above = exceptional.seq > route.floor;
                retrying += u64::from(exceptional.retrying);
                dead += u64::from(!exceptional.retrying && !above);
                delivering -= u64::from(exceptional.retrying && above).min(delivering);
            }
        }
        counts.add(State::Queued, queued);
        counts.add(State::Retrying, retrying);
        counts.add(State::Delivering, delivering);
        counts.add(State::Dead, dead);
        counts.add(State::Delivered, route.total.saturating_sub(queued + retrying + delivering + dead));
        Ok(())
    }
}
