//! What is written while it is waited, and in the end.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::Clock;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::Stamp;
use model::text::{insert_json_path, safe};
use serde_json::{Map, Value};
use settle::Mono;
use sys::Errno;
use watch::quiet::{Ears, Unrest};

use super::lines::{Lines, line_of};
use super::wait::{Found, Round, Shared};
use crate::args::QuietArgs;
use crate::{log, show};

/// So many of the paths that still change are named.
const NAMED: usize = 10;
/// So many unreadable directories are named.
const UNREAD_NAMED: usize = 16;

/// Writes lines for people or for programs.
pub(super) struct Teller {
    lines: Lines,
    period: Duration,
    clock: Clock,
    shared: Arc<Shared>,
    progress: Arc<AtomicU64>,
    bar: ProgressBar,
    /// Unreadable directories that were told of.
    told: BTreeSet<Vec<u8>>,
    ears: Option<Ears>,
}

impl Teller {
    pub(super) fn new(args: &QuietArgs, clock: Clock, shared: Arc<Shared>, progress: Arc<AtomicU64>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let root = args.directory.as_os_str().as_bytes().to_vec();
        Self {
            lines: Lines { root, json: args.json, colour: show::colour() },
            period: args.period,
            clock,
            shared,
            progress,
            bar,
            told: BTreeSet::new(),
            ears: None,
        }
    }

    /// Whether there is a line to draw from time to time.
    pub(super) fn draws(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Draws how it stands.
    pub(super) fn draw(&self) {
        let now = self.clock.mono();
        let state = self.shared.lock();
        let period = model::measure::format_duration(self.period);
        let text = match (state.touring, state.quiet_since) {
            (false, Some(since)) => format!("quiet for {} of {period}", seconds(now.saturating_sub(since))),
            _ => format!("looking at the tree: {} entries", self.progress.load(Ordering::Relaxed)),
        };
        let last = state.restless.latest().map(|(path, unrest)| {
            let ago = seconds(now.saturating_sub(unrest.last));
            format!("; {ago} ago: {}", self.lines.path(path))
        });
        drop(state);
        self.bar.set_message(text + &last.unwrap_or_default());
        self.bar.tick();
    }

    /// Tells what a tour has found.
    pub(super) fn round(&mut self, round: &Round) -> std::io::Result<()> {
        self.tell_of_ears(&round.ears);
        if let Some(unread) = &round.unread {
            self.tell_of_unread(unread);
        }
        self.write(&self.lines.of(round))?;
        if round.first {
            self.on_stderr(|| log::plain(&format!("ready {}", safe(&self.lines.root))));
        }
        Ok(())
    }

    /// It is quiet.
    pub(super) fn quiet(&mut self, found: &Found) -> std::io::Result<()> {
        self.bar.finish_and_clear();
        let line = if self.lines.json { self.quiet_json(found) } else { self.quiet_text(found) };
        self.write(line.as_bytes())
    }

    fn quiet_json(&self, found: &Found) -> String {
        let totals = found.totals;
        let mut map = self.lines.object("quiet", self.clock.wall());
        let figures = [
            ("files", totals.files),
            ("directories", totals.directories),
            ("others", totals.others),
            ("bytes", totals.bytes),
            ("unreadable", found.unread as u64),
        ];
        map.extend(figures.map(|(name, figure)| (name.to_owned(), figure.into())));
        map.insert("quiet_s".into(), rounded(self.period).into());
        map.insert("waited_s".into(), rounded(found.waited).into());
        line_of(map)
    }

    fn quiet_text(&self, found: &Found) -> String {
        let totals = found.totals;
        let mut there = vec![
            counted(totals.files, "file", "files"),
            counted(totals.directories, "directory", "directories"),
            show::size(totals.bytes),
        ];
        if totals.others > 0 {
            there.insert(2, counted(totals.others, "other", "others"));
        }
        let unread = counted(found.unread as u64, "directory", "directories");
        let unread = if found.unread > 0 { format!("; {unread} could not be read") } else { String::new() };
        let period = model::measure::format_duration(self.period);
        format!("quiet for {period}: {}; waited {}{unread}\n", there.join(", "), seconds(found.waited))
    }

    /// The time is up. Gives the sentence for people.
    pub(super) fn timed_out(&mut self) -> std::io::Result<String> {
        self.given_up("timeout", "was not quiet in time")
    }

    /// A signal came. Gives the sentence for people.
    pub(super) fn interrupted(&mut self) -> std::io::Result<String> {
        self.given_up("interrupted", "was not quiet yet when the wait was interrupted")
    }

    fn given_up(&mut self, kind: &str, what: &str) -> std::io::Result<String> {
        self.bar.finish_and_clear();
        let now = self.clock.mono();
        let shared = Arc::clone(&self.shared);
        let state = shared.lock();
        let (still, more) = state.restless.still(now);
        if self.lines.json {
            let mut map = self.lines.object(kind, self.clock.wall());
            map.insert("waited_s".into(), rounded(now).into());
            let still: Vec<Value> = still.iter().map(|(path, unrest)| self.unrest(path, *unrest)).collect();
            map.insert("still".into(), still.into());
            map.insert("more".into(), more.into());
            self.write(line_of(map).as_bytes())?;
        }
        let mut text = format!("{} {what}: waited {}", safe(&self.lines.root), seconds(now));
        if still.is_empty() {
            text.push_str("; ");
            text.push_str(&self.state_of(state.restless.latest(), state.quiet_since, now));
        } else {
            text.push_str("; still changing:");
        }
        self.push_still(&mut text, &still, more, now);
        Ok(text)
    }

    fn push_still(&self, text: &mut String, still: &[(&[u8], Unrest)], more: bool, now: Mono) {
        // Writing to a String cannot fail.
        for (path, unrest) in still.iter().take(NAMED) {
            let (since, last) = (now.saturating_sub(unrest.since), now.saturating_sub(unrest.last));
            let path = self.lines.path(path);
            let _ = write!(text, "\n  {path}  for {}, last {} ago", seconds(since), seconds(last));
        }
        if more {
            text.push_str("\n  and many more");
        } else if still.len() > NAMED {
            let _ = write!(text, "\n  and {} more", still.len() - NAMED);
        }
    }

    /// How it stands where nothing changes.
    fn state_of(&self, latest: Option<(&[u8], Unrest)>, quiet_since: Option<Mono>, now: Mono) -> String {
        match (latest, quiet_since) {
            (Some((path, unrest)), _) => {
                format!(
                    "the last change was {} ago: {}",
                    seconds(now.saturating_sub(unrest.last)),
                    self.lines.path(path)
                )
            }
            (None, Some(since)) => format!("it has been quiet for {}", seconds(now.saturating_sub(since))),
            (None, None) => {
                format!("the first look had come to {} entries", self.progress.load(Ordering::Relaxed))
            }
        }
    }

    fn unrest(&self, path: &[u8], unrest: Unrest) -> Value {
        let wall = |mono: Mono| {
            let ago = self.clock.mono().saturating_sub(mono);
            Stamp::from_nanos(self.clock.wall().as_nanos().saturating_sub(ago.as_nanos() as i64)).to_string()
        };
        let mut map = Map::new();
        insert_json_path(&mut map, "path", path);
        map.insert("since".into(), wall(unrest.since).into());
        map.insert("last".into(), wall(unrest.last).into());
        map.into()
    }

    fn tell_of_ears(&mut self, ears: &Ears) {
        if self.ears.as_ref() == Some(ears) {
            return;
        }
        let before = self.ears.replace(ears.clone());
        let text = match ears {
            Ears::Deaf(error) => format!("there is no inotify instance ({error}): it is only compared"),
            // One sentence is enough, whatever the number is later.
            Ears::Open { .. } if matches!(before, Some(Ears::Open { refused: Some(_), .. })) => return,
            Ears::Open { heard, refused: Some((error, count)) } => format!(
                "{count} of {} directories cannot be listened to ({error}): there it is only compared",
                heard + count
            ),
            Ears::None | Ears::Open { .. } => return,
        };
        self.on_stderr(|| log::warning(&text));
    }

    fn tell_of_unread(&mut self, unread: &[(Vec<u8>, Errno)]) {
        for (path, error) in unread {
            if self.told.len() > UNREAD_NAMED || !self.told.insert(path.clone()) {
                continue;
            }
            let text = if self.told.len() > UNREAD_NAMED {
                "more directories cannot be read".to_owned()
            } else {
                let path = self.lines.path(path);
                format!("{path} cannot be read ({error}): what happens in it is not seen")
            };
            self.on_stderr(|| log::warning(&text));
        }
    }

    fn write(&self, text: &[u8]) -> std::io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.on_stderr(|| {
            let mut out = std::io::stdout().lock();
            out.write_all(text).and_then(|()| out.flush())
        })
    }

    /// Writes where the progress line may stand.
    fn on_stderr<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `0.4s`, `12.3s`, from a minute on `5m12s`.
fn seconds(time: Duration) -> String {
    if time < Duration::from_mins(1) {
        format!("{:.1}s", time.as_secs_f64())
    } else {
        show::age(time.as_secs())
    }
}

/// Seconds with milliseconds.
fn rounded(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}
