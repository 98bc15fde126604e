//! Image files: what they hold, regions of them as pixels, their tiles as they are stored, and encoders.
//!
//! [`open`] looks at content, never at a name, and gives a [`Decoder`]. A decoder is immutable and shared: the server keeps
//! it open between requests, so parsed directories and tables are paid for once. Nothing here knows the network or async.

mod access;
mod control;
mod decoder;
mod encoder;
mod error;
mod facts;
mod file;
pub mod formats;
mod memo;
mod raster;
mod scratch;
mod waiting;

pub use access::{ByteRange, MemoryAccess, RandomAccess};
pub use control::Control;
pub use decoder::{Cost, CutRequest, DecodeRequest, DecodedGeometry, Decoder, RowSource, StoredTile, read_raster};
pub use encoder::{EncodeHeader, EncodeOptions, Encoder, Subsampling, TiffCompression, can_write, encoder};
pub use error::{DecodeError, EncodeError};
pub use facts::{ColorModel, ImageFacts, Level, Metadata, Orientation, SourceFormat, TileGrid};
pub use file::OpenFile;
pub use formats::tiff_pyramid::{
    BigTiff, PyramidCompression, PyramidError, PyramidOptions, PyramidPage, PyramidReport, PyramidWriter, TileMaker,
};
pub use formats::{CONTAINED, contain_with, run_contained};
pub use formats::{
    Jp2Error, Jp2Options, Jp2Writer, OpenOptions, is_read_in_parts, jp2_encoder, open, open_jpeg_to_cut,
};
pub use memo::{Memo, MemoKey, Shelf, WHOLE_FILE};
pub use raster::{PixelFormat, Raster};
pub use scratch::ScratchShelf;
pub use waiting::{Waits, tell_of_waiting, while_waiting};
