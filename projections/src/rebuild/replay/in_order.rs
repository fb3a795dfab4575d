//! Filling a replay in the order of the log, page by page, as a projector fills its table: where rows
//! go across streams, and where a row is refused and the event at fault is looked for.

use std::collections::HashSet;

use event_store::as_of::Moment;
use event_store::{RecordedEvent, read};
use sqlx::Connection;

use crate::rebuild::fill::{MOST_PARKED, Parked, too_many, without_payload};
use crate::rebuild::progress::Teller;
use crate::rebuild::{Databases, Error};
use crate::runtime::delivered::Delivered;
use crate::runtime::park::Sorted;
use crate::runtime::{Registered, batch, open};

/// How many events are read at once.
const PAGE: i64 = 2_000;

/// Folds the log up to `moment` into the table `relation`, given with its schema; gives what could not be
/// folded.
pub(super) async fn fill(
    databases: &Databases,
    (projection, relation): (&Registered, &str),
    moment: &Moment,
    teller: &Teller,
) -> Result<Vec<Parked>, Error> {
    let (mut position, mut parked, mut ended) = (0, Vec::new(), HashSet::new());
    while position < moment.position {
        let left = moment.position - position;
        let page = read::after(&databases.log, position, PAGE.min(left)).await?;
        let Some(last) = page.last() else {
            let why = format!("the log ends at position {position}");
            return Err(Error::Broken(why));
        };
        teller.advance((last.position - position).unsigned_abs());
        position = last.position;
        let new = opened(databases, projection, moment, page).await?;
        let new: Vec<&Delivered> = new.iter().collect();
        let mut sorted = Sorted::of(projection, &new, ended.clone());
        let mut connection = databases.read.acquire().await?;
        let mut tx = connection.begin().await?;
        batch::write(&mut tx, (projection, relation), &mut sorted, true)
            .await
            .map_err(|source| Error::Apply {
                projection: projection.name,
                source,
            })?;
        tx.commit().await?;
        for one in sorted.parking() {
            let error = one.error.map(str::to_owned);
            if parked.len() >= MOST_PARKED {
                return Err(too_many(one.event, error));
            }
            ended.insert(one.event.aggregate_id);
            parked.push((without_payload(one.event), error));
        }
    }
    Ok(parked)
}

/// Those of `page` that the projection takes, opened.
async fn opened(
    databases: &Databases,
    projection: &Registered,
    moment: &Moment,
    page: Vec<RecordedEvent>,
) -> Result<Vec<Delivered>, Error> {
    let of_it = page.into_iter();
    let of_it = of_it.filter(|event| event.aggregate_type == projection.aggregate_type);
    let mut events: Vec<Delivered> = of_it
        .map(|event| Delivered::from_log(moment.epoch, event))
        .collect();
    open::open(&databases.keyring, &mut events).await?;
    Ok(events)
}
