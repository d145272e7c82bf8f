//! The suite that every sink must pass.

use std::time::Duration;

use model::Parcel;
use sinks::Sink;
use sinks::conformance::{Rig, check, sample};
use testkit::rabbitmq::Rabbit;

use crate::rig::{amqp, bodies, events_with, server};

const QUEUE: &str = "conforming";

struct Broker<'a> {
    rabbit: &'a mut Rabbit,
    next: u64,
    frozen: bool,
}

impl Rig for Broker<'_> {
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink> {
        events_with(amqp(&self.rabbit.url(), QUEUE), timeout)
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.next += 1;
        sample(self.next, path)
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        bodies(self.rabbit, QUEUE)
    }

    fn harm(&mut self) -> bool {
        // Killed soon after, a server forgets a queue that was just declared.
        self.rabbit.stop();
        true
    }

    fn hang(&mut self) -> bool {
        self.rabbit.freeze();
        self.frozen = true;
        true
    }

    fn heal(&mut self) {
        if std::mem::take(&mut self.frozen) {
            self.rabbit.resume();
        } else {
            self.rabbit.start_again();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amqp_conforms() {
    let mut rabbit = server().write().await;
    rabbit.declare(QUEUE);
    check(&mut Broker { rabbit: &mut rabbit, next: 0, frozen: false }).await;
}
