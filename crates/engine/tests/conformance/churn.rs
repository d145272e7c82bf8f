//! Whatever comes to mind: random steps from a seed, against a model of the tree.
//!
//! The seed is printed; `STAITHE_CHURN_SEED=N` replays it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use config::Backend;

use crate::run::run_and_list;

const STEPS: usize = 500;
/// So often everything is waited for and judged.
const SETTLE_EVERY: usize = 100;
/// No deeper than this many directories.
const DEPTH: usize = 4;

/// A small generator (splitmix64): the same numbers from the same seed, for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn pick(&mut self, from: Vec<String>) -> Option<String> {
        let at = self.below(from.len().max(1));
        from.into_iter().nth(at)
    }
}

/// What the steps should leave: files with the number of their inode, and the inodes' sizes.
#[derive(Default)]
struct Model {
    files: BTreeMap<String, usize>,
    sizes: Vec<usize>,
    directories: BTreeSet<String>,
    next: usize,
}

impl Model {
    fn some_file(&self, dice: &mut Dice) -> Option<String> {
        dice.pick(self.files.keys().cloned().collect())
    }

    /// A directory as a prefix: empty for the root.
    fn some_prefix(&self, dice: &mut Dice) -> String {
        let at = dice.below(self.directories.len() + 1);
        self.directories.iter().nth(at).map_or_else(String::new, |dir| format!("{dir}/"))
    }

    fn some_directory(&self, dice: &mut Dice) -> Option<String> {
        dice.pick(self.directories.iter().cloned().collect())
    }

    fn fresh(&mut self, dice: &mut Dice, letter: char) -> String {
        self.next += 1;
        format!("{}{letter}{}", self.some_prefix(dice), self.next)
    }

    fn create(&mut self, name: &str, size: usize) {
        self.files.insert(name.to_owned(), self.sizes.len());
        self.sizes.push(size);
    }

    /// Everything at and below `from` is at `to` from now on.
    fn shift(&mut self, from: &str, to: &str) {
        let moved = |path: &str| {
            let rest = path.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        };
        let files = std::mem::take(&mut self.files);
        self.files = files.into_iter().map(|(path, inode)| (moved(&path).unwrap_or(path), inode)).collect();
        let directories = std::mem::take(&mut self.directories);
        self.directories = directories.into_iter().map(|path| moved(&path).unwrap_or(path)).collect();
    }

    fn remove(&mut self, name: &str) {
        let within =
            |path: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.files.retain(|path, _| !within(path));
        self.directories.retain(|path| !within(path));
    }

    fn left(&self) -> BTreeMap<Vec<u8>, u64> {
        let size = |(path, inode): (&String, &usize)| (path.clone().into_bytes(), self.sizes[*inode] as u64);
        self.files.iter().map(size).collect()
    }
}

/// One random step, or nothing where the tree has nothing to do it with.
fn step(model: &mut Model, dice: &mut Dice) -> Option<String> {
    Some(match dice.below(100) {
        0..25 => {
            let (name, size) = (model.fresh(dice, 'f'), dice.below(9));
            model.create(&name, size);
            format!("write {name} {{x*{size}}}")
        }
        25..37 => {
            let (name, size) = (model.some_file(dice)?, 1 + dice.below(9));
            let inode = model.files[&name];
            if dice.below(2) == 0 {
                model.sizes[inode] += size;
                format!("append {name} {{y*{size}}}")
            } else {
                model.sizes[inode] = size;
                format!("write {name} {{z*{size}}}")
            }
        }
        37..45 => {
            let (part, name) = (model.fresh(dice, 'p'), model.some_file(dice)?);
            model.create(&name, 5);
            format!("write {part}.part 12345\nrename {part}.part {name}")
        }
        45..55 => rename_file(model, dice)?,
        55..63 => rename_directory(model, dice)?,
        63..73 => {
            let name = model.fresh(dice, 'd');
            if name.split('/').count() > DEPTH {
                return None;
            }
            model.directories.insert(name.clone());
            format!("mkdir {name}")
        }
        73..81 => {
            let name = model.some_file(dice)?;
            model.remove(&name);
            format!("rm {name}")
        }
        81..84 => {
            let name = model.some_directory(dice)?;
            model.remove(&name);
            format!("rm -r {name}")
        }
        84..90 => {
            let (old, new) = (model.some_file(dice)?, model.fresh(dice, 'l'));
            model.files.insert(new.clone(), model.files[&old]);
            format!("link {old} {new}")
        }
        90..95 => exchange(model, dice)?,
        _ => {
            let name = model.some_directory(dice)?;
            model.next += 1;
            let away = model.next;
            format!("rename {name} outside:{away}\nrename outside:{away} {name}")
        }
    })
}

fn rename_file(model: &mut Model, dice: &mut Dice) -> Option<String> {
    let old = model.some_file(dice)?;
    let new = if dice.below(3) == 0 { model.some_file(dice)? } else { model.fresh(dice, 'r') };
    // Renaming one name of a file to another of its names does nothing.
    if model.files.get(&old) != model.files.get(&new) {
        let inode = model.files.remove(&old)?;
        model.files.insert(new.clone(), inode);
    }
    Some(format!("rename {old} {new}"))
}

fn rename_directory(model: &mut Model, dice: &mut Dice) -> Option<String> {
    let (old, new) = (model.some_directory(dice)?, model.fresh(dice, 'm'));
    if new.starts_with(&format!("{old}/")) || new.split('/').count() > DEPTH {
        return None;
    }
    model.shift(&old, &new);
    Some(format!("rename {old} {new}"))
}

fn exchange(model: &mut Model, dice: &mut Dice) -> Option<String> {
    let everything = || model.files.keys().chain(&model.directories).cloned().collect::<Vec<_>>();
    let (one, two) = (dice.pick(everything())?, dice.pick(everything())?);
    let within = |inner: &str, outer: &str| inner.starts_with(&format!("{outer}/"));
    if one == two || within(&one, &two) || within(&two, &one) {
        return None;
    }
    model.shift(&one, "\0");
    model.shift(&two, &one);
    model.shift("\0", &two);
    Some(format!("exchange {one} {two}"))
}

fn churn(seed: u64, backend: Backend) {
    eprintln!("STAITHE_CHURN_SEED={seed} ({backend:?})");
    let (mut dice, mut model, mut script, mut done) = (Dice(seed), Model::default(), String::new(), 0);
    while done < STEPS {
        let Some(step) = step(&mut model, &mut dice) else { continue };
        done += 1;
        writeln!(script, "{step}").unwrap();
        if done % SETTLE_EVERY == 0 {
            script.push_str("settle\n");
        }
    }
    let Some(left) = run_and_list(&script, backend) else { return };
    assert_eq!(left, model.left(), "the tree is not as the steps should have left it");
}

fn given_or(seed: u64) -> u64 {
    std::env::var("STAITHE_CHURN_SEED").map_or(seed, |seed| seed.parse().expect("a seed is a number"))
}

/// Another one each time.
fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

#[test]
fn inotify() {
    churn(given_or(1), Backend::Inotify);
}

#[test]
fn fanotify() {
    churn(given_or(1), Backend::Fanotify);
}

#[test]
fn poll() {
    churn(given_or(1), Backend::Poll);
}

#[test]
fn inotify_anew() {
    churn(given_or(fresh_seed()), Backend::Inotify);
}

#[test]
fn fanotify_anew() {
    churn(given_or(fresh_seed()), Backend::Fanotify);
}

#[test]
fn poll_anew() {
    churn(given_or(fresh_seed()), Backend::Poll);
}
