//! `staithe notify`.

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use engine::control::Client as Connection;
use serde_json::{Map, Value};

use crate::args::NotifyArgs;
use crate::client;
use crate::exit::Exit;
use crate::show::{self, paint, path, state_colour, text};

pub(crate) fn run(args: &NotifyArgs) -> anyhow::Result<Exit> {
    let client = &args.common.client;
    // Whether there is a daemon is told at once. It keeps no place for those who say nothing, and the first path may
    // come in hours: so the connection that is used is another.
    drop(client::connect(client)?);
    let mut connection = None;
    let mut worst = Exit::Done;
    let mut each = |path: &Path| {
        let connection = match &mut connection {
            Some(connection) => connection,
            none => none.insert(client::connect(client)?),
        };
        let exit = notify(connection, path, args.common.json)?;
        worst = worse(worst, exit);
        anyhow::Ok(())
    };
    for path in &args.paths {
        if path.as_os_str() == "-" {
            read_paths(io::stdin().lock(), b'\n', &mut each)?;
        } else {
            each(path)?;
        }
    }
    if args.null {
        read_paths(io::stdin().lock(), 0, &mut each)?;
    }
    Ok(worst)
}

/// A file that was not taken weighs more than one that is not there.
const fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Done, other) | (Exit::Nothing, other @ Exit::Failed) => other,
        (one, _) => one,
    }
}

/// Passes each path on as soon as it is read: the producer may be at work for hours.
pub(super) fn read_paths(
    mut input: impl BufRead,
    end: u8,
    each: &mut impl FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut path = Vec::new();
    while input.read_until(end, &mut path)? > 0 {
        if path.last() == Some(&end) {
            path.pop();
        }
        if !path.is_empty() {
            each(&PathBuf::from(OsString::from_vec(std::mem::take(&mut path))))?;
        }
    }
    Ok(())
}

fn notify(connection: &mut Connection, asked: &Path, json: bool) -> anyhow::Result<Exit> {
    // First as seen from here; if nothing lies there, as a path below a source.
    let mut answer = ask(connection, &super::explain::absolute(asked)?)?;
    if answer["exit"] == Exit::Nothing.code() && asked.is_relative() {
        let below = ask(connection, asked)?;
        if below["exit"] != Exit::Nothing.code() {
            answer = below;
        }
    }
    let notified = &answer["notified"];
    if json {
        client::print_line(&serde_json::to_vec(notified)?)?;
    } else if notified["error"].is_string() {
        crate::log::error(&text(notified, "error"));
    } else {
        client::print_line(line(notified).as_bytes())?;
    }
    let code = answer["exit"].as_u64().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(Exit::Failed, Exit::from_code))
}

fn ask(connection: &mut Connection, path: &Path) -> anyhow::Result<Value> {
    let mut request = Map::new();
    request.insert("cmd".into(), "notify".into());
    model::text::insert_json_path(&mut request, "path", path.as_os_str().as_bytes());
    client::ask(connection, &Value::Object(request), &mut |_| Ok(()))
}

fn line(notified: &Value) -> String {
    let state = text(notified, "state");
    let shown = paint(&state.to_uppercase(), state_colour(&state), show::colour());
    let known = if notified["outcome"] == "already" { "known and unchanged; " } else { "" };
    let (path, source, detail) = (path(notified, "path"), text(notified, "source"), text(notified, "detail"));
    format!("{path}: {shown} (source {source})  {known}{detail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_never_holds_a_raw_control_byte() {
        let notified =
            json!({"path": "a\u{1b}[31mb\n", "state": "waiting", "source": "s", "detail": "x\u{7}y"});
        assert!(!line(&notified).chars().any(char::is_control));
    }

    #[test]
    fn one_failure_outweighs_absent_files() {
        let all = [Exit::Done, Exit::Nothing, Exit::Failed, Exit::Nothing, Exit::Done];
        assert_eq!(all.into_iter().fold(Exit::Done, worse), Exit::Failed);
        assert_eq!(all.into_iter().take(2).fold(Exit::Done, worse), Exit::Nothing);
    }

    #[test]
    fn paths_are_read_as_bytes() {
        let mut read = Vec::new();
        let mut each = |path: &Path| {
            read.push(path.as_os_str().as_bytes().to_vec());
            Ok(())
        };
        read_paths(&b"a\nb\0\0\xff"[..], 0, &mut each).expect("all is well");
        assert_eq!(read, [b"a\nb".to_vec(), b"\xff".to_vec()]);
    }
}
