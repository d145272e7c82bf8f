//! What sinks wrote down while they delivered, in words.

use ledger::{LedgerError, Moment, Record};
use sinks::{describe_task, dlm, task_standing};

use crate::engine::Engine;

/// So many of the first and of the latest steps of a delivery are told: a directory may have thousands.
const TOLD: (usize, usize) = (8, 24);

impl Engine {
    /// Puts the steps of each sink between its attempts; gives how the newest unit's copies stand, by sink.
    pub(super) fn tell_steps(&self, records: &mut [Record]) -> Result<Vec<(String, String)>, LedgerError> {
        let mut standings = Vec::new();
        let newest = records.iter().map(|record| record.seq).max();
        for record in records {
            for sink in &mut record.sinks {
                let Some(id) = self.sink_id(&sink.name) else { continue };
                let (steps, all) = self.ledger.steps_outline(id, record.seq, TOLD.0, TOLD.1)?;
                if steps.is_empty() {
                    continue;
                }
                if Some(record.seq) == newest {
                    // How a copy ended may stand anywhere among the steps of a large product.
                    let whole = if all > steps.len() as u64 {
                        Some(self.ledger.steps(id, record.seq)?)
                    } else {
                        None
                    };
                    let looked_at = whole.as_deref().unwrap_or(&steps);
                    let looked_at = || looked_at.iter().map(|step| &step.what[..]);
                    let standing = dlm::copy_standing(looked_at()).or_else(|| task_standing(looked_at()));
                    standings.extend(standing.map(|standing| (sink.name.clone(), standing)));
                }
                let hidden = all.saturating_sub(steps.len() as u64);
                let mut last = 0;
                for step in steps {
                    if step.number > last + 1 {
                        let what = format!("… {hidden} further steps");
                        sink.history.push(Moment { time: step.at, what });
                    }
                    last = step.number;
                    let what = dlm::describe(&step.what).or_else(|| describe_task(&step.what));
                    sink.history.extend(what.map(|what| Moment { time: step.at, what }));
                }
                sink.history.sort_by_key(|moment| moment.time);
            }
        }
        Ok(standings)
    }
}
