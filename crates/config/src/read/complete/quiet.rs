//! `quiet`: a period, or bounds between which it follows the writer.

use settle::Quiet;
use toml::de::DeValue;

use crate::fields::{Fields, Report, Value};
use crate::keys::QUIET;
use crate::read::choices::QUIET_FACTOR;

/// A larger factor is a mistake.
const FACTOR_LIMIT: u32 = 100;

pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Option<Quiet> {
    let DeValue::Table(table) = value.value else {
        return value.period(report, "quiet").map(Quiet::For);
    };
    let mut fields = Fields::of(table, &QUIET, "`quiet`".into(), value.place.clone());
    let least = fields.required(report, "least").and_then(|value| value.period(report, "least"));
    let most = fields.required(report, "most");
    let most = most.and_then(|value| Some((value.period(report, "most")?, value.place)));
    let factor = match fields.take("factor") {
        None => Some(QUIET_FACTOR),
        Some(value) => factor(&value, report),
    };
    fields.finish(report);
    let (least, (most, place)) = (least?, most?);
    if most < least {
        let help = "`quiet` lies between `least` and `most`".to_owned();
        report.error(&place, "`most` is shorter than `least`", Some(help));
        return None;
    }
    Some(Quiet::Adaptive { least, most, factor: factor? })
}

fn factor(value: &Value<'_>, report: &mut Report<'_>) -> Option<u32> {
    let number = value.integer(report)?;
    let factor = u32::try_from(number).ok().filter(|factor| (1..=FACTOR_LIMIT).contains(factor));
    if factor.is_none() {
        let help = "the pauses between a writer's changes are multiplied by it; 3 is usual".to_owned();
        report.error(&value.place, format!("`factor` is not from 1 to {FACTOR_LIMIT}"), Some(help));
    }
    factor
}
