//! JPEG in TIFF as of version 6.0 (compression 6): a whole stream somewhere in the file, or tables apart from the scans.

use recto_iiif::Dimensions;

use super::ifd::{File, Values};
use super::layout::Layout;
use super::{corrupt, tag, too_large, unsupported};
use crate::{ByteRange, DecodeError};

/// How to come to complete streams.
#[derive(Debug)]
pub(super) enum OldJpeg {
    /// One stream holds the image; these ranges go behind what the layout names.
    Whole { scans: Vec<ByteRange> },
    /// Each chunk is a scan, this goes before it; the frame's height stands at `height_at`.
    Scans { head: Vec<u8>, height_at: usize },
}

/// Finds the streams of a directory, which may hold at most `max_bytes`.
pub(super) fn read(
    file: &File,
    values: &Values,
    size: Dimensions,
    max_bytes: u64,
) -> Result<(Layout, OldJpeg), DecodeError> {
    let length = file.source.len();
    if let Some(offset) = values.number(tag::JPEG_INTERCHANGE_FORMAT).filter(|offset| *offset > 0 && *offset < length) {
        let noted = values.number(tag::JPEG_INTERCHANGE_FORMAT_LENGTH).unwrap_or(0);
        let stream = ByteRange::new(offset, if noted == 0 { length - offset } else { noted.min(length - offset) });
        let mut scans = Layout::named(values, size, max_bytes, length).unwrap_or_default();
        scans.retain(|scan| scan.offset < stream.offset || scan.offset >= stream.offset + stream.length);
        scans.shrink_to_fit();
        check_scans(&scans, length, max_bytes)?;
        return Ok((Layout::single(size, stream), OldJpeg::Whole { scans }));
    }
    let layout = Layout::new(values, size, 1, max_bytes)?;
    let head = head(file, values, layout.chunk)?;
    Ok((layout, head))
}

/// All scans are read at once: none may be read twice, and all of them have to fit into the file and into memory.
fn check_scans(scans: &[ByteRange], file_length: u64, max_bytes: u64) -> Result<(), DecodeError> {
    let mut sorted = scans.to_vec();
    sorted.sort_unstable_by_key(|scan| scan.offset);
    let mut end = 0;
    for scan in sorted {
        if scan.offset < end {
            return Err(corrupt("the scans of its JPEG stream overlap"));
        }
        end = scan
            .end()
            .filter(|end| *end <= file_length)
            .ok_or_else(|| corrupt("a scan of its JPEG stream lies outside of it"))?;
    }
    // As they are read, and put together.
    let needed = 2 * bytes_of(scans);
    if needed > max_bytes {
        return Err(too_large(needed, max_bytes, "bytes of memory for its JPEG scans"));
    }
    Ok(())
}

fn bytes_of(scans: &[ByteRange]) -> u64 {
    scans.iter().map(|scan| scan.length).sum()
}

/// Builds the markers that go before a scan.
fn head(file: &File, values: &Values, chunk: Dimensions) -> Result<OldJpeg, DecodeError> {
    let components = values.number(tag::SAMPLES_PER_PIXEL).unwrap_or(1);
    if !matches!(components, 1 | 3) {
        return Err(unsupported(format!("old-style JPEG of {components} components")));
    }
    let list = |tag| -> Result<Vec<u64>, DecodeError> {
        let list: Vec<u64> = values.numbers(tag).into_iter().flatten().take(components as usize).collect();
        if list.len() == components as usize { Ok(list) } else { Err(corrupt("its JPEG tables are missing")) }
    };
    let mut head = vec![0xff, 0xd8];
    for (id, offset) in list(tag::JPEG_Q_TABLES)?.into_iter().enumerate() {
        head.extend_from_slice(&[0xff, 0xdb, 0, 67, id as u8]);
        head.extend(file.source.read_range(ByteRange::new(offset, 64))?);
    }
    for (class, tag) in [(0x00, tag::JPEG_DC_TABLES), (0x10, tag::JPEG_AC_TABLES)] {
        for (id, offset) in list(tag)?.into_iter().enumerate() {
            let counts = file.source.read_range(ByteRange::new(offset, 16))?;
            let codes = counts.iter().map(|count| u64::from(*count)).sum::<u64>();
            if codes > 256 {
                return Err(corrupt("a JPEG table has too many codes"));
            }
            let codes = file.source.read_range(ByteRange::new(offset.saturating_add(16), codes))?;
            head.extend_from_slice(&[0xff, 0xc4]);
            head.extend_from_slice(&(19 + codes.len() as u16).to_be_bytes());
            head.push(class | id as u8);
            head.extend(counts);
            head.extend(codes);
        }
    }
    if let Some(interval @ 1..=0xffff) = values.number(tag::JPEG_RESTART_INTERVAL) {
        head.extend_from_slice(&[0xff, 0xdd, 0, 4]);
        head.extend_from_slice(&(interval as u16).to_be_bytes());
    }
    let width = u16::try_from(chunk.width_px).map_err(|_| unsupported("old-style JPEG wider than 65535 pixels"))?;
    head.extend_from_slice(&[0xff, 0xc0, 0, 8 + 3 * components as u8, 8]);
    let height_at = head.len();
    head.extend_from_slice(&[0, 0]);
    head.extend_from_slice(&width.to_be_bytes());
    head.push(components as u8);
    let subsampling = match values.numbers(tag::YCBCR_SUBSAMPLING).map(Iterator::collect::<Vec<_>>).as_deref() {
        _ if components == 1 => 0x11,
        Some(&[across @ (1 | 2 | 4), down @ (1 | 2 | 4), ..]) => (across << 4 | down) as u8,
        _ => 0x22,
    };
    for id in 0..components as u8 {
        head.extend_from_slice(&[id, if id == 0 { subsampling } else { 0x11 }, id]);
    }
    head.extend_from_slice(&[0xff, 0xda, 0, 6 + 2 * components as u8, components as u8]);
    for id in 0..components as u8 {
        head.extend_from_slice(&[id, id << 4 | id]);
    }
    head.extend_from_slice(&[0, 63, 0]);
    Ok(OldJpeg::Scans { head, height_at })
}

impl OldJpeg {
    /// Bytes that are read beside a chunk's own.
    pub(super) fn scan_bytes(&self) -> u64 {
        match self {
            Self::Whole { scans } => bytes_of(scans),
            Self::Scans { .. } => 0,
        }
    }

    /// Bytes that it holds beside itself.
    pub(super) fn held_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Whole { scans } => size_of_val(scans.as_slice()),
            Self::Scans { head, .. } => head.len(),
        };
        bytes as u64
    }

    /// Makes a complete stream of a chunk of `rows` rows, whose bytes are `data`.
    pub(super) fn complete(&self, file: &File, mut data: Vec<u8>, rows: u32) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Whole { scans } => {
                if !scans.is_empty() {
                    if data.ends_with(&[0xff, 0xd9]) {
                        data.truncate(data.len() - 2);
                    }
                    data.reserve_exact(bytes_of(scans) as usize);
                    for scan in file.source.read_ranges(scans)? {
                        data.extend(scan);
                    }
                }
                Ok(data)
            }
            Self::Scans { .. } if data.starts_with(&[0xff, 0xd8]) => Ok(data),
            Self::Scans { head, height_at } => {
                let rows = u16::try_from(rows).map_err(|_| unsupported("old-style JPEG higher than 65535 pixels"))?;
                let mut stream = head.clone();
                stream[*height_at..height_at + 2].copy_from_slice(&rows.to_be_bytes());
                stream.extend(data);
                if !stream.ends_with(&[0xff, 0xd9]) {
                    stream.extend_from_slice(&[0xff, 0xd9]);
                }
                Ok(stream)
            }
        }
    }
}
