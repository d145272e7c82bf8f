//! The command line of `staithe mirror`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum MirrorCommand {
    /// Compare both trees of a mirror now, and list what differs
    #[command(
        after_help = "It reads both trees and changes nothing; a daemon may be running. What is being written is shown as different until \
it has arrived.

Examples:
  staithe mirror verify copy -c staithe.toml
  staithe mirror verify copy -c staithe.toml --content          reads every byte of both
  staithe init --from iobserver iobserverrc > m.toml && staithe mirror verify NAME -c m.toml

Exit codes: 0 equal, 1 different or not to be compared, 2 the configuration is bad, 4 there is no mirror of that name."
    )]
    Verify(VerifyArgs),
    /// Remove from a mirror what its source does not have, although the source's root is another directory than before
    #[command(
        after_help = "Where a source's root was replaced, a mirror keeps what the new one does not have: an unmounted disk looks like an empty \
directory. This accepts the new root and removes the rest. Look at `staithe mirror verify NAME` first. Where the source is empty \
it removes nothing without `--yes`.

Examples:
  staithe mirror prune copy -c staithe.toml
  staithe mirror prune copy -c staithe.toml --yes     also if the source is empty

Exit codes: 0 done, 1 not all could be removed, or the source is empty, 2 the configuration is bad, 4 there is no mirror of that name."
    )]
    Prune(PruneArgs),
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) which: MirrorName,
    /// Compare also the bytes of files whose size and time are the same
    #[arg(long)]
    pub(crate) content: bool,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) which: MirrorName,
    /// Empty the mirror if its source is empty
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct MirrorName {
    /// The mirror: its sink's name
    pub(crate) name: String,
    #[arg(short, long, value_name = "FILE|DIR", help = "The configuration; else $STAITHE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}
