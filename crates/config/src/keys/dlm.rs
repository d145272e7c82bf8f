//! The keys of a sink of the SKA DLM services.

use super::{DURATION, FLAG, Key, MAX_ATTEMPTS, REQUIRED, Section, TEXT, key};

const URL: &str = "URL";
const FILE: &str = "file";

const TIMEOUT: Key = key(
    "timeout",
    DURATION,
    "`\"1m\"`",
    "How long one request may take. With `access_check` the server logs in to this host at each registration.",
);

/// `type = "dlm"`.
pub(crate) const DLM: Section = Section {
    title: "`[sink.NAME]` with `type = \"dlm\"`",
    about: "The SKA Data Lifecycle Management services. Each file or dataset is a data product: it is registered with the \
            ingest service as items of a storage, and the migration service is asked to copy it to another one.\n\n\
            A product is registered once under its name, so its rule should wait until it is whole: `complete = \
            \"data-product\"`, with `late = \"ignore\"`. Groups, removals and gaps are no products. There is no `format`: \
            what is sent are the services' own requests.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"dlm\"`"),
        key(
            "url",
            URL,
            "none",
            "Where all four services are, behind one gateway: their paths begin with `/ingest`, `/request`, `/storage` and \
             `/migration`, and are appended as they are. `http://` or `https://`, no user and no password: see \
             `token_file`.",
        ),
        key("ingest_url", URL, "`url`, or `\"http://dlm_ingest:8001\"`", "Where the ingest service is."),
        key("request_url", URL, "`url`, or `\"http://dlm_request:8002\"`", "Where the request service is."),
        key("storage_url", URL, "`url`, or `\"http://dlm_storage:8003\"`", "Where the storage service is."),
        key(
            "migration_url",
            URL,
            "`url`, or `\"http://dlm_migration:8004\"`",
            "Where the migration service is.",
        ),
        key(
            "storage",
            TEXT,
            REQUIRED,
            "The name of the storage that the items are registered on: this host's directory, as the services know it. \
             It is made if there is none of that name.",
        ),
        key(
            "root",
            "directory",
            "the source's path",
            "The directory that the storage stands for. Items are named by their path below it. The sources that deliver \
             here must lie at or below it; if they are several with different paths, it must be given.",
        ),
        key(
            "target",
            TEXT,
            "`\"dlm-archive\"`",
            "The name of the storage that they are copied to; it must be there already.",
        ),
        key("register_only", FLAG, "`false`", "Whether nothing is copied; then there is no `target`."),
        key(
            "follow_copies",
            FLAG,
            "`true`",
            "Whether the outcome of each copy is asked for, and a copy that has failed is asked for again.",
        ),
        key(
            "access_check",
            FLAG,
            "`true`",
            "Whether the server checks at each registration that it can reach the storage.",
        ),
        key("parallel", "integer from 1 to 64", "`8`", "How many products are under way at once."),
        key(
            "dialect",
            "`\"main\"`, `\"2.1\"`, `\"2.0\"`",
            "`\"main\"`",
            "Which version of the original watcher's requests are sent.",
        ),
        key(
            "strict",
            FLAG,
            "`false`",
            "Whether its mistakes are made too, where the server can tell: the first child copied twice, wrong sizes of \
             children, pauses.",
        ),
        key(
            "host",
            TEXT,
            "the system's host name",
            "The host that the services log in to, to fetch the data.",
        ),
        key("user", TEXT, "`\"ska-dlm\"`", "The user that they log in as."),
        key(
            "authorized_keys",
            FILE,
            "none",
            "The file that the services' public key is added to, once, so that they can log in.",
        ),
        key(
            "location",
            TEXT,
            "`\"SKA-DEV\"`",
            "The name of the storage's location; it is made if there is none.",
        ),
        key("location_type", TEXT, "`\"local-dev\"`", "Its type."),
        key("country", TEXT, "`\"AU\"`", "Its country."),
        key("city", TEXT, "`\"Perth\"`", "Its city."),
        key("facility", TEXT, "`\"local\"`", "Its facility."),
        key(
            "status_file",
            FILE,
            "none",
            "A file that lists what was registered, in the original's form. It must not lie where a source would take it \
             for an arrival.",
        ),
        key(
            "reload_status_file",
            FLAG,
            "`false`",
            "Whether the services are asked for what the status file lists at the start before it is registered.",
        ),
        key(
            "token",
            TEXT,
            "none",
            "Sent as `Authorization: Bearer …` with each request. Keep it out of this file: `${VAR}` or `token_file`.",
        ),
        key("token_file", FILE, "none", "A file whose first line is the token."),
        key(
            "ca_file",
            FILE,
            "the system's authorities",
            "The certificates of a private authority, for `https`.",
        ),
        MAX_ATTEMPTS,
        TIMEOUT,
    ],
    later: &[],
};
