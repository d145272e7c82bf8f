//! Real, unmodified Celery workers, of today and of the time of sendit, on a real Redis and a real `RabbitMQ`, that run the task
//! for folders which staithe watches: each finished folder once, none before it is whole, whatever fails meanwhile.

mod arriving;
mod bursts;
mod decoder;
mod everyday;
mod killed;
mod outages;
mod rig;
mod undeclared;
