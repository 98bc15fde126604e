//! JPEG in TIFF as of version 6.0 (compression 6): a whole stream somewhere in the file, or tables apart from the scans.

use recto_iiif::Dimensions;

use super::ifd::{File, Values};
use super::layout::Layout;
use super::{corrupt, tag, unsupported};
use crate::{ByteRange, DecodeError, OpenOptions};

/// How to come to complete streams.
#[derive(Debug)]
pub(super) enum OldJpeg {
    /// One stream holds the image; these ranges go behind what the layout names.
    Whole { scans: Vec<ByteRange> },
    /// Each chunk is a scan, this goes before it; the frame's height stands at `height_at`.
    Scans { head: Vec<u8>, height_at: usize },
}

/// Finds the streams of a directory.
pub(super) fn read(
    file: &File,
    values: &Values,
    size: Dimensions,
    options: &OpenOptions,
) -> Result<(Layout, OldJpeg), DecodeError> {
    let length = file.source.len();
    if let Some(offset) = values.number(tag::JPEG_INTERCHANGE_FORMAT).filter(|offset| *offset > 0 && *offset < length) {
        let noted = values.number(tag::JPEG_INTERCHANGE_FORMAT_LENGTH).unwrap_or(0);
        let stream = ByteRange::new(offset, if noted == 0 { length - offset } else { noted.min(length - offset) });
        let scans = match Layout::new(values, size, 1, options.max_bytes) {
            Ok(layout) => (0..layout.chunks())
                .filter_map(|index| layout.range(index, length))
                .filter(|scan| scan.offset < stream.offset || scan.offset >= stream.offset + stream.length)
                .collect(),
            Err(_) => Vec::new(),
        };
        return Ok((Layout::single(size, stream), OldJpeg::Whole { scans }));
    }
    let layout = Layout::new(values, size, 1, options.max_bytes)?;
    let head = head(file, values, layout.chunk)?;
    Ok((layout, head))
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
    /// Makes a complete stream of a chunk of `rows` rows, whose bytes are `data`.
    pub(super) fn complete(&self, file: &File, mut data: Vec<u8>, rows: u32) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Whole { scans } => {
                if !scans.is_empty() {
                    if data.ends_with(&[0xff, 0xd9]) {
                        data.truncate(data.len() - 2);
                    }
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
