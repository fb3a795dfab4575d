//! Keeping the tree while the log grows.

use std::time::{Duration, Instant};

use metrics::gauge;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{CheckpointKeys, Error, Grower, Grown, Sink, publish, sign};
use crate::database::is_away;

/// How often what was appended is added. Rarely, since each time writes the edge again.
const GROW: Duration = Duration::from_secs(1);

/// How the tree is kept.
#[derive(Clone)]
pub struct Options {
    /// What signs.
    pub keys: CheckpointKeys,
    /// How often a tree that has grown is signed.
    pub every: Duration,
    /// Who gets the checkpoints.
    pub sinks: Vec<Sink>,
}

/// Keeps the tree of the log behind `log` until `stop`. What is away is waited for. Where what is
/// stored speaks against itself nothing is signed, and it is told by the log and by the metric
/// `comptoir_tree_refused` until an auditor has found out; everything else goes on meanwhile.
///
/// # Errors
/// What no waiting mends.
pub async fn run(log: PgPool, options: Options, stop: CancellationToken) -> Result<(), Error> {
    let mut grower = Grower::new(log.clone());
    let mut signed: Option<Instant> = None;
    gauge!("comptoir_tree_refused").set(0);
    loop {
        let due = signed.is_none_or(|signed| signed.elapsed() >= options.every);
        match turn(&log, &mut grower, due.then_some(&options)).await {
            // Until something is signed again, it is refused.
            Ok(true) => {
                signed = Some(Instant::now());
                gauge!("comptoir_tree_refused").set(0);
            }
            Ok(false) => {}
            Err(Error::Database(error)) if is_away(&error) => {
                tracing::warn!(%error, "the tree waits for the log's database");
            }
            Err(error @ (Error::Kafka(_) | Error::Folder { .. })) => {
                tracing::error!(%error, "a checkpoint is signed, and waits to be published");
            }
            Err(error) if error.is_of_what_is_stored() => {
                tracing::error!(%error, "nothing is signed: the log or its tree was altered");
                gauge!("comptoir_tree_refused").set(1);
                signed = Some(Instant::now());
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(GROW) => {}
        }
    }
}

/// Grows the tree; signs and publishes it where `options` are given, unless another process is still
/// adding to it. Gives whether that was done.
async fn turn(log: &PgPool, grower: &mut Grower, options: Option<&Options>) -> Result<bool, Error> {
    let Grown::UpToDate(size) = grower.grow().await? else {
        return Ok(false);
    };
    gauge!("comptoir_tree_size").set(size as f64);
    let Some(options) = options else {
        return Ok(false);
    };
    if let Some(signed) = sign(log, &options.keys).await? {
        gauge!("comptoir_checkpoint_size").set(signed.size as f64);
    }
    publish(log, &options.sinks).await?;
    Ok(true)
}
