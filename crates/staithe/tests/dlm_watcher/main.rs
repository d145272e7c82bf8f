//! The drop-in for the SKA's directory watcher, as a user runs it, against a double of the four DLM services: what it
//! registers and copies. How it starts and ends is shown in `dlm_start`.

mod acceptance;
mod details;
mod exact;
mod golden;
mod kills;
mod native;
mod outages;
mod stage;
mod status_file;
mod whole;
