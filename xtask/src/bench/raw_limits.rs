//! What the disk and the Redis server can do at all.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::resp::{Connection, Reply};

use super::figure::{Figure, median};

/// The bytes of a record and of a value.
const RECORD: usize = 120;
/// What is written beforehand, so that a flush need not write the file's length.
const ROOM: usize = 128 << 20;
/// How long the disk is measured.
const TIME: Duration = Duration::from_secs(2);

/// Appends records to a journal and flushes each group of them.
pub(crate) fn flush(group: usize, folder: &str) -> anyhow::Result<()> {
    let path = Path::new(folder).join("journal");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
    let block = vec![0; 1 << 20];
    for number in 0..ROOM / block.len() {
        file.write_all_at(&block, (number * block.len()) as u64)?;
    }
    file.sync_all()?;
    let records = vec![b'j'; RECORD * group];
    let begun = Instant::now();
    let (mut took, mut place) = (Vec::new(), 0);
    while begun.elapsed() < TIME && place + records.len() <= ROOM {
        let start = Instant::now();
        file.write_all_at(&records, place as u64)?;
        file.sync_data()?;
        took.push(start.elapsed().as_secs_f64() * 1e6);
        place += records.len();
    }
    print(took.len() * group, begun.elapsed(), took);
    Ok(())
}

/// Pushes values, a group with each command.
pub(crate) fn push(group: usize, port: u16, values: usize) -> anyhow::Result<()> {
    // One at a time is far slower.
    let values = if group == 1 { values / 20 } else { values };
    let mut connection = Connection::open(("127.0.0.1", port), Duration::from_mins(1))?;
    let value = [b'v'; RECORD];
    let mut words: Vec<&[u8]> = vec![b"RPUSH", b"limit"];
    words.extend(std::iter::repeat_n(&value[..], group));
    let begun = Instant::now();
    let mut took = Vec::new();
    for _ in 0..values / group {
        let start = Instant::now();
        if let Reply::Error(text) = connection.command(&words)? {
            anyhow::bail!("redis refused: {text}");
        }
        took.push(start.elapsed().as_secs_f64() * 1e6);
    }
    print(took.len() * group, begun.elapsed(), took);
    Ok(())
}

fn print(units: usize, time: Duration, took: Vec<f64>) {
    let rate = units as f64 / time.as_secs_f64();
    let half = median(took).unwrap_or(0.0);
    println!("{}", json!({ Figure::PerSecond.heading(): rate, Figure::UnitUs.heading(): half }));
}
