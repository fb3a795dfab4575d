//! The source that needs no Kafka: the log itself.

use event_store::read;
use event_store::wake::{LOG, Wake};
use tokio::sync::mpsc;

use super::checkpoint;
use super::delivered::Delivered;
use super::run::{Error, Projector};

const PAGE: i64 = 1_000;

/// Sends every event after the least watermark, in order, as it comes to be.
pub(super) async fn read(
    projector: &Projector,
    sender: mpsc::Sender<Vec<Delivered>>,
) -> Result<(), Error> {
    let progress = checkpoint::progress(&projector.read, &projector.projections).await?;
    let reached = progress.values().map(|reached| reached.watermark.position);
    let mut position = reached.min().unwrap_or(0);
    let mut wake = Wake::new(projector.log.pool().clone(), LOG);
    let epoch = projector.log.epoch();
    loop {
        let page = match read::after(projector.log.pool(), position, PAGE).await {
            Ok(page) => page,
            Err(error) if event_store::database::is_away(&error) => {
                tracing::warn!(%error, "the projector waits for the log's database");
                tokio::time::sleep(event_store::wake::POLL).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let Some(last) = page.last() else {
            wake.wait().await;
            continue;
        };
        position = last.position;
        let page = page.into_iter();
        let page = page
            .map(|event| Delivered::from_log(epoch, event))
            .collect();
        if sender.send(page).await.is_err() {
            return Ok(());
        }
    }
}
