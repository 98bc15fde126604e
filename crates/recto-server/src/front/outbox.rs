//! Bytes on their way to a client, in memory that a connection keeps and that is never wiped.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// More than this is given back after it was sent: one large answer does not set the memory of a connection for good.
const KEPT_BYTES: usize = 128 << 10;

/// Answers that are being written and sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    used: usize,
    sent: usize,
}

impl Outbox {
    /// Bytes in it, sent ones included.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    /// Appends.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }

    /// Appends so many bytes that the caller fills; they hold anything.
    pub(crate) fn room(&mut self, length: usize) -> &mut [u8] {
        let start = self.used;
        self.used += length;
        if self.bytes.len() < self.used {
            self.bytes.resize(self.used.next_power_of_two().max(1 << 14), 0);
        }
        &mut self.bytes[start..self.used]
    }

    /// What was appended since it was so long.
    pub(crate) fn since(&self, length: usize) -> &[u8] {
        self.bytes.get(length..self.used).unwrap_or_default()
    }

    /// What was appended between two lengths.
    pub(crate) fn between(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end.min(self.used)).unwrap_or_default()
    }

    /// Takes back what was appended since it was so long.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.used = length.min(self.used);
    }

    /// Sends all of it.
    pub(crate) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.sent..self.used).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        (self.used, self.sent) = (0, 0);
        if self.bytes.len() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}
