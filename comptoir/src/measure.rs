//! What a process measures of itself, and of what it shares with others.

use anyhow::Context;
use event_store::Log;
use metrics::{describe_gauge, gauge};
use service_kit::measure::Metrics;
use sqlx::PgPool;

/// Collects the metrics of this process from now on.
///
/// # Errors
/// When the process collects them already.
pub fn collect() -> anyhow::Result<Metrics> {
    let metrics = Metrics::collect().context("collecting metrics")?;
    event_store::measure::describe();
    projections::measure::describe();
    workers::measure::describe();
    describe_gauge!(
        "comptoir_pool_connections",
        "Connections of a pool, used or idle."
    );
    describe_gauge!(
        "comptoir_pool_connections_limit",
        "Connections that a pool may have; who needs one more waits two seconds at most."
    );
    Ok(metrics)
}

/// Has `metrics` tell of the writer of `log` and of the pools, whenever it is asked.
pub(crate) fn looking(metrics: Metrics, log: Log, read: PgPool) -> Metrics {
    metrics.looking(move || {
        log.measure();
        tell("log", log.pool());
        tell("read", &read);
    })
}

fn tell(name: &'static str, pool: &PgPool) {
    // What is idle is counted last: it may be taken meanwhile.
    let (all, idle) = (f64::from(pool.size()), pool.num_idle() as f64);
    let limit = f64::from(pool.options().get_max_connections());
    gauge!("comptoir_pool_connections", "pool" => name, "state" => "idle").set(idle);
    gauge!("comptoir_pool_connections", "pool" => name, "state" => "used")
        .set((all - idle).max(0.0));
    gauge!("comptoir_pool_connections_limit", "pool" => name).set(limit);
}
