//! A plugin that runs and has greeted.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use config::{PluginManifest, PluginSink};
use model::Parcel;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{sleep, timeout};

use super::child::{Child, LOOK, Streams, program};
use super::fault::{Fault, Remains};
use super::flight::{Answer, Flight, NeverSent};
use super::listen::Ears;
use super::voice::{Voice, shown};
use super::wire::{self, Hello, PROTOCOL, Said, SaidError};

/// So much is encoded ahead of what the pipe takes.
const AHEAD: usize = 64 << 10;
/// After the end of a plugin its last words are waited for so long.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// One run of a plugin.
#[derive(Debug)]
pub(crate) struct Live {
    child: Child,
    /// Closed when all is said.
    stdin: Option<ChildStdin>,
    ears: Ears,
    voice: Voice,
    pub(crate) hello: Hello,
    pub(crate) flight: Flight,
    /// What is to be written, whole messages; the first may be half written.
    out: VecDeque<u8>,
    /// The root that each watch was configured with.
    configured: HashMap<Arc<str>, Arc<[u8]>>,
    /// Something was sent since it was asked to flush.
    unflushed: bool,
}

/// A plugin that did not get that far, or got no further.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) remains: Remains,
}

impl Failure {
    fn without_remains(fault: Fault) -> Self {
        Self { fault, remains: Remains::default() }
    }
}

impl Live {
    /// Starts the plugin and waits for its greeting.
    pub(crate) async fn start(manifest: &PluginManifest, voice: &Voice) -> Result<Self, Failure> {
        let started = Child::start(voice.name(), manifest);
        let (child, streams) =
            started.map_err(|error| Failure::without_remains(Fault::start(&program(manifest), &error)))?;
        let Streams { stdin, stdout, stderr } = streams;
        let ears = Ears::open(stdout, stderr, manifest.line_limit, voice);
        let nobody =
            Hello { protocol: 0, name: String::new(), version: String::new(), events: None, batch: 1 };
        let mut out = Vec::new();
        wire::push_hello(&mut out);
        let mut live = Self {
            child,
            stdin: Some(stdin),
            ears,
            voice: voice.clone(),
            hello: nobody,
            flight: Flight::new(manifest.window as usize),
            out: out.into(),
            configured: HashMap::new(),
            unflushed: false,
        };
        let limit = manifest.hello_within;
        match timeout(limit, live.greet()).await.unwrap_or(Err(Fault::NoHello(limit))) {
            Ok(hello) => {
                live.tell_of_misspellings(&hello);
                live.hello = hello;
                Ok(live)
            }
            Err(fault) => Err(live.end(fault).await),
        }
    }

    async fn greet(&mut self) -> Result<Hello, Fault> {
        loop {
            match self.next().await? {
                Some(Said::Hello(hello)) if hello.protocol == PROTOCOL => return Ok(hello),
                Some(Said::Hello(hello)) => return Err(Fault::Version(hello.protocol)),
                Some(Said::Error(error)) if error.fatal => return Err(Fault::Fatal(error.message)),
                Some(Said::Ack(_)) => {
                    return Err(Fault::Nonsense("acknowledged an event before it said hello".into()));
                }
                _ => {}
            }
        }
    }

    fn tell_of_misspellings(&self, hello: &Hello) {
        let unknown = hello.unknown_kinds();
        if !unknown.is_empty() {
            self.voice.tell(&format!(
                "W-PLUGIN-EVENTS: plugin \"{}\" asks for events that there are none of: {}; see plugin-protocol.md for \
                 the names",
                self.voice.name(),
                shown(unknown.join(", ").as_bytes())
            ));
        }
    }

    /// Whether the plugin's own wishes leave this event out.
    pub(crate) fn passes_over(&self, parcel: &Parcel) -> bool {
        !self.hello.wants(wire::kind_of(parcel.kind, parcel.cause))
    }

    /// Whether another event may be put into [`Live::out`] now.
    pub(crate) fn has_room(&self) -> bool {
        self.flight.has_room() && self.out.len() < AHEAD
    }

    /// Puts an event, and what must be known of its watch before, on its way.
    pub(crate) fn send(&mut self, parcel: &Parcel, plan: &PluginSink) {
        let mut out = Vec::with_capacity(512);
        if self.configured.get(&parcel.source) != Some(&parcel.root) {
            wire::push_configure(&parcel.source, &parcel.root, &plan.options, &mut out);
            self.configured.insert(Arc::clone(&parcel.source), Arc::clone(&parcel.root));
        }
        wire::push_event(self.flight.send(parcel), parcel, &mut out);
        self.out.extend(out);
        self.unflushed = true;
    }

    /// Asks for acknowledgements that a plugin holds back, once.
    pub(crate) fn flush(&mut self) {
        if self.hello.batch > 1 && std::mem::take(&mut self.unflushed) {
            let mut out = Vec::new();
            wire::push_flush(&mut out);
            self.out.extend(out);
        }
    }

    /// Writes what is to be written and hears what the plugin says, until one of both has happened. Dropping the
    /// future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Said>, Fault> {
        let (first, _) = self.out.as_slices();
        tokio::select! {
            // What it said before it ended counts.
            biased;
            heard = self.ears.heard.recv() => heard.unwrap_or(Err(Fault::Ended)).map(Some),
            written = write(&mut self.stdin, first), if !first.is_empty() => self.wrote(written).await,
            // As long as it talks it need not be asked.
            () = sleep(LOOK) => if self.child.has_ended() { self.hear_the_rest().await } else { Ok(None) },
        }
    }

    async fn wrote(&mut self, written: io::Result<usize>) -> Result<Option<Said>, Fault> {
        match written {
            Ok(count) => {
                self.out.drain(..count);
                Ok(None)
            }
            // It reads no more: nothing more can be written, but what it has said may still be heard.
            Err(_) => self.hear_the_rest().await,
        }
    }

    /// After the end of the process, or of its input: one more message, if there is one in the pipe. Whoever else
    /// holds the pipe is not waited for.
    async fn hear_the_rest(&mut self) -> Result<Option<Said>, Fault> {
        match timeout(LAST_WORDS, self.ears.heard.recv()).await {
            Ok(Some(heard)) => heard.map(Some),
            Ok(None) | Err(_) => Err(Fault::Ended),
        }
    }

    /// What is known without waiting: messages that have come, and whether it runs.
    pub(crate) fn look(&mut self) -> Result<(), Fault> {
        loop {
            match self.ears.heard.try_recv() {
                Ok(heard) => drop(self.note(heard?)?),
                Err(TryRecvError::Empty) if !self.child.has_ended() => return Ok(()),
                Err(_) => return Err(Fault::Ended),
            }
        }
    }

    /// Takes down what the plugin said; whether an event was answered.
    pub(crate) fn note(&mut self, said: Said) -> Result<bool, Fault> {
        match said {
            Said::Ack(number) => self.flight.ack(number).map_err(never_sent),
            Said::Error(error) => self.note_error(error),
            Said::Hello(_) => Err(Fault::Nonsense("said hello twice".into())),
            Said::Log { .. } => Ok(false),
            Said::Unknown(kind) => {
                let line = format!("a message \"{kind}\", which this version does not know");
                self.voice.pass_on("W-PLUGIN-UNKNOWN: passed over ", line.as_bytes());
                Ok(false)
            }
        }
    }

    fn note_error(&mut self, error: SaidError) -> Result<bool, Fault> {
        let SaidError { seq, message, fatal, permanent } = error;
        if let Some(number) = seq {
            // Nothing else would tell: the sink is well, and happenings are not explained one by one. A letter that is
            // dead is told of where letters are kept.
            if !permanent && self.flight.is_first_offer(number) {
                self.voice.pass_on(
                    "W-PLUGIN-REFUSED: an event was refused and is sent again later: ",
                    message.as_bytes(),
                );
            }
            let text = format!("plugin \"{}\": {}", self.voice.name(), shown(message.as_bytes()));
            let answer = if permanent { Answer::Rejected(text) } else { Answer::Refused(text) };
            self.flight.refuse(number, answer).map_err(never_sent)?;
        } else if !fatal {
            self.voice.pass_on("E-PLUGIN-SAYS: ", message.as_bytes());
        }
        if fatal { Err(Fault::Fatal(message)) } else { Ok(seq.is_some()) }
    }

    /// Ends the plugin because of a fault.
    pub(crate) async fn end(mut self, fault: Fault) -> Failure {
        // Whoever closed its output is about to end, mostly: that end tells more than a kill would.
        if fault == Fault::Ended {
            let _ = timeout(LAST_WORDS, self.child.ended()).await;
        }
        let by_itself = self.child.has_ended();
        let status = self.child.bury().await;
        self.ears.hear_out(LAST_WORDS).await;
        let last_words = self.voice.last_words();
        Failure { fault, remains: Remains { status, by_itself, last_words } }
    }

    /// Ends the plugin in order: a farewell, time to follow it, a request, and then no question any more.
    pub(crate) async fn dismiss(mut self, within: Duration) {
        let mut out = Vec::new();
        wire::push_bye(&mut out);
        self.out.extend(out);
        if timeout(within / 2, self.say_goodbye()).await.is_err() {
            self.child.signal(Signal::TERM);
            let asked = timeout(within / 4, self.child.ended()).await;
            if asked.is_err() {
                self.voice.tell(&format!(
                    "W-PLUGIN-STOP: plugin \"{}\" did not end when it was told to and was killed; what it had in hand is \
                     sent to it again at the next start",
                    self.voice.name()
                ));
            }
        }
        self.child.bury().await;
    }

    /// Writes the farewell and closes the plugin's input; waits for the end.
    async fn say_goodbye(&mut self) {
        while !self.out.is_empty() {
            if self.next().await.is_err() {
                return;
            }
        }
        // Whoever does not know the farewell knows the end of its input.
        self.stdin = None;
        let heard_out = async {
            while self.ears.heard.recv().await.is_some() {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.child.ended() => {}
            () = heard_out => {}
        }
    }
}

async fn write(stdin: &mut Option<ChildStdin>, bytes: &[u8]) -> io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.write(bytes).await,
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

fn never_sent(NeverSent(number): NeverSent) -> Fault {
    Fault::Nonsense(format!("answered event {number}, which it was never sent,"))
}
