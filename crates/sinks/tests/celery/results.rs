//! How tasks ended, as their workers say it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use config::{CelerySink, Secret};
use model::Stamp;
use sinks::{Hands, Journal, MemoryJournal, Sink, describe_task, task_standing};
use testkit::redis::Redis;
use testkit::resp::Reply;

use crate::rig::{NOW, PATIENCE, QUEUE, celery, deliver_all, folders, messages, sink_with};

struct Rig {
    redis: Redis,
    journal: Arc<MemoryJournal>,
    clock: Arc<AtomicI64>,
    remarks: Arc<Mutex<Vec<String>>>,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        Self { redis: Redis::start(), journal: Arc::default(), clock, remarks: Arc::default() }
    }

    fn sink(&self) -> Box<dyn Sink> {
        let (clock, remarks) = (Arc::clone(&self.clock), Arc::clone(&self.remarks));
        let hands = Hands {
            journal: self.journal.clone(),
            now: Arc::new(move || Stamp::new(clock.load(Ordering::SeqCst), 0)),
            remark: Arc::new(move |text| remarks.lock().unwrap().push(text.to_owned())),
        };
        let results = Some(Secret::new(format!("{}/3", self.redis.url())));
        sink_with(CelerySink { results, ..celery(&self.redis) }, &hands, Duration::from_secs(10))
    }

    /// The ids of the tasks in the queue.
    fn tasks(&self) -> Vec<String> {
        let id = |message: &serde_json::Value| message["headers"]["id"].as_str().unwrap().to_owned();
        messages(&self.redis, QUEUE).iter().map(id).collect()
    }

    fn answer(&self, task: &str, result: &str) {
        let mut connection = self.redis.connect();
        connection.words("SELECT 3").unwrap();
        let key = format!("celery-task-meta-{task}");
        let reply = connection.command(&[b"SET", key.as_bytes(), result.as_bytes()]).unwrap();
        assert_eq!(reply, Reply::Status("OK".into()));
    }

    async fn standing(&self, seq: u64) -> Option<String> {
        let steps = self.journal.steps(seq).await.unwrap();
        task_standing(steps.iter().map(Vec::as_slice))
    }

    async fn wait_for(&self, seq: u64, wanted: &str) {
        let found = async {
            while !self.standing(seq).await.is_some_and(|standing| standing.contains(wanted)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        assert!(found.is_ok(), "{wanted} did not come: {:?}", self.standing(seq).await);
    }

    async fn followed(&self) -> usize {
        self.journal.pursuits(0, 100).await.unwrap().len()
    }
}

const SUCCESS: &str = r#"{"status": "SUCCESS", "result": 0, "traceback": null, "children": []}"#;
const FAILURE: &str = r#"{"status": "FAILURE", "result": {"exc_type": "OSError",
    "exc_message": ["no such directory\u001b[31m"], "exc_module": "builtins"}, "traceback": "..."}"#;

#[tokio::test]
async fn a_task_is_looked_at_until_it_has_ended() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    deliver_all(&mut *sink, &folders(1, 3)).await;
    let tasks = rig.tasks();
    assert_eq!(rig.followed().await, 3);
    assert_eq!(rig.standing(1).await.unwrap(), format!("task {}: no result yet", tasks[0]));
    rig.answer(&tasks[0], SUCCESS);
    rig.answer(&tasks[1], FAILURE);
    rig.answer(&tasks[2], r#"{"status": "RETRY", "result": {"exc_type": "OSError"}}"#);
    rig.wait_for(1, &format!("task {}: SUCCESS", tasks[0])).await;
    rig.wait_for(2, &format!("task {}: FAILURE: OSError: no such directory\\x1b[31m", tasks[1])).await;
    let remarks = rig.remarks.lock().unwrap().clone();
    assert!(remarks.len() == 1 && remarks[0].contains("for f2 ended as FAILURE"), "{remarks:?}");
    assert_eq!((rig.followed().await, rig.standing(3).await.unwrap().contains("no result yet")), (1, true));
    // It is asked for again, after a pause, by the next process, too.
    drop(sink);
    rig.answer(&tasks[2], SUCCESS);
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    rig.wait_for(3, "SUCCESS").await;
    assert_eq!(rig.followed().await, 0);
    let steps = rig.journal.steps(3).await.unwrap();
    let told: Vec<_> = steps.iter().filter_map(|step| describe_task(step)).collect();
    assert_eq!(told, [format!("sent as task {}", tasks[2]), format!("task {}: SUCCESS", tasks[2])]);
}

#[tokio::test]
async fn nothing_is_written_and_what_never_ends_is_given_up() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    deliver_all(&mut *sink, &folders(1, 1)).await;
    rig.clock.store(NOW + 86_400, Ordering::SeqCst);
    rig.wait_for(1, "no result within 24 hours").await;
    assert_eq!(rig.followed().await, 0);
    assert!(rig.remarks.lock().unwrap().iter().any(|text| text.contains("1 tasks that were sent")));
    let mut connection = rig.redis.connect();
    connection.words("SELECT 3").unwrap();
    assert_eq!(connection.words("DBSIZE").unwrap(), Reply::Integer(0));
}

#[tokio::test]
async fn a_backend_that_is_away_is_told_once_and_holds_up_nothing() {
    let rig = Rig::new();
    let backend = Redis::start();
    let results = Some(Secret::new(backend.url()));
    let remarks = Arc::clone(&rig.remarks);
    let hands = Hands {
        journal: rig.journal.clone(),
        now: Arc::new(|| Stamp::new(NOW, 0)),
        remark: Arc::new(move |text| remarks.lock().unwrap().push(text.to_owned())),
    };
    let plan = CelerySink { results, ..celery(&rig.redis) };
    let mut sink = sink_with(plan, &hands, Duration::from_secs(2));
    drop(backend);
    deliver_all(&mut *sink, &folders(1, 5)).await;
    let told = async {
        while rig.remarks.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    let text = rig.remarks.lock().unwrap()[0].clone();
    assert!(
        text.starts_with("W-SINK-RESULTS") && text.contains("E-SINK-UNREACHABLE") && !text.contains("lost"),
        "{text}"
    );
    assert_eq!(rig.tasks().len(), 5);
}
