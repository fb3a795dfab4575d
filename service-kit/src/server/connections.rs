//! Accepting connections, and what a client may take of time and room before it has asked anything.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::stalled::Unstalled;

/// How long a client may take to send the head of a request, and so how long a connection is kept
/// on which nothing is asked.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How long a client may take nothing of an answer that it is sent.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// The largest head of a request, in bytes; what comes at once may be twice as large.
const MAX_HEAD: usize = 32 * 1024;
/// The most headers of a request; more are `431`.
const MAX_HEADERS: usize = 64;
/// The most connections at once. More wait to be accepted.
const MOST_CONNECTIONS: usize = 10_000;
/// How long it waits when the system has no room for one more.
const NO_ROOM: Duration = Duration::from_millis(500);

/// Has `answer` answer what comes in over `listener`, until `stop`; then lets open requests end.
pub(super) async fn accept<F: Future<Output = Response> + Send + 'static>(
    listener: TcpListener,
    answer: impl Fn(Request, SocketAddr) -> F + Clone + Send + Sync + 'static,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let open = GracefulShutdown::new();
    loop {
        let accepted = async {
            let room = Arc::clone(&room).acquire_owned().await;
            (room, next(&listener).await)
        };
        let (room, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        let (stream, peer) = accepted?;
        let answer = answer.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answered = answer(request.map(Body::new), peer);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let stream = Unstalled::new(stream, STALL_LIMIT);
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // How a client leaves is its own matter.
            let _ended = connection.await;
            drop(room);
        });
    }
    drop(listener);
    open.shutdown().await;
    Ok(())
}

/// The next connection. A client that is gone already is no error, nor is a lack of room.
async fn next(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // An answer is small, and whoever waits for it should not wait for more of it.
                if stream.set_nodelay(true).is_ok() {
                    return Ok((stream, peer));
                }
            }
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection can't be accepted");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionAborted | ConnectionReset
    )
}
