//! The one place that knows cqrs-es: any [`Decider`] as a `cqrs_es::Aggregate`.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, Event};

/// A decider's state as a `cqrs_es::Aggregate`: commands on one stream, and its `TestFramework`.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Root<D: Decider>(pub D::State);

impl<D: Decider> Default for Root<D> {
    fn default() -> Self {
        Self(D::State::default())
    }
}

/// A decider's event as a `cqrs_es::DomainEvent`; stored as the event itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Happened<E: Event>(pub E);

impl<E: Event> cqrs_es::DomainEvent for Happened<E> {
    fn event_type(&self) -> String {
        self.0.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.version().to_string()
    }
}

impl<D: Decider> Aggregate for Root<D>
where
    D::Command: Send,
{
    const TYPE: &'static str = D::TYPE;
    type Command = D::Command;
    type Event = Happened<D::Event>;
    type Error = D::Rejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        for event in D::decide(&self.0, command)? {
            sink.write(Happened(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0 = D::evolve(std::mem::take(&mut self.0), &event.0);
    }
}
