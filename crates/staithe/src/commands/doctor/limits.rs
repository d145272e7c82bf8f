//! Numbers of the kernel in, findings out.

use sys::limits::Limit;

use super::finding::{Finding, bad, count, good, note};

/// A kernel limit for each user, and who uses it.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// The limit that is met first; nothing if it cannot be read.
    pub(super) limit: Option<Limit>,
    /// What other programs of this user hold.
    pub(super) used: u64,
    /// The biggest of these: name, process, how many.
    pub(super) users: Vec<(String, u32, u64)>,
}

/// How much of it the sources need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    pub(super) number: u64,
    /// The count was broken off: there are more.
    pub(super) at_least: bool,
}

/// A watch holds so much memory of the kernel (measured on ext4).
const BYTES_PER_WATCH: u64 = 1312;
/// So many watches are always worth having.
const WATCHES: u64 = 65_536;
/// How many instances are always worth having.
const INSTANCES: u64 = 128;
/// How many queued events are always worth having.
const QUEUE: u64 = 16_384;
/// How many descriptors the daemon should be allowed.
const DESCRIPTORS: u64 = 4096;

impl Held {
    fn biggest(&self) -> String {
        let named: Vec<String> = self
            .users
            .iter()
            .filter(|(_, _, held)| *held > 0)
            .take(3)
            .map(|(name, pid, held)| format!("{name}[{pid}] {held}"))
            .collect();
        if named.is_empty() { String::new() } else { format!(" (most: {})", named.join(", ")) }
    }
}

/// A value that will not have to be raised again soon.
fn roomy(needed: u64, least: u64) -> u64 {
    needed.saturating_mul(2).checked_next_power_of_two().unwrap_or(needed).max(least)
}

fn sysctl(knob: &str, value: u64) -> String {
    format!(
        "sudo sysctl -w {knob}={value}; keep it: echo '{knob} = {value}' | sudo tee -a /etc/sysctl.d/60-staithe.conf"
    )
}

fn unreadable(code: &'static str, knob: &str) -> Finding {
    bad(code, format!("{knob} cannot be read, so it is not known how much can be watched"), "mount /proc")
}

/// Whether all directories can be watched. `need` is nothing when no configuration was given.
pub(super) fn watches(held: &Held, need: Option<Need>) -> Finding {
    const CODE: &str = "E-WATCH-LIMIT";
    let Some(Limit { name: knob, value: have }) = held.limit else {
        return unreadable(CODE, "fs.inotify.max_user_watches");
    };
    let used = held.used;
    let held = format!("{used} held by other programs of this user{}", held.biggest());
    let Some(need) = need else {
        let text = format!("{knob} = {have}; {held}");
        return if have.saturating_sub(used) >= WATCHES / 8 {
            good(CODE, text)
        } else {
            let fix = sysctl(knob, roomy(used, WATCHES));
            bad(CODE, format!("{text}; directories beyond it are polled: nothing is lost, only later"), fix)
        };
    };
    let total = need.number + used;
    let needed = count(need.number, "watch", "watches");
    let needed = format!("{}{needed} needed for the sources", if need.at_least { "at least " } else { "" });
    if total <= have {
        return good(CODE, format!("{knob} = {have}; {needed}, {held}"));
    }
    let polled = (total - have).min(need.number);
    let value = roomy(total, WATCHES);
    let memory = value.min(total) * BYTES_PER_WATCH / (1 << 20) + 1;
    bad(
        CODE,
        format!(
            "{knob} = {have}; {needed}, {held}: {} will be polled at poll_interval instead. Nothing is lost, new \
             files there are only found later",
            count(polled, "directory", "directories")
        ),
        format!("{} (the watches needed hold about {memory} MiB of kernel memory)", sysctl(knob, value)),
    )
}

/// Whether each source that hears gets its inotify instance.
pub(super) fn instances(held: &Held, needed: u64) -> Finding {
    const CODE: &str = "E-INOTIFY-INSTANCES";
    let Some(Limit { name: knob, value: have }) = held.limit else {
        return unreadable(CODE, "fs.inotify.max_user_instances");
    };
    let text = format!(
        "{knob} = {have}; {needed} needed for the sources, {} held by other programs of this user{}",
        held.used,
        held.biggest()
    );
    if needed.max(1) + held.used <= have {
        return good(CODE, text);
    }
    let fix = sysctl(knob, roomy(needed + held.used, INSTANCES));
    let text = format!(
        "{text}: a source without an instance is polled; the kernel then says \"too many open files\", which are \
         not meant. Nothing is lost, only later"
    );
    bad(CODE, text, fix)
}

/// Whether bursts fit into the kernel's queue.
pub(super) fn queue(have: Option<u64>) -> Finding {
    const CODE: &str = "W-OVERFLOW";
    let knob = "fs.inotify.max_queued_events";
    let Some(have) = have else { return unreadable(CODE, knob) };
    let text = format!("{knob} = {have}");
    if have >= QUEUE {
        return good(CODE, text);
    }
    let fix = format!("{}; then restart staithe, it is read at the start", sysctl(knob, QUEUE));
    bad(CODE, format!("{text} is low: a burst overflows it, and the tree is compared whole each time"), fix)
}

/// Whose descriptors were counted.
#[derive(Clone, Debug)]
pub(super) struct Descriptors {
    /// "the daemon (process 17)" or "a program started here".
    pub(super) whose: String,
    pub(super) used: u64,
    pub(super) hard: u64,
}

/// Whether there are descriptors enough; the soft limit does not matter, the daemon raises it.
pub(super) fn descriptors(limit: &Descriptors) -> Finding {
    const CODE: &str = "E-NOFILE";
    let Descriptors { whose, used, hard } = limit;
    let shown = if *hard == u64::MAX { "any number of".into() } else { hard.to_string() };
    let text = format!("{whose} may have {shown} descriptors and has {used}");
    if *hard >= DESCRIPTORS && *used < hard / 10 * 9 {
        return good(CODE, text);
    }
    let text = format!("{text}: directories cannot be opened beyond that and have to be walked again");
    bad(CODE, text, "LimitNOFILE=65536 in the [Service] section of the unit, or ulimit -Hn 65536")
}

/// What fanotify needs and has.
#[derive(Clone, Debug)]
pub(super) struct Fanotify {
    /// The sources that ask for it.
    pub(super) wanted: Vec<String>,
    /// Whose right it is.
    pub(super) whose: String,
    /// Whether that one may mark file systems.
    pub(super) capable: Option<bool>,
    pub(super) groups: Option<u64>,
    pub(super) queue: Option<u64>,
}

/// Whether the sources that ask for fanotify get it.
pub(super) fn fanotify(facts: &Fanotify) -> Finding {
    const CODE: &str = "E-FANOTIFY";
    let shown = |value: Option<u64>| value.map_or_else(|| "unknown".into(), |value| value.to_string());
    let limits = format!(
        "fs.fanotify.max_user_groups = {}, max_queued_events = {} (not for those with CAP_SYS_ADMIN)",
        shown(facts.groups),
        shown(facts.queue)
    );
    if facts.wanted.is_empty() {
        return good(CODE, format!("no source asks for fanotify; {limits}"));
    }
    let sources = facts.wanted.join(", ");
    match facts.capable {
        Some(true) => {
            good(CODE, format!("{} may mark file systems (asked for by {sources}); {limits}", facts.whose))
        }
        Some(false) => bad(
            CODE,
            format!(
                "fanotify is asked for by {sources}, and {} lacks CAP_SYS_ADMIN (in the machine's own user \
                 namespace): inotify is used instead. Nothing is lost",
                facts.whose
            ),
            "AmbientCapabilities=CAP_SYS_ADMIN CAP_DAC_READ_SEARCH in the [Service] section of the unit, or backend = \"auto\"",
        ),
        None => note(
            CODE,
            format!("fanotify is asked for by {sources}; whether it is allowed cannot be read"),
            "mount /proc",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(value: u64, used: u64) -> Held {
        let limit = Limit { name: "fs.inotify.max_user_watches", value };
        Held { limit: Some(limit), used, users: vec![("code".into(), 31, used)] }
    }

    fn need(number: u64) -> Need {
        Need { number, at_least: false }
    }

    #[test]
    fn watches_that_suffice_are_well() {
        assert!(watches(&held(8192, 7192), Some(need(1000))).ok);
        assert!(watches(&held(65_536, 0), None).ok);
        assert!(!watches(&held(8192, 8000), None).ok, "hardly any are left");
        assert!(!watches(&Held::default(), None).ok, "nobody knows");
    }

    #[test]
    fn watches_that_do_not_suffice_are_counted() {
        let found = watches(&held(8192, 7193), Some(need(91_000)));
        assert!(!found.ok);
        for part in
            ["= 8192", "91 000 watches needed", "7193 held", "code[31] 7193", "90 001 directories will be"]
        {
            assert!(found.text.contains(part), "{part}: {}", found.text);
        }
        let fix = found.fix.unwrap_or_default();
        assert!(fix.contains("sudo sysctl -w fs.inotify.max_user_watches=262144"), "{fix}");
        let few = watches(&held(100, 0), Some(need(1001))).fix.unwrap_or_default();
        assert!(few.contains("max_user_watches=65536"), "{few}");
        // Others alone fill it: no more are polled than there are.
        assert!(watches(&held(10, 100), Some(need(5))).text.contains("5 directories will be"));
    }

    #[test]
    fn the_limit_of_a_namespace_is_named_by_its_own_name() {
        let limit = Limit { name: "user.max_inotify_watches", value: 100 };
        let found = watches(
            &Held { limit: Some(limit), ..Held::default() },
            Some(Need { number: 1000, at_least: true }),
        );
        assert!(found.text.contains("user.max_inotify_watches = 100"), "{}", found.text);
        assert!(found.text.contains("at least 1 000 watches"), "{}", found.text);
        assert!(found.fix.unwrap_or_default().contains("user.max_inotify_watches=65536"));
    }

    #[test]
    fn instances_are_one_for_each_source() {
        assert!(instances(&held(128, 126), 2).ok);
        let full = instances(&held(128, 127), 2);
        assert!(!full.ok && full.fix.unwrap_or_default().contains("=512;"));
        assert!(!instances(&held(0, 0), 0).ok, "not even one");
    }

    #[test]
    fn small_queues_and_few_descriptors_are_told() {
        assert!(queue(Some(16_384)).ok && !queue(Some(512)).ok && !queue(None).ok);
        let of = |used, hard| descriptors(&Descriptors { whose: "the daemon".into(), used, hard }).ok;
        assert!(of(10, 4096) && of(10, u64::MAX) && !of(10, 1024) && !of(4000, 4096));
    }

    #[test]
    fn fanotify_matters_only_where_it_is_asked_for() {
        let facts = |wanted: &[&str], capable| {
            let wanted = wanted.iter().map(|name| (*name).to_owned()).collect();
            let whose = "the daemon".into();
            fanotify(&Fanotify { wanted, whose, capable, groups: Some(128), queue: None })
        };
        assert!(facts(&[], Some(false)).ok && facts(&["a"], Some(true)).ok);
        let refused = facts(&["a", "b"], Some(false));
        assert!(!refused.ok && refused.text.contains("a, b") && refused.text.contains("CAP_SYS_ADMIN"));
    }
}
