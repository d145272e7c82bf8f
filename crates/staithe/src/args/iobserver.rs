//! The command line of the drop-in for iobserver, which has none itself.

use std::path::PathBuf;

use clap::Args;

use super::Client;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IobserverArgs {
    /// The configuration
    #[arg(default_value = "iobserverrc", value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where plugins lie; else `plugins` beside the configuration
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) client: Client,
}

const EXAMPLES: &str = "Each watch tells its plugins what happens in its tree: scribe writes a log, replica (or mirror) keeps a second tree \
equal, any other is NAME.toml or NAME.py in the plugin directory. With watch_config and watch_plugins in [global], \
changes of the file and of the plugins are taken over, by their content. SIGHUP does that in any case, and opens logs \
anew. What is wrong with one watch or plugin is told, shown by `staithe status`, and stops nothing else.

Examples:
  staithe compat iobserver                      reads ./iobserverrc
  staithe compat iobserver /etc/iobserverrc --plugins /etc/iobserver.d
  staithe status --state-dir DIR                the log names DIR at the start
  staithe init --from iobserver iobserverrc     the same as native configuration

Exit codes: 0 stopped by ^C or SIGTERM, 1 failed, 2 the configuration is bad.";
