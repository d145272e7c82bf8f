//! What becomes of copies after the delivery.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use products::wire;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::fault::Fault;
use super::pursuit::{Copy, Pursued};
use super::rows::{self, Migration};
use super::shop::Shop;
use super::step::{CopyState, Step};
use crate::journal::{JournalError, Note, Pursuit};

/// How often the list is gone through.
const ROUND: Duration = Duration::from_secs(2);
/// So many are read at a time.
const PAGE: usize = 256;
/// After so many rounds without an answer it is told, once.
const WORTH_TELLING: u32 = 3;

/// Follows copies until it is dropped.
pub(crate) async fn follow(shop: Arc<Shop>) {
    let (mut pause, mut failed, mut behind) = (ROUND, 0, 0);
    loop {
        sleep(pause).await;
        let mut reading = Duration::ZERO;
        match round(&shop, &mut behind, &mut reading).await {
            Ok(()) => failed = 0,
            // Asked in the next round; what is followed is on disk, and the lane tells of a disk that fails.
            Err(Cut::Journal) => {}
            Err(Cut::Service(text)) => {
                failed += 1;
                // A service that restarts is no news.
                if failed == WORTH_TELLING {
                    (shop.hands.remark)(&format!(
                        "W-DLM-FOLLOW: how copies end is not known for now: {text}"
                    ));
                }
            }
        }
        // A long list must not cost more than it is worth.
        pause = ROUND.max(reading * 10);
    }
}

/// Why a round ends early.
enum Cut {
    Journal,
    Service(String),
}

impl From<JournalError> for Cut {
    fn from(_: JournalError) -> Self {
        Cut::Journal
    }
}

/// One that ends early is gone on with `behind` the one that ended it, so that every copy has its turn.
async fn round(shop: &Shop, behind: &mut u64, reading: &mut Duration) -> Result<(), Cut> {
    let mut after = std::mem::take(behind);
    loop {
        let begun = Instant::now();
        let page = shop.hands.journal.pursuits(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        // What a later version wrote, nobody here can follow.
        let read = page.into_iter().filter_map(|(seq, bytes)| Some((seq, Pursued::decode(&bytes)?)));
        let now = shop.now();
        let due: Vec<_> =
            read.filter(|(_, pursued)| pursued.copies.iter().any(|copy| copy.is_due(now))).collect();
        *reading += begun.elapsed();
        for (seq, pursued) in due {
            see_to(shop, seq, pursued).await.inspect_err(|_| *behind = seq)?;
        }
    }
}

/// Looks at the copies of one product whose time has come.
async fn see_to(shop: &Shop, seq: u64, mut pursued: Pursued) -> Result<(), Cut> {
    let now = shop.now();
    let (mut steps, mut cut) = (Vec::new(), None);
    let mut index = 0;
    while index < pursued.copies.len() && cut.is_none() {
        if !pursued.copies[index].is_due(now) {
            index += 1;
            continue;
        }
        let is_there = !pursued.copies[index].failed || is_there(&pursued).await;
        let copy = &mut pursued.copies[index];
        let looked_at = copy.next;
        let outcome = if copy.failed { again(shop, copy, is_there).await } else { look(shop, copy).await };
        let outcome = outcome.unwrap_or_else(|why| {
            // The others have their turn before this one comes again.
            copy.wait(now);
            cut = Some(why);
            None
        });
        let ended = outcome.as_ref().is_some_and(|(state, _)| *state != CopyState::Failed);
        if let Some((state, why)) = outcome {
            tell(shop, copy, state, &why);
            steps.push(Step::Result { name: copy.name.clone(), state, why, tries: copy.tries }.encode());
        } else if let Some(days) = copy.days_more(looked_at, now) {
            tell_days(shop, copy, days);
        }
        if ended {
            pursued.copies.remove(index);
        } else {
            index += 1;
        }
    }
    let pursuit = if pursued.copies.is_empty() { Pursuit::Clear } else { Pursuit::Set(pursued.encode()) };
    shop.hands.journal.note(Note { seq, steps, pursuit }).await?;
    cut.map_or(Ok(()), Err)
}

/// Only what is certainly gone is given up.
async fn is_there(pursued: &Pursued) -> bool {
    let path = pursued.root.join(std::ffi::OsStr::from_bytes(&pursued.path));
    let look = spawn_blocking(move || std::fs::symlink_metadata(path));
    !matches!(look.await, Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound)
}

fn tell(shop: &Shop, copy: &Copy, state: CopyState, why: &str) {
    match state {
        CopyState::Finished => {}
        CopyState::Failed => (shop.hands.remark)(&format!(
            "W-DLM-COPY: the copy of {} failed (try {}): {why}; it is registered, and the copy is asked for again. \
             Fix: see the migration service's log",
            copy.name, copy.tries
        )),
        CopyState::GivenUp => (shop.hands.remark)(&format!(
            "E-DLM-COPY: the copy of {} is given up: {why}; it is registered and NOT on the target storage",
            copy.name
        )),
    }
}

/// Nobody can tell a copy that takes long from one that the services have forgotten.
fn tell_days(shop: &Shop, copy: &Copy, days: i64) {
    (shop.hands.remark)(&format!(
        "W-DLM-COPY: the copy of {} is not finished after {} hours; it is registered, and the copy is waited for. \
         Fix: see the migration service's log; if nothing is under way there, remove the item's row on the target \
         storage, and the copy is asked for again",
        copy.name,
        24 * days
    ));
}

/// Asks how a copy stands.
async fn look(shop: &Shop, copy: &mut Copy) -> Result<Option<(CopyState, String)>, Cut> {
    let now = shop.now();
    let said = match copy.migration {
        Some(number) => match shop.client.ask(&wire::get_migration(number)).await {
            Ok(answer) => rows::migration(&answer),
            Err(fault @ (Fault::Unreached(_) | Fault::Busy(_))) => return unanswered(copy, now, &fault),
            // A number that is known no more is answered with an error, too.
            Err(_) => Migration::Unclear,
        },
        None => Migration::Unclear,
    };
    match said {
        Migration::Running => {
            copy.wait(now);
            Ok(None)
        }
        Migration::Finished => Ok(Some((CopyState::Finished, String::new()))),
        Migration::Failed(why) => {
            copy.fail(now);
            Ok(Some((CopyState::Failed, why)))
        }
        Migration::Unclear => look_at_target(shop, copy).await,
    }
}

/// The row on the target is READY after a copy that went well, and gone after one that failed.
async fn look_at_target(shop: &Shop, copy: &mut Copy) -> Result<Option<(CopyState, String)>, Cut> {
    let now = shop.now();
    let Some(target) = &shop.plan.target else {
        return Ok(Some((CopyState::GivenUp, "no target is configured".into())));
    };
    match shop.find_on_target(&copy.name, target).await {
        Ok(Some(row)) if row.ready => Ok(Some((CopyState::Finished, String::new()))),
        Ok(Some(_)) => {
            copy.wait(now);
            Ok(None)
        }
        Ok(None) => {
            copy.fail(now);
            Ok(Some((CopyState::Failed, "the target storage has no row for it".into())))
        }
        Err(fault) => unanswered(copy, now, &fault),
    }
}

/// Asks for a failed copy once more.
async fn again(shop: &Shop, copy: &mut Copy, is_there: bool) -> Result<Option<(CopyState, String)>, Cut> {
    let now = shop.now();
    if !is_there {
        return Ok(Some((CopyState::GivenUp, "the product is gone here".into())));
    }
    let Some(target) = &shop.plan.target else {
        return Ok(Some((CopyState::GivenUp, "no target is configured".into())));
    };
    // A request whose answer was lost, or not written down, may have been taken.
    match shop.find_on_target(&copy.name, target).await {
        Ok(Some(_)) => {
            copy.restart(None, now);
            return Ok(None);
        }
        Ok(None) => {}
        Err(fault) => return unanswered(copy, now, &fault),
    }
    match shop.client.ask(&wire::copy_data_item(&copy.uid, target)).await {
        Ok(answer) => {
            copy.restart(rows::migration_id(&answer), now);
            Ok(None)
        }
        Err(fault @ (Fault::Unreached(_) | Fault::Busy(_) | Fault::Person(_))) => {
            Err(Cut::Service(fault.text().to_owned()))
        }
        Err(fault) => {
            copy.fail(now);
            Ok(Some((CopyState::Failed, fault.text().to_owned())))
        }
    }
}

/// Nobody answered: the others need not be asked in this round. A refusal concerns this one only.
fn unanswered(copy: &mut Copy, now: model::Stamp, fault: &Fault) -> Result<Option<(CopyState, String)>, Cut> {
    match fault {
        Fault::Unreached(_) | Fault::Busy(_) | Fault::Person(_) => Err(Cut::Service(fault.text().to_owned())),
        _ => {
            copy.wait(now);
            Ok(None)
        }
    }
}
