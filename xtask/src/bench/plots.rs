//! Which plots there are, and where they lie.

use std::fs;

use super::figure::{Figure, median};
use super::goals::reached_bars;
use super::peers::{
    DIRECTORIES, FAN, FLUSH_EACH, FLUSH_HUNDRED, INO, INO_PUSH, PUSH_EACH, PUSH_THOUSAND, STAT,
};
use super::sample::Sample;
use super::svg::{Bar, Chart, Tone};
use super::workload::Workload;
use crate::workspace::Workspace;

/// The folder of the plots, below the root.
const FOLDER: &str = "docs/bench";

/// A plot of one figure of one workload.
struct Plot {
    name: &'static str,
    workload: Workload,
    figure: Figure,
    title: &'static str,
    unit: &'static str,
    logarithmic: bool,
}

const PLOTS: &[Plot] = &[
    Plot {
        name: "burst",
        workload: Workload::W1,
        figure: Figure::CpuUs,
        title: "Burst of 50 000 files: what each costs",
        unit: "processor time for each file that was reported, µs (logarithmic); less is better",
        logarithmic: true,
    },
    Plot {
        name: "stall",
        workload: Workload::W1Stall,
        figure: Figure::Missing,
        title: "Burst of 100 000 files while the reader stands still",
        unit: "files that were never reported; none is right",
        logarithmic: false,
    },
    Plot {
        name: "overflow",
        workload: Workload::W1Overflow,
        figure: Figure::Missing,
        title: "Forced overflow of the kernel's queue, 50 000 files",
        unit: "files that were never reported; none is right",
        logarithmic: false,
    },
    Plot {
        name: "latency",
        workload: Workload::W2,
        figure: Figure::P50,
        title: "Latency: from close to the consumer",
        unit: "median, µs (logarithmic); less is better",
        logarithmic: true,
    },
    Plot {
        name: "chains",
        workload: Workload::W4a,
        figure: Figure::Missing,
        title: "A file in each of 2 000 new chains of directories",
        unit: "files that were never reported; none is right",
        logarithmic: false,
    },
    Plot {
        name: "unpacking",
        workload: Workload::W4b,
        figure: Figure::Missing,
        title: "20 000 files unpacked into 2 000 new directories",
        unit: "files that were never reported; none is right",
        logarithmic: false,
    },
    Plot {
        name: "poll",
        workload: Workload::W5,
        figure: Figure::PassMs,
        title: "One poll of 500 000 unchanged files",
        unit: "processor time, ms (logarithmic); less is better",
        logarithmic: true,
    },
    Plot {
        name: "redis",
        workload: Workload::W6,
        figure: Figure::Rate,
        title: "50 000 files into a Redis list",
        unit: "files in a second (logarithmic); more is better",
        logarithmic: true,
    },
    Plot {
        name: "redis-cpu",
        workload: Workload::W6,
        figure: Figure::CpuUs,
        title: "50 000 files into a Redis list: what each costs",
        unit: "processor time for each file that arrived, µs (logarithmic); less is better",
        logarithmic: true,
    },
    Plot {
        name: "redis-latency",
        workload: Workload::W6Lat,
        figure: Figure::P50,
        title: "Latency into a Redis list: from close to BLPOP",
        unit: "median, µs (logarithmic); less is better",
        logarithmic: true,
    },
];

/// Writes all of them.
pub(crate) fn write(workspace: &Workspace, samples: &[Sample]) -> anyhow::Result<()> {
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut charts: Vec<(&str, Chart)> = PLOTS.iter().map(|plot| (plot.name, plot.chart(samples))).collect();
    let goals = Chart {
        title: "Goals".to_owned(),
        unit: "how far each figure is from its bound (logarithmic); left of the line is met".to_owned(),
        bars: reached_bars(samples),
        logarithmic: true,
        line: Some((1.0, "the bound")),
    };
    charts.push(("goals", goals));
    for (name, chart) in charts {
        fs::write(folder.join(format!("{name}.svg")), chart.svg())?;
    }
    println!("wrote {FOLDER}");
    Ok(())
}

/// The plots of a workload, by name.
pub(crate) fn of(workload: Workload) -> Vec<&'static str> {
    PLOTS.iter().filter(|plot| plot.workload == workload).map(|plot| plot.name).collect()
}

/// How a page shows the plot of that name.
pub(crate) fn image(name: &str) -> String {
    let title = PLOTS.iter().find(|plot| plot.name == name).map_or("Goals", |plot| plot.title);
    format!("![{title}]({FOLDER}/{name}.svg)\n")
}

impl Plot {
    fn chart(&self, samples: &[Sample]) -> Chart {
        let mut programs: Vec<&str> = Vec::new();
        for sample in samples.iter().filter(|sample| sample.workload == self.workload) {
            if !programs.contains(&sample.program.as_str()) {
                programs.push(&sample.program);
            }
        }
        let bar = |program: &str| {
            let of_it = |sample: &&Sample| sample.workload == self.workload && sample.program == program;
            let values = samples.iter().filter(of_it).filter_map(|sample| sample.figure(self.figure));
            let value = median(values.filter(|value| value.is_finite()).collect())?;
            Some(Bar {
                label: program.to_owned(),
                value,
                text: self.figure.shown(value),
                tone: tone(program),
            })
        };
        Chart {
            title: self.title.to_owned(),
            unit: self.unit.to_owned(),
            bars: programs.into_iter().filter_map(bar).collect(),
            logarithmic: self.logarithmic,
            line: None,
        }
    }
}

fn tone(program: &str) -> Tone {
    let limits = [INO, FAN, INO_PUSH, STAT, DIRECTORIES, FLUSH_EACH, FLUSH_HUNDRED, PUSH_EACH, PUSH_THOUSAND];
    match program {
        _ if limits.contains(&program) => Tone::Limit,
        _ if program.starts_with("staithe") => Tone::Ours,
        _ => Tone::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_and_the_limits_are_told_from_the_others() {
        assert_eq!(
            [tone("staithe run, power"), tone("ino-t"), tone("notify")],
            [Tone::Ours, Tone::Limit, Tone::Other]
        );
    }

    #[test]
    fn each_program_that_was_measured_has_its_bar() {
        let sample = |program, value| Sample::new(Workload::W1, program).with(Figure::CpuUs, value);
        let chart = PLOTS[0].chart(&[sample("a", 1.0), sample("b", f64::NAN), sample("a", 3.0)]);
        assert_eq!(chart.bars.len(), 1);
        assert_eq!((chart.bars[0].label.as_str(), chart.bars[0].text.as_str()), ("a", "2.0"));
        assert_eq!(of(Workload::W6), ["redis", "redis-cpu"]);
    }
}
