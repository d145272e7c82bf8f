//! Six protocols of handing over a file, 500 files in a random mix, each hashed on receipt.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use testkit::chance::Chance;
use testkit::protocol::{Mix, Protocol, Written};
use testkit::{Judgement, Receipt, Truth, judge};

use crate::naive::TrustsEachClose;
use crate::watched::{Rule, Seen, Watched};
use crate::{ground, soon};

const FILES: usize = 500;
/// Longer than what is believed to be quiet, also where writers cannot be seen (two seconds).
const PAUSE: Duration = Duration::from_millis(2_200);
/// The quiet that other presets ask for; a link does not wait for it.
const QUIET: Duration = Duration::from_secs(1);
/// A writer that goes on after the link is looked after ever more rarely, but never so rarely.
const RARELY: Duration = Duration::from_secs(30);

/// The presets, one by several ways of noticing, and three rules that believe too much.
const RULES: [Rule; 8] = [
    Rule { source: r#"backend = "inotify""#, ..Rule::new("inotify", LOCAL) },
    Rule { source: r#"backend = "poll""#, ..Rule::new("poll", LOCAL) },
    Rule::new("sftp", r#"{ preset = "sftp", quiet = "1s" }"#),
    Rule::new("rsync", r#"{ preset = "rsync", quiet = "1s" }"#),
    Rule::new("scanner", SCANNER),
    Rule::new("closed", r#"{ any = ["closed"] }"#),
    Rule::new("appeared", r#"{ any = ["appeared"] }"#),
    Rule::new("quiet", r#"{ quiet = "1s" }"#),
];
/// The preset `scanner` with shorter bounds.
const SCANNER: &str =
    r#"{ all = ["closed", "writer_gone", { quiet = { least = "1s", most = "3s", factor = 3 } }] }"#;
const LOCAL: &str = r#""local""#;
/// A third way of noticing needs privileges.
const FANOTIFY: Rule = Rule { source: r#"backend = "fanotify""#, ..Rule::new("fanotify", LOCAL) };

struct Run {
    written: Written,
    seen: Seen,
    each_close: Vec<Receipt>,
}

/// One run for all tests.
static RUN: LazyLock<Run> = LazyLock::new(|| {
    let mut rules = RULES.to_vec();
    rules.extend(rustix::process::geteuid().is_root().then_some(FANOTIFY));
    let chance = Chance::from_environment();
    let mix =
        |root| Mix { root, files: FILES, folders: 4, pause: PAUSE, writers: 100, chance: chance.clone() };
    let watched = Watched::start(ground("protocols"), &rules, |landing| {
        let _folders = mix(landing.root()).prepare();
    });
    let mix = mix(watched.root());
    let naive = TrustsEachClose::start(&watched.root(), &mix.prepare());
    let written = mix.run();
    let each_close = naive.finish();
    let deadline = soon();
    for rule in &rules {
        watched.wait_for(rule.name, deadline, |receipts| paths(receipts).len() >= FILES);
    }
    Run { written, seen: watched.finish(0, deadline), each_close }
});

fn paths(receipts: &[Receipt]) -> BTreeSet<&[u8]> {
    receipts.iter().map(|receipt| &*receipt.path).collect()
}

impl Run {
    fn judged(&self, name: &str, receipts: &[Receipt]) -> Judgement {
        let judgement = judge(&self.written.truth, receipts);
        println!("{name}: {judgement}");
        judgement
    }

    fn under(&self, rule: &str) -> Judgement {
        self.judged(rule, self.seen.by(rule))
    }

    /// Of which protocols the paths in a list of offences are.
    fn protocols(&self, offences: &[String]) -> BTreeSet<Protocol> {
        let path = |offence: &String| offence.split(' ').next().unwrap_or_default().as_bytes().to_vec();
        offences.iter().map(|offence| self.written.protocols[&path(offence)]).collect()
    }

    /// Nothing wrong, nothing missing, nothing twice, and nothing had to be found by comparing.
    fn is_faithful(&self, rule: &str) {
        self.under(rule).assert_exact();
        assert_eq!(self.seen.number(rule, "found_by_scan_only"), 0);
        assert_eq!(self.seen.number(rule, "overflows"), 0);
        let delays = self.delays_of_links(rule);
        assert!(delays.lost.is_empty() && delays.delay(1.0) < RARELY, "{delays}");
    }

    /// How soon the files came that were linked to their names.
    fn delays_of_links(&self, rule: &str) -> Judgement {
        let is_linked = |path: &[u8]| self.written.protocols[path].links();
        let links = self.written.truth.published.iter().filter(|version| is_linked(&version.path));
        let ours = self.seen.by(rule).iter().filter(|receipt| is_linked(&receipt.path));
        let judgement =
            judge(&Truth { published: links.cloned().collect() }, &ours.cloned().collect::<Vec<Receipt>>());
        println!("{rule}, links only: {judgement}");
        judgement
    }
}

#[test]
fn a_linked_file_waits_neither_for_a_scan_nor_for_quiet() {
    for rule in ["inotify", "sftp", "rsync"] {
        let delays = RUN.delays_of_links(rule);
        // Half of them are finished when they are linked, and only one look is needed.
        assert!(delays.receipts >= FILES / 3 - 1 && delays.delay(0.5) < QUIET / 2, "{delays}");
    }
}

#[test]
fn inotify_announces_six_protocols_whole_and_once() {
    RUN.is_faithful("inotify");
}

#[test]
fn fanotify_announces_six_protocols_whole_and_once() {
    if rustix::process::geteuid().is_root() {
        RUN.is_faithful("fanotify");
    } else {
        eprintln!("SKIPPED: only root may watch a whole file system");
    }
}

#[test]
fn other_presets_announce_six_protocols_whole_and_once() {
    for preset in ["sftp", "rsync", "scanner"] {
        RUN.is_faithful(preset);
    }
}

/// Between two passes nothing is heard: new times that came after the announcement may be a change, so
/// the same content may come again. It never comes early.
#[test]
fn polling_announces_six_protocols_whole() {
    let judgement = RUN.under("poll");
    assert!(judgement.early.is_empty() && judgement.lost.is_empty(), "{judgement}");
    assert!(judgement.unknown.is_empty() && judgement.repeated.is_empty(), "{judgement}");
}

/// The control: the same files, announced at each close.
#[test]
fn a_receiver_that_trusts_each_close_is_wrong() {
    let judgement = RUN.judged("each close", &RUN.each_close);
    let (lost, early) = (RUN.protocols(&judgement.lost), RUN.protocols(&judgement.early));
    let never_closed = [Protocol::Renamed, Protocol::Linked, Protocol::Unnamed];
    assert!(never_closed.iter().all(|protocol| lost.contains(protocol)), "{judgement}");
    assert!(early.contains(&Protocol::Preallocated), "{judgement}");
}

/// Our own rule `closed` alone: it loses nothing, since what cannot be heard is replaced, but it
/// believes the first of two closes.
#[test]
fn the_rule_closed_alone_is_early() {
    let judgement = RUN.under("closed");
    assert_eq!(RUN.protocols(&judgement.early), [Protocol::Preallocated].into(), "{judgement}");
}

#[test]
fn the_rule_appeared_alone_is_early() {
    let early = RUN.protocols(&RUN.under("appeared").early);
    let in_place = [Protocol::Unnamed, Protocol::Slow, Protocol::Preallocated, Protocol::Dated];
    assert_eq!(early, in_place.into());
}

#[test]
fn a_quiet_time_shorter_than_a_pause_is_early() {
    let judgement = RUN.under("quiet");
    assert!(RUN.protocols(&judgement.early).contains(&Protocol::Slow), "{judgement}");
}
