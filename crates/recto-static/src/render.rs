//! The pictures of one page, each by its own plan; what several need of the original is decoded once.
//!
//! Pictures that leave as they lie are copied. The rest is sorted by the level and the reduction that it is made of. Where a
//! region costs about its area (a file in tiles), each picture reads its own. Where it costs all that lies above (a file in
//! rows), a level that fits into memory is decoded once and held; a larger one goes by in bands of one row of tiles; and one whose
//! bands are too large still is decoded once into a file without a name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use recto_codec::{ColorModel, Control, DecodeError, DecodeRequest, Decoder, ImageFacts, RandomAccess};
use recto_engine::{EngineError, Plan, RenderOptions};

use crate::StaticError;
use crate::bands::{Held, Stretch, Which};
use crate::outputs::Output;

/// Decoded rows held at a time, and once more while the next are read.
const HELD_BYTES: u64 = 48 << 20;

/// Pictures that hold more than this are made one at a time.
const LARGE_BYTES: u64 = 32 << 20;

/// Takes a finished picture: its number, and its bytes.
pub(crate) type Put<'a> = dyn Fn(usize, Vec<u8>) -> Result<(), StaticError> + Sync + 'a;

/// What is needed to make the pictures of one page.
pub(crate) struct Work<'a> {
    pub(crate) path: &'a Path,
    pub(crate) decoder: &'a dyn Decoder,
    pub(crate) source: &'a dyn RandomAccess,
    pub(crate) render: &'a RenderOptions,
    pub(crate) threads: usize,
    /// Where decoded rows may be put that are too many for the memory.
    pub(crate) spool: &'a Path,
    pub(crate) pictures: &'a [Output],
    pub(crate) put: &'a Put<'a>,
    /// Pictures that were decoded and encoded.
    pub(crate) rendered: &'a AtomicU64,
    /// Pictures that left as they lay.
    pub(crate) stored: &'a AtomicU64,
    held_bytes: u64,
}

/// A picture that has to be decoded.
#[derive(Clone, Copy, Debug)]
struct Ask {
    index: usize,
    decode: DecodeRequest,
    /// Decoded pixels, wanted or not, if it is made alone.
    pixels: u64,
    is_whole: bool,
    factor: u32,
}

/// The parts of a [`Work`] that the caller chooses.
pub(crate) struct Parts<'a> {
    pub(crate) path: &'a Path,
    pub(crate) decoder: &'a dyn Decoder,
    pub(crate) source: &'a dyn RandomAccess,
    pub(crate) render: &'a RenderOptions,
    pub(crate) threads: usize,
    pub(crate) spool: &'a Path,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        parts: &Parts<'a>,
        pictures: &'a [Output],
        put: &'a Put<'a>,
        (rendered, stored): (&'a AtomicU64, &'a AtomicU64),
    ) -> Self {
        let Parts { path, decoder, source, render, threads, spool } = *parts;
        Self { path, decoder, source, render, threads, spool, pictures, put, rendered, stored, held_bytes: HELD_BYTES }
    }

    /// Makes the pictures with these numbers.
    pub(crate) fn run(&self, wanted: &[usize]) -> Result<(), StaticError> {
        let mut direct = Vec::new();
        let mut groups: BTreeMap<Which, Vec<Ask>> = BTreeMap::new();
        for index in wanted.iter().copied() {
            match self.plan(self.decoder, index)? {
                Plan::Render(render) => {
                    let decode = render.decode();
                    let which = Which { level: decode.level, denominator: decode.denominator };
                    groups.entry(which).or_default().push(self.ask(index, decode));
                }
                _ => direct.push(index),
            }
        }
        self.all(self.decoder, &direct)?;
        groups.into_iter().try_for_each(|(which, asks)| self.group(which, &asks))
    }

    fn plan(&self, decoder: &dyn Decoder, index: usize) -> Result<Plan, StaticError> {
        let output = self.pictures.get(index).ok_or_else(|| self.broken("a picture that was counted is not there"))?;
        recto_engine::plan(decoder, &output.request, self.render).map_err(|source| self.failed(source))
    }

    fn ask(&self, index: usize, decode: DecodeRequest) -> Ask {
        let whole = self.decoder.facts().size();
        let (is_whole, factor) = self.pictures.get(index).map_or((false, 1), |output| {
            let (region, size) = (output.request.region, output.request.size);
            let factor = region.w.div_ceil(size.width_px.max(1)).max(region.h.div_ceil(size.height_px.max(1)));
            (region == whole.rect(), factor)
        });
        Ask { index, decode, pixels: self.decoder.cost(&decode).pixels, is_whole, factor }
    }

    fn group(&self, which: Which, asks: &[Ask]) -> Result<(), StaticError> {
        let size = which.size(self.decoder);
        let once = self.decoder.cost(&which.request(self.decoder, (0, size.height_px))).pixels;
        if costs_its_area(asks, once) {
            return self.all(self.decoder, &indices(asks));
        }
        let row_bytes = u64::from(size.width_px) * bytes_per_pixel(self.decoder.facts());
        if row_bytes.saturating_mul(u64::from(size.height_px)) <= self.held_bytes {
            let stretch = Stretch::read(self.decoder, which, (0, size.height_px));
            let stretch = stretch.map_err(|error| self.undecoded(error))?;
            return self.all(&Held::new(self.decoder, &stretch), &indices(asks));
        }
        // Tiles first, finest first: their bands are the smallest.
        let mut passes: BTreeMap<(bool, u32), Vec<Ask>> = BTreeMap::new();
        for ask in asks {
            passes.entry((ask.is_whole, ask.factor)).or_default().push(*ask);
        }
        let mut spool: Option<Stretch> = None;
        for asks in passes.into_values() {
            if let Some(spool) = &spool {
                self.all(&Held::new(self.decoder, spool), &indices(&asks))?;
                continue;
            }
            if costs_its_area(&asks, once) {
                self.all(self.decoder, &indices(&asks))?;
                continue;
            }
            let bands = self.bands(which, &asks);
            let highest = bands.keys().map(|(top, bottom)| u64::from(bottom - top)).max().unwrap_or(0);
            if row_bytes.saturating_mul(highest) <= self.held_bytes {
                self.streamed(which, &bands)?;
            } else {
                let stretch = Stretch::spool(self.decoder, which, self.spool);
                let stretch = spool.insert(stretch.map_err(|error| self.undecoded(error))?);
                self.all(&Held::new(self.decoder, stretch), &indices(&asks))?;
            }
        }
        Ok(())
    }

    /// The rows that pictures need, from top to bottom, each with the pictures that need just these.
    fn bands(&self, which: Which, asks: &[Ask]) -> BTreeMap<(u32, u32), Vec<usize>> {
        let mut bands: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
        for ask in asks {
            bands.entry(which.rows(self.decoder, &ask.decode)).or_default().push(ask.index);
        }
        bands
    }

    /// Decodes once from top to bottom; while the pictures of a band are made, the next is decoded.
    fn streamed(&self, which: Which, bands: &BTreeMap<(u32, u32), Vec<usize>>) -> Result<(), StaticError> {
        let rows: Vec<(u32, u32)> = bands.keys().copied().collect();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(0);
            let decoder = self.decoder;
            let stream = move || Stretch::stream(decoder, which, &rows, &sender);
            std::thread::Builder::new().spawn_scoped(scope, stream).map_err(|error| self.undecoded(error.into()))?;
            bands.values().try_for_each(|indices| {
                let stretch = receiver.recv().map_err(|_| self.broken("the rows ended before the last picture"))?;
                let stretch = stretch.map_err(|error| self.undecoded(error))?;
                self.all(&Held::new(decoder, &stretch), indices)
            })
        })
    }

    /// Makes these pictures, several at a time, the large ones alone.
    fn all(&self, decoder: &dyn Decoder, indices: &[usize]) -> Result<(), StaticError> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failure: Mutex<Option<StaticError>> = Mutex::new(None);
        let large: Mutex<Vec<usize>> = Mutex::new(Vec::new());
        let worker = || {
            while !stop.load(Ordering::Relaxed) {
                let Some(index) = indices.get(next.fetch_add(1, Ordering::Relaxed)).copied() else { break };
                let outcome = self.plan(decoder, index).and_then(|plan| {
                    if plan.estimate().bytes_held > LARGE_BYTES {
                        large.lock().unwrap_or_else(PoisonError::into_inner).push(index);
                        return Ok(());
                    }
                    self.make(&plan, decoder, index)
                });
                if let Err(error) = outcome {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        let threads = self.threads.clamp(1, indices.len().max(1));
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Where the system has none left, it is done by fewer.
                let _fewer = std::thread::Builder::new().spawn_scoped(scope, worker);
            }
            worker();
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut large = large.into_inner().unwrap_or_else(PoisonError::into_inner);
        large.sort_unstable();
        large.into_iter().try_for_each(|index| self.make(&self.plan(decoder, index)?, decoder, index))
    }

    fn make(&self, plan: &Plan, decoder: &dyn Decoder, index: usize) -> Result<(), StaticError> {
        let bytes = recto_engine::execute(plan, decoder, self.source, self.render, &Control::default())
            .map_err(|source| self.failed(source))?;
        let counter = if matches!(plan, Plan::Render(_)) { self.rendered } else { self.stored };
        counter.fetch_add(1, Ordering::Relaxed);
        (self.put)(index, bytes)
    }

    fn failed(&self, source: EngineError) -> StaticError {
        StaticError::Render { path: self.path.to_owned(), source }
    }

    fn undecoded(&self, source: DecodeError) -> StaticError {
        StaticError::Decode { path: self.path.to_owned(), source }
    }

    fn broken(&self, what: &'static str) -> StaticError {
        self.undecoded(std::io::Error::other(what).into())
    }
}

/// True when making each alone decodes hardly more than decoding everything once.
fn costs_its_area(asks: &[Ask], once: u64) -> bool {
    let alone = asks.iter().fold(0_u64, |sum, ask| sum.saturating_add(ask.pixels));
    asks.len() < 2 || alone <= once.saturating_add(once / 2)
}

fn indices(asks: &[Ask]) -> Vec<usize> {
    asks.iter().map(|ask| ask.index).collect()
}

/// Bytes of a decoded pixel, at most.
fn bytes_per_pixel(facts: &ImageFacts) -> u64 {
    let samples = match facts.color {
        ColorModel::Bitonal | ColorModel::Gray => 1,
        ColorModel::Rgb | ColorModel::Lab => 3,
        ColorModel::Cmyk => 4,
    };
    let sample = if facts.bits_per_sample > 8 { 2 } else { 1 };
    (samples + u64::from(facts.has_alpha)) * sample
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recto_codec::{MemoryAccess, OpenOptions};
    use recto_iiif::Dimensions;

    use super::*;
    use crate::TileOptions;
    use crate::outputs::Outputs;

    fn file(size: Dimensions, format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels = recto_testkit::card::rgb8(size);
        image::RgbImage::from_raw(size.width_px, size.height_px, pixels)
            .unwrap()
            .write_to(&mut std::io::Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    /// Every way of sharing rows gives the bytes that a request alone gives.
    #[test]
    fn shared_rows_give_the_bytes_of_single_requests() {
        let folder = tempfile::tempdir().unwrap();
        for format in [image::ImageFormat::Jpeg, image::ImageFormat::Png] {
            let bytes = file(Dimensions::new(1900, 1301), format);
            let source: Arc<dyn RandomAccess> = Arc::new(MemoryAccess::new(bytes));
            let decoder = recto_codec::open(Arc::clone(&source), &OpenOptions::default()).unwrap();
            let options = TileOptions { tile_px: Some(128), ..TileOptions::default() };
            let path = Path::new("x");
            let outputs = Outputs::of(decoder.facts(), "i", &options, path).unwrap();
            let alone: Vec<Vec<u8>> = outputs
                .pictures
                .iter()
                .map(|output| {
                    let plan = recto_engine::plan(&*decoder, &output.request, &options.render).unwrap();
                    recto_engine::execute(&plan, &*decoder, &*source, &options.render, &Control::default()).unwrap()
                })
                .collect();
            // Everything held; bands; bands for the finest and a file for the rest; a file for everything.
            for held_bytes in [HELD_BYTES, 1_000_000, 800_000, 1] {
                let made: Mutex<BTreeMap<usize, Vec<u8>>> = Mutex::default();
                let put = |index: usize, bytes: Vec<u8>| {
                    assert!(made.lock().unwrap().insert(index, bytes).is_none(), "made twice");
                    Ok(())
                };
                let parts = Parts {
                    path,
                    decoder: &*decoder,
                    source: &*source,
                    render: &options.render,
                    threads: 3,
                    spool: folder.path(),
                };
                let (rendered, stored) = (AtomicU64::new(0), AtomicU64::new(0));
                let work = Work { held_bytes, ..Work::new(&parts, &outputs.pictures, &put, (&rendered, &stored)) };
                work.run(&(0..outputs.pictures.len()).collect::<Vec<_>>()).unwrap();
                let made = made.into_inner().unwrap();
                assert_eq!(made.len(), alone.len());
                for (index, output) in outputs.pictures.iter().enumerate() {
                    assert!(made[&index] == alone[index], "{format:?} {held_bytes} {:?}", output.paths);
                }
            }
        }
    }
}
