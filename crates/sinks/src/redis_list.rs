//! A Redis list: one multi-value push for each batch.
//!
//! `LPUSH k v1 v2` puts `v1` nearer to the end that `BRPOP` takes from, so a batch keeps its order.
//! With a counter key the push and the count are one transaction, and the count is taken back
//! where Redis refused the push inside it (it has no roll-back), so that the counter is the number
//! of pushes.

mod advice;
mod endpoint;
mod fault;
mod link;

use std::time::Duration;

use config::{Format, Push, RedisSink};
use model::Parcel;
use model::text::safe;
use redis::{Cmd, Pipeline, Value};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use self::endpoint::Endpoint;
pub use self::endpoint::UrlError;
use self::fault::{Fault, Names, Step};
use self::link::{Link, refused};
use crate::format::encode;
use crate::sink::{BoxFuture, Outcome, Sink, Trouble};
use crate::tls::TlsFiles;

/// At most so many bytes of events go into one command (one event may be larger).
const COMMAND_BYTES: usize = 1 << 20;
/// At most so many events go into one command.
const COMMAND_EVENTS: usize = 512;

/// Pushes to a list. There is no connection before the first call; after any error it is dropped.
#[derive(Debug)]
pub struct RedisList {
    format: Format,
    timeout: Duration,
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

impl RedisList {
    /// A sink for the list that `plan` names.
    pub fn new(plan: &RedisSink, format: Format, timeout: Duration) -> Result<Self, UrlError> {
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
            format,
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
    #[must_use]
    pub(crate) fn ignores_tls_files(&self) -> bool {
        !self.endpoint.is_tls() && (self.tls.authority.is_some() || self.tls.client.is_some())
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

    /// The commands for as much of the batch as one call carries, and how many events that is.
    fn request(&self, batch: &[Parcel]) -> (Request, usize) {
        let mut push = Cmd::with_capacity(2 + batch.len(), 512 * batch.len());
        push.arg(self.names.command).arg(&self.key);
        let (mut value, mut bytes, mut count) = (Vec::new(), 0, 0);
        for parcel in batch.iter().take(COMMAND_EVENTS) {
            value.clear();
            encode(&self.format, parcel, &mut value);
            bytes += value.len();
            if count > 0 && bytes > COMMAND_BYTES {
                break;
            }
            push.arg(value.as_slice());
            count += 1;
        }
        let Some(counter) = &self.counter else { return (Request::Push(push), count) };
        let mut all = Pipeline::with_capacity(4);
        all.cmd("MULTI").add_command(push).cmd("INCRBY").arg(counter).arg(count).cmd("EXEC");
        (Request::PushAndCount(all), count)
    }

    /// Pushes the beginning of the batch; how many events.
    async fn push(&mut self, batch: &[Parcel]) -> Result<usize, Fault> {
        if batch.is_empty() {
            return Ok(0);
        }
        let (request, count) = self.request(batch);
        if let Some(mut link) = self.link.take().filter(Link::is_alive) {
            match self.send(&mut link, &request, count).await {
                // The server closed an idle connection in this very moment: that is no trouble yet.
                Err(fault) if fault.is_hangup() => {}
                Err(fault) => return Err(fault),
                Ok(whole) => {
                    self.link = Some(link).filter(|_| whole);
                    return Ok(count);
                }
            }
        }
        let mut link = self.open().await?;
        let whole = self.send(&mut link, &request, count).await?;
        self.link = Some(link).filter(|_| whole);
        Ok(count)
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

impl Sink for RedisList {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let result = timeout(self.timeout, self.push(batch)).await;
            self.conclude(result).map(|count| vec![Outcome::Delivered; count])
        })
    }

    fn batch_limit(&self) -> usize {
        COMMAND_EVENTS
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let result = timeout(self.timeout, self.probe()).await;
            self.conclude(result)
        })
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        Box::pin(async move {
            let result = timeout(self.timeout, self.length()).await;
            self.conclude(result)
        })
    }

    fn reopen(&mut self) {
        self.link = None;
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

#[cfg(test)]
mod tests;
