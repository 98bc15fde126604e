//! One tile or strip: decompressed row by row, or decoded whole where it is an image of its own.

use recto_iiif::Dimensions;

use super::corrupt;
use super::decompress::{Inflow, Input, open};
use super::directory::{Directory, SampleKind};
use super::ifd::{File, Order};
use super::picture::picture;
use super::reader::StoredLevel;
use super::rows::{group, inside, largest_chunk};
use super::samples::Shape;
use crate::{Control, DecodeError, Raster};

/// One plane of a chunk that is being decoded.
enum Plane {
    Flow(Box<dyn Inflow>),
    /// Never written: all samples are 0.
    Sparse,
    Picture(Raster),
}

/// What is wanted of a chunk, where its format leaves the choice.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) denominator: u32,
    /// Rows from its first on, divided by the denominator.
    pub(super) rows: u32,
}

/// A chunk that is being decoded, all its planes in step.
pub(super) struct Chunk {
    name: String,
    planes: Vec<Plane>,
    /// Width in pixels, padding included.
    width: u32,
    rows: u32,
    /// Groups of rows that were taken already.
    passed: u32,
    raw: Vec<Vec<u8>>,
    swap: Order,
}

impl Chunk {
    /// Begins to decode a chunk whose bytes are held.
    pub(super) fn decode(
        file: &File,
        level: &StoredLevel,
        bytes: Vec<Vec<u8>>,
        column: u32,
        row: u32,
        wanted: Wanted,
        control: &Control,
    ) -> Result<Self, DecodeError> {
        let directory = &level.directory;
        let layout = &directory.layout;
        let name = layout.name(layout.index(0, column, row));
        let rows = layout.stored_rows(row);
        let mut planes = Vec::with_capacity(bytes.len());
        for bytes in bytes {
            planes.push(if bytes.is_empty() {
                Plane::Sparse
            } else if directory.compression.is_image() {
                Plane::Picture(picture(file, level, bytes, rows, wanted, &name, control)?)
            } else {
                let input = Input::held(bytes, directory.reversed_bits);
                let (group_rows, group_bytes) = group(directory, layout.chunk.width_px);
                let whole_bytes = group_bytes.saturating_mul(u64::from(rows.div_ceil(group_rows)));
                let whole_bytes = usize::try_from(whole_bytes).unwrap_or(usize::MAX);
                let flow = open(directory, input, layout.chunk.width_px, whole_bytes);
                Plane::Flow(flow.map_err(|error| broken(&name, error))?)
            });
        }
        Ok(Self::new(file, directory, name, planes, rows))
    }

    /// Begins to decompress a chunk that is read as it is needed.
    pub(super) fn stream(
        file: &File,
        level: &StoredLevel,
        indices: &[usize],
        column: u32,
        row: u32,
    ) -> Result<Self, DecodeError> {
        let directory = &level.directory;
        let layout = &directory.layout;
        let name = layout.name(layout.index(0, column, row));
        let mut planes = Vec::with_capacity(indices.len());
        for index in indices {
            planes.push(match layout.range(*index, file.source.len()) {
                None => Plane::Sparse,
                Some(range) => {
                    let range = inside(file, range, largest_chunk(directory), &name)?;
                    let input = Input::blocks(file.source.clone(), range, directory.reversed_bits);
                    let flow = open(directory, input, layout.chunk.width_px, usize::MAX);
                    Plane::Flow(flow.map_err(|error| broken(&name, error))?)
                }
            });
        }
        Ok(Self::new(file, directory, name, planes, layout.stored_rows(row)))
    }

    fn new(file: &File, directory: &Directory, name: String, planes: Vec<Plane>, rows: u32) -> Self {
        let raw = planes.iter().map(|_| Vec::new()).collect();
        Self { name, planes, width: directory.layout.chunk.width_px, rows, passed: 0, raw, swap: file.order }
    }

    /// Writes `rows` rows of `width` pixels, from column `from.width_px` and row `from.height_px` of the chunk on, into `out` from its
    /// column `out_x` on. Rows of a stream are asked for from top to bottom.
    #[expect(clippy::too_many_arguments, reason = "a place in the chunk, a place in the raster, and what is shared")]
    pub(super) fn give(
        &mut self,
        directory: &Directory,
        from: Dimensions,
        width: u32,
        rows: u32,
        out: &mut Raster,
        out_x: u32,
        scratch: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        if self.planes.iter().any(|plane| matches!(plane, Plane::Picture(_))) {
            return self.give_picture(directory, from, width, rows, out, out_x, scratch);
        }
        let (group_rows, group_bytes) = group(directory, self.width);
        let first = from.height_px / group_rows;
        let end = (from.height_px + rows).div_ceil(group_rows);
        self.fill(first, end, group_bytes as usize, group_rows)?;
        let group_bytes = group_bytes as usize;
        let samples = usize::from(directory.chunk_samples());
        let shape = Shape { bits: directory.bits, kind: directory.kind, samples };
        let pixel = out.format().bytes_per_pixel();
        let span = out_x as usize * pixel..(out_x + width) as usize * pixel;
        if directory.interpretation.subsampling().is_some() {
            for row in 0..rows {
                let y = from.height_px + row;
                let raw = &self.raw[0][(y / group_rows - first) as usize * group_bytes..][..group_bytes];
                let row_in_group = (y % group_rows) as usize;
                let target = &mut out.row_mut(row)[span.clone()];
                directory.interpretation.convert_subsampled(raw, row_in_group, from.width_px as usize, target);
            }
            return Ok(());
        }
        for raw in &mut self.raw {
            for row in raw.chunks_exact_mut(group_bytes) {
                directory.predictor.undo(row, samples, directory.bits, self.swap);
            }
        }
        for row in 0..rows {
            let start = row as usize * group_bytes;
            let target = &mut out.row_mut(row)[span.clone()];
            let x = from.width_px as usize;
            if let [raw] = &self.raw[..] {
                let raw = &raw[start..start + group_bytes];
                directory.interpretation.convert(shape, &[raw], x, target, scratch);
            } else {
                let planes: Vec<&[u8]> = self.raw.iter().map(|raw| &raw[start..start + group_bytes]).collect();
                directory.interpretation.convert(shape, &planes, x, target, scratch);
            }
        }
        Ok(())
    }

    /// Fills `raw` with the groups of rows from `first` to before `end`.
    fn fill(&mut self, first: u32, end: u32, group_bytes: usize, group_rows: u32) -> Result<(), DecodeError> {
        let skipped = u64::from(first - self.passed.min(first)) * group_bytes as u64;
        let wanted = (end - first) as usize * group_bytes;
        for (plane, raw) in self.planes.iter_mut().zip(&mut self.raw) {
            raw.clear();
            raw.resize(wanted, 0);
            let Plane::Flow(flow) = plane else { continue };
            let broken = |error| broken(&self.name, error);
            let mut got = 0;
            let whole = skipped == 0 || flow.skip(skipped, group_bytes).map_err(broken)? == skipped;
            if whole {
                got = flow.fill(raw).map_err(broken)?;
            }
            if got < wanted {
                let last = first + (got / group_bytes) as u32;
                let row = (last * group_rows).min(self.rows);
                let row = if whole { format!("at row {row}") } else { format!("before row {}", first * group_rows) };
                return Err(corrupt(format!("{} of {} rows ends {row}", self.name, self.rows)));
            }
        }
        self.passed = end;
        Ok(())
    }

    /// As [`Chunk::give`] for a chunk that was an image.
    #[expect(clippy::too_many_arguments, reason = "a place in the chunk, a place in the raster, and what is shared")]
    fn give_picture(
        &mut self,
        directory: &Directory,
        from: Dimensions,
        width: u32,
        rows: u32,
        out: &mut Raster,
        out_x: u32,
        scratch: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let needed = Dimensions::new(from.width_px + width, from.height_px + rows);
        let mut pictures = Vec::with_capacity(self.planes.len());
        for plane in &self.planes {
            let Plane::Picture(picture) = plane else {
                return Err(corrupt(format!("{} lacks one of its planes", self.name)));
            };
            if picture.width_px() < needed.width_px || picture.height_px() < needed.height_px {
                return Err(corrupt(format!("{} is only of {} pixels", self.name, picture.size())));
            }
            pictures.push(picture);
        }
        let format = pictures[0].format();
        let bits = 8 * format.bytes_per_sample() as u8;
        let shape = Shape { bits, kind: SampleKind::Unsigned, samples: format.samples() };
        let used = directory.interpretation.used;
        let enough = if directory.planar { shape.samples == 1 } else { shape.samples >= used };
        if bits != directory.bits {
            return Err(corrupt(format!(
                "{} has {bits} bits a sample, its directory says {}",
                self.name, directory.bits
            )));
        }
        if !enough || pictures.iter().any(|picture| picture.format() != format) {
            return Err(corrupt(format!("{} has too few components", self.name)));
        }
        let pixel = out.format().bytes_per_pixel();
        let span = out_x as usize * pixel..(out_x + width) as usize * pixel;
        for row in 0..rows {
            let planes: Vec<&[u8]> = pictures.iter().map(|picture| picture.row(from.height_px + row)).collect();
            let target = &mut out.row_mut(row)[span.clone()];
            directory.interpretation.convert(shape, &planes, from.width_px as usize, target, scratch);
        }
        Ok(())
    }
}

/// What a decompressor says about a chunk.
fn broken(name: &str, error: std::io::Error) -> DecodeError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof => corrupt(format!("{name}: {error}")),
        _ => error.into(),
    }
}
