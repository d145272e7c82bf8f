//! What a sink says about its server, in the words that the old program's users know.
//!
//! A sink's sentence begins with a code (`E-SINK-OOM: redis at … (redis says: …); … Fix: …`). The
//! old program logged what its Redis client raised: a refusal in the server's words, a refused
//! connection as `Error 111 connecting to …`. Both are worth having: the old line for those who
//! look for it, the sentence for those who have to mend it.

use super::line::{Level, Line};

/// The lines for a trouble, the old program's first. `sentence` may have the sink's name before
/// its code.
#[must_use]
pub fn lines(sentence: &str) -> Vec<Line> {
    let full = |level: Level| Line::Note(level, sentence.to_owned());
    let code = code(sentence);
    match code {
        "TIMEOUT" => vec![Line::RedisTimeout, full(Level::Warning)],
        "UNREACHABLE" => {
            let mut lines: Vec<Line> =
                refused_connection(sentence).map(Line::Unreachable).into_iter().collect();
            lines.push(full(Level::Warning));
            lines
        }
        "RESOLVE" | "BROKEN" => vec![full(Level::Warning)],
        _ => match server_words(sentence) {
            Some(words) => vec![Line::Refused(format!("{code} {words}")), full(Level::Error)],
            None => vec![full(Level::Critical)],
        },
    }
}

/// Whether the server would still have answered a PING: the old program asks no more than that at
/// its start, and goes on although it cannot push.
#[must_use]
pub fn answers_ping(sentence: &str) -> bool {
    const PUSHES_ONLY: [&str; 9] = [
        "WRONGTYPE",
        "OOM",
        "READONLY",
        "MISCONF",
        "NOREPLICAS",
        "COUNTER",
        "MOVED",
        "CROSSSLOT",
        "CLUSTERDOWN",
    ];
    PUSHES_ONLY.contains(&code(sentence))
}

fn code(sentence: &str) -> &str {
    let Some((_, rest)) = sentence.split_once("E-SINK-") else { return "" };
    rest.split_once(':').map_or("", |(code, _)| code)
}

/// The server's own words: `… (redis says: WORDS); …`.
fn server_words(sentence: &str) -> Option<&str> {
    let (_, rest) = sentence.split_once("(redis says: ")?;
    rest.split_once("); ").map(|(words, _)| words)
}

/// `Error 111 connecting to h:1. Connection refused.` from `… at h:1 (Connection refused (os error 111)); …`.
fn refused_connection(sentence: &str) -> Option<String> {
    let (_, rest) = sentence.split_once("connect to redis at ")?;
    let (server, rest) = rest.split_once(" (")?;
    let (reason, rest) = rest.split_once(" (os error ")?;
    let (number, _) = rest.split_once(')')?;
    Some(format!("Error {number} connecting to {server}. {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(sentence: &str) -> String {
        let lines = lines(sentence);
        assert_eq!(lines.last().unwrap().text(), sentence.as_bytes());
        format!("{} {}", lines[0].level().name(), String::from_utf8(lines[0].text()).unwrap())
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let wrong = "sink \"x\": E-SINK-WRONGTYPE: the key q of redis at h:1 is no list (redis says: Operation \
                     against a key holding the wrong kind of value); nothing is lost. Fix: DEL q";
        assert_eq!(
            first(wrong),
            "CRITICAL WRONGTYPE Operation against a key holding the wrong kind of value"
        );
        let full = "E-SINK-OOM: redis at h:1 has reached its maxmemory (redis says: command not allowed when used \
                    memory > 'maxmemory'); nothing is lost. Fix: x";
        assert_eq!(first(full), "CRITICAL command not allowed when used memory > 'maxmemory'");
    }

    #[test]
    fn a_connection_that_fails_is_told_as_the_old_client_did() {
        let refused = "E-SINK-UNREACHABLE: cannot connect to redis at 127.0.0.1:7 (Connection refused (os error \
                       111)); nothing is lost. Fix: x";
        assert_eq!(first(refused), "WARNING Error 111 connecting to 127.0.0.1:7. Connection refused.");
        assert_eq!(first("E-SINK-TIMEOUT: redis at h:1 did not answer"), "WARNING Redis Timeout");
        assert_eq!(first("E-SINK-BROKEN: x"), "WARNING E-SINK-BROKEN: x");
        assert_eq!(first("something else"), "CRITICAL something else");
    }

    #[test]
    fn a_server_that_only_refuses_pushes_is_there() {
        assert!(answers_ping("sink \"x\": E-SINK-WRONGTYPE: y"));
        for code in ["UNREACHABLE", "TIMEOUT", "NOAUTH", "LOADING", "RESOLVE", "BROKEN"] {
            assert!(!answers_ping(&format!("sink \"x\": E-SINK-{code}: y")));
        }
    }
}
