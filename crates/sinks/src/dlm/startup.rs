//! What is arranged with the services before the first product: in the original's order, and no more.

use std::path::PathBuf;

use config::DlmSink;
use products::wire::{self, Location, Request, SftpRemote, SourceStorage};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::client::Client;
use super::fault::{Fault, unclear};
use super::keys;
use super::rows::{self, StorageRow};
use super::shop::{query_target, storage_name};
use crate::journal::Hands;
use crate::sink::Trouble;

/// What start-up found out.
#[derive(Debug)]
pub(crate) struct Arranged {
    /// The id of the storage that items are registered on.
    pub(crate) storage_id: String,
    /// The target storage, where the dialect asks for it at start.
    pub(crate) target: Option<StorageRow>,
}

/// Runs the sequence. Nothing in it is harmful when it is done twice.
pub(crate) async fn arrange(client: &Client, plan: &DlmSink, hands: &Hands) -> Result<Arranged, Trouble> {
    run(client, plan, hands).await.map_err(Fault::into_trouble)
}

async fn run(client: &Client, plan: &DlmSink, hands: &Hands) -> Result<Arranged, Fault> {
    let location_id = location(client, plan).await?;
    if let Some(file) = &plan.authorized_keys {
        let key = ask_id(client, &wire::get_ssh_public_key()).await?;
        authorize(file.clone(), key, plan, hands).await;
    }
    let storage_id = storage(client, plan, &location_id, hands).await?;
    configure(client, plan, &storage_id, hands).await?;
    let target = match (&plan.target, plan.dialect) {
        (Some(target), config::DlmDialect::Main) => Some(query_target(client, target).await?),
        _ => None,
    };
    Ok(Arranged { storage_id, target })
}

async fn ask_id(client: &Client, request: &Request) -> Result<String, Fault> {
    let answer = client.ask(request).await?;
    rows::id(&answer).ok_or_else(|| unclear(request, "no text"))
}

async fn location(client: &Client, plan: &DlmSink) -> Result<String, Fault> {
    let place = &plan.place;
    let answer = client.ask(&wire::query_location(&place.location)).await?;
    if let Some(id) = rows::only_location(&answer) {
        return Ok(id);
    }
    if !answer.is_array() {
        return Err(Fault::Person(format!(
            "E-DLM-LOCATION: the storage service answered query_location with {} instead of a list; nothing is lost, \
             products wait. Fix: see that storage_url leads to the storage service",
            short(&answer)
        )));
    }
    let location = Location {
        name: &place.location,
        kind: &place.location_type,
        country: &place.country,
        city: &place.city,
        facility: &place.facility,
    };
    ask_id(client, &wire::init_location(&location)).await
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

/// A key that cannot be stored keeps the services from fetching data; they say so when they try.
async fn authorize(file: PathBuf, key: String, plan: &DlmSink, hands: &Hands) {
    let (always, user) = (plan.strict, plan.place.user.clone());
    let shown = file.display().to_string();
    let done = spawn_blocking(move || {
        keys::authorize(&file, &key, always)?;
        keys::share(&file, &user)
    });
    if let Ok(Err(error)) = done.await {
        (hands.remark)(&format!(
            "W-DLM-KEY: cannot add the services' key to {shown}: {error}; products are registered, but their copies fail \
             where the services log in here with that key. Fix: make {shown} writable, or add the key by hand"
        ));
    }
}

async fn storage(client: &Client, plan: &DlmSink, location_id: &str, hands: &Hands) -> Result<String, Fault> {
    let request = match &plan.storage {
        Some(name) => wire::query_storage(name),
        // As the original does without a name: whichever storage comes first.
        None => Request { query: Vec::new(), ..wire::query_storage("") },
    };
    let answer = client.ask(&request).await?;
    let found = rows::storages(&answer).ok_or_else(|| unclear(&request, "no list of storages"))?;
    let root = plan.root.as_deref().and_then(|root| root.to_str());
    if let Some(row) = found.into_iter().next() {
        if let (Some(here), Some(there)) = (root, &row.root)
            && here.trim_end_matches('/') != there.trim_end_matches('/')
        {
            (hands.remark)(&format!(
                "W-DLM-ROOT: the services know storage \"{}\" with the root {there}, but products lie below {here}; the \
                 services will look for them in the wrong place. Fix: use another storage name, or correct the storage",
                storage_name(plan)
            ));
        }
        return Ok(row.id);
    }
    let root = root.ok_or_else(|| {
        Fault::Person(
            "E-DLM-ROOT: the storage must be made, and its root directory is not known or not UTF-8; nothing is lost, \
             products wait. Fix: set root"
                .into(),
        )
    })?;
    let storage = SourceStorage {
        name: storage_name(plan),
        root_directory: root,
        location_id,
        location_name: &plan.place.location,
    };
    ask_id(client, &wire::init_storage(&storage)).await
}

async fn configure(client: &Client, plan: &DlmSink, storage_id: &str, hands: &Hands) -> Result<(), Fault> {
    let question = wire::get_storage_config(storage_id);
    let known = client.ask(&question).await?;
    let known = known.as_array().ok_or_else(|| unclear(&question, "no list of configurations"))?;
    let host = plan.place.host.clone().unwrap_or_else(host_name);
    let remote = SftpRemote { name: storage_name(plan), host: &host, user: &plan.place.user };
    let request = if known.is_empty() {
        wire::create_storage_config(storage_id, &remote)
    } else {
        wire::rclone_config(&remote)
    };
    let answer = client.ask(&request).await?;
    if known.is_empty() && !answer.is_boolean() && rows::id(&answer).is_none() && !plan.strict {
        // Without a configuration nothing could be registered, and nobody would look at it again.
        return Err(unclear(&request, "no id"));
    }
    if answer == Value::Bool(false) {
        (hands.remark)(&format!(
            "W-DLM-RCLONE: the services' rclone refused the configuration of storage \"{}\"; copies may fail. \
             Fix: see the storage service's log",
            storage_name(plan)
        ));
    }
    Ok(())
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
