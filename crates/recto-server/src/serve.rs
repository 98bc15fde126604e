//! The accept loop: HTTP/1.1 and h2c on one port, bounded connections, deadlines on slow clients, an orderly end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::app::{App, SentBody};
use crate::deadline::WriteDeadline;
use crate::front::{Ending, Front, Phase};
use crate::options::ServerOptions;

/// A server that has its port and waits to run.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: App,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(app: App) -> io::Result<Self> {
        let listener = TcpListener::bind(&app.options().listen).await?;
        Ok(Self { listener, app })
    }

    /// Where it listens: the port chosen by the system, if 0 was asked for.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` is done, then lets running requests end within the shutdown time.
    ///
    /// Each connection stays on one thread with a runtime of its own: a stored tile takes some ten microseconds, and waking
    /// another thread for it would cost as much again.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let options = self.app.options().clone();
        let connections = Arc::new(Semaphore::new(options.max_connections.max(1)));
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let workers = (0..threads).map(|index| Worker::start(index, &self.app)).collect::<io::Result<Vec<_>>>()?;
        let mut next = workers.iter().cycle();
        let mut stop = std::pin::pin!(stop);
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&connections).acquire_owned() => permit,
                () = &mut stop => break,
            };
            let Ok(permit) = permit else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
                Ok((stream, peer)) => {
                    if let Some(worker) = next.next() {
                        worker.take(Accepted { stream, peer, permit });
                    }
                }
                Err(error) => {
                    // Out of file descriptors, or the client is gone already: neither is worth a spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        drop(self.listener);
        // Each worker ends its connections in order within the shutdown time, so this wait has an end.
        let ended = tokio::task::spawn_blocking(move || workers.into_iter().for_each(Worker::stop)).await;
        ended.map_err(io::Error::other)
    }
}

/// A connection on its way to a worker.
struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
}

/// A thread that serves connections.
struct Worker {
    inbox: mpsc::UnboundedSender<Accepted>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(index: usize, app: &App) -> io::Result<Self> {
        // Bounded by the permit that each accepted connection holds.
        let (inbox, accepted) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let app = app.clone();
        let thread = std::thread::Builder::new()
            .name(format!("http-{index}"))
            .spawn(move || runtime.block_on(serve_connections(&app, accepted)))?;
        Ok(Self { inbox, thread })
    }

    fn take(&self, accepted: Accepted) {
        // A worker lives as long as its inbox is held; should it be gone, the connection is dropped and the client tries again.
        let _sent = self.inbox.send(accepted);
    }

    fn stop(self) {
        drop(self.inbox);
        if self.thread.join().is_err() {
            tracing::error!("a thread that serves connections panicked");
        }
    }
}

async fn serve_connections(app: &App, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    let options = app.options();
    let builder = protocol(options);
    let graceful = GracefulShutdown::new();
    while let Some(Accepted { stream, peer, permit }) = accepted.recv().await {
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be served");
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let phase = Phase::default();
        let stream = WriteDeadline::<TcpStream>::new(stream, options.write_timeout.into());
        let io = TokioIo::new(Front::new(stream, app.clone(), peer, phase.clone(), options.header_timeout.into()));
        let app = app.clone();
        let service = service_fn(move |request| {
            let (app, phase) = (app.clone(), phase.clone());
            async move { answer(app, request, peer).await.map(|reply| reply.map(|body| Ending::new(body, phase))) }
        });
        let connection = graceful.watch(builder.serve_connection(io, service).into_owned());
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
        });
    }
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(options.shutdown_timeout.into()) => {
            tracing::warn!("requests that were still running after the shutdown time were cut off");
        }
    }
}

fn protocol(options: &ServerOptions) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // HTTP/1.1's buffer bounds the head; hyper wants at least 8 KiB.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Some(options.header_timeout.into()))
        .max_buf_size(options.max_header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(options.max_header_bytes as u32)
        .max_concurrent_streams(200)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// The body of a request that changes something. No other route takes one; what is sent anyway is not read.
async fn read_body(app: &App, parts: &http::request::Parts, body: Incoming) -> SentBody {
    let most = crate::routes::most_body_bytes(app, parts);
    if most == 0 {
        return SentBody::Whole(Bytes::new());
    }
    let read = Limited::new(body, most).collect();
    match tokio::time::timeout(app.options().header_timeout.into(), read).await {
        Ok(Ok(collected)) => SentBody::Whole(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => SentBody::TooLong,
        _ => SentBody::Broken,
    }
}

/// Answers one request. A panic in a handler is ours to mend, and costs that request alone.
async fn answer(app: App, request: Request<Incoming>, peer: SocketAddr) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = read_body(&app, &parts, body).await;
    let answered = AssertUnwindSafe(app.answer(parts, body, peer)).catch_unwind().await;
    Ok(answered.unwrap_or_else(|_| {
        tracing::error!("a request handler panicked");
        let mut reply = Response::new(Body::from("something went wrong inside the server\n"));
        *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        reply
    }))
}
