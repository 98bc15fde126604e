//! What the writer puts around a codestream, and when it lets go of what it holds.

use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recto_codec::{
    EncodeError, EncodeHeader, Jp2Error, Jp2Options, Jp2Writer, Metadata, Orientation, PixelFormat, Raster,
};
use recto_iiif::Dimensions;
use recto_testkit::Rng;
use recto_testkit::position::Samples;

use crate::{open_bytes, read_all};

fn header(size: Dimensions) -> EncodeHeader {
    EncodeHeader { size, pixels: PixelFormat::Rgb8, bitonal: false, icc: None, dpi: None }
}

fn written(size: Dimensions, orientation: Orientation, metadata: &Metadata) -> Vec<u8> {
    let options = Jp2Options { quality: 100, ..Jp2Options::default() };
    let place = Cursor::new(Vec::new());
    let mut writer = Jp2Writer::new(place, &header(size), orientation, metadata, &options).unwrap();
    writer.write(&Raster::from_vec(size, PixelFormat::Rgb8, Samples::Rgb8.image(size))).unwrap();
    writer.finish().unwrap().into_inner()
}

/// An EXIF block in big-endian order: a maker, an orientation if any, and a pointer to nothing.
fn exif(orientation: Option<u8>) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0".to_vec();
    block.push(1 + u8::from(orientation.is_some()));
    block.extend(b"\x01\x0f\0\x02\0\0\0\x04abc\0");
    if let Some(orientation) = orientation {
        block.extend(b"\x01\x12\0\x03\0\0\0\x01\0");
        block.extend([orientation, 0, 0]);
    }
    block.extend([0; 4]);
    block
}

#[test]
fn orientation_and_metadata_are_read_again() {
    let size = Dimensions::new(40, 30);
    let xmp: Arc<[u8]> = Arc::from(&b"<x:xmpmeta/>"[..]);
    let iptc: Arc<[u8]> = Arc::from(&b"\x1c\x02\x05\0\x01x"[..]);
    for orientation in Orientation::ALL {
        for block in [None, Some(exif(None)), Some(exif(Some(1))), Some(exif(Some(8)))] {
            let given = Metadata {
                exif: block.clone().map(Arc::from),
                xmp: Some(Arc::clone(&xmp)),
                iptc: Some(Arc::clone(&iptc)),
            };
            let file = written(size, orientation, &given);
            let decoder = open_bytes(&file).unwrap();
            let name = format!("{orientation:?} {block:?}");
            assert_eq!(decoder.facts().orientation, orientation, "{name}");
            assert_eq!(decoder.facts().size(), orientation.shown(size), "{name}");
            assert!(read_all(decoder.as_ref(), 0).unwrap().data() == Samples::Rgb8.image(size), "{name}");
            let found = decoder.metadata().unwrap();
            assert_eq!((&found.xmp, &found.iptc), (&given.xmp, &given.iptc), "{name}");
            assert_eq!(found.exif.is_some(), block.is_some() || orientation != Orientation::Normal, "{name}");
            let is_kept = found.exif.is_some_and(|exif| exif.windows(4).any(|window| window == b"abc\0"));
            assert_eq!(is_kept, block.is_some(), "{name}");
        }
    }
    let plain = written(size, Orientation::Normal, &Metadata::default());
    assert!(!plain.windows(4).any(|name| name == b"uuid"), "nothing is said where there is nothing to say");
    assert_eq!(open_bytes(&plain).unwrap().metadata().unwrap(), Metadata::default());
}

#[test]
fn metadata_is_in_the_boxes_that_other_programs_look_into() {
    let given = Metadata {
        exif: Some(exif(Some(6)).into()),
        xmp: Some(Arc::from(&b"<x/>"[..])),
        iptc: Some(Arc::from(&b"\x1c\x02"[..])),
    };
    let file = written(Dimensions::new(9, 7), Orientation::Rotate90, &given);
    let boxed = |uuid: &[u8], content: &[u8]| {
        let length = (content.len() as u32 + 24).to_be_bytes();
        [&length[..], b"uuid", uuid, content].concat()
    };
    let xmp = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
    let iptc = b"\x33\xc7\xa4\xd2\xb8\x1d\x47\x23\xa0\xba\xf1\xa3\xe0\x97\xad\x38";
    let expected = [boxed(b"JpgTiffExif->JP2", &exif(Some(6))), boxed(xmp, b"<x/>"), boxed(iptc, b"\x1c\x02")].concat();
    let place = |wanted: &[u8]| file.windows(wanted.len()).position(|window| window == wanted);
    let (header, boxes, codestream) = (place(b"jp2h").unwrap(), place(&expected).unwrap(), place(b"jp2c").unwrap());
    assert!(header < boxes && boxes < codestream);
}

/// A place that counts, and is full at some time.
struct Place {
    file: Cursor<Vec<u8>>,
    bytes: Arc<AtomicU64>,
    room: u64,
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        let length = self.file.get_ref().len() as u64;
        self.bytes.store(length, Ordering::Relaxed);
        if length > self.room { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

const TILED: Dimensions = Dimensions::new(256, 512);

/// Noise, of which every tile takes as much.
fn noise() -> Vec<u8> {
    let mut rng = Rng::new(11);
    (0..TILED.area_px() * 3).map(|_| rng.next_u64() as u8).collect()
}

/// Writes four rows of tiles and gives what was written after each.
fn in_tiles(high_throughput: bool, room: u64) -> Result<(Vec<u64>, Vec<u8>), Jp2Error> {
    let bytes = Arc::new(AtomicU64::new(0));
    let place = Place { file: Cursor::new(Vec::new()), bytes: Arc::clone(&bytes), room };
    let options = Jp2Options { quality: 100, tile_px: Some(128), high_throughput, ..Jp2Options::default() };
    let mut writer = Jp2Writer::new(place, &header(TILED), Orientation::Normal, &Metadata::default(), &options)?;
    assert_eq!(writer.tiles(), 8);
    let mut after = Vec::new();
    for rows in noise().chunks(TILED.width_px as usize * 3 * 128) {
        writer.write(&Raster::from_vec(Dimensions::new(TILED.width_px, 128), PixelFormat::Rgb8, rows.to_vec()))?;
        after.push(bytes.load(Ordering::Relaxed));
    }
    Ok((after, writer.finish()?.file.into_inner()))
}

#[test]
fn tiles_are_written_as_soon_as_they_are_coded() {
    for high_throughput in [false, true] {
        let (after, file) = in_tiles(high_throughput, u64::MAX).unwrap();
        let decoder = open_bytes(&file).unwrap();
        assert!(read_all(decoder.as_ref(), 0).unwrap().data() == noise(), "it is whole");
        for (rows, written) in (1..).zip(&after) {
            let share = file.len() as u64 / 4 * rows;
            // The library keeps back 64 KiB.
            assert!(written + (72 << 10) >= share, "{written} of {} behind {rows} rows of tiles", file.len());
        }
        assert!(file.len() > 320 << 10, "{} bytes do not show it", file.len());
    }
}

#[test]
fn a_place_that_is_full_says_so() {
    for high_throughput in [false, true] {
        for room in [0, 100, 1000, 100_000] {
            match in_tiles(high_throughput, room) {
                Err(Jp2Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}"),
                other => panic!("{room}: {other:?}"),
            }
        }
    }
}

#[test]
fn tiles_that_the_format_does_not_have_are_refused_before_anything_is_written() {
    let large = Dimensions::new(64_000, 64_000);
    for (size, tile_px, expected) in [
        (TILED, 100, "must be a power of two of at least 64"),
        (TILED, 32, "must be a power of two of at least 64"),
        (large, 64, "it would have 1000000 tiles of 64 pixels, 10921 are possible; choose larger ones"),
    ] {
        let options = Jp2Options { tile_px: Some(tile_px), ..Jp2Options::default() };
        let mut place = Cursor::new(Vec::<u8>::new());
        let writer = Jp2Writer::new(&mut place, &header(size), Orientation::Normal, &Metadata::default(), &options);
        match writer.map(|_| ()) {
            Err(Jp2Error::Encode(EncodeError::Failed { what, .. })) => assert!(what.contains(expected), "{what}"),
            other => panic!("{size} in {tile_px}: {other:?}"),
        }
        assert!(place.get_ref().is_empty());
    }
}
