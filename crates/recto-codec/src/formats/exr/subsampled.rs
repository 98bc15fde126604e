//! Luminance with chroma at half the resolution, as OpenEXR stores film scans: `Y`, and `RY` and `BY` for every other pixel of every
//! other row.
//!
//! The library reads the headers of such files and unpacks their blocks, but does not put the two together; that is done here.

use std::io::Read;
use std::sync::Arc;

use exr::error::Error;
use exr::math::Vec2;
use exr::meta::attribute::{IntegerBounds, SampleType};
use exr::meta::header::Header;
use exr::meta::{BlockDescription, Requirements, magic_number};
use exr::prelude::f16;
use recto_iiif::{Dimensions, Rect};

use super::super::reader::SourceReader;
use super::{Block, STRIP_ROWS, corrupt, failed, unsupported};
use crate::{ByteRange, Control, DecodeError, RandomAccess};

/// How much red, green and blue of the primaries that hold without others (Rec. 709) make luminance.
const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Such a file: which channel is what, and where its blocks lie.
pub(super) struct Subsampled {
    header: Header,
    /// Numbers of `Y`, `RY`, `BY` and `A` in the list of channels.
    luminance: usize,
    chroma: [usize; 2],
    alpha: Option<usize>,
    /// Position of the first block of each group of rows.
    offsets: Vec<u64>,
    rows: u32,
    size: Dimensions,
}

impl Subsampled {
    /// `None` when the file is not of this kind.
    pub(super) fn open(source: &Arc<dyn RandomAccess>) -> Result<Option<Self>, DecodeError> {
        let mut reader = SourceReader::new(Arc::clone(source));
        let mut peeking = exr::io::PeekRead::new(&mut reader);
        magic_number::validate_exr(&mut peeking).map_err(failed)?;
        let requirements = Requirements::read(&mut peeking).map_err(failed)?;
        if requirements.is_multilayer() {
            return Ok(None);
        }
        let mut headers = Header::read_all(&mut peeking, &requirements, false).map_err(failed)?;
        let Some(mut header) = headers.pop() else { return Ok(None) };
        let channels = &header.channels.list;
        if channels.iter().all(|channel| channel.sampling == Vec2(1, 1)) {
            return Ok(None);
        }
        let find = |name: &str, sampling: usize| {
            channels
                .iter()
                .position(|channel| channel.name.to_string() == name && channel.sampling == Vec2(sampling, sampling))
        };
        let (Some(luminance), Some(red), Some(blue)) = (find("Y", 1), find("RY", 2), find("BY", 2)) else {
            return Err(unsupported("channels of lower resolution other than RY and BY at half of Y"));
        };
        let alpha = find("A", 1);
        if channels.len() != 3 + usize::from(alpha.is_some()) {
            return Err(unsupported("further channels beside luminance and chroma"));
        }
        if header.deep || header.blocks != BlockDescription::ScanLines {
            return Err(unsupported("chroma of lower resolution in tiles"));
        }
        let start = header.own_attributes.layer_position;
        let even = |number: i64| number.rem_euclid(2) == 0;
        let (w, h) = (header.layer_size.0, header.layer_size.1);
        if ![w as i64, h as i64, start.0.into(), start.1.into()].into_iter().all(even) {
            return Err(unsupported("chroma of half the resolution of odd sides"));
        }
        let side = |length: usize| u32::try_from(length).map_err(|_| corrupt("its sides do not fit"));
        let size = Dimensions::new(side(w)?, side(h)?);
        let rows = side(header.compression.scan_lines_per_block())?;
        let count = size.height_px.div_ceil(rows.max(1)) as usize;
        let length = count as u64 * 8;
        if length > source.len() || count != header.chunk_count {
            return Err(corrupt(format!("it says that it has {count} blocks")));
        }
        let mut table = vec![0; count * 8];
        drop(peeking);
        reader.read_exact(&mut table)?;
        let offsets = table.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        if header.shared_attributes.chromaticities.is_some() {
            return Err(unsupported("luminance of other primaries than Rec. 709"));
        }
        super::forget_attributes(&mut header);
        Ok(Some(Self { header, luminance, chroma: [red, blue], alpha, offsets, rows, size }))
    }

    pub(super) fn size(&self) -> Dimensions {
        self.size
    }

    pub(super) fn compression(&self) -> String {
        self.header.compression.to_string()
    }

    pub(super) fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    pub(super) fn block(&self) -> Block {
        let size = Dimensions::new(self.size.width_px, self.rows.min(self.size.height_px));
        // The block itself, and planes of a strip's rows in floating point (ten bytes a pixel), reckoned over four blocks.
        let plane_rows = u64::from(STRIP_ROWS + 2 * self.rows + 4);
        let bytes_per_pixel = 16 + (plane_rows * 10).div_ceil(4 * u64::from(size.height_px.max(1)));
        Block { size, bytes_per_pixel, count: self.offsets.len() as u64 }
    }

    /// Light of a strip, as [`super::ExrDecoder::light`] gives it.
    pub(super) fn light(
        &self,
        source: &dyn RandomAccess,
        strip: Rect,
        control: &Control,
    ) -> Result<Vec<f32>, DecodeError> {
        // Chroma of odd rows lies between that above and that below.
        let first = strip.y / 2 * 2;
        let end = (strip.bottom().div_ceil(2) * 2 + 2).min(u64::from(self.size.height_px)) as u32;
        let mut planes = Planes::new(self.size.width_px, first, end, self.alpha.is_some());
        for index in first / self.rows..end.div_ceil(self.rows) {
            control.check()?;
            self.unpack(source, index, &mut planes)?;
        }
        let [red_part, green_part, blue_part] = LUMINANCE;
        let samples = 3 + usize::from(self.alpha.is_some());
        let mut light = Vec::with_capacity(strip.area_px() as usize * samples);
        for y in strip.y..strip.y + strip.h {
            for x in strip.x..strip.x + strip.w {
                let luminance = planes.full[0][planes.at(x, y)];
                let [red, blue] = [0, 1].map(|plane| (planes.chroma(plane, x, y) + 1.0) * luminance);
                light.extend([red, (luminance - red * red_part - blue * blue_part) / green_part, blue]);
                if self.alpha.is_some() {
                    light.push(planes.full[1][planes.at(x, y)]);
                }
            }
        }
        Ok(light)
    }

    /// Bytes of a row, unpacked.
    fn row_bytes(&self, y: u32) -> usize {
        let channels = self.header.channels.list.iter().enumerate();
        let samples = channels.map(|(number, channel)| match self.chroma.contains(&number) {
            true if !y.is_multiple_of(2) => 0,
            true => channel.sample_type.bytes_per_sample() / 2,
            false => channel.sample_type.bytes_per_sample(),
        });
        samples.sum::<usize>() * self.size.width_px as usize
    }

    /// Unpacks a block, and puts what the planes want of it in its place.
    fn unpack(&self, source: &dyn RandomAccess, index: u32, planes: &mut Planes) -> Result<(), DecodeError> {
        let outside = || corrupt(format!("block {index} lies outside of it"));
        let offset = *self.offsets.get(index as usize).ok_or_else(outside)?;
        let head = offset.checked_add(8).filter(|end| *end <= source.len()).ok_or_else(outside)?;
        let mut words = [0; 8];
        source.read_at(offset, &mut words)?;
        let [a, b, c, d, e, f, g, h] = words;
        let (row, length) = (i32::from_le_bytes([a, b, c, d]), u64::from(u32::from_le_bytes([e, f, g, h])));
        let start = self.header.own_attributes.layer_position;
        let top = index * self.rows;
        let rows = self.rows.min(self.size.height_px - top);
        let position = Vec2(start.0, start.1 + top as i32);
        let bytes: usize = (top..top + rows).map(|y| self.row_bytes(y)).sum();
        let area = rows as usize * self.size.width_px as usize;
        if row != position.1 || length > bytes as u64 || head.checked_add(length).is_none_or(|end| end > source.len()) {
            return Err(corrupt(format!("block {index} is not what its place in the table says")));
        }
        let packed = source.read_range(ByteRange::new(head, length))?;
        let size = Vec2(self.size.width_px as usize, rows as usize);
        let section = IntegerBounds { position, size };
        // The library reckons with a number of bytes for each pixel, which must come out right for this block.
        let mut header = self.header.clone();
        header.channels.bytes_per_pixel = bytes / area;
        if header.channels.bytes_per_pixel * area != bytes {
            return Err(unsupported("chroma of two kinds of samples"));
        }
        let unpacked = header
            .compression
            .decompress_image_section_from_le(&header, packed, section, false)
            .map_err(|error: Error| failed(error))?;
        let mut rest = unpacked.as_slice();
        for y in top..top + rows {
            for (number, channel) in self.header.channels.list.iter().enumerate() {
                let is_chroma = self.chroma.contains(&number);
                if is_chroma && !y.is_multiple_of(2) {
                    continue;
                }
                let count = self.size.width_px as usize / if is_chroma { 2 } else { 1 };
                let line = count * channel.sample_type.bytes_per_sample();
                let (line, behind) = rest.split_at_checked(line).ok_or_else(outside)?;
                rest = behind;
                let plane = match self.chroma.iter().position(|chroma| *chroma == number) {
                    Some(chroma) => planes.chroma_row(chroma, y),
                    None => planes.full_row(usize::from(number != self.luminance), y),
                };
                if let Some(plane) = plane {
                    put(channel.sample_type, line, plane);
                }
            }
        }
        Ok(())
    }
}

fn put(kind: SampleType, line: &[u8], plane: &mut [f32]) {
    match kind {
        SampleType::F16 => {
            plane.iter_mut().zip(line.as_chunks().0).for_each(|(to, bytes)| *to = f16::from_ne_bytes(*bytes).to_f32());
        }
        SampleType::F32 => {
            plane.iter_mut().zip(line.as_chunks().0).for_each(|(to, bytes)| *to = f32::from_ne_bytes(*bytes));
        }
        SampleType::U32 => {
            plane.iter_mut().zip(line.as_chunks().0).for_each(|(to, bytes)| *to = u32::from_ne_bytes(*bytes) as f32);
        }
    }
}

/// Rows of all channels, from `first` to before `end`.
struct Planes {
    width: usize,
    first: u32,
    end: u32,
    /// Luminance, and opacity where there is some.
    full: Vec<Vec<f32>>,
    half: [Vec<f32>; 2],
}

impl Planes {
    fn new(width: u32, first: u32, end: u32, has_alpha: bool) -> Self {
        let width = width as usize;
        let rows = (end - first) as usize;
        let half = || vec![0.0; (width / 2) * rows.div_ceil(2)];
        Self {
            width,
            first,
            end,
            full: vec![vec![0.0; width * rows]; 1 + usize::from(has_alpha)],
            half: [half(), half()],
        }
    }

    fn at(&self, x: u32, y: u32) -> usize {
        (y - self.first) as usize * self.width + x as usize
    }

    fn full_row(&mut self, plane: usize, y: u32) -> Option<&mut [f32]> {
        let start = (y.checked_sub(self.first)? as usize) * self.width;
        self.full.get_mut(plane)?.get_mut(start..start + self.width)
    }

    fn chroma_row(&mut self, plane: usize, y: u32) -> Option<&mut [f32]> {
        let width = self.width / 2;
        let start = (y.checked_sub(self.first)? / 2) as usize * width;
        self.half.get_mut(plane)?.get_mut(start..start + width)
    }

    /// Chroma at a pixel: stored at even places, between them the mean of its neighbours.
    fn chroma(&self, plane: usize, x: u32, y: u32) -> f32 {
        let width = self.width / 2;
        let (left, upper) = (x as usize / 2, (y - self.first) as usize / 2);
        let rows = ((self.end - self.first) as usize).div_ceil(2);
        let right = (left + x as usize % 2).min(width - 1);
        let lower = (upper + y as usize % 2).min(rows - 1);
        let value = |x: usize, y: usize| self.half[plane][y * width + x];
        (value(left, upper) + value(right, upper) + value(left, lower) + value(right, lower)) / 4.0
    }
}
