//! Where the drop-in differs from the recorded original on purpose. Everything here stands in
//! `docs/guide/coming-from-directory-observer.md` too.

use std::collections::BTreeSet;

use crate::messages::{Queues, Wanted};
use crate::stage::{End, Stage};
use Wanted::{Check, Exactly, Kinds, OneOf};

/// What we do in a scenario, and why.
pub(crate) struct Decision {
    pub(crate) id: &'static str,
    pub(crate) why: &'static str,
    /// `None`: the recorded messages.
    pub(crate) wanted: Option<Wanted>,
    pub(crate) ending: Ending,
    /// Whether the recorded log lines are wanted.
    pub(crate) log_as_recorded: bool,
    /// Texts that the log must hold.
    pub(crate) says: &'static [&'static str],
    /// What is looked at in the end.
    pub(crate) more: Option<Look>,
}

/// A look at what has become of a scenario.
type Look = fn(&mut Stage<'_>) -> Result<(), String>;

#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// As the original ended.
    AsRecorded,
    /// It runs until SIGTERM and ends with status 0.
    OnTerm,
}

pub(crate) fn decision(id: &str) -> Option<&'static Decision> {
    DECISIONS.iter().find(|decision| decision.id == id)
}

const fn differs(id: &'static str, why: &'static str) -> Decision {
    Decision { id, why, wanted: None, ending: Ending::OnTerm, log_as_recorded: false, says: &[], more: None }
}

const MAIN: &str = "step.p.main";

/// The README's sample at work, its counter included.
const COUNTED: Wanted = Exactly(&[("counter:stage1", &["= 2"]), ("queue:stage1", &["X p.txt", "C a.txt"])]);

pub(crate) const DECISIONS: &[Decision] = &[
    Decision {
        wanted: Some(COUNTED),
        ..differs("C01", "the README's own sample starts: redis_unix_socket has a default")
    },
    Decision {
        wanted: Some(COUNTED),
        log_as_recorded: true,
        ..differs("C02", "the key counter is counted, as the README promises; the original never reads it")
    },
    Decision {
        wanted: Some(COUNTED),
        log_as_recorded: true,
        ..differs("C02b", "the key counter is counted, as the README promises; the original never reads it")
    },
    Decision {
        wanted: Some(Exactly(&[("counter:stage1", &["= 2"]), ("from_base", &["X p.txt", "C a.txt"])])),
        ..differs("C04", "[child:parent] inherits, as the README promises; the original starts nothing here")
    },
    Decision {
        says: &["INFO Start Monitoring.", "CRITICAL can't ping redis => exit"],
        ending: Ending::AsRecorded,
        ..differs("C10e", "the same, but each of the ten tries ends after a second at most")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["X p.txt"])])),
        more: Some(log_file_holds_the_log),
        ..differs("C15", "--log FILE exists, as the README promises")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["X p.txt"])])),
        says: &["ERROR getMask: "],
        ..differs("C28", "a list that does not compile as a whole keeps every item that does on its own")
    },
    Decision {
        wanted: Some(OneOf(&[&[(MAIN, &["C a"])], &[(MAIN, &["C a", "C a"])]])),
        ..differs("E19", "two arrivals are two messages; the original's kernel mask merged them")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["C ok1", "C b\\udcffd"])])),
        ..differs("N04", "a name that is not UTF-8 is a name like any other, and kills nobody")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["C good1", "C b\\udcffd", "C good2"])])),
        ..differs("N06", "a name that is not UTF-8 takes no other name with it")
    },
    differs("N08", "an ignored name that is not UTF-8 is ignored"),
    Decision {
        wanted: Some(Check(listing_cut_short)),
        ending: Ending::AsRecorded,
        more: Some(log_tells_the_truth),
        ..differs("G08", "nothing is logged as added that was not pushed; SIGTERM ends with status 0")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["? early", "C late"])])),
        log_as_recorded: true,
        ..differs("T13", "what lies in a directory that appears is announced, also without forced_poll")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["X p", "? early", "C late"])])),
        log_as_recorded: true,
        ..differs("W01", "what lies in a directory that comes back is announced, also without forced_poll")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["? early", "C late"])])),
        ..differs("W03", "what lies in a directory that comes back is announced, also without forced_poll")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["? away", "C back"])])),
        log_as_recorded: true,
        ..differs("W04", "as T13 and W01: what came into the directory while it was away is announced, too")
    },
    Decision {
        wanted: Some(Kinds(&[(MAIN, &["? new"])])),
        ..differs("W07", "a new tree in the place of a renamed parent is watched; the renamed one is not")
    },
    Decision {
        wanted: Some(Kinds(&[(MAIN, &["C a", "? b", "? c"])])),
        ..differs("W12", "a directory whose mount is gone is watched again")
    },
    Decision {
        wanted: Some(Kinds(&[(MAIN, &["X a"])])),
        ..differs("T11b", "events of ignored names do not keep forced polls from happening")
    },
    Decision {
        wanted: Some(Check(ten_created_then_polled)),
        ..differs("T11", "a busy directory does not keep forced polls from happening")
    },
    Decision {
        wanted: Some(Check(thirty_created_then_polled)),
        ..differs("B11", "as recorded, but compared in full")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["C b1", "C b2", "C b3", "C c1"])])),
        says: &["WARNING Error 111 connecting to 127.0.0.1:"],
        ..differs("R04", "nothing is lost while Redis is away: the backlog is kept in order and pushed later")
    },
    Decision {
        wanted: Some(Kinds(&[(MAIN, &["C b1", "C b2", "~X b1", "~X b2"])])),
        ..differs("R05", "nothing is lost while Redis is away; forced polls announce again besides")
    },
    Decision {
        wanted: Some(OneOf(&[&[], &[(MAIN, &["C h1"])]])),
        more: Some(hung_message_comes_after_the_restart),
        ending: Ending::AsRecorded,
        ..differs("R07", "SIGTERM is obeyed although Redis hangs; the message is kept for the next start")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["X p", "C a", "C b"])])),
        says: &["CRITICAL WRONGTYPE Operation against a key holding the wrong kind of value"],
        ..differs("R08", "a refused message is kept and tried again; nothing is lost")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["C a", "C b"])])),
        says: &["CRITICAL command not allowed when used memory > 'maxmemory'"],
        ..differs("R09", "a refused message is kept and tried again; nothing is lost")
    },
    Decision {
        wanted: Some(Exactly(&[(MAIN, &["C a", "C b"])])),
        says: &["CRITICAL You can't write against a read only replica"],
        ..differs("R11", "a refused message is kept and tried again; nothing is lost")
    },
];

fn log_file_holds_the_log(stage: &mut Stage<'_>) -> Result<(), String> {
    let text = stage.file("x.log");
    let missing = [
        "Start Monitoring.",
        "Start Scanning [in/d1]",
        "in/d1/p.txt added to redis queue",
        "Stop Monitoring.",
    ]
    .iter()
    .find(|words| !text.contains(**words));
    missing.map_or(Ok(()), |words| Err(format!("x.log has no `{words}`:\n{text}")))
}

fn listing_cut_short(queues: &Queues) -> Result<(), String> {
    let list = queues.get(MAIN).ok_or("nothing was pushed")?;
    let different: BTreeSet<&String> = list.iter().collect();
    let right = |message: &&String| !(message.contains("\"m00") && message.contains("\"exists\""));
    match list.iter().find(right) {
        Some(other) => Err(format!("not wanted: {other}")),
        None if different.len() < list.len() => Err("a message came twice".to_owned()),
        None if list.len() < 200 => Err(format!("only {} messages", list.len())),
        None => Ok(()),
    }
}

/// As many lines "added" as messages.
fn log_tells_the_truth(stage: &mut Stage<'_>) -> Result<(), String> {
    let [out, _] = stage.log();
    let said = out.iter().filter(|line| line.contains(" added to redis queue ")).count();
    let pushed = stage.queues().get(MAIN).map_or(0, Vec::len);
    if said == pushed {
        Ok(())
    } else {
        Err(format!("{said} lines say added, {pushed} messages were pushed"))
    }
}

fn ten_created_then_polled(queues: &Queues) -> Result<(), String> {
    let names: Vec<String> = (0..10).map(|at| format!("n{at:02}")).collect();
    created_once_and_polled(queues, &names)
}

fn thirty_created_then_polled(queues: &Queues) -> Result<(), String> {
    let names: Vec<String> = (0..30).map(|at| format!("m{at:06}")).collect();
    created_once_and_polled(queues, &names)
}

fn created_once_and_polled(queues: &Queues, names: &[String]) -> Result<(), String> {
    let list = queues.get(MAIN).ok_or("nothing was pushed")?;
    for name in names {
        let count = |event: &str| {
            let (name, event) = (format!("\"{name}\""), format!("\"{event}\""));
            list.iter().filter(|message| message.contains(&name) && message.contains(&event)).count()
        };
        if count("created") != 1 || count("exists") == 0 {
            return Err(format!("{name}: {} × created, {} × exists", count("created"), count("exists")));
        }
    }
    Ok(())
}

fn hung_message_comes_after_the_restart(stage: &mut Stage<'_>) -> Result<(), String> {
    stage.start_again();
    testkit::wait_until(std::time::Duration::from_secs(20), "the message that hung", || {
        stage.queues().get(MAIN).is_some_and(|list| list.iter().any(|message| message.contains("\"h1\"")))
    });
    match stage.finish() {
        End::Code(0) => Ok(()),
        other => Err(format!("the second end: {other:?}")),
    }
}
