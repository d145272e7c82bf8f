//! A broker's refusals, one by one: what each means, whether time heals it, what to do.

use model::text::safe;

use super::fault::Names;

/// What to tell about one reply code.
#[derive(Debug)]
pub(super) struct Advice {
    /// The stable code.
    pub(super) code: &'static str,
    /// Whether it goes away without a change of configuration.
    pub(super) heals: bool,
    /// Fits behind "the AMQP broker at HOST …".
    pub(super) what: String,
    /// What a person can do.
    pub(super) fix: String,
}

fn heals(code: &'static str, what: &str, fix: &str) -> Advice {
    Advice { code, heals: true, what: what.into(), fix: fix.into() }
}

fn stays(code: &'static str, what: String, fix: impl Into<String>) -> Advice {
    Advice { code, heals: false, what, fix: fix.into() }
}

/// The advice for a refusal with this code and these words.
pub(super) fn of(code: u16, text: &str, names: &Names) -> Advice {
    match code {
        320 => heals(
            "E-SINK-BROKEN",
            "ended the connection",
            "none if it is restarting or somebody closed the connection; else see its log",
        ),
        311 | 406 => stays("E-SINK-REFUSED", "does not take a message as it is".into(), "see its log"),
        403 if text.contains("Login was refused") || text.contains("login refused") => login(names),
        403 => access(text, names),
        404 => missing(names),
        402 | 530 => host(text, names),
        501..=505 => stays(
            "E-SINK-PROTOCOL",
            "and this program do not understand each other".into(),
            "see the broker's log, and report it if the broker is one of AMQP 0-9-1",
        ),
        506 | 541 => heals("E-SINK-BROKER", "has trouble of its own", "see its log"),
        _ => stays("E-SINK-REFUSED", "refuses".into(), "see its log"),
    }
}

fn login(names: &Names) -> Advice {
    stays(
        "E-SINK-LOGIN",
        format!("does not let the user {} in", safe(names.user.as_bytes())),
        "correct user and password in the sink's url; the user guest may only come from the broker's own machine",
    )
}

/// `access to exchange 'x' in vhost 'y' refused for user 'z'`.
fn access(text: &str, names: &Names) -> Advice {
    let user = safe(names.user.as_bytes());
    if text.contains("vhost") && !text.contains("exchange") {
        return host(text, names);
    }
    let exchange = if names.exchange.is_empty() { "amq.default" } else { &names.exchange };
    stays(
        "E-SINK-NOPERM",
        format!("does not let the user {user} write to the exchange {}", safe(exchange.as_bytes())),
        format!(
            "on the broker, rabbitmqctl set_permissions -p {} {user} CONFIGURE WRITE READ with a WRITE that matches {}",
            safe(names.vhost.as_bytes()),
            safe(exchange.as_bytes())
        ),
    )
}

fn missing(names: &Names) -> Advice {
    stays(
        "E-SINK-NOEXCHANGE",
        format!(
            "has no exchange {} in the vhost {}",
            safe(names.exchange.as_bytes()),
            safe(names.vhost.as_bytes())
        ),
        "start what declares it, or correct exchange (and the vhost in the url); nothing is declared from here",
    )
}

/// The virtual host is not there, or not for us, or full.
fn host(text: &str, names: &Names) -> Advice {
    let (host, user) = (safe(names.vhost.as_bytes()), safe(names.user.as_bytes()));
    // A name may hold any of the words that are looked for.
    let quoted = |name: &str| format!("'{name}'");
    let text = text.replace(&quoted(&names.vhost), "").replace(&quoted(&names.user), "");
    let text = text.replace(&format!("vhost {} not found", names.vhost), "");
    if text.contains("limit") {
        return heals(
            "E-SINK-LIMIT",
            "has as many connections as it allows",
            "close some, or raise the limit of the vhost or the user",
        );
    }
    if text.contains("down") {
        return heals("E-SINK-BROKER", "has the vhost, but it is down", "see its log");
    }
    if text.contains("refused") {
        return stays(
            "E-SINK-VHOST",
            format!("does not let the user {user} into the vhost {host}"),
            format!("on the broker, rabbitmqctl set_permissions -p {host} {user} \"\" \".*\" \"\""),
        );
    }
    stays(
        "E-SINK-VHOST",
        format!("has no vhost {host}"),
        "correct the vhost in the sink's url (all behind the first /; nothing means the vhost /), or add it with rabbitmqctl \
         add_vhost",
    )
}

#[cfg(test)]
mod tests {
    use config::Secret;

    use super::*;

    fn names(vhost: &str, user: &str) -> Names {
        Names {
            server: "h:1".into(),
            user: user.into(),
            password: Secret::new("p"),
            vhost: vhost.into(),
            exchange: "x".into(),
        }
    }

    #[test]
    fn what_a_vhost_is_called_says_nothing_about_it() {
        for (vhost, user) in [("/", "u"), ("downloads", "u"), ("limits", "refused"), ("refused", "down")] {
            let names = names(vhost, user);
            let missing = of(530, &format!("NOT_ALLOWED - vhost {vhost} not found"), &names);
            assert!(missing.what == format!("has no vhost {vhost}") && !missing.heals, "{missing:?}");
            let refused = format!("NOT_ALLOWED - access to vhost '{vhost}' refused for user '{user}'");
            let (plain, full, down) = (
                of(530, &refused, &names),
                of(530, &format!("{refused}: connection limit (1) is reached"), &names),
                of(530, &format!("{refused}: vhost '{vhost}' is down"), &names),
            );
            assert!(plain.what.starts_with("does not let") && !plain.heals, "{plain:?}");
            assert!(full.code == "E-SINK-LIMIT" && full.heals, "{full:?}");
            assert!(down.code == "E-SINK-BROKER" && down.heals, "{down:?}");
        }
    }
}
