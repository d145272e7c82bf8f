#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
use model::*;
use rusqlite::*;
use std::time::Instant;
fn cpu() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mode = a[1].as_str();
    let page: u32 = a[2].parse().unwrap();
    let batch: usize = a[3].parse().unwrap();
    let n: usize = a[4].parse().unwrap();
    let ckpt: u32 = a[5].parse().unwrap();
    let cache: i32 = a[6].parse().unwrap();
    let dir = tempfile::tempdir_in(a.get(7).map_or("/tmp", |s| s.as_str())).unwrap();
    let c = Connection::open(dir.path().join("l.db")).unwrap();
    c.execute_batch(&format!("PRAGMA page_size={page}; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint={ckpt}; PRAGMA cache_size=-{cache};
      CREATE TABLE g(seq INTEGER PRIMARY KEY, class INT, standing INT, path BLOB, id BLOB, size INT, mtime INT, inode INT, ctime INT, number INT, recurrence INT, supersedes BLOB, first INT, admitted INT, waited INT, absent INT, history TEXT);
      CREATE TABLE body(seq INTEGER PRIMARY KEY, body BLOB);
      CREATE TABLE px(key INT, seq INT, PRIMARY KEY(key, seq)) WITHOUT ROWID;
      CREATE TABLE pxa(key INT, seq INT); CREATE INDEX pxi ON pxa(key);
      CREATE TABLE tally(id INTEGER PRIMARY KEY, v INT); INSERT INTO tally VALUES(0,0);")).unwrap();
    c.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    let mut frozen = 0.0;
    let mut look = 0.0;
    let mut merge_t = 0.0;
    let mut commit_t = 0.0;
    let c0 = cpu();
    let w0 = Instant::now();
    let mut tail: std::collections::HashMap<i64, u64> = Default::default();
    let mut pend: Vec<(i64, u64)> = vec![];
    let mut frozenv: Vec<(i64, u64)> = vec![];
    let mut fpos = 0;
    let arrears = mode.contains('a');
    let sql = mode.contains('s');
    let lookup = mode.contains('l');
    let prof = mode.contains('p');
    let mut seq = 0u64;
    let mut sink = 0usize;
    while (seq as usize) < n {
        if sql {
            c.execute_batch("BEGIN IMMEDIATE").unwrap();
        }
        for _ in 0..batch {
            seq += 1;
            let path = format!("dir{:04}/some-file-name-{:07}.dat", seq % 100, seq).into_bytes();
            let key = PathKey::of(&path);
            let fp = Fingerprint {
                size: 1000 + seq,
                mtime: Stamp::new(1_700_000_000 + seq as i64, 123456789),
                inode: seq + 1000,
            };
            let t = if prof { cpu() } else { 0.0 };
            let id = Identity {
                site: "obs1",
                source: "stage1",
                path: &path,
                kind: Kind::File,
                fingerprint: fp,
                recurrence: 0,
            };
            let f = Event {
                identity: id,
                root: b"/data/stage1",
                time: Stamp::new(1_795_226_344, 123_456_789),
                generation: 1,
                supersedes: None,
                mode: 0o100644,
                rule: "bulletins",
                signals: SignalSet::EMPTY.with(Signal::Closed).with(Signal::WriterGone),
                waited_ms: 3,
                backend: "inotify",
                cause: Cause::Arrived,
            }
            .freeze();
            if prof {
                frozen += cpu() - t;
            }
            sink += f.body.len();
            if !sql {
                continue;
            }
            let t = if prof { cpu() } else { 0.0 };
            if lookup {
                let k = key.as_i64();
                if !tail.contains_key(&k) {
                    let mut s =
                        c.prepare_cached("SELECT seq FROM px WHERE key=?1 ORDER BY seq DESC").unwrap();
                    let mut r = s.query([k]).unwrap();
                    while let Some(row) = r.next().unwrap() {
                        sink += row.get::<_, i64>(0).unwrap() as usize;
                    }
                }
            }
            if prof {
                look += cpu() - t;
            }
            {
                let mut s = c.prepare_cached("INSERT INTO g(seq,class,standing,path,id,size,mtime,inode,ctime,number,recurrence,supersedes,first,admitted,waited,history) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)").unwrap();
                s.execute(params![
                    seq as i64,
                    1,
                    1,
                    &path[..],
                    &f.id.0[..],
                    fp.size as i64,
                    fp.mtime.as_nanos(),
                    fp.inode as i64,
                    fp.mtime.as_nanos() + 5,
                    1,
                    0,
                    None::<&[u8]>,
                    1_700_000_000_123_456_789i64,
                    1_700_000_000_123_466_789i64,
                    3,
                    "0 created\n3021877 closed\n3022000 writer gone\n"
                ])
                .unwrap();
                let mut s = c.prepare_cached("INSERT INTO body(seq,body) VALUES(?1,?2)").unwrap();
                s.execute(params![seq as i64, &f.body[..]]).unwrap();
            }
            if arrears {
                tail.insert(key.as_i64(), seq);
                pend.push((key.as_i64(), seq));
            } else {
                let mut s = c.prepare_cached("INSERT INTO px(key,seq) VALUES(?1,?2)").unwrap();
                s.execute(params![key.as_i64(), seq as i64]).unwrap();
            }
        }
        if sql {
            let t = if prof { cpu() } else { 0.0 };
            if arrears {
                if fpos == frozenv.len() && pend.len() >= 32768 {
                    frozenv = std::mem::take(&mut pend);
                    frozenv.sort_unstable();
                    fpos = 0;
                }
                if fpos < frozenv.len() {
                    let mut s = c.prepare_cached("INSERT OR IGNORE INTO px(key,seq) VALUES(?1,?2)").unwrap();
                    let to = (fpos + batch * 2).min(frozenv.len());
                    for &(k, q) in &frozenv[fpos..to] {
                        s.execute(params![k, q as i64]).unwrap();
                    }
                    fpos = to;
                    if fpos == frozenv.len() {
                        for (k, _) in &frozenv {
                            tail.remove(k);
                        }
                    }
                }
            }
            if prof {
                merge_t += cpu() - t;
            }
            let t = if prof { cpu() } else { 0.0 };
            let mut s = c.prepare_cached("UPDATE tally SET v=?1 WHERE id=0").unwrap();
            s.execute([seq as i64]).unwrap();
            c.execute_batch("COMMIT").unwrap();
            if prof {
                commit_t += cpu() - t;
            }
        }
    }
    let dc = cpu() - c0;
    let us = 1e6 / n as f64;
    println!(
        "{mode} page={page} batch={batch} n={n} ckpt={ckpt} cache={cache}: {:.2} us cpu, {:.2} us wall | freeze {:.2} look {:.2} merge {:.2} commit {:.2} db={} {}",
        dc * us,
        w0.elapsed().as_secs_f64() * us,
        frozen * us,
        look * us,
        merge_t * us,
        commit_t * us,
        std::fs::metadata(dir.path().join("l.db")).unwrap().len(),
        sink & 1
    );
}
