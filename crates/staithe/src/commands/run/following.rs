//! The files of a configuration: read, and read again when they hold something else.

use std::path::{Path, PathBuf};

use config::Reading;
use settle::Mono;

use crate::commands::contents::Contents;

type List = Box<dyn Fn() -> Vec<PathBuf> + Send>;

/// So many times the list of files is made anew when it changes while it is made.
const TRIES: usize = 3;

/// A configuration and what it refers to.
pub(super) struct Following {
    config: PathBuf,
    /// What it referred to when it was read last.
    beside: Vec<PathBuf>,
    /// What its files hold; nothing while nobody follows them.
    contents: Option<Contents<List>>,
    /// There is something new that was not read yet.
    news: Option<News>,
}

/// Something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// A file holds something else; otherwise files went or came back as they were.
    pub(super) altered: bool,
}

impl Following {
    /// Nothing is read yet.
    pub(super) fn new(config: &Path) -> Self {
        Self { config: config.to_owned(), beside: Vec::new(), contents: None, news: None }
    }

    /// Reads the configuration as it is, and takes that for what is known.
    pub(super) fn read(&mut self) -> Reading {
        self.news = None;
        for _ in 1..TRIES {
            self.begin();
            let reading = self.read_only();
            if reading.beside == self.beside {
                return reading;
            }
            self.beside.clone_from(&reading.beside);
        }
        self.begin();
        self.read_only()
    }

    /// Follows the files no more, until they are read again.
    pub(super) fn leave(&mut self) {
        (self.contents, self.news) = (None, None);
    }

    /// What the files say, if there is something new and they rest.
    pub(super) fn look(&mut self, now: Mono) -> Option<(News, Reading)> {
        let change = self.contents.as_mut()?.poll(now);
        if let Some(change) = change {
            let altered = change.altered || self.news.is_some_and(|news| news.altered);
            self.news = Some(News { altered });
        }
        let news = self.news?;
        let mut reading = self.read_only();
        if reading.beside != self.beside {
            // What it refers to now is known before it is read: a change in between is then told.
            self.beside.clone_from(&reading.beside);
            self.begin();
            reading = self.read_only();
        }
        let rest = reading.beside == self.beside && self.contents.as_ref().is_some_and(Contents::rest);
        rest.then(|| {
            self.news = None;
            (news, reading)
        })
    }

    fn begin(&mut self) {
        let (config, beside) = (self.config.clone(), self.beside.clone());
        let list: List = Box::new(move || {
            let mut files = config::files(&config);
            files.extend_from_slice(&beside);
            files
        });
        self.contents = Some(Contents::of(list));
    }

    fn read_only(&self) -> Reading {
        config::reading(&self.config, &|name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests;
