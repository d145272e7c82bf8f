//! From events to messages, whatever broker carries them.

use std::time::Duration;

use config::{Argument, CelerySink};
use model::{Kind, Parcel};
use tokio::time::timeout;

use super::message::{Message, Sender};
use super::uids::Reader;
use crate::facts::Uids;
use crate::journal::Hands;
use crate::sink::Outcome;

/// Reading headers of files gets at most this part of a call's time; the rest is for the broker.
const READING: u32 = 3;
/// An event whose files hang is looked at again after so long.
const HANGS: Duration = Duration::from_secs(30);

/// Makes the messages of one sink.
#[derive(Debug)]
pub(crate) struct Maker {
    celery: CelerySink,
    hands: Hands,
    sender: Sender,
    /// There where a text asks for what stands in the unit's files.
    reader: Option<Reader>,
    timeout: Duration,
}

/// What became of an event on the way to its message.
#[derive(Debug)]
pub(crate) enum Made {
    /// It can leave.
    Message(Box<Message>),
    /// There is no message, and this is the event's outcome: rejected, put off, or (for what is no task) done.
    Not(Outcome),
}

impl Maker {
    pub(crate) fn new(celery: &CelerySink, sink: &str, timeout: Duration, hands: &Hands) -> Self {
        let mut texts = celery.args.iter().chain(celery.kwargs.iter().map(|(_, value)| value));
        let reader = texts.any(asks_for_uids).then(Reader::new);
        Self { celery: celery.clone(), hands: hands.clone(), sender: Sender::new(sink), reader, timeout }
    }

    /// How much of a call's time the making of messages may take; nothing where no file is read for it.
    pub(crate) fn share(&self) -> Duration {
        if self.reader.is_some() { self.timeout / READING } else { Duration::ZERO }
    }

    /// Messages for the beginning of the batch, one for each event: at least for the first, and for as many as could
    /// be made in the time. Each has been read again and says what it should.
    pub(crate) async fn make(&mut self, batch: &[Parcel]) -> Vec<Made> {
        let mut made = Vec::with_capacity(batch.len());
        if self.reader.is_none() {
            made.extend(batch.iter().map(|parcel| self.one(parcel, &Uids::default())));
            return made;
        }
        // What had not the whole time comes again with the next call.
        let _ = timeout(self.share(), self.make_all(batch, &mut made)).await;
        match batch.first() {
            Some(first) if made.is_empty() => vec![Made::Not(Outcome::PutOff(HANGS, hangs(first)))],
            _ => made,
        }
    }

    /// Stops where a file cannot be read for now.
    async fn make_all(&mut self, batch: &[Parcel], made: &mut Vec<Made>) {
        for parcel in batch {
            let uids = match &mut self.reader {
                Some(reader) if parcel.kind.is_unit() => reader.read(parcel, self.timeout).await,
                _ => Some(Uids::default()),
            };
            let Some(uids) = uids else { return };
            made.push(self.one(parcel, &uids));
        }
    }

    fn one(&mut self, parcel: &Parcel, uids: &Uids) -> Made {
        // The lane does not offer these; what is no unit that came is no task.
        if let Kind::Removal { .. } | Kind::Gap { .. } | Kind::Happening(_) = parcel.kind {
            return Made::Not(Outcome::Delivered);
        }
        let now = (self.hands.now)();
        let marks = self.sender.marks(parcel, now);
        let message = Message::new(&self.celery, marks, parcel, uids, now);
        match message.and_then(|message| message.validate().map(|()| message)) {
            Ok(message) => Made::Message(Box::new(message)),
            Err(unfit) => Made::Not(Outcome::Rejected(rejected(parcel, &unfit.to_string()))),
        }
    }
}

/// The words for a dead letter.
pub(crate) fn rejected(parcel: &Parcel, why: &str) -> String {
    format!(
        "E-SINK-TASK: no task is sent for {}: {why}; a wrong message would stop the workers. Fix: correct the sink, \
         then staithe dead retry",
        model::text::safe(&parcel.path)
    )
}

fn hangs(parcel: &Parcel) -> String {
    format!(
        "E-SINK-TASK-READ: the files of {} cannot be read for their UIDs in time; nothing is lost, it is tried again. \
         Fix: see whether the disk hangs, or take the UID out of the sink's arguments",
        model::text::safe(&parcel.path)
    )
}

fn asks_for_uids(argument: &Argument) -> bool {
    match argument {
        Argument::Text(text) => crate::facts::asks_for_uids(text),
        Argument::List(items) => items.iter().any(asks_for_uids),
        Argument::Table(members) => members.iter().any(|(_, value)| asks_for_uids(value)),
        Argument::Integer(_) | Argument::Float(_) | Argument::Flag(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use config::{CeleryBroker, Secret, TaskProtocol};

    use super::*;
    use crate::samples::batch;

    fn asking() -> CelerySink {
        CelerySink {
            broker: CeleryBroker::Redis { url: Secret::new("redis://h"), key_prefix: String::new() },
            task: "t".into(),
            args: vec![Argument::List(vec![Argument::Text("{SeriesInstanceUID}".into())])],
            kwargs: Vec::new(),
            queue: "q".into(),
            exchange: None,
            routing_key: None,
            priority: None,
            expires: None,
            delay: None,
            protocol: TaskProtocol::V2,
            results: None,
            ca_file: None,
            client_cert: None,
        }
    }

    #[tokio::test]
    async fn an_event_whose_files_hang_is_put_off_and_no_other_is_lost() {
        let limit = Duration::from_millis(1500);
        let mut maker = Maker::new(&asking(), "tasks", limit, &Hands::in_memory());
        let (release, wait) = mpsc::channel::<()>();
        let bench = &mut maker.reader.as_mut().unwrap().0;
        let hang = move |(): &mut ()| wait.recv().is_ok();
        let _ = bench.run(Duration::from_millis(20), hang).await;
        let made =
            timeout(limit * 2 / 3, maker.make(&batch(1, 3))).await.expect("it leaves time for the broker");
        let [Made::Not(Outcome::PutOff(_, text))] = &made[..] else { panic!("{made:?}") };
        assert!(
            text.starts_with("E-SINK-TASK-READ") && text.contains("f1") && text.contains("nothing is lost"),
            "{text}"
        );
        release.send(()).unwrap();
        let mut patient = Maker { timeout: Duration::from_mins(1), ..maker };
        assert_eq!(patient.make(&batch(1, 3)).await.len(), 3);
    }

    #[test]
    fn no_file_is_looked_at_where_no_text_asks() {
        let plain = CelerySink { args: Vec::new(), kwargs: CelerySink::usual_kwargs(), ..asking() };
        let maker = Maker::new(&plain, "tasks", Duration::from_secs(9), &Hands::in_memory());
        assert!(maker.reader.is_none() && maker.share() == Duration::ZERO);
    }
}
