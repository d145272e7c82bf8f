//! The program's log as the recording has it: `LEVEL text`, without time, name and process id.

/// The lines of one stream. Lines that are no log lines (usage, a name with a newline) stay as they are.
pub(crate) fn lines(text: &str, root: &str) -> Vec<String> {
    text.lines().map(|line| bare(line).replace(root, "<ROOT>")).collect()
}

fn bare(line: &str) -> String {
    let cut = || {
        let (time, rest) = line.split_once(' ')?;
        let (level, rest) = rest.trim_start().strip_prefix('[')?.split_once("] (")?;
        let (_, text) = rest.split_once(") ")?;
        (time.len() == "2026-11-21T01:58:59.539746Z".len() && time.ends_with('Z'))
            .then(|| format!("{level} {text}"))
    };
    cut().unwrap_or_else(|| line.to_owned())
}

/// The first wanted line that is not there, or not behind the wanted ones before it.
pub(crate) fn missing<'a>(wanted: &'a [String], got: &[String]) -> Option<&'a str> {
    let mut rest = got.iter();
    wanted
        .iter()
        .filter(|line| counts(line))
        .find(|wanted| !rest.any(|got| same(wanted, got)))
        .map(String::as_str)
}

/// Whether a recorded line says something about the program (and not about a Python library).
fn counts(line: &str) -> bool {
    !line.starts_with("... ") && !line.contains("pyinotify:")
}

fn same(wanted: &str, got: &str) -> bool {
    match wanted {
        "TRACEBACK" => got.starts_with("Traceback "),
        // The reason is in the words of our own parser of expressions.
        _ if wanted.starts_with("ERROR getMask: ") => got.starts_with("ERROR getMask: "),
        _ => wanted == got,
    }
}

#[test]
fn log_lines_are_laid_bare() {
    let text =
        "2026-11-21T01:58:59.539746Z     [INFO] (directory_observer#7) Start Scanning [/r/in]\nb added\n";
    assert_eq!(lines(text, "/r"), ["INFO Start Scanning [<ROOT>/in]", "b added"]);
}
