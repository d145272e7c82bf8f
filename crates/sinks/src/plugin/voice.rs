//! What a plugin writes for people, passed on to the program's log: so many lines a second, and no more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::text::safe;
use tokio::time::sleep;

use crate::journal::Hands;

/// So many lines of a plugin are passed on within one [`WINDOW`]; the rest is counted.
const LINES: u32 = 20;
/// A plugin that writes more than this within one [`WINDOW`] is read slowly.
const FLOOD: usize = 4 << 20;
const WINDOW: Duration = Duration::from_secs(1);
/// A line is shown up to so many bytes.
pub(crate) const SHOWN: usize = 500;

/// The plugin's way to the log. All parts of one plugin share its bounds.
#[derive(Clone)]
pub(crate) struct Voice {
    name: Arc<str>,
    hands: Hands,
    budget: Arc<Mutex<Budget>>,
}

#[derive(Debug, Default)]
struct Budget {
    said: u32,
    left_out: u64,
    bytes: usize,
    /// The end of the window will come.
    timed: bool,
    /// The last line on standard error, for whoever asks why the plugin ended.
    last_words: Option<String>,
}

impl Voice {
    pub(crate) fn new(name: &str, hands: Hands) -> Self {
        Self { name: name.into(), hands, budget: Arc::default() }
    }

    /// The plugin's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Says something of the host's own; it is never left out.
    pub(crate) fn tell(&self, text: &str) {
        (self.hands.remark)(text);
    }

    /// Passes on a line that the plugin wrote, if there is room for it. Called within a runtime.
    pub(crate) fn pass_on(&self, prefix: &str, line: &[u8]) {
        let room = {
            let mut budget = self.lock();
            self.begin_window(&mut budget);
            budget.bytes += line.len();
            let room = budget.said < LINES;
            if room {
                budget.said += 1;
            } else {
                budget.left_out += 1;
            }
            room
        };
        if room {
            self.tell(&format!("{prefix}{}", shown(line)));
        }
    }

    /// Counts output that is not passed on. Called within a runtime.
    pub(crate) fn count(&self, bytes: usize) {
        let mut budget = self.lock();
        self.begin_window(&mut budget);
        budget.bytes += bytes;
    }

    /// Whether the plugin writes so much that reading it should pause.
    pub(crate) fn is_flooding(&self) -> bool {
        self.lock().bytes > FLOOD
    }

    /// Remembers a line as the last one.
    pub(crate) fn remember(&self, line: &[u8]) {
        if !line.trim_ascii().is_empty() {
            self.lock().last_words = Some(shown(line));
        }
    }

    /// The last line that was remembered, once.
    pub(crate) fn last_words(&self) -> Option<String> {
        self.lock().last_words.take()
    }

    fn begin_window(&self, budget: &mut Budget) {
        if !std::mem::replace(&mut budget.timed, true) {
            let voice = self.clone();
            tokio::spawn(async move {
                sleep(WINDOW).await;
                voice.end_window();
            });
        }
    }

    fn end_window(&self) {
        let Budget { left_out, .. } = {
            let mut budget = self.lock();
            let last_words = budget.last_words.take();
            std::mem::replace(&mut *budget, Budget { last_words, ..Budget::default() })
        };
        if left_out > 0 {
            self.tell(&format!(
                "W-PLUGIN-LINES: {left_out} more lines of plugin \"{}\" were left out of this log: it may have {LINES} in a \
                 second; events are not concerned",
                self.name
            ));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Voice").field(&self.name).finish()
    }
}

/// A line for people: cut, and without anything that a terminal would obey.
pub(crate) fn shown(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    let cut = &line[..line.len().min(SHOWN)];
    let dots = if cut.len() < line.len() { "…" } else { "" };
    format!("{}{dots}", safe(cut))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn come_true(condition: impl Fn() -> bool) {
        let waited = tokio::time::timeout(WINDOW * 20, async {
            while !condition() {
                sleep(WINDOW / 50).await;
            }
        });
        waited.await.unwrap();
    }

    #[tokio::test]
    async fn so_many_lines_in_a_second_and_then_how_many_were_left_out() {
        let lines = Arc::new(Mutex::new(Vec::<String>::new()));
        let kept = Arc::clone(&lines);
        let remark = Arc::new(move |text: &str| kept.lock().unwrap().push(text.to_owned()));
        let voice = Voice::new("p", Hands { remark, ..Hands::in_memory() });
        for _ in 0..50 {
            voice.pass_on("p: ", b"x");
        }
        assert_eq!(lines.lock().unwrap().len(), 20);
        let end = || lines.lock().unwrap().last().is_some_and(|line| line.starts_with("W-"));
        come_true(end).await;
        let last = lines.lock().unwrap().pop().unwrap();
        assert!(last.starts_with("W-PLUGIN-LINES: 30 more lines"), "{last}");
        voice.pass_on("p: ", b"again");
        assert_eq!(lines.lock().unwrap().last().unwrap(), "p: again");
    }

    #[tokio::test]
    async fn a_flood_is_noticed_and_ends_with_its_second() {
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        let remark = Arc::new(move |_: &str| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let voice = Voice::new("p", Hands { remark, ..Hands::in_memory() });
        voice.count(FLOOD + 1);
        assert!(voice.is_flooding());
        come_true(|| !voice.is_flooding()).await;
        assert!(told.load(Ordering::Relaxed) == 0);
    }

    #[test]
    fn what_is_shown_is_short_and_harmless() {
        assert_eq!(shown(b"a\x1b[31m\r\n"), "a\\x1b[31m");
        assert!(shown(&[b'x'; 5000]).len() < 600);
    }
}
