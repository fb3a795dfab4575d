//! Waking those who wait for something new in a database: LISTEN and NOTIFY, and a slow poll
//! beneath, so that a lost notification costs a second at most.

use std::time::Duration;

use futures::FutureExt;
use sqlx::PgPool;
use sqlx::postgres::PgListener;

/// The channel that an append notifies.
pub const LOG: &str = "comptoir_log";

/// The longest that a wait lasts without a notification.
pub const POLL: Duration = Duration::from_secs(1);

/// Waits for notifications on one channel.
pub struct Wake {
    pool: PgPool,
    channel: &'static str,
    listener: Option<PgListener>,
}

impl Wake {
    /// A waiter for `channel` of the database of `pool`.
    pub fn new(pool: PgPool, channel: &'static str) -> Self {
        Self {
            pool,
            channel,
            listener: None,
        }
    }

    /// Returns at the next notification, or after [`POLL`], and gives what the notifications say
    /// that came until then. A notification since the last call counts, so nothing is missed between
    /// a look and the wait that follows it. Nothing is said at the first call, which returns at
    /// once, as it only begins to listen; after a poll; and where some may have been lost.
    pub async fn wait(&mut self) -> Vec<String> {
        let Some(listener) = &mut self.listener else {
            match self.listen().await {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    tracing::debug!(%error, channel = self.channel, "can't listen; polling");
                    tokio::time::sleep(POLL).await;
                }
            }
            return Vec::new();
        };
        let mut said = Vec::new();
        let mut told = tokio::time::timeout(POLL, listener.try_recv()).await.ok();
        // One look answers all that came meanwhile.
        while let Some(Ok(Some(notification))) = told {
            said.push(notification.payload().to_owned());
            told = listener.try_recv().now_or_never();
        }
        match told {
            Some(Err(error)) => {
                tracing::debug!(%error, channel = self.channel, "stopped listening; polling");
                self.listener = None;
                Vec::new()
            }
            // It listens again on another connection.
            Some(Ok(None)) => Vec::new(),
            _ => said,
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(self.channel).await?;
        Ok(listener)
    }
}
