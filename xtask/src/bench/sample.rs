//! What one run has shown.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::figure::Figure;
use super::sink::Seen;
use super::usage::Usage;
use super::workload::Workload;
use super::writing::Written;

/// One run of one program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// The workload.
    pub(crate) workload: Workload,
    /// The program's name.
    pub(crate) program: String,
    /// In which round: only figures of one round are divided by each other.
    pub(crate) round: usize,
    /// Whether the program said that it lost something.
    pub(crate) told: bool,
    figures: Vec<(Figure, f64)>,
}

impl Sample {
    /// Without figures.
    pub(crate) fn new(workload: Workload, program: &str) -> Self {
        Self { workload, program: program.to_owned(), round: 0, told: false, figures: Vec::new() }
    }

    /// With one more figure.
    pub(crate) fn with(mut self, figure: Figure, value: f64) -> Self {
        self.figures.push((figure, value));
        self
    }

    /// One of its figures.
    pub(crate) fn figure(&self, wanted: Figure) -> Option<f64> {
        self.figures.iter().find(|(figure, _)| *figure == wanted).map(|(_, value)| *value)
    }

    /// Which files were reported, and how often.
    pub(crate) fn with_files(self, written: &Written, seen: &[Seen]) -> Self {
        let files = written.closed.len();
        let missing = seen.iter().filter(|seen| seen.first.is_none()).count();
        let reports: usize = seen.iter().map(|seen| seen.times).sum();
        let beyond = reports.saturating_sub(files - missing);
        let mut sample = self
            .with(Figure::Missing, missing as f64)
            .with(Figure::Repeated, beyond as f64 * 100.0 / files as f64);
        if written.staying > 0 {
            let at_end = seen.iter().skip(written.staying).filter(|seen| seen.first.is_none()).count();
            sample = sample.with(Figure::MissingAtEnd, at_end as f64);
        }
        sample
    }

    /// What the program spent, on each file that it reported.
    pub(crate) fn with_use(self, before: Usage, after: Usage, seen: &[Seen]) -> Self {
        let files = seen.len() as f64;
        let reported = seen.iter().filter(|seen| seen.first.is_some()).count() as f64;
        let spent = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        // Of one that reported nothing there is no time for each.
        let each = if reported > 0.0 { spent * 1e6 / reported } else { f64::NAN };
        let grown = after.peak_kb.saturating_sub(before.resident_kb) as f64 * 1024.0;
        self.with(Figure::CpuUs, each)
            .with(Figure::PeakMb, after.peak_kb as f64 / 1024.0)
            .with(Figure::Growth, grown / files)
    }

    /// How fast all came through.
    pub(crate) fn with_pace(self, written: &Written, seen: &[Seen]) -> Self {
        let firsts = || seen.iter().filter_map(|seen| seen.first);
        let last_seen = firsts().max().unwrap_or(written.begun);
        let last_closed = written.closed.iter().max().copied().unwrap_or(written.begun);
        let seconds = last_seen.saturating_duration_since(written.begun).as_secs_f64().max(1e-9);
        let tail = last_seen.saturating_duration_since(last_closed).as_secs_f64() * 1e3;
        self.with(Figure::Rate, firsts().count() as f64 / seconds).with(Figure::TailMs, tail)
    }

    /// From each close to the first report of it.
    pub(crate) fn with_delays(self, written: &Written, seen: &[Seen]) -> Self {
        let delay = |(seen, closed): (&Seen, &Instant)| Some(seen.first?.saturating_duration_since(*closed));
        let mut delays: Vec<Duration> = seen.iter().zip(&written.closed).filter_map(delay).collect();
        delays.sort_unstable();
        let share = |share: usize| {
            delays.get(delays.len() * share / 100).map_or(f64::NAN, |delay| delay.as_secs_f64() * 1e6)
        };
        let (half, most) = (share(50), share(99));
        self.with(Figure::P50, half).with(Figure::P99, most)
    }

    /// As a line of the raw figures.
    pub(crate) fn to_json(&self) -> Value {
        // JSON knows no NaN: it becomes null, and comes back as NaN.
        let figures: Map<String, Value> =
            self.figures.iter().map(|(figure, value)| (figure.heading().to_owned(), json!(value))).collect();
        json!({
            "round": self.round,
            "workload": self.workload.name(),
            "program": self.program,
            "told": self.told,
            "figures": figures,
        })
    }

    /// From a line of the raw figures.
    pub(crate) fn from_json(line: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(line).context("failed to read a line of raw figures")?;
        let workload = value["workload"].as_str().and_then(Workload::named).context("an unknown workload")?;
        let mut sample = Self::new(workload, value["program"].as_str().context("no program")?);
        sample.round = value["round"].as_u64().and_then(|round| round.try_into().ok()).context("no round")?;
        sample.told = value["told"] == true;
        for (heading, value) in value["figures"].as_object().into_iter().flatten() {
            let figure = Figure::named(heading).with_context(|| format!("an unknown figure: {heading}"))?;
            sample.figures.push((figure, value.as_f64().unwrap_or(f64::NAN)));
        }
        Ok(sample)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<24}", self.program)?;
        for (figure, value) in &self.figures {
            write!(f, " {} {},", figure.heading(), figure.shown(*value))?;
        }
        if self.told { write!(f, " says so") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_taken_from_what_was_written_and_seen() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let written = Written { begun, closed: vec![at(1), at(2), at(3), at(4)], staying: 2 };
        let seen = |first, times| Seen { first, times };
        let seen = [seen(Some(at(5)), 1), seen(None, 0), seen(None, 0), seen(Some(at(24)), 2)];
        let used = |cpu, peak_kb| Usage { cpu: Duration::from_micros(cpu), peak_kb, resident_kb: peak_kb };
        let sample = Sample::new(Workload::W4c, "x")
            .with_files(&written, &seen)
            .with_pace(&written, &seen)
            .with_delays(&written, &seen)
            .with_use(used(10, 100), used(40, 104), &seen);
        let expected = [
            (Figure::Missing, 2.0),
            (Figure::MissingAtEnd, 1.0),
            (Figure::Repeated, 25.0),
            (Figure::TailMs, 20.0),
            (Figure::P50, 20_000.0),
            (Figure::CpuUs, 15.0),
            (Figure::Growth, 1024.0),
        ];
        for (figure, value) in expected {
            let found = sample.figure(figure).unwrap();
            assert!((found - value).abs() < 1e-6, "{figure:?} {found}");
        }
    }

    #[test]
    fn the_raw_figures_give_the_same_sample() {
        let mut sample = Sample::new(Workload::W6Lat, "ino|rpush").with(Figure::P50, 105.25);
        (sample.round, sample.told) = (3, true);
        assert_eq!(Sample::from_json(&sample.to_json().to_string()).unwrap(), sample);
        let unknown = sample.to_json().to_string().replace("p50", "p51");
        assert!(Sample::from_json(&unknown).is_err());
    }
}
