//! A frame as an image.

use std::sync::{Arc, OnceLock};

use recto_iiif::Rect;

use super::frames::Frames;
use super::gray::{Paint, Shades, pixel_format};
use super::header::{Header, Packing, Photometric};
use super::native::{Plain, PlainRows};
use super::{corrupt, packed, slide, unsupported};
use crate::formats::held::{check_held, check_size, strip_bytes, strip_rows};
use crate::{
    ColorModel, Control, Cost, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level, OpenOptions,
    Orientation, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Most numbers looked at to find their range.
const MAX_SAMPLES: u64 = 1 << 20;

/// What reading a frame takes beside its pixels and its packed bytes.
const FIXED_BYTES: u64 = 256 * 1024;

/// A file, for all of its frames.
pub(super) struct File {
    pub(super) source: Arc<dyn RandomAccess>,
    pub(super) header: Header,
    pub(super) frames: Frames,
    pub(super) options: OpenOptions,
    shades: OnceLock<Shades>,
}

/// Opens a frame, or the slide that frames make together.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    let header = Header::read(source.as_ref(), &options.control)?;
    check_size(header.slide.unwrap_or(header.frame), SourceFormat::Dicom, options)?;
    check_size(header.frame, SourceFormat::Dicom, options)?;
    let pages = if header.slide.is_some() { 1 } else { header.frames };
    if options.page == 0 || options.page > pages {
        return Err(DecodeError::NoSuchPage { page: options.page, pages });
    }
    if header.packing == Packing::None && header.pixels.length != u64::MAX {
        let needed = Plain::bytes(&header).saturating_mul(u64::from(header.frames));
        if needed > header.pixels.length {
            return Err(corrupt(format!("its pixels have {} bytes instead of {needed}", header.pixels.length)));
        }
    }
    let frames = Frames::find(source.as_ref(), &header, &options.control)?;
    let control = Control::default();
    let frame_options = OpenOptions { page: 1, shelf: None, pyramid_from_px: None, control, ..options.clone() };
    let file = File { source, header, frames, options: frame_options, shades: OnceLock::new() };
    if file.header.slide.is_some() {
        return slide::open(file, &options.control);
    }
    let frame = Frame::open(&file, options.page - 1, &options.control)?;
    let facts = facts(&file, &frame, pages);
    Ok(Box::new(DicomDecoder { file, frame, facts, index: options.page - 1 }))
}

fn facts(file: &File, frame: &Frame, pages: u32) -> ImageFacts {
    let header = &file.header;
    ImageFacts {
        source_format: SourceFormat::Dicom,
        compression: match &frame.inner {
            Some(inner) => format!("{}, {}", header.packing.name(), inner.facts().compression),
            None => header.packing.name().to_owned(),
        },
        levels: vec![Level { size: header.frame, grid: None }],
        max_denominator: frame.inner.as_ref().map_or(1, |inner| inner.facts().max_denominator),
        pages,
        orientation: Orientation::Normal,
        color: if frame.pixels.samples() == 1 { ColorModel::Gray } else { ColorModel::Rgb },
        bits_per_sample: if frame.pixels.bytes_per_sample() == 2 { 16 } else { 8 },
        has_alpha: false,
        icc: header.icc.clone().or_else(|| frame.inner.as_ref().and_then(|inner| inner.facts().icc.clone())),
        dpi: None,
    }
}

impl File {
    /// The shades of gray images.
    pub(super) fn shades(&self, control: &Control) -> Result<&Shades, DecodeError> {
        if let Some(shades) = self.shades.get() {
            return Ok(shades);
        }
        let is_plain = matches!(self.header.packing, Packing::None | Packing::RunLengths);
        let range = if Shades::needs_range(&self.header) && is_plain { Some(self.range(control)?) } else { None };
        Ok(self.shades.get_or_init(|| Shades::new(&self.header, range)))
    }

    /// The least and largest number of the first frame, from rows that are spread evenly.
    fn range(&self, control: &Control) -> Result<(i64, i64), DecodeError> {
        let plain = self.plain(0, control)?;
        let size = self.header.frame;
        let all = u64::from(size.height_px);
        let rows = (MAX_SAMPLES / u64::from(size.width_px)).clamp(1, all);
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for i in 0..rows {
            control.check()?;
            for number in plain.numbers(Rect::new(0, (i * all / rows) as u32, size.width_px, 1))? {
                let value = self.header.numbers.value(number);
                least = least.min(value);
                most = most.max(value);
            }
        }
        Ok((least, most))
    }

    fn plain(&self, frame: u32, control: &Control) -> Result<Plain, DecodeError> {
        let header = &self.header;
        let bytes = Plain::bytes(header);
        let (source, at, planar, big_endian) = if header.packing == Packing::RunLengths {
            let packed = packed::bytes(self.source.as_ref(), &self.frames, frame)?;
            let unpacked = packed::run_lengths(&packed, header, control)?;
            (Arc::new(crate::MemoryAccess::new(unpacked)) as Arc<dyn RandomAccess>, 0, true, false)
        } else {
            let at = bytes.checked_mul(u64::from(frame)).and_then(|at| at.checked_add(header.pixels.offset));
            let at = at.ok_or_else(|| corrupt("its frames are longer than any file"))?;
            (Arc::clone(&self.source), at, header.planar, header.syntax.big_endian)
        };
        let wide = header.numbers.allocated == 16;
        Ok(Plain { source, at, size: header.frame, samples: header.samples, wide, planar, big_endian })
    }

    fn paint(&self, control: &Control) -> Result<Paint<'_>, DecodeError> {
        let header = &self.header;
        Ok(match (&header.palette, header.photometric) {
            (Some(palette), _) => Paint::Palette(palette, header.numbers),
            (None, Photometric::Gray { .. }) => Paint::Gray(self.shades(control)?),
            (None, Photometric::Ybr) => Paint::Ybr,
            (None, _) => Paint::Rgb(header.numbers),
        })
    }

    /// Bytes that are held: where frames lie, colours and shades.
    pub(super) fn held_bytes(&self) -> u64 {
        let colors = self.header.palette.as_ref().map_or(0, |palette| palette.colors.len() * size_of::<[u16; 3]>());
        let places = self.header.positions.capacity() * size_of::<(u32, u32)>();
        let icc = self.header.icc.as_ref().map_or(0, |icc| icc.len());
        self.frames.held_bytes().saturating_add((colors + places + icc) as u64)
    }

    fn packed_bytes(&self, frame: u32) -> u64 {
        self.frames.pieces(frame).iter().map(|piece| piece.length).sum()
    }
}

/// A frame that can be read.
pub(super) struct Frame {
    /// The reader of its codestream, if it is one.
    inner: Option<Box<dyn Decoder>>,
    pub(super) pixels: PixelFormat,
}

impl Frame {
    /// Opens a frame, from 0.
    pub(super) fn open(file: &File, frame: u32, control: &Control) -> Result<Self, DecodeError> {
        let header = &file.header;
        if !matches!(header.packing, Packing::Jpeg | Packing::Jpeg2000) {
            return Ok(Self { inner: None, pixels: pixel_format(header)? });
        }
        check_held(file.packed_bytes(frame), file.options.max_bytes, SourceFormat::Dicom)?;
        let stream = packed::codestream(&file.source, header, &file.frames, frame)?;
        let options = OpenOptions { control: control.clone(), ..file.options.clone() };
        let inner = crate::formats::open(stream, &options).map_err(|error| match error {
            DecodeError::Unrecognised { first_bytes } => {
                unsupported(format!("{} frames that begin with {first_bytes}", header.packing.name()))
            }
            DecodeError::Unsupported { format, what } => unsupported(format!("{format} frames with {what}")),
            error => error,
        })?;
        let facts = inner.facts();
        let known = matches!(
            (header.packing, facts.source_format),
            (Packing::Jpeg, SourceFormat::Jpeg) | (Packing::Jpeg2000, SourceFormat::Jp2)
        );
        if !known {
            return Err(corrupt(format!("its {} frames are {}", header.packing.name(), facts.source_format)));
        }
        if facts.stored_size() != header.frame {
            return Err(corrupt(format!("a frame of {} holds a picture of {}", header.frame, facts.stored_size())));
        }
        let is_gray = matches!(facts.color, ColorModel::Gray | ColorModel::Bitonal);
        let pixels = match (header.photometric, is_gray, facts.bits_per_sample > 8) {
            (Photometric::Gray { .. }, true, _) if header.numbers.signed => {
                return Err(unsupported("signed numbers in codestreams"));
            }
            (Photometric::Gray { .. }, true, _) => pixel_format(header)?,
            (Photometric::Rgb | Photometric::YbrInside, false, wide) if facts.color == ColorModel::Rgb => {
                if wide {
                    PixelFormat::Rgb16
                } else {
                    PixelFormat::Rgb8
                }
            }
            (photometric, ..) => return Err(unsupported(format!("codestreams that are {photometric:?}"))),
        };
        Ok(Self { inner: Some(inner), pixels })
    }

    /// What reading it costs.
    pub(super) fn cost(&self, file: &File, frame: u32, wanted: &DecodeRequest) -> Cost {
        let rect = DecodedGeometry::reduced_rect(wanted, file.header.frame);
        let strip = strip_bytes(rect.w, rect.h, self.pixels);
        let packed = file.packed_bytes(frame);
        if let Some(inner) = &self.inner {
            let cost = inner.cost(wanted);
            let held = cost.bytes_held.saturating_mul(2).saturating_add(packed);
            return Cost { bytes_held: held.saturating_add(Shades::MAX_BYTES + FIXED_BYTES), ..cost };
        }
        let whole = Plain::bytes(&file.header);
        let share = u128::from(wanted.region.area_px()) * u128::from(whole);
        let part = (share / u128::from(file.header.frame.area_px().max(1))) as u64;
        // Numbers as stored and as words, and where rows lie.
        let numbers = strip_rows(rect.w as usize * self.pixels.bytes_per_pixel()) as u64
            * u64::from(rect.w)
            * u64::from(file.header.samples)
            * 6;
        let unpacked = if file.header.packing == Packing::RunLengths { 2 * whole + packed } else { 0 };
        Cost {
            bytes_read: if packed > 0 { packed } else { part },
            bytes_held: strip + numbers + unpacked + Shades::MAX_BYTES + FIXED_BYTES,
            pixels: if packed > 0 { file.header.frame.area_px() } else { wanted.region.area_px() },
        }
    }

    /// Its rows.
    pub(super) fn rows<'a>(
        &'a self,
        file: &'a File,
        frame: u32,
        wanted: &DecodeRequest,
        control: &Control,
    ) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        check_held(self.cost(file, frame, wanted).bytes_held, file.options.max_bytes, SourceFormat::Dicom)?;
        if let Some(inner) = &self.inner {
            let rows = inner.rows(wanted, control)?;
            let is_gray = matches!(file.header.photometric, Photometric::Gray { .. });
            let shades = if is_gray { Some(file.shades(control)?) } else { None };
            return Ok(Box::new(Shaded { rows, shades, pixels: self.pixels, stored: file.header.numbers.stored }));
        }
        let format = self.pixels;
        let geometry = DecodedGeometry { format, denominator: 1, rect: wanted.region };
        let (plain, paint) = (file.plain(frame, control)?, file.paint(control)?);
        Ok(Box::new(PlainRows { plain, paint, geometry, given: 0, control: control.clone() }))
    }
}

/// Rows of a codestream, as the file wants them shown.
struct Shaded<'a> {
    rows: Box<dyn RowSource + 'a>,
    shades: Option<&'a Shades>,
    pixels: PixelFormat,
    /// Bits that the codestream's samples have.
    stored: u16,
}

impl RowSource for Shaded<'_> {
    fn geometry(&self) -> DecodedGeometry {
        DecodedGeometry { format: self.pixels, ..self.rows.geometry() }
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let Some(strip) = self.rows.next_strip()? else { return Ok(None) };
        let Some(shades) = self.shades else {
            if strip.format() != self.pixels {
                return Err(unsupported(format!("codestreams that are {:?}", strip.format())));
            }
            return Ok(Some(strip));
        };
        let size = strip.size();
        // The reader of the codestream has stretched its numbers over 8 or 16 bits.
        let most = (1_u32 << self.stored) - 1;
        let numbers: Vec<u16> = match strip.format() {
            PixelFormat::Gray8 if self.stored <= 8 => strip.data().iter().map(|byte| u16::from(*byte)).collect(),
            PixelFormat::Gray8 => {
                strip.data().iter().map(|byte| ((u32::from(*byte) * most + 127) / 255) as u16).collect()
            }
            PixelFormat::Gray16 => {
                let words = strip.data().as_chunks().0.iter().map(|bytes| u32::from(u16::from_ne_bytes(*bytes)));
                words.map(|word| ((u64::from(word) * u64::from(most) + 32767) / 65535) as u16).collect()
            }
            other => return Err(unsupported(format!("gray codestreams that are {other:?}"))),
        };
        let mut data = Vec::with_capacity(numbers.len() * self.pixels.bytes_per_pixel());
        Paint::Gray(shades).put(&numbers, self.pixels, &mut data);
        Ok(Some(Raster::from_vec(size, self.pixels, data)))
    }
}

struct DicomDecoder {
    file: File,
    frame: Frame,
    facts: ImageFacts,
    index: u32,
}

impl Decoder for DicomDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        self.frame.cost(&self.file, self.index, wanted)
    }

    fn held_bytes(&self) -> u64 {
        let inner = self.frame.inner.as_ref().map_or(0, |inner| inner.held_bytes());
        self.file.held_bytes().saturating_add(inner)
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        control.check()?;
        let size = self.facts.stored_size();
        assert!(wanted.region.is_inside(size), "the region {} is inside {size}", wanted.region);
        assert!(wanted.denominator <= self.facts.max_denominator, "this frame has such a reduction");
        self.frame.rows(&self.file, self.index, wanted, control)
    }
}
