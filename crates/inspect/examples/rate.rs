//! How long a survey of 100 000 members takes, and how much memory:
//! `cargo run --release -p inspect --example rate [MEMBERS]`.

use std::fs;
use std::time::Instant;

use inspect::{Checked, Extras, ManifestRequest, Place, Style, SurveyRequest, survey, verify_manifest};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let members = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let scratch = tempfile::tempdir()?;
    let mut list = String::new();
    for number in 0..members {
        let dir = scratch.path().join(format!("unit/table{:03}", number / 500));
        if number % 500 == 0 {
            fs::create_dir_all(&dir)?;
        }
        fs::write(dir.join(format!("table.f{number}")), b"content")?;
        list += &format!("{}  table{:03}/table.f{number}\n", blake3::hash(b"content"), number / 500);
    }
    fs::write(scratch.path().join("unit/B3SUMS"), list)?;
    let root = sys::Dir::open_root(scratch.path())?;
    let place = Place { root: &root, path: b"unit" };
    println!("{members} members; {}", memory()?);
    surveys(&place)?;
    manifests(&place)
}

fn surveys(place: &Place<'_>) -> Outcome {
    for (what, probe) in
        [("stat", false), ("stat", false), ("stat and probe", true), ("stat and probe", true)]
    {
        let begun = Instant::now();
        let found = survey(place, &SurveyRequest { probe, ..SurveyRequest::default() }, &|| false)?;
        println!("survey, {what}: {} members in {:?}; {}", found.count, begun.elapsed(), memory()?);
    }
    Ok(())
}

fn manifests(place: &Place<'_>) -> Outcome {
    let mut checked = Checked::default();
    let request = ManifestRequest {
        file: b"B3SUMS".to_vec(),
        style: Style::Auto,
        extras: Extras::Refuse,
        ignore: &|_| false,
        threads: 2,
        bytes_per_second: None,
    };
    for what in ["first", "again"] {
        let begun = Instant::now();
        let answer = verify_manifest(place, &request, &mut checked, &|_| (), &|| false)?;
        println!(
            "manifest, {what}: {} good of {} in {:?}; {}",
            answer.good,
            answer.total,
            begun.elapsed(),
            memory()?
        );
    }
    Ok(())
}

fn memory() -> Result<String, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    Ok(format!("{} {}", line("VmRSS"), line("VmHWM")).replace('\t', " "))
}
