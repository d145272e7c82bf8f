//! How a double is made.

use std::time::Duration;

use super::Dlm;
use super::contract::{Contract, Flavour};
use super::desk::{Desk, Manners};

/// How long a copy takes unless a test says something else: long enough to be seen running.
const COPYING: Duration = Duration::from_millis(50);

/// How a double shall be.
#[derive(Clone, Debug)]
pub struct Builder {
    flavour: Flavour,
    manners: Manners,
    usual: bool,
}

impl Default for Builder {
    fn default() -> Self {
        let manners = Manners { token: None, latency: Duration::ZERO, copying: COPYING };
        Self { flavour: Flavour::default(), manners, usual: false }
    }
}

impl Builder {
    /// Which version of the services it stands for; otherwise the newest state of their repository.
    #[must_use]
    pub fn flavour(mut self, flavour: Flavour) -> Self {
        self.flavour = flavour;
        self
    }

    /// Answers 401 to whoever does not send this as a bearer token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.manners.token = Some(token.to_owned());
        self
    }

    /// Makes each answer take this long.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.manners.latency = latency;
        self
    }

    /// Makes each copy take this long; otherwise 50 ms.
    #[must_use]
    pub fn copying(mut self, copying: Duration) -> Self {
        self.manners.copying = copying;
        self
    }

    /// Knows the location `SKA-DEV` and the storage `dlm-archive`, as before the first start of a watcher.
    #[must_use]
    pub fn usual_state(mut self) -> Self {
        self.usual = true;
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> Dlm {
        let dlm = Dlm::open(Desk::new(Contract::of(self.flavour), self.manners));
        if self.usual {
            dlm.add_location("SKA-DEV");
            dlm.add_storage("dlm-archive", "/dlm-archive", "SOLID");
        }
        dlm
    }
}
