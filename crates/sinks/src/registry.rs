//! From a plan to a sink: the one place that knows every kind.

use config::{DlmSink, PluginSink, SinkKind, SinkPlan};

use crate::amqp::AmqpUrlError;
use crate::dlm::Dlm;
use crate::journal::Hands;
use crate::jsonl::Jsonl;
use crate::mirror::Mirror;
use crate::plugin::Plugin;
use crate::redis_list::{RedisList, UrlError};
use crate::scribe;
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
    /// The URL of an AMQP broker cannot be read. It is not repeated, either.
    #[error("sink \"{name}\": {error}")]
    AmqpUrl {
        /// The sink.
        name: String,
        /// What is wrong with it.
        error: AmqpUrlError,
    },
    /// `ca_file` or `client_cert` beside a URL without TLS: the connection would not be encrypted.
    #[error(
        "sink \"{0}\" has TLS files, but its url begins with neither rediss:// nor amqps://; write one of these or remove \
         them"
    )]
    TlsFilesUnused(String),
    /// A mirror that no source delivers to.
    #[error("sink \"{0}\" is a mirror, and no source delivers to it: there is nothing to mirror")]
    NoSource(String),
}

/// Builds the sink. Nothing is opened and nobody is asked.
pub fn build(plan: &SinkPlan, hands: &Hands) -> Result<Box<dyn Sink>, BuildError> {
    let format = plan.format.clone();
    Ok(match &plan.kind {
        SinkKind::Queue(_) => return Err(BuildError::Embedded(plan.name.clone())),
        SinkKind::Dlm(dlm) => Box::new(Dlm::new(DlmSink::clone(dlm), plan.timeout, hands.clone())),
        SinkKind::Scribe(scribe) => scribe::build(scribe, plan.timeout),
        SinkKind::Mirror(mirror) => match Mirror::new(&plan.name, mirror, plan.timeout, hands.clone()) {
            Some(mirror) => Box::new(mirror),
            None => return Err(BuildError::NoSource(plan.name.clone())),
        },
        SinkKind::Plugin(plugin) => {
            Box::new(Plugin::new(PluginSink::clone(plugin), plan.timeout, hands.clone()))
        }
        SinkKind::Celery(celery) => crate::celery::build(plan, celery, hands)?,
        SinkKind::Amqp(amqp) => crate::amqp::build(plan, amqp)?,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::{Format, JsonlSink, Push, QueueSink, RedisSink, Secret};

    use super::*;

    fn plan(kind: SinkKind) -> SinkPlan {
        let timeout = Duration::from_secs(1);
        SinkPlan { name: "met".into(), kind, format: Format::CloudEvents, max_attempts: 0, timeout }
    }

    fn redis(url: &str, ca_file: Option<&str>) -> SinkPlan {
        plan(SinkKind::RedisList(RedisSink {
            url: Secret::new(url),
            key: b"k".to_vec(),
            counter: None,
            push: Push::Left,
            ca_file: ca_file.map(Into::into),
            client_cert: None,
        }))
    }

    fn error(plan: &SinkPlan) -> BuildError {
        match build(plan, &Hands::in_memory()) {
            Ok(_) => panic!("it was built"),
            Err(error) => error,
        }
    }

    fn celery(url: &str, results: Option<&str>) -> SinkPlan {
        let text = format!(
            "[source.s]\npath = '/d'\n[sink.met]\ntype = 'celery'\ntask = 't'\nurl = '{url}'\n{}",
            results.map_or_else(String::new, |url| format!("results = '{url}'")),
        );
        let mut plan = config::parse_str("c.toml", &text, &|_| None).unwrap().plan.sinks.remove(0);
        let SinkKind::Celery(celery) = &mut plan.kind else { panic!("{plan:?}") };
        celery.ca_file = Some("/ca.pem".into());
        plan
    }

    /// Wherever the tasks go.
    #[test]
    fn certificates_may_be_there_for_results_alone() {
        for broker in ["redis://h", "amqp://h"] {
            for results in [None, Some("redis://h")] {
                let error = error(&celery(broker, results));
                assert_eq!(error, BuildError::TlsFilesUnused("met".into()), "{broker} {results:?}");
            }
            assert!(build(&celery(broker, Some("rediss://h")), &Hands::in_memory()).is_ok(), "{broker}");
        }
        for broker in ["rediss://h", "amqps://h"] {
            assert!(build(&celery(broker, None), &Hands::in_memory()).is_ok(), "{broker}");
        }
    }

    #[test]
    fn nothing_is_opened_or_asked() {
        for plan in [
            plan(SinkKind::Stdout),
            plan(SinkKind::Jsonl(JsonlSink { path: "/proc/no/such/place".into() })),
            redis("redis://no-such-host.invalid", None),
            redis("rediss://h", Some("/no/such/file.pem")),
        ] {
            assert!(build(&plan, &Hands::in_memory()).is_ok());
        }
    }

    #[test]
    fn what_cannot_be_built_says_why_and_tells_no_secret() {
        let queue = plan(SinkKind::Queue(QueueSink { retain: Duration::ZERO }));
        assert_eq!(error(&queue), BuildError::Embedded("met".into()));
        assert_eq!(error(&redis("redis://h", Some("/ca.pem"))), BuildError::TlsFilesUnused("met".into()));
        let text = error(&redis("redis://bob:hunter2@h:port", None)).to_string();
        assert!(text.starts_with("sink \"met\": the port") && !text.contains("hunter2"), "{text}");
    }
}
