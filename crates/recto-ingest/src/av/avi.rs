//! AVI: chunks of RIFF.

use super::window::{Numbers, Window};
use super::{AvError, Found};

const MOST_CHUNKS: usize = 4096;
/// The lists of an AVI file lie three deep.
const MOST_DEPTH: usize = 4;

#[derive(Debug, Default)]
struct Stream {
    is_video: bool,
    is_sound: bool,
    /// Where this stream is in the file is not told; its length is.
    seconds: f64,
    handler: String,
}

#[derive(Debug, Default)]
struct Seen {
    main: Option<(f64, u32, u32)>,
    frames: Option<u32>,
    streams: Vec<Stream>,
    size: Option<(f64, f64)>,
    shape: Option<f64>,
}

pub(super) fn read(window: &mut Window<'_>) -> Result<Found, AvError> {
    let mut seen = Seen::default();
    // The lists that are open: where to go on, and where they end.
    let mut open = vec![(12_u64, window.length())];
    for _ in 0..MOST_CHUNKS {
        let Some((at, end)) = open.pop() else { break };
        if at + 8 > end {
            continue;
        }
        let head = window.bytes(at, 80)?;
        let numbers = Numbers(&head);
        let (Some(kind), Some(length)) = (head.get(..4), numbers.le32(4)) else { continue };
        let next = at + 8 + u64::from(length) + u64::from(length & 1);
        open.push((next, end));
        let is_list = kind == b"LIST" && matches!(head.get(8..12), Some(b"hdrl" | b"strl" | b"odml"));
        if is_list && open.len() < MOST_DEPTH {
            open.push((at + 12, (at + 8 + u64::from(length)).min(end)));
        } else if kind == b"LIST" && head.get(8..12) == Some(b"movi") {
            break;
        } else {
            chunk(kind, head.get(8..).unwrap_or_default(), &mut seen);
        }
    }
    let video = seen.streams.iter().any(|stream| stream.is_video);
    if !video && !seen.streams.iter().any(|stream| stream.is_sound) {
        return Err(AvError::Damaged { format: "AVI", reason: "does not say what it holds" });
    }
    let longest = seen.streams.iter().map(|stream| stream.seconds).fold(0.0, f64::max);
    let by_frames = seen.main.map(|(frame_s, frames, _)| frame_s * f64::from(seen.frames.unwrap_or(frames)));
    // What is longer than 1 GiB tells all of its frames in one place alone.
    let duration_s = if seen.frames.is_some() { by_frames.map(|frames| frames.max(longest)) } else { Some(longest) };
    let size = seen.size.map(|(width, height)| match seen.shape {
        Some(shape) => (height * shape, height),
        None => (width, height),
    });
    Ok(Found {
        format: "video/x-msvideo",
        has_video: video,
        duration_s: duration_s.filter(|length| *length > 0.0).or(by_frames),
        size,
        codecs: seen.streams.into_iter().map(|stream| stream.handler).collect(),
    })
}

fn chunk(kind: &[u8], content: &[u8], seen: &mut Seen) {
    let numbers = Numbers(content);
    match kind {
        b"avih" => {
            if let (Some(microseconds), Some(frames), Some(streams)) =
                (numbers.le32(0), numbers.le32(16), numbers.le32(24))
            {
                seen.main = Some((f64::from(microseconds) / 1e6, frames, streams));
                seen.size = numbers.le32(32).zip(numbers.le32(36)).map(|(w, h)| (w.into(), h.into()));
            }
        }
        b"dmlh" => seen.frames = numbers.le32(0).filter(|frames| *frames > 0),
        b"strh" => {
            let (scale, rate, length) = (numbers.le32(20), numbers.le32(24), numbers.le32(32));
            let seconds = match (scale, rate, length) {
                (Some(scale), Some(rate @ 1..), Some(length)) => f64::from(length) * f64::from(scale) / f64::from(rate),
                _ => 0.0,
            };
            let handler = content.get(4..8).unwrap_or_default().iter().map(|byte| char::from(*byte));
            seen.streams.push(Stream {
                is_video: content.starts_with(b"vids"),
                is_sound: content.starts_with(b"auds"),
                seconds,
                handler: handler.filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase(),
            });
        }
        b"strf" => {
            if let Some(stream) = seen.streams.last_mut() {
                if stream.is_sound {
                    sound(numbers.le16(0).unwrap_or(0)).clone_into(&mut stream.handler);
                } else if stream.is_video && seen.size.is_none_or(|(width, _)| width == 0.0) {
                    // The height is negative where rows come from the top.
                    let height = numbers.le32(8).map(|height| (height as i32).unsigned_abs());
                    seen.size = numbers.le32(4).zip(height).map(|(w, h)| (w.into(), h.into()));
                }
            }
        }
        b"vprp" => {
            let shape = numbers.le32(20).map(|shape| (f64::from(shape >> 16), f64::from(shape & 0xffff)));
            seen.shape =
                shape.filter(|(across, down)| *across > 0.0 && *down > 0.0).map(|(across, down)| across / down);
        }
        _ => {}
    }
}

const fn sound(tag: u16) -> &'static str {
    match tag {
        1 | 3 => "pcm",
        0x50 => "mp2",
        0x55 => "mp3",
        0xff | 0x1600..=0x1610 => "mp4a.40.2",
        0x2000 => "ac-3",
        _ => "",
    }
}
