//! Two starts at the same time.

use std::fs;

use testkit::{Process, wait_until};

use crate::stage::{STEP, Stage, runs, stranger};

#[test]
fn of_two_starts_at_once_one_wins_and_the_other_names_it() {
    let stage = Stage::new();
    let mut stranger = stranger(&stage);
    for round in 0..20 {
        if round % 2 == 1 {
            // What an earlier one left behind, with a number that is somebody else's by now.
            fs::write(stage.pid_file(), format!("{}\n", stranger.id())).unwrap();
        }
        let out = stage.landing.out("");
        let mut both = [(); 2].map(|()| Process::spawn("start", &out, &mut stage.start_command()));
        let codes = both.each_mut().map(|process| process.wait_exit(STEP).code());
        stage.remember();
        let said = both.each_ref().map(Process::stderr);
        let loser = match codes {
            [Some(0), Some(1)] => &said[1],
            [Some(1), Some(0)] => &said[0],
            other => panic!("round {round}: {other:?}\n{said:?}"),
        };
        let winner = stage.pid().expect("the winner's number");
        assert!(runs(winner), "round {round}");
        assert!(loser.contains(&format!("process {winner} ")), "round {round}: not {winner}: {loser}");
        stage.by_pid_file(&["stop"]).assert_code(0);
        wait_until(STEP, "its end", || !runs(winner));
        assert!(stranger.is_running());
    }
}
