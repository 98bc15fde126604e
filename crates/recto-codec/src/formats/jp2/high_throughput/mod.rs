//! High-throughput codestreams (HTJ2K). ISO/IEC 15444-15. Here they are written; of reading, only their blocks are ([`decode`]), all else
//! is as in other codestreams.
//!
//! Tiles are coded by several threads, a row of them at a time, while the pixels of the next row come in. Held are two rows of tiles as
//! pixels, one as codes, and for each thread a tile as coefficients.
//!
//! ```text
//! pixels -> planes -> coefficients -> blocks -> packets -> tile-part
//!       tile     forward          tile     block   packets   header
//! ```

mod block;
mod codes;
pub(super) mod decode;
mod forward;
mod header;
mod packets;
#[cfg(test)]
mod tests;
mod tile;
mod truncation;

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{Builder, JoinHandle};

use recto_iiif::Dimensions;

use super::codestream::MainHeader;
use super::compress::{Coding, Failure};
use crate::PixelFormat;
use tile::{Packets, Pixels};

/// Most bytes of coefficients that threads hold together, as long as there is more than one.
const HELD_BYTES: u64 = 512 << 20;
/// Most tiles that the format has.
pub(super) const MAX_TILES: u64 = 65_535;

/// What all tiles have in common.
struct Plan {
    header: MainHeader,
    format: PixelFormat,
    threads: u32,
}

/// A codestream that is being written.
pub(super) struct Compressor<W> {
    place: W,
    /// Where the codestream begins in it.
    start: u64,
    /// Where the next bytes go, from there.
    position: u64,
    /// Where the lengths of the tile-parts are listed.
    lengths_at: u64,
    lengths: Vec<u32>,
    plan: Arc<Plan>,
    next_row: u32,
    running: Running,
}

/// The row of tiles that is being coded.
#[derive(Default)]
struct Running(Option<JoinHandle<Option<Vec<Packets>>>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // Nobody waits for what it made.
            let _ended = thread.join();
        }
    }
}

impl<W: Write + Seek> Compressor<W> {
    /// Begins a codestream where `place` stands.
    pub(super) fn new(coding: &Coding, format: PixelFormat, threads: usize, mut place: W) -> Result<Self, Failure> {
        let header = header::main_header(coding);
        let start = place.stream_position().map_err(Failure::Place)?;
        let (columns, rows) = header.size.tiles();
        let tiles = columns as usize * rows as usize;
        let mut written = header::written(&header);
        let lengths_at = written.len() as u64;
        written.extend(header::lengths(&vec![0; tiles]));
        place.write_all(&written).map_err(Failure::Place)?;
        let of_tile = header.size.tile_area(0, 0).area_px() * 4 * header.size.components.len() as u64;
        let threads = (threads.max(1) as u64).min(HELD_BYTES / of_tile.max(1)).max(1) as u32;
        Ok(Self {
            place,
            start,
            position: written.len() as u64,
            lengths_at,
            lengths: Vec::with_capacity(tiles),
            plan: Arc::new(Plan { header, format, threads }),
            next_row: 0,
            running: Running::default(),
        })
    }

    /// Columns and rows of tiles.
    pub(super) fn tiles(&self) -> (u32, u32) {
        self.plan.header.size.tiles()
    }

    /// Size of the tile that is next: the first one of the next row.
    pub(super) fn next_size(&self) -> Dimensions {
        let area = self.plan.header.size.tile_area(0, self.next_row);
        Dimensions::new(area.width(), area.height())
    }

    /// Takes the pixels of the next row of tiles, whose codes are written when the row behind it is taken.
    pub(super) fn row(&mut self, pixels: Vec<u8>) -> Result<(), Failure> {
        let (plan, pixels, row) = (Arc::clone(&self.plan), Arc::new(pixels), self.next_row);
        self.next_row += 1;
        self.settle()?;
        if plan.threads > 1 {
            let (plan, pixels) = (Arc::clone(&plan), Arc::clone(&pixels));
            if let Ok(thread) = Builder::new().name("tiles".to_owned()).spawn(move || plan.row(&pixels, row)) {
                self.running = Running(Some(thread));
                return Ok(());
            }
            // Without another thread it takes longer, and nothing else.
        }
        let coded = plan.row(&pixels, row);
        self.write(coded)
    }

    /// Waits for the row that is being coded.
    fn settle(&mut self) -> Result<(), Failure> {
        match self.running.0.take() {
            Some(thread) => self.write(thread.join().ok().flatten()),
            None => Ok(()),
        }
    }

    fn write(&mut self, coded: Option<Vec<Packets>>) -> Result<(), Failure> {
        let coded =
            coded.ok_or_else(|| Failure::Encoder("a tile could not be made: the encoder panicked".to_owned()))?;
        for packets in coded {
            let too_long = || Failure::Encoder("a tile is too large".to_owned());
            let number = u16::try_from(self.lengths.len()).map_err(|_| too_long())?;
            let head = header::tile_part(number, &packets.lengths).ok_or_else(too_long)?;
            self.place.write_all(&head).and_then(|()| self.place.write_all(&packets.bytes)).map_err(Failure::Place)?;
            let length = (head.len() + packets.bytes.len()) as u64;
            self.position += length;
            self.lengths.push(u32::try_from(length).map_err(|_| too_long())?);
        }
        Ok(())
    }

    /// Ends the codestream; gives back the place, which stands behind it, and its length.
    pub(super) fn finish(mut self) -> Result<(W, u64), Failure> {
        self.settle()?;
        let end = self.start + self.position + 2;
        let lengths = header::lengths(&self.lengths);
        let mut finish = || {
            self.place.write_all(&header::EOC.to_be_bytes())?;
            self.place.seek(SeekFrom::Start(self.start + self.lengths_at))?;
            self.place.write_all(&lengths)?;
            self.place.seek(SeekFrom::Start(end))
        };
        finish().map_err(Failure::Place)?;
        Ok((self.place, end - self.start))
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.position
    }
}

impl Plan {
    /// Codes a row of tiles; `None` when a thread panicked.
    fn row(&self, pixels: &[u8], row: u32) -> Option<Vec<Packets>> {
        let size = &self.header.size;
        let (columns, _) = size.tiles();
        let stride = size.image.width() as usize * self.format.bytes_per_pixel();
        let pixels = Pixels { bytes: pixels, format: self.format, stride };
        let next = AtomicU32::new(0);
        let work = || {
            let mut made = Vec::new();
            loop {
                let column = next.fetch_add(1, Ordering::Relaxed);
                if column >= columns {
                    return made;
                }
                made.push((column, tile::encode(&self.header, size.tile_area(column, row), pixels)));
            }
        };
        let mut all = std::thread::scope(|scope| {
            let helpers: Vec<_> = (1..self.threads.min(columns))
                .filter_map(|number| Builder::new().name(format!("tiles-{number}")).spawn_scoped(scope, work).ok())
                .collect();
            let (mut all, mut is_whole) = (work(), true);
            for helper in helpers {
                match helper.join() {
                    Ok(made) => all.extend(made),
                    Err(_) => is_whole = false,
                }
            }
            is_whole.then_some(all)
        })?;
        all.sort_unstable_by_key(|(column, _)| *column);
        Some(all.into_iter().map(|(_, packets)| packets).collect())
    }
}
