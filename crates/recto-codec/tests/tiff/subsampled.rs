//! Chroma that is shared by several pixels: the same picture wherever a region begins, and however it is cut into strips.

use recto_codec::DecodeError;
use recto_iiif::{Dimensions, Rect};

use crate::builder::{Builder, Entry, LONG, SHORT, compress};
use crate::{open_bytes, read};

fn luma(x: u32, y: u32) -> u8 {
    32 + ((x * 7 + y * 13) % 200) as u8
}

/// No blue to add, or as much as there can be.
fn chroma(unit: u32, group: u32) -> u8 {
    if (unit + group).is_multiple_of(3) { 255 } else { 128 }
}

/// How a picture is stored: columns and rows of a chroma sample, and rows of a strip.
#[derive(Clone, Copy, Debug)]
struct Form {
    across: u32,
    down: u32,
    strip: u32,
}

impl Form {
    /// Red and blue of a pixel. Groups of rows begin anew in each strip.
    fn shown(self, x: u32, y: u32) -> (u8, u8) {
        let luma = luma(x, y);
        let is_blue = chroma(x / self.across, y % self.strip / self.down) == 255;
        (luma, if is_blue { 255 } else { luma })
    }

    fn strips(self, size: Dimensions) -> Vec<Vec<u8>> {
        let strip = |top: u32| {
            let rows = self.strip.min(size.height_px - top);
            let mut bytes = Vec::new();
            for group in 0..rows.div_ceil(self.down) {
                for unit in 0..size.width_px.div_ceil(self.across) {
                    for y in 0..self.down {
                        bytes.extend(
                            (0..self.across).map(|x| luma(unit * self.across + x, top + group * self.down + y)),
                        );
                    }
                    bytes.extend([chroma(unit, group), 128]);
                }
            }
            bytes
        };
        (0..size.height_px).step_by(self.strip as usize).map(strip).collect()
    }

    fn file(self, size: Dimensions, compression: u64, extra: Vec<Entry>) -> Vec<u8> {
        let mut builder = Builder::new(false, false);
        let strips: Vec<_> = self.strips(size).iter().map(|strip| compress(compression, strip)).collect();
        let (offsets, counts) = builder.chunks(&strips);
        let mut entries: Vec<Entry> = vec![
            (256, LONG, vec![size.width_px.into()]),
            (257, LONG, vec![size.height_px.into()]),
            (258, SHORT, vec![8, 8, 8]),
            (259, SHORT, vec![compression]),
            (262, SHORT, vec![6]),
            (273, LONG, offsets),
            (277, SHORT, vec![3]),
            (278, LONG, vec![self.strip.into()]),
            (279, LONG, counts),
            (530, SHORT, vec![self.across.into(), self.down.into()]),
        ];
        entries.extend(extra);
        builder.directory(&entries);
        builder.bytes
    }
}

#[test]
fn regions_of_subsampled_strips_are_right_wherever_they_begin_and_end() {
    // Wide enough for a region to be given in several pieces.
    let size = Dimensions::new(998, 379);
    let regions = [
        size.rect(),
        Rect::new(0, 1, 998, 378),
        Rect::new(0, 3, 998, 360),
        Rect::new(1, 2, 990, 351),
        Rect::new(3, 175, 995, 203),
        Rect::new(600, 90, 300, 257),
        Rect::new(7, 5, 21, 374),
    ];
    for (across, down) in [(2, 2), (4, 4), (1, 2)] {
        for strip in [379, 87] {
            let form = Form { across, down, strip };
            for compression in [1, 5] {
                let file = form.file(size, compression, Vec::new());
                let decoder = open_bytes(&file).unwrap();
                for region in regions {
                    let raster = read(decoder.as_ref(), 0, region, 1)
                        .unwrap_or_else(|error| panic!("{form:?} {compression} {region}: {error}"));
                    for (at, [red, _, blue]) in raster.data().as_chunks::<3>().0.iter().enumerate() {
                        let (x, y) = (region.x + at as u32 % region.w, region.y + at as u32 / region.w);
                        assert!(
                            (*red, *blue) == form.shown(x, y),
                            "{form:?} {compression} {region}: {red} and {blue} at {x},{y}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn prediction_of_subsampled_chroma_is_refused_as_readers_differ_about_it() {
    let size = Dimensions::new(24, 16);
    for (across, down, is_read) in [(2, 2, false), (2, 1, false), (4, 4, false), (1, 1, true)] {
        let file = Form { across, down, strip: 16 }.file(size, 5, vec![(317, SHORT, vec![2])]);
        let error = open_bytes(&file).err();
        assert_eq!(error.is_none(), is_read, "{across} {down}: {error:?}");
        if let Some(error) = error {
            assert!(matches!(error, DecodeError::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains("prediction of subsampled YCbCr"), "{error}");
        }
    }
}
