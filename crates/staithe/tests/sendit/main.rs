//! The drop-in for sendit's watcher, started and stopped by its commands: the 25 scenarios of what it has to do. Those with real
//! workers and brokers that fail are in `celery_workers`, those about DICOM files in `dicom`.

mod cli;
mod scenarios_daemon;
mod scenarios_folders;
mod scenarios_trouble;
mod stage;
mod watcher;
