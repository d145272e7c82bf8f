//! Clients that come to the socket and say nothing: there are places for 64.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use testkit::{Landing, wait_until};

use crate::{STEP, deliver, running};

const PLACES: usize = 64;
/// Longer than anybody may say nothing.
const LONG: Duration = Duration::from_secs(30);

/// A client that says this and then waits.
struct Guest(BufReader<UnixStream>);

impl Guest {
    fn saying(landing: &Landing, words: &str) -> Self {
        let stream = UnixStream::connect(landing.state_dir().join("staithe.sock")).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("a limit");
        let mut guest = Self(BufReader::new(stream));
        guest.say(words);
        guest
    }

    fn say(&mut self, words: &str) {
        self.0.get_mut().write_all(words.as_bytes()).expect("it is listened to");
    }

    /// The next line; empty when the connection is closed.
    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer, or the end");
        line
    }
}

#[test]
fn who_says_nothing_loses_its_place_and_who_follows_keeps_it() {
    let landing = running();
    // It passes words on from somebody who has nothing to say yet.
    let mut command = landing.command();
    let mut notify =
        command.args(["notify", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    deliver(&landing, &["first"]);
    let tail = "{\"cmd\":\"tail\",\"after\":0}\n";
    let mut follower = Guest::saying(&landing, tail);
    assert!(follower.hears().starts_with('='), "the event");
    assert!(follower.hears().starts_with('.'), "the end of the answer");
    let mut asked = Guest::saying(&landing, "{\"cmd\":\"ping\"}\n");
    assert!(asked.hears().starts_with('.'), "who has asked once");
    let mut others = vec![asked, Guest::saying(&landing, "{\"cmd\":")];
    others.extend((others.len() + 1..PLACES).map(|_| Guest::saying(&landing, "")));
    wait_until(STEP, "all places to be taken", || {
        let status = landing.call(&["status"]);
        let full = status.code == Some(3);
        assert!(!full || status.stderr.contains("64 clients are being served"), "{}", status.stderr);
        if !full {
            // Another client had one just then.
            others.push(Guest::saying(&landing, ""));
        }
        full
    });
    for guest in &mut others {
        let word = guest.hears();
        // Who came too late for a place was told so at once.
        let told = ["no whole request came within 10 s", "64 clients are being served"];
        assert!(word.starts_with('!') && told.iter().any(|told| word.contains(told)), "{word}");
        assert_eq!(guest.hears(), "", "the connection is closed");
    }
    wait_until(STEP, "a place to be free", || landing.call(&["status"]).code == Some(0));
    follower.say(tail);
    assert!(follower.hears().starts_with('='), "who follows may rest");
    let known = landing.root().join("first");
    let mut words = notify.stdin.take().unwrap();
    writeln!(words, "{}", known.display()).expect("it reads on");
    drop(words);
    let said = notify.wait_with_output().unwrap();
    assert!(said.status.success() && String::from_utf8_lossy(&said.stdout).contains("DELIVERED"), "{said:?}");
}
