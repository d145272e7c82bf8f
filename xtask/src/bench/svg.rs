//! Bars as SVG, readable on a light page and on a dark one, without a font or a script of its own.

use std::fmt::Write as _;

/// One chart.
pub(crate) struct Chart {
    /// What it shows.
    pub(crate) title: String,
    /// What the figures are, below the title.
    pub(crate) unit: String,
    /// Its bars, from above.
    pub(crate) bars: Vec<Bar>,
    /// Whether equal steps are equal factors.
    pub(crate) logarithmic: bool,
    /// A line at this value, with what it means.
    pub(crate) line: Option<(f64, &'static str)>,
}

/// One bar.
pub(crate) struct Bar {
    /// What stands before it.
    pub(crate) label: String,
    /// Its length.
    pub(crate) value: f64,
    /// What stands behind it.
    pub(crate) text: String,
    /// Its colour.
    pub(crate) tone: Tone,
}

/// A colour with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Our program, or a demand that is met.
    Ours,
    /// What the machine can give.
    Limit,
    /// Another program.
    Other,
    /// A demand that is not met.
    Missed,
}

const WIDTH: f64 = 920.0;
/// Room for the text behind a bar.
const VALUES: f64 = 90.0;
/// Of a letter, more than most fonts need.
const LETTER: f64 = 7.2;
const STEP: f64 = 24.0;
const TOP: f64 = 62.0;

/// The media query lets an image follow the page's colours; the colours outside of it are legible on both.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}.small{fill:#59636e;font-size:12px}\
.ours{fill:#0969da}.limit{fill:#8c959f}.other{fill:#c297ff}.missed{fill:#d1570b}line{stroke:#59636e;stroke-dasharray:4 3}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.ours{fill:#4493f8}.limit{fill:#767f89}\
.other{fill:#8957e5}.missed{fill:#f0883e}line{stroke:#9198a1}}";

impl Chart {
    /// The whole image.
    pub(crate) fn svg(&self) -> String {
        let height = TOP + STEP * self.bars.len() as f64 + 16.0;
        let labels = self.labels();
        let scale = self.scale();
        // Writing to a String cannot fail.
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <text class=\"title\" x=\"8\" y=\"22\">{title}</text>\n<text class=\"small\" x=\"8\" y=\"42\">{}</text>\n",
            escaped(&self.unit),
            title = escaped(&self.title),
        );
        for (place, bar) in self.bars.iter().enumerate() {
            let y = TOP + STEP * place as f64;
            let length = scale.length(bar.value);
            let _ = writeln!(
                out,
                "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
                 <rect class=\"{}\" x=\"{labels:.0}\" y=\"{y:.0}\" width=\"{length:.1}\" height=\"16\" rx=\"2\"/>\
                 <text class=\"small\" x=\"{:.1}\" y=\"{:.0}\">{}</text>",
                labels - 8.0,
                y + 13.0,
                escaped(&bar.label),
                bar.tone.class(),
                labels + length + 6.0,
                y + 13.0,
                escaped(&bar.text)
            );
        }
        if let Some((value, meaning)) = self.line {
            let x = labels + scale.length(value);
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{:.0}\" x2=\"{x:.1}\" y2=\"{:.0}\"/>\
                 <text class=\"small\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                TOP - 6.0,
                height - 8.0,
                TOP - 10.0,
                escaped(meaning)
            );
        }
        out.push_str("</svg>\n");
        out
    }

    /// Room for the labels.
    fn labels(&self) -> f64 {
        let longest = self.bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
        16.0 + LETTER * longest as f64
    }

    fn scale(&self) -> Scale {
        let values = || self.bars.iter().map(|bar| bar.value).chain(self.line.map(|(value, _)| value));
        let most = values().fold(0.0, f64::max);
        let least = values().filter(|value| *value > 0.0).fold(most, f64::min);
        // The shortest bar of a logarithmic chart has a length, too.
        Scale {
            least: least / 1.5,
            most,
            logarithmic: self.logarithmic,
            width: WIDTH - self.labels() - VALUES,
        }
    }
}

/// From values to lengths.
struct Scale {
    least: f64,
    most: f64,
    logarithmic: bool,
    /// The length of the longest bar.
    width: f64,
}

impl Scale {
    fn length(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.least) / self.least).ln() / (self.most / self.least).ln()
        } else {
            value / self.most
        };
        // Of nothing but zeros, and of a single value, there is no share.
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        share * self.width
    }
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Ours => "ours",
            Tone::Limit => "limit",
            Tone::Other => "other",
            Tone::Missed => "missed",
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[f64], logarithmic: bool) -> Chart {
        let bar = |value: &f64| Bar {
            label: "a & b".repeat(7),
            value: *value,
            text: format!("{value}"),
            tone: Tone::Ours,
        };
        Chart {
            title: "burst".to_owned(),
            unit: "µs".to_owned(),
            bars: values.iter().map(bar).collect(),
            logarithmic,
            line: None,
        }
    }

    #[test]
    fn the_longest_bar_fills_the_room_and_the_others_follow_in_proportion() {
        let svg = chart(&[10.0, 5.0, 0.0], false).svg();
        for width in ["width=\"562.0\"", "width=\"281.0\"", "width=\"0.0\""] {
            assert!(svg.contains(width), "{width} in {svg}");
        }
        assert!(svg.contains("a &amp; b") && !svg.contains("a & b"));
        assert_eq!(svg.matches("<rect").count(), 3);
    }

    #[test]
    fn equal_factors_are_equal_steps() {
        let scale = chart(&[1.0, 10.0, 100.0], true).scale();
        let [one, ten, hundred] = [1.0, 10.0, 100.0].map(|value| scale.length(value));
        assert!(one > 0.0 && (hundred - ten - (ten - one)).abs() < 1e-6, "{one} {ten} {hundred}");
    }

    #[test]
    fn nothing_but_zeros_is_no_trouble() {
        assert!(!chart(&[0.0, 0.0], true).svg().contains("NaN"));
        assert!(!chart(&[], false).svg().contains("NaN"));
    }
}
