//! MP4, MOV, M4A and their kin: ISO/IEC 14496-12 and Apple's QuickTime file format.

use super::mp4_codecs::codec;
use super::window::{Numbers, Window, seconds};
use super::{AvError, Found};

const NAME: &str = "MP4";
/// Boxes that are looked at on the way: a file of fragments has one or two for each.
const MOST_BOXES: usize = 60_000;
const MOST_TRACKS: usize = 64;

const fn damaged(reason: &'static str) -> AvError {
    AvError::Damaged { format: NAME, reason }
}

/// True for the beginning of such a file. Pictures (HEIF, AVIF) and JPEG 2000 begin alike and are not meant.
pub(super) fn is_mp4(head: &[u8]) -> bool {
    let kind = head.get(4..8).unwrap_or_default();
    match kind {
        b"ftyp" => !matches!(
            head.get(8..12).unwrap_or_default(),
            b"heic"
                | b"heix"
                | b"heim"
                | b"heis"
                | b"mif1"
                | b"msf1"
                | b"avif"
                | b"avis"
                | b"jp2 "
                | b"jpx "
                | b"jph "
                | b"crx "
        ),
        b"moov" | b"mdat" | b"wide" | b"pnot" | b"moof" | b"styp" => true,
        b"free" | b"skip" => matches!(head.get(..4), Some([0, ..])),
        _ => false,
    }
}

/// A box: its kind, and where its content begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// The box at this place, which must lie before `end`.
fn part(window: &mut Window<'_>, at: u64, end: u64) -> Result<Option<Part>, AvError> {
    if at + 8 > end {
        return Ok(None);
    }
    let head = window.bytes(at, 16)?;
    let numbers = Numbers(&head);
    let (Some(short), Some(kind)) = (numbers.be32(0), head.get(4..8)) else { return Ok(None) };
    let (header, length) = match short {
        0 => (8, end - at),
        1 => match numbers.be64(8) {
            Some(length) => (16, length),
            None => return Ok(None),
        },
        length => (8, u64::from(length)),
    };
    if length < header {
        return Ok(None);
    }
    let kind = kind.try_into().unwrap_or_default();
    Ok(Some(Part { kind, start: at + header, end: at.saturating_add(length).min(end) }))
}

/// The boxes between two places.
fn parts(window: &mut Window<'_>, start: u64, end: u64, most: usize) -> Result<Vec<Part>, AvError> {
    let mut list = Vec::new();
    let mut at = start;
    while let Some(part) = part(window, at, end)? {
        at = part.end;
        list.push(part);
        if list.len() >= most {
            break;
        }
    }
    Ok(list)
}

fn child(window: &mut Window<'_>, parent: Part, kind: [u8; 4]) -> Result<Option<Part>, AvError> {
    Ok(parts(window, parent.start, parent.end, 256)?.into_iter().find(|part| part.kind == kind))
}

fn descend(window: &mut Window<'_>, parent: Part, path: &[[u8; 4]]) -> Result<Option<Part>, AvError> {
    let mut current = Some(parent);
    for kind in path {
        let Some(parent) = current else { return Ok(None) };
        current = child(window, parent, *kind)?;
    }
    Ok(current)
}

fn content(window: &mut Window<'_>, part: Part, most: usize) -> Result<Vec<u8>, AvError> {
    window.bytes(part.start, usize::try_from(part.end - part.start).unwrap_or(most).min(most))
}

/// Time scale and length, as `mvhd` and `mdhd` have them. A length of all ones is not known.
fn times(content: &[u8]) -> Option<(u64, u64)> {
    let numbers = Numbers(content);
    if numbers.u8(0)? == 1 {
        let length = numbers.be64(24)?;
        Some((numbers.be32(20)?.into(), if length == u64::MAX { 0 } else { length }))
    } else {
        let length = numbers.be32(16)?;
        Some((numbers.be32(12)?.into(), if length == u32::MAX { 0 } else { length.into() }))
    }
}

#[derive(Debug, Default)]
struct Track {
    id: u32,
    is_video: bool,
    is_sound: bool,
    scale: u64,
    length: u64,
    size: Option<(f64, f64)>,
    codec: String,
}

pub(super) fn read(window: &mut Window<'_>) -> Result<Found, AvError> {
    let brand = window.bytes(0, 12)?;
    let top = parts(window, 0, window.length(), MOST_BOXES)?;
    let movie = top.iter().find(|part| part.kind == *b"moov").copied();
    let movie =
        movie.ok_or(damaged("has no part that says what it holds (`moov`), as when a recording was broken off"))?;
    let inside = parts(window, movie.start, movie.end, 256)?;
    let mut tracks = Vec::new();
    for part in inside.iter().filter(|part| part.kind == *b"trak").take(MOST_TRACKS) {
        tracks.push(track(window, *part)?);
    }
    let header = inside.iter().find(|part| part.kind == *b"mvhd").copied();
    let movie_times = match header {
        Some(part) => times(&content(window, part, 64)?),
        None => None,
    };
    let told = movie_times.and_then(|(scale, length)| seconds(length, scale));
    let longest = tracks.iter().filter_map(|track| seconds(track.length, track.scale)).fold(0.0, f64::max);
    let duration_s = match told.filter(|told| *told > 0.0) {
        Some(told) => Some(told),
        None if longest > 0.0 => Some(longest),
        None => fragments(window, &top, &inside, &tracks, movie_times.map_or(0, |(scale, _)| scale)).ok().flatten(),
    };
    let video = tracks.iter().find(|track| track.is_video && track.size.is_some());
    let has_video = tracks.iter().any(|track| track.is_video);
    if !has_video && !tracks.iter().any(|track| track.is_sound) {
        return Err(damaged("has neither sound nor moving pictures"));
    }
    Ok(Found {
        format: format(&brand, has_video),
        has_video,
        duration_s,
        size: video.and_then(|track| track.size),
        codecs: tracks.into_iter().filter(|track| track.is_video || track.is_sound).map(|track| track.codec).collect(),
    })
}

fn format(head: &[u8], has_video: bool) -> &'static str {
    let brand = if head.get(4..8) == Some(b"ftyp") { head.get(8..12).unwrap_or_default() } else { b"qt  " };
    match (brand, has_video) {
        (b"qt  ", _) => "video/quicktime",
        ([b'3', b'g', ..], true) => "video/3gpp",
        ([b'3', b'g', ..], false) => "audio/3gpp",
        (_, true) => "video/mp4",
        (_, false) => "audio/mp4",
    }
}

fn track(window: &mut Window<'_>, part: Part) -> Result<Track, AvError> {
    let mut track = Track::default();
    let mut shown = None;
    if let Some(header) = child(window, part, *b"tkhd")? {
        let header = content(window, header, 104)?;
        track.id = track_id(&header).unwrap_or(0);
        shown = shown_size(&header);
    }
    let Some(media) = child(window, part, *b"mdia")? else { return Ok(track) };
    if let Some(header) = child(window, media, *b"mdhd")? {
        (track.scale, track.length) = times(&content(window, header, 40)?).unwrap_or_default();
    }
    if let Some(handler) = child(window, media, *b"hdlr")? {
        let handler = content(window, handler, 24)?;
        track.is_video = handler.get(8..12) == Some(b"vide");
        track.is_sound = handler.get(8..12) == Some(b"soun");
    }
    let Some(table) = descend(window, media, &[*b"minf", *b"stbl", *b"stsd"])? else { return Ok(track) };
    let description = content(window, table, 4096)?;
    // Version, flags, count, then the entries: length, kind, content.
    let length = Numbers(&description).be32(8).map_or(0, |length| length as usize);
    let entry = description.get(12..length.saturating_add(8).clamp(12, description.len().max(12))).unwrap_or_default();
    track.codec = codec(entry);
    if track.is_video {
        // Where the track says no size, that of the stored picture counts.
        let stored = Numbers(entry).be16(28).zip(Numbers(entry).be16(30));
        track.size = shown.or(stored.map(|(width, height)| (width.into(), height.into())));
    }
    Ok(track)
}

fn track_id(header: &[u8]) -> Option<u32> {
    let wide = Numbers(header).u8(0)? == 1;
    Numbers(header).be32(if wide { 20 } else { 12 })
}

/// The size of `tkhd`, which has the shape of pixels in it, turned by its matrix.
fn shown_size(header: &[u8]) -> Option<(f64, f64)> {
    let numbers = Numbers(header);
    let matrix = if numbers.u8(0)? == 1 { 52 } else { 40 };
    let fixed = |at: usize| numbers.be32(at).map(|value| f64::from(value) / 65_536.0);
    let (width, height) = (fixed(matrix + 36)?, fixed(matrix + 40)?);
    if width < 1.0 || height < 1.0 {
        return None;
    }
    // a b u / c d v: a turn by a quarter has nothing in a and d.
    let is_turned = numbers.be32(matrix)? == 0 && numbers.be32(matrix + 16)? == 0 && numbers.be32(matrix + 4)? != 0;
    Some(if is_turned { (height, width) } else { (width, height) })
}

/// The length of a file of fragments: as it is told in advance, by the index, or by where the last fragment of a track ends.
fn fragments(
    window: &mut Window<'_>,
    top: &[Part],
    inside: &[Part],
    tracks: &[Track],
    movie_scale: u64,
) -> Result<Option<f64>, AvError> {
    let mut default_lengths = Vec::new();
    if let Some(extends) = inside.iter().find(|part| part.kind == *b"mvex") {
        for part in parts(window, extends.start, extends.end, MOST_TRACKS)? {
            let data = content(window, part, 32)?;
            let numbers = Numbers(&data);
            if part.kind == *b"mehd" {
                let told = if numbers.u8(0) == Some(1) { numbers.be64(4) } else { numbers.be32(4).map(u64::from) };
                if let Some(told) = told.and_then(|told| seconds(told, movie_scale)).filter(|told| *told > 0.0) {
                    return Ok(Some(told));
                }
            } else if let (b"trex", Some(id), Some(length)) = (&part.kind, numbers.be32(4), numbers.be32(12)) {
                default_lengths.push((id, length));
            }
        }
    }
    let mut ends: Vec<(u32, u64)> = tracks.iter().map(|track| (track.id, 0)).collect();
    for fragment in top.iter().filter(|part| part.kind == *b"moof") {
        for part in parts(window, fragment.start, fragment.end, MOST_TRACKS)? {
            if part.kind == *b"traf" {
                fragment_end(window, part, &default_lengths, &mut ends)?;
            }
        }
    }
    let longest = ends
        .iter()
        .zip(tracks)
        .filter(|(_, track)| track.is_video || track.is_sound)
        .filter_map(|((_, end), track)| seconds(*end, track.scale))
        .fold(0.0, f64::max);
    Ok(Some(longest))
}

/// Moves the end of a track to that of a fragment of it.
fn fragment_end(
    window: &mut Window<'_>,
    part: Part,
    default_lengths: &[(u32, u32)],
    ends: &mut [(u32, u64)],
) -> Result<(), AvError> {
    let (mut id, mut default, mut base, mut length) = (0, 0, None, 0_u64);
    for part in parts(window, part.start, part.end, 64)? {
        match &part.kind {
            b"tfhd" => {
                let data = content(window, part, 40)?;
                let numbers = Numbers(&data);
                let flags = numbers.be24(1).unwrap_or(0);
                id = numbers.be32(4).unwrap_or(0);
                default = default_lengths.iter().find(|(other, _)| *other == id).map_or(0, |(_, length)| *length);
                let at = 8 + if flags & 1 == 0 { 0 } else { 8 } + if flags & 2 == 0 { 0 } else { 4 };
                if flags & 8 != 0 {
                    default = numbers.be32(at).unwrap_or(default);
                }
            }
            b"tfdt" => {
                let data = content(window, part, 12)?;
                let numbers = Numbers(&data);
                base = if numbers.u8(0) == Some(1) { numbers.be64(4) } else { numbers.be32(4).map(u64::from) };
            }
            b"trun" => {
                length = length.saturating_add(run_length(&content(window, part, 1 << 20)?, default));
            }
            _ => {}
        }
    }
    if let Some((_, end)) = ends.iter_mut().find(|(other, _)| *other == id) {
        *end = base.unwrap_or(*end).saturating_add(length);
    }
    Ok(())
}

/// The length of all samples of a run.
fn run_length(run: &[u8], default: u32) -> u64 {
    let numbers = Numbers(run);
    let (Some(flags), Some(count)) = (numbers.be24(1), numbers.be32(4)) else { return 0 };
    if flags & 0x100 == 0 {
        return u64::from(count) * u64::from(default);
    }
    let start = 8 + if flags & 1 == 0 { 0 } else { 4 } + if flags & 4 == 0 { 0 } else { 4 };
    let width = 4 * (flags >> 8 & 15).count_ones() as usize;
    let mut total = 0_u64;
    for index in 0..count as usize {
        let Some(length) = numbers.be32(start + index * width) else { break };
        total = total.saturating_add(length.into());
    }
    total
}
