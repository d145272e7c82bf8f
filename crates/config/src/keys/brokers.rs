//! The keys of sinks that talk to message brokers.

use super::{DURATION, FORMAT, Key, MAX_ATTEMPTS, REQUIRED, Section, TEMPLATE, TEXT, TIMEOUT, key};

const URL_FILE: Key = key("url_file", "file", "this or `url`", "A file whose first line is the URL.");
const CLIENT_KEY: Key = key("client_key", "file", "none", "The client certificate's key.");

/// `type = "celery"`.
pub(crate) const CELERY: Section = Section {
    title: "`[sink.NAME]` with `type = \"celery\"`",
    about: "Tasks for Celery workers: each unit that arrived complete becomes one task, in Redis or an AMQP broker such as \
            RabbitMQ. Removals, gaps and events of a stream are no tasks. Nothing is declared at the broker: the workers do \
            that. Delivery is at least once, and a repeated task has the same id: tasks must bear being run twice.\n\n\
            Arguments are texts, numbers, flags, lists and tables. In texts, `{path}` (absolute), `{directory}` (of the path, \
            absolute), `{subject}` (relative to the source), `{name}`, `{root}`, `{id}`, `{source}`, `{site}`, `{type}`, \
            `{kind}`, `{rule}`, `{size}`, `{mtime}`, `{generation}`, `{count}` (of a dataset's or group's members), `{key}` (of \
            a group), `{StudyInstanceUID}` and `{SeriesInstanceUID}` (read from the first DICOM file of the unit) are replaced; \
            `{{` and `}}` are braces. A text that is nothing but `{size}`, `{generation}` or `{count}` becomes a number, and \
            one that is nothing but a field without a value becomes `null`.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"celery\"`"),
        key(
            "url",
            "URL",
            "this or `url_file`",
            "The broker. Redis: `redis://[user:password@]host[:port][/db]`, `rediss://…` for TLS, \
             `redis+unix:///path[?db=&user=&pass=]`. AMQP: `amqp://[user:password@]host[:port][/vhost]`, `amqps://…` for TLS, \
             with user, password and vhost percent-encoded. Keep passwords out of this file: `${VAR}` or `url_file`.",
        ),
        URL_FILE,
        key("task", TEXT, REQUIRED, "The registered name of the task, such as `app.tasks.import_dir`."),
        key("args", "list", "`[]`", "The task's positional arguments."),
        key(
            "kwargs",
            "table",
            "`{ dicom_dir = \"{path}\" }`; none with `args`",
            "Its named arguments; `{}` for none.",
        ),
        key("queue", TEXT, "`\"celery\"`", "The queue that the workers consume from (`celery worker -Q`)."),
        key(
            "exchange",
            TEXT,
            "Redis: the queue's name; AMQP: the default exchange",
            "The exchange that a message names (Redis) or is published to (AMQP).",
        ),
        key("routing_key", TEXT, "the queue's name", "The routing key."),
        key(
            "key_prefix",
            TEXT,
            "none",
            "What the workers' `global_keyprefix` puts in front of every key. Redis only.",
        ),
        key(
            "priority",
            "integer from 0 to 255",
            "none",
            "The message's priority. Redis: 0, 3, 6 or 9, and 0 is served first; AMQP: higher ones are served first, if the \
             queue was declared with priorities.",
        ),
        key(
            "expires",
            DURATION,
            "never",
            "Workers drop a task that they get later than so long after it was published.",
        ),
        key("delay", DURATION, "none", "Workers hold a task until so long after it was published."),
        key(
            "protocol",
            "`1`, `2`",
            "`2`",
            "How messages are laid out. Workers from Celery 3.1.25 on read both; `1` is for older ones.",
        ),
        key(
            "results",
            "URL",
            "none",
            "The workers' result backend, a Redis URL: `staithe explain` then says how a task ended. It is only read.",
        ),
        key("results_file", "file", "none", "A file whose first line is that URL."),
        key(
            "ca_file",
            "file",
            "the system's authorities",
            "The certificates of a private authority, for `rediss` and `amqps`.",
        ),
        key(
            "client_cert",
            "file",
            "none",
            "A client certificate, for `rediss` and `amqps`; needs `client_key`.",
        ),
        CLIENT_KEY,
        MAX_ATTEMPTS,
        TIMEOUT,
    ],
    later: &[],
};

/// `type = "amqp"`.
pub(crate) const AMQP: Section = Section {
    title: "`[sink.NAME]` with `type = \"amqp\"`",
    about: "An exchange of an AMQP 0-9-1 broker such as RabbitMQ gets the events themselves. A message counts as delivered when \
            the broker has confirmed it and could route it to a queue. Exchanges, queues and bindings are not made.",
    keys: &[
        key("type", TEXT, REQUIRED, "`\"amqp\"`"),
        key(
            "url",
            "URL",
            "this or `url_file`",
            "`amqp://[user:password@]host[:port][/vhost]`, `amqps://…` for TLS, with user, password and vhost percent-encoded. \
             Keep passwords out of this file: `${VAR}` or `url_file`.",
        ),
        URL_FILE,
        key(
            "exchange",
            TEXT,
            "`\"\"`",
            "The exchange; `\"\"`: the default one, which routes to the queue named by the key.",
        ),
        key(
            "routing_key",
            TEXT,
            REQUIRED,
            "The routing key, with the fields of a `celery` sink's arguments but for the UIDs, such as `\"{source}.{rule}\"`; dots in \
             their values become `_`.",
        ),
        key(
            "ca_file",
            "file",
            "the system's authorities",
            "The certificates of a private authority, for `amqps`.",
        ),
        key("client_cert", "file", "none", "A client certificate, for `amqps`; needs `client_key`."),
        CLIENT_KEY,
        FORMAT,
        TEMPLATE,
        MAX_ATTEMPTS,
        TIMEOUT,
    ],
    later: &[],
};
