//! Reading a tree into items.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use model::text::safe;

use super::look::{DirId, Found, look};
use super::{Item, ItemKind, LeftOut, METADATA_NAME, Product, ProductError, Reading, Why};
use super::{metadata, opaque};

/// The items of what lies at `path`, a path relative to `root`.
pub fn read(root: &Path, path: &[u8], reading: &Reading) -> Result<Product, ProductError> {
    let name = checked(path)?;
    let place = root.join(name);
    let mut walk = Walk {
        root,
        reading,
        product: Product { items: Vec::new(), left_out: Vec::new() },
        open: Vec::new(),
    };
    let shown = || safe(name.as_bytes());
    match look(&place) {
        Found::Gone => return Err(ProductError::Gone { path: shown() }),
        Found::Dangling | Found::Loop => return Err(ProductError::Dangling { path: shown() }),
        Found::Special => return Err(ProductError::Special { path: shown() }),
        Found::Refused(source) => return Err(ProductError::Io { path: shown(), source }),
        Found::File { size } => walk.add(name.to_owned(), ItemKind::File, Some(size), None)?,
        Found::Directory { .. } if is_opaque(name.as_bytes()) => walk.opaque_top(name, &place)?,
        Found::Directory { id, size } => walk.tree(name, Dir { path: place, id, size })?,
    }
    Ok(walk.product)
}

/// The path as the name of an item: below the root, and text.
fn checked(path: &[u8]) -> Result<&str, ProductError> {
    let end = path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    let path = &path[..end];
    if path.split(|&byte| byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
        return Err(ProductError::Outside { path: safe(path) });
    }
    std::str::from_utf8(path).map_err(|_| ProductError::NotUtf8 { path: safe(path), name: path.to_vec() })
}

/// Whether a name says that what bears it is one item, whatever it holds.
fn is_opaque(name: &[u8]) -> bool {
    name.len().checked_sub(3).is_some_and(|start| name[start..].eq_ignore_ascii_case(b".ms"))
}

struct Dir {
    path: PathBuf,
    id: DirId,
    /// Of the inode.
    size: u64,
}

/// A directory whose entries are being gone through.
struct Open {
    dir: Dir,
    name: String,
    /// In the order of their bytes: what a directory holds has an order of its own nowhere else.
    entries: std::vec::IntoIter<OsString>,
}

struct Walk<'a> {
    root: &'a Path,
    reading: &'a Reading,
    product: Product,
    /// The directories that the walk is in, outermost first. No call is nested in another for them, so
    /// that no tree is too deep.
    open: Vec<Open>,
}

impl Walk<'_> {
    /// A top item that is opaque: what describes it lies beside it.
    fn opaque_top(&mut self, name: &str, place: &Path) -> Result<(), ProductError> {
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        let metadata = metadata::read_in(&self.root.join(parent), parent)?;
        let size = self.weigh(place);
        self.add(name.to_owned(), ItemKind::Container, Some(size), metadata)
    }

    fn tree(&mut self, name: &str, top: Dir) -> Result<(), ProductError> {
        let above = self.above(name);
        let shown = safe(name.as_bytes());
        self.enter(name.to_owned(), top)?.map_err(|source| ProductError::Io { path: shown, source })?;
        while let Some(open) = self.open.last_mut() {
            match open.entries.next() {
                Some(entry) => self.entry(&entry, &above)?,
                None => drop(self.open.pop()),
            }
        }
        Ok(())
    }

    /// The directories that the top lies in: a link to one of them leads back, too.
    fn above(&self, name: &str) -> Vec<DirId> {
        let slashes = name.match_indices('/').map(|(at, _)| &name[..at]);
        let places = std::iter::once("").chain(slashes).map(|parent| self.root.join(parent));
        places
            .filter_map(|place| match look(&place) {
                Found::Directory { id, .. } => Some(id),
                _ => None,
            })
            .collect()
    }

    /// Makes a directory an item and begins with its entries. The inner error is about this directory only.
    fn enter(&mut self, name: String, dir: Dir) -> Result<io::Result<()>, ProductError> {
        let mut entries = match self.list(&dir.path)? {
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error)),
        };
        entries.sort_unstable();
        let metadata = metadata::read_in(&dir.path, &name)?;
        self.add(name.clone(), ItemKind::Container, None, metadata)?;
        self.open.push(Open { dir, name, entries: entries.into_iter() });
        Ok(Ok(()))
    }

    fn list(&self, directory: &Path) -> Result<io::Result<Vec<OsString>>, ProductError> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => return Ok(Err(error)),
            }
            // One more for the metadata file, which is no item.
            if names.len() > self.reading.most_items.saturating_add(1) {
                return Err(self.too_many());
            }
        }
        Ok(Ok(names))
    }

    /// Takes the next entry of the innermost directory.
    fn entry(&mut self, entry: &OsStr, above: &[DirId]) -> Result<(), ProductError> {
        let Some(open) = self.open.last() else { return Ok(()) };
        if entry == METADATA_NAME {
            return Ok(());
        }
        let path = open.dir.path.join(entry);
        let Some(text) = entry.to_str() else {
            let name = [open.name.as_bytes(), b"/", entry.as_bytes()].concat();
            self.leave_out(name, Why::NotUtf8);
            return Ok(());
        };
        let name = format!("{}/{text}", open.name);
        let around = open.dir.size;
        match look(&path) {
            Found::Directory { .. } if is_opaque(entry.as_bytes()) => {
                let size = self.weigh(&path);
                self.add(name, ItemKind::Container, Some(size), None)
            }
            Found::Directory { id, size } => self.directory(name, Dir { path, id, size }, above),
            found => self.leaf(name, &found, around),
        }
    }

    /// A directory below the top: its content follows, unless that would never end.
    fn directory(&mut self, name: String, dir: Dir, above: &[DirId]) -> Result<(), ProductError> {
        let leads_back = above.contains(&dir.id) || self.open.iter().any(|open| open.dir.id == dir.id);
        if leads_back && !self.reading.strict {
            self.leave_out(name.into_bytes(), Why::LinkLoop);
            return Ok(());
        }
        let bytes = name.clone().into_bytes();
        if self.enter(name, dir)?.is_err() {
            self.leave_out(bytes, Why::Unreadable);
        }
        Ok(())
    }

    /// Anything below the top but a directory. `around`: the size of the inode of the directory it lies in.
    fn leaf(&mut self, name: String, found: &Found, around: u64) -> Result<(), ProductError> {
        let strict = self.reading.strict;
        let real_size = match found {
            Found::File { size } => *size,
            // Strictly, whatever is no directory is a file, and its size is not its own.
            Found::Special | Found::Dangling if strict => 0,
            _ => {
                self.leave_out(name.into_bytes(), why(found));
                return Ok(());
            }
        };
        if is_opaque(name.as_bytes()) {
            // A file with such a name is a container, in which nothing is found to weigh.
            return self.add(name, ItemKind::Container, Some(0), None);
        }
        self.add(name, ItemKind::File, Some(if strict { around } else { real_size }), None)
    }

    /// The size of an opaque directory. What could not be read in it is named, and is missing in the size.
    fn weigh(&mut self, place: &Path) -> u64 {
        let (size, unread) = opaque::weigh(place);
        for path in unread {
            let name = path.strip_prefix(self.root).map_or_else(|_| path.clone(), Path::to_path_buf);
            self.leave_out(name.into_os_string().into_vec(), Why::Unreadable);
        }
        size
    }

    fn add(
        &mut self,
        name: String,
        kind: ItemKind,
        size: Option<u64>,
        metadata: Option<Vec<u8>>,
    ) -> Result<(), ProductError> {
        if self.product.items.len() >= self.reading.most_items {
            return Err(self.too_many());
        }
        self.product.items.push(Item { name, kind, size, metadata });
        Ok(())
    }

    fn too_many(&self) -> ProductError {
        let path = self.product.items.first().map(|top| safe(top.name.as_bytes())).unwrap_or_default();
        ProductError::TooMany { path, most: self.reading.most_items }
    }

    fn leave_out(&mut self, name: Vec<u8>, why: Why) {
        self.product.left_out.push(LeftOut { name, why });
    }
}

fn why(found: &Found) -> Why {
    match found {
        Found::Dangling => Why::DanglingLink,
        Found::Special => Why::SpecialFile,
        Found::Loop => Why::LinkLoop,
        Found::Gone => Why::Gone,
        Found::File { .. } | Found::Directory { .. } | Found::Refused(_) => Why::Unreadable,
    }
}
