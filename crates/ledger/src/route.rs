//! Sets of sinks, as they are numbered.

use std::ops::Deref;
use std::sync::Arc;

use crate::options::SinkId;

/// A set of sinks (sorted, each once), and which sort of events goes to it. Event streams have sets of their
/// own: what is counted for a set of sinks is counted either as generations or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    sinks: Arc<[SinkId]>,
    /// Happenings of event streams go there, and nothing else does.
    pub(crate) stream: bool,
}

/// Stands before the sinks of a stream's route in the ledger.
const STREAM: &str = "stream:";

impl Route {
    /// For units and what becomes of them.
    pub(crate) fn of_units(sinks: &[SinkId]) -> Self {
        Self { sinks: sorted(sinks), stream: false }
    }

    /// For happenings.
    pub(crate) fn of_stream(sinks: &[SinkId]) -> Self {
        Self { sinks: sorted(sinks), stream: true }
    }

    /// As it stands in the ledger: `1,3` or `stream:1,3`.
    pub(crate) fn text(&self) -> String {
        let numbers: Vec<String> = self.sinks.iter().map(|sink| sink.0.to_string()).collect();
        format!("{}{}", if self.stream { STREAM } else { "" }, numbers.join(","))
    }

    /// From that text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (stream, list) = text.strip_prefix(STREAM).map_or((false, text), |list| (true, list));
        let parts = list.split(',').filter(|part| !part.is_empty());
        let sinks: Option<Vec<SinkId>> = parts.map(|part| part.parse().ok().map(SinkId)).collect();
        Some(Self { sinks: sinks?.into(), stream })
    }
}

impl Deref for Route {
    type Target = [SinkId];

    fn deref(&self) -> &[SinkId] {
        &self.sinks
    }
}

/// A set of sinks in its one written form: sorted, each once.
fn sorted(sinks: &[SinkId]) -> Arc<[SinkId]> {
    let mut sinks = sinks.to_vec();
    sinks.sort_unstable();
    sinks.dedup();
    sinks.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_survives_the_ledger() {
        let sinks = [SinkId(3), SinkId(1), SinkId(3)];
        for route in [Route::of_units(&sinks), Route::of_stream(&sinks), Route::of_stream(&[])] {
            assert_eq!(Route::parse(&route.text()), Some(route));
        }
        assert_eq!(Route::of_units(&sinks).text(), "1,3");
        assert_eq!(Route::parse("1,x"), None);
    }
}
