//! Sinks that talk to message brokers, as they are read back.

use std::path::{Path, PathBuf};

use super::{Page, duration, key, list, path, quoted};
use crate::keys::{AMQP, CELERY, Section};
use crate::plan::{AmqpSink, Argument, CeleryBroker, CelerySink, Secret, TaskProtocol};
use crate::read::choices;
use crate::{amqp_url, redis_url};

impl Page {
    pub(super) fn celery(&mut self, name: &str, celery: &CelerySink) {
        match &celery.broker {
            CeleryBroker::Redis { url, key_prefix } => {
                let file = format!("/etc/staithe/{name}.url");
                self.url(&CELERY, ["url", "url_file"], url, &file);
                self.unless(&CELERY, "key_prefix", key_prefix, &String::new(), |text| quoted(text));
            }
            CeleryBroker::Amqp { url } => {
                self.url(&CELERY, ["url", "url_file"], url, &format!("/etc/staithe/{name}.url"));
            }
        }
        self.entry(&CELERY, "task", &quoted(&celery.task));
        self.arguments(celery);
        self.entry(&CELERY, "queue", &quoted(&celery.queue));
        self.said_text(&CELERY, "exchange", celery.exchange.as_deref());
        self.said_text(&CELERY, "routing_key", celery.routing_key.as_deref());
        if let Some(priority) = celery.priority {
            self.entry(&CELERY, "priority", &priority.to_string());
        }
        if let Some(expires) = &celery.expires {
            self.entry(&CELERY, "expires", &duration(expires));
        }
        if let Some(delay) = &celery.delay {
            self.entry(&CELERY, "delay", &duration(delay));
        }
        self.unless(&CELERY, "protocol", &celery.protocol, &TaskProtocol::V2, |protocol| {
            let number = choices::PROTOCOLS.iter().find(|(_, known)| known == protocol);
            number.map_or_else(String::new, |(number, _)| number.to_string())
        });
        if let Some(results) = &celery.results {
            let file = format!("/etc/staithe/{name}-results.url");
            self.url(&CELERY, ["results", "results_file"], results, &file);
        }
        self.certificates(&CELERY, celery.ca_file.as_deref(), celery.client_cert.as_ref());
    }

    pub(super) fn amqp(&mut self, name: &str, amqp: &AmqpSink) {
        self.url(&AMQP, ["url", "url_file"], &amqp.url, &format!("/etc/staithe/{name}.url"));
        self.unless(&AMQP, "exchange", &amqp.exchange, &String::new(), |text| quoted(text));
        self.entry(&AMQP, "routing_key", &quoted(&amqp.routing_key));
        self.certificates(&AMQP, amqp.ca_file.as_deref(), amqp.client_cert.as_ref());
    }

    /// The URL, or where it holds a password, the file that it is to be written into.
    fn url(&mut self, section: &'static Section, keys: [&'static str; 2], url: &Secret, file: &str) {
        let url = url.expose();
        if redis_url::has_password(url) || amqp_url::has_password(url) {
            self.out.push_str("# The URL holds a password and is not printed: write it into this file.\n");
            self.entry(section, keys[1], &quoted(file));
        } else {
            self.entry(section, keys[0], &quoted(url));
        }
    }

    fn arguments(&mut self, celery: &CelerySink) {
        if celery.args.is_empty() && celery.kwargs == CelerySink::usual_kwargs() {
            return;
        }
        if !celery.args.is_empty() {
            self.entry(&CELERY, "args", &list(celery.args.iter().map(argument)));
        }
        if celery.args.is_empty() || !celery.kwargs.is_empty() {
            self.entry(&CELERY, "kwargs", &table(&celery.kwargs));
        }
    }

    fn said_text(&mut self, section: &'static Section, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.entry(section, name, &quoted(text));
        }
    }

    fn certificates(
        &mut self,
        section: &'static Section,
        ca_file: Option<&Path>,
        client: Option<&(PathBuf, PathBuf)>,
    ) {
        if let Some(file) = ca_file {
            self.entry(section, "ca_file", &path(file));
        }
        if let Some((certificate, private)) = client {
            self.entry(section, "client_cert", &path(certificate));
            self.entry(section, "client_key", &path(private));
        }
    }
}

fn argument(argument: &Argument) -> String {
    match argument {
        Argument::Text(text) => quoted(text),
        Argument::Integer(number) => number.to_string(),
        // Never without a point or an exponent, so that it is read as one again.
        Argument::Float(number) => format!("{number:?}"),
        Argument::Flag(flag) => flag.to_string(),
        Argument::List(several) => list(several.iter().map(self::argument)),
        Argument::Table(named) => table(named),
    }
}

fn table(named: &[(String, Argument)]) -> String {
    if named.is_empty() {
        return "{}".to_owned();
    }
    let entries: Vec<String> =
        named.iter().map(|(name, value)| format!("{} = {}", key(name), argument(value))).collect();
    format!("{{ {} }}", entries.join(", "))
}
