//! JPEG files as images: facts, cost, and rows of a region at full size, 1/2, 1/4 or 1/8.
//!
//! # Damaged files
//! A file that ends before the rows asked for are complete is refused ([`DecodeError::Corrupt`] names the row), since what
//! would follow is invented. Damage *inside* the data (garbage, a wrong restart marker) is shown as every browser shows it: the
//! library resynchronises. A missing end marker and anything behind it are harmless.

use std::sync::Arc;

use recto_iiif::image::Format;
use recto_iiif::{Dimensions, Rect};

use super::coding::Coding;
use super::cut::{Form, McuRect};
use super::derived::Derived;
use super::encode::MAX_SIDE_PX;
use super::ffi::{Decompressor, Samples};
use super::flat::{self, CutStream, Flat, Pace};
use super::input::{BLOCK_BYTES, Input};
use super::markers::{Frame, Markers, Process};
use super::reduced::PictureRows;
use super::stream::{invert, output_of, unsupported};
use super::walk::Wanted;
use super::whole;
use crate::{
    ColorModel, Control, Cost, CutRequest, DecodeError, DecodeRequest, DecodedGeometry, Decoder, ImageFacts, Level,
    OpenOptions, PixelFormat, RandomAccess, Raster, RowSource, SourceFormat,
};

/// Columns beside the wanted ones that smooth upsampling of chroma looks at.
const MARGIN_PX: u32 = 4;
/// Rows stepped over between two looks at the control.
const SKIP_ROWS: u32 = 256;
/// A strip has so many bytes at most, unless that were fewer than [`MIN_STRIP_ROWS`].
const STRIP_BYTES: usize = 1 << 20;
const MIN_STRIP_ROWS: u32 = 16;
const MAX_STRIP_ROWS: u32 = 64;
/// What the library needs beside rows and coefficients: tables, and a few MCU rows.
const FIXED_BYTES: u64 = 512 << 10;
/// A file of several scans of which the library would hold more than this share of the memory that there is, is made into its other
/// form also where the whole is wanted.
const LIBRARY_SHARE: u64 = 4;

/// Opens a file.
pub(crate) fn open(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    Ok(Box::new(open_with(source, options, flat::LEAST_PIXELS)?))
}

/// Opens a JPEG file so that every part of it is cut that can be: also of small pictures, and where parts as they are stored are much
/// larger than encoded ones. For copying an original into tiles. [`Decoder::prepare`] is to be called first; it needs a shelf for
/// files of several scans.
///
/// # Errors
/// What is wrong with the file or not supported in it.
pub fn open_jpeg_to_cut(source: Arc<dyn RandomAccess>, options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    let decoder = open_with(source, options, 1)?;
    Ok(Box::new(JpegDecoder { cuts_all: true, ..decoder }))
}

/// Opens a file; its scan is indexed if it has at least so many pixels.
pub(super) fn open_with(
    source: Arc<dyn RandomAccess>,
    options: &OpenOptions,
    least_pixels: u64,
) -> Result<JpegDecoder, DecodeError> {
    if options.page != 1 {
        return Err(DecodeError::NoSuchPage { page: options.page, pages: 1 });
    }
    let markers = Markers::read(&*source)?;
    let frame = &markers.frame;
    let too_large = |needed, limit, unit| DecodeError::TooLarge { format: SourceFormat::Jpeg, needed, limit, unit };
    let longest = frame.size.width_px.max(frame.size.height_px);
    if longest > MAX_SIDE_PX {
        return Err(too_large(longest.into(), MAX_SIDE_PX.into(), "pixels a side"));
    }
    if frame.size.area_px() > options.max_pixels {
        return Err(too_large(frame.size.area_px(), options.max_pixels, "pixels"));
    }
    let (narrow, samples) = output_of(frame.components.len() as u32)?;
    let pixels = pixels_of(narrow, frame)?;
    let facts = ImageFacts {
        source_format: SourceFormat::Jpeg,
        compression: markers.describe(),
        levels: vec![Level { size: frame.size, grid: None }],
        max_denominator: if frame.process == Process::Lossless { 1 } else { 8 },
        pages: 1,
        orientation: markers.orientation,
        color: match pixels {
            PixelFormat::Gray8 | PixelFormat::Gray16 => ColorModel::Gray,
            PixelFormat::Cmyk8 | PixelFormat::Cmyk16 => ColorModel::Cmyk,
            _ => ColorModel::Rgb,
        },
        bits_per_sample: frame.precision,
        has_alpha: false,
        icc: markers.icc.clone(),
        dpi: markers.dpi,
    };
    let mut flat = None;
    if flat::is_large(frame.size, least_pixels) {
        // Headers that we do not understand may be fine for the library.
        let coding = Coding::new(&markers.parts()).unwrap_or_default();
        let coding = coding.filter(|coding| coding.size == frame.size);
        flat =
            coding.and_then(|coding| Flat::new(&source, Arc::new(coding), markers.data_offset, options, least_pixels));
    }
    let derived = Derived::new(&source, &markers, options, least_pixels);
    let flat = flat.map(Arc::new);
    let (max_bytes, cuts_all) = (options.max_bytes, false);
    Ok(JpegDecoder { source, markers, flat, derived, cuts_all, facts, pixels, samples, max_bytes })
}

/// The pixels of a frame, by what they would be with 8 bits.
fn pixels_of(narrow: PixelFormat, frame: &Frame) -> Result<PixelFormat, DecodeError> {
    let lossless = frame.process == Process::Lossless;
    match (frame.precision, narrow) {
        (8, same) => Ok(same),
        // Lossless files may have any number of bits, with the DCT there are 8 and 12.
        (9..=16, narrow) if lossless || frame.precision == 12 => Ok(match narrow {
            PixelFormat::Gray8 => PixelFormat::Gray16,
            PixelFormat::Cmyk8 => PixelFormat::Cmyk16,
            _ => PixelFormat::Rgb16,
        }),
        (bits, _) => Err(unsupported(format!("{bits} bits a sample"))),
    }
}

/// Samples of so many bits, two bytes each, to the whole range of 16 bits.
fn widen(samples: &mut [u8], bits: u8) {
    let most = (1_u32 << bits) - 1;
    for sample in samples.as_chunks_mut::<2>().0 {
        let value = u32::from(u16::from_ne_bytes(*sample)).min(most);
        *sample = (((value * 65_535 + most / 2) / most) as u16).to_ne_bytes();
    }
}

pub(super) struct JpegDecoder {
    source: Arc<dyn RandomAccess>,
    markers: Markers,
    /// How to go to any place of the scan, when it is one that allows it.
    flat: Option<Arc<Flat>>,
    /// The same for a file of several scans, by way of another form of it.
    derived: Option<Derived>,
    /// Parts are cut wherever that is possible, not only where it pays.
    cuts_all: bool,
    facts: ImageFacts,
    pixels: PixelFormat,
    samples: Samples,
    max_bytes: u64,
}

impl JpegDecoder {
    fn check(&self, wanted: &DecodeRequest) -> Result<(), DecodeError> {
        if wanted.level != 0 || !wanted.region.is_inside(self.facts.stored_size()) {
            return Err(unsupported(format!("a region {} of level {}", wanted.region, wanted.level)));
        }
        if !wanted.denominator.is_power_of_two() || wanted.denominator > self.facts.max_denominator {
            return Err(unsupported(format!("a reduction by {}", wanted.denominator)));
        }
        Ok(())
    }

    fn is_lossless(&self) -> bool {
        self.markers.frame.process == Process::Lossless
    }

    /// Bytes that the library holds while it decodes the file, or its form of one scan.
    fn library_bytes(&self, several_scans: bool) -> u64 {
        let frame = &self.markers.frame;
        let coefficients = if several_scans { frame.coefficient_bytes() } else { 0 };
        coefficients + self.row_bytes(frame.size.width_px) + FIXED_BYTES
    }

    /// What it takes to have the library decode down to a region, of the file or its form of one scan.
    fn library_cost(&self, wanted: &DecodeRequest, one_scan: Option<&Flat>) -> Cost {
        let size = self.facts.stored_size();
        let rect = DecodedGeometry::reduced_rect(wanted, size);
        let bottom = wanted.region.bottom().min(size.height_px.into());
        let several_scans = one_scan.is_none() && self.markers.has_multiple_scans();
        let (file, start) = match one_scan {
            Some(flat) => (flat.source().len(), BLOCK_BYTES),
            None => (self.source.len(), self.markers.scan_offset + BLOCK_BYTES),
        };
        let (bytes_read, rows) = if several_scans {
            (file, u64::from(size.height_px))
        } else {
            let share = u128::from(file) * u128::from(bottom) / u128::from(size.height_px.max(1));
            ((share as u64 + start).min(file), bottom)
        };
        let strip = strip_rows(rect, self.pixels);
        let row_bytes = u64::from(size.width_px.div_ceil(wanted.denominator)) * self.pixels.bytes_per_pixel() as u64;
        let strips = u64::from(strip) * (row_bytes + u64::from(rect.w) * self.pixels.bytes_per_pixel() as u64);
        Cost {
            bytes_read,
            bytes_held: self.library_bytes(several_scans) + strips + BLOCK_BYTES,
            pixels: rows * u64::from(size.width_px),
        }
    }

    /// One row of MCUs as samples, with the rows above and below that smooth upsampling keeps.
    fn row_bytes(&self, width_px: u32) -> u64 {
        u64::from(width_px + 64)
            * self.markers.frame.components.len() as u64
            * 32
            * 3
            * if self.markers.frame.precision > 8 { 2 } else { 1 }
    }
}

impl Decoder for JpegDecoder {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn metadata(&self) -> Result<crate::Metadata, DecodeError> {
        super::metadata::read(self.source.as_ref(), self.markers.scan_offset)
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        if let Some(flat) = self.flat()
            && let Some(way) = self.way(&flat, wanted)
        {
            return self.cost_of(wanted, &flat, &way);
        }
        let one_scan = self.one_scan();
        let cost = self.library_cost(wanted, one_scan.as_deref());
        match &self.derived {
            Some(derived) if one_scan.is_none() && self.wants_derived(wanted) => {
                let making = derived.preparing_bytes();
                if !self.is_beyond_library() {
                    return Cost { bytes_held: cost.bytes_held.max(making), ..cost };
                }
                // Then it is indexed for a part, or gone through for the whole, as any file of one scan.
                let coefficients = self.library_bytes(true) - self.library_bytes(false);
                let after = cost.bytes_held - coefficients + CutStream::HELD_BYTES;
                Cost { bytes_held: making.saturating_add(after), pixels: cost.pixels.saturating_mul(2), ..cost }
            }
            _ => cost,
        }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, control: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        self.check(wanted)?;
        control.check()?;
        self.check_memory(self.cost(wanted).bytes_held, control)?;
        let size = self.facts.stored_size();
        let rect = DecodedGeometry::reduced_rect(wanted, size);
        if let Some(rows) = self.rows_by_index(wanted, rect, control)? {
            return Ok(rows);
        }
        let one_scan = self.one_scan();
        // There may be no form of one scan after all, which was not known when memory was reckoned.
        self.check_memory(self.library_cost(wanted, one_scan.as_deref()).bytes_held, control)?;
        let reduced = size.reduced(wanted.denominator);
        let (file, markers) = match &one_scan {
            Some(flat) => (flat.source(), &Markers::read(&**flat.source())?),
            None => (&self.source, &self.markers),
        };
        let mut decompressor = Decompressor::new(Input::original(Arc::clone(file)), control, self.max_bytes)?;
        check_unchanged(&decompressor, markers)?;
        let output = decompressor.start(Samples::AsMarked, self.samples, wanted.denominator)?;
        if (output.width, output.height) != (reduced.width_px, reduced.height_px) {
            return Err(unsupported(format!("a reduction to {}x{}", output.width, output.height)));
        }
        let (left, decoded_width) = self.crop(&mut decompressor, rect, reduced)?;
        Ok(Box::new(JpegRows {
            decompressor,
            geometry: DecodedGeometry { format: self.pixels, denominator: wanted.denominator, rect },
            control: control.clone(),
            trim_px: rect.x - left,
            decoded_width,
            next_row: rect.y,
            above: rect.y,
            can_skip: !self.is_lossless() && self.markers.frame.precision == 8,
            bits: self.markers.frame.precision,
            inverted: self.is_inverted(),
        }))
    }

    fn can_cut(&self, level: usize, wanted: &CutRequest) -> bool {
        let inside = level == 0 && wanted.region.is_inside(self.facts.stored_size());
        inside
            && self.flat().is_some_and(|flat| {
                (self.cuts_all || flat.is_coded_well()) && flat.can_cut(wanted.region, Form::of(wanted))
            })
    }

    fn cut(&self, level: usize, wanted: &CutRequest, control: &Control) -> Result<Option<Vec<u8>>, DecodeError> {
        match self.flat() {
            Some(flat) if self.can_cut(level, wanted) => flat.cut(wanted.region, Form::of(wanted), control),
            _ => Ok(None),
        }
    }

    fn is_worth_preparing(&self) -> bool {
        true
    }

    fn prepare(&self, control: &Control) -> Result<(), DecodeError> {
        let flat = match &self.derived {
            Some(derived) => derived.ensure_at(Pace::Idle, control)?,
            None => self.flat(),
        };
        if let Some(flat) = flat {
            let wanted = if self.cuts_all { Wanted::default() } else { flat.wanted(4) };
            flat.ensure_at(Pace::Idle, wanted, control)?;
        }
        Ok(())
    }

    fn preparing_bytes(&self) -> u64 {
        match &self.derived {
            Some(derived) => derived.preparing_bytes(),
            None => self.flat().map_or(0, |flat| flat.building_bytes(flat.wanted(4))),
        }
    }

    fn stored_whole(&self, format: Format) -> Result<Option<Vec<u8>>, DecodeError> {
        if format != Format::Jpg || !whole::can_leave(&self.markers) || self.source.len() > self.max_bytes {
            return Ok(None);
        }
        whole::without_metadata(&*self.source)
    }
}

/// How a region is come by without going through all that lies above it.
enum Way {
    /// It is a part of a picture that the walk gives.
    Picture,
    /// These MCUs are cut out and decoded.
    Cut(McuRect),
}

impl JpegDecoder {
    /// The file, or its other form, as one that can be indexed.
    fn flat(&self) -> Option<Arc<Flat>> {
        self.flat.clone().or_else(|| self.derived.as_ref()?.ready())
    }

    /// The form of one scan of a file of several, if it is there.
    fn one_scan(&self) -> Option<Arc<Flat>> {
        self.derived.as_ref()?.ready()
    }

    /// True when the library would hold too much of a file of several scans.
    fn is_beyond_library(&self) -> bool {
        self.library_bytes(true) > self.max_bytes / LIBRARY_SHARE
    }

    /// True when a file of several scans is first to be made into another form: for parts, and for the whole where that takes too
    /// much memory else. The whole of a page is decoded by the library as soon.
    fn wants_derived(&self, wanted: &DecodeRequest) -> bool {
        let part = wanted.region.area_px() * 2 <= self.facts.stored_size().area_px();
        (part || self.is_beyond_library()) && self.derived.as_ref().is_some_and(Derived::is_possible)
    }

    /// The way for a region, if there is a better one than decoding down to it.
    fn way(&self, flat: &Flat, wanted: &DecodeRequest) -> Option<Way> {
        if !flat.is_sound() {
            return None;
        }
        if flat.makes(wanted.denominator) {
            return Some(Way::Picture);
        }
        let rect = DecodedGeometry::reduced_rect(wanted, self.facts.stored_size());
        let mcus = flat.mcus(enlarged(rect, wanted.denominator, self.facts.stored_size()), wanted.denominator);
        let known = flat.known(flat.wanted(wanted.denominator)).is_some();
        (if known { flat.is_worth(&mcus) } else { flat.is_worth_building(&mcus) }).then_some(Way::Cut(mcus))
    }

    fn cost_of(&self, wanted: &DecodeRequest, flat: &Flat, way: &Way) -> Cost {
        let rect = DecodedGeometry::reduced_rect(wanted, self.facts.stored_size());
        let pixel = self.pixels.bytes_per_pixel() as u64;
        let strip = u64::from(strip_rows(rect, self.pixels).min(rect.h)) * u64::from(rect.w) * pixel;
        let mut cost = match way {
            Way::Picture => Cost { bytes_read: 0, bytes_held: strip + FIXED_BYTES, pixels: rect.area_px() },
            Way::Cut(mcus) => {
                let cut = mcus.pixels(&flat.coding);
                let decoded =
                    u64::from(strip_rows(rect, self.pixels)) * u64::from(cut.w / wanted.denominator + 1) * pixel;
                // Runs begin at the notes around the MCUs, which are a tile apart at most.
                let read = flat.bytes_of(u64::from(cut.w + 512) * u64::from(cut.h));
                let held = self.row_bytes(cut.w) + decoded * 2 + CutStream::HELD_BYTES + FIXED_BYTES;
                Cost { bytes_read: read + BLOCK_BYTES, bytes_held: held, pixels: cut.area_px() }
            }
        };
        let needed = flat.wanted(wanted.denominator);
        if flat.known(needed).is_none() {
            cost.bytes_read = self.source.len().max(cost.bytes_read);
            cost.bytes_held += flat.building_bytes(needed);
            cost.pixels += flat.building_pixels();
        }
        cost
    }

    /// Rows by the index or a picture of the walk; `None` when decoding down to them is as good, or the scan is not sound.
    fn rows_by_index(
        &self,
        wanted: &DecodeRequest,
        rect: Rect,
        control: &Control,
    ) -> Result<Option<Box<dyn RowSource>>, DecodeError> {
        if wanted.denominator == 8
            && let Some(derived) = &self.derived
            && let Some(picture) = derived.eighth(control)?
        {
            let rows = strip_rows(rect, self.pixels);
            return Ok(Some(Box::new(PictureRows::new(picture, rect, 8, rows, control))));
        }
        let made = match &self.derived {
            Some(derived) if self.wants_derived(wanted) => derived.ensure_at(Pace::Asked, control)?,
            Some(derived) => derived.find(),
            None => None,
        };
        let Some(flat) = made.or_else(|| self.flat()) else { return Ok(None) };
        let Some(way) = self.way(&flat, wanted) else { return Ok(None) };
        let Some(known) = flat.ensure(flat.wanted(wanted.denominator), control)? else { return Ok(None) };
        let mcus = match way {
            Way::Picture => {
                let picture = if wanted.denominator == 8 { known.eighth } else { known.quarter };
                return Ok(picture.map(|picture| {
                    let rows = strip_rows(rect, self.pixels);
                    Box::new(PictureRows::new(picture, rect, wanted.denominator, rows, control)) as Box<dyn RowSource>
                }));
            }
            Way::Cut(mcus) => mcus,
        };
        let cut = mcus.pixels(&flat.coding);
        let input = Input::Cut(Box::new(flat.stream(&known, mcus)));
        let mut decompressor = Decompressor::new(input, control, self.max_bytes)?;
        let output = decompressor.start(Samples::AsMarked, self.samples, wanted.denominator)?;
        let expected = cut.dimensions().reduced(wanted.denominator);
        if (output.width, output.height) != (expected.width_px, expected.height_px) {
            return Err(unsupported(format!("a reduction to {}x{}", output.width, output.height)));
        }
        Ok(Some(Box::new(JpegRows {
            decompressor,
            geometry: DecodedGeometry { format: self.pixels, denominator: wanted.denominator, rect },
            control: control.clone(),
            trim_px: rect.x - cut.x / wanted.denominator,
            decoded_width: output.width,
            next_row: rect.y,
            above: rect.y - cut.y / wanted.denominator,
            can_skip: false,
            bits: self.markers.frame.precision,
            inverted: self.is_inverted(),
        })))
    }

    fn is_inverted(&self) -> bool {
        matches!(self.pixels, PixelFormat::Cmyk8 | PixelFormat::Cmyk16) && self.markers.adobe.is_some()
    }

    /// Is there so much memory, and was it reckoned with? A file of several scans alone takes much more in one way than in another.
    fn check_memory(&self, needed: u64, control: &Control) -> Result<(), DecodeError> {
        let format = SourceFormat::Jpeg;
        if needed > self.max_bytes {
            return Err(DecodeError::TooLarge { format, needed, limit: self.max_bytes, unit: "bytes of memory" });
        }
        if self.derived.is_some() && control.memory().is_some_and(|reckoned| needed > reckoned) {
            return Err(DecodeError::Underestimated { format, needed });
        }
        Ok(())
    }

    /// Limits decoding to the columns of `rect` and what smooth upsampling needs beside them; gives the first column and the
    /// number of columns that are really decoded.
    fn crop(
        &self,
        decompressor: &mut Decompressor<'_>,
        rect: Rect,
        level: Dimensions,
    ) -> Result<(u32, u32), DecodeError> {
        if self.is_lossless() || self.markers.frame.precision != 8 {
            return Ok((0, level.width_px));
        }
        let left = rect.x.saturating_sub(MARGIN_PX);
        let right = (rect.right() as u32).saturating_add(MARGIN_PX).min(level.width_px);
        decompressor.crop(left, right - left)
    }
}

/// The library must have read what our own parser read, or the cost was wrong.
fn check_unchanged(decompressor: &Decompressor<'_>, markers: &Markers) -> Result<(), DecodeError> {
    let header = decompressor.header();
    let frame = &markers.frame;
    let same = header.width == frame.size.width_px
        && header.height == frame.size.height_px
        && header.components as usize == frame.components.len()
        && (header.saw_adobe != 0) == markers.adobe.is_some()
        && (header.multiple_scans == 0 || markers.has_multiple_scans());
    if same { Ok(()) } else { Err(super::markers::corrupt("its headers contradict each other")) }
}

/// The pixels of the image that make these of its reduction.
fn enlarged(rect: Rect, denominator: u32, size: Dimensions) -> Rect {
    let (x, y) = (rect.x * denominator, rect.y * denominator);
    let right = (rect.right() * u64::from(denominator)).min(size.width_px.into()) as u32;
    let bottom = (rect.bottom() * u64::from(denominator)).min(size.height_px.into()) as u32;
    Rect::new(x, y, right - x, bottom - y)
}

fn strip_rows(rect: Rect, pixels: PixelFormat) -> u32 {
    let row_bytes = (rect.w as usize * pixels.bytes_per_pixel()).max(1);
    ((STRIP_BYTES / row_bytes) as u32).clamp(MIN_STRIP_ROWS, MAX_STRIP_ROWS)
}

struct JpegRows<'a> {
    decompressor: Decompressor<'a>,
    geometry: DecodedGeometry,
    control: Control,
    /// Columns decoded to the left of the wanted ones.
    trim_px: u32,
    decoded_width: u32,
    next_row: u32,
    /// Rows that come before the wanted ones.
    above: u32,
    can_skip: bool,
    bits: u8,
    inverted: bool,
}

impl JpegRows<'_> {
    /// Steps over the rows above the wanted ones.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut left = std::mem::take(&mut self.above);
        while left > 0 {
            self.control.check()?;
            let count = left.min(SKIP_ROWS);
            if self.can_skip {
                self.decompressor.skip(count)?;
            } else {
                let row_bytes = self.decoded_width as usize * self.geometry.format.bytes_per_pixel();
                let mut row = vec![0; row_bytes];
                (0..count).try_for_each(|_| self.decompressor.read(&mut row))?;
            }
            left -= count;
        }
        Ok(())
    }
}

impl RowSource for JpegRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        self.geometry
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let DecodedGeometry { format, rect, .. } = self.geometry;
        let left = rect.bottom() as u32 - self.next_row;
        if left == 0 {
            return Ok(None);
        }
        self.control.check()?;
        self.skip()?;
        let rows = left.min(strip_rows(rect, format));
        let pixel = format.bytes_per_pixel();
        let decoded_stride = self.decoded_width as usize * pixel;
        let mut data = vec![0; decoded_stride * rows as usize];
        self.decompressor.read(&mut data)?;
        self.next_row += rows;
        let stride = rect.w as usize * pixel;
        if decoded_stride != stride {
            let skip = self.trim_px as usize * pixel;
            for row in 0..rows as usize {
                let from = row * decoded_stride + skip;
                data.copy_within(from..from + stride, row * stride);
            }
            data.truncate(stride * rows as usize);
        }
        if self.bits > 8 {
            widen(&mut data, self.bits);
        }
        if self.inverted {
            invert(&mut data);
        }
        Ok(Some(Raster::from_vec(Dimensions::new(rect.w, rows), format, data)))
    }
}
