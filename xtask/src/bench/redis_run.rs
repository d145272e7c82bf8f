//! One run of a peer that fills a Redis list.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::redis::Redis;
use testkit::resp::{Connection, Reply};

use super::arguments::Arguments;
use super::peers::{KEY, Peer, Place, Ready};
use super::running::Running;
use super::sample::Sample;
use super::scratch::Scratch;
use super::sink::Seen;
use super::stream_run::probe;
use super::workload::Workload;
use super::writing::{self, Written, number};

const QUIET: Duration = Duration::from_millis(1_500);

/// Starts a server and the peer, writes the workload, and looks what lies in the list.
pub(crate) fn run(peer: &Peer, workload: Workload, arguments: &Arguments) -> anyhow::Result<Sample> {
    let files = arguments.files(workload);
    let scratch = Scratch::new(arguments)?;
    let probes = writing::prepare(workload, &scratch.root)?;
    let redis = Redis::start();
    let mut list = List { connection: redis.connect() };
    let place = Place { port: Some(redis.port()), ..scratch.place(files) };
    let mut running = Running::start(peer.command(&place)?.stdout(Stdio::null()), &scratch.own)?;
    running.wait_ready(peer.ready == Ready::Says)?;
    for folder in &probes {
        probe(folder, || list.length())?;
    }
    running.wait_still(Duration::from_millis(300), || list.length());
    list.clear()?;
    let before = running.usage();
    let write = || writing::write(workload, &scratch.root, files);
    let (written, seen) = if workload == Workload::W6Lat {
        popped(redis.connect(), files, write)?
    } else {
        counted(&mut list, files, write)?
    };
    // What it still does after the last file belongs to the price.
    running.wait_still(Duration::from_millis(400), || 0);
    let after = running.usage();
    let mut sample =
        Sample::new(workload, peer.name).with_files(&written, &seen).with_use(before, after, &seen);
    sample.told = running.told();
    Ok(match workload {
        Workload::W6Lat => sample.with_delays(&written, &seen),
        _ => sample.with_pace(&written, &seen),
    })
}

/// Writes the files and watches the list grow. When each single file came is not known, only when the last did.
fn counted(
    list: &mut List,
    files: usize,
    write: impl FnOnce() -> anyhow::Result<Written> + Send,
) -> anyhow::Result<(Written, Vec<Seen>)> {
    let (written, end) = std::thread::scope(|scope| {
        let writers = scope.spawn(write);
        let (mut length, mut grew) = (0, Instant::now());
        loop {
            let now = list.length();
            if now != length {
                (length, grew) = (now, Instant::now());
            }
            let done = writers.is_finished();
            if done && (length >= files as u64 || grew.elapsed() > QUIET) {
                break;
            }
            // While the files are written, looking at the list must not cost the server anything.
            std::thread::sleep(Duration::from_millis(if done { 1 } else { 20 }));
        }
        let written = writers.join().unwrap_or_else(|_| anyhow::bail!("a writer panicked"));
        written.map(|written| (written, grew))
    })?;
    let seen = list.times(files)?.into_iter();
    let seen = seen.map(|times| Seen { first: (times > 0).then_some(end), times }).collect();
    Ok((written, seen))
}

/// Writes the files while a consumer takes each value as soon as it is there.
fn popped(
    mut consumer: Connection,
    files: usize,
    write: impl FnOnce() -> anyhow::Result<Written>,
) -> anyhow::Result<(Written, Vec<Seen>)> {
    let (done, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let consuming = scope.spawn(|| -> anyhow::Result<Vec<Seen>> {
            let mut seen = vec![Seen::default(); files];
            let mut last = Instant::now();
            while !done.load(Ordering::Acquire) || last.elapsed() < QUIET {
                let reply = consumer.command(&[b"BLPOP", KEY.as_bytes(), b"0.2"])?;
                let now = Instant::now();
                if reply == Reply::Nil {
                    if count.load(Ordering::Acquire) >= files as u64 && done.load(Ordering::Acquire) {
                        break;
                    }
                    continue;
                }
                last = now;
                let value = reply.values().pop().unwrap_or_default();
                if let Some(place) = number(&value).and_then(|file| seen.get_mut(file)) {
                    place.times += 1;
                    place.first = place.first.or(Some(now));
                    count.fetch_add(1, Ordering::AcqRel);
                }
            }
            Ok(seen)
        });
        let written = write();
        done.store(true, Ordering::Release);
        let seen = consuming.join().unwrap_or_else(|_| anyhow::bail!("the consumer panicked"));
        Ok((written?, seen?))
    })
}

/// The list in the server.
struct List {
    connection: Connection,
}

impl List {
    fn length(&mut self) -> u64 {
        let reply = self.connection.command(&[b"LLEN", KEY.as_bytes()]);
        reply.ok().and_then(|reply| reply.integer()).and_then(|length| length.try_into().ok()).unwrap_or(0)
    }

    fn clear(&mut self) -> anyhow::Result<()> {
        self.connection.command(&[b"DEL", KEY.as_bytes()])?;
        Ok(())
    }

    /// How often each of the files is in the list.
    fn times(&mut self, files: usize) -> anyhow::Result<Vec<usize>> {
        let mut times = vec![0; files];
        for value in self.connection.command(&[b"LRANGE", KEY.as_bytes(), b"0", b"-1"])?.values() {
            if let Some(place) = number(&value).and_then(|file| times.get_mut(file)) {
                *place += 1;
            }
        }
        Ok(times)
    }
}
