use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::{
    Argument, CeleryBroker, CelerySink, Format, Push, RedisSink, ScribeLog, ScribeSink, ScribeStyle, Secret,
    SinkKind, SinkPlan, TaskProtocol,
};
use tempfile::TempDir;
use testkit::redis::Redis;

use model::Parcel;

use super::{Rig, check, sample};
use crate::{Hands, Jsonl, LineStream, RedisList, Sink, scribe};

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect()
}

/// A file; a symbolic link to `/dev/full` takes its place to harm it.
struct FileRig {
    dir: TempDir,
    next: u64,
    /// Whether a scribe writes the file.
    scribe: bool,
}

impl FileRig {
    fn path(&self) -> PathBuf {
        self.dir.path().join("events.jsonl")
    }

    fn aside(&self) -> PathBuf {
        self.dir.path().join("aside")
    }
}

impl Rig for FileRig {
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink> {
        if self.scribe {
            let plan = ScribeSink { log: ScribeLog::File(self.path()), style: ScribeStyle::Json };
            return scribe::build(&plan, timeout);
        }
        Box::new(Jsonl::new(self.path(), Format::CloudEvents, timeout))
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.next += 1;
        sample(self.next, path)
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let bytes = fs::read(self.path()).unwrap_or_default();
        let _ = fs::remove_file(self.path());
        split(&bytes)
    }

    fn harm(&mut self) -> bool {
        fs::rename(self.path(), self.aside()).unwrap();
        std::os::unix::fs::symlink("/dev/full", self.path()).unwrap();
        true
    }

    fn hang(&mut self) -> bool {
        false
    }

    fn heal(&mut self) {
        fs::rename(self.aside(), self.path()).unwrap();
    }
}

#[tokio::test]
async fn jsonl() {
    check(&mut FileRig { dir: TempDir::new().unwrap(), next: 0, scribe: false }).await;
}

#[tokio::test]
async fn scribe() {
    check(&mut FileRig { dir: TempDir::new().unwrap(), next: 0, scribe: true }).await;
}

#[derive(Clone, Default)]
struct Stream {
    inner: Arc<(Mutex<StreamState>, Condvar)>,
    next: u64,
}

#[derive(Default)]
struct StreamState {
    taken: Vec<u8>,
    mood: Mood,
}

#[derive(Default, PartialEq)]
enum Mood {
    #[default]
    Well,
    /// Takes seven bytes of each write, then nothing.
    Full {
        room: usize,
    },
    Hanging,
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (lock, changed) = &*self.inner;
        let mut state =
            changed.wait_while(lock.lock().unwrap(), |state| state.mood == Mood::Hanging).unwrap();
        let count = match &mut state.mood {
            Mood::Full { room: 0 } => return Err(io::Error::from_raw_os_error(28)),
            Mood::Full { room } => std::mem::take(room).min(bytes.len()),
            _ => bytes.len(),
        };
        state.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn set(&self, mood: Mood) {
        self.inner.0.lock().unwrap().mood = mood;
        self.inner.1.notify_all();
    }
}

impl Rig for Stream {
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink> {
        Box::new(LineStream::new(self.clone(), Format::CloudEvents, timeout))
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.next += 1;
        sample(self.next, path)
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        split(&std::mem::take(&mut self.inner.0.lock().unwrap().taken))
    }

    fn harm(&mut self) -> bool {
        self.set(Mood::Full { room: 7 });
        true
    }

    fn hang(&mut self) -> bool {
        self.set(Mood::Hanging);
        true
    }

    fn heal(&mut self) {
        self.set(Mood::Well);
    }
}

#[tokio::test]
async fn stream() {
    check(&mut Stream::default()).await;
}

struct RedisRig {
    redis: Redis,
    next: u64,
    plan: RedisSink,
}

impl RedisRig {
    fn new(url: impl Fn(&Redis) -> String) -> Self {
        let redis = Redis::start_tls(&[]);
        let plan = RedisSink {
            url: Secret::new(url(&redis)),
            key: b"list".to_vec(),
            counter: None,
            push: Push::Left,
            ca_file: Some(redis.certificates().authority()),
            client_cert: None,
        };
        Self { redis, next: 0, plan }
    }
}

impl Rig for RedisRig {
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink> {
        Box::new(RedisList::new(&self.plan, Format::CloudEvents, timeout).unwrap())
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.next += 1;
        sample(self.next, path)
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        self.redis.pop_all(b"list")
    }

    fn harm(&mut self) -> bool {
        self.redis.run("CONFIG SET maxmemory 1");
        true
    }

    fn hang(&mut self) -> bool {
        self.redis.freeze();
        true
    }

    fn heal(&mut self) {
        self.redis.resume();
        self.redis.run("CONFIG SET maxmemory 0");
    }
}

#[tokio::test]
async fn redis_over_tcp() {
    check(&mut RedisRig::new(Redis::url)).await;
}

#[tokio::test]
async fn redis_over_a_unix_socket() {
    check(&mut RedisRig::new(Redis::unix_url)).await;
}

#[tokio::test]
async fn redis_over_tls() {
    check(&mut RedisRig::new(Redis::tls_url)).await;
}

#[tokio::test]
async fn redis_with_a_counter() {
    let mut rig = RedisRig::new(Redis::url);
    rig.plan.counter = Some(b"counter".to_vec());
    check(&mut rig).await;
}

/// Tasks in a list. A task is made of an event and is none: the id in its arguments tells which event it is of.
struct CeleryRig {
    redis: Redis,
    next: u64,
    lines: HashMap<String, Vec<u8>>,
}

impl Rig for CeleryRig {
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink> {
        let celery = CelerySink {
            broker: CeleryBroker::Redis { url: Secret::new(self.redis.url()), key_prefix: String::new() },
            task: "t".into(),
            args: vec![Argument::Text("{id}".into()), Argument::Text("{path}".into())],
            kwargs: Vec::new(),
            queue: "list".into(),
            exchange: None,
            routing_key: None,
            priority: None,
            expires: None,
            delay: None,
            protocol: TaskProtocol::V2,
            results: None,
            ca_file: None,
            client_cert: None,
        };
        let (name, kind) = ("tasks".into(), SinkKind::Celery(Box::new(celery)));
        let plan = SinkPlan { name, kind, format: Format::CloudEvents, max_attempts: 0, timeout };
        crate::build(&plan, &Hands::in_memory()).unwrap()
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.next += 1;
        let parcel = sample(self.next, path);
        self.lines.insert(parcel.event.id.to_string(), parcel.event.line(parcel.attempt));
        parcel
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let line = |element: Vec<u8>| {
            let message: serde_json::Value = serde_json::from_slice(&element).unwrap();
            let body = STANDARD.decode(message["body"].as_str().unwrap()).unwrap();
            let id = String::from_utf8(body[3..35].to_vec()).unwrap();
            self.lines[&id].clone()
        };
        self.redis.pop_all(b"list").into_iter().map(line).collect()
    }

    fn shows_attempts(&self) -> bool {
        false
    }

    fn harm(&mut self) -> bool {
        self.redis.run("CONFIG SET maxmemory 1");
        true
    }

    fn hang(&mut self) -> bool {
        self.redis.freeze();
        true
    }

    fn heal(&mut self) {
        self.redis.resume();
        self.redis.run("CONFIG SET maxmemory 0");
    }
}

#[tokio::test]
async fn celery_over_redis() {
    check(&mut CeleryRig { redis: Redis::start(), next: 0, lines: HashMap::new() }).await;
}
