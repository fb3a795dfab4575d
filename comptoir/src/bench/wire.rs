//! HTTP connections that cost their client little: one request at a time on each, written and read
//! by the task that sends it. What the client takes of the CPUs, the service lacks.

use std::io::Write;

use anyhow::{Context, bail, ensure};
use axum::http::StatusCode;
use bytes::{Buf, Bytes, BytesMut};
use service_kit::consistency::CONSISTENCY_TOKEN;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::sample::TRACEPARENT;

/// The most headers that an answer has.
const MOST_HEADERS: usize = 32;

/// What came back.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// The command's consistency token.
    pub(super) token: Option<String>,
}

/// Connections to one service.
pub(super) struct Wire {
    /// The headers of every request.
    headers: String,
    connections: Vec<Mutex<Connection>>,
}

struct Connection {
    stream: TcpStream,
    sent: Vec<u8>,
    received: BytesMut,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Its own length, and that of the body behind it.
    lengths: (usize, usize),
    token: Option<String>,
}

impl Wire {
    /// So many connections, signed in by `token`.
    pub(super) async fn connect(address: &str, token: &str, count: u64) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.push(Mutex::new(Connection {
                stream,
                sent: Vec::new(),
                received: BytesMut::new(),
            }));
        }
        let headers = format!(" HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n");
        Ok(Self {
            headers,
            connections,
        })
    }

    /// Posts a command with a new idempotency key over the connection of caller `turn`.
    ///
    /// # Errors
    /// When it is not answered with `201`.
    pub(super) async fn post(&self, turn: u64, path: &str, body: Bytes) -> anyhow::Result<Answer> {
        let mut connection = self.connection(turn).lock().await;
        let (headers, key, length) = (&self.headers, Uuid::new_v4(), body.len());
        write!(
            connection.begin(),
            "POST {path}{headers}content-type: application/json\r\nidempotency-key: {key}\r\n\
             traceparent: {TRACEPARENT}\r\ncontent-length: {length}\r\n\r\n"
        )?;
        connection.sent.extend_from_slice(&body);
        let (status, answer) = connection.send().await?;
        check(path, status, StatusCode::CREATED, answer)
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
        let mut connection = self.connection(turn).lock().await;
        let request = connection.begin();
        write!(request, "GET {path}{}", self.headers)?;
        if let Some(token) = token {
            write!(request, "{CONSISTENCY_TOKEN}: {token}\r\n")?;
        }
        request.extend_from_slice(b"\r\n");
        let (status, answer) = connection.send().await?;
        check(path, status, StatusCode::OK, answer)
    }

    fn connection(&self, turn: u64) -> &Mutex<Connection> {
        let place = turn % self.connections.len() as u64;
        &self.connections[place as usize]
    }
}

fn check(path: &str, status: u16, wanted: StatusCode, answer: Answer) -> anyhow::Result<Answer> {
    let told = || String::from_utf8_lossy(&answer.body).into_owned();
    ensure!(
        status == wanted,
        "{path} was answered with {status}: {}",
        told()
    );
    Ok(answer)
}

impl Connection {
    /// Where the next request is written.
    fn begin(&mut self) -> &mut Vec<u8> {
        self.sent.clear();
        &mut self.sent
    }

    /// Sends what was written, and waits for the status and the answer.
    async fn send(&mut self) -> anyhow::Result<(u16, Answer)> {
        self.stream.write_all(&self.sent).await?;
        let head = loop {
            if let Some(head) = head(&self.received)? {
                break head;
            }
            self.receive().await?;
        };
        let (before, length) = head.lengths;
        while self.received.len() < before + length {
            self.receive().await?;
        }
        self.received.advance(before);
        let answer = Answer {
            body: self.received.split_to(length).freeze(),
            token: head.token,
        };
        Ok((head.status, answer))
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        // Room for most answers, so that one comes in one piece.
        self.received.reserve(8 * 1024);
        if self.stream.read_buf(&mut self.received).await? == 0 {
            bail!("the service closed a connection");
        }
        Ok(())
    }
}

/// The head of the answer that was received so far, if that is whole.
fn head(received: &[u8]) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(before) = answer.parse(received)? else {
        return Ok(None);
    };
    let status = answer.code.context("an answer has no status")?;
    let value = |name: &str| {
        let found = answer.headers.iter();
        let mut found = found.filter(|header| header.name.eq_ignore_ascii_case(name));
        let value = found.next().map(|header| std::str::from_utf8(header.value));
        value.transpose()
    };
    let length = value("content-length")?.context("an answer has no length")?;
    Ok(Some(Head {
        status,
        lengths: (before, length.parse()?),
        token: value(CONSISTENCY_TOKEN.as_str())?.map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_its_head_is_whole() -> anyhow::Result<()> {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nconsistency-token: t\r\n\r\n{}";
        assert!(head(&text[..text.len() - 5])?.is_none());
        let head = head(text)?.context("a whole head")?;
        assert_eq!((head.status, head.token.as_deref()), (201, Some("t")));
        assert_eq!(head.lengths, (text.len() - 2, 2));
        assert!(super::head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        Ok(())
    }
}
