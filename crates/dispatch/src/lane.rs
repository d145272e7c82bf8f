//! One task for each sink: takes events from the ledger in order, offers them, reports what came
//! of it. Nobody waits for it but its own sink.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ledger::RetryRow;
use model::Stamp;
use sinks::{Outcome, Sink, Trouble};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout_at};

use crate::batch::{Batch, Places, Rules};
use crate::desk::{Desk, ErrandError};
use crate::dice::Dice;
use crate::observer::Observer;
use crate::orders::{Orders, moment, until_stopped};
use crate::policy::{Breaker, Permit, Tempo};
use crate::status::{SinkStatus, judge};
use crate::waiting::{Held, Lane as Key, Waiting};

/// So many refused events (and later ones of their paths) are held in memory. When they are that
/// many, nothing new is taken until some are settled: the backlog waits in the ledger.
pub(crate) const WAITING_LIMIT: usize = 4096;

/// How much longer than its deadline a stopping lane may take to hand in its last report.
const LAST_REPORT: Duration = Duration::from_millis(500);
/// And how much longer, after that, its sink may take to end what it keeps running.
const FAREWELL: Duration = Duration::from_millis(400);

/// A question for the length of the sink's queue, answered once.
pub(crate) type Question = Box<dyn FnOnce(Option<u64>) + Send>;

/// What a lane is made of.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) max_attempts: u32,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) desk: Desk,
    pub(crate) tempo: Tempo,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) orders: watch::Receiver<Orders>,
    pub(crate) commits: watch::Receiver<u64>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) status: Arc<Mutex<SinkStatus>>,
}

/// The task's own state.
pub(crate) struct Runner {
    parts: Parts,
    breaker: Breaker,
    waiting: Waiting,
    /// More events wait in the ledger than are held here.
    more_waiting: bool,
    asked: VecDeque<Question>,
    /// The last batch was of waiting events.
    waiting_went_last: bool,
    /// The sink has arranged with its peer what must be arranged first.
    prepared: bool,
    seen_wakes: u64,
    seen_reopens: u64,
    /// Why the ledger could not be read.
    ledger_error: Option<String>,
    dice: Dice,
}

/// Whether the task goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

/// The one place where the clock is read.
fn clock() -> (Instant, Stamp) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The runtime's clock is the system's, except in tests that set it.
    let now = tokio::time::Instant::now().into_std();
    (now, Stamp::new(since.as_secs() as i64, since.subsec_nanos()))
}

fn lock(status: &Mutex<SinkStatus>) -> MutexGuard<'_, SinkStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts,
            breaker: Breaker::Closed,
            waiting: Waiting::default(),
            more_waiting: false,
            asked: VecDeque::new(),
            waiting_went_last: false,
            prepared: false,
            seen_wakes: 0,
            seen_reopens: 0,
            ledger_error: None,
            dice: Dice::new(),
        }
    }

    /// Runs until it is told to stop or the ledger is closed. `before` is the task that served the
    /// same sink until now: its last report comes first.
    pub(crate) async fn run(mut self, before: Option<JoinHandle<()>>) {
        let end = EndMark { status: Arc::clone(&self.parts.status), in_order: false };
        let settle_first = before.is_some();
        if let Some(before) = before {
            // However it ended, it reports nothing any more.
            let _ = before.await;
        }
        if self.open(settle_first).await == Next::GoOn {
            while self.turn().await == Next::GoOn {
                // Where ledger and sink answer at once a lane could go on for long: others have their turn, too.
                tokio::task::coop::consume_budget().await;
            }
            self.last_report().await;
            self.close().await;
        }
        end.in_order();
    }

    async fn open(&mut self, settle_first: bool) -> Next {
        while self.parts.orders.borrow().stop.is_none() {
            match self.parts.desk.open(settle_first).await {
                Ok(()) => return Next::GoOn,
                Err(error) => {
                    if self.ledger_failed(error).await == Next::End {
                        break;
                    }
                }
            }
        }
        Next::End
    }

    /// One round: what is wanted, what may be done, do it.
    async fn turn(&mut self) -> Next {
        let orders = self.parts.orders.borrow_and_update().clone();
        if orders.stop.is_some() {
            return Next::End;
        }
        if self.parts.desk.is_back() {
            self.parts.desk.back().await;
            return self.see_to_errands().await;
        }
        if orders.reopens > self.seen_reopens {
            self.seen_reopens = orders.reopens;
            self.parts.sink.reopen();
        }
        let (now, _) = clock();
        if orders.wakes > self.seen_wakes {
            self.seen_wakes = orders.wakes;
            self.change_breaker(Breaker::hurried);
            self.waiting.hurry(now);
            self.parts.desk.read_retries_again();
        }
        self.parts.desk.committed = *self.parts.commits.borrow_and_update();
        self.change_breaker(|breaker| breaker.at(now));
        self.answer_questions().await;
        if self.more_waiting && self.waiting.len() <= WAITING_LIMIT / 2 {
            self.parts.desk.read_retries_again();
        }
        let permit = if orders.paused { Permit::Never } else { self.breaker.permit() };
        match permit {
            Permit::Never => self.rest(orders.paused, None).await,
            Permit::NotBefore(until) => self.rest(false, Some(until)).await,
            Permit::Batch | Permit::Probe if !self.prepared => self.prepare().await,
            Permit::Batch => self.work(self.batch_limit()).await,
            Permit::Probe => self.work(1).await,
        }
    }

    fn change_breaker(&mut self, change: impl FnOnce(Breaker) -> Breaker) {
        self.breaker = change(std::mem::replace(&mut self.breaker, Breaker::Closed));
    }

    fn batch_limit(&self) -> usize {
        self.parts.sink.batch_limit().max(1)
    }

    async fn prepare(&mut self) -> Next {
        let Parts { sink, orders, .. } = &mut self.parts;
        if let Some(result) = until_stopped(orders, sink.prepare()).await {
            self.prepared = result.is_ok();
            self.heard(result);
        }
        Next::GoOn
    }

    /// Offers the next batch, or sees to it that there is one.
    async fn work(&mut self, limit: usize) -> Next {
        // While the waiting events are read, none of them may be in hand, or it would be there twice.
        if self.parts.desk.is_reading_retries() {
            return self.do_business().await;
        }
        let batch = self.next_batch(limit);
        if !batch.parcels().is_empty() {
            return self.offer(batch).await;
        }
        if !batch.is_empty() {
            self.settle(batch, Vec::new());
            return Next::GoOn;
        }
        if self.parts.desk.is_busy(self.want()) {
            return self.do_business().await;
        }
        if self.breaker.permit() == Permit::Probe {
            // Nothing to send: a question tells whether it is well again.
            let call = self.parts.sink.ping();
            if let Some(result) = until_stopped(&mut self.parts.orders, call).await {
                self.heard(result);
            }
            return Next::GoOn;
        }
        self.parts.desk.pass_others();
        self.rest(false, None).await
    }

    /// How many events should lie ahead; none while too many wait already.
    fn want(&self) -> usize {
        if self.is_full() { 0 } else { self.batch_limit() }
    }

    fn is_full(&self) -> bool {
        self.more_waiting || self.waiting.len() >= WAITING_LIMIT
    }

    /// Events whose time has come go first: they were admitted earlier. But they do not go twice in a
    /// row while others are there, or a few that are refused again and again would take every call.
    fn next_batch(&mut self, limit: usize) -> Batch {
        let (now, _) = clock();
        let others = !self.is_full() && !self.parts.desk.ahead.is_empty();
        let their_turn = !(others && std::mem::take(&mut self.waiting_went_last));
        if their_turn {
            let due = self.waiting.take_due(now, limit);
            if !due.is_empty() || self.is_full() {
                self.waiting_went_last = true;
                return Batch::from_waiting(due);
            }
        }
        let one_of_a_lane = !self.parts.sink.takes_whole_batches();
        let mut places = Places { ahead: &mut self.parts.desk.ahead, waiting: &mut self.waiting };
        Batch::from_backlog(&mut places, limit, one_of_a_lane)
    }

    /// Offers a batch, once the ledger has recorded the last one and was asked for the next.
    async fn offer(&mut self, batch: Batch) -> Next {
        let want = self.want();
        self.parts.desk.in_hand(batch.behind_cursor());
        self.parts.desk.send(want, clock().1);
        self.publish(Some(&batch));
        if !self.is_recorded().await {
            self.parts.desk.in_hand(0);
            self.take_back(batch);
            return self.see_to_errands().await;
        }
        let answer = self.ask_sink(&batch).await;
        self.parts.desk.in_hand(0);
        match answer {
            Some(Ok(outcomes)) if outcomes.is_empty() => {
                self.take_back(batch);
                self.heard(Err(Trouble::Down(
                    "E-SINK-SILENT: the sink took nothing and said nothing".into(),
                )));
            }
            Some(Ok(outcomes)) => {
                // What was put off says nothing about the sink: after trouble the next event tells.
                let tells = outcomes.iter().any(|outcome| !matches!(outcome, Outcome::PutOff(..)));
                self.settle(batch, outcomes);
                if tells {
                    self.heard(Ok(()));
                } else {
                    self.publish(None);
                }
            }
            Some(Err(trouble)) => {
                self.take_back(batch);
                self.heard(Err(trouble));
            }
            None => self.take_back(batch),
        }
        self.see_to_errands().await
    }

    /// Sees to it that what was acknowledged before is recorded before more is offered: then a kill
    /// repeats no more than the one batch in hand. False when the task must end before.
    async fn is_recorded(&mut self) -> bool {
        let Parts { desk, orders, .. } = &mut self.parts;
        if desk.is_unrecorded() {
            until_stopped(orders, desk.record(clock().1)).await;
        }
        !desk.is_unrecorded()
    }

    /// The call itself, bounded by the sink's own timeout; `None` when the task must end before.
    async fn ask_sink(&mut self, batch: &Batch) -> Option<Result<Vec<Outcome>, Trouble>> {
        let probe = self.breaker.permit() == Permit::Probe;
        let Parts { sink, desk, orders, tempo, .. } = &mut self.parts;
        let call = async {
            if probe {
                sink.ping().await?;
            }
            sink.deliver(batch.parcels()).await
        };
        let slow = sleep(tempo.slow);
        until_stopped(orders, async {
            tokio::pin!(call, slow);
            let mut is_slow = false;
            loop {
                tokio::select! {
                    biased;
                    result = &mut call => return result,
                    () = desk.back(), if desk.is_out() => {}
                    // Only now it is worth a line in the ledger that something is in hand.
                    () = &mut slow, if !is_slow && !desk.is_out() => {
                        is_slow = true;
                        desk.report();
                        desk.send(0, clock().1);
                    }
                }
            }
        })
        .await
    }

    fn settle(&mut self, batch: Batch, outcomes: Vec<Outcome>) {
        let (now, wall) = clock();
        let Self { parts, waiting, dice, .. } = self;
        let rules = Rules { max_attempts: parts.max_attempts, backoff: &parts.tempo.event, now, wall };
        let (report, ahead) = parts.desk.report_and_ahead();
        let settled = batch.settle(outcomes, &mut Places { ahead, waiting }, report, &rules, || dice.roll());
        if !settled.delivered.is_empty() {
            parts.observer.delivered(&parts.name, &settled.delivered);
        }
        for (parcel, error) in &settled.dead {
            parts.observer.dead(&parts.name, parcel, error);
        }
    }

    fn take_back(&mut self, batch: Batch) {
        let (now, _) = clock();
        let mut places = Places { ahead: &mut self.parts.desk.ahead, waiting: &mut self.waiting };
        batch.take_back(&mut places, now);
    }

    /// The sink as a whole answered or failed.
    fn heard(&mut self, result: Result<(), Trouble>) {
        let (now, _) = clock();
        match result {
            Ok(()) => {
                if self.breaker.trouble().is_some() {
                    self.breaker = Breaker::Closed;
                    self.parts.observer.recovered(&self.parts.name);
                }
            }
            Err(trouble) => {
                let (tempo, roll) = (self.parts.tempo, self.dice.roll());
                let told = trouble.clone();
                self.change_breaker(|breaker| breaker.failed(trouble, now, &tempo, roll));
                let retry_in = match self.breaker.permit() {
                    Permit::NotBefore(until) => until.saturating_duration_since(now),
                    _ => Duration::MAX,
                };
                self.parts.observer.trouble(&self.parts.name, &told, retry_in);
            }
        }
        self.publish(None);
    }

    /// Sends an errand and waits for it.
    async fn do_business(&mut self) -> Next {
        self.publish(None);
        let want = self.want();
        self.parts.desk.send(want, clock().1);
        let Parts { desk, orders, .. } = &mut self.parts;
        if until_stopped(orders, desk.back()).await.is_none() {
            return Next::End;
        }
        self.see_to_errands().await
    }

    /// Takes what errands brought back besides events.
    async fn see_to_errands(&mut self) -> Next {
        if let Some(rows) = self.parts.desk.take_retries() {
            self.load(rows);
        }
        if let Some(error) = self.parts.desk.take_error() {
            return self.ledger_failed(error).await;
        }
        self.ledger_error = None;
        Next::GoOn
    }

    /// Puts the waiting events of the ledger into their lanes, as many as there is room for.
    fn load(&mut self, mut rows: Vec<RetryRow>) {
        let (now, wall) = clock();
        rows.sort_unstable_by_key(|row| row.parcel.seq);
        self.more_waiting = false;
        for row in rows {
            let lane = if row.letter { Key::Letter(row.parcel.seq) } else { Key::of(&row.parcel) };
            if self.waiting.holds(lane, row.parcel.seq) {
                continue;
            }
            if self.waiting.len() >= WAITING_LIMIT {
                self.more_waiting = true;
                break;
            }
            let wait = row.next.as_nanos().saturating_sub(wall.as_nanos()).max(0);
            // The wall clock may have been set since then.
            let wait = Duration::from_nanos(wait as u64).min(self.parts.tempo.event.cap);
            self.waiting.hold(lane, Held { parcel: row.parcel, attempts: row.attempts, due: now + wait });
        }
    }

    async fn ledger_failed(&mut self, error: ErrandError) -> Next {
        match error {
            ErrandError::Closed => Next::End,
            ErrandError::Ledger(text) => {
                self.ledger_error = Some(text);
                self.publish(None);
                let pause = sleep(self.parts.tempo.ledger);
                tokio::select! {
                    () = pause => Next::GoOn,
                    // Told to stop or not: the next turn knows. Without orders there is none.
                    changed = self.parts.orders.changed() => {
                        if changed.is_ok() { Next::GoOn } else { Next::End }
                    }
                }
            }
        }
    }

    /// Waits for anything that may change what can be done.
    async fn rest(&mut self, paused: bool, until: Option<Instant>) -> Next {
        self.publish_as(None, paused);
        self.parts.desk.send(0, clock().1);
        let at_work = !paused && until.is_none() && self.breaker.permit() == Permit::Batch;
        let until = if at_work { self.waiting.next_due() } else { until };
        let Parts { desk, orders, commits, questions, .. } = &mut self.parts;
        tokio::select! {
            changed = orders.changed() => {
                if changed.is_err() {
                    return Next::End;
                }
            }
            _ = commits.changed(), if at_work => {}
            Some(question) = questions.recv() => self.asked.push_back(question),
            () = desk.back(), if desk.is_out() => {}
            () = moment(until) => {}
        }
        self.see_to_errands().await
    }

    /// A sink that is down is not asked: nobody knows.
    async fn answer_questions(&mut self) {
        while let Ok(question) = self.parts.questions.try_recv() {
            self.asked.push_back(question);
        }
        while let Some(question) = self.asked.pop_front() {
            if self.breaker.trouble().is_some() {
                question(None);
                continue;
            }
            let Parts { sink, orders, .. } = &mut self.parts;
            match until_stopped(orders, sink.backlog()).await {
                // Where there is no queue that can be asked, nothing lies in one.
                Some(Ok(length)) => question(Some(length.unwrap_or(0))),
                Some(Err(trouble)) => {
                    self.heard(Err(trouble));
                    question(None);
                }
                None => question(None),
            }
        }
    }

    fn publish(&self, in_hand: Option<&Batch>) {
        let paused = self.parts.orders.borrow().paused;
        self.publish_as(in_hand, paused);
    }

    fn publish_as(&self, in_hand: Option<&Batch>, paused: bool) {
        let (state, last_error) = judge(&self.breaker, paused, self.ledger_error.as_deref());
        let in_flight = in_hand.map_or(0, |batch| batch.parcels().len());
        let held = self.parts.desk.ahead.len() + self.waiting.len() + in_hand.map_or(0, Batch::held);
        let parked = self.waiting.len() as u64;
        let status = SinkStatus {
            state,
            last_error,
            prepared: self.prepared,
            in_flight: in_flight as u64,
            parked,
            held: held as u64,
        };
        *lock(&self.parts.status) = status;
    }

    /// Tells the ledger what is not told yet.
    async fn last_report(&mut self) {
        let stop = self.parts.orders.borrow().stop;
        let until = stop.unwrap_or_else(|| clock().0) + LAST_REPORT;
        let desk = &mut self.parts.desk;
        desk.in_hand(0);
        // Later than that the events are sent again after the next start, with the same ids.
        let _ = timeout_at(until.into(), async {
            desk.back().await;
            desk.send_report(clock().1);
            desk.back().await;
        })
        .await;
    }

    /// Lets the sink end what it keeps running; what it has in hand is in the ledger. Later than its time it is
    /// dropped, which ends it, too.
    async fn close(&mut self) {
        let (now, _) = clock();
        let stop = self.parts.orders.borrow().stop.unwrap_or(now);
        let until = stop + LAST_REPORT + FAREWELL;
        let call = self.parts.sink.close(until.saturating_duration_since(now));
        let _ = timeout_at(until.into(), call).await;
    }
}

/// Says in the status that the task ended, if it was not asked to.
struct EndMark {
    status: Arc<Mutex<SinkStatus>>,
    in_order: bool,
}

impl EndMark {
    fn in_order(mut self) {
        self.in_order = true;
    }
}

impl Drop for EndMark {
    fn drop(&mut self) {
        if !self.in_order {
            *lock(&self.status) = SinkStatus::not_running();
        }
    }
}
