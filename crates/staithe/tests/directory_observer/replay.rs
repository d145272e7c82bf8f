//! One scenario from start to judgement.

use std::time::{Duration, Instant};

use crate::decisions::{Decision, Ending, decision};
use crate::log;
use crate::messages::{Queues, as_recorded};
use crate::scenario::Scenario;
use crate::stage::{End, Stage, can_mount};

/// How long the wanted messages may take after the last operation: a sink that only a person can heal is tried
/// again twice a minute.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long nothing more may come after them.
const AFTERWARDS: Duration = Duration::from_millis(250);

pub(crate) fn replay(scenario: &Scenario) -> Result<(), String> {
    if scenario.special && !can_mount() {
        eprintln!("{} needs a mount namespace, which this machine does not give", scenario.id);
        return Ok(());
    }
    let decision = decision(&scenario.id);
    let mut stage = Stage::new(scenario);
    for op in scenario.before.iter().filter(|op| op[0] != "sh") {
        stage.perform(op);
    }
    stage.start();
    for op in &scenario.ops {
        stage.perform(op);
    }
    let judge = |queues: &Queues| match decision.and_then(|decision| decision.wanted) {
        Some(wanted) => wanted.judge(queues),
        None => as_recorded(&scenario.queues, queues, scenario.precision),
    };
    wait_for_messages(&mut stage, judge);
    let alive = stage.is_running();
    let end = stage.finish();
    let result = judge(&stage.queues())
        .and_then(|()| judge_end(scenario, decision, alive, end))
        .and_then(|()| judge_log(scenario, decision, &stage))
        .and_then(|()| decision.and_then(|decision| decision.more).map_or(Ok(()), |more| more(&mut stage)));
    result.map_err(|problem| {
        let [out, err] = stage.log();
        format!("{problem}\n  -- stdout\n  {}\n  -- stderr\n  {}", tail(&out), tail(&err))
    })
}

fn wait_for_messages(stage: &mut Stage<'_>, judge: impl Fn(&Queues) -> Result<(), String>) {
    let begun = Instant::now();
    while stage.is_running() && begun.elapsed() < PATIENCE && judge(&stage.queues()).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    if stage.is_running() {
        // Messages that nobody wants can only be waited for.
        std::thread::sleep(AFTERWARDS);
    }
}

fn judge_end(scenario: &Scenario, decision: Option<&Decision>, alive: bool, end: End) -> Result<(), String> {
    let recorded = match scenario.exit_code {
        code if code < 0 => (scenario.alive, End::Signal(-code)),
        code => (scenario.alive, End::Code(code)),
    };
    let wanted = match decision.map_or(Ending::AsRecorded, |decision| decision.ending) {
        Ending::AsRecorded => recorded,
        Ending::OnTerm => (true, End::Code(0)),
    };
    if (alive, end) == wanted {
        return Ok(());
    }
    Err(format!("wanted (running before SIGTERM, end) {wanted:?}, got {:?}", (alive, end)))
}

fn judge_log(scenario: &Scenario, decision: Option<&Decision>, stage: &Stage<'_>) -> Result<(), String> {
    let [out, err] = stage.log();
    let said = |text: &&&str| !out.iter().chain(&err).any(|line| line.contains(**text));
    if let Some(text) = decision.and_then(|decision| decision.says.iter().find(said)) {
        return Err(format!("the log does not say `{text}`"));
    }
    let compared = decision.map_or(scenario.kind == "contract", |decision| decision.log_as_recorded);
    if !compared {
        return Ok(());
    }
    let missing = log::missing(&scenario.stdout, &out).or_else(|| log::missing(&scenario.stderr, &err));
    missing.map_or(Ok(()), |line| Err(format!("the log has no `{line}` in its place")))
}

fn tail(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(25)..].join("\n  ")
}
