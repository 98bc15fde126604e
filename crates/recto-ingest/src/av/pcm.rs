//! Files of samples: WAV with its 64-bit forms, AIFF, FLAC.

use super::window::{Numbers, Window, seconds};
use super::{AvError, Found};

/// Chunks that are looked at.
const MOST_CHUNKS: usize = 1024;

/// WAV: chunks of RIFF; EBU Tech 3306 for `RF64`.
pub(super) fn read_wav(window: &mut Window<'_>) -> Result<Found, AvError> {
    let (mut at, mut wide_data, mut samples) = (12, None, None);
    let mut shape = None;
    for _ in 0..MOST_CHUNKS {
        let head = window.bytes(at, 48)?;
        let numbers = Numbers(&head);
        let (Some(kind), Some(length)) = (head.get(..4), numbers.le32(4)) else { break };
        match kind {
            b"ds64" => wide_data = numbers.le64(16).filter(|length| *length > 0),
            b"fmt " => {
                let mut tag = numbers.le16(8).unwrap_or(0);
                if tag == 0xfffe {
                    // The true kind is the beginning of a longer name.
                    tag = numbers.le16(32).unwrap_or(0);
                }
                shape = Some((tag, numbers.le32(12).unwrap_or(0), numbers.le32(16).unwrap_or(0)));
            }
            b"fact" => samples = numbers.le32(8).filter(|samples| !matches!(*samples, 0 | u32::MAX)),
            b"data" => {
                let rest = window.length().saturating_sub(at + 8);
                let told = match (length, wide_data) {
                    (u32::MAX, Some(wide)) => wide,
                    // What writes into a pipe does not know the length.
                    (0 | u32::MAX, _) => rest,
                    (length, _) => length.into(),
                };
                let Some((tag, rate, bytes_a_second)) = shape else { break };
                let by_samples =
                    samples.filter(|_| !matches!(tag, 1 | 3)).and_then(|count| seconds(count.into(), rate.into()));
                return Ok(Found {
                    format: "audio/wav",
                    duration_s: by_samples.or_else(|| seconds(told.min(rest), bytes_a_second.into())),
                    codecs: vec![wav_codec(tag).to_owned()],
                    ..Found::default()
                });
            }
            _ => {}
        }
        // Chunks begin at even places.
        at += 8 + u64::from(length) + u64::from(length & 1);
    }
    Err(AvError::Damaged { format: "WAV", reason: "has no samples or does not say what they are" })
}

const fn wav_codec(tag: u16) -> &'static str {
    match tag {
        1 | 3 => "pcm",
        2 | 0x11 => "adpcm",
        6 => "alaw",
        7 => "ulaw",
        0x50 => "mp2",
        0x55 => "mp3",
        _ => "",
    }
}

/// AIFF and AIFF-C.
pub(super) fn read_aiff(window: &mut Window<'_>) -> Result<Found, AvError> {
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let head = window.bytes(at, 32)?;
        let numbers = Numbers(&head);
        let (Some(kind), Some(length)) = (head.get(..4), numbers.be32(4)) else { break };
        if kind == b"COMM" {
            let (Some(frames), Some(exponent), Some(mantissa)) = (numbers.be32(10), numbers.be16(16), numbers.be64(18))
            else {
                break;
            };
            // A float of 80 bits; rates are positive.
            let rate = mantissa as f64 * 2_f64.powi(i32::from(exponent & 0x7fff) - 16_383 - 63);
            let duration = f64::from(frames) / rate;
            let codec = head.get(26..30).filter(|_| length >= 22).map_or("pcm", |kind| match kind {
                b"ulaw" | b"ULAW" => "ulaw",
                b"alaw" | b"ALAW" => "alaw",
                b"ima4" => "adpcm",
                _ => "pcm",
            });
            return Ok(Found {
                format: "audio/aiff",
                duration_s: Some(duration).filter(|duration| duration.is_finite()),
                codecs: vec![codec.to_owned()],
                ..Found::default()
            });
        }
        at += 8 + u64::from(length) + u64::from(length & 1);
    }
    Err(AvError::Damaged { format: "AIFF", reason: "does not say what its samples are" })
}

/// FLAC, whose signature is at this place: RFC 9639.
pub(super) fn read_flac(window: &mut Window<'_>, at: u64) -> Result<Found, AvError> {
    let info = window.bytes(at, 42)?;
    let numbers = Numbers(&info);
    let (Some(rate), Some(samples)) = (numbers.be24(18), numbers.be64(18)) else {
        return Err(AvError::Damaged { format: "FLAC", reason: "ends before it says what it holds" });
    };
    // 20 bits of the rate, 3 of channels, 5 of depth, 36 of the number of samples.
    let (rate, samples) = (rate >> 4, samples & ((1 << 36) - 1));
    Ok(Found {
        format: "audio/flac",
        duration_s: seconds(samples, rate.into()),
        codecs: vec!["flac".to_owned()],
        ..Found::default()
    })
}
