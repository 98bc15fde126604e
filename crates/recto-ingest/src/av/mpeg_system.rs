//! MPEG program and transport streams, and bare MPEG video: ISO/IEC 13818-1. The length is from the first time stamp to the last.

use std::collections::BTreeMap;

use super::window::{Numbers, Window};
use super::{AvError, Found, h264, mpeg_audio};

/// How much is looked at at the beginning and at the end.
const EDGE: usize = 2 << 20;
/// Time stamps count to 2^33 at this rate.
const RATE: f64 = 90_000.0;
const WRAP: u64 = 1 << 33;
const MOST_STREAMS: usize = 32;

/// What is known of one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    first: Option<u64>,
    last: Option<u64>,
    is_video: bool,
    /// How long one picture or frame of sound is shown.
    frame_s: f64,
}

#[derive(Debug, Default)]
struct Seen {
    /// By the stream's identifier.
    streams: BTreeMap<u16, Times>,
    size: Option<(f64, f64)>,
    codecs: Vec<&'static str>,
}

impl Seen {
    fn stamp(&mut self, stream: u16, is_video: bool, stamp: Option<u64>, is_head: bool) {
        if self.streams.len() >= MOST_STREAMS && !self.streams.contains_key(&stream) {
            return;
        }
        let times = self.streams.entry(stream).or_default();
        times.is_video = is_video;
        let Some(stamp) = stamp else { return };
        // Pictures are not stored in the order of their times.
        if is_head && times.first.is_none_or(|first| stamp < first && first - stamp < WRAP / 2) {
            times.first = Some(stamp);
        }
        let Some(first) = times.first else { return };
        let since = |stamp: u64| (stamp + WRAP - first) % WRAP;
        // What is before the first is a picture out of order.
        if since(stamp) < WRAP / 2 && times.last.is_none_or(|last| since(stamp) > since(last)) {
            times.last = Some(stamp);
        }
    }

    fn content(&mut self, stream: u16, is_video: bool, content: &[u8]) {
        let frame_s = if is_video {
            if self.size.is_some() {
                return;
            }
            let found = content.windows(12).find_map(sequence).or_else(|| h264::picture(content));
            let Some((size, frame_s)) = found else { return };
            self.size = Some(size);
            frame_s
        } else {
            let frame = mpeg_audio::frame(content).map(|frame| (frame.samples, frame.rate));
            let frame = frame.or_else(|| mpeg_audio::adts(content).map(|(_, samples, rate)| (samples, rate)));
            let Some((samples, rate)) = frame else { return };
            f64::from(samples) / f64::from(rate)
        };
        if let Some(times) = self.streams.get_mut(&stream).filter(|times| times.frame_s == 0.0) {
            times.frame_s = frame_s;
        }
    }

    fn found(self, format: &'static str) -> Found {
        let origin = self.streams.values().filter_map(|times| times.first).min();
        let ends = self.streams.values().filter_map(|times| {
            let since = (times.last? + WRAP - origin?) % WRAP;
            Some(since as f64 / RATE + times.frame_s)
        });
        Found {
            format,
            has_video: self.streams.values().any(|times| times.is_video),
            duration_s: ends.reduce(f64::max),
            size: self.size,
            codecs: self.codecs.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The head of a sequence of MPEG-1 or MPEG-2 pictures: size as it is shown, and length of a picture.
fn sequence(bytes: &[u8]) -> Option<((f64, f64), f64)> {
    const RATES: [f64; 9] =
        [0.0, 24_000.0 / 1001.0, 24.0, 25.0, 30_000.0 / 1001.0, 30.0, 50.0, 60_000.0 / 1001.0, 60.0];
    let numbers = Numbers(bytes);
    if numbers.be32(0)? != 0x1b3 {
        return None;
    }
    let size = numbers.be24(4)?;
    let (width, height) = (f64::from(size >> 12), f64::from(size & 0xfff));
    let shape = numbers.u8(7)?;
    let rate = *RATES.get(usize::from(shape & 15))?;
    // 2 to 4 are the shapes of a screen in MPEG-2; the pixels of MPEG-1 by that number are hardly met.
    let width = match shape >> 4 {
        2 => height * 4.0 / 3.0,
        3 => height * 16.0 / 9.0,
        4 => height * 2.21,
        _ => width,
    };
    Some(((width, height), if rate > 0.0 { 1.0 / rate } else { 0.0 }))
}

/// A program stream, or bare video, in which there is no time at all.
pub(super) fn read_program(window: &mut Window<'_>) -> Result<Found, AvError> {
    let head = window.bytes(0, EDGE)?;
    let mut seen = Seen::default();
    if Numbers(&head).be32(0) == Some(0x1b3) {
        let size = sequence(&head).map(|(size, _)| size);
        return Ok(Found {
            format: "video/mpeg",
            has_video: true,
            size,
            codecs: vec!["mpeg1video".to_owned()],
            ..Found::default()
        });
    }
    walk_program(&head, &mut seen, true);
    let tail_at = window.length().saturating_sub(EDGE as u64);
    if tail_at > 0 {
        walk_program(&window.bytes(tail_at, EDGE)?, &mut seen, false);
    }
    if seen.streams.is_empty() {
        return Err(AvError::Damaged { format: "MPEG", reason: "has neither sound nor moving pictures" });
    }
    Ok(seen.found("video/mpeg"))
}

fn walk_program(bytes: &[u8], seen: &mut Seen, is_head: bool) {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.windows(3).position(|window| window == [0, 0, 1])) {
        at += found;
        let Some(packet) = bytes.get(at..).filter(|packet| packet.len() >= 6) else { break };
        let id = packet[3];
        at += 3;
        let (is_video, codec) = match id {
            0xe0..=0xef => (true, "mpeg1video"),
            0xc0..=0xdf => (false, "mp2"),
            0xbd => (false, "ac-3"),
            _ => continue,
        };
        let length = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
        let packet = &packet[..packet.len().min(6 + length)];
        let Some((stamp, content)) = packet_head(packet) else { continue };
        if is_head && !seen.codecs.contains(&codec) {
            seen.codecs.push(codec);
        }
        seen.stamp(id.into(), is_video, stamp, is_head);
        if is_head {
            seen.content(id.into(), is_video, content);
        }
        at += packet.len().saturating_sub(3);
    }
}

/// The time stamp of a packet and what it holds: §2.4.3.6, and ISO/IEC 11172-1 §2.4.3.3 for the older form.
fn packet_head(packet: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let numbers = Numbers(packet);
    if numbers.u8(6)? >> 6 == 2 {
        let flags = numbers.u8(7)?;
        let stamp = if flags & 0x80 == 0 { None } else { stamp(packet.get(9..14)?) };
        return Some((stamp, packet.get(9 + usize::from(numbers.u8(8)?)..)?));
    }
    let mut at = 6 + packet.get(6..)?.iter().take(16).take_while(|byte| **byte == 0xff).count();
    if numbers.u8(at)? >> 6 == 1 {
        at += 2;
    }
    match numbers.u8(at)? >> 4 {
        2 => Some((stamp(packet.get(at..at + 5)?), packet.get(at + 5..)?)),
        3 => Some((stamp(packet.get(at..at + 5)?), packet.get(at + 10..)?)),
        _ => Some((None, packet.get(at + 1..)?)),
    }
}

fn stamp(bytes: &[u8]) -> Option<u64> {
    let [a, b, c, d, e] = <[u8; 5]>::try_from(bytes).ok()?.map(u64::from);
    let is_marked = a & 1 == 1 && c & 1 == 1 && e & 1 == 1;
    is_marked.then_some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

/// Distance of packets and where the first begins, where this is a transport stream.
pub(super) fn packet_size(window: &mut Window<'_>) -> Result<Option<(usize, usize)>, AvError> {
    let head = window.bytes(0, 2048)?;
    for size in [188, 192, 204] {
        for start in [0, 4] {
            let marks = (0..5).map(|index| head.get(start + index * size));
            if head.len() > start + 4 * size && marks.into_iter().all(|mark| mark == Some(&0x47)) {
                return Ok(Some((size, start)));
            }
        }
    }
    Ok(None)
}

pub(super) fn read_transport(window: &mut Window<'_>) -> Result<Found, AvError> {
    let (size, start) = packet_size(window)?.ok_or(AvError::NotAv)?;
    let head = window.bytes(start as u64, EDGE)?;
    let mut seen = Seen::default();
    let mut kinds = BTreeMap::new();
    walk_transport(&head, size, &mut kinds, &mut seen, true);
    let tail_at = window.length().saturating_sub(EDGE as u64);
    if tail_at > 0 {
        // Packets are on a grid that begins at the first.
        let on_grid = tail_at - (tail_at - start as u64) % size as u64;
        walk_transport(&window.bytes(on_grid, EDGE)?, size, &mut kinds, &mut seen, false);
    }
    if seen.streams.is_empty() {
        return Err(AvError::Damaged { format: "MPEG-TS", reason: "has neither sound nor moving pictures" });
    }
    Ok(seen.found("video/mp2t"))
}

/// What a stream of a program is: its codec, and whether it is pictures.
fn stream_kind(kind: u8) -> Option<(&'static str, bool)> {
    match kind {
        1 => Some(("mpeg1video", true)),
        2 => Some(("mpeg2video", true)),
        3 | 4 => Some(("mp2", false)),
        0x0f | 0x11 => Some(("mp4a.40.2", false)),
        0x10 => Some(("mp4v", true)),
        0x1b => Some(("avc1", true)),
        0x24 => Some(("hev1", true)),
        0x81 => Some(("ac-3", false)),
        _ => None,
    }
}

fn walk_transport(
    bytes: &[u8],
    size: usize,
    kinds: &mut BTreeMap<u16, Option<(&'static str, bool)>>,
    seen: &mut Seen,
    is_head: bool,
) {
    for packet in bytes.chunks_exact(size) {
        let packet = &packet[..188];
        let id = u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff;
        let begins = packet[1] & 0x40 != 0;
        let field = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        let Some(content) = packet.get(field..).filter(|_| packet[0] == 0x47 && packet[3] & 0x10 != 0) else {
            continue;
        };
        if !begins {
            continue;
        }
        // Tables of programs are `None` until they are read: what is listed there has its kind.
        match kinds.get(&id).copied() {
            _ if id == 0 => program_table(content, kinds),
            Some(None) => stream_table(content, kinds, seen),
            Some(Some((_, is_video))) if content.starts_with(&[0, 0, 1]) => {
                let Some((stamp, content)) = packet_head(content) else { continue };
                seen.stamp(id, is_video, stamp, is_head);
                if is_head {
                    seen.content(id, is_video, content);
                }
            }
            _ => {}
        }
    }
}

/// A table's entries, without its head and its checksum.
fn section(content: &[u8], head: usize) -> Option<&[u8]> {
    let start = 1 + usize::from(*content.first()?);
    let length = usize::from(Numbers(content).be16(start + 1)? & 0xfff);
    let end = (start + 3 + length).min(content.len()).checked_sub(4)?;
    content.get(start + head..end)
}

fn program_table(content: &[u8], kinds: &mut BTreeMap<u16, Option<(&'static str, bool)>>) {
    for entry in section(content, 8).unwrap_or_default().chunks_exact(4).take(MOST_STREAMS) {
        if entry[..2] != [0, 0] {
            kinds.entry(u16::from_be_bytes([entry[2], entry[3]]) & 0x1fff).or_insert(None);
        }
    }
}

fn stream_table(content: &[u8], kinds: &mut BTreeMap<u16, Option<(&'static str, bool)>>, seen: &mut Seen) {
    let Some(entries) = section(content, 10) else { return };
    let Some(skipped) = Numbers(entries).be16(0) else { return };
    let mut at = 2 + usize::from(skipped & 0xfff);
    while let (Some([kind, high, low]), Some(more)) = (entries.get(at..at + 3), Numbers(entries).be16(at + 3)) {
        if let Some(known) = stream_kind(*kind) {
            let id = u16::from_be_bytes([*high, *low]) & 0x1fff;
            if kinds.len() < 4 * MOST_STREAMS && kinds.insert(id, Some(known)).is_none() {
                seen.codecs.push(known.0);
            }
        }
        at += 5 + usize::from(more & 0xfff);
    }
}
