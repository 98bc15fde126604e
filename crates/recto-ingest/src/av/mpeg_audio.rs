//! MP3 and its older layers, and AAC in ADTS: frames one after the other, behind tags.

use super::window::{Numbers, Window, seconds};
use super::{AvError, Found, pcm};

/// How far behind the tags the first frame is looked for.
const MOST_BEFORE: usize = 128 << 10;
const MOST_TAGS: usize = 8;
/// Frames of a file without a count that are looked at in all its parts.
const PROBES: u64 = 16;
/// AAC files up to this length are gone through frame by frame.
const MOST_WALKED: u64 = 16 << 20;

/// A frame of MPEG audio: its length, samples, rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) bytes: u32,
    pub(super) samples: u32,
    pub(super) rate: u32,
    bits_a_second: u32,
    layer: u8,
    /// Bytes between the head and the counts of a first frame.
    side: usize,
    /// What all frames of a file share.
    kind: u32,
}

/// The head of a frame: ISO/IEC 11172-3 §2.4.1.3 and 13818-3.
pub(super) fn frame(head: &[u8]) -> Option<Frame> {
    const RATES: [u32; 3] = [44_100, 48_000, 32_000];
    #[rustfmt::skip]
    const KILOBITS: [[u32; 16]; 5] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
    ];
    let word = Numbers(head).be32(0)?;
    if word >> 21 != 0x7ff {
        return None;
    }
    let (version, layer) = (word >> 19 & 3, word >> 17 & 3);
    if version == 1 || layer == 0 {
        return None;
    }
    let (is_first, layer) = (version == 3, 4 - layer);
    let table = match (is_first, layer) {
        (true, layer) => layer as usize - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    let kilobits = *KILOBITS[table].get((word >> 12 & 15) as usize)?;
    let rate = *RATES.get((word >> 10 & 3) as usize)? >> (3 - version).min(2);
    if kilobits == 0 {
        return None;
    }
    let padding = word >> 9 & 1;
    let samples = match (layer, is_first) {
        (1, _) => 384,
        (3, false) => 576,
        _ => 1152,
    };
    let bytes = match layer {
        1 => (12 * kilobits * 1000 / rate + padding) * 4,
        _ => samples / 8 * kilobits * 1000 / rate + padding,
    };
    let is_mono = word >> 6 & 3 == 3;
    let side = match (is_first, is_mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    Some(Frame {
        bytes,
        samples,
        rate,
        bits_a_second: kilobits * 1000,
        layer: layer as u8,
        side,
        kind: word & 0xfffe_0c00,
    })
}

/// The head of a frame of AAC: length, samples, rate.
pub(super) fn adts(head: &[u8]) -> Option<(u32, u32, u32)> {
    const RATES: [u32; 13] =
        [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
    let numbers = Numbers(head);
    if numbers.be16(0)? & 0xfff6 != 0xfff0 {
        return None;
    }
    let rate = *RATES.get(usize::from(numbers.u8(2)? >> 2 & 15))?;
    let length = numbers.be32(3)? >> 13 & 0x1fff;
    let blocks = u32::from(numbers.u8(6)? & 3) + 1;
    (length >= 7).then_some((length, blocks * 1024, rate))
}

pub(super) fn read(window: &mut Window<'_>) -> Result<Found, AvError> {
    let mut start = 0;
    for _ in 0..MOST_TAGS {
        let head = window.bytes(start, 10)?;
        let Some(length) = tag_length(&head) else { break };
        start += length;
    }
    let had_tags = start > 0;
    let area = window.bytes(start, MOST_BEFORE)?;
    if area.starts_with(b"fLaC") {
        return pcm::read_flac(window, start);
    }
    // Without tags before it the sound begins at once, so that other files are not taken for sound by chance.
    let most = if had_tags { area.len() } else { area.len().min(4096) };
    for offset in (0..most).filter(|at| area[*at] == 0xff) {
        let at = start + offset as u64;
        if let Some(first) = frame(&area[offset..])
            && is_followed(window, at, first)?
        {
            return mpeg(window, at, first);
        }
        if let Some((length, samples, rate)) = adts(&area[offset..]) {
            let next = window.bytes(at + u64::from(length), 7)?;
            if adts(&next).is_some_and(|(_, _, other)| other == rate) || next.is_empty() && offset == 0 {
                return aac(window, at, length, samples, rate);
            }
        }
    }
    Err(AvError::NotAv)
}

/// The length of an ID3 tag (version 2) that begins here, with its head.
fn tag_length(head: &[u8]) -> Option<u64> {
    if !head.starts_with(b"ID3") {
        return None;
    }
    let size = head.get(6..10)?.iter().fold(0_u64, |size, byte| size << 7 | u64::from(byte & 0x7f));
    let footer = if head.get(5)? & 0x10 == 0 { 0 } else { 10 };
    Some(10 + size + footer)
}

/// Two more frames of the same kind follow, or the file ends.
fn is_followed(window: &mut Window<'_>, at: u64, first: Frame) -> Result<bool, AvError> {
    let mut next_at = at + u64::from(first.bytes);
    for number in 0..2 {
        let head = window.bytes(next_at, 4)?;
        match frame(&head) {
            Some(next) if next.kind == first.kind => next_at += u64::from(next.bytes),
            _ => return Ok(number > 0 && (head.len() < 4 || head.starts_with(b"TAG") || head.starts_with(b"APET"))),
        }
    }
    Ok(true)
}

fn mpeg(window: &mut Window<'_>, at: u64, first: Frame) -> Result<Found, AvError> {
    let duration_s = match counted(window, at, first)? {
        Some(frames) => seconds(u64::from(frames) * u64::from(first.samples), first.rate.into()),
        None => by_rate(window, at, first)?,
    };
    Ok(Found {
        format: "audio/mpeg",
        duration_s,
        codecs: vec![["mp1", "mp2", "mp3"][usize::from(first.layer - 1).min(2)].to_owned()],
        ..Found::default()
    })
}

/// The number of frames that the first one tells, where it holds no sound: `Xing`, `Info` or `VBRI`.
fn counted(window: &mut Window<'_>, at: u64, first: Frame) -> Result<Option<u32>, AvError> {
    let body = window.bytes(at + 4, 64)?;
    let counts = body.get(first.side..).unwrap_or_default();
    if counts.starts_with(b"Xing") || counts.starts_with(b"Info") {
        let numbers = Numbers(counts);
        let has_frames = numbers.be32(4).is_some_and(|flags| flags & 1 != 0);
        return Ok(numbers.be32(8).filter(|frames| has_frames && *frames > 0));
    }
    let counts = body.get(32..).unwrap_or_default();
    Ok(if counts.starts_with(b"VBRI") { Numbers(counts).be32(14).filter(|frames| *frames > 0) } else { None })
}

/// The length by the bit rate: that of frames in all parts of the file, which is exact where the rate does not change.
fn by_rate(window: &mut Window<'_>, at: u64, first: Frame) -> Result<Option<f64>, AvError> {
    let mut end = window.length();
    if window.bytes(end.saturating_sub(128), 3)? == b"TAG" && end >= at + 128 {
        end -= 128;
    }
    let mut rates = vec![first.bits_a_second];
    for probe in 1..PROBES {
        let area = window.bytes(at + (end - at) / PROBES * probe, 4096)?;
        let found = area.iter().enumerate().filter(|(_, byte)| **byte == 0xff).find_map(|(offset, _)| {
            let own = frame(&area[offset..]).filter(|frame| frame.kind == first.kind)?;
            let next = frame(area.get(offset + own.bytes as usize..)?)?;
            (next.kind == first.kind).then_some(own.bits_a_second)
        });
        rates.extend(found);
    }
    let mean = rates.iter().map(|rate| f64::from(*rate)).sum::<f64>() / rates.len() as f64;
    Ok(Some((end - at) as f64 * 8.0 / mean))
}

fn aac(window: &mut Window<'_>, start: u64, length: u32, samples: u32, rate: u32) -> Result<Found, AvError> {
    let (mut at, mut total, mut bytes) = (start, 0_u64, 0_u64);
    let end = window.length();
    let mut area = Vec::new();
    let mut area_at = start;
    while at < end && at - start < MOST_WALKED {
        let mut offset = (at - area_at) as usize;
        if offset + 7 > area.len() {
            area = window.bytes(at, 256 << 10)?;
            (area_at, offset) = (at, 0);
        }
        let Some((length, samples, _)) = area.get(offset..).and_then(adts) else { break };
        total += u64::from(samples);
        bytes += u64::from(length);
        at += u64::from(length);
    }
    if bytes == 0 {
        (total, bytes) = (samples.into(), length.into());
    }
    let walked = seconds(total, rate.into());
    let is_whole = at - start < MOST_WALKED;
    Ok(Found {
        format: "audio/aac",
        duration_s: walked.map(|walked| if is_whole { walked } else { walked * (end - start) as f64 / bytes as f64 }),
        codecs: vec!["mp4a.40.2".to_owned()],
        ..Found::default()
    })
}
