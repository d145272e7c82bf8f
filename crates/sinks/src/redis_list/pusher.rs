//! Pushes values to a Redis list, whatever they say.

use std::time::Duration;

use config::{Push, RedisSink};
use model::text::safe;
use redis::{Cmd, Pipeline, Value};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::endpoint::{Endpoint, UrlError};
use super::fault::{Fault, Names, Step};
use super::link::{Link, refused};
use crate::sink::Trouble;
use crate::tls::TlsFiles;

/// A list on a server. There is no connection before the first call; after any error it is dropped.
#[derive(Debug)]
pub(crate) struct Pusher {
    pub(super) timeout: Duration,
    endpoint: Endpoint,
    tls: TlsFiles,
    key: Vec<u8>,
    counter: Option<Vec<u8>>,
    names: Names,
    link: Option<Link>,
    /// How far the call in hand has come, for the case that its time ends.
    step: Step,
}

/// A batch, ready to be sent.
enum Request {
    Push(Cmd),
    PushAndCount(Pipeline),
}

impl Pusher {
    /// Pushes to the list that `plan` names; each call takes at most `timeout`.
    pub(crate) fn new(plan: &RedisSink, timeout: Duration) -> Result<Self, UrlError> {
        let timeout = if switch::is_off("bound-each-request") { Duration::MAX } else { timeout };
        let endpoint = Endpoint::parse(plan.url.expose())?;
        let names = Names {
            server: endpoint.to_string(),
            user: safe(endpoint.user.as_deref().unwrap_or("default").as_bytes()),
            password: endpoint.password.clone(),
            key: safe(&plan.key),
            counter: plan.counter.as_deref().map(safe),
            command: command(plan.push),
        };
        Ok(Self {
            timeout,
            endpoint,
            tls: TlsFiles { authority: plan.ca_file.clone(), client: plan.client_cert.clone() },
            key: plan.key.clone(),
            counter: plan.counter.clone(),
            names,
            link: None,
            step: Step::Connect,
        })
    }

    /// Whether TLS files were given to a connection that uses none.
    pub(crate) fn ignores_tls_files(&self) -> bool {
        !self.endpoint.is_tls() && (self.tls.authority.is_some() || self.tls.client.is_some())
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.endpoint.is_tls()
    }

    /// Pushes all of the values with one command, and counts them where there is a counter.
    pub(crate) async fn push(&mut self, values: &[Vec<u8>]) -> Result<(), Trouble> {
        self.push_within(values, self.timeout).await
    }

    /// The same for a caller that has used up a part of its time already.
    pub(crate) async fn push_within(&mut self, values: &[Vec<u8>], time: Duration) -> Result<(), Trouble> {
        let result = timeout(time, self.push_all(values)).await;
        self.conclude(result)
    }

    /// Whether the server would take a push.
    pub(crate) async fn ping(&mut self) -> Result<(), Trouble> {
        let result = timeout(self.timeout, self.probe()).await;
        self.conclude(result)
    }

    /// How long the list is.
    pub(crate) async fn backlog(&mut self) -> Result<Option<u64>, Trouble> {
        let result = timeout(self.timeout, self.length()).await;
        self.conclude(result)
    }

    /// The answers to questions that change nothing; nothing for one that was refused while others were not.
    pub(crate) async fn ask(&mut self, questions: &Pipeline) -> Result<Vec<Option<Value>>, Trouble> {
        let result = timeout(self.timeout, self.ask_all(questions)).await;
        self.conclude(result)
    }

    /// Drops the connection.
    pub(crate) fn hang_up(&mut self) {
        self.link = None;
    }

    /// A connection on which the server has let us in.
    async fn open(&mut self) -> Result<Link, Fault> {
        let mut link = Link::open(&self.endpoint, &self.tls, self.timeout, &mut self.step).await?;
        self.step = Step::Login;
        let mut hello = Pipeline::new();
        if let Some(password) = &self.endpoint.password {
            let auth = hello.cmd("AUTH");
            if let Some(user) = &self.endpoint.user {
                auth.arg(user);
            }
            auth.arg(password.expose());
        }
        if self.endpoint.database != 0 {
            hello.cmd("SELECT").arg(self.endpoint.database);
        }
        if let Some(counter) = &self.counter {
            // A transaction has no roll-back: what would fail in it has to fail here.
            hello.cmd("MULTI").cmd("DISCARD").cmd("INCRBY").arg(counter).arg(0).cmd("LLEN").arg(&self.key);
        }
        let looks = hello.len().saturating_sub(usize::from(self.counter.is_some()));
        for (at, reply) in link.ask_all(&hello).await?.into_iter().enumerate() {
            match reply {
                // The LLEN at the end only looks; a user who may not is no worse off.
                Err(fault) if at == looks && fault.is_unavailable() => {}
                reply => drop(reply?),
            }
        }
        Ok(link)
    }

    fn request(&self, values: &[Vec<u8>]) -> Request {
        let bytes: usize = values.iter().map(|value| value.len() + 16).sum();
        let mut push = Cmd::with_capacity(2 + values.len(), bytes + self.key.len() + 32);
        push.arg(self.names.command).arg(&self.key);
        for value in values {
            push.arg(value.as_slice());
        }
        let Some(counter) = &self.counter else { return Request::Push(push) };
        let mut all = Pipeline::with_capacity(4);
        all.cmd("MULTI").add_command(push).cmd("INCRBY").arg(counter).arg(values.len()).cmd("EXEC");
        Request::PushAndCount(all)
    }

    async fn push_all(&mut self, values: &[Vec<u8>]) -> Result<(), Fault> {
        if values.is_empty() {
            return Ok(());
        }
        let (request, count) = (self.request(values), values.len());
        if let Some(mut link) = self.link.take().filter(Link::is_alive) {
            match self.send(&mut link, &request, count).await {
                // The server closed an idle connection in this very moment: that is no trouble yet.
                Err(fault) if fault.is_hangup() => {}
                Err(fault) => return Err(fault),
                Ok(whole) => {
                    self.link = Some(link).filter(|_| whole);
                    return Ok(());
                }
            }
        }
        let mut link = self.open().await?;
        let whole = self.send(&mut link, &request, count).await?;
        self.link = Some(link).filter(|_| whole);
        Ok(())
    }

    /// Sends a request; false when the push was taken and the count was not, after which the
    /// connection must go, so that the next one finds out why before it pushes.
    async fn send(&mut self, link: &mut Link, request: &Request, count: usize) -> Result<bool, Fault> {
        self.step = Step::Push;
        let all = match request {
            Request::Push(push) => return pushed(&link.ask(push).await?).map(|()| true),
            Request::PushAndCount(all) => all,
        };
        let replies: [_; 4] = link.ask_all(all).await?.try_into().map_err(|_| Fault::Garbage)?;
        let (push, counted) = executed(replies)?;
        match (push.and_then(|reply| pushed(&reply)), counted) {
            (Ok(()), counted) => Ok(counted.is_ok()),
            (Err(fault), counted) => {
                if let (Ok(_), Some(counter)) = (counted, &self.counter) {
                    // Where this does not come through either, the connection is gone and the
                    // counter is ahead by one batch that is sent again.
                    let _ = link.ask(redis::cmd("DECRBY").arg(counter).arg(count)).await;
                }
                Err(fault)
            }
        }
    }

    /// Everything but the push itself: connects, logs in, and has the server check the push inside
    /// a transaction that is then discarded.
    async fn probe(&mut self) -> Result<(), Fault> {
        if self.counter.is_some() {
            // What stands under the counter is looked at when a connection begins.
            self.link = None;
        }
        let mut link = self.connection().await?;
        self.step = Step::Ask;
        // MULTI goes alone: where it is refused, what follows would be executed.
        let in_transaction = match link.ask(&redis::cmd("MULTI")).await {
            Ok(_) => true,
            // The user may push and nothing else: then nothing can be found out beforehand.
            Err(fault) if self.counter.is_none() && fault.is_unavailable() => false,
            Err(fault) => return Err(fault),
        };
        let mut trial = Pipeline::new();
        if in_transaction {
            trial.cmd(self.names.command).arg(&self.key).arg("");
            if let Some(counter) = &self.counter {
                trial.cmd("INCRBY").arg(counter).arg(0);
            }
            trial.cmd("DISCARD");
        }
        let last = trial.len();
        trial.cmd("LLEN").arg(&self.key);
        for (at, reply) in link.ask_all(&trial).await?.into_iter().enumerate() {
            match reply {
                Err(fault) if at == last && fault.is_unavailable() => {}
                reply => drop(reply?),
            }
        }
        self.link = Some(link);
        Ok(())
    }

    async fn length(&mut self) -> Result<Option<u64>, Fault> {
        let mut link = self.connection().await?;
        self.step = Step::Ask;
        let reply = match link.ask(redis::cmd("LLEN").arg(&self.key)).await {
            Err(fault) if fault.is_hangup() => {
                link = self.open().await?;
                self.step = Step::Ask;
                link.ask(redis::cmd("LLEN").arg(&self.key)).await
            }
            reply => reply,
        };
        let Value::Int(length) = reply? else { return Err(Fault::Garbage) };
        self.link = Some(link);
        Ok(u64::try_from(length).ok())
    }

    async fn ask_all(&mut self, questions: &Pipeline) -> Result<Vec<Option<Value>>, Fault> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let mut link = self.connection().await?;
        self.step = Step::Ask;
        let mut replies = link.ask_all(questions).await;
        if matches!(&replies, Err(fault) if fault.is_hangup()) {
            link = self.open().await?;
            self.step = Step::Ask;
            replies = link.ask_all(questions).await;
        }
        let mut replies = replies?;
        if replies.iter().all(Result::is_err) {
            replies.swap_remove(0)?;
        }
        self.link = Some(link);
        Ok(replies.into_iter().map(Result::ok).collect())
    }

    /// The connection in hand, or a new one.
    async fn connection(&mut self) -> Result<Link, Fault> {
        match self.link.take().filter(Link::is_alive) {
            Some(link) => Ok(link),
            None => self.open().await,
        }
    }

    /// Drops the connection after whatever went wrong, and finds the words for it.
    fn conclude<T>(&mut self, result: Result<Result<T, Fault>, Elapsed>) -> Result<T, Trouble> {
        let fault = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(fault)) => fault,
            Err(_) => Fault::Timeout(self.step, self.timeout),
        };
        self.link = None;
        Err(fault.trouble(&self.names))
    }
}

const fn command(push: Push) -> &'static str {
    match push {
        Push::Left => "lpush",
        Push::Right => "rpush",
    }
}

/// A push is answered with the length of the list.
fn pushed(reply: &Value) -> Result<(), Fault> {
    if matches!(reply, Value::Int(_)) { Ok(()) } else { Err(Fault::Garbage) }
}

/// A reply or the refusal that came instead.
type Reply = Result<Value, Fault>;

/// The results of the push and of the count from the replies to MULTI, both commands and EXEC.
fn executed(replies: [Reply; 4]) -> Result<(Reply, Reply), Fault> {
    let [multi, push, count, exec] = replies;
    // A command that was refused when it was queued says why; EXEC only says that one was.
    multi?;
    push?;
    count?;
    let Value::Array(results) = exec.map_err(Fault::inside_transaction)? else { return Err(Fault::Garbage) };
    let [push, count]: [Value; 2] = results.try_into().map_err(|_| Fault::Garbage)?;
    Ok((refused(push), refused(count)))
}
