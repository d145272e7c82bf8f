//! `staithe explain`.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::args::ExplainArgs;
use crate::client;
use crate::exit::Exit;
use crate::holder::Asked;
use crate::show::{self, paint, path, state_colour, text};

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let daemon = Asked::for_holder_of(args.pid_file.as_deref(), &args.common.client)?;
    let mut connection = client::connect(&daemon.client)?;
    if daemon.is_named() {
        daemon.answered_by(&client::ask(&mut connection, &json!({"cmd": "ping"}), &mut |_| Ok(()))?)?;
    }
    // First as seen from here; if nothing is known of that, as a path below a source.
    let absolute = absolute(&args.path)?;
    let mut answer = ask(&mut connection, &absolute)?;
    if answer["found"] != true && args.path.is_relative() && !climbs(&args.path) {
        let below = ask(&mut connection, &args.path)?;
        if below["found"] == true {
            answer = below;
        }
    }
    let explained = &answer["explain"];
    if args.common.json {
        client::print_line(&serde_json::to_vec(explained)?)?;
    } else {
        client::print_line(page(explained, answer["found"] == true).trim_end().as_bytes())?;
    }
    Ok(if answer["found"] == true { Exit::Done } else { Exit::Nothing })
}

/// The path from the root on. What `..` means can only be found out by looking; where nothing lies it
/// stays as it was written.
pub(super) fn absolute(asked: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(asked)?;
    if !climbs(asked) {
        return Ok(absolute);
    }
    let looked_up = match (absolute.parent(), absolute.file_name()) {
        // The last name itself may be a link that is asked about.
        (Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
        _ => absolute.canonicalize(),
    };
    Ok(looked_up.unwrap_or(absolute))
}

/// Such a path is never one below a source.
fn climbs(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

fn ask(connection: &mut engine::control::Client, asked: &Path) -> anyhow::Result<Value> {
    let mut request = Map::new();
    request.insert("cmd".into(), "explain".into());
    model::text::insert_json_path(&mut request, "path", asked.as_os_str().as_bytes());
    client::ask(connection, &Value::Object(request), &mut |_| Ok(()))
}

fn page(explained: &Value, found: bool) -> String {
    let colour = show::colour();
    let state = text(explained, "state");
    let source = explained["source"].as_str().map(|source| format!(" (source {source})")).unwrap_or_default();
    let word = if found { state.to_uppercase() } else { "NEVER SEEN".to_owned() };
    let shown = paint(&word, state_colour(&state), colour);
    // The source's own directory has an empty path below itself.
    let asked = Some(path(explained, "path")).filter(|path| !path.is_empty()).unwrap_or_else(|| ".".into());
    let member = if found { member_of(explained) } else { String::new() };
    let mut out = format!("{asked}: {shown}{member}{source}\n");
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<9}{value}");
        }
    };
    line("why", why(explained));
    line("reason", text(explained, "reason"));
    line("blocking", blocking(explained));
    line("rule", text(explained, "rule"));
    line("members", show::number(explained, "members"));
    line("id", text(explained, "id"));
    line("next", text(explained, "next_check"));
    for sink in explained["sinks"].as_array().into_iter().flatten() {
        let error =
            sink["last_error"].as_str().map(|error| format!(": {}", model::text::safe(error.as_bytes())));
        let (name, state) = (text(sink, "name"), text(sink, "state"));
        line("sink", format!("{name} {state}{}", error.unwrap_or_default()));
    }
    let timeline = explained["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !timeline.is_empty() {
        out.push_str("  timeline\n");
    }
    for moment in timeline {
        let _ = writeln!(out, "    {}  {}", text(moment, "time"), text(moment, "what"));
    }
    out
}

/// The reason in words; where no rule takes the path, also who says it of each rule.
fn why(explained: &Value) -> String {
    let why = text(explained, "detail");
    let args = &explained["reason_args"];
    if explained["reason"] == "ignored.filter" && args["rule"].as_str().is_none_or(str::is_empty) {
        return format!("{why}; see `staithe rules -c FILE PATH`");
    }
    why
}

/// ` as a member of obs.ms`, if it is one. A group is also asked about without its slash.
fn member_of(explained: &Value) -> String {
    let (asked, unit) = (path(explained, "path"), path(explained, "unit"));
    if unit.is_empty() || unit.strip_suffix('/').unwrap_or(&unit) == asked {
        return String::new();
    }
    format!(" as a member of {unit}")
}

/// The names of what a unit waits for, the first few.
fn blocking(explained: &Value) -> String {
    let names = explained["reason_args"]["blocking"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = names.iter().filter_map(Value::as_str).map(|name| model::text::safe(name.as_bytes()));
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_called_one() {
        let of = |path: &str, unit: &str| {
            let explained = json!({"path": path, "unit": unit, "state": "waiting", "source": "s",
                "reason_args": {"blocking": ["a\u{1b}", "b"]}});
            page(&explained, true)
        };
        let member = of("obs.ms/x", "obs.ms");
        assert!(member.starts_with("obs.ms/x: WAITING as a member of obs.ms (source s)\n"), "{member}");
        assert!(member.contains("blocking a\\x1b, b\n") || member.contains("b\n"), "{member}");
        assert!(of("g", "g/").starts_with("g: WAITING (source s)\n"));
    }

    #[test]
    fn a_page_never_holds_a_raw_control_byte() {
        let explained = json!({"path": "a\u{1b}[31mb", "state": "waiting", "source": "s", "reason": "waiting.quiet",
            "detail": "x\u{7}y", "rule": "r", "sinks": [], "timeline": [{"time": "t", "what": "w\u{1b}"}]});
        let page = page(&explained, true);
        assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "{page:?}");
    }

    #[test]
    fn where_no_rule_takes_it_the_rules_are_named() {
        let of = |rule: &str| {
            let args = json!({"rule": rule, "pattern": rule});
            page(
                &json!({"path": "x", "state": "ignored", "reason": "ignored.filter", "reason_args": args,
                "detail": "why not"}),
                true,
            )
        };
        assert!(of("").contains("why not; see `staithe rules -c FILE PATH`\n"));
        assert!(of("tables").contains("why not\n"));
    }

    #[test]
    fn a_path_that_was_never_seen_is_not_called_seen() {
        let explained =
            json!({"path": "", "state": "seen", "source": "s", "detail": "nothing lies there now"});
        assert!(page(&explained, false).starts_with(".: NEVER SEEN (source s)\n"));
    }

    #[test]
    fn two_dots_are_resolved_where_something_lies() {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
        assert_eq!(absolute(&real.join("src/../new")).unwrap(), real.join("new"));
        assert_eq!(absolute(&real.join("src/..")).unwrap(), real);
        assert_eq!(absolute(&real.join("none/../new")).unwrap(), real.join("none/../new"));
    }
}
