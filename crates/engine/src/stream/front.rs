//! A stream that speaks for its source, because nobody looks for files there.

use std::sync::Arc;

use model::Reason;

use crate::answer::{Heeded, LiveExplain, Refusal, Selected};
use crate::orders::{Order, Orders};
use crate::standing::{MountRow, Standing, StreamRow};

/// The source's mailbox and standing, which its arrival side would have.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) orders: Arc<Orders>,
    pub(crate) standing: Arc<Standing>,
}

/// Why nobody looks at files.
pub(crate) const NO_ARRIVALS: &str = "this source only tells what happens in its tree (`events`), none of its sinks takes \
                                      files that arrived, so nobody looks at them";

impl Front {
    /// Answers what can be answered of a source without units.
    pub(crate) fn answer(&self) {
        for order in self.orders.take() {
            match order {
                Order::Explain { reply, .. } => {
                    let reason = Reason::IgnoredFilter { rule: String::new(), pattern: String::new() };
                    let selection = Selected::Ignored(reason);
                    let unknown =
                        LiveExplain { unit: None, within: None, selection, pruned: false, too_deep: false };
                    let _ = reply.send(unknown);
                }
                Order::Notify { reply, .. } => {
                    let _ = reply.send(Heeded::Refused(Refusal::Unreadable(NO_ARRIVALS.into())));
                }
                Order::List { reply } => {
                    let _ = reply.send(Vec::new());
                }
                // There is nothing to compare, to begin or to change: the stream has orders of its own.
                Order::Stop
                | Order::Begin
                | Order::Rescan { .. }
                | Order::Replan { .. }
                | Order::Inspected(_)
                | Order::Room(_) => {}
            }
        }
    }

    /// Says of the source what holds of its stream.
    pub(crate) fn publish(&self, stream: &StreamRow) {
        self.standing.update(|row| {
            row.state = stream.state;
            row.backend = stream.backend;
            row.watches = stream.watches;
            row.polled = stream.polled;
            row.unwatched = stream.unwatched;
            row.unwatched_named.clone_from(&stream.unwatched_named);
            row.overflows = stream.overflows;
            row.ready = stream.ready;
            row.armed |= stream.ready;
            row.last_event = stream.last_event;
            row.heartbeat = stream.heartbeat;
            let filesystem = || stream.filesystem.to_owned();
            let mount = || MountRow {
                point: Vec::new(),
                filesystem: filesystem(),
                backend: stream.backend,
                why: None,
            };
            if row.mounts.first().is_none_or(|root| *root != mount()) {
                row.mounts = vec![mount()];
            }
        });
    }
}
