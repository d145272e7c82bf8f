//! How the drop-in for the SKA's directory watcher starts and ends: flags, the readiness file, the log's form, exit
//! codes, the container's entrypoint. What it registers is shown elsewhere.

mod ends;
mod entrypoint;
mod gateway;
mod progress;
mod readiness;
mod stage;
mod translation;
