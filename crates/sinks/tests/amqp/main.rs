//! The `amqp` sink and tasks over AMQP against a real `RabbitMQ`.
//!
//! One server for all: it takes seconds to start. Tests that harm it have it for themselves meanwhile.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod away;
mod celery;
mod conforming;
mod events;
mod login;
mod peers;
mod rig;
