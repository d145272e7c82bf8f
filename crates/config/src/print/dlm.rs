//! A sink of the SKA DLM services, as it is read back.

use std::path::Path;

use super::{Page, choice, path, quoted};
use crate::keys::DLM;
use crate::plan::{DlmPlace, DlmSink};
use crate::read::choices;

impl Page {
    pub(super) fn dlm(&mut self, name: &str, dlm: &DlmSink) {
        let usual = DlmSink::default();
        self.services(dlm, &usual);
        self.storages(dlm, &usual);
        self.unless(&DLM, "follow_copies", &dlm.follow_copies, &usual.follow_copies, bool::to_string);
        self.unless(&DLM, "access_check", &dlm.access_check, &usual.access_check, bool::to_string);
        self.unless(&DLM, "parallel", &dlm.parallel, &usual.parallel, u16::to_string);
        self.unless(&DLM, "dialect", &dlm.dialect, &usual.dialect, |v| choice(&choices::DIALECTS, v));
        self.unless(&DLM, "strict", &dlm.strict, &usual.strict, bool::to_string);
        self.place(&dlm.place, &usual.place);
        self.file("authorized_keys", dlm.authorized_keys.as_deref());
        self.file("status_file", dlm.status_file.as_deref());
        let reload = &dlm.reload_status_file;
        self.unless(&DLM, "reload_status_file", reload, &usual.reload_status_file, bool::to_string);
        if dlm.token.is_some() {
            self.out.push_str("# The token is not printed: write it into this file.\n");
            self.entry(&DLM, "token_file", &quoted(&format!("/etc/staithe/{name}.token")));
        }
        self.file("ca_file", dlm.ca_file.as_deref());
    }

    fn services(&mut self, dlm: &DlmSink, usual: &DlmSink) {
        let own = [&dlm.request_url, &dlm.storage_url, &dlm.migration_url];
        if own.into_iter().all(|url| *url == dlm.ingest_url) {
            self.entry(&DLM, "url", &quoted(&dlm.ingest_url));
            return;
        }
        let text = |url: &String| quoted(url);
        self.unless(&DLM, "ingest_url", &dlm.ingest_url, &usual.ingest_url, text);
        self.unless(&DLM, "request_url", &dlm.request_url, &usual.request_url, text);
        self.unless(&DLM, "storage_url", &dlm.storage_url, &usual.storage_url, text);
        self.unless(&DLM, "migration_url", &dlm.migration_url, &usual.migration_url, text);
    }

    fn storages(&mut self, dlm: &DlmSink, usual: &DlmSink) {
        if dlm.storage.is_none() {
            self.out.push_str("# No storage was named, so nothing could be registered: name one.\n");
        }
        self.entry(&DLM, "storage", &quoted(dlm.storage.as_deref().unwrap_or_default()));
        self.file("root", dlm.root.as_deref());
        match &dlm.target {
            None => self.entry(&DLM, "register_only", "true"),
            target => self.unless(&DLM, "target", target, &usual.target, |target| {
                quoted(target.as_deref().unwrap_or_default())
            }),
        }
    }

    fn place(&mut self, place: &DlmPlace, usual: &DlmPlace) {
        let text = |text: &String| quoted(text);
        if let Some(host) = &place.host {
            self.entry(&DLM, "host", &quoted(host));
        }
        self.unless(&DLM, "user", &place.user, &usual.user, text);
        self.unless(&DLM, "location", &place.location, &usual.location, text);
        self.unless(&DLM, "location_type", &place.location_type, &usual.location_type, text);
        self.unless(&DLM, "country", &place.country, &usual.country, text);
        self.unless(&DLM, "city", &place.city, &usual.city, text);
        self.unless(&DLM, "facility", &place.facility, &usual.facility, text);
    }

    fn file(&mut self, key: &'static str, file: Option<&Path>) {
        if let Some(file) = file {
            self.entry(&DLM, key, &path(file));
        }
    }
}
