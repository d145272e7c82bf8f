//! Asking the rules about a unit, answering their questions, and announcing.

use std::collections::BTreeMap;
use std::rc::Rc;

use model::Reason;
use settle::companion::Ask;
use settle::{Answer, Beside, Questions, Rule, Step, Stir, Tree, View, WriterFact};

use super::looks::{companion, dataset, survey};
use super::{
    Announcement, Candidate, Engine, Found, Job, Judged, Known, Member, POLL, State, Waiting, mono, ms,
    nanos, new_unit, sample, single, stamp, text,
};
use crate::world::{Content, Fact, Print, WALL, World};

/// One unit while its rule is asked.
struct Inquiry<'a> {
    unit: &'a str,
    rule: &'a Rule,
    /// What was asked of the inspector, and found.
    before: Questions,
    surveyed: bool,
    answers: Vec<Answer>,
    dear: Questions,
    writer: WriterFact,
}

/// What a unit looks like.
struct Seen {
    content: Content,
    print: Print,
    since: u64,
}

impl Engine {
    pub(super) fn walk_jobs(&mut self, world: &World) {
        for (unit, waiting) in &mut self.waiting {
            let rule = &self.rules.rules[waiting.rule];
            let Some(job) = waiting.job.as_mut().filter(|job| job.found.is_none() && job.walk <= world.now)
            else {
                continue;
            };
            let mut found = Found { view: View::default(), content: Content::new(), answers: Vec::new() };
            if let State::Tree(_) = &waiting.state {
                let ask_first = &job.ask_first;
                found.content = dataset(world, &self.rules, waiting.rule, unit);
                found.view = survey(world, unit, &found.content, self.mode.leases, ask_first);
            }
            for at in job.questions.asked() {
                found.answers.push((at, companion(world, unit, rule, &rule.completion.asks[at])));
            }
            job.found = Some(found);
        }
    }

    pub(super) fn judge(&mut self, world: &mut World, unit: &str) -> Result<Option<Candidate>, String> {
        let now = world.now;
        let Some(mut waiting) = self.waiting.remove(unit) else { return Ok(None) };
        if let Some(scan) = self.scan.filter(|_| !self.mode.deaf)
            && !matches!(waiting.state, State::File(_))
        {
            // A part of the tree proves nothing.
            waiting.next = scan.max(now + 1);
            self.waiting.insert(unit.to_owned(), waiting);
            return Ok(None);
        }
        // Of a dataset it is for `settle` to say that a survey is out of date.
        let is_tree = matches!(waiting.state, State::Tree(_));
        if let Some(job) = &mut waiting.job
            && job.number < waiting.heard
        {
            waiting.jobs_in_a_row = 0;
            job.found = job.found.take().map(|found| Found { answers: Vec::new(), ..found });
            if !is_tree || job.done > now {
                waiting.job = None;
            }
        }
        if let Some(job) = &waiting.job
            && job.done > now
        {
            waiting.next = job.done;
            self.waiting.insert(unit.to_owned(), waiting);
            return Ok(None);
        }
        let candidate = self.judge_now(world, unit, &mut waiting)?;
        match candidate {
            Judged::Nothing => Ok(None),
            Judged::Wait => {
                self.waiting.insert(unit.to_owned(), waiting);
                Ok(None)
            }
            Judged::Complete(candidate) => {
                waiting.next = now;
                self.waiting.insert(unit.to_owned(), waiting);
                Ok(Some(candidate))
            }
        }
    }

    fn judge_now(&mut self, world: &mut World, unit: &str, waiting: &mut Waiting) -> Result<Judged, String> {
        let rules = Rc::clone(&self.rules);
        let rule = &rules.rules[waiting.rule];
        let job = waiting.job.take();
        let Some(seen) = self.see(world, unit, waiting, job.as_ref()) else { return Ok(Judged::Nothing) };
        let asks = &rule.completion.asks;
        let found = job.as_ref().and_then(|job| job.found.as_ref());
        let mut answers = vec![Answer::NotAsked; asks.len()];
        for (at, answer) in found.iter().flat_map(|found| &found.answers) {
            answers[*at] = answer.clone();
        }
        let dear_bit =
            |(at, ask): (usize, &Ask)| if matches!(ask, Ask::Metadata(_) | Ask::Whole) { 1 << at } else { 0 };
        let is_tree = matches!(waiting.state, State::Tree(_));
        let before = job.as_ref().map_or(Questions::NONE, |job| job.questions);
        let mut inquiry = Inquiry {
            unit,
            rule,
            before,
            surveyed: found.is_some() && before.writer,
            answers,
            dear: Questions { writer: is_tree, asks: asks.iter().enumerate().map(dear_bit).sum() },
            writer: WriterFact::NotAsked,
        };
        for _ in 0..40 {
            let step = self.step(world, waiting, &inquiry);
            if !matches!(step, Step::Ask(_)) {
                waiting.jobs_in_a_row = 0;
            }
            match step {
                Step::Complete(signals) if signals.iter().next().is_none() => {
                    return Err(format!("{unit} is complete without evidence"));
                }
                Step::Complete(_) if seen.content.is_empty() || self.is_nothing_new(unit, &seen.content) => {
                    // At its deadline no member of the group is complete, or none that was not before.
                    waiting.next = world.now + 30_000;
                    return Ok(Judged::Wait);
                }
                Step::Complete(_) => {
                    let Seen { content, print, since } = seen;
                    let (unit, heard) = (unit.to_owned(), waiting.heard);
                    return Ok(Judged::Complete(Candidate { unit, heard, since, content, print }));
                }
                Step::Wait { again, reason, .. } => {
                    waiting.next = ms(again);
                    waiting.blocking = match reason {
                        Reason::WaitingMembers { blocking, .. } if is_tree => blocking,
                        _ => Vec::new(),
                    };
                    return Ok(Judged::Wait);
                }
                Step::Overdue { again, .. } => {
                    match &mut waiting.state {
                        State::Tree(tree) => tree.mark_overdue(),
                        State::Group(group) => group.mark_overdue(),
                        State::File(_) => return Err(format!("the file {unit} is overdue")),
                    }
                    waiting.next = ms(again);
                    world.log(Fact::Overdue { unit: unit.to_owned() });
                    return Ok(Judged::Wait);
                }
                Step::Ask(questions) => {
                    let later = self.answer(world, waiting, &mut inquiry, questions)?;
                    if !later.is_none() {
                        self.give_job(world.now, waiting, &inquiry, later)?;
                        return Ok(Judged::Wait);
                    }
                }
            }
        }
        Err(format!("{unit} is asked without end"))
    }

    fn step(&self, world: &World, waiting: &mut Waiting, inquiry: &Inquiry<'_>) -> Step {
        let rule = &inquiry.rule.completion;
        let beside = Beside { answers: &inquiry.answers, dear: inquiry.dear, ..Beside::NOTHING };
        let (now, wall) = (Self::tick(world.now, self.number), stamp(WALL + world.now));
        match &mut waiting.state {
            State::File(file) => file.judge(rule, inquiry.writer, beside, now, wall),
            State::Tree(tree) => tree.judge(rule, !self.mode.deaf, inquiry.surveyed, beside, now, wall),
            State::Group(group) => group.judge(rule, beside, now, wall),
        }
    }

    /// A look at it. Nothing: it is gone, or as it was announced.
    fn see(&mut self, world: &World, unit: &str, waiting: &mut Waiting, job: Option<&Job>) -> Option<Seen> {
        let now = world.now;
        let mut since = job.map_or(now, |job| job.asked);
        let mut content = Content::new();
        let mut print = Print { size: 0, mtime: 0, inode: 0 };
        match &mut waiting.state {
            State::File(file) => {
                let Some(seen) = world.print(unit) else {
                    self.known.remove(unit);
                    return None;
                };
                (content, print) = (single(seen), seen);
                if self.known.get(unit).is_some_and(|known| known.content == content) {
                    return None;
                }
                let inode = world.inode(unit).expect("the inode of a name");
                file.look(sample(&seen, &inode), mono(now));
            }
            State::Tree(tree) => {
                let found = job.filter(|job| job.questions.writer).and_then(|job| job.found.as_ref());
                if let Some(found) = found {
                    tree.look(found.view.clone(), Self::tick(since, job.map_or(0, |job| job.number)));
                }
                if let Some(found) = found.filter(|found| !found.view.partial) {
                    content.clone_from(&found.content);
                    let view = &found.view;
                    print = Print { size: view.size, mtime: nanos(view.newest_mtime), inode: view.fold };
                    if content.is_empty() || self.is_nothing_new(unit, &content) {
                        return None;
                    }
                }
            }
            State::Group(group) => {
                if let Some(next) = self.scan {
                    // Without events only scans tell of new members.
                    since = since.min(next.saturating_sub(POLL));
                }
                for path in group.members().map(text) {
                    if let Some(sample) = group.member(path.as_bytes()) {
                        let (size, mtime) = (sample.size, nanos(sample.mtime));
                        content.insert(path, Print { size, mtime, inode: sample.inode });
                    }
                }
                let view = group.view(true);
                print = Print { size: view.size, mtime: nanos(view.newest_mtime), inode: view.fold };
                if view.open == 0 && self.is_nothing_new(unit, &content) {
                    return None;
                }
            }
        }
        Some(Seen { content, print, since })
    }

    /// Answers what can be answered at once; returns what is left to a job.
    fn answer(
        &mut self,
        world: &World,
        waiting: &Waiting,
        inquiry: &mut Inquiry<'_>,
        questions: Questions,
    ) -> Result<Questions, String> {
        let Inquiry { unit, rule, .. } = *inquiry;
        if questions.is_none() {
            return Err(format!("{unit} asks for nothing"));
        }
        let mut later = Questions::NONE;
        if questions.writer && inquiry.dear.writer {
            later.writer = true;
        } else if questions.writer {
            if inquiry.writer != WriterFact::NotAsked {
                return Err(format!("{unit} asks for its writer again"));
            }
            inquiry.writer = self.probe(world, unit);
        }
        for at in questions.asked() {
            let ask = &rule.completion.asks[at];
            if inquiry.answers[at] != Answer::NotAsked {
                return Err(format!("{unit} asks for answer {at} again"));
            }
            let known = match &waiting.state {
                State::Group(group) => group.answer(ask),
                _ => None,
            };
            match known {
                Some(answer) => inquiry.answers[at] = answer,
                None if inquiry.dear.asks >> at & 1 == 1 => later.asks |= 1 << at,
                None => inquiry.answers[at] = companion(world, unit, rule, ask),
            }
        }
        Ok(later)
    }

    fn give_job(
        &mut self,
        now: u64,
        waiting: &mut Waiting,
        inquiry: &Inquiry<'_>,
        later: Questions,
    ) -> Result<(), String> {
        waiting.jobs_in_a_row += 1;
        if waiting.jobs_in_a_row > 6 {
            return Err(format!("{} asks for ever: {later:?}", inquiry.unit));
        }
        let writer = later.writer || inquiry.before.writer;
        let questions = Questions { writer, asks: later.asks | inquiry.before.asks };
        // Some directories are large.
        let most = if self.rng.chance(20) { 8_000 } else { 800 };
        let walk = now + self.rng.below(most) as u64;
        let done = walk + self.rng.below(800) as u64;
        let number = self.count();
        // Who was surveyed a moment ago and asks again wants to see everything.
        let ask_first = if inquiry.surveyed { Vec::new() } else { waiting.blocking.clone() };
        waiting.job = Some(Job { number, asked: now, walk, done, questions, ask_first, found: None });
        waiting.next = walk.max(now + 1);
        Ok(())
    }

    /// Less than what was announced, or the same.
    fn is_nothing_new(&mut self, unit: &str, content: &Content) -> bool {
        let Some(known) = self.known.get_mut(unit) else { return false };
        let same = content.iter().all(|(path, print)| known.content.get(path) == Some(print));
        if same {
            known.content.clone_from(content);
        }
        same
    }

    pub(super) fn admit(&mut self, world: &mut World, candidate: Candidate) {
        let Some(waiting) = self.waiting.get(&candidate.unit) else { return };
        if waiting.heard != candidate.heard {
            return;
        }
        let rule = waiting.rule;
        let mut samples = BTreeMap::new();
        if let State::Group(group) = &waiting.state {
            let stale: Vec<String> = group
                .members()
                .map(text)
                .filter(|path| {
                    let sample = group.member(path.as_bytes());
                    let now = world.print(path).map(|print| (print.size, print.inode, stamp(print.mtime)));
                    let writes = self.probe(world, path) == WriterFact::Open;
                    sample.is_some_and(|sample| {
                        writes || now != Some((sample.size, sample.inode, sample.mtime))
                    })
                })
                .collect();
            if !stale.is_empty() {
                self.look_at_members_again(world, &candidate.unit, rule, &stale);
                return;
            }
            for path in group.members() {
                group.member(path).into_iter().for_each(|sample| {
                    samples.insert(text(path), sample);
                });
            }
        }
        let waiting = self.waiting.remove(&candidate.unit).expect("the unit");
        if matches!(&waiting.state, State::Tree(tree) if !tree.is_fresh()) {
            // At its deadline, though it goes on changing: what was heard since is the next generation.
            let tree = Tree::new(Stir::Changed, mono(world.now), stamp(WALL + world.now));
            let mut next = Waiting::new(State::Tree(tree), rule);
            next.next = world.now + 1;
            self.waiting.insert(candidate.unit.clone(), next);
        }
        if matches!(&waiting.state, State::Group(group) if group.view(true).open > 0) {
            // Announced at its deadline as it is; its other members go on.
            self.waiting.insert(candidate.unit.clone(), waiting);
            if let Some(waiting) = self.waiting.get_mut(&candidate.unit) {
                waiting.next = world.now + 30_000;
            }
        }
        let Candidate { unit, since, content, print, .. } = candidate;
        let logged = world.log.len();
        world.log(Fact::Announced { unit: unit.clone(), content: content.clone() });
        self.known.insert(unit.clone(), Known { content: content.clone(), samples });
        self.announced.push(Announcement { unit, rule, content, print, since, at: world.now, logged });
    }

    fn look_at_members_again(&mut self, world: &mut World, unit: &str, rule: usize, stale: &[String]) {
        for path in stale {
            if world.files.contains_key(path) {
                let waiting = self.group(unit, rule, world.now);
                let State::Group(group) = &mut waiting.state else { continue };
                group.member_waits(path.as_bytes(), mono(world.now));
                let (group, unit) = (unit.to_owned(), new_unit(None, world.now));
                self.members.insert(path.clone(), Member { unit, group, next: world.now });
            } else {
                self.member_is_gone(path, unit, world.now);
            }
        }
    }
}
