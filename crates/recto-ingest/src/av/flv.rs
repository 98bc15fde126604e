//! Flash Video: tags one after the other, the first of which tells about the others.

use super::window::{Numbers, Window};
use super::{AvError, Found};

/// Tags that are looked at for the kinds of sound and picture.
const MOST_TAGS: usize = 64;
const MOST_SCRIPT: usize = 256 << 10;

pub(super) fn read(window: &mut Window<'_>) -> Result<Found, AvError> {
    let head = window.bytes(0, 9)?;
    let flags = Numbers(&head).u8(4).unwrap_or(0);
    let mut at = Numbers(&head).be32(5).map_or(9, u64::from) + 4;
    let (mut sound, mut picture, mut told) = (None, None, Vec::new());
    for _ in 0..MOST_TAGS {
        let tag = window.bytes(at, 12)?;
        let numbers = Numbers(&tag);
        let (Some(kind), Some(length)) = (numbers.u8(0), numbers.be24(1)) else { break };
        match kind & 31 {
            8 => sound = sound.or(numbers.u8(11).map(|byte| byte >> 4)),
            9 => picture = picture.or(numbers.u8(11).map(|byte| byte & 15)),
            18 if told.is_empty() => told = script(&window.bytes(at + 11, (length as usize).min(MOST_SCRIPT))?),
            _ => {}
        }
        if sound.is_some() == (flags & 4 != 0) && picture.is_some() == (flags & 1 != 0) && !told.is_empty() {
            break;
        }
        at += 11 + u64::from(length) + 4;
    }
    if sound.is_none() && picture.is_none() {
        return Err(AvError::Damaged { format: "FLV", reason: "has neither sound nor moving pictures" });
    }
    let value = |name: &str| told.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let duration_s = match value("duration").filter(|length| *length > 0.0) {
        Some(length) => Some(length),
        None => last_time(window)?,
    };
    let codecs = picture.map(picture_codec).into_iter().chain(sound.map(sound_codec));
    Ok(Found {
        format: "video/x-flv",
        has_video: picture.is_some(),
        duration_s,
        size: value("width").zip(value("height")),
        codecs: codecs.map(str::to_owned).collect(),
    })
}

const fn picture_codec(kind: u8) -> &'static str {
    match kind {
        2 => "h263",
        4 | 5 => "vp6",
        7 => "avc1",
        12 => "hev1",
        _ => "",
    }
}

const fn sound_codec(kind: u8) -> &'static str {
    match kind {
        2 | 14 => "mp3",
        0 | 3 => "pcm",
        10 => "mp4a.40.2",
        11 => "speex",
        _ => "",
    }
}

/// The time of the last tag, which is found by its length behind it.
fn last_time(window: &mut Window<'_>) -> Result<Option<f64>, AvError> {
    let end = window.length();
    let length = window.exact::<4>(end.saturating_sub(4))?.map(u32::from_be_bytes);
    let Some(at) = length.and_then(|length| end.checked_sub(4 + u64::from(length))) else { return Ok(None) };
    let tag = window.bytes(at, 8)?;
    let numbers = Numbers(&tag);
    let time = numbers.be24(4).zip(numbers.u8(7)).map(|(low, high)| u32::from(high) << 24 | low);
    Ok(time.map(|milliseconds| f64::from(milliseconds) / 1000.0))
}

/// Numbers of a script tag: names and values that follow each other, at whatever depth. That is all that is needed of AMF 0.
fn script(data: &[u8]) -> Vec<(String, f64)> {
    let mut list = Vec::new();
    for name in ["duration", "width", "height"] {
        let key = [&(name.len() as u16).to_be_bytes()[..], name.as_bytes(), &[0]].concat();
        let at = data.windows(key.len()).position(|window| window == key);
        let value = at.and_then(|at| Numbers(data).be64(at + key.len())).map(f64::from_bits);
        list.extend(value.filter(|value| value.is_finite()).map(|value| (name.to_owned(), value)));
    }
    list
}
