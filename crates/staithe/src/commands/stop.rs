//! `staithe stop` and `staithe restart`.

use crate::args::{RestartArgs, StopArgs, WhichDaemon, usual_pid_file};
use crate::client;
use crate::daemon::{self, Place, Stopped};
use crate::exit::{Exit, failure};
use crate::log;
use crate::places;

pub(crate) fn stop(args: &StopArgs) -> anyhow::Result<Exit> {
    let place = pid_file(&args.which);
    match daemon::stop(&place, args.which.grace)? {
        Stopped::Done { pid, killed } => {
            if killed {
                log::warning(&format!("process {pid} did not end within the grace and was killed"));
            }
            client::print_line(format!("stopped process {pid}").as_bytes())?;
            Ok(Exit::Done)
        }
        Stopped::NotRunning => Err(not_running(&place, "there is no such file")),
        Stopped::Stale(None) => Err(not_running(&place, "no process held it, and it was removed")),
        Stopped::Stale(Some(pid)) => {
            let text = format!("no process held it, whoever has the number {pid} now, and it was removed");
            Err(not_running(&place, &text))
        }
    }
}

pub(crate) fn restart(args: &RestartArgs) -> anyhow::Result<Exit> {
    let place = pid_file(&args.which);
    daemon::restart(&place, args.which.grace)?.ok_or_else(|| not_running(&place, "no process holds that"))
}

fn pid_file(which: &WhichDaemon) -> Place {
    let usual = || usual_pid_file(&places::state_dir(which.state_dir.as_deref()));
    Place::only(which.pid_file.clone().unwrap_or_else(usual))
}

fn not_running(place: &Place, why: &str) -> anyhow::Error {
    let fix = "Start one with `staithe run --daemon -c FILE`, or name its pid file with --pid-file";
    failure(
        Exit::NoDaemon,
        format!("no daemon runs with the pid file {}: {why}. {fix}", place.path.display()),
    )
}
