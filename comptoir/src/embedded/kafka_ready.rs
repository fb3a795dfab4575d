//! Whether a Kafka broker serves: asked in Kafka's own protocol.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::bail;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use super::process::{GLANCE, Server};

const START_LIMIT: Duration = Duration::from_secs(120);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Waits until the broker serves; fails when its process ends or 120 s have passed.
pub(super) async fn answers(server: &Server, port: u16) -> anyhow::Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    let mut glances = interval(GLANCE);
    loop {
        glances.tick().await;
        if !server.alive() {
            bail!("its process has ended");
        }
        if let Ok(Ok(1..)) = timeout(ANSWER_LIMIT, live_brokers(port)).await {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("it does not answer in {START_LIMIT:?}");
        }
    }
}

/// Asks for the cluster's metadata and no topics (Metadata, version 1) and returns how many brokers are up.
/// The port opens a moment before that: a topic created then would find no broker to live on.
async fn live_brokers(port: u16) -> anyhow::Result<i32> {
    const REQUEST: [u8; 18] = [
        0, 0, 0, 14, // bytes that follow
        0, 3, 0, 1, // Metadata, version 1
        0, 0, 0, 7, // correlation id
        0xff, 0xff, // no client id
        0, 0, 0, 0, // no topics
    ];
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(&REQUEST).await?;
    let _length = stream.read_i32().await?;
    if stream.read_i32().await? != 7 {
        bail!("the answer on port {port} is not Kafka's");
    }
    Ok(stream.read_i32().await?)
}
