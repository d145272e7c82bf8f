//! What is mirrored, and how.

use settle::Pattern;

/// How two trees are kept equal.
#[derive(Clone, Debug)]
pub struct Options {
    /// The mirror's name. It stands in the destination's marker, and a destination that belongs to another mirror is refused.
    pub name: String,
    /// Whether a destination that holds something already, and no marker of this mirror, may be taken over.
    pub adopt: bool,
    /// Whether owner and group are kept, and with them setuid and setgid bits. Needs privilege.
    pub owner: bool,
    /// A path of anything but a directory must match one of these; none: everything does.
    pub include: Vec<Pattern>,
    /// And none of these, nor lie below a directory that does. A directory is left out when it matches.
    pub exclude: Vec<Pattern>,
    /// Whether the directories below are mirrored, too.
    pub recursive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            adopt: false,
            owner: false,
            include: Vec::new(),
            exclude: Vec::new(),
            recursive: true,
        }
    }
}
