//! One tile or strip: decompressed row by row, or decoded whole where it is an image of its own.

use std::io;

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

/// Bytes that are decompressed between two looks at the control.
const PIECE_BYTES: usize = 1 << 20;
/// So many are decompressed in one go where they are all wanted.
const AT_ONCE_BYTES: usize = 16 << 20;

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
    /// Asked while it is decompressed.
    control: Control,
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
        Ok(Self::new(file, directory, name, planes, rows, control))
    }

    /// Begins to decompress a chunk that is read as it is needed.
    pub(super) fn stream(
        file: &File,
        level: &StoredLevel,
        indices: &[usize],
        column: u32,
        row: u32,
        control: &Control,
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
        Ok(Self::new(file, directory, name, planes, layout.stored_rows(row), control))
    }

    fn new(file: &File, directory: &Directory, name: String, planes: Vec<Plane>, rows: u32, control: &Control) -> Self {
        let raw = planes.iter().map(|_| Vec::new()).collect();
        let (width, control) = (directory.layout.chunk.width_px, control.clone());
        Self { name, planes, width, rows, passed: 0, raw, swap: file.order, control }
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
        let Some(between) = first.checked_sub(self.passed) else {
            return Err(DecodeError::Io(io::Error::other("rows of a chunk were asked for that it has passed")));
        };
        let skipped = u64::from(between) * group_bytes as u64;
        let wanted = (end - first) as usize * group_bytes;
        for (plane, raw) in self.planes.iter_mut().zip(&mut self.raw) {
            raw.clear();
            raw.resize(wanted, 0);
            let Plane::Flow(flow) = plane else { continue };
            let mut got = 0;
            let mut pour = Pour { flow: flow.as_mut(), group_bytes, name: &self.name, control: &self.control };
            let whole = pour.skip(skipped)?;
            if whole {
                got = pour.fill(raw)?;
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

/// Decompression of one plane, in pieces between which the control is asked.
struct Pour<'a> {
    flow: &'a mut dyn Inflow,
    group_bytes: usize,
    name: &'a str,
    control: &'a Control,
}

impl Pour<'_> {
    /// Bytes of a piece: whole groups.
    fn piece(&self) -> usize {
        (PIECE_BYTES / self.group_bytes.max(1)).max(1) * self.group_bytes.max(1)
    }

    /// Passes over bytes, whole groups; false where there are fewer.
    fn skip(&mut self, bytes: u64) -> Result<bool, DecodeError> {
        let piece = self.piece() as u64;
        let mut left = bytes;
        while left > 0 {
            self.control.check()?;
            let wanted = left.min(piece);
            let skipped = self.flow.skip(wanted, self.group_bytes).map_err(|error| broken(self.name, error))?;
            if skipped < wanted {
                return Ok(false);
            }
            left -= wanted;
        }
        Ok(true)
    }

    /// Fills `out`, whole groups; gives how many bytes there were.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, DecodeError> {
        // A chunk that is wanted whole is quicker in one go.
        let piece = if out.len() <= AT_ONCE_BYTES { out.len().max(1) } else { self.piece() };
        let mut filled = 0;
        for part in out.chunks_mut(piece) {
            self.control.check()?;
            let got = self.flow.fill(part).map_err(|error| broken(self.name, error))?;
            filled += got;
            if got < part.len() {
                break;
            }
        }
        Ok(filled)
    }
}

/// What a decompressor says about a chunk.
fn broken(name: &str, error: io::Error) -> DecodeError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof => corrupt(format!("{name}: {error}")),
        _ => error.into(),
    }
}
