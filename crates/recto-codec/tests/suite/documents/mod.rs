//! Page descriptions: what real pages look like elsewhere, what is shared between pages, and what hostile ones cannot do.

mod drawings;
mod far;
mod hostile;
mod pages;
mod real;

use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{Control, DecodeError, DecodeRequest, Decoder, MemoryAccess, OpenOptions, Raster, open, read_raster};

/// However a page is made, it is answered within this.
const PATIENCE: Duration = Duration::from_secs(20);

fn open_bytes(bytes: &[u8], options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(bytes)), options)
}

fn read_level(decoder: &dyn Decoder, level: usize) -> Result<Raster, DecodeError> {
    let region = decoder.facts().levels[level].size.rect();
    let control = Control::until(Instant::now() + PATIENCE);
    read_raster(decoder, &DecodeRequest { level, region, denominator: 1 }, &control).map(|(raster, _)| raster)
}
