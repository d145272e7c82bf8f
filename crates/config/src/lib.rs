//! The native configuration: what it can say, how it is read, and what is wrong with it.

pub mod plan;

pub use plan::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, JsonlSink, Plan, Push, QueueSink,
    Reannounce, RedisSink, Secret, SinkKind, SinkPlan, SourcePlan,
};
