//! The front of an HTTP/1.1 connection: answers what can be answered on the spot, and hands all else to the HTTP library behind.
//!
//! A stored tile takes a few microseconds to find and to read; a full HTTP stack takes more than that for its own affairs. So the
//! stream that the library reads from looks at each request first, while the library waits for one. What it answers itself
//! (see [`at_once`]) the library never sees; everything else is passed on byte by byte, one request at a time, so that
//! it is clear where a request begins. HTTP/2, requests with bodies and whatever is odd are passed on for good.

mod at_once;
mod outbox;
mod recent;

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::app::App;

pub(crate) use self::outbox::Outbox;
pub(crate) use self::recent::Recent;

/// Requests whose heads are longer are passed on.
const MOST_HEAD_BYTES: usize = 8 << 10;

/// Fields of a head that is read here.
const MOST_FIELDS: usize = 48;

/// Requests answered in a row before other connections have their turn.
const MOST_IN_A_ROW: usize = 16;

/// Where the library behind is with the request that it was given last. Shared with the answer's body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase(Arc<AtomicU8>);

impl Phase {
    /// Nothing was given, or the answer is sent.
    const IDLE: u8 = 0;
    /// A request was given.
    const BUSY: u8 = 1;
    /// The answer's body was taken to its end, and is to be sent.
    const ENDING: u8 = 2;

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Acquire) == phase
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Release);
    }
}

/// A body whose end is told to the front.
#[derive(Debug)]
pub(crate) struct Ending<B> {
    body: B,
    phase: Phase,
}

impl<B> Ending<B> {
    pub(crate) fn new(body: B, phase: Phase) -> Self {
        Self { body, phase }
    }
}

impl<B> Drop for Ending<B> {
    fn drop(&mut self) {
        self.phase.set(Phase::ENDING);
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Ending<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The stream of a connection, with what was read of it and what is to be sent.
pub(crate) struct Front<S> {
    stream: S,
    app: App,
    peer: SocketAddr,
    phase: Phase,
    /// Read, and neither answered nor passed on: so many bytes of a buffer that stays.
    inbox: Box<[u8]>,
    held: usize,
    /// So much of it is to be passed on now.
    passing: usize,
    /// Everything is passed on.
    passes_all: bool,
    /// Answers on their way.
    outbox: Outbox,
    /// When the library was given a request last: it counts the time from there, and ends connections that stand still.
    passed_at: Option<Instant>,
    /// Longest time without a request, and with an unfinished one.
    idle: Duration,
    /// Since when a request is waited for, and the end of that. The timer is set seldom: it looks here when it goes off.
    waiting_since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Front<S> {
    /// The front of a connection that is ended when for `idle` no whole request comes. The library behind counts that time
    /// too, from the last request that it was given, so it is given one now and then.
    pub(crate) fn new(stream: S, app: App, peer: SocketAddr, phase: Phase, idle: Duration) -> Self {
        Self {
            stream,
            app,
            peer,
            phase,
            inbox: vec![0; MOST_HEAD_BYTES].into(),
            held: 0,
            passing: 0,
            passes_all: false,
            outbox: Outbox::default(),
            passed_at: None,
            idle,
            waiting_since: Instant::now(),
            timer: Box::pin(sleep(idle)),
        }
    }

    /// Sends what is on its way.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outbox.poll_send(&mut self.stream, context)
    }

    /// Reads more into the inbox; the number of bytes, 0 at the end of the stream.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(self.inbox.get_mut(self.held..).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        self.held += count;
        Poll::Ready(Ok(count))
    }

    /// Takes the first bytes out of the inbox.
    fn take(&mut self, count: usize) {
        self.inbox.copy_within(count..self.held, 0);
        self.held -= count;
    }

    /// As [`Front::poll_fill`] while a request is waited for, which has an end.
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(filled) = self.poll_fill(context) {
            return Poll::Ready(filled);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let left = self.idle.saturating_sub(self.waiting_since.elapsed());
            if left.is_zero() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.timer.as_mut().reset(tokio::time::Instant::now() + left);
        }
        Poll::Pending
    }

    /// Looks at what the inbox begins with.
    fn look(&mut self) -> Seen {
        if self.held == 0 {
            return Seen::Part;
        }
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let length = match head.parse(self.inbox.get(..self.held).unwrap_or_default()) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if self.held < MOST_HEAD_BYTES => return Seen::Part,
            _ => return Seen::Odd,
        };
        let framed = |field: &httparse::Header<'_>| {
            ["content-length", "transfer-encoding", "upgrade", "expect"]
                .iter()
                .any(|name| field.name.eq_ignore_ascii_case(name))
        };
        if head.headers.iter().any(framed) {
            return Seen::Odd;
        }
        let is_due = self.passed_at.is_none_or(|at| at.elapsed() >= self.idle / 3);
        if !is_due && at_once::answer(&self.app, &head, self.peer, &mut self.outbox) {
            self.take(length);
            self.waiting_since = Instant::now();
            return Seen::Answered;
        }
        Seen::ToPass(length)
    }
}

/// What the inbox begins with.
enum Seen {
    /// Nothing, or a head that is not complete.
    Part,
    /// A request that was answered, and is gone.
    Answered,
    /// A request of this length for the library.
    ToPass(usize),
    /// Nothing that is understood here.
    Odd,
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Front<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        for _ in 0..MOST_IN_A_ROW {
            if this.passes_all && this.held == 0 {
                return Pin::new(&mut this.stream).poll_read(context, buffer);
            }
            let passing = if this.passes_all { this.held } else { this.passing };
            if passing > 0 {
                let count = passing.min(buffer.remaining());
                buffer.put_slice(this.inbox.get(..count).unwrap_or_default());
                this.take(count);
                this.passing = this.passing.saturating_sub(count);
                return Poll::Ready(Ok(()));
            }
            if !this.phase.is(Phase::IDLE) {
                // The library only wants to know whether the client is still there.
                if this.held < MOST_HEAD_BYTES && ready!(this.poll_fill(context))? == 0 {
                    return Poll::Ready(Ok(()));
                }
                if this.held >= MOST_HEAD_BYTES {
                    return Poll::Pending;
                }
                continue;
            }
            ready!(this.poll_send(context))?;
            match this.look() {
                Seen::Answered => ready!(this.poll_send(context))?,
                Seen::ToPass(length) => {
                    this.passing = length;
                    this.passed_at = Some(Instant::now());
                    this.phase.set(Phase::BUSY);
                }
                Seen::Odd => this.passes_all = true,
                Seen::Part => {
                    if ready!(this.poll_wait(context))? == 0 {
                        this.passes_all = true;
                    }
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Front<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The library calls this when it has nothing left to write.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        if this.phase.is(Phase::ENDING) {
            this.phase.set(Phase::IDLE);
            this.waiting_since = Instant::now();
            // What came meanwhile was not looked at, and the library may have asked for it already.
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl<S> std::fmt::Debug for Front<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("peer", &self.peer).field("passes_all", &self.passes_all).finish_non_exhaustive()
    }
}
