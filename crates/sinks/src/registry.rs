//! From a plan to a sink: the one place that knows every kind.

use config::{SinkKind, SinkPlan};

use crate::jsonl::Jsonl;
use crate::redis_list::{RedisList, UrlError};
use crate::sink::Sink;
use crate::stdout::LineStream;

/// Why a plan gives no sink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The embedded queue lives in the ledger; `dispatch` builds it.
    #[error("sink \"{0}\" is the embedded queue, which dispatch builds")]
    Embedded(String),
    /// The URL cannot be read. It is not repeated: it may hold a password.
    #[error("sink \"{name}\": {error}")]
    Url {
        /// The sink.
        name: String,
        /// What is wrong with it.
        error: UrlError,
    },
    /// `ca_file` or `client_cert` beside a URL without TLS: the connection would not be encrypted.
    #[error(
        "sink \"{0}\" has TLS files, but its url does not begin with rediss://; write rediss:// or remove them"
    )]
    TlsFilesUnused(String),
}

/// Builds the sink. Nothing is opened and nobody is asked.
pub fn build(plan: &SinkPlan) -> Result<Box<dyn Sink>, BuildError> {
    let format = plan.format.clone();
    Ok(match &plan.kind {
        SinkKind::Queue(_) => return Err(BuildError::Embedded(plan.name.clone())),
        SinkKind::Stdout => Box::new(LineStream::stdout(format, plan.timeout)),
        SinkKind::Jsonl(jsonl) => Box::new(Jsonl::new(jsonl.path.clone(), format, plan.timeout)),
        SinkKind::RedisList(redis) => {
            let sink = RedisList::new(redis, format, plan.timeout)
                .map_err(|error| BuildError::Url { name: plan.name.clone(), error })?;
            if sink.ignores_tls_files() {
                return Err(BuildError::TlsFilesUnused(plan.name.clone()));
            }
            Box::new(sink)
        }
    })
}
