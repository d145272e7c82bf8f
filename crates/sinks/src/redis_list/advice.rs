//! Redis's error replies, one by one: what each means, whether time heals it, what to do.

use super::fault::Names;

/// What to tell about one error reply.
#[derive(Debug)]
pub(super) struct Advice {
    /// The stable code.
    pub(super) code: &'static str,
    /// Whether it goes away without a change of configuration.
    pub(super) heals: bool,
    /// Fits behind "redis at HOST …".
    pub(super) what: String,
    /// What a person can do.
    pub(super) fix: String,
}

fn heals(code: &'static str, what: &str, fix: &str) -> Advice {
    Advice { code, heals: true, what: what.into(), fix: fix.into() }
}

fn stays(code: &'static str, what: String, fix: String) -> Advice {
    Advice { code, heals: false, what, fix }
}

/// The advice for an error reply with this code and these words.
pub(super) fn of(code: &str, text: &str, names: &Names) -> Advice {
    passing(code).or_else(|| lasting(code, names)).unwrap_or_else(|| general(text, names))
}

/// Replies that time heals.
fn passing(code: &str) -> Option<Advice> {
    Some(match code {
        "READONLY" => heals(
            "E-SINK-READONLY",
            "refuses writes: it is a replica (a failover?)",
            "none while a failover runs, the name is resolved anew for each try; else point the sink's url at the primary",
        ),
        "OOM" => heals(
            "E-SINK-OOM",
            "has reached its maxmemory and takes no new entries",
            "let consumers drain the lists, or raise maxmemory",
        ),
        "LOADING" => {
            heals("E-SINK-LOADING", "is loading its data from disk", "none, it answers when it is through")
        }
        "BUSY" => heals(
            "E-SINK-BUSY",
            "is busy with a script",
            "wait for the script, or end it with redis-cli SCRIPT KILL (FUNCTION KILL)",
        ),
        "MASTERDOWN" => heals(
            "E-SINK-MASTERDOWN",
            "is a replica that has lost its primary and may not answer with old data",
            "bring the primary back, or point the sink's url at it",
        ),
        "NOREPLICAS" => heals(
            "E-SINK-NOREPLICAS",
            "has fewer good replicas than min-replicas-to-write asks for",
            "bring the replicas back, or lower min-replicas-to-write",
        ),
        "MISCONF" => heals(
            "E-SINK-MISCONF",
            "cannot save its data to disk and therefore refuses writes",
            "free space or repair the permissions in redis's directory; its log says more",
        ),
        "CLUSTERDOWN" => {
            heals("E-SINK-CLUSTERDOWN", "belongs to a cluster that is down", "repair the cluster")
        }
        "TRYAGAIN" | "ASK" => {
            heals("E-SINK-TRYAGAIN", "is moving the key to another node", "none, it ends by itself")
        }
        "EXECABORT" => heals("E-SINK-EXECABORT", "discarded the transaction", "see redis's log"),
        _ => return None,
    })
}

/// Replies that only a person heals.
fn lasting(code: &str, names: &Names) -> Option<Advice> {
    let Names { user, key, command, .. } = names;
    Some(match code {
        "WRONGTYPE" => stays(
            "E-SINK-WRONGTYPE",
            format!("has something under the key {key}{} that is of another type", names.or_counter()),
            format!(
                "look at it with redis-cli TYPE {key}, then rename or delete it, or give the sink another key"
            ),
        ),
        "NOPERM" => stays(
            "E-SINK-NOPERM",
            format!("does not allow the user {user} to push to {key}"),
            format!(
                "redis-cli ACL SETUSER {user} +{command}{} +llen +ping ~{key}{}",
                names.counter_commands(),
                names.counter_key()
            ),
        ),
        "NOAUTH" => stays(
            "E-SINK-NOAUTH",
            "wants a password and the sink has none".into(),
            "put it into the url (redis://user:password@host) by way of url_file or ${VAR}".into(),
        ),
        "WRONGPASS" => stays(
            "E-SINK-WRONGPASS",
            format!("does not know the user {user} with this password"),
            format!(
                "correct the url's user and password (percent-encoded), or redis-cli ACL SETUSER {user} on …"
            ),
        ),
        "DENIED" => stays(
            "E-SINK-DENIED",
            "is in protected mode and lets no other machine in".into(),
            "set a password or an ACL user on the server, or connect over loopback".into(),
        ),
        "MOVED" => stays(
            "E-SINK-MOVED",
            format!("belongs to a cluster and keeps the key {key} on another node"),
            "point the sink's url at the node that redis names".into(),
        ),
        "CROSSSLOT" => stays(
            "E-SINK-CROSSSLOT",
            format!("belongs to a cluster and keeps {key} and {} in different slots", names.counter_name()),
            "give both the same hash tag, for example {stage1}:queue and {stage1}:counter".into(),
        ),
        _ => return None,
    })
}

/// The replies that all begin with `ERR`, told apart by their words.
fn general(text: &str, names: &Names) -> Advice {
    let text = text.to_ascii_lowercase();
    let has = |words: &str| text.contains(words);
    if has("max number of clients") {
        return heals("E-SINK-CLIENTS", "takes no more clients", "close idle clients, or raise maxclients");
    }
    if has("db index") {
        return stays(
            "E-SINK-DATABASE",
            "has no database of that number".into(),
            "correct the number at the end of the sink's url, or raise databases on the server".into(),
        );
    }
    if has("without any password") || has("no password is set") {
        return stays(
            "E-SINK-NOPASSWORD",
            "has no password set, but the url holds one".into(),
            "remove the password from the url, or set requirepass on the server".into(),
        );
    }
    if has("not an integer") || has("would overflow") {
        return stays(
            "E-SINK-COUNTER",
            format!("has something under the counter {} that cannot be counted up", names.counter_name()),
            format!(
                "redis-cli DEL {0} or redis-cli SET {0} 0, or give the sink another counter",
                names.counter_name()
            ),
        );
    }
    if has("unknown command") {
        return stays(
            "E-SINK-COMMAND",
            format!(
                "does not know a command that the sink needs ({}, AUTH, MULTI, EXEC, INCRBY)",
                names.command.to_uppercase()
            ),
            "check rename-command in the server's configuration, or whether it is Redis at all".into(),
        );
    }
    heals("E-SINK-REDIS", "refuses", "see redis's log")
}

impl Names {
    fn counter_name(&self) -> &str {
        self.counter.as_deref().unwrap_or("the counter")
    }

    fn or_counter(&self) -> String {
        self.counter.as_ref().map_or_else(String::new, |counter| format!(" or {counter}"))
    }

    fn counter_commands(&self) -> &'static str {
        if self.counter.is_some() { " +multi +exec +discard +incrby +decrby" } else { "" }
    }

    fn counter_key(&self) -> String {
        self.counter.as_ref().map_or_else(String::new, |counter| format!(" ~{counter}"))
    }
}
