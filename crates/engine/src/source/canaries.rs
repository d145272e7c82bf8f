//! A short-lived file in each region proves that its events come, where the source allows one.

use std::time::Duration;

use settle::Mono;
use sys::{Dir, Errno};
use watch::{DirId, RegionId};

use super::Source;
use crate::notice::Notice;

/// Those that were let fly and not heard of yet.
#[derive(Debug, Default)]
pub(super) struct Canaries {
    flying: Vec<Canary>,
}

#[derive(Debug)]
struct Canary {
    name: String,
    region: RegionId,
    since: Mono,
    heard: bool,
}

/// Events that take longer than this do not come.
const PATIENCE: Duration = Duration::from_secs(2);

impl Canaries {
    /// Something happened to an entry of this name.
    pub(super) fn hear(&mut self, name: &[u8]) {
        for canary in &mut self.flying {
            canary.heard |= canary.name.as_bytes() == name;
        }
    }

    /// When the next one is given up.
    pub(super) fn next(&self) -> Option<Mono> {
        self.flying.iter().map(|canary| canary.since + PATIENCE).min()
    }
}

impl Source {
    /// Lets one fly in each region that is to be noticed by events.
    pub(super) fn fly_canaries(&mut self) {
        if !self.berth.plan.canary {
            return;
        }
        let now = self.now();
        let heard = |id: &DirId| self.watcher.tree().is_watched(*id);
        let points = self.watcher.regions().into_iter().filter(|region| region.ear.is_some());
        let points: Vec<Vec<u8>> = points.map(|region| region.point.clone()).collect();
        for point in points {
            let Some(dir) = self.watcher.tree().at(&point).filter(heard) else { continue };
            let name = format!(".staithe-canary-{}-{}.tmp", std::process::id(), now.as_nanos());
            // By its path, as producers come: on the descriptor by which the watch was made it would be
            // heard also where a server gives a directory another identity each time.
            let root = Dir::open_root(&self.berth.plan.path);
            let open = root.and_then(|root| root.open_below(&point));
            let region = self.watcher.tree().region(dir);
            // Where none can be made nothing is proved and nothing refuted.
            match open.and_then(|open| open.make_short_lived(name.as_bytes())) {
                Ok(()) => self.canaries.flying.push(Canary { name, region, since: now, heard: false }),
                Err(error) => self.tell_of_no_canary(&point, error),
            }
        }
    }

    fn tell_of_no_canary(&self, point: &[u8], error: Errno) {
        let (source, path) = (self.berth.plan.name.as_str(), self.absolute(point));
        let error = error.to_string();
        self.berth.observer.notice(&Notice::NoCanary { source, path: &path, error });
    }

    /// What was not heard of in time shows that events do not come.
    pub(super) fn count_canaries(&mut self) {
        let now = self.now();
        let flying = std::mem::take(&mut self.canaries.flying);
        let (given_up, flying) = flying
            .into_iter()
            .filter(|canary| !canary.heard)
            .partition(|canary| canary.since + PATIENCE <= now);
        self.canaries.flying = flying;
        for Canary { region, .. } in given_up {
            self.watcher.distrust(region, "a file made here raised no event");
            let distrusted = self.watcher.region_of(region).cloned();
            if let Some(region) = distrusted {
                self.tell_distrust(&region);
            }
            self.tell_of_regions();
        }
    }

    pub(super) fn tell_distrust(&self, region: &watch::Region) {
        let (source, why) = (self.berth.plan.name.as_str(), region.why.clone().unwrap_or_default());
        let path = self.absolute(&region.point);
        self.berth.observer.notice(&Notice::Distrusted {
            source,
            path: &path,
            backend: region.backend(),
            why,
        });
    }
}
