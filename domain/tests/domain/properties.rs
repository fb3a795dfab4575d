//! Laws that hold whatever people ask for, in whatever order.

mod emails;
mod hotel_story;
mod identity_story;
mod languages;
mod stays;
mod stored_json;

use domain::decider::Decider;
use domain::hotels::hotel::Hotel;
use domain::hotels::inventory::RoomInventory;
use domain::hotels::reservation::Reservation;
use domain::identity::account::Account;
use domain::identity::administrators::Administrators;
use domain::identity::email::EmailClaim;
use domain::streams::{self, StreamId};
use proptest::prelude::*;

use crate::world::World;

/// Every stream, replayed from its first stored event, is in the state that was carried along.
fn replays_to_what_was_carried(world: &World) -> Result<(), TestCaseError> {
    each_stream(world, &Replay)
}

/// Every event reads back from its stored JSON, and would be stored as the same bytes again.
fn survives_being_stored(world: &World) -> Result<(), TestCaseError> {
    each_stream(world, &RoundTrip)
}

/// A law about one stream, whatever its aggregate.
trait Law {
    fn check<D: Decider>(&self, world: &World, stream: StreamId) -> Result<(), TestCaseError>;
}

fn each_stream(world: &World, law: &impl Law) -> Result<(), TestCaseError> {
    for stream in world.streams() {
        match stream.aggregate_type {
            Hotel::TYPE => law.check::<Hotel>(world, stream),
            RoomInventory::TYPE => law.check::<RoomInventory>(world, stream),
            Reservation::TYPE => law.check::<Reservation>(world, stream),
            Account::TYPE => law.check::<Account>(world, stream),
            Administrators::TYPE => law.check::<Administrators>(world, stream),
            EmailClaim::TYPE => law.check::<EmailClaim>(world, stream),
            other => panic!("{other} has no line here"),
        }?;
    }
    Ok(())
}

struct Replay;

impl Law for Replay {
    fn check<D: Decider>(&self, world: &World, stream: StreamId) -> Result<(), TestCaseError> {
        prop_assert_eq!(world.state::<D>(stream.id), world.carried::<D>(stream.id));
        Ok(())
    }
}

struct RoundTrip;

impl Law for RoundTrip {
    fn check<D: Decider>(&self, world: &World, stream: StreamId) -> Result<(), TestCaseError> {
        let read = world.history::<D>(stream.id);
        for (event, stored) in read.iter().zip(world.events(stream)) {
            prop_assert_eq!(&streams::stored_json(event), &stored.payload);
        }
        Ok(())
    }
}
