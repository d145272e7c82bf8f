//! `staithe compat sendit`: in the place of sendit's watcher.

mod dry;
mod place;
mod talk;
mod watching;

use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use compat::Environment;
use compat::sendit::voice::Kind;
use compat::sendit::{Translation, World, translate};

use self::place::{Place, Prepared};
use self::talk::Talk;
use crate::args::{Client, ClientJson, SenditCommand, SenditStart, SenditStatus, SenditStop, StatusArgs};
use crate::daemon::{self, Launch, Stopped};
use crate::exit::{Exit, failure};

pub(crate) fn run(command: &SenditCommand) -> anyhow::Result<Exit> {
    match command {
        SenditCommand::Start(args) => start(args),
        SenditCommand::Stop(args) => stop(args),
        SenditCommand::Restart(args) => restart(args),
        SenditCommand::Status(args) => status(args),
    }
}

fn start(args: &SenditStart) -> anyhow::Result<Exit> {
    let talk = Talk::of_process();
    let place = Place::of(&args.place, args.client.state_dir.as_deref())?;
    let prepared = Prepared::of(place, args)?;
    if args.foreground || daemon::is_inside() {
        return watching::run(&prepared, args, &talk);
    }
    prepared.introduce(&talk);
    prepared.name_pid_file(&talk);
    launch(&prepared, daemon::own_words(), &talk)
}

/// Starts it in the background; what goes wrong there is told here.
fn launch(prepared: &Prepared, words: Vec<std::ffi::OsString>, talk: &Talk) -> anyhow::Result<Exit> {
    // Its pid file and its logs may be in there. Where it cannot be made the daemon says why.
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(&prepared.place.state_dir);
    daemon::launch(&Launch { argv: words, files: prepared.files.clone() })?;
    talk.say(Kind::Info, "Dicom watching has been started.");
    Ok(Exit::Done)
}

fn stop(args: &SenditStop) -> anyhow::Result<Exit> {
    let talk = Talk::of_process();
    let place = Place::of(&args.place, args.client.state_dir.as_deref())?;
    let pid_file = place.pid_file()?;
    match daemon::stop(&pid_file, args.grace)? {
        Stopped::Done { pid, killed } => {
            if killed {
                talk.say(Kind::Warning, &format!("process {pid} did not end in time and was killed"));
            }
            talk.say(Kind::Info, "Dicom watching has been stopped.");
            Ok(Exit::Done)
        }
        Stopped::NotRunning => {
            let path = pid_file.path.display();
            Err(failure(Exit::Failed, format!("CommandError: No pid file exists at {path}.")))
        }
        Stopped::Stale(pid) => {
            let shown = pid.map_or_else(|| "of that file".to_owned(), |pid| format!("with id {pid}"));
            let text = format!("CommandError: No process {shown} is the watcher. Cleaned up pid file.");
            Err(failure(Exit::Failed, text))
        }
    }
}

fn restart(args: &SenditStart) -> anyhow::Result<Exit> {
    let talk = Talk::of_process();
    let place = Place::of(&args.place, args.client.state_dir.as_deref())?;
    // Before the old one is stopped: what is wrong with the settings must not leave nobody watching.
    let prepared = Prepared::of(place, args)?;
    let pid_file = prepared.files.pid_file.clone();
    if let Some(exit) = daemon::restart(&pid_file, args.grace)? {
        return Ok(exit);
    }
    prepared.introduce(&talk);
    prepared.name_pid_file(&talk);
    let mut words = daemon::own_words();
    for word in words.iter_mut().filter(|word| word.as_os_str() == "restart").take(1) {
        *word = "start".into();
    }
    launch(&prepared, words, &talk)
}

fn status(args: &SenditStatus) -> anyhow::Result<Exit> {
    let given = args.common.client.state_dir.as_deref();
    let place = Place::of(&args.place, given)?;
    let pid_file = place.pid_file()?;
    let Some((path, pid)) = daemon::running(&pid_file)? else {
        let text = format!("Watcher is not active: no process holds {}", pid_file.path.display());
        return Err(failure(Exit::NoDaemon, text));
    };
    if !args.common.json {
        let (path, state_dir) = (path.display(), place.state_dir.display());
        let text = format!("Watcher is active: process {pid}, pid file {path}, state directory {state_dir}");
        crate::client::print_line(text.as_bytes())?;
    }
    let client = Client { socket: args.common.client.socket.clone(), state_dir: Some(place.state_dir) };
    super::status::run(&StatusArgs { pid_file: None, common: ClientJson { client, json: args.common.json } })
}

/// `init --from sendit`: what the settings mean, as native configuration.
pub(crate) fn translated(file: &Path) -> anyhow::Result<Translation> {
    let (environment, working) = (Environment::of_process(), std::env::current_dir()?);
    let world = World { environment: &environment, working: &working };
    let file = working.join(file);
    let mut translation =
        translate(&file, world).map_err(|error| failure(Exit::Usage, format!("failed to {error}")))?;
    let state_dir = place::state_dir(&file, None);
    if state_dir.join("ledger.db").exists() {
        // Without it, what waits for the broker would be taken for done.
        translation.comments.push(format!(
            "What compat sendit knows of folders lies in {0}; go on with it: staithe run --state-dir {0}",
            model::text::safe(state_dir.as_os_str().as_bytes())
        ));
    }
    Ok(translation)
}

#[cfg(test)]
mod tests {
    use compat::sendit::rules::IN_THE_MAKING;
    use settle::Pattern;
    use sinks::scribe::finished_name;

    /// What the log says of a name, and whether it becomes a task, are two pieces of code.
    #[test]
    fn log_and_rule_agree_about_100_000_names() {
        let in_the_making = Pattern::parse(IN_THE_MAKING).unwrap();
        let letters = b"..tmpTMPx \xff\n";
        let mut chance = 0x2545_f491_4f6c_dd1d_u64;
        let mut in_the_making_too = 0;
        for _ in 0..100_000 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let length = 1 + chance % 9;
            let letter = |at: u64| letters[(chance >> (8 + 5 * at)) as usize % letters.len()];
            let mut name: Vec<u8> = (0..length).map(letter).collect();
            if chance.is_multiple_of(3) {
                name.splice(name.len() / 2..name.len() / 2, *b".tmp");
            }
            assert_eq!(in_the_making.matches(&name), !finished_name(&name), "{}", name.escape_ascii());
            in_the_making_too += usize::from(!finished_name(&name));
        }
        assert!((5_000..95_000).contains(&in_the_making_too), "{in_the_making_too}");
    }
}
