//! What the markers of a file say, up to its first scan: size, sampling, colour, profile, orientation, resolution.

use std::io;
use std::sync::Arc;

use recto_iiif::Dimensions;

use super::coding::{Parts, adobe_transform, is_jfif};
use super::exif;
use super::stream::unsupported;
use crate::{DecodeError, Orientation, RandomAccess, SourceFormat};

/// Bytes read at a time while looking for markers.
const HEADER_BLOCK: u64 = 16 << 10;
/// Segments before the first scan: real files have a few dozen, a profile may take 255.
const MAX_SEGMENTS: u32 = 4_096;
/// Bytes that may lie between segments without being part of one: some cameras pad.
const MAX_GARBAGE: u64 = 64 << 10;

/// Bytes of tables that are looked at: real files have less than two thousand.
const MAX_TABLE_BYTES: usize = 256 << 10;

pub(super) const SOI: u8 = 0xd8;
pub(super) const EOI: u8 = 0xd9;
pub(super) const SOS: u8 = 0xda;
pub(super) const DQT: u8 = 0xdb;
pub(super) const DHT: u8 = 0xc4;
pub(super) const DAC: u8 = 0xcc;
pub(super) const DRI: u8 = 0xdd;
pub(super) const APP0: u8 = 0xe0;
pub(super) const APP1: u8 = 0xe1;
pub(super) const APP2: u8 = 0xe2;
pub(super) const APP14: u8 = 0xee;

pub(super) const ICC_TAG: &[u8] = b"ICC_PROFILE\0";

/// How the samples are coded, by the frame's marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// SOF0.
    Baseline,
    /// SOF1: sequential, more tables or bits than baseline.
    Extended,
    /// SOF2.
    Progressive,
    /// SOF3.
    Lossless,
    /// SOF9.
    Arithmetic,
    /// SOF10.
    ArithmeticProgressive,
}

impl Process {
    /// The process that a frame marker names.
    pub(super) fn of_marker(marker: u8) -> Option<Self> {
        Some(match marker {
            0xc0 => Self::Baseline,
            0xc1 => Self::Extended,
            0xc2 => Self::Progressive,
            0xc3 => Self::Lossless,
            0xc9 => Self::Arithmetic,
            0xca => Self::ArithmeticProgressive,
            _ => return None,
        })
    }

    /// Several scans refine the picture.
    pub(super) const fn is_progressive(self) -> bool {
        matches!(self, Self::Progressive | Self::ArithmeticProgressive)
    }

    /// The entropy coding is Huffman, and the DCT is used.
    pub(super) const fn is_huffman_dct(self) -> bool {
        matches!(self, Self::Baseline | Self::Extended | Self::Progressive)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Extended => "extended sequential",
            Self::Progressive => "progressive",
            Self::Lossless => "lossless",
            Self::Arithmetic => "arithmetic",
            Self::ArithmeticProgressive => "arithmetic progressive",
        }
    }
}

/// One component of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// Its name in scans.
    pub(super) id: u8,
    /// Horizontal sampling factor, 1..=4.
    pub(super) h: u8,
    /// Vertical sampling factor, 1..=4.
    pub(super) v: u8,
    /// Its quantisation table.
    pub(super) table: u8,
}

/// A frame header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) process: Process,
    pub(super) precision: u8,
    pub(super) size: Dimensions,
    pub(super) components: Vec<Component>,
}

impl Frame {
    /// Reads what follows a frame marker and its length.
    pub(super) fn parse(process: Process, body: &[u8]) -> Result<Self, DecodeError> {
        let [precision, y1, y0, x1, x0, count, rest @ ..] = body else {
            return Err(corrupt("the frame header is too short"));
        };
        let size = Dimensions::new(u16::from_be_bytes([*x1, *x0]).into(), u16::from_be_bytes([*y1, *y0]).into());
        if rest.len() != usize::from(*count) * 3 || *count == 0 {
            return Err(corrupt("the frame header has the wrong length"));
        }
        if size.height_px == 0 {
            return Err(unsupported("a height that is given only after the image (DNL)".to_owned()));
        }
        if size.width_px == 0 {
            return Err(corrupt("its width is 0"));
        }
        let components = rest
            .as_chunks::<3>()
            .0
            .iter()
            .map(|[id, sampling, table]| Component { id: *id, h: sampling >> 4, v: sampling & 15, table: *table })
            .collect::<Vec<_>>();
        if components.iter().any(|c| !(1..=4).contains(&c.h) || !(1..=4).contains(&c.v)) {
            return Err(corrupt("a sampling factor is not 1 to 4"));
        }
        Ok(Self { process, precision: *precision, size, components })
    }

    /// The largest horizontal and vertical sampling factors.
    pub(super) fn max_sampling(&self) -> (u8, u8) {
        let h = self.components.iter().map(|c| c.h).max().unwrap_or(1);
        let v = self.components.iter().map(|c| c.v).max().unwrap_or(1);
        (h, v)
    }

    /// Bytes of all coefficients, as a decoder of several scans holds them (a block more on each side for its padding).
    pub(super) fn coefficient_bytes(&self) -> u64 {
        let (max_h, max_v) = self.max_sampling();
        let blocks = |side: u32, factor: u8, max: u8| {
            u64::from((side * u32::from(factor)).div_ceil(u32::from(max) * 8)) + u64::from(factor)
        };
        self.components
            .iter()
            .map(|c| blocks(self.size.width_px, c.h, max_h) * blocks(self.size.height_px, c.v, max_v) * 128)
            .sum()
    }

    /// The usual name of the sampling: `4:2:0`.
    fn sampling_name(&self) -> String {
        let [first, rest @ ..] = self.components.as_slice() else {
            return String::new();
        };
        let chroma_plain = rest.iter().take(2).all(|c| c.h == 1 && c.v == 1);
        match (self.components.len(), first.h, first.v) {
            (1, ..) => "gray".to_owned(),
            _ if self.components.iter().all(|c| c.h == first.h && c.v == first.v) => "4:4:4".to_owned(),
            (_, 2, 1) if chroma_plain => "4:2:2".to_owned(),
            (_, 2, 2) if chroma_plain => "4:2:0".to_owned(),
            (_, 1, 2) if chroma_plain => "4:4:0".to_owned(),
            (_, 4, 1) if chroma_plain => "4:1:1".to_owned(),
            (_, 4, 2) if chroma_plain => "4:1:0".to_owned(),
            _ => self.components.iter().map(|c| format!("{}x{}", c.h, c.v)).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Everything up to the first scan.
#[derive(Clone, Debug)]
pub(super) struct Markers {
    pub(super) frame: Frame,
    /// The transform of an Adobe marker, when there is one.
    pub(super) adobe: Option<u8>,
    pub(super) orientation: Orientation,
    pub(super) icc: Option<Arc<[u8]>>,
    pub(super) dpi: Option<(f64, f64)>,
    /// Components in the first scan: fewer than all means several scans.
    pub(super) first_scan_components: u8,
    /// Where the first scan's marker lies.
    pub(super) scan_offset: u64,
    /// Where the first scan's data begins.
    pub(super) data_offset: u64,
    /// It has a JFIF header.
    pub(super) jfif: bool,
    /// The bodies of DQT, DHT and DRI, in order; none where they are unreasonably large.
    pub(super) tables: Vec<(u8, Vec<u8>)>,
    /// What follows the first scan's marker and its length.
    pub(super) scan_header: Vec<u8>,
}

impl Markers {
    /// The same as parts of a stream.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            frame: self.frame.clone(),
            tables: self.tables.iter().map(|(marker, body)| (*marker, body.as_slice())).collect(),
            jfif: self.jfif,
            adobe: self.adobe,
            scan_header: &self.scan_header,
        }
    }

    /// True when all coefficients must be held before the first row can be given.
    pub(super) fn has_multiple_scans(&self) -> bool {
        self.frame.process.is_progressive() || usize::from(self.first_scan_components) < self.frame.components.len()
    }

    /// For people: `JPEG, baseline, 4:2:0`.
    pub(super) fn describe(&self) -> String {
        format!("JPEG, {}, {}", self.frame.process.name(), self.frame.sampling_name())
    }

    /// Reads a file's markers.
    pub(super) fn read(source: &dyn RandomAccess) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(source);
        if reader.bytes::<2>()? != [0xff, SOI] {
            return Err(corrupt("it does not begin with a start marker"));
        }
        let mut found = Found::default();
        for _ in 0..MAX_SEGMENTS {
            let marker = reader.next_marker()?;
            match marker {
                // No segment follows these.
                0x01 | SOI | 0xd0..=0xd7 => {}
                EOI => return Err(corrupt("it ends before any image")),
                _ => {
                    let offset = reader.position - 2;
                    let length = usize::from(u16::from_be_bytes(reader.bytes::<2>()?));
                    let length = length.checked_sub(2).ok_or_else(|| corrupt("a segment's length is below 2"))?;
                    if marker == SOS {
                        return found.finish(reader.vec(length)?, offset);
                    }
                    found.segment(marker, length, &mut reader)?;
                }
            }
        }
        Err(DecodeError::TooLarge {
            format: SourceFormat::Jpeg,
            needed: u64::from(MAX_SEGMENTS) + 1,
            limit: u64::from(MAX_SEGMENTS),
            unit: "segments before the image",
        })
    }
}

/// What was seen so far.
#[derive(Default)]
struct Found {
    frame: Option<Frame>,
    adobe: Option<u8>,
    exif: Option<exif::Exif>,
    jfif: bool,
    jfif_dpi: Option<(f64, f64)>,
    icc: IccChunks,
    tables: Vec<(u8, Vec<u8>)>,
    table_bytes: usize,
}

impl Found {
    fn segment(&mut self, marker: u8, length: usize, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        match marker {
            0xc0..=0xcf if !matches!(marker, DHT | DAC | 0xc8) => {
                let process =
                    Process::of_marker(marker).ok_or_else(|| unsupported(format!("coding process {marker:02x}")))?;
                if self.frame.is_some() {
                    return Err(corrupt("it has two frame headers"));
                }
                self.frame = Some(Frame::parse(process, &reader.vec(length)?)?);
            }
            // JPEG-LS and the start of a hierarchical file.
            0xf7 | 0xde => return Err(unsupported(format!("coding process {marker:02x}"))),
            APP0 => self.jfif(&reader.vec(length)?),
            APP1 => {
                let body = reader.vec(length)?;
                if let Some(tiff) = body.strip_prefix(b"Exif\0").and_then(|rest| rest.get(1..)) {
                    self.exif = self.exif.or_else(|| exif::parse(tiff));
                }
            }
            APP2 => {
                let body = reader.vec(length)?;
                if let Some([number, count, data @ ..]) = body.strip_prefix(ICC_TAG) {
                    self.icc.add(*number, *count, data);
                }
            }
            APP14 => self.adobe = adobe_transform(&reader.vec(length)?).or(self.adobe),
            DQT | DHT | DRI => {
                let body = reader.vec(length)?;
                self.table_bytes += body.len();
                if self.table_bytes <= MAX_TABLE_BYTES {
                    self.tables.push((marker, body));
                }
            }
            _ => reader.skip(length as u64),
        }
        Ok(())
    }

    fn jfif(&mut self, body: &[u8]) {
        self.jfif |= is_jfif(body);
        let [b'J', b'F', b'I', b'F', 0, _, _, unit, x1, x0, y1, y0, ..] = body else {
            return;
        };
        let per_inch = match unit {
            1 => 1.0,
            2 => 2.54,
            _ => return,
        };
        let x = f64::from(u16::from_be_bytes([*x1, *x0]));
        let y = f64::from(u16::from_be_bytes([*y1, *y0]));
        if x > 0.0 && y > 0.0 {
            self.jfif_dpi = Some((x * per_inch, y * per_inch));
        }
    }

    fn finish(self, scan_header: Vec<u8>, scan_offset: u64) -> Result<Markers, DecodeError> {
        let frame = self.frame.ok_or_else(|| corrupt("a scan comes before the frame header"))?;
        let first_scan_components = scan_header.first().copied().unwrap_or(0);
        let data_offset = scan_offset + 4 + scan_header.len() as u64;
        let tables = if self.table_bytes > MAX_TABLE_BYTES { Vec::new() } else { self.tables };
        Ok(Markers {
            frame,
            adobe: self.adobe,
            orientation: self.exif.map_or(Orientation::Normal, |exif| exif.orientation),
            icc: self.icc.join(),
            dpi: self.jfif_dpi.or_else(|| self.exif.and_then(|exif| exif.dpi)),
            first_scan_components,
            scan_offset,
            data_offset,
            jfif: self.jfif,
            tables,
            scan_header,
        })
    }
}

/// The pieces of a profile, which may come in any order.
#[derive(Default)]
struct IccChunks {
    count: u8,
    chunks: Vec<(u8, Vec<u8>)>,
    broken: bool,
}

impl IccChunks {
    fn add(&mut self, number: u8, count: u8, data: &[u8]) {
        if self.chunks.is_empty() {
            self.count = count;
        }
        let known = self.chunks.iter().any(|(other, _)| *other == number);
        if count != self.count || number == 0 || number > count || known {
            self.broken = true;
        } else {
            self.chunks.push((number, data.to_vec()));
        }
    }

    /// The whole; `None` when there is none or a piece is missing.
    fn join(mut self) -> Option<Arc<[u8]>> {
        if self.broken || self.chunks.is_empty() || self.chunks.len() != usize::from(self.count) {
            return None;
        }
        self.chunks.sort_by_key(|(number, _)| *number);
        let whole = self.chunks.into_iter().flat_map(|(_, data)| data).collect::<Vec<_>>();
        (!whole.is_empty()).then(|| whole.into())
    }
}

/// Reads forward through an original in small blocks, jumping over what is not wanted.
struct Reader<'a> {
    source: &'a dyn RandomAccess,
    position: u64,
    block: Vec<u8>,
    block_start: u64,
}

impl<'a> Reader<'a> {
    fn new(source: &'a dyn RandomAccess) -> Self {
        Self { source, position: 0, block: Vec::new(), block_start: 0 }
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), DecodeError> {
        let mut done = 0;
        while done < into.len() {
            let within = self.position.checked_sub(self.block_start).and_then(|skip| usize::try_from(skip).ok());
            let available = within.and_then(|skip| self.block.get(skip..)).unwrap_or_default();
            if available.is_empty() {
                self.load()?;
                continue;
            }
            let count = available.len().min(into.len() - done);
            into[done..done + count].copy_from_slice(&available[..count]);
            done += count;
            self.position += count as u64;
        }
        Ok(())
    }

    fn load(&mut self) -> Result<(), DecodeError> {
        let length = self.source.len().saturating_sub(self.position).min(HEADER_BLOCK);
        if length == 0 {
            return Err(corrupt("it ends within its header"));
        }
        self.block.resize(length as usize, 0);
        self.block_start = self.position;
        self.source.read_at(self.position, &mut self.block).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => corrupt("it ends within its header"),
            _ => DecodeError::Io(error),
        })
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The body of a segment: at most 64 KiB.
    fn vec(&mut self, length: usize) -> Result<Vec<u8>, DecodeError> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
    }

    /// The next marker's second byte, after fill bytes and a little garbage.
    fn next_marker(&mut self) -> Result<u8, DecodeError> {
        let mut previous = 0;
        for _ in 0..MAX_GARBAGE {
            let byte = self.bytes::<1>()?[0];
            if previous == 0xff && byte != 0xff && byte != 0 {
                return Ok(byte);
            }
            previous = byte;
        }
        Err(corrupt("there is no marker where one must be"))
    }
}

pub(super) fn corrupt(what: impl Into<String>) -> DecodeError {
    DecodeError::Corrupt { format: SourceFormat::Jpeg, what: what.into() }
}
