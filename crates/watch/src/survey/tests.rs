use super::*;

fn visit(dir: &[u8], name: &[u8]) -> Job {
    let name = name.into();
    Job { dir: dir.to_vec(), tasks: vec![Task::Visit { id: DirId::ROOT, name, want: Want::Listing }] }
}

fn look(dir: &[u8]) -> Job {
    Job {
        dir: dir.to_vec(),
        tasks: vec![Task::Look { id: DirId::ROOT, name: (*b"file").into(), asked: Mono::ZERO }],
    }
}

/// So many scanners run; this one went to the place so long ago that it may be stuck.
fn stuck_at(place: &[u8], running: usize) -> Jobs {
    let since = Instant::now().checked_sub(SUSPECT).unwrap();
    let at = HashMap::from([(7, (place.to_vec(), since))]);
    Jobs { at, running, ..Jobs::default() }
}

fn places(jobs: &mut Jobs) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| jobs.take()).map(|job| job.place()).collect()
}

#[test]
fn nobody_is_sent_to_where_one_is_stuck_and_everybody_else_goes_on() {
    let mut jobs = stuck_at(b"a/bad", 1);
    jobs.todo.extend([look(b"a/bad"), visit(b"a", b"bad"), visit(b"a/bad", b"below"), look(b"a/bad/x")]);
    jobs.todo.extend([visit(b"a", b"badly"), look(b"a"), visit(b"", b"."), visit(b"", b"b")]);
    assert_eq!(places(&mut jobs), [&b"a/badly"[..], b"a", b"", b"b"]);
    assert_eq!(jobs.put_off.len(), 4);
}

#[test]
fn what_was_put_off_is_done_when_it_comes_back() {
    let mut jobs = stuck_at(b"bad", 1);
    jobs.todo.push_back(look(b"bad"));
    assert_eq!(places(&mut jobs).len(), 0);
    assert!(jobs.goes(7, Some(b"elsewhere".to_vec())), "it was stuck");
    assert_eq!(places(&mut jobs), [b"bad"]);
    assert!(!jobs.goes(7, None), "it was not");
}

#[test]
fn another_takes_the_place_of_one_that_is_stuck() {
    let mut jobs = stuck_at(b"bad", 4);
    assert_eq!(jobs.missing(4), 0, "nothing to do");
    jobs.todo.extend([look(b"a"), look(b"b"), look(b"c")]);
    assert_eq!(jobs.missing(4), 1);
    jobs.idle = 3;
    assert_eq!(jobs.missing(4), 0, "they only have to wake up");
    (jobs.idle, jobs.running) = (0, MOST);
    assert_eq!(jobs.missing(MOST + 1), 0, "there is an end");
}
