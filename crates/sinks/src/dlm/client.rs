//! Requests over HTTP.

use std::error::Error as _;
use std::time::Duration;

use config::{DlmSink, Secret};
use products::wire::{Method, Request, Service};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::fault::{self, Fault};
use crate::sink::Trouble;
use crate::tls::{TlsFault, TlsFiles};

/// The services' answers are small; a list of rows is cut off by the services themselves.
const ANSWER_LIMIT: usize = 16 << 20;
/// Shorter than the services keep an idle connection (5 s), so that a request seldom meets one that is just closed.
const IDLE: Duration = Duration::from_secs(4);
/// Waiting longer for a connection than this helps nobody.
const CONNECT: Duration = Duration::from_secs(10);

/// The variables by which requests take another way than straight to the service.
const PROXIES: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The four services.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    bases: [(Service, String); 4],
    /// Who only registers may have no migration service.
    copies: bool,
    token: Option<Secret>,
}

impl Client {
    /// Reads the certificates. Nobody is asked.
    pub(crate) async fn open(plan: &DlmSink, patience: Duration) -> Result<Self, Trouble> {
        let bases = [
            (Service::Ingest, plan.ingest_url.clone()),
            (Service::Request, plan.request_url.clone()),
            (Service::Storage, plan.storage_url.clone()),
            (Service::Migration, plan.migration_url.clone()),
        ];
        let encrypted = bases.iter().any(|(_, base)| base.starts_with("https:"));
        let files = TlsFiles { authority: plan.ca_file.clone(), client: None };
        let tls = spawn_blocking(move || if encrypted { files.load() } else { TlsFiles::none() });
        let tls = tls.await.map_err(|_| Trouble::Down("E-DLM-STOPPING: the program is stopping".into()))?;
        let tls = tls.map_err(|fault| tls_trouble(&fault))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            // Who redirects is a gateway, not the service: its page for people must not pass for an answer.
            .redirect(reqwest::redirect::Policy::none())
            .http1_title_case_headers()
            .timeout(patience)
            .connect_timeout(patience.min(CONNECT))
            .pool_idle_timeout(IDLE)
            // The original opens a connection for each request, and so does its stand-in.
            .pool_max_idle_per_host(if plan.strict { 0 } else { usize::from(plan.parallel) })
            .build();
        let http = http
            .map_err(|error| Trouble::Misconfigured(format!("E-DLM-CLIENT: cannot set up HTTP: {error}")))?;
        Ok(Self { http, bases, copies: plan.target.is_some(), token: plan.token.clone() })
    }

    fn base(&self, service: Service) -> &str {
        self.bases.iter().find(|(known, _)| *known == service).map_or("", |(_, base)| base)
    }

    /// Sends a request; gives the JSON (or text) of a good answer.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Value, Fault> {
        let base = self.base(request.service);
        let lost = |error: &reqwest::Error| fault::unreached(request, base, &chain(error));
        let response = self.build(request, base)?.send().await.map_err(|error| lost(&error))?;
        let status = response.status().as_u16();
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = read(response).await.map_err(|error| match error {
            Cut::Broken(error) => lost(&error),
            Cut::TooLong => fault::unclear(request, "more than 16 MiB"),
        })?;
        if !(200..300).contains(&status) {
            return Err(fault::status(request, status, &self.without_token(&String::from_utf8_lossy(&body))));
        }
        if !kind.as_deref().is_some_and(|kind| kind.starts_with("application/json")) {
            let kind = kind.as_deref().unwrap_or("no type");
            return Err(fault::unclear(request, &format!("no JSON but {kind}")));
        }
        serde_json::from_slice(&body).map_err(|_| fault::unclear(request, "JSON that cannot be read"))
    }

    /// An error page may show the headers that it got.
    fn without_token(&self, words: &str) -> String {
        match &self.token {
            Some(token) if !token.expose().is_empty() => words.replace(token.expose(), "…"),
            _ => words.to_owned(),
        }
    }

    fn build(&self, request: &Request, base: &str) -> Result<reqwest::RequestBuilder, Fault> {
        let url = format!("{base}{}", request.target());
        let url = reqwest::Url::parse(&url).map_err(|error| {
            let setting = fault::setting(request.service);
            Fault::Person(format!(
                "E-DLM-ADDRESS: {base} is no address: {error}; {}. Fix: correct {setting}",
                fault::KEPT
            ))
        })?;
        let mut out = match request.method {
            Method::Get => self.http.get(url),
            // A length of zero is sent, too.
            Method::Post => {
                let body = request.body.clone().unwrap_or_default();
                self.http.post(url).header(CONTENT_LENGTH, body.len()).body(body)
            }
        };
        for (name, value) in request.headers() {
            out = out.header(name, value);
        }
        if let Some(token) = &self.token {
            let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| {
                    Fault::Person(format!(
                        "E-DLM-TOKEN: the token has characters that no header can carry; {}. Fix: correct it",
                        fault::KEPT
                    ))
                })?;
            value.set_sensitive(true);
            out = out.header(AUTHORIZATION, value);
        }
        Ok(out)
    }

    /// Whether each service that is needed takes a connection; none is asked anything. Behind a proxy a
    /// connection from here says nothing: there only the next request tells.
    pub(crate) async fn reach(&self, patience: Duration) -> Result<(), Trouble> {
        if PROXIES.iter().any(|name| std::env::var_os(name).is_some_and(|proxy| !proxy.is_empty())) {
            return Ok(());
        }
        let needed = |service: &Service| self.copies || *service != Service::Migration;
        for (service, base) in self.bases.iter().filter(|(service, _)| needed(service)) {
            let Ok(url) = reqwest::Url::parse(base) else { continue };
            let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { continue };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let why = match timeout(patience.min(CONNECT), TcpStream::connect((host, port))).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            let probe = Request {
                service: *service,
                method: Method::Get,
                path: "/connection",
                query: Vec::new(),
                body: None,
                content_type: false,
            };
            return Err(fault::unreached(&probe, base, &why).into_trouble());
        }
        Ok(())
    }
}

enum Cut {
    Broken(reqwest::Error),
    TooLong,
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Cut> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Cut::Broken)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Cut::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause says what happened; what stands around it repeats the URL.
fn chain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    if error.source().is_none() { error.to_string() } else { inner.to_string() }
}

fn tls_trouble(fault: &TlsFault) -> Trouble {
    Trouble::Misconfigured(match fault {
        TlsFault::File { path, what } => format!(
            "E-DLM-TLS: cannot use {}: {what}; nothing is lost, products wait. Fix: correct ca_file",
            path.display()
        ),
        TlsFault::NoAuthorities => {
            "E-DLM-TLS: the system has no certificates to trust; nothing is lost, products wait. \
                                    Fix: install ca-certificates, or set ca_file"
                .into()
        }
        TlsFault::Library(error) => format!("E-DLM-TLS: {error}"),
    })
}
