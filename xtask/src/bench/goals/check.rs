//! One demand of a goal, and what the figures say about it.

use crate::bench::figure::{Figure, median};
use crate::bench::sample::Sample;
use crate::bench::workload::Workload;

/// A figure of a program in a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The workload.
    pub(crate) workload: Workload,
    /// The figure.
    pub(crate) figure: Figure,
    /// The program; of several, the first that was measured.
    pub(crate) programs: &'static [&'static str],
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measure {
    /// The first divided by the second, round by round.
    Ratio(Spot, Spot),
    /// The first less the second, divided by the third.
    Surplus(Spot, Spot, Spot),
    /// The first by itself, beside the second.
    Middle(Spot, Spot),
    /// The worst of all runs of all these; beside the last.
    Most(&'static [Spot], Spot),
    /// The share of the runs in which the program said that it lost something.
    Told(Spot, Spot),
}

/// What is demanded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// No more.
    AtMost(f64),
    /// No less.
    AtLeast(f64),
}

/// A demand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    /// The goal that it belongs to.
    pub(crate) goal: &'static str,
    /// In words.
    pub(crate) says: &'static str,
    /// What is looked at.
    pub(crate) measure: Measure,
    /// What is demanded of it.
    pub(crate) bound: Bound,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reached {
    /// The median over the rounds, or the worst.
    pub(crate) value: f64,
    /// The least and the most of the rounds.
    pub(crate) range: (f64, f64),
    /// Our figure by itself.
    pub(crate) ours: f64,
    /// The figure beside it.
    pub(crate) beside: Option<f64>,
}

impl Check {
    /// What the samples say; `None` where something was not measured.
    pub(crate) fn reached(&self, samples: &[Sample]) -> Option<Reached> {
        let rounds = samples.iter().map(|sample| sample.round).max()?;
        let each = |at: &dyn Fn(usize) -> Option<f64>| -> Vec<f64> {
            (1..=rounds).filter_map(at).filter(|value| value.is_finite()).collect()
        };
        let (values, ours, beside) = match self.measure {
            Measure::Ratio(ours, beside) => {
                (each(&|round| Some(ours.at(samples, round)? / beside.at(samples, round)?)), ours, beside)
            }
            Measure::Surplus(ours, beside, unit) => {
                let surplus = |round| {
                    let over = ours.at(samples, round)? - beside.at(samples, round)?;
                    Some(over / unit.at(samples, round)?)
                };
                (each(&surplus), ours, beside)
            }
            Measure::Middle(ours, beside) => (each(&|round| ours.at(samples, round)), ours, beside),
            Measure::Most(spots, beside) => {
                let most = |round| spots.iter().filter_map(|spot| spot.at(samples, round)).reduce(f64::max);
                (each(&most), *spots.first()?, beside)
            }
            Measure::Told(ours, beside) => (each(&|round| ours.told(samples, round)), ours, beside),
        };
        let range = (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
        let value = match (self.measure, self.bound) {
            (Measure::Most(..) | Measure::Told(..), Bound::AtMost(_)) => range.1,
            (Measure::Most(..) | Measure::Told(..), Bound::AtLeast(_)) => range.0,
            _ => median(values)?,
        };
        let tells = matches!(self.measure, Measure::Told(..));
        let one = |spot: Spot, round| if tells { spot.told(samples, round) } else { spot.at(samples, round) };
        let middle = |spot: Spot| median(each(&|round| one(spot, round)));
        Some(Reached { value, range, ours: middle(ours)?, beside: middle(beside) })
    }

    /// The program whose figure stands beside ours.
    pub(crate) fn beside(&self, samples: &[Sample]) -> Option<&'static str> {
        let spot = match self.measure {
            Measure::Ratio(_, beside)
            | Measure::Surplus(_, beside, _)
            | Measure::Middle(_, beside)
            | Measure::Most(_, beside)
            | Measure::Told(_, beside) => beside,
        };
        spot.present(samples)
    }

    /// The workload, and the figure that is looked at there.
    pub(crate) fn looked_at(&self) -> Option<(Workload, Figure)> {
        let spot = match self.measure {
            Measure::Ratio(ours, _)
            | Measure::Surplus(ours, ..)
            | Measure::Middle(ours, _)
            | Measure::Told(ours, _) => ours,
            Measure::Most(spots, _) => *spots.first()?,
        };
        Some((spot.workload, spot.figure))
    }

    /// Our figure or that beside it, as it is shown.
    pub(crate) fn shown(&self, value: f64) -> String {
        match (self.measure, self.looked_at()) {
            (Measure::Told(..), _) => if value >= 1.0 { "told" } else { "not told" }.to_owned(),
            (_, Some((_, figure))) => figure.shown(value),
            (_, None) => String::new(),
        }
    }
}

impl Bound {
    /// Whether the value satisfies it.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Bound::AtMost(most) => value <= most,
            Bound::AtLeast(least) => value >= least,
        }
    }

    /// How far the value is from the bound: up to 1 it is kept. `None` where that has no meaning.
    pub(crate) fn distance(self, value: f64) -> Option<f64> {
        let distance = match self {
            Bound::AtMost(most) => value / most,
            Bound::AtLeast(least) => least / value,
        };
        (distance.is_finite() && distance > 0.0).then_some(distance)
    }
}

impl Spot {
    fn at(&self, samples: &[Sample], round: usize) -> Option<f64> {
        self.sample(samples, round)?.figure(self.figure)
    }

    /// 1 or 0.
    fn told(&self, samples: &[Sample], round: usize) -> Option<f64> {
        Some(f64::from(u8::from(self.sample(samples, round)?.told)))
    }

    fn sample<'a>(&self, samples: &'a [Sample], round: usize) -> Option<&'a Sample> {
        let program = self.present(samples)?;
        samples.iter().find(|sample| {
            sample.round == round && sample.workload == self.workload && sample.program == program
        })
    }

    fn present(&self, samples: &[Sample]) -> Option<&'static str> {
        let is_there = |name: &&&str| {
            samples.iter().any(|sample| sample.workload == self.workload && sample.program == ***name)
        };
        self.programs.iter().find(is_there).copied()
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures have exact values")]
mod tests {
    use super::*;

    const fn spot(figure: Figure, programs: &'static [&'static str]) -> Spot {
        Spot { workload: Workload::W1, figure, programs }
    }

    const LOST: [Spot; 1] = [spot(Figure::Missing, &["ours"])];

    fn sample(round: usize, program: &str, cpu: f64, missing: f64) -> Sample {
        let sample = Sample::new(Workload::W1, program);
        let mut sample = sample.with(Figure::CpuUs, cpu).with(Figure::Missing, missing);
        sample.round = round;
        sample
    }

    fn check(measure: Measure, bound: Bound) -> Check {
        Check { goal: "G", says: "", measure, bound }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let samples = [
            sample(1, "ours", 4.0, 0.0),
            sample(1, "b", 2.0, 0.0),
            sample(2, "ours", 30.0, 3.0),
            sample(2, "b", 10.0, 0.0),
            sample(3, "ours", 5.0, 0.0),
        ];
        let (ours, beside) = (spot(Figure::CpuUs, &["ours"]), spot(Figure::CpuUs, &["absent", "b"]));
        let ratio = check(Measure::Ratio(ours, beside), Bound::AtMost(2.0));
        let reached = ratio.reached(&samples).unwrap();
        assert_eq!((reached.value, reached.range), (2.5, (2.0, 3.0)));
        assert_eq!((reached.ours, reached.beside), (5.0, Some(6.0)));
        assert_eq!(ratio.beside(&samples), Some("b"));
        let most = check(Measure::Most(&LOST, beside), Bound::AtMost(0.0));
        assert_eq!(most.reached(&samples).unwrap().value, 3.0);
        let unit = spot(Figure::CpuUs, &["b"]);
        let surplus = check(Measure::Surplus(ours, beside, unit), Bound::AtMost(1.0));
        assert_eq!(surplus.reached(&samples).unwrap().value, 1.5);
        let nobody = check(Measure::Ratio(spot(Figure::CpuUs, &["x"]), beside), Bound::AtMost(1.0));
        assert_eq!(nobody.reached(&samples), None);
    }

    #[test]
    fn who_says_nothing_once_has_not_told() {
        let mut told = sample(1, "ours", 1.0, 0.0);
        told.told = true;
        let spot = spot(Figure::CpuUs, &["ours"]);
        let check = check(Measure::Told(spot, spot), Bound::AtLeast(1.0));
        assert_eq!(check.reached(std::slice::from_ref(&told)).unwrap().value, 1.0);
        assert_eq!(check.reached(&[told, sample(2, "ours", 1.0, 0.0)]).unwrap().value, 0.0);
    }

    #[test]
    fn a_bound_is_kept_up_to_itself() {
        assert!(Bound::AtMost(1.5).holds(1.5) && !Bound::AtMost(1.5).holds(1.6));
        assert!(Bound::AtLeast(10.0).holds(10.0) && !Bound::AtLeast(10.0).holds(9.0));
        assert_eq!(Bound::AtLeast(10.0).distance(5.0), Some(2.0));
        assert_eq!(Bound::AtMost(0.0).distance(0.0), None);
    }
}
