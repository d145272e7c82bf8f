//! URLs of servers, and the certificates for encrypted ones: what sinks that have a connection share.

use std::path::PathBuf;

use super::{file, first_line};
use crate::fields::{Fields, Report};
use crate::plan::Secret;
use crate::source_text::Place;
use crate::{amqp_url, redis_url};

/// What a URL is for: its keys, and what can stand there.
pub(super) struct Asked {
    /// Holds the URL.
    key: &'static str,
    /// Names a file that holds it.
    key_file: &'static str,
    /// Of what it should be a URL.
    what: &'static str,
    /// How one may be written.
    forms: &'static str,
    /// The help where none is there; `None`: there need be none.
    missing: Option<&'static str>,
    check: fn(&str) -> Result<(), &'static str>,
}

pub(super) const REDIS: Asked = Asked {
    key: "url",
    key_file: "url_file",
    what: "a Redis server",
    forms: "redis://[user:password@]host[:port][/db], rediss://…, redis+unix:///path",
    missing: Some("add url = \"redis://127.0.0.1:6379/0\", or url_file = \"…\""),
    check: redis_url::check,
};

pub(super) const AMQP: Asked = Asked {
    key: "url",
    key_file: "url_file",
    what: "an AMQP broker",
    forms: "amqp://[user:password@]host[:port][/vhost], amqps://…",
    missing: Some("add url = \"amqp://guest:guest@127.0.0.1:5672/\", or url_file = \"…\""),
    check: amqp_url::check,
};

/// Of one of the two; the scheme decides.
pub(super) const BROKER: Asked = Asked {
    key: "url",
    key_file: "url_file",
    what: "a broker",
    forms: "redis://[user:password@]host[:port][/db], rediss://…, redis+unix:///path, amqp://[user:password@]host[:port][/vhost], amqps://…",
    missing: Some("add url = \"redis://127.0.0.1:6379/0\" or \"amqp://…\", or url_file = \"…\""),
    check: |url| {
        if amqp_url::is_amqp(url) {
            amqp_url::check(url)
        } else {
            redis_url::check(url).map_err(|words| match words {
                "the scheme is none of redis, rediss, redis+unix" => {
                    "the scheme is none of redis, rediss, redis+unix, amqp, amqps"
                }
                other => other,
            })
        }
    },
};

pub(super) const RESULTS: Asked = Asked { key: "results", key_file: "results_file", missing: None, ..REDIS };

/// The URL; `None` also where it is wrong, which is reported then.
pub(super) fn read(asked: &Asked, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Secret> {
    let (key, key_file) = (asked.key, asked.key_file);
    let given = (fields.has(key), fields.has(key_file));
    let (url, from) = (fields.text(report, key), fields.text(report, key_file));
    if given == (true, true) {
        let message = format!("{} has both `{key}` and `{key_file}`", fields.what());
        report.error(fields.place(), message, None);
        return None;
    }
    let (value, place) = match (url, from) {
        (Some(text), _) => {
            let has_password =
                redis_url::has_password(&text.written) || amqp_url::has_password(&text.written);
            // A reference to the environment is as it should be.
            if has_password && !text.written.contains("${") {
                let help = format!("put the URL into a file and write {key_file} = \"…\", or use ${{VAR}}");
                report.warn(&text.place, "the password stands in the configuration file", Some(help));
            }
            (text.value, text.place)
        }
        (None, Some(text)) => (first_line(&text, "the URL", report)?, text.place),
        // What is there but cannot be read is reported already.
        (None, None) if given != (false, false) => return None,
        (None, None) => {
            let help = asked.missing?.to_owned();
            report.error(fields.place(), format!("{} has no `{key}`", fields.what()), Some(help));
            return None;
        }
    };
    checked(asked, value, &place, report)
}

fn checked(asked: &Asked, url: String, place: &Place, report: &mut Report<'_>) -> Option<Secret> {
    match (asked.check)(&url) {
        Ok(()) => Some(Secret::new(url)),
        Err(words) => {
            // The URL itself is never quoted: a wrong one may still hold the password.
            let message = format!("this is no URL of {}: {words}", asked.what);
            report.error(place, message, Some(asked.forms.to_owned()));
            None
        }
    }
}

/// Whose certificates are believed, and our own.
pub(super) struct Certificates {
    pub(super) ca_file: Option<PathBuf>,
    pub(super) client_cert: Option<(PathBuf, PathBuf)>,
    /// Whether any of them is named.
    any: bool,
}

impl Certificates {
    pub(super) fn read(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Self {
        let ca_file = file(fields, "ca_file", report);
        let pair = (file(fields, "client_cert", report), file(fields, "client_key", report));
        let any = ca_file.is_some() || pair.0.is_some() || pair.1.is_some();
        let client_cert = match pair {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                let help = "name both files, or none".to_owned();
                let message =
                    format!("{} has one of `client_cert` and `client_key` without the other", fields.what());
                report.error(fields.place(), message, Some(help));
                None
            }
        };
        Self { ca_file, client_cert, any }
    }

    /// Certificates that no connection would use are a mistake.
    pub(super) fn used_by(&self, urls: &[&Secret], fields: &Fields<'_>, report: &mut Report<'_>) {
        let encrypted =
            |url: &&Secret| amqp_url::is_amqps(url.expose()) || redis_url::is_rediss(url.expose());
        if !self.any || urls.iter().any(encrypted) {
            return;
        }
        let scheme = if urls.iter().all(|url| amqp_url::is_amqp(url.expose())) { "amqps" } else { "rediss" };
        let help = format!("write {scheme}:// for TLS, or remove the certificates");
        let message = format!("the certificates would not be used: the URL is not {scheme}://");
        report.error(fields.place(), message, Some(help));
    }
}
