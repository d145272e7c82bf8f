//! What is measured of a run, with its place in the tables.

/// One kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Files that were written and never reported.
    Missing,
    /// Those of them that still lie there at the end.
    MissingAtEnd,
    /// Reports beyond the first of a file, in % of the files.
    Repeated,
    /// Processor time for each file that was reported, in µs.
    CpuUs,
    /// Files in a second, from the first writer's start to the last report.
    Rate,
    /// From the last close to the last report, in ms.
    TailMs,
    /// Half of the files were reported sooner after their close than this, in µs.
    P50,
    /// 99 % of the files were.
    P99,
    /// The most memory that was resident, in MB.
    PeakMb,
    /// By how much memory grew at most, for each file, in bytes.
    Growth,
    /// Processor time of a start, in ms.
    StartCpuMs,
    /// From a start to being ready and idle, in ms.
    StartMs,
    /// Memory that is resident once it stands, in MB.
    ResidentMb,
    /// Processor time of one pass, in ms.
    PassMs,
    /// Share of a core, in %.
    Percent,
    /// Units of work in a second.
    PerSecond,
    /// Half of the units of work took less than this, in µs.
    UnitUs,
}

impl Figure {
    /// In the order of the columns.
    pub(crate) const ALL: [Figure; 17] = [
        Figure::Missing,
        Figure::MissingAtEnd,
        Figure::Repeated,
        Figure::CpuUs,
        Figure::Rate,
        Figure::TailMs,
        Figure::P50,
        Figure::P99,
        Figure::StartCpuMs,
        Figure::StartMs,
        Figure::PassMs,
        Figure::Percent,
        Figure::PerSecond,
        Figure::UnitUs,
        Figure::ResidentMb,
        Figure::PeakMb,
        Figure::Growth,
    ];

    /// The heading of its column, which is also its key in the raw figures.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Figure::Missing => "missing",
            Figure::MissingAtEnd => "of those that stay",
            Figure::Repeated => "repeated %",
            Figure::CpuUs => "CPU µs/file",
            Figure::Rate => "files/s",
            Figure::TailMs => "tail ms",
            Figure::P50 => "p50 µs",
            Figure::P99 => "p99 µs",
            Figure::PeakMb => "peak MB",
            Figure::Growth => "grown B/file",
            Figure::StartCpuMs => "start CPU ms",
            Figure::StartMs => "start ms",
            Figure::ResidentMb => "resident MB",
            Figure::PassMs => "CPU ms/pass",
            Figure::Percent => "% of a core",
            Figure::PerSecond => "per s",
            Figure::UnitUs => "p50 µs each",
        }
    }

    /// The figure of that heading.
    pub(crate) fn named(heading: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.heading() == heading)
    }

    /// A value as it stands in a table.
    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            _ if !value.is_finite() => "–".to_owned(),
            Figure::Missing
            | Figure::MissingAtEnd
            | Figure::Rate
            | Figure::P50
            | Figure::P99
            | Figure::Growth
            | Figure::StartMs
            | Figure::PerSecond => format!("{value:.0}"),
            Figure::Percent => format!("{value:.3}"),
            Figure::PassMs | Figure::Repeated => format!("{value:.2}"),
            _ => format!("{value:.1}"),
        }
    }
}

/// The middle one; of an even number, the middle of the middle two. `None` of none.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[odd / 2]),
        even => Some(f64::midpoint(values[even / 2 - 1], values[even / 2])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_heading() {
        for figure in Figure::ALL {
            assert_eq!(Figure::named(figure.heading()), Some(figure));
        }
    }

    #[test]
    fn the_middle_is_found() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
