//! D13: JPEG 2000 originals of all orientations are shown upright in every tile, and nothing that leaves says how they were turned.
//! (The other formats are in `pixels`.)

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, imageops};
use recto_iiif::Dimensions;
use recto_iiif::image::ApiVersion;
use recto_testkit::viewers::{Announced, leaflet};

use crate::pixels::{ROTATIONS, exif, png, turned_by_hand};
use crate::support::{Library, Session};

const STORED: Dimensions = Dimensions::new(150, 90);

/// Words that only what tells an orientation has in a file.
const TRACES: [&[u8]; 6] = [b"Exif\0\0", b"eXIf", b"EXIF", b"JpgTiffExif", b"tiff:Orientation", b"MM\0\x2a\0\0\0\x08"];

/// A box with the orientation before the coded picture.
fn jp2_oriented(jp2: &[u8], orientation: u8) -> Vec<u8> {
    let at = jp2.windows(4).position(|name| name == b"jp2c").unwrap() - 4;
    let block = exif(orientation);
    let length = (block.len() as u32 + 24).to_be_bytes();
    [&jp2[..at], &length[..], b"uuidJpgTiffExif->JP2", &block[..], &jp2[at..]].concat()
}

#[test]
fn d13_jpeg_2000_of_all_orientations_is_upright_in_every_tile_and_leaves_no_trace() {
    let library = Library::new();
    let rgb = recto_testkit::edges::rgb8(STORED);
    let stored = DynamicImage::from(RgbImage::from_raw(STORED.width_px, STORED.height_px, rgb).unwrap());
    library.put("stored.png", &png(&stored));
    let server = library.serve(&["--set", "image.jp2_quality=100", "--set", "image.tile_size=64"]);
    let jp2 = server.get("/iiif/3/stored.png/full/max/0/default.jp2");
    assert_eq!(jp2.status, 200, "{}", jp2.text());
    for orientation in 1..=8 {
        library.put(&format!("{orientation}.jp2"), &jp2_oriented(&jp2.body, orientation));
    }
    let mut session = Session::open(&server);
    for orientation in 1..=8 {
        let file = format!("{orientation}.jp2");
        let mut upright = stored.clone();
        upright.apply_orientation(Orientation::from_exif(orientation).unwrap());
        for version in [2, 3] {
            let info = session.get(&format!("/iiif/{version}/{file}/info.json")).json();
            let announced = (info["width"].as_u64(), info["height"].as_u64());
            assert_eq!(announced, (Some(upright.width().into()), Some(upright.height().into())), "{file}");
        }
        for rotation in ROTATIONS {
            let answer = session.get(&format!("/iiif/3/{file}/full/max/{rotation}/default.png"));
            let turned = turned_by_hand(&upright, rotation);
            assert!(answer.image().to_rgb8() == turned.to_rgb8(), "{file} turned by {rotation}");
        }
        let info = Announced::read(&session.get(&format!("/iiif/3/{file}/info.json")).json());
        let mut count = 0;
        for tile in leaflet(&info, ApiVersion::V3) {
            let url = format!("/iiif/3/{file}/{}/{}/0/default.png", tile.region, tile.size);
            let part = session.get(&url).image().to_rgb8();
            let numbers: Vec<u32> = tile.region.split(',').map(|number| number.parse().unwrap()).collect();
            let [x, y, w, h] = numbers[..] else { panic!("{url}") };
            if (w, h) == part.dimensions() {
                let here = imageops::crop_imm(&upright.to_rgb8(), x, y, w, h).to_image();
                assert!(part == here, "{url}");
                count += 1;
            } else {
                assert_eq!((u64::from(part.width()), u64::from(part.height())), (tile.width, tile.height), "{url}");
            }
        }
        assert_eq!(count, 6, "{file} has six tiles at full size");
        for format in ["jpg", "png", "webp", "tif", "gif", "avif", "jxl", "jp2", "pdf"] {
            for region in ["full", "0,0,64,64"] {
                let answer = session.get(&format!("/iiif/3/{file}/{region}/max/0/default.{format}"));
                assert_eq!(answer.status, 200, "{file} as {format}: {}", answer.text());
                let trace = TRACES.iter().find(|trace| answer.body.windows(trace.len()).any(|part| part == **trace));
                assert!(trace.is_none(), "{file} as {format}: {:?}", trace.map(|trace| String::from_utf8_lossy(trace)));
            }
        }
    }
    server.assert_clean_log();
}
