//! Random steps of a user in a tree, from a seed.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use testkit::chance::Chance;

/// Somebody who works in a tree, and has another place beside it.
pub(crate) struct User {
    root: PathBuf,
    outside: PathBuf,
    chance: Chance,
    number: u64,
    is_only_looked_at: bool,
}

/// The coarsest tick with which kernels stamp files, twice.
const TICK: Duration = Duration::from_millis(20);

/// What lies in the tree now.
#[derive(Default)]
struct Seen {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl User {
    pub(crate) fn new(root: &Path, outside: &Path, chance: Chance, is_only_looked_at: bool) -> Self {
        Self { root: root.to_owned(), outside: outside.to_owned(), chance, number: 0, is_only_looked_at }
    }

    /// One step; answers what was done. A step that does not fit what is there is none.
    pub(crate) fn step(&mut self) -> String {
        let seen = self.look();
        let (what, done) = self.act(&seen);
        match done {
            Ok(()) => what,
            Err(error) => format!("not {what}: {error}"),
        }
    }

    fn look(&self) -> Seen {
        let mut seen = Seen { directories: vec![self.root.clone()], ..Seen::default() };
        let mut at = 0;
        while at < seen.directories.len() {
            for entry in fs::read_dir(&seen.directories[at]).expect("nobody else works here").flatten() {
                let kind = entry.file_type().expect("the file system tells kinds");
                let place = match (kind.is_dir(), kind.is_file()) {
                    (true, _) => &mut seen.directories,
                    (_, true) => &mut seen.files,
                    _ => &mut seen.others,
                };
                place.push(entry.path());
            }
            at += 1;
        }
        seen
    }

    fn act(&mut self, seen: &Seen) -> (String, io::Result<()>) {
        let full = seen.files.len() + seen.directories.len() > 150;
        let file = self.one(&seen.files);
        let directory = self.one(&seen.directories).unwrap_or_else(|| self.root.clone());
        let inner = self.one(&seen.directories[1..]);
        let new = self.new_name(&directory);
        let said = |what: &str, paths: &[&Path]| format!("{what} {paths:?}");
        match self.chance.draw() % if full { 36 } else { 30 } {
            0..=6 => (said("create", &[&new]), self.fill(&new)),
            7 | 8 => (said("mkdir -p", &[&new]), self.deep(&new)),
            9 => (said("link", &[&new]), symlink("some/where", &new)),
            10 | 11 => (said("publish", &[&new]), self.publish(&new, file.as_deref())),
            12 if inner.is_some() => self.move_out(seen),
            13 => self.move_in(&new),
            14 => (said("mode of", &[&directory]), self.mode(&directory, 0o700)),
            other => match (file, inner) {
                (Some(file), inner) => self.act_on(other, &file, inner.as_deref(), &new),
                (None, _) => (said("create", &[&new]), self.fill(&new)),
            },
        }
    }

    fn act_on(
        &mut self,
        which: u64,
        file: &Path,
        inner: Option<&Path>,
        new: &Path,
    ) -> (String, io::Result<()>) {
        let said = |what: &str, paths: &[&Path]| format!("{what} {paths:?}");
        match (which, inner) {
            (15 | 16, _) => (said("rewrite", &[file]), self.fill(file)),
            (17, _) => (said("append to", &[file]), self.append(file)),
            (18, _) => (said("patch", &[file]), self.patch(file)),
            (19 | 20, _) => (said("rename", &[file, new]), fs::rename(file, new)),
            (21, _) => (said("link and unlink", &[file, new]), relink(file, new)),
            (22, _) => (said("mode of", &[file]), self.mode(file, 0o400)),
            (23, _) => (said("touch", &[file]), self.touch(file)),
            (24 | 25, Some(inner)) => (said("rename", &[inner, new]), fs::rename(inner, new)),
            (26, Some(inner)) => (said("rename over an empty one", &[inner, new]), over_empty(inner, new)),
            (27, Some(inner)) => (said("rename and make anew", &[inner, new]), self.make_anew(inner, new)),
            (28 | 30..=32, _) => (said("delete", &[file]), fs::remove_file(file)),
            (33 | 34, Some(inner)) => (said("delete all of", &[inner]), fs::remove_dir_all(inner)),
            (_, _) => (said("swap with what is made", &[file, new]), self.rotate(file, new)),
        }
    }

    fn one(&mut self, of: &[PathBuf]) -> Option<PathBuf> {
        let count = of.len() as u64;
        (count > 0).then(|| of[(self.chance.draw() % count) as usize].clone())
    }

    fn new_name(&mut self, directory: &Path) -> PathBuf {
        self.number += 1;
        // Few names, so that they are used again.
        directory.join(format!("n{}", self.chance.draw() % 12))
    }

    fn text(&mut self) -> Vec<u8> {
        self.number += 1;
        let times = [0, 1, 3, 40, 400][(self.chance.draw() % 5) as usize];
        format!("{:08} ", self.number).repeat(times).into_bytes()
    }

    fn fill(&mut self, path: &Path) -> io::Result<()> {
        if self.is_only_looked_at && fs::metadata(path).is_ok_and(|look| is_within_a_tick(&look)) {
            return Ok(());
        }
        fs::write(path, self.text())
    }

    fn append(&mut self, path: &Path) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.write_all(&self.text())
    }

    /// Other bytes, the same size. Within one tick of the clock that file systems read nobody sees it who only looks.
    fn patch(&mut self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        let look = file.metadata()?;
        if look.len() < 9 || (self.is_only_looked_at && is_within_a_tick(&look)) {
            return Ok(());
        }
        self.number += 1;
        file.write_all_at(format!("{:08}", self.number).as_bytes(), 0)
    }

    fn deep(&mut self, path: &Path) -> io::Result<()> {
        let below = path.join("p/q");
        fs::create_dir_all(&below)?;
        self.fill(&below.join("f"))
    }

    /// Under another name first, then over what is there, or under a new name.
    fn publish(&mut self, new: &Path, over: Option<&Path>) -> io::Result<()> {
        let hidden = new.with_file_name(".fresh.part");
        self.fill(&hidden)?;
        let to = over.filter(|_| self.chance.draw().is_multiple_of(2)).unwrap_or(new);
        fs::rename(&hidden, to).or_else(|error| fs::remove_file(&hidden).and(Err(error)))
    }

    fn mode(&mut self, path: &Path, least: u32) -> io::Result<()> {
        let bits = u32::try_from(self.chance.draw() % 0o100).unwrap_or(0);
        fs::set_permissions(path, fs::Permissions::from_mode(least | bits))
    }

    fn touch(&mut self, path: &Path) -> io::Result<()> {
        let time =
            Duration::new(self.chance.draw() % 1_700_000_000, (self.chance.draw() % 1_000_000_000) as u32);
        // Both times, as `touch` does: of the time of change alone the kernel tells as of a write.
        let times = FileTimes::new().set_modified(UNIX_EPOCH + time).set_accessed(UNIX_EPOCH + time);
        File::open(path)?.set_times(times)
    }

    fn make_anew(&mut self, inner: &Path, new: &Path) -> io::Result<()> {
        fs::rename(inner, new)?;
        fs::create_dir(inner)?;
        self.fill(&inner.join("n1"))
    }

    /// As logs are rotated.
    fn rotate(&mut self, file: &Path, new: &Path) -> io::Result<()> {
        fs::rename(file, new)?;
        self.fill(file)
    }

    fn move_out(&mut self, seen: &Seen) -> (String, io::Result<()>) {
        self.number += 1;
        let to = self.outside.join(self.number.to_string());
        let all: Vec<PathBuf> = [&seen.files[..], &seen.directories[1..], &seen.others].concat();
        let Some(from) = self.one(&all) else { return ("nothing".into(), Ok(())) };
        (format!("move out {}", from.display()), fs::rename(from, to))
    }

    fn move_in(&mut self, new: &Path) -> (String, io::Result<()>) {
        let outside: Vec<PathBuf> =
            fs::read_dir(&self.outside).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        let Some(from) = self.one(&outside) else { return ("nothing".into(), Ok(())) };
        (format!("move in {}", new.display()), fs::rename(from, new))
    }
}

fn is_within_a_tick(look: &fs::Metadata) -> bool {
    look.modified().and_then(|time| time.elapsed().map_err(io::Error::other)).is_ok_and(|age| age < TICK)
}

/// As OpenSSH renames. Two names that stay are told of one by one, and not remembered over a kill.
fn relink(file: &Path, new: &Path) -> io::Result<()> {
    fs::hard_link(file, new)?;
    fs::remove_file(file)
}

fn over_empty(inner: &Path, new: &Path) -> io::Result<()> {
    fs::create_dir(new)?;
    fs::rename(inner, new)
}
