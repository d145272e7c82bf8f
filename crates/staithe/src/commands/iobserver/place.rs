//! Where everything of one drop-in lies.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use compat::iobserver::directory::Directory;
use compat::iobserver::rc::SIZE_LIMIT;
use compat::iobserver::{Around, Rc, RcError, plan};
use model::text::safe;

use super::super::contents::Contents;
use super::{Files, Read, adapter};
use crate::args::IobserverArgs;
use crate::log;
use crate::places;

/// The directory of plugins, where nobody names another.
const PLUGINS: &str = "plugins";

/// The configuration, and what its meaning depends on.
pub(super) struct Place {
    /// The configuration, absolute.
    pub(super) file: PathBuf,
    /// As it was named.
    named: PathBuf,
    /// What relative paths are relative to: the working directory at the start, as in the original.
    working: PathBuf,
    plugins: PathBuf,
    pub(super) state_dir: PathBuf,
    /// The program that runs old plugins; nothing where it could not be written.
    adapter: Option<PathBuf>,
}

/// The plugin directory beside a configuration.
pub(super) fn beside(file: &Path, working: &Path) -> PathBuf {
    working.join(file).parent().unwrap_or(working).join(PLUGINS)
}

impl Place {
    pub(super) fn of(args: &IobserverArgs) -> anyhow::Result<Self> {
        let working = std::env::current_dir()?;
        let file = working.join(&args.file);
        let plugins =
            args.plugins.as_ref().map_or_else(|| beside(&file, &working), |plugins| working.join(plugins));
        let state_dir = places::compat_state_dir(args.client.state_dir.as_deref(), "iobserver", &file);
        let state_dir = std::path::absolute(&state_dir).unwrap_or(state_dir);
        let adapter = adapter::install(&state_dir).map_err(|error| {
            let dir = state_dir.display();
            log::warning(&format!(
                "plugins in Python cannot run: failed to write what runs them into {dir}: {error}"
            ));
        });
        Ok(Self { file, named: args.file.clone(), working, plugins, state_dir, adapter: adapter.ok() })
    }

    /// The configuration's name, safe to show.
    pub(super) fn shown(&self) -> String {
        safe(self.named.as_os_str().as_bytes())
    }

    fn directory(&self) -> Directory<'_> {
        Directory { path: &self.plugins, adapter: self.adapter.as_deref() }
    }

    /// The configuration, to be compared from now on.
    pub(super) fn files(&self) -> Files {
        let file = self.file.clone();
        Contents::of(Box::new(move || vec![file.clone()]))
    }

    /// The plugins, to be compared from now on.
    pub(super) fn plugin_files(&self) -> Files {
        let plugins = self.plugins.clone();
        Contents::of(Box::new(move || Directory { path: &plugins, adapter: None }.files()))
    }

    /// Reads the configuration from its file.
    pub(super) fn read_again(&self) -> Result<Read, RcError> {
        let why = |error: std::io::Error| RcError::Unreadable(format!("it cannot be read: {error}"));
        let meta = std::fs::metadata(&self.file).map_err(why)?;
        if !meta.is_file() {
            return Err(RcError::Unreadable("it is no regular file".into()));
        }
        if meta.len() > SIZE_LIMIT as u64 {
            return Err(RcError::TooLarge);
        }
        self.read(&std::fs::read(&self.file).map_err(why)?)
    }

    /// Understands what the file holds.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Read, RcError> {
        let rc = Rc::read(bytes)?;
        let planned = self.plan(&rc);
        Ok((rc, planned))
    }

    /// What a configuration becomes with the plugins that there are now.
    pub(super) fn plan(&self, rc: &Rc) -> compat::iobserver::Planned {
        let state_dir = compat::iobserver::place::real(&self.state_dir, &self.working);
        plan(rc, Around { working: &self.working, plugins: self.directory(), state_dir: Some(&state_dir) })
    }

    /// Where a watch's name leads, safe to show.
    pub(super) fn leads_to(&self, name: &[u8]) -> PathBuf {
        compat::iobserver::place::real(compat::iobserver::place::of_bytes(name), &self.working)
    }
}
