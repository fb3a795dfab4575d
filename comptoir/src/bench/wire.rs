//! HTTP connections that cost their client little: one request at a time on each.

use anyhow::ensure;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::sample::TRACEPARENT;

/// Connections to one service.
pub(super) struct Wire {
    address: String,
    authorization: String,
    connections: Vec<Mutex<SendRequest<Full<Bytes>>>>,
}

impl Wire {
    /// So many connections, signed in by `token`.
    pub(super) async fn connect(address: &str, token: &str, count: u64) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection broke");
                }
            });
            connections.push(Mutex::new(sender));
        }
        Ok(Self {
            address: address.to_owned(),
            authorization: format!("Bearer {token}"),
            connections,
        })
    }

    /// Posts a command with a new idempotency key over the connection of caller `turn`; gives the
    /// answer's body.
    ///
    /// # Errors
    /// When it is not answered with `201`.
    pub(super) async fn post(&self, turn: u64, path: &str, body: Bytes) -> anyhow::Result<Bytes> {
        let request = Request::post(path)
            .header(HOST, &self.address)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", Uuid::new_v4().to_string())
            .header("traceparent", TRACEPARENT)
            .body(Full::new(body))?;
        let place = turn % self.connections.len() as u64;
        let mut connection = self.connections[place as usize].lock().await;
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status == StatusCode::CREATED,
            "{path} was answered with {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}
