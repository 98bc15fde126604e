//! Ogg with Vorbis, Opus, FLAC, Speex or Theora: RFC 3533.

use super::window::{Numbers, Window};
use super::{AvError, Found};

/// Pages at the beginning that are looked at, and most bytes at the end.
const MOST_HEADS: usize = 32;
const TAIL: u64 = 256 << 10;

/// How a stream counts time.
#[derive(Clone, Copy, Debug)]
enum Clock {
    /// Samples a second, and those that are left out at the beginning.
    Samples { rate: u32, skipped: u64 },
    /// Frames by a number of two parts: bits of the second, and the rate.
    Frames { shift: u32, numerator: u32, denominator: u32 },
}

impl Clock {
    fn seconds(self, position: u64) -> Option<f64> {
        match self {
            Self::Samples { rate, skipped } => super::window::seconds(position.saturating_sub(skipped), rate.into()),
            Self::Frames { shift, numerator, denominator } => {
                let frames = (position >> shift) + (position & ((1 << shift) - 1));
                (numerator > 0).then(|| frames as f64 * f64::from(denominator) / f64::from(numerator))
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Page {
    is_first: bool,
    serial: u32,
    body: u64,
    end: u64,
}

fn page(window: &mut Window<'_>, at: u64) -> Result<Option<Page>, AvError> {
    let head = window.bytes(at, 27 + 255)?;
    let numbers = Numbers(&head);
    let (true, Some(flags), Some(serial), Some(count)) =
        (head.starts_with(b"OggS"), numbers.u8(5), numbers.le32(14), numbers.u8(26))
    else {
        return Ok(None);
    };
    let Some(lacing) = head.get(27..27 + usize::from(count)) else { return Ok(None) };
    let body = at + 27 + u64::from(count);
    let length: u64 = lacing.iter().map(|value| u64::from(*value)).sum();
    Ok(Some(Page { is_first: flags & 2 != 0, serial, body, end: body + length }))
}

pub(super) fn read(window: &mut Window<'_>) -> Result<Found, AvError> {
    let mut found = Found::default();
    let mut clocks: Vec<(u32, Clock)> = Vec::new();
    let mut at = 0;
    for _ in 0..MOST_HEADS {
        let Some(page) = page(window, at)?.filter(|page| page.is_first) else { break };
        let head = window.bytes(page.body, 64)?;
        if let Some(clock) = read_head(&head, &mut found) {
            clocks.push((page.serial, clock));
        }
        at = page.end;
    }
    if clocks.is_empty() {
        return Err(AvError::Damaged { format: "Ogg", reason: "has no stream of a known kind" });
    }
    let tail_at = window.length().saturating_sub(TAIL);
    let tail = window.bytes(tail_at, TAIL as usize)?;
    found.duration_s = last_time(&tail, &clocks);
    found.format = if found.has_video { "video/ogg" } else { "audio/ogg" };
    Ok(found)
}

/// The latest time among the last pages.
fn last_time(tail: &[u8], clocks: &[(u32, Clock)]) -> Option<f64> {
    let starts = tail.windows(4).enumerate().filter(|(_, window)| *window == b"OggS").map(|(at, _)| at);
    let times = starts.filter_map(|at| {
        let numbers = Numbers(&tail[at..]);
        // A page on which nothing ends has a position of all ones.
        let position = numbers.le64(6).filter(|position| *position != u64::MAX && numbers.u8(4) == Some(0))?;
        let serial = numbers.le32(14)?;
        let (_, clock) = clocks.iter().find(|(other, _)| *other == serial)?;
        clock.seconds(position)
    });
    times.reduce(f64::max)
}

/// The first packet of a stream.
fn read_head(head: &[u8], found: &mut Found) -> Option<Clock> {
    let numbers = Numbers(head);
    if head.starts_with(b"\x01vorbis") {
        found.codecs.push("vorbis".to_owned());
        return Some(Clock::Samples { rate: numbers.le32(12)?, skipped: 0 });
    }
    if head.starts_with(b"OpusHead") {
        found.codecs.push("opus".to_owned());
        return Some(Clock::Samples { rate: 48_000, skipped: numbers.le16(10)?.into() });
    }
    if head.starts_with(b"\x7fFLAC") {
        found.codecs.push("flac".to_owned());
        // Nine bytes of the mapping, four of the signature, four of a block's head, ten of sizes.
        return Some(Clock::Samples { rate: numbers.be24(27)? >> 4, skipped: 0 });
    }
    if head.starts_with(b"Speex   ") {
        found.codecs.push("speex".to_owned());
        return Some(Clock::Samples { rate: numbers.le32(36)?, skipped: 0 });
    }
    if head.starts_with(b"\x80theora") {
        let (width, height) = (numbers.be24(14)?, numbers.be24(17)?);
        let (numerator, denominator) = (numbers.be32(22)?, numbers.be32(26)?);
        let (across, down) = (numbers.be24(30)?, numbers.be24(33)?);
        let shape = if across > 0 && down > 0 { f64::from(across) / f64::from(down) } else { 1.0 };
        found.has_video = true;
        found.size = Some((f64::from(width) * shape, height.into()));
        found.codecs.push("theora".to_owned());
        let shift = u32::from(numbers.be16(40)? >> 5 & 31);
        return Some(Clock::Frames { shift, numerator, denominator });
    }
    None
}
