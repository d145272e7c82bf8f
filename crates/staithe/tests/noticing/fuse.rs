//! A file system on a server that the test is: files appear in it without any event, and it answers
//! when it likes. It speaks as much of the FUSE protocol (version 7.31) as a reader needs, and lets
//! files be created and removed in it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::world::World;

/// Entries by their path below the root, which is the empty path.
type Entries = BTreeMap<String, Entry>;

#[derive(Clone)]
struct Entry {
    inode: u64,
    /// Nothing for a directory.
    content: Option<Vec<u8>>,
    changed: (u64, u32),
}

/// The server. It answers as long as this lives; then everything that still waits is told so.
pub(crate) struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Replies are written whole, from any thread.
    device: File,
}

#[derive(Default)]
struct State {
    entries: Entries,
    /// Which path each node that the kernel was told of stands for.
    nodes: BTreeMap<u64, String>,
    next: u64,
    /// Requests about this directory and all below it are not answered.
    hanging: Option<String>,
    held: Vec<Vec<u8>>,
    /// Each time it is looked up, a directory is another node.
    restless: bool,
}

const ROOT: u64 = 1;
const HEADER: usize = 40;
const NOENT: i32 = -2;
const IO: i32 = -5;
const NOSYS: i32 = -38;

impl Server {
    /// Mounts an empty file system there; nothing if there is no FUSE here.
    pub(crate) fn mount(world: &World, point: &Path) -> Option<Self> {
        let device = match OpenOptions::new().read(true).write(true).open("/dev/fuse") {
            Ok(device) if rustix::process::geteuid().is_root() => device,
            opened => {
                eprintln!("SKIPPED: no FUSE here: {opened:?}");
                return None;
            }
        };
        let server = Self::new(device);
        server.serve_at(world, point);
        Some(server)
    }

    fn new(device: File) -> Self {
        let mut state = State { next: 2, ..State::default() };
        state.entries.insert(String::new(), Entry { inode: ROOT, content: None, changed: now() });
        state.nodes.insert(ROOT, String::new());
        Self { shared: Arc::new(Shared { state: Mutex::new(state), device }) }
    }

    fn serve_at(&self, world: &World, point: &Path) {
        let device = self.shared.device.try_clone().expect("a second descriptor");
        let options = "fd=0,rootmode=40000,user_id=0,group_id=0,allow_other";
        world.sh_with(&format!("mount -i -t fuse.test -o {options} test {}", point.display()), device);
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || shared.serve());
    }

    /// Another mount of the same files, as after the server came back.
    pub(crate) fn remount(self, world: &World, point: &Path) -> Self {
        let device =
            OpenOptions::new().read(true).write(true).open("/dev/fuse").expect("it was there before");
        let mut state = std::mem::take(&mut *self.shared.lock());
        state.held.clear();
        let again = Self { shared: Arc::new(Shared { state: Mutex::new(state), device }) };
        again.serve_at(world, point);
        again
    }

    /// Another machine makes a directory.
    pub(crate) fn make_directory(&self, path: &str) {
        self.shared.lock().put(path, None);
    }

    /// Another machine writes a file, whole.
    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        self.shared.lock().put(path, Some(content.to_vec()));
    }

    /// Requests about this directory and all below it are not answered from now on.
    pub(crate) fn hang(&self, path: &str) {
        self.shared.lock().hanging = Some(path.to_owned());
    }

    /// How many requests wait for an answer.
    pub(crate) fn held(&self) -> usize {
        self.shared.lock().held.len()
    }

    /// Everything is answered again.
    pub(crate) fn answer(&self) {
        let held = {
            let mut state = self.shared.lock();
            state.hanging = None;
            std::mem::take(&mut state.held)
        };
        for request in &held {
            self.shared.handle(request);
        }
    }

    /// A directory is another node each time that it is looked up, so that no watch stays on it.
    pub(crate) fn be_restless(&self) {
        self.shared.lock().restless = true;
    }
}

impl Drop for Server {
    /// Whoever waits in the kernel could not even be killed.
    fn drop(&mut self) {
        self.answer();
    }
}

fn now() -> (u64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    (since.as_secs(), since.subsec_nanos())
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
}

impl State {
    fn put(&mut self, path: &str, content: Option<Vec<u8>>) {
        let (changed, inode) = (now(), self.next);
        self.next += 1;
        let is_new = self.entries.insert(path.to_owned(), Entry { inode, content, changed }).is_none();
        if is_new {
            self.touch(split(path).0);
        }
    }

    fn touch(&mut self, directory: &str) {
        if let Some(above) = self.entries.get_mut(directory) {
            above.changed = now();
        }
    }

    fn hangs(&self, path: &str) -> bool {
        self.hanging.as_ref().is_some_and(|at| {
            path.strip_prefix(at.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The node by which the kernel knows the path from now on.
    fn node(&mut self, path: &str) -> u64 {
        let entry = &self.entries[path];
        let mut node = entry.inode;
        if self.restless && entry.content.is_none() {
            node = self.next + (1 << 32);
            self.next += 1;
        }
        self.nodes.insert(node, path.to_owned());
        node
    }

    /// The attributes as the protocol lays them out.
    fn attributes(&self, path: &str) -> Option<Vec<u8>> {
        let entry = self.entries.get(path)?;
        let size = entry.content.as_ref().map_or(0, |content| content.len() as u64);
        let mode: u32 = if entry.content.is_some() { 0o100_644 } else { 0o040_755 };
        let links: u32 = if entry.content.is_some() { 1 } else { 2 };
        let mut bytes = Vec::new();
        for word in [entry.inode, size, size.div_ceil(512), entry.changed.0, entry.changed.0, entry.changed.0]
        {
            bytes.extend(word.to_le_bytes());
        }
        for word in [entry.changed.1, entry.changed.1, entry.changed.1, mode, links, 0, 0, 0, 4096, 0] {
            bytes.extend(word.to_le_bytes());
        }
        Some(bytes)
    }

    /// The answer to a look-up: valid for no time at all, so that each look comes here.
    fn found(&mut self, path: &str) -> Option<Vec<u8>> {
        let attributes = self.attributes(path)?;
        let mut bytes = self.node(path).to_le_bytes().to_vec();
        bytes.extend([0; 32]);
        bytes.extend(attributes);
        Some(bytes)
    }

    fn listing(&self, directory: &str, offset: u64, room: usize) -> Vec<u8> {
        let below = self.entries.iter().filter(|(path, _)| !path.is_empty() && split(path).0 == directory);
        let mut bytes = Vec::new();
        // Offsets are numbers of entries that never change, so that files may appear meanwhile.
        let mut below: Vec<_> = below.filter(|(_, entry)| entry.inode > offset).collect();
        below.sort_by_key(|(_, entry)| entry.inode);
        for (path, entry) in below {
            let name = split(path).1.as_bytes();
            let padded = (24 + name.len()).next_multiple_of(8);
            if bytes.len() + padded > room {
                break;
            }
            let end = bytes.len() + padded;
            bytes.extend(entry.inode.to_le_bytes());
            bytes.extend(entry.inode.to_le_bytes());
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend((if entry.content.is_some() { 8u32 } else { 4 }).to_le_bytes());
            bytes.extend(name);
            bytes.resize(end, 0);
        }
        bytes
    }
}

fn word(request: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(request[at..at + 8].try_into().expect("eight bytes"))
}

fn half(request: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(request[at..at + 4].try_into().expect("four bytes"))
}

fn name(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).expect("tests use plain names")
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut buffer = vec![0; 1 << 18];
        loop {
            match (&self.device).read(&mut buffer) {
                Ok(count) if count >= HEADER => self.handle(&buffer[..count]),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // Unmounted.
                Err(_) => return,
            }
        }
    }

    fn handle(&self, request: &[u8]) {
        let (unique, operation) = (word(request, 8), half(request, 4));
        let mut state = self.lock();
        let Some(answer) = answer(&mut state, operation, request) else {
            return;
        };
        drop(state);
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(error) => (error, Vec::new()),
        };
        let mut reply = ((16 + body.len()) as u32).to_le_bytes().to_vec();
        reply.extend(i32::to_le_bytes(error));
        reply.extend(unique.to_le_bytes());
        reply.extend(body);
        // Whoever asked may have been killed meanwhile.
        let _ = (&self.device).write_all(&reply);
    }
}

/// What is answered; nothing if nothing is, or not yet.
fn answer(state: &mut State, operation: u32, request: &[u8]) -> Option<Result<Vec<u8>, i32>> {
    let path = state.nodes.get(&word(request, 16)).cloned().unwrap_or_default();
    let body = &request[HEADER..];
    // LOOKUP, CREATE and UNLINK speak of a name in the directory.
    let about = match operation {
        1 | 10 => join(&path, name(body)),
        35 => join(&path, name(&body[16..])),
        _ => path.clone(),
    };
    // INIT, FORGET, BATCH_FORGET, RELEASE and RELEASEDIR are about nothing that could hang.
    if !matches!(operation, 2 | 18 | 26 | 29 | 42) && state.hangs(&about) {
        state.held.push(request.to_vec());
        return None;
    }
    Some(match operation {
        1 => state.found(&about).ok_or(NOENT),
        2 | 42 => return None,
        3 => state.attributes(&path).map(|bytes| [vec![0; 16], bytes].concat()).ok_or(NOENT),
        10 => remove(state, &about, &path),
        // No handles: everything is asked for by node. Direct I/O, for contents change unheard.
        14 => Ok([0u64.to_le_bytes(), 1u64.to_le_bytes()].concat()),
        27 => Ok(vec![0; 16]),
        15 => read(state, &path, body),
        28 => Ok(state.listing(&path, word(body, 8), half(body, 16) as usize)),
        16 | 18 | 25 | 29 => Ok(Vec::new()),
        17 => Ok(vec![0; 80]),
        26 => Ok(greeting(body)),
        35 => {
            state.put(&about, Some(Vec::new()));
            state.found(&about).map(|found| [found, vec![0; 16]].concat()).ok_or(IO)
        }
        _ => Err(NOSYS),
    })
}

fn remove(state: &mut State, about: &str, above: &str) -> Result<Vec<u8>, i32> {
    state.entries.remove(about).ok_or(NOENT)?;
    state.touch(above);
    Ok(Vec::new())
}

fn read(state: &State, path: &str, body: &[u8]) -> Result<Vec<u8>, i32> {
    let content = state.entries.get(path).and_then(|entry| entry.content.as_ref()).ok_or(NOENT)?;
    let begin = (word(body, 8) as usize).min(content.len());
    let end = (begin + half(body, 16) as usize).min(content.len());
    Ok(content[begin..end].to_vec())
}

/// The answer to INIT: our version, and that look-ups in one directory need not wait for each other.
fn greeting(body: &[u8]) -> Vec<u8> {
    const PARALLEL: u32 = 1 << 18;
    let mut bytes = Vec::new();
    for word in [7, 31, half(body, 8), PARALLEL & half(body, 12)] {
        bytes.extend(u32::to_le_bytes(word));
    }
    // How many requests may be under way, and at which number the kernel holds back.
    bytes.extend(64u16.to_le_bytes());
    bytes.extend(48u16.to_le_bytes());
    bytes.extend((1u32 << 16).to_le_bytes());
    bytes.resize(64, 0);
    bytes
}
