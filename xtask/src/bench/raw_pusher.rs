//! Lines of standard input into a Redis list: whatever one read gave goes out as one RPUSH. With
//! the raw reader before it, the least that any program of this kind must do.

use std::io::Read as _;
use std::time::Duration;

use testkit::resp::{Connection, Reply};

/// The most values of one RPUSH.
const VALUES: usize = 1_000;

/// Pushes until standard input ends.
pub(crate) fn run(port: u16, key: &str) -> anyhow::Result<()> {
    let mut connection = Connection::open(("127.0.0.1", port), Duration::from_mins(1))?;
    let mut input = std::io::stdin().lock();
    let mut buffer = vec![0; 1 << 20];
    let mut held = 0;
    loop {
        let count = input.read(&mut buffer[held..])?;
        if count == 0 {
            return Ok(());
        }
        held += count;
        let Some(end) = buffer[..held].iter().rposition(|&byte| byte == b'\n') else { continue };
        push(&mut connection, key, &buffer[..end])?;
        buffer.copy_within(end + 1..held, 0);
        held -= end + 1;
    }
}

fn push(connection: &mut Connection, key: &str, lines: &[u8]) -> anyhow::Result<()> {
    let lines: Vec<&[u8]> = lines.split(|&byte| byte == b'\n').collect();
    for values in lines.chunks(VALUES) {
        let mut words = vec![b"RPUSH", key.as_bytes()];
        words.extend(values);
        if let Reply::Error(text) = connection.command(&words)? {
            anyhow::bail!("redis refused: {text}");
        }
    }
    Ok(())
}
