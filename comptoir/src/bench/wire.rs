//! HTTP connections that cost their client little: one request at a time on each.

use anyhow::ensure;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use service_kit::consistency::CONSISTENCY_TOKEN;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::sample::TRACEPARENT;

/// What came back.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// The command's consistency token.
    pub(super) token: Option<String>,
}

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

    /// Posts a command with a new idempotency key over the connection of caller `turn`.
    ///
    /// # Errors
    /// When it is not answered with `201`.
    pub(super) async fn post(&self, turn: u64, path: &str, body: Bytes) -> anyhow::Result<Answer> {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", Uuid::new_v4().to_string())
            .header("traceparent", TRACEPARENT);
        self.send(turn, request, body, StatusCode::CREATED).await
    }

    /// Asks for what is at `path` over the connection of caller `turn`, if need be as it is after
    /// the command that answered with `token`.
    ///
    /// # Errors
    /// When it is not answered with `200`.
    pub(super) async fn get(
        &self,
        turn: u64,
        path: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let request = Request::get(path);
        let request = match token {
            Some(token) => request.header(CONSISTENCY_TOKEN, token),
            None => request,
        };
        self.send(turn, request, Bytes::new(), StatusCode::OK).await
    }

    async fn send(
        &self,
        turn: u64,
        request: Builder,
        body: Bytes,
        expected: StatusCode,
    ) -> anyhow::Result<Answer> {
        let request = request
            .header(HOST, &self.address)
            .header(AUTHORIZATION, &self.authorization)
            .body(Full::new(body))?;
        let path = request.uri().clone();
        let place = turn % self.connections.len() as u64;
        let mut connection = self.connections[place as usize].lock().await;
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        ensure!(
            head.status == expected,
            "{path} was answered with {}: {}",
            head.status,
            String::from_utf8_lossy(&body)
        );
        let token = head.headers.get(CONSISTENCY_TOKEN);
        Ok(Answer {
            body,
            token: token.and_then(|token| Some(token.to_str().ok()?.to_owned())),
        })
    }
}
