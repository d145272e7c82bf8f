//! Daemons: started, told apart, stopped and started again, by the binary itself.

mod logs;
mod racing;
mod restarting;
mod stage;
mod stale;
mod starting;
mod stopping;
mod systemd;
