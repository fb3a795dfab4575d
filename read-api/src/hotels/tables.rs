//! The tables that queries about hotels read.

use domain::decider::Decider;
use domain::hotels::CONTEXT;
use domain::hotels::hotel::{Event, Hotel};
use domain::hotels::inventory::inventory_id;
use event_store::as_of::Moment;
use event_store::read;
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::as_of::MOST_EVENTS;
use crate::fresh::Fresh;
use crate::query::Tables;
use crate::{App, database};

/// What hotels are shown from, with the rooms that are left.
pub(super) const TABLES: [&str; 3] = ["hotels", "room_inventories", "nights"];

/// The same for a query about the hotel `id` alone.
pub(super) async fn of_one_hotel(app: &App, fresh: &Fresh, id: Uuid) -> Result<Tables, Problem> {
    let streams = async |moment| streams(app, id, moment).await;
    app.tables_for_streams(fresh, CONTEXT, &TABLES, streams)
        .await
}

/// The streams of the hotel `id`, and of all rooms that it had ever offered by then.
async fn streams(app: &App, id: Uuid, moment: Moment) -> Result<Vec<Uuid>, Problem> {
    let (hotel, up_to) = ([id], moment.position);
    let events = read::streams_up_to(&app.log, Hotel::TYPE, &hotel, up_to, MOST_EVENTS);
    let mut streams = vec![id];
    for recorded in events.await.map_err(database)? {
        let happened = recorded.decode::<Hotel>();
        let happened =
            happened.map_err(|error| Problem::fault("a stored event can't be read", &error))?;
        for event in happened {
            if let Event::HotelCreated { details, .. } | Event::HotelChanged { details } = event {
                let offered = details.room_types.iter();
                streams.extend(offered.map(|offered| inventory_id(id, &offered.code)));
            }
        }
    }
    streams.sort();
    streams.dedup();
    Ok(streams)
}
