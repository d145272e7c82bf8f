//! What a survey and a manifest of 100 000 members cost in processor time and memory:
//! `cargo run --release -p inspect --example reading [MEMBERS]`.

use std::fmt::Write as _;
use std::fs;

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
        writeln!(list, "{}  table{:03}/table.f{number}", blake3::hash(b"content"), number / 500)?;
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
        let begun = processor_ms()?;
        let found = survey(place, &SurveyRequest { probe, ..SurveyRequest::default() }, &|| false)?;
        println!("survey, {what}: {} members in {} ms; {}", found.count, processor_ms()? - begun, memory()?);
    }
    Ok(())
}

fn manifests(place: &Place<'_>) -> Outcome {
    let mut checked = Checked::default();
    let request = ManifestRequest {
        file: b"B3SUMS".to_vec(),
        style: Style::Auto,
        own_line: false,
        extras: Extras::Refuse,
        ignore: &|_| false,
        threads: 2,
        bytes_per_second: None,
    };
    for what in ["first", "again"] {
        let begun = processor_ms()?;
        let answer = verify_manifest(place, &request, &mut checked, &|_| (), &|| false)?;
        let spent = processor_ms()? - begun;
        println!("manifest, {what}: {} good of {} in {spent} ms; {}", answer.good, answer.total, memory()?);
    }
    Ok(())
}

/// Processor time of all threads so far, in steps of 10 ms.
fn processor_ms() -> Result<u64, Box<dyn std::error::Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    Ok(fields.map(str::parse::<u64>).sum::<Result<u64, _>>()? * 10)
}

fn memory() -> Result<String, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    Ok(format!("{} {}", line("VmRSS"), line("VmHWM")).replace('\t', " "))
}
