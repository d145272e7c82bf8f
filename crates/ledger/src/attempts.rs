//! The attempts that are remembered of an event that did not go through at once, in words. Pure.

use crate::entry::{Dead, Moment, Parked};

/// So many of one event at one sink, whatever it goes through: a sink may refuse it for days.
pub(crate) const KEPT: usize = 16;

/// So many of them are the first ones, which tell how it began; the others are the latest.
pub(crate) const FIRST: usize = 8;

/// Errors are quoted up to here.
const ERROR_LIMIT: usize = 300;

/// An operator wants a dead letter to be tried once more.
pub(crate) const ASKED: &str = "an operator asked for another attempt";

/// Adds a moment; beyond the limit one from the middle goes.
pub(crate) fn remember(history: &mut Vec<Moment>, moment: Moment) {
    history.push(moment);
    if history.len() > KEPT {
        history.remove(FIRST);
    }
}

/// It will be tried again.
pub(crate) fn parked(parked: &Parked) -> String {
    let error = quoted(&parked.error);
    match parked.attempts {
        // Held up by an earlier event: it was not tried.
        0 => error.to_owned(),
        number => format!("attempt {number} was refused: {error}"),
    }
}

/// It will not be tried again.
pub(crate) fn dead(dead: &Dead) -> String {
    let (number, error) = (dead.attempts, quoted(&dead.error));
    let verb = if dead.rejected { "rejected for good" } else { "refused, and was the last" };
    format!("attempt {number} was {verb}; a dead letter now: {error}")
}

/// It went through after all.
pub(crate) fn delivered(attempts: u32) -> String {
    format!("attempt {attempts} was acknowledged")
}

fn quoted(error: &str) -> &str {
    &error[..error.floor_char_boundary(ERROR_LIMIT)]
}

#[cfg(test)]
mod tests {
    use model::Stamp;

    use super::*;

    #[test]
    fn the_first_and_the_latest_are_kept() {
        let mut history = Vec::new();
        for second in 0..100 {
            remember(&mut history, Moment { time: Stamp::new(second, 0), what: String::new() });
        }
        let times: Vec<i64> = history.iter().map(|moment| moment.time.sec).collect();
        assert_eq!(times, (0..8).chain(92..100).collect::<Vec<i64>>());
    }

    #[test]
    fn a_long_error_is_cut_between_two_characters() {
        let error = "\u{e9}".repeat(1_000);
        let long = Parked { seq: 1, attempts: 2, next: Stamp::default(), error: format!("x{error}") };
        let said = parked(&long);
        assert!(said.starts_with("attempt 2 was refused: x\u{e9}") && said.len() < 330, "{said}");
    }
}
