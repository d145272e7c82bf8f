//! What `strace` saw, as operations on the files of one directory.

use std::collections::HashMap;
use std::fmt;

/// One change of the directory, or what the process said between two of them. Files are named within the directory.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Create(String),
    Write {
        file: String,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        len: u64,
    },
    Sync(String),
    SyncDir,
    Rename {
        from: String,
        to: String,
    },
    Unlink(String),
    /// So many steps are done.
    Say(usize),
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Create(file) => write!(f, "create {file}"),
            Op::Write { file, at, bytes } => write!(f, "write {file} {at}+{}", bytes.len()),
            Op::Truncate { file, len } => write!(f, "truncate {file} {len}"),
            Op::Sync(file) => write!(f, "sync {file}"),
            Op::SyncDir => write!(f, "sync of the directory"),
            Op::Rename { from, to } => write!(f, "rename {from} {to}"),
            Op::Unlink(file) => write!(f, "unlink {file}"),
            Op::Say(step) => write!(f, "step {step} is done"),
        }
    }
}

/// What is traced: everything that changes a file or its name, and what gives descriptors and their places.
pub(super) const CALLS: &str = "openat,open,creat,close,dup,dup2,dup3,lseek,write,writev,pwrite64,pwritev,pwritev2,\
ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,copy_file_range,sendfile,rename,renameat,renameat2,unlink,\
unlinkat,link,linkat,mmap";

/// Whose memory is shared between connections and worth nothing after a crash.
pub(super) const SHARED_MEMORY: &str = "-shm";

/// Reads a trace of `strace -f -y -xx`.
pub(super) fn parse(text: &str, dir: &str) -> Vec<Op> {
    let (mut begun, mut reader) = (HashMap::new(), Reader { dir, places: HashMap::new(), ops: Vec::new() });
    for line in text.lines() {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(head) = call.strip_suffix("<unfinished ...>") {
            begun.insert(pid, head.trim_end().to_owned());
        } else if let Some(rest) = call.strip_prefix("<... ") {
            let Some((_, tail)) = rest.split_once("resumed>") else { continue };
            let head: String = begun.remove(pid).unwrap_or_default();
            reader.read(&format!("{head}{tail}"));
        } else {
            reader.read(call);
        }
    }
    reader.ops
}

struct Reader<'a> {
    dir: &'a str,
    /// Where the next plain `write` of a descriptor goes.
    places: HashMap<u64, u64>,
    ops: Vec<Op>,
}

impl Reader<'_> {
    fn read(&mut self, call: &str) {
        let Some((name, rest)) = call.split_once('(') else { return };
        let Some((args, result)) = rest.rsplit_once(" = ") else { return };
        let args = split(args.trim_end().trim_end_matches(')'));
        let Some(result) = number(result) else { return };
        match name {
            "openat" | "open" | "creat" => self.open(name, &args, result),
            "lseek" => drop(self.places.insert(fd(&args[0]), result)),
            "write" => self.write(&args, result),
            "pwrite64" => {
                if let Some(file) = self.file(&args[0]) {
                    let at = number(&args[3]).unwrap();
                    self.push_write(file, at, &args[1], result);
                }
            }
            "ftruncate" => {
                if let Some(file) = self.file(&args[0]) {
                    self.ops.push(Op::Truncate { file, len: number(&args[1]).unwrap() });
                }
            }
            "fsync" | "fdatasync" => self.sync(&args[0]),
            "rename" => self.rename(&args[0], &args[1]),
            "renameat" | "renameat2" => self.rename(&args[1], &args[3]),
            "unlink" => self.unlink(&args[0]),
            "unlinkat" => self.unlink(&args[1]),
            "mmap" => {
                let shared =
                    args.len() > 4 && args[3].contains("MAP_SHARED") && args[2].contains("PROT_WRITE");
                let file = if shared { self.file(&args[4]) } else { None };
                assert!(file.is_none(), "a store that is written through memory cannot be recorded: {call}");
            }
            "close" | "dup" | "dup2" | "dup3" => {}
            other => {
                let ours = args.iter().any(|arg| self.within(&path(arg)).is_some());
                assert!(!ours, "{other} is not understood by the recording: {call}");
            }
        }
    }

    fn open(&mut self, name: &str, args: &[String], fd: u64) {
        let (file, flags) = if name == "openat" { (&args[1], &args[2]) } else { (&args[0], &args[1]) };
        self.places.insert(fd, 0);
        let Some(file) = self.within(&text(file)) else { return };
        if flags.contains("O_CREAT") {
            self.ops.push(Op::Create(file.clone()));
        }
        if flags.contains("O_TRUNC") {
            self.ops.push(Op::Truncate { file, len: 0 });
        }
        assert!(!flags.contains("O_APPEND"), "appending is not understood by the recording");
    }

    fn write(&mut self, args: &[String], written: u64) {
        if fd(&args[0]) == 1 {
            let said = String::from_utf8(bytes(&args[1])).unwrap_or_default();
            let steps = said.lines().filter_map(|line| line.split("done ").nth(1)?.trim().parse().ok());
            self.ops.extend(steps.map(Op::Say));
            return;
        }
        let place = self.places.entry(fd(&args[0])).or_default();
        let at = *place;
        *place += written;
        if let Some(file) = self.file(&args[0]) {
            self.push_write(file, at, &args[1], written);
        }
    }

    fn push_write(&mut self, file: String, at: u64, data: &str, written: u64) {
        let mut bytes = bytes(data);
        assert!(bytes.len() as u64 >= written, "the trace was cut");
        bytes.truncate(written as usize);
        self.ops.push(Op::Write { file, at, bytes });
    }

    fn sync(&mut self, arg: &str) {
        if path(arg) == self.dir {
            self.ops.push(Op::SyncDir);
        } else if let Some(file) = self.file(arg) {
            self.ops.push(Op::Sync(file));
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let (Some(from), Some(to)) = (self.within(&text(from)), self.within(&text(to))) {
            self.ops.push(Op::Rename { from, to });
        }
    }

    fn unlink(&mut self, file: &str) {
        if let Some(file) = self.within(&text(file)) {
            self.ops.push(Op::Unlink(file));
        }
    }

    /// The file of the directory that a descriptor is open on.
    fn file(&self, arg: &str) -> Option<String> {
        self.within(&path(arg))
    }

    fn within(&self, path: &str) -> Option<String> {
        let name = path.strip_prefix(self.dir)?.strip_prefix('/')?;
        (!name.ends_with(SHARED_MEMORY)).then(|| name.to_owned())
    }
}

/// The arguments; commas within quotes and brackets belong to them.
fn split(args: &str) -> Vec<String> {
    let (mut out, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for c in args.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' | '{' | '<' if !quoted => depth += 1,
            ']' | '}' | '>' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out.into_iter().map(|arg| arg.trim().to_owned()).collect()
}

fn number(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn fd(arg: &str) -> u64 {
    number(arg).unwrap_or(u64::MAX)
}

/// What stands between the brackets behind a descriptor.
fn path(arg: &str) -> String {
    let inside =
        arg.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map_or("", |(inside, _)| inside);
    String::from_utf8(unescaped(inside)).unwrap_or_default()
}

fn text(arg: &str) -> String {
    String::from_utf8(bytes(arg)).unwrap_or_default()
}

fn bytes(arg: &str) -> Vec<u8> {
    unescaped(arg.trim_matches('"'))
}

fn unescaped(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len() / 4), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(1..3).filter(|_| byte == b'\\' && behind[0] == b'x');
        if let Some(value) =
            digits.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
        {
            out.push(value);
            rest = &behind[3..];
        } else {
            out.push(byte);
            rest = behind;
        }
    }
    out
}
