//! One run of one case: the schedule, the clocks, and the checks after each turn.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::Clock;
use engine::answer::Selected;
use engine::clock::Hands;
use engine::standing::SourceState;
use sys::stage::Playing;

use crate::judge::{Judge, Tally};
use crate::peer::Peer;
use crate::program::Program;
use crate::script::{Case, Mood, Op, RuleSet, Step, is_temporary};
use crate::world::World;

/// So long after the last writer has gone everything is decided, with the comparisons.
const QUIET: Duration = Duration::from_mins(1);
/// And so much later where it cannot be known whether a file is closed.
const DOUBT: Duration = Duration::from_secs(90);
/// The thread may oversleep by as much at the end; it has less to do then.
const LAZY: Duration = Duration::from_secs(4);
/// So many turns of a sleep are taken at most.
const TURNS: u32 = 6;
/// So many turns in a row without sleep are one too many.
const RESTLESS: u32 = 400;

pub(crate) struct Run<'a> {
    case: &'a Case,
    world: Arc<World>,
    hands: &'static Hands,
    program: Option<Program>,
    peer: Peer,
    judge: Judge,
    /// Admissions up to here were judged.
    seen: u64,
    disk: Option<Disk>,
    _playing: Playing,
}

/// Where the ledger of a durable case lies, and what a power cut leaves of it.
struct Disk {
    dir: tempfile::TempDir,
    /// The last number in the copy.
    kept: u64,
}

impl Disk {
    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn copy(&self) -> PathBuf {
        self.dir.path().join("copy")
    }
}

fn replace_by_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from).into_iter().flatten() {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

thread_local! {
    static HANDS: &'static Hands = Box::leak(Box::default());
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("the test itself failed: {error}")
}

impl<'a> Run<'a> {
    pub(crate) fn new(case: &'a Case, logs: bool) -> Result<Self, String> {
        let world = Arc::new(World::new(case.manners));
        world.state().log = logs.then(Vec::new);
        let disk = case.durable.then(|| tempfile::tempdir_in("/dev/shm").map(|dir| Disk { dir, kept: 0 }));
        let exact =
            case.manners.leases && matches!(case.rules, RuleSet::Local | RuleSet::Sftp | RuleSet::Mixed);
        let playing = sys::stage::play(Arc::clone(&world) as Arc<_>);
        Ok(Self {
            case,
            world,
            hands: HANDS.with(|hands| *hands),
            program: None,
            peer: Peer::new(case.batch),
            judge: Judge::new(exact, case.rules),
            seen: 0,
            disk: disk.transpose().map_err(failed)?,
            _playing: playing,
        })
    }

    /// Everything, with the checks.
    pub(crate) fn whole(&mut self, steps: &[Step]) -> Result<(), String> {
        self.set_hands();
        self.wake()?;
        for step in steps {
            self.step(*step)?;
        }
        self.come_to_rest()?;
        self.check_end()
    }

    pub(crate) fn tally(&self) -> Tally {
        let world = self.world.state();
        Tally { overflows: world.overflows, calls: world.calls, ..self.judge.tally }
    }

    /// What happened, if it was to be written down.
    pub(crate) fn log(&self) -> Vec<String> {
        self.world.state().log.clone().unwrap_or_default()
    }

    fn note(&self, what: impl FnOnce() -> String) {
        let mut world = self.world.state();
        let at = world.mono as f64 / 1e9;
        if let Some(log) = &mut world.log {
            log.push(format!("{at:>9.3} s  {}", what()));
        }
    }

    fn step(&mut self, Step { during, op }: Step) -> Result<(), String> {
        if let Some(after) = during {
            self.world.state().schedule(after, op);
            return Ok(());
        }
        if self.world.state().has_pending() {
            self.turn()?;
        }
        match op {
            Op::Turn => self.turn(),
            Op::Drain(events) => {
                self.wake()?;
                self.drain(events);
                Ok(())
            }
            Op::Sleep(ms) => self.sleep(Duration::from_millis(ms), TURNS),
            Op::Stall(ms) => {
                self.pass(Duration::from_millis(ms));
                Ok(())
            }
            Op::StepClock(ms) => {
                self.world.state().step_clock(ms * 1_000_000);
                self.set_hands();
                Ok(())
            }
            Op::Rescan => {
                self.wake()?;
                self.source(|program| program.source.rescan());
                Ok(())
            }
            Op::Keep => self.keep(),
            Op::Kill | Op::PowerCut | Op::Restart => self.stop(op),
            Op::Sink(mood) => {
                self.peer.set_mood(mood);
                Ok(())
            }
            _ => {
                self.world.state().perform(&op);
                return Ok(());
            }
        }?;
        self.note(|| format!("{op:?}"));
        Ok(())
    }

    fn source(&self, act: impl FnOnce(&Program)) {
        if let Some(program) = &self.program {
            act(program);
        }
    }

    fn set_hands(&self) {
        let world = self.world.state();
        self.hands.set(Duration::from_nanos(world.mono), world.wall());
    }

    fn pass(&mut self, time: Duration) {
        self.world.state().mono += time.as_nanos() as u64;
        self.set_hands();
        if !time.is_zero() {
            self.source(|program| program.deliver(time));
        }
    }

    fn drain(&self, events: usize) {
        self.world.set_portion(Some(events));
        self.source(|program| program.source.drain());
        self.world.set_portion(None);
    }

    /// Starts the program if it is down.
    fn wake(&mut self) -> Result<(), String> {
        if self.program.is_none() {
            let state = self.disk.as_ref().map(Disk::state);
            let clock = Clock::by(self.hands);
            let program = Program::start(self.case, state.as_deref(), &self.peer, clock).map_err(failed)?;
            self.program = Some(program);
            self.turn()?;
        }
        Ok(())
    }

    /// One round of the source; the drain thread has had its turn before.
    fn turn(&mut self) -> Result<(), String> {
        self.wake()?;
        self.judge.tally.turns += 1;
        self.world.state().begin_turn();
        if let Some(program) = &mut self.program {
            program.source.drain();
            program.source.turn();
        }
        self.judge_turn()?;
        self.world.state().end_turn();
        self.source(|program| program.deliver(Duration::from_millis(1)));
        self.judge.taken(&self.peer.take())
    }

    /// What was admitted in this turn.
    fn judge_turn(&mut self) -> Result<(), String> {
        let Some(program) = &self.program else { return Ok(()) };
        if program.ledger.flush().map_err(failed)? <= self.seen {
            return Ok(());
        }
        let fetched = program.ledger.fetch(program.sink, self.seen, usize::MAX >> 1).map_err(failed)?;
        for parcel in &fetched.parcels {
            self.note(|| {
                let path = String::from_utf8_lossy(&parcel.path);
                let (size, generation) = (parcel.size, parcel.generation);
                format!(
                    "    announced {path}: {size} bytes of {}, generation {generation}",
                    parcel.mtime.as_nanos()
                )
            });
            self.judge.admitted(&self.world.state(), parcel)?;
        }
        self.seen = fetched.scanned_to.max(self.seen);
        Ok(())
    }

    /// Time passes with at most so many turns.
    fn sleep(&mut self, time: Duration, turns: u32) -> Result<(), String> {
        let least = time / turns;
        self.sleep_lazily(time, least)
    }

    fn sleep_lazily(&mut self, time: Duration, least: Duration) -> Result<(), String> {
        let (mut left, mut restless) = (time, 0);
        loop {
            self.turn()?;
            let idle = self.program.as_ref().map_or(left, |program| program.source.idle_time());
            restless = if idle.is_zero() { restless + 1 } else { 0 };
            if restless > RESTLESS {
                return Err("restless: the source always has something to do".into());
            }
            if idle.is_zero() {
                continue;
            }
            if left.is_zero() {
                return Ok(());
            }
            let nap = idle.max(least).min(left);
            self.pass(nap);
            left -= nap;
        }
    }

    fn keep(&mut self) -> Result<(), String> {
        let (Some(program), Some(disk)) = (&self.program, &mut self.disk) else { return Ok(()) };
        disk.kept = program.ledger.flush().map_err(failed)?;
        replace_by_copy(&disk.state(), &disk.copy()).map_err(failed)
    }

    /// Ends the program, in order or not. It is started again when it is needed.
    fn stop(&mut self, how: Op) -> Result<(), String> {
        if self.disk.is_none() {
            return Ok(());
        }
        let Some(program) = self.program.take() else { return Ok(()) };
        self.judge.tally.crashes += 1;
        let Program { source, ledger, .. } = program;
        if how == Op::Restart {
            self.world.state().begin_turn();
            source.end();
            self.world.state().end_turn();
        } else {
            drop(source);
        }
        let end = ledger.flush().map_err(failed)?;
        ledger.close().map_err(failed)?;
        drop(ledger);
        self.seen = end;
        if let Some(disk) = &self.disk
            && how == Op::PowerCut
        {
            replace_by_copy(&disk.copy(), &disk.state()).map_err(failed)?;
            self.seen = disk.kept;
            self.judge.power_is_cut(disk.kept);
        }
        Ok(())
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        self.turn()?;
        self.world.state().close_all();
        self.peer.set_mood(Mood::Well);
        self.note(|| "every writer ends, and all is quiet".into());
        let doubt = if self.case.manners.leases { Duration::ZERO } else { DOUBT };
        self.sleep_lazily(QUIET + doubt, LAZY)
    }

    fn check_end(&mut self) -> Result<(), String> {
        self.judge.end(&self.world.state(), self.case.rescan.is_some())?;
        let paths: Vec<String> = self.world.state().files().into_iter().map(|(path, ..)| path).collect();
        let Some(program) = &mut self.program else { return Ok(()) };
        let row = program.source.standing();
        if row.waiting > 0 || row.gaps_open > 0 || row.state != SourceState::Ok {
            return Err(format!("unsettled: all is quiet, and the source stands at {row:?}"));
        }
        let (known, there) = (row.known, Judge::count(&self.world.state()));
        // A ledger in memory has no paths by which the source could see that a file went away unheard.
        let forgets = self.disk.is_some() && self.judge.tally.crashes == 0;
        if known < there || (known > there && forgets) {
            return Err(format!("sum: {known} files are known and {there} are there"));
        }
        for path in paths {
            let told = program.source.explain(path.as_bytes());
            let verdict = told.is_some_and(|told| match told.selection {
                Selected::Rule(_) => self.judge.knows(&path),
                Selected::Ignored(_) => is_temporary(&path),
            });
            if !verdict {
                return Err(format!("unknown: nobody can say what became of {path}"));
            }
        }
        Ok(())
    }
}
