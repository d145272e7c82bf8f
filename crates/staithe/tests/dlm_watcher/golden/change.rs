//! In what a replay differs from its recording, each with its name and reason.
//!
//! Everywhere in the default mode, and not named in the table again: the outcome of each copy is asked for
//! (`get_migration`, every ten seconds); the original never learns it. Those requests are left out of the comparison.

use std::sync::OnceLock;

use testkit::dlm::golden;

use super::product::{Product, Story};
use super::sent::recorded;

/// A difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    // ── seen in the requests of any product, so that the rest of it is compared in full ──
    /// A child has its own size; the original sends the size of its directory's inode.
    RealChildSizes,
    /// The first child is handled like the others; the original has it copied twice, with its parent and alone.
    FirstChildLikeOthers,
    /// A file is registered when nobody writes it any more, with its whole size; the original registers a beginning.
    WholeFile,

    // ── seen in which requests there are: they are listed ──
    /// A directory is registered when nothing comes into it any more, with everything; the original loses what comes after
    /// the first moment.
    WholeDirectory,
    /// What failed is tried again until it succeeds. Before that the services are asked what they have.
    Retried,
    /// Services that answer as if they had been set up anew (they do not know the storage, or have no row for it) are arranged
    /// with again, as at the start.
    ArrangedAgain,
    /// *There already* is confirmed by a query before it counts as done.
    Confirmed,
    /// What was done before a restart is not done again.
    Remembered,
    /// A link that leads nowhere is left out and reported; the original registers a file that nobody can copy.
    DanglingLeftOut,
    /// Only the name under which a file is complete is registered, not the temporary one.
    FinalNameOnly,
    /// What appears in the watched directory is registered, however it came there, and whenever; the original misses
    /// renames and reused inodes when it polls, what comes while it looks at existing entries, and everything after
    /// the watched directory was replaced.
    NothingMissed,
    /// An answer without a uid is no registration: the services are asked; the original goes on with what it got, or
    /// forgets the item.
    LostAnswer,

    // ── seen in how the program lives and ends ──
    /// One bad product or a service that is down does not end the program, nor its work; the original dies, or, when it
    /// polls, never registers anything again.
    GoesOn,
    /// In strict mode the program ends as the original does when its start fails, but a second try may have begun by then.
    /// Could be made equal in `sinks::dlm`: its `prepare` could give the first failure again without asking anybody.
    StartAskedTwice,
    /// A connection that is closed without an answer may fail the start in strict mode; the original's library repeats the
    /// request at once, up to three times. Could be made equal in `sinks::dlm::client` (GET, and any request whose
    /// connection was refused). Where the next try of the start is quicker than the look at its failure, and in the
    /// default mode, the requests are the same.
    NotRepeatedAtOnce,
    /// A start that fails is tried again, and nothing is ready meanwhile; the original dies.
    StartRetried,
    /// A stop takes effect within the grace time; what is not done goes on at the next start. The original first
    /// finishes what it has begun to work through.
    StopsInTime,
    /// Flags with dashes and without a value are understood as the original's own entrypoint writes them; the
    /// original refuses them.
    BothSpellings,

    // ── no replay ──
    /// Another program's run: it prepares the archive, for tests. The drop-in takes only the watcher's place.
    OtherProgram,
}

impl Change {
    /// Makes what is expected of what was recorded, where that can be said of any product.
    pub(super) fn apply(self, story: &mut Story, r21: bool) {
        for product in story.products.values_mut() {
            match self {
                Change::RealChildSizes => {
                    for line in &mut product.children {
                        *line = line.replace("decompressed_size=<directory>", "decompressed_size=<file>");
                    }
                    product.children.sort_unstable();
                }
                Change::FirstChildLikeOthers => {
                    let like = product.others.last().unwrap_or(usual_child(r21)).clone();
                    product.first = product.first.take().map(|_| like);
                }
                Change::WholeFile => {
                    for line in &mut product.top {
                        *line = line.replace("decompressed_size=1000&", "decompressed_size=6000&");
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether [`Change::apply`] changes requests.
    pub(super) fn is_general(self) -> bool {
        matches!(self, Change::RealChildSizes | Change::FirstChildLikeOthers | Change::WholeFile)
    }

    /// Whether what was recorded may be followed by more of the same, as often as time allows.
    pub(super) fn repeats(self) -> bool {
        use Change::{NotRepeatedAtOnce, Retried, StartAskedTwice, StartRetried};
        matches!(self, NotRepeatedAtOnce | Retried | StartAskedTwice | StartRetried)
    }

    /// How the program ends, if otherwise than in the recording.
    pub(super) fn exit_code(self) -> Option<i32> {
        match self {
            Change::GoesOn | Change::StartRetried | Change::BothSpellings => Some(0),

            _ => None,
        }
    }
}

/// What follows the registration of a child that is not the first.
fn usual_child(r21: bool) -> &'static Vec<String> {
    static USUAL: OnceLock<[Vec<String>; 2]> = OnceLock::new();
    let of = |id: &str| -> Vec<String> {
        let story = Story::of(&recorded(golden().scenario(id)));
        let product: &Product = &story.products["dp"];
        product.others[0].clone()
    };
    &USUAL.get_or_init(|| [of("C02"), of("R06")])[usize::from(r21)]
}
