//! Sends files of any size piece by piece: only what is asked for is read, and never more than a piece is held.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::{Method, StatusCode};

use crate::app::Asked;
use crate::conditional::{Wanted, wanted_range};
use crate::reply::{Reply, Representation, insert_text};

/// How much is read at once.
const PIECE_BYTES: u64 = 256 << 10;

/// The bytes, or the part of them that was asked for. `read` gives at most so many bytes from an offset, and may block.
///
/// # Errors
/// When the first piece cannot be read. Later ones end the connection, so that nobody takes a part for the whole.
pub(crate) async fn send<R>(asked: &Asked, representation: &Representation, length: u64, read: R) -> io::Result<Reply>
where
    R: Fn(u64, usize) -> io::Result<Bytes> + Send + Sync + 'static,
{
    let mut reply = representation.without_body();
    let wanted = match asked.parts.method {
        Method::GET => wanted_range(&asked.parts.headers, length, &representation.etag),
        _ => Wanted::All,
    };
    let (from, count) = match wanted {
        Wanted::All => (0, length),
        Wanted::Part(first, last) => {
            *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert_text(reply.headers_mut(), CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
            (first, last - first + 1)
        }
        Wanted::Unsatisfiable => {
            *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert_text(reply.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(reply);
        }
    };
    insert_text(reply.headers_mut(), CONTENT_LENGTH, &count.to_string());
    if asked.is_head() {
        return Ok(reply);
    }
    let read = Arc::new(read);
    let piece = move |from: u64, left: u64| {
        let read = Arc::clone(&read);
        async move {
            let bytes = left.min(PIECE_BYTES) as usize;
            tokio::task::spawn_blocking(move || read(from, bytes)).await.map_err(io::Error::other)?
        }
    };
    // The first is read before the answer begins, so that it can be another one.
    let first = piece(from, count).await?;
    let (from, left) = (from + first.len() as u64, count.saturating_sub(first.len() as u64));
    *reply.body_mut() = if left == 0 {
        Body::from(first)
    } else {
        Body::from_stream(try_unfold((Some(first), from, left), move |(ready, from, left)| {
            let piece = piece.clone();
            async move {
                if let Some(ready) = ready {
                    return Ok::<_, io::Error>(Some((ready, (None, from, left))));
                }
                if left == 0 {
                    return Ok(None);
                }
                let next = piece(from, left).await?;
                let bytes = next.len() as u64;
                if bytes == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(Some((next, (None, from + bytes, left - bytes))))
            }
        }))
    };
    Ok(reply)
}
