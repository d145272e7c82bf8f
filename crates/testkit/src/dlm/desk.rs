//! Where requests are taken, written down, spoiled if a test wants that, and done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::answer::Answer;
use super::body::Body;
use super::call::{Call, perform};
use super::contract::{Contract, ServiceName};
use super::fault::{Faults, Hit, What};
use super::http::{Connection, Incoming, pairs};
use super::record::{Log, Received};
use super::store::{Ending, Store};

/// What the four services share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) contract: Contract,
    pub(super) log: Log,
    pub(super) faults: Faults,
    store: Mutex<Store>,
    manners: Mutex<Manners>,
}

/// How the services behave in general.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    /// What a request must carry, if anything.
    pub(super) token: Option<String>,
    /// How long each answer takes.
    pub(super) latency: Duration,
    /// How long a copy takes.
    pub(super) copying: Duration,
}

/// A request that is not answered yet; when this goes, it is out of hand.
struct InHand<'a> {
    desk: &'a Desk,
    request: &'a Received,
    status: Option<u16>,
}

impl Desk {
    pub(super) fn new(contract: Contract, manners: Manners) -> Self {
        Self {
            contract,
            log: Log::new(),
            faults: Faults::default(),
            store: Mutex::default(),
            manners: Mutex::new(manners),
        }
    }

    /// The tables, with everything done that is due.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.settle(Instant::now());
        store
    }

    pub(super) fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one connection until it ends.
    pub(super) async fn attend(self: Arc<Self>, service: ServiceName, mut connection: Connection) {
        while let Ok(Some(incoming)) = connection.request().await {
            let last = incoming.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            let request = self.log.enter(self.received(service, incoming));
            let mut in_hand = InHand { desk: &self, request: &request, status: None };
            let answer = tokio::select! {
                answer = self.answer(&request) => answer,
                () = connection.left() => None,
            };
            let Some(answer) = answer else { return };
            in_hand.status = Some(answer.status);
            // Before the answer is out: who has it must find the request done with.
            drop(in_hand);
            if connection.answer(&answer, last).await.is_err() || last {
                return;
            }
        }
    }

    fn received(&self, service: ServiceName, incoming: Incoming) -> Received {
        let (path, raw_query) = incoming.target.split_once('?').unwrap_or((&incoming.target, ""));
        let json = serde_json::from_slice(&incoming.body).ok();
        let mut request = Received {
            number: 0,
            service,
            method: incoming.method,
            path: path.to_owned(),
            query: pairs(raw_query),
            raw_query: raw_query.to_owned(),
            headers: incoming.headers,
            body: incoming.body,
            json,
            item_name: None,
            at: SystemTime::UNIX_EPOCH,
            seconds: 0.0,
            status: None,
            overlapping: false,
        };
        request.item_name = self.item_of(&request);
        request
    }

    fn item_of(&self, request: &Received) -> Option<String> {
        let named = request.param("item_name");
        let in_body = || request.json.as_ref()?.get("item_name")?.as_str();
        if let Some(name) = named.or_else(in_body) {
            return Some(name.to_owned());
        }
        self.store().items.get(request.param("uid")?)?.item_name.clone()
    }

    /// The answer; nothing when the connection shall be closed without one.
    async fn answer(self: &Arc<Self>, request: &Received) -> Option<Answer> {
        let manners = self.manners().clone();
        let answer = match stranger(request, &manners) {
            Some(refusal) => Some(refusal),
            None => match self.faults.take(request) {
                Some(hit) => self.go_wrong(hit, request, manners.copying).await,
                None => Some(self.act(request, Ending::Done(manners.copying))),
            },
        };
        if !manners.latency.is_zero() {
            tokio::time::sleep(manners.latency).await;
        }
        answer
    }

    async fn go_wrong(self: &Arc<Self>, hit: Hit, request: &Received, copying: Duration) -> Option<Answer> {
        let well = Ending::Done(copying);
        match hit.what {
            What::CopyFails => Some(self.act(request, Ending::Failed(copying))),
            What::CopyHangs => Some(self.act(request, Ending::Never)),
            What::Late(delay) if hit.acts => {
                let answer = self.act(request, well);
                tokio::time::sleep(delay).await;
                Some(answer)
            }
            What::Late(delay) => {
                // A service goes on when its client has given up, so this must not end with the connection.
                let (desk, request) = (Arc::clone(self), request.clone());
                let acting = tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    desk.act(&request, well)
                });
                acting.await.ok()
            }
            What::Answer(answer) => {
                self.act_if(hit.acts, request, well);
                Some(answer)
            }
            What::Close => {
                self.act_if(hit.acts, request, well);
                None
            }
            What::Hang => {
                self.act_if(hit.acts, request, well);
                std::future::pending().await
            }
        }
    }

    fn act_if(&self, acts: bool, request: &Received, ending: Ending) {
        if acts {
            self.act(request, ending);
        }
    }

    /// Does what the request asks for, as the real service does.
    fn act(&self, request: &Received, ending: Ending) -> Answer {
        let operation = match self.contract.find(request.service, &request.method, &request.path) {
            Ok(operation) => operation,
            Err(answer) => return answer,
        };
        let body = Body::read(&request.body, request.header("content-type"));
        match operation.check(&request.query, &body) {
            Ok(arguments) => {
                let call = Call { arguments, body: &body, overlapping: request.overlapping, ending };
                perform(operation, &mut self.store(), &call)
            }
            Err(answer) => answer,
        }
    }
}

/// What somebody without the right token is told.
fn stranger(request: &Received, manners: &Manners) -> Option<Answer> {
    let expected = format!("Bearer {}", manners.token.as_deref()?);
    (request.header("authorization") != Some(&expected))
        .then(|| Answer::detail(401, &json!("Not authenticated")))
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.desk.log.leave(self.request, self.status);
    }
}
