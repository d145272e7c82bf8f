//! Large trees, made once and kept for all who are started on them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::arguments::Arguments;
use super::workload::Workload;
use super::writing::name;

/// Folders in a folder, on each of the two upper levels.
const FAN: usize = 20;

/// A tree and the folders in which its files lie.
pub(crate) struct Tree {
    /// The workload that it was made for.
    pub(crate) workload: Workload,
    /// Its root.
    pub(crate) root: PathBuf,
    /// The lowest folders.
    pub(crate) folders: Vec<PathBuf>,
    _place: TempDir,
}

/// The tree that was made last: there is memory for one of them.
#[derive(Default)]
pub(crate) struct Trees {
    last: Option<Tree>,
}

impl Trees {
    /// The tree of a workload, made unless it is the last one.
    pub(crate) fn of(&mut self, workload: Workload, arguments: &Arguments) -> anyhow::Result<&Tree> {
        match self.last.take() {
            Some(tree) if tree.workload == workload => Ok(self.last.insert(tree)),
            other => {
                drop(other);
                Ok(self.last.insert(Tree::make(workload, arguments)?))
            }
        }
    }
}

impl Tree {
    fn make(workload: Workload, arguments: &Arguments) -> anyhow::Result<Self> {
        let count = arguments.files(workload);
        let place = tempfile::Builder::new().prefix("staithe-bench-").tempdir_in(&arguments.folder)?;
        let root = place.path().join("tree");
        fs::create_dir(&root)?;
        let folders = match workload {
            Workload::W3 => nested(&root, count, 2)?,
            Workload::W5 => nested(&root, count, 100)?,
            // Of the idle ones, the folders are counted, and are empty.
            _ => flat(&root, count)?,
        };
        Ok(Self { workload, root, folders, _place: place })
    }
}

fn flat(root: &Path, count: usize) -> anyhow::Result<Vec<PathBuf>> {
    let folders: Vec<PathBuf> = (0..count).map(|number| root.join(format!("d{number:05}"))).collect();
    folders.iter().try_for_each(fs::create_dir)?;
    Ok(folders)
}

/// Empty files, so many in each folder, below two levels of folders.
fn nested(root: &Path, files: usize, each: usize) -> anyhow::Result<Vec<PathBuf>> {
    let count = files.div_ceil(each);
    let mut folders = Vec::with_capacity(count);
    for number in 0..count {
        let (top, middle, low) = (number / (FAN * FAN), number / FAN % FAN, number % FAN);
        let folder = root.join(format!("t{top:04}/u{middle:02}/v{low:02}"));
        fs::create_dir_all(&folder)?;
        for file in (number * each..(number + 1) * each).take_while(|file| *file < files) {
            File::create(folder.join(name(file)))?;
        }
        folders.push(folder);
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_its_files_in_its_folders() {
        let scratch = testkit::Scratch::in_memory("bench-tree");
        let folders = nested(scratch.path(), 1_001, 2).unwrap();
        assert_eq!(folders.len(), 501);
        let count = |folder: &PathBuf| fs::read_dir(folder).unwrap().count();
        assert_eq!((count(&folders[0]), count(&folders[500])), (2, 1));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2);
    }
}
