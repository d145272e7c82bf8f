//! Celery's broker URLs in our terms.

/// The broker of the original where nothing is said.
pub const USUAL: &str = "redis://redis:6379/0";

/// A broker.
#[derive(Clone, PartialEq, Eq)]
pub enum Broker {
    /// A Redis server.
    Redis {
        /// As our sinks write it.
        url: String,
        /// In front of every key.
        prefix: String,
    },
    /// An AMQP broker.
    Amqp {
        /// As our sinks write it.
        url: String,
    },
}

/// A password may stand in the URL.
impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Redis { .. } => "Redis(…)",
            Self::Amqp { .. } => "Amqp(…)",
        })
    }
}

impl Broker {
    /// What a URL of Celery means; the error never quotes it.
    pub fn of(url: &str, prefix: &str) -> Result<Self, String> {
        if url.contains(';') {
            return Err("several brokers are given; one is served. Fix: name one".into());
        }
        let (scheme, rest) = url.split_once("://").unwrap_or((url.trim_end_matches(':'), ""));
        let redis = |scheme: &str, rest: &str| {
            Ok(Self::Redis { url: format!("{scheme}://{rest}"), prefix: prefix.to_owned() })
        };
        match scheme {
            "redis" | "rediss" => redis(scheme, &redis_rest(rest)),
            "redis+socket" | "socket" => redis("redis+unix", &rest.replace("virtual_host=", "db=")),
            "amqp" | "amqps" | "pyamqp" | "librabbitmq" => {
                let scheme = if scheme == "amqps" { scheme } else { "amqp" };
                Ok(Self::Amqp { url: format!("{scheme}://{}", amqp_rest(rest)) })
            }
            _ => Err(
                "nothing here talks to such a broker. Fix: redis://, rediss://, redis+socket://, amqp:// or \
                      amqps://"
                    .into(),
            ),
        }
    }
}

/// Without a host it is this one; the database may have slashes around it.
fn redis_rest(rest: &str) -> String {
    let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = host.rsplit_once('@').map_or(("", host), |(login, address)| (login, address));
    let address = if address.is_empty() { "localhost" } else { address };
    let at = if login.is_empty() { "" } else { "@" };
    let database = database.trim_matches('/');
    let slash = if database.is_empty() { "" } else { "/" };
    format!("{login}{at}{address}{slash}{database}")
}

/// To Celery, no virtual host, `/` and `//` are all the one that is called `/`.
fn amqp_rest(rest: &str) -> String {
    let (host, vhost) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = host.rsplit_once('@').map_or(("", host), |(login, address)| (login, address));
    let address = if address.is_empty() { "localhost" } else { address };
    let at = if login.is_empty() { "" } else { "@" };
    let vhost = if vhost == "/" { "" } else { vhost };
    let (slash, vhost) =
        if vhost.is_empty() { ("", String::new()) } else { ("/", vhost.replace('/', "%2F")) };
    format!("{login}{at}{address}{slash}{vhost}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn celerys_urls_are_ours() {
        let url = |text: &str| match Broker::of(text, "").unwrap() {
            Broker::Redis { url, .. } | Broker::Amqp { url } => url,
        };
        for (text, wanted) in [
            ("redis://redis:6379/0", "redis://redis:6379/0"),
            ("redis://", "redis://localhost"),
            ("redis://:pw@h//3/", "redis://:pw@h/3"),
            ("rediss://h/1?ssl_cert_reqs=none", "rediss://h/1?ssl_cert_reqs=none"),
            ("redis+socket:///run/r.sock?virtual_host=2", "redis+unix:///run/r.sock?db=2"),
            ("amqp://guest:guest@rabbit:5672//", "amqp://guest:guest@rabbit:5672"),
            ("pyamqp://u@h/v", "amqp://u@h/v"),
            ("amqp://h/", "amqp://h"),
            ("amqps://h//a/b", "amqps://h/%2Fa%2Fb"),
            ("amqp://", "amqp://localhost"),
            ("amqp:", "amqp://localhost"),
        ] {
            assert_eq!(url(text), wanted, "{text}");
        }
        for text in ["sqs://secret", "django://", "memory", "redis://a;redis://secret", ""] {
            let error = Broker::of(text, "").unwrap_err();
            assert!(error.contains("Fix: ") && !error.contains("secret"), "{error}");
        }
        assert_eq!(format!("{:?}", Broker::of("redis://:pw@h", "x").unwrap()), "Redis(…)");
    }
}
