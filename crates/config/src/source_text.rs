//! A configuration file as text: positions, and lines as they may be shown.

use std::ops::Range;
use std::path::PathBuf;

/// Brackets that lie deeper are refused before the text is parsed: what a parser does to go on behind each of a hundred
/// thousand takes seconds.
pub(crate) const DEEPEST: usize = 128;

/// Where brackets lie too deep, if they do. Those in texts and comments do not count; a text of many lines is taken for a row
/// of short ones, so that brackets between its first and its last line count. No pattern or template leaves as many open.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), b'\n') => (quote, escaped) = (None, false),
            (Some(b'"'), _) if escaped => escaped = false,
            (Some(b'"'), b'\\') => escaped = true,
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'' | b'#') => quote = Some(byte),
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
        if depth > DEEPEST {
            return Some(at);
        }
    }
    None
}

/// One file of the configuration.
#[derive(Debug)]
pub(crate) struct SourceText {
    /// As it is shown: the path, without control characters.
    pub(crate) name: String,
    pub(crate) text: String,
    /// The directory that it lies in; empty where the text comes from nowhere.
    pub(crate) dir: PathBuf,
}

/// A part of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file's index.
    pub(crate) file: usize,
    /// Bytes of its text.
    pub(crate) span: Range<usize>,
}

/// A line of a file, safe to print, with a part of it marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The line without control characters and without passwords; long lines are cut.
    pub text: String,
    /// In which column of `text` the mark begins, from 0.
    pub mark: usize,
    /// How many columns are marked, at least 1.
    pub width: usize,
}

/// How much of a long line is shown on either side of the mark.
const AROUND: usize = 60;

impl SourceText {
    /// The line and the column (in characters) of a byte, both from 1.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let start = self.line_start(at);
        let line = self.text[..start].bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, self.text[start..self.floor(at)].chars().count() + 1)
    }

    /// The line where the span begins, marked from there to its end or the line's.
    pub(crate) fn snippet(&self, span: &Range<usize>) -> Snippet {
        let start = self.line_start(span.start);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let secrets = secrets(line);
        // Only what can be shown is looked at: a line may be as long as the file.
        let reach = 4 * AROUND;
        let near = span.start.saturating_sub(reach)..span.start.saturating_add(reach);
        let (mut shown, mut mark, mut end) = (Vec::new(), None, 0);
        let chars = line.char_indices().map(|(at, c)| (at, start + at, c));
        for (at, whole, c) in
            chars.skip_while(|(_, at, _)| *at < near.start).take_while(|(_, at, _)| *at < near.end)
        {
            if whole >= span.start && mark.is_none() {
                mark = Some(shown.len());
            }
            push_shown(&mut shown, at, c, &secrets);
            if whole < span.end {
                end = shown.len();
            }
        }
        let mark = mark.unwrap_or(shown.len());
        let more = (start < near.start, start + line.len() > near.end);
        window(&shown, mark, end.saturating_sub(mark).max(1), more)
    }

    /// The nearest character boundary at or before `at`.
    fn floor(&self, at: usize) -> usize {
        (0..=at.min(self.text.len())).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..self.floor(at)].rfind('\n').map_or(0, |newline| newline + 1)
    }
}

fn push_shown(shown: &mut Vec<char>, at: usize, c: char, secrets: &[Range<usize>]) {
    match secrets.iter().find(|secret| secret.contains(&at)) {
        Some(secret) if secret.start == at => shown.extend("***".chars()),
        // Also where a cut line begins inside of it.
        Some(_) => {}
        None if c == '\t' => shown.extend("    ".chars()),
        None => shown.extend(shown_char(c).chars()),
    }
}

/// The part of a long line around the mark; `more` says whether the line goes on before and
/// behind what is `shown`.
fn window(shown: &[char], mark: usize, width: usize, more: (bool, bool)) -> Snippet {
    let from = mark.saturating_sub(AROUND);
    let to = (mark + AROUND).min(shown.len()).max(from);
    let (before, behind) = (more.0 || from > 0, more.1 || to < shown.len());
    let mut text = String::from(if before { "…" } else { "" });
    text.extend(&shown[from..to]);
    text.push_str(if behind { "…" } else { "" });
    Snippet {
        text,
        mark: mark - from + usize::from(before),
        width: width.min(to.saturating_sub(mark).max(1)),
    }
}

/// Where a line holds passwords of URLs, and values whose keys say that they are secret.
fn secrets(line: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> =
        line.match_indices('=').filter_map(|(at, _)| token(line, at)).collect();
    for (piece, quoted) in pieces(line) {
        found.extend(login(line, &piece, quoted));
        parameters(line, &piece, &mut found);
    }
    found.retain(|range| !range.is_empty());
    found
}

/// The strings of a line, and what stands between them; true for strings. One that is not closed reaches to the end.
fn pieces(line: &str) -> Vec<(Range<usize>, bool)> {
    let (mut found, mut from, mut open, mut escaped) = (Vec::new(), 0, None, false);
    for (at, c) in line.char_indices() {
        let ends = match open {
            None => matches!(c, '"' | '\''),
            Some(quote) => c == quote && !(escaped && quote == '"'),
        };
        escaped = c == '\\' && !escaped;
        if ends {
            found.push((from..at, open.is_some()));
            from = at + 1;
            open = if open.is_some() { None } else { Some(c) };
        }
    }
    found.push((from..line.len(), open.is_some()));
    found
}

/// The password before the last `@` (it may hold any character): of a URL, or of a string that was probably meant to be
/// one and lacks its scheme.
fn login(line: &str, piece: &Range<usize>, quoted: bool) -> Option<Range<usize>> {
    let (login, _) = line[piece.clone()].rsplit_once('@')?;
    let scheme = login.find("://").map(|at| at + 3);
    let from = match (scheme, login[scheme.unwrap_or(0)..].find(':')) {
        (scheme, Some(colon)) if scheme.is_some() || quoted => scheme.unwrap_or(0) + colon + 1,
        (Some(scheme), None) => scheme,
        _ => return None,
    };
    Some(piece.start + from..piece.start + login.len())
}

/// Passwords among the parameters of a URL.
fn parameters(line: &str, piece: &Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(scheme) = line[piece.clone()].find("://") else { return };
    let mut at = piece.start + scheme;
    while let Some(key) = line[at..piece.end].find("pass") {
        let Some(equals) = line[at + key..piece.end].find('=') else { return };
        let value = at + key + equals + 1;
        at = line[value..piece.end].find('&').map_or(piece.end, |length| value + length);
        found.push(value..at);
    }
}

/// The value behind the `=` at that place, if what stands before it was probably meant to be `token`, or to be a password.
fn token(line: &str, equals: usize) -> Option<Range<usize>> {
    let before = line[..equals].trim_end_matches([' ', '\t', '"', '\'']);
    let is_key = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let key = before.rsplit(|c| !is_key(c)).next().filter(|key| !key.is_empty())?;
    if !is_called_secret(key) {
        return None;
    }
    let behind = &line[equals + 1..];
    if before[..before.len() - key.len()].ends_with(['?', '&']) {
        // A parameter of a URL.
        let end = behind.find(['&', '"', '\'']).unwrap_or(behind.len());
        return Some(equals + 1..equals + 1 + end);
    }
    let value = equals + 1 + (behind.len() - behind.trim_start().len());
    let rest = &line[value..];
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Some(value..line.len());
    };
    // Where it is not closed in this line, all of the line may be part of it.
    let inner = &rest[1..];
    let end = inner.find(quote).filter(|end| !inner[*end..].starts_with("\"\""));
    let end = end.filter(|end| !inner[..*end].ends_with('\\'));
    Some(value + 1..end.map_or(line.len(), |end| value + 1 + end))
}

/// Also when it is misspelt. `token_file` names a file, which may be shown. A line may hold millions of keys, so
/// this must be cheap.
fn is_called_secret(key: &str) -> bool {
    let key = key.get(..key.len().min(32)).unwrap_or_default().to_ascii_lowercase();
    let mut rest = key.as_str();
    let mut has = |letter| rest.split_once(letter).map(|(_, behind)| rest = behind).is_some();
    let letters = key.len() <= 8 && has('t') && has('k') && has('n');
    let words = ["token", "pass", "pwd", "secret", "credential", "auth"];
    (letters || words.iter().any(|word| key.contains(word))) && !key.contains("file")
}

/// A text from a file or the environment as it may stand in a message: no control characters,
/// not longer than a line.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(80).map(shown_char).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

/// The one form for terminals, except that a backslash stays: regexes are full of them.
fn shown_char(c: char) -> String {
    if c == '\\' { c.to_string() } else { model::text::safe(c.encode_utf8(&mut [0; 4]).as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceText {
        SourceText { name: "x.toml".into(), text: text.into(), dir: PathBuf::new() }
    }

    fn drawn(text: &str, part: &str) -> (String, String) {
        let at = text.find(part).unwrap();
        let snippet = file(text).snippet(&(at..at + part.len()));
        let marked = snippet.text.chars().skip(snippet.mark).take(snippet.width).collect();
        (snippet.text, marked)
    }

    #[test]
    fn positions_count_characters_from_one() {
        let file = file("a\n\u{e4}b\n");
        assert_eq!(file.position(0), (1, 1));
        assert_eq!(file.position(4), (2, 2));
        assert_eq!(file.position(3), (2, 1), "inside of a character");
        assert_eq!(file.position(6), (3, 1));
        assert_eq!(file.position(1000), (3, 1));
    }

    #[test]
    fn marks_stand_under_what_they_mean() {
        assert_eq!(drawn("a = 1\nkey = \"v\"\n", "key"), ("key = \"v\"".into(), "key".into()));
        assert_eq!(drawn("\t\u{e4}\x1b key = 1", "key").1, "key");
        let long = format!("{}key{}", "x".repeat(500), "y".repeat(500));
        let (text, marked) = drawn(&long, "key");
        assert!(text.chars().count() < 130 && text.starts_with('…') && text.ends_with('…'));
        assert_eq!(marked, "key");
        assert_eq!(drawn("a = [\n1,\n]", "[\n1,\n]").1, "[");
        let tail = format!("url = \"redis://u:{}@h\" key", "p".repeat(1000));
        assert_eq!(drawn(&tail, "key").1, "key");
        assert!(!drawn(&tail, "key").0.contains("pp"), "{}", drawn(&tail, "key").0);
        let end = file("abc").snippet(&(3..3));
        assert_eq!((end.mark, end.width), (3, 1));
        assert_eq!(file("").snippet(&(0..0)).text, "");
    }

    #[test]
    fn no_control_character_is_shown() {
        let (text, _) = drawn("k = \"\x1b[31m\u{202e}\x07\\d\"", "k");
        assert_eq!(text, r#"k = "\x1b[31m\u{202e}\x07\d""#);
        assert_eq!(shown("a\nb\\"), r"a\nb\");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 81);
    }

    #[test]
    fn passwords_of_urls_are_masked() {
        for (line, expected) in [
            (r#"url = "redis://u:hun@ter2@h/0""#, r#"url = "redis://u:***@h/0""#),
            (r#"url = "redis://:hunter2@h""#, r#"url = "redis://:***@h""#),
            (r#"url = "redis://hunter2@h""#, r#"url = "redis://***@h""#),
            (
                r#"url = "redis+unix:///s?db=1&pass=hunter2&user=u""#,
                r#"url = "redis+unix:///s?db=1&pass=***&user=u""#,
            ),
            (r#"url = "redis://h:6379/0" # a@b"#, r#"url = "redis://h:6379/0" # a@b"#),
            // As people mistype them.
            (r#"url = "redis://:hunt er2@h""#, r#"url = "redis://:***@h""#),
            (r#"url = "redis://:hun\"ter2@h""#, r#"url = "redis://:***@h""#),
            (r#"url = 'redis://:hun"ter2@h'"#, "url = 'redis://:***@h'"),
            (r#"url = "u:hunter2@h:1""#, r#"url = "u:***@h:1""#),
            (r#"url = "redis:/u:hunter2@h""#, r#"url = "redis:***@h""#),
            ("url = redis://u:hunter2@h", "url = redis://u:***@h"),
            (
                r#"url = ["redis://u:hunter2@h", "amqp://hunter2@i"]"#,
                r#"url = ["redis://u:***@h", "amqp://***@i"]"#,
            ),
            (r#"url = 1, password = "hunter2""#, r#"url = 1, password = "***""#),
            (r#"url = 1, include = ["a@b"]"#, r#"url = 1, include = ["a@b"]"#),
        ] {
            assert_eq!(drawn(line, "url"), (expected.into(), "url".into()));
        }
        for (line, expected) in [
            (r#"token = "hunter2" # url"#, r#"token = "***" # url"#),
            ("token='hunter2' # url", "token='***' # url"),
            (r#"url = 1, tokn = "hunter2""#, r#"url = 1, tokn = "***""#),
            (r#"url = { "token" = "hunter2", b = 1 }"#, r#"url = { "token" = "***", b = 1 }"#),
            ("sink.d.bearer_token = hunter2 # url", "sink.d.bearer_token = ***"),
            (r#"url; Token = "hunter2"#, r#"url; Token = "***"#),
            (r#"url; token = """hunter2""#, r#"url; token = "***"#),
            (r#"url; token = ["hunter2"]"#, "url; token = ***"),
            (r#"url; token = "hun\"ter2" # x"#, r#"url; token = "***"#),
            (r#"token_file = "/run/token" # url"#, r#"token_file = "/run/token" # url"#),
            (r#"to = ["url"]"#, r#"to = ["url"]"#),
        ] {
            assert_eq!(drawn(line, if expected.contains("url") { "url" } else { "sink" }).0, expected);
        }
        let (_, marked) = drawn(r#"url = "redis://u:hunter2@h/0" # here"#, "here");
        assert_eq!(marked, "here", "the mark moves with what is masked");
    }
    #[test]
    fn only_brackets_of_the_language_are_deep() {
        assert_eq!(too_deep(&"[".repeat(200)), Some(DEEPEST));
        assert_eq!(too_deep(&"a = {".repeat(200)), Some(DEEPEST * 5 + 4));
        let deep = "[".repeat(200);
        for fine in [
            format!("a = \"{deep}\""),
            format!("a = '{deep}'"),
            format!("# {deep}\n# {deep}"),
            format!("a = \"\\\"{deep}\""),
            "[[a]]\n".repeat(200),
        ] {
            assert_eq!(too_deep(&fine), None, "{fine}");
        }
    }
}
