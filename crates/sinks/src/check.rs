//! Whether a sink would work, found out without a delivery: for `staithe check` and `doctor`.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use config::{MirrorSink, ScribeLog, SinkKind, SinkPlan};
use model::text::safe;
use rustix::fs::{Access, access};

use crate::blocking::Bench;
use crate::file_fault::FileFault;
use crate::journal::Hands;
use crate::plugin;
use crate::registry::build;

/// A sentence about what would keep the sink from delivering now; `None` when all is well.
///
/// Nothing is created, written or pushed. It takes no longer than the sink's timeout.
pub async fn check(plan: &SinkPlan) -> Option<String> {
    let text = match &plan.kind {
        SinkKind::Queue(_) | SinkKind::Stdout => return None,
        // Nothing is started.
        SinkKind::Plugin(plugin) => plugin::look(plugin)?,
        SinkKind::Jsonl(jsonl) => check_file(jsonl.path.clone(), plan).await?,
        SinkKind::Scribe(scribe) => match &scribe.log {
            ScribeLog::Stdout => return None,
            ScribeLog::File(path) => check_file(path.clone(), plan).await?,
        },
        SinkKind::Mirror(mirror) => {
            let (name, mirror) = (plan.name.clone(), MirrorSink::clone(mirror));
            let looked =
                Bench::new(()).run(plan.timeout, move |()| crate::mirror::look_at(&name, &mirror)).await;
            looked.unwrap_or_else(|why| Some(crate::mirror::silent(why, plan.timeout)))?
        }
        SinkKind::RedisList(_) | SinkKind::Dlm(_) | SinkKind::Celery(_) | SinkKind::Amqp(_) => {
            match build(plan, &Hands::in_memory()) {
                Ok(mut sink) => sink.ping().await.err()?.to_string(),
                Err(error) => return Some(error.to_string()),
            }
        }
    };
    Some(format!("sink \"{}\": {text}", plan.name))
}

async fn check_file(path: PathBuf, plan: &SinkPlan) -> Option<String> {
    let look = path.clone();
    let looked = Bench::new(()).run(plan.timeout, move |()| look_at(&look)).await;
    let fault = looked.unwrap_or_else(|why| Err(FileFault::NoAnswer(why, plan.timeout))).err()?;
    Some(fault.trouble(&path).to_string())
}

/// Whether the file could be appended to or, where it does not exist, created.
fn look_at(path: &Path) -> Result<(), FileFault> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() || meta.file_type().is_char_device() => {
            OpenOptions::new().read(true).append(true).open(path).map(drop).map_err(FileFault::Io)
        }
        Ok(_) => Err(FileFault::NoFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => look_at_parents(path),
        Err(error) => Err(FileFault::Io(error)),
    }
}

/// The nearest directory that exists must take new entries.
fn look_at_parents(path: &Path) -> Result<(), FileFault> {
    let mut parents = path.ancestors().skip(1);
    let here = OsStr::from_bytes(b".");
    let nearest = parents.find(|parent| parent.as_os_str().is_empty() || parent.exists());
    let nearest = nearest.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(here));
    if !nearest.is_dir() {
        return Err(FileFault::Io(rustix::io::Errno::NOTDIR.into()));
    }
    access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        let text = format!("{error} in {}", safe(nearest.as_os_str().as_bytes()));
        FileFault::Denied(text)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::{Format, JsonlSink, Push, RedisSink, Secret};
    use tempfile::TempDir;
    use testkit::redis::Redis;

    use super::*;

    fn plan(kind: SinkKind) -> SinkPlan {
        SinkPlan {
            name: "met".into(),
            kind,
            format: Format::CloudEvents,
            max_attempts: 0,
            timeout: Duration::from_secs(5),
        }
    }

    fn file(path: &Path) -> SinkPlan {
        plan(SinkKind::Jsonl(JsonlSink { path: path.to_owned() }))
    }

    fn redis(url: &str) -> SinkPlan {
        plan(SinkKind::RedisList(RedisSink {
            url: Secret::new(url),
            key: b"k".to_vec(),
            counter: None,
            push: Push::Left,
            ca_file: None,
            client_cert: None,
        }))
    }

    #[tokio::test]
    async fn files_are_looked_at_and_left_alone() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a/b/c.jsonl");
        assert_eq!(check(&file(&path)).await, None);
        assert!(!dir.path().join("a").exists());
        assert_eq!(check(&file(Path::new("new.jsonl"))).await, None);
        assert!(check(&file(dir.path())).await.unwrap().starts_with("sink \"met\": E-SINK-PATH"));
        std::fs::write(dir.path().join("plain"), b"x").unwrap();
        assert_eq!(check(&file(&dir.path().join("plain"))).await, None);
        assert!(check(&file(&dir.path().join("plain/below"))).await.is_some());
        assert_eq!(std::fs::read(dir.path().join("plain")).unwrap(), b"x");
    }

    #[tokio::test]
    async fn servers_are_asked_without_a_push() {
        let mut server = Redis::start();
        assert_eq!(check(&redis(&server.url())).await, None);
        server.run("SET k text");
        let text = check(&redis(&server.url())).await.unwrap();
        assert!(text.starts_with("sink \"met\": E-SINK-WRONGTYPE"), "{text}");
        server.stop();
        assert!(check(&redis(&server.url())).await.unwrap().contains("E-SINK-UNREACHABLE"));
        assert!(check(&redis("redis://:hunter2@h:0")).await.is_some_and(|text| !text.contains("hunter2")));
    }
}
