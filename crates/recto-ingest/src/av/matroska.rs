//! Matroska and WebM: RFC 9559, in EBML (RFC 8794).

use super::window::Window;
use super::{AvError, Found};

const NAME: &str = "Matroska";
const MOST_TRACKS: usize = 64;
/// Elements that are looked at: of a long recording without a length, each cluster is one.
const MOST_ELEMENTS: u32 = 200_000;
const UNKNOWN: u64 = u64::MAX;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;

/// An element: its identifier, where its content begins, its length.
#[derive(Clone, Copy, Debug)]
struct Element {
    id: u32,
    start: u64,
    length: u64,
}

impl Element {
    fn end(self, limit: u64) -> u64 {
        self.start.saturating_add(self.length).min(limit)
    }
}

fn element(window: &mut Window<'_>, at: u64) -> Result<Option<Element>, AvError> {
    let head = window.bytes(at, 12)?;
    let Some((id, id_bytes)) = number(&head, 4, false) else { return Ok(None) };
    let Some((length, length_bytes)) = head.get(id_bytes..).and_then(|rest| number(rest, 8, true)) else {
        return Ok(None);
    };
    Ok(Some(Element { id: id as u32, start: at + (id_bytes + length_bytes) as u64, length }))
}

/// A number of variable length, with its mark or without: value, and bytes that it takes. All ones are "not known".
fn number(bytes: &[u8], most: u32, without_mark: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() + 1;
    if width > most {
        return None;
    }
    let bytes = bytes.get(..width as usize)?;
    let value = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let mark = 1_u64 << (7 * width);
    let value = match without_mark {
        true if value & (mark - 1) == mark - 1 => UNKNOWN,
        true => value & (mark - 1),
        false => value,
    };
    Some((value, width as usize))
}

/// Children of an element, at most so many.
fn children(window: &mut Window<'_>, parent: Element, most: usize) -> Result<Vec<Element>, AvError> {
    let end = parent.end(window.length());
    let (mut list, mut at) = (Vec::new(), parent.start);
    while at < end && list.len() < most {
        let Some(child) = element(window, at)? else { break };
        at = child.end(end);
        list.push(child);
    }
    Ok(list)
}

fn unsigned(window: &mut Window<'_>, element: Element) -> Result<u64, AvError> {
    let bytes = window.bytes(element.start, element.length.min(8) as usize)?;
    Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn float(window: &mut Window<'_>, element: Element) -> Result<f64, AvError> {
    let bytes = window.bytes(element.start, element.length.min(8) as usize)?;
    Ok(match (<[u8; 4]>::try_from(&bytes[..]), <[u8; 8]>::try_from(&bytes[..])) {
        (Ok(four), _) => f32::from_be_bytes(four).into(),
        (_, Ok(eight)) => f64::from_be_bytes(eight),
        _ => 0.0,
    })
}

fn text(window: &mut Window<'_>, element: Element) -> Result<String, AvError> {
    let bytes = window.bytes(element.start, element.length.min(64) as usize)?;
    Ok(bytes
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| char::from(*byte))
        .filter(char::is_ascii_graphic)
        .collect())
}

pub(super) fn read(window: &mut Window<'_>) -> Result<Found, AvError> {
    const DAMAGED: AvError = AvError::Damaged { format: NAME, reason: "does not say what it holds" };
    let head = element(window, 0)?.ok_or(DAMAGED)?;
    let mut is_webm = false;
    for child in children(window, head, 32)? {
        is_webm |= child.id == 0x4282 && text(window, child)? == "webm";
    }
    let mut at = head.end(window.length());
    // Something may stand between the head and the segment.
    let segment = loop {
        let next = element(window, at)?.ok_or(DAMAGED)?;
        if next.id == SEGMENT {
            break next;
        }
        if next.length == UNKNOWN || next.end(window.length()) <= at {
            return Err(DAMAGED);
        }
        at = next.end(window.length());
    };
    let mut found = Found::default();
    let (mut scale, mut length, mut first_cluster) = (1_000_000, None, None);
    let end = segment.end(window.length());
    let (mut at, mut has_tracks) = (segment.start, false);
    for _ in 0..1024 {
        let Some(child) = element(window, at)?.filter(|_| at < end) else { break };
        match child.id {
            INFO => {
                for fact in children(window, child, 64)? {
                    match fact.id {
                        0x2a_d7b1 => scale = unsigned(window, fact)?,
                        0x4489 => length = Some(float(window, fact)?),
                        _ => {}
                    }
                }
            }
            TRACKS => {
                has_tracks = true;
                for track in children(window, child, MOST_TRACKS)? {
                    read_track(window, track, &mut found)?;
                }
            }
            CLUSTER => {
                first_cluster.get_or_insert(at);
                if has_tracks {
                    break;
                }
            }
            _ => {}
        }
        if child.length == UNKNOWN {
            break;
        }
        at = child.end(end);
    }
    if !has_tracks {
        return Err(DAMAGED);
    }
    let tick_s = scale as f64 / 1e9;
    let told = length.filter(|length| *length > 0.0).map(|length| length * tick_s);
    found.duration_s = match (told, first_cluster) {
        (Some(told), _) => Some(told),
        (None, Some(at)) => last_time(window, at, end).ok().map(|time| time as f64 * tick_s),
        (None, None) => None,
    };
    found.format = match (is_webm, found.has_video) {
        (true, true) => "video/webm",
        (true, false) => "audio/webm",
        (false, true) => "video/x-matroska",
        (false, false) => "audio/x-matroska",
    };
    Ok(found)
}

fn read_track(window: &mut Window<'_>, track: Element, found: &mut Found) -> Result<(), AvError> {
    if track.id != 0xae {
        return Ok(());
    }
    let (mut kind, mut name, mut size) = (0, String::new(), None);
    for fact in children(window, track, 128)? {
        match fact.id {
            0x83 => kind = unsigned(window, fact)?,
            0x86 => name = text(window, fact)?,
            0xe0 => size = read_size(window, fact)?,
            _ => {}
        }
    }
    if kind == 1 {
        found.has_video = true;
        found.size = found.size.or(size);
    }
    if matches!(kind, 1 | 2) {
        found.codecs.push(codec(&name));
    }
    Ok(())
}

/// The size as it is shown: what is cut off is off, and the picture has the shape that it is told to have.
fn read_size(window: &mut Window<'_>, video: Element) -> Result<Option<(f64, f64)>, AvError> {
    let (mut stored, mut shown, mut unit, mut cut) = ([0_u64; 2], [0_u64; 2], 0, [0_u64; 2]);
    let mut roll = 0.0;
    for fact in children(window, video, 64)? {
        match fact.id {
            0xb0 => stored[0] = unsigned(window, fact)?,
            0xba => stored[1] = unsigned(window, fact)?,
            0x54b0 => shown[0] = unsigned(window, fact)?,
            0x54ba => shown[1] = unsigned(window, fact)?,
            0x54b2 => unit = unsigned(window, fact)?,
            0x54cc | 0x54dd => cut[0] = cut[0].saturating_add(unsigned(window, fact)?),
            0x54aa | 0x54bb => cut[1] = cut[1].saturating_add(unsigned(window, fact)?),
            0x7670 => {
                for part in children(window, fact, 16)? {
                    if part.id == 0x7675 {
                        roll = float(window, part)?;
                    }
                }
            }
            _ => {}
        }
    }
    let stored = [stored[0].saturating_sub(cut[0]) as f64, stored[1].saturating_sub(cut[1]) as f64];
    let shown = [shown[0] as f64, shown[1] as f64];
    let (width, height) = match unit {
        0 if shown[0] > 0.0 && shown[1] > 0.0 => (shown[0], shown[1]),
        // Centimetres, inches and a ratio: only the shape counts, so the height stays.
        1..=3 if shown[0] > 0.0 && shown[1] > 0.0 => (stored[1] * shown[0] / shown[1], stored[1]),
        _ => (stored[0], stored[1]),
    };
    let is_turned = roll.abs() == 90.0;
    Ok((width > 0.0 && height > 0.0).then_some(if is_turned { (height, width) } else { (width, height) }))
}

fn codec(name: &str) -> String {
    match name {
        "V_VP8" => "vp8",
        "V_VP9" => "vp9",
        "V_AV1" => "av1",
        "V_MPEG4/ISO/AVC" => "avc1",
        "V_MPEGH/ISO/HEVC" => "hev1",
        "V_THEORA" => "theora",
        "A_OPUS" => "opus",
        "A_VORBIS" => "vorbis",
        "A_FLAC" => "flac",
        "A_MPEG/L3" => "mp3",
        name if name.starts_with("A_AAC") => "mp4a.40.2",
        name => name,
    }
    .to_owned()
}

/// The last time of all blocks, in ticks: clusters are gone through by their heads, and only the last is looked into. Clusters
/// whose length is not known are gone through block by block.
fn last_time(window: &mut Window<'_>, first: u64, end: u64) -> Result<u64, AvError> {
    let (mut at, mut cluster_time, mut last) = (first, 0_u64, 0_u64);
    let mut last_cluster = None;
    for _ in 0..MOST_ELEMENTS {
        let Some(current) = element(window, at)?.filter(|_| at < end) else { break };
        match current.id {
            CLUSTER if current.length == UNKNOWN => {
                at = current.start;
                continue;
            }
            CLUSTER => last_cluster = Some(current),
            0xe7 => cluster_time = unsigned(window, current)?,
            0xa3 | 0xa0 => last = last.max(block_time(window, current, cluster_time)?),
            _ => {}
        }
        if current.length == UNKNOWN {
            break;
        }
        at = current.end(end);
    }
    if let Some(cluster) = last_cluster {
        let mut time = 0;
        for child in children(window, cluster, 100_000)? {
            match child.id {
                0xe7 => time = unsigned(window, child)?,
                0xa3 | 0xa0 => last = last.max(block_time(window, child, time)?),
                _ => {}
            }
        }
    }
    Ok(last)
}

fn block_time(window: &mut Window<'_>, block: Element, cluster_time: u64) -> Result<u64, AvError> {
    let mut start = block.start;
    if block.id == 0xa0 {
        let inner = children(window, block, 16)?.into_iter().find(|child| child.id == 0xa1);
        let Some(inner) = inner else { return Ok(0) };
        start = inner.start;
    }
    let head = window.bytes(start, 12)?;
    let Some((_, bytes)) = number(&head, 8, true) else { return Ok(0) };
    let offset = head.get(bytes..bytes + 2).map_or(0, |two| i16::from_be_bytes([two[0], two[1]]));
    Ok(cluster_time.saturating_add_signed(offset.into()))
}
