//! The parts of a product.

/// What the services call the kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// One file.
    File,
    /// A directory, or what is treated as one.
    Container,
}

impl ItemKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Container => "container",
        }
    }
}

/// One item of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name, relative to the root of the storage.
    pub name: String,
    /// File or container.
    pub kind: ItemKind,
    /// The size in bytes. A directory whose content is listed has none.
    pub size: Option<u64>,
    /// The item's own metadata as a JSON body.
    pub metadata: Option<Vec<u8>>,
}

/// Why something below a directory is no item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A link that leads nowhere.
    DanglingLink,
    /// The name is not UTF-8, so it cannot be put into a request.
    NotUtf8,
    /// A link that leads back to a directory it lies in.
    LinkLoop,
    /// A socket, a fifo or a device.
    SpecialFile,
    /// It could not be looked at or listed, its path may be too long.
    Unreadable,
    /// It was gone before it could be looked at.
    Gone,
}

impl Why {
    /// The reason in words, for a log line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DanglingLink => "dangling link",
            Self::NotUtf8 => "name is not UTF-8",
            Self::LinkLoop => "link loop",
            Self::SpecialFile => "neither file nor directory",
            Self::Unreadable => "unreadable",
            Self::Gone => "gone",
        }
    }
}

/// Something below a directory that is no item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The name relative to the root, as the file system has it.
    pub name: Vec<u8>,
    /// Why it is no item.
    pub why: Why,
}

/// The items of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The top item first; a directory always stands before its content, names in byte order.
    pub items: Vec<Item>,
    /// What is no item, in the order of its finding.
    pub left_out: Vec<LeftOut>,
}

/// How a tree is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Whether the original's defects are kept: the size of a child file is that of its directory's
    /// inode, dangling links, sockets and fifos in a directory are files, and a link loop is followed
    /// until the kernel refuses.
    pub strict: bool,
    /// How many items a product may have. Links can multiply a small tree without ever being a loop.
    pub most_items: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { strict: false, most_items: 1_000_000 }
    }
}
