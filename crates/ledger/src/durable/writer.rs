//! The writer's thread: one transaction for whatever arrived while the last one was committed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::answer::Health;
use crate::error::CommitError;
use crate::recent::Stored;
use crate::tally::Tallies;

use super::desk::Desk;
use super::intake::{Message, Taken};
use super::passing::Passed;
use super::schema;
use super::shared::Shared;

/// What is kept in memory of the newest events, so that a sink that keeps up reads nothing from disk.
const RECENT_EVENTS: usize = 8192;
const RECENT_BYTES: usize = 8 << 20;
/// How long the writer sleeps when nothing comes.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pauses between two tries of a round that cannot be committed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Runs until the intake is closed and empty; gives what could not be stored.
pub(crate) fn run(shared: &Arc<Shared>, mut db: Connection) -> Result<(), CommitError> {
    let _guard = Guard(shared);
    let mut last_round = Instant::now();
    loop {
        let mut messages = Vec::new();
        match shared.intake.take(last_round, PATIENCE, &mut messages) {
            Taken::Closed => return fold_back(&db),
            Taken::Idle => {
                // Nothing to do: clear away what is left, and fold the log back, so that it stays small.
                while shared.passed().is_behind() && shared.intake.is_empty() {
                    persist(shared, &mut db, &mut [])?;
                }
                let _ = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            }
            Taken::Work => {
                last_round = Instant::now();
                persist(shared, &mut db, &mut messages)?;
            }
        }
    }
}

/// However the writer ends, nobody waits for it for ever.
struct Guard<'a>(&'a Shared);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.intake.abandon();
    }
}

/// Commits a round, however long it takes. Nothing is dropped: what is in hand stays in hand, and
/// behind it the intake fills and `submit` waits.
fn persist(shared: &Shared, db: &mut Connection, messages: &mut [Message]) -> Result<(), CommitError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match round(shared, db, messages) {
            Ok(()) => {
                shared.set_health(Health::Ok);
                return Ok(());
            }
            Err(error) => {
                let why = error.to_string();
                if !switch::is_off("say-what-is-wrong") {
                    shared.set_health(Health::Degraded(why.clone()));
                }
                if switch::is_off("keep-what-cannot-be-stored") {
                    return Ok(());
                }
                if shared.intake.pause(pause) {
                    // The ledger is being closed: one more try, and then the truth.
                    return round(shared, db, messages).map_err(|error| unsaved(shared, messages, &error));
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                reopen(shared, db);
            }
        }
    }
}

fn unsaved(shared: &Shared, messages: &[Message], error: &rusqlite::Error) -> CommitError {
    let in_hand = |message: &Message| if let Message::Entries(batch) = message { batch.len() } else { 0 };
    let entries = messages.iter().map(in_hand).sum::<usize>() + shared.intake.abandon();
    CommitError::Unsaved { entries, reason: error.to_string() }
}

/// After an input or output error the connection may hold on to what it believes to be on disk.
fn reopen(shared: &Shared, db: &mut Connection) {
    if let Ok(fresh) = schema::open_writer(&shared.path, shared.durability, false) {
        *db = fresh;
    }
}

fn round(shared: &Shared, db: &Connection, messages: &mut [Message]) -> rusqlite::Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let mark = shared.names().mark();
    let applied = apply(shared, db, messages).and_then(|done| {
        db.execute_batch("COMMIT")?;
        Ok(done)
    });
    let Applied { tallies, fresh, passed } = match applied {
        Ok(done) => done,
        Err(error) => {
            // Nothing to roll back where SQLite has done it already.
            let _ = db.execute_batch("ROLLBACK");
            let end = shared.tallies().end;
            shared.arrears().roll_back(end);
            shared.names_mut().back_to(mark);
            return Err(error);
        }
    };
    *shared.passed() = passed;
    publish(shared, tallies, fresh, messages);
    Ok(())
}

/// What is so when the round is committed.
struct Applied {
    tallies: Tallies,
    fresh: Vec<Stored>,
    passed: Passed,
}

fn apply(shared: &Shared, db: &Connection, messages: &mut [Message]) -> rusqlite::Result<Applied> {
    let mut desk = Desk::new(db, shared)?;
    for message in messages {
        match message {
            Message::Entries(batch) => batch.iter().try_for_each(|entry| desk.enter(entry))?,
            Message::Report(sink, report) => desk.report(*sink, report)?,
            Message::Ask(ask) => ask.run(&mut desk)?,
        }
    }
    desk.finish()?;
    Ok(Applied { tallies: desk.tallies, fresh: desk.fresh, passed: desk.passed })
}

/// What is committed may be seen now.
fn publish(shared: &Shared, tallies: Tallies, fresh: Vec<Stored>, messages: &mut [Message]) {
    let end = tallies.end;
    let added = !fresh.is_empty();
    {
        let mut recent = shared.recent();
        for stored in fresh {
            recent.push(stored);
        }
        recent.reach(end);
        recent.trim(RECENT_EVENTS, RECENT_BYTES);
    }
    *shared.tallies() = tallies;
    shared.arrears().commit();
    shared.count_commit();
    for message in messages {
        if let Message::Ask(ask) = message {
            ask.answer();
        }
    }
    if added {
        shared.hooks.committed(end);
    }
}

fn fold_back(db: &Connection) -> Result<(), CommitError> {
    let folded = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    folded.map_err(|error| CommitError::Untidy(error.to_string()))
}
