//! Real pages, where they are present, against what another renderer draws.

use std::fs;

use recto_codec::{Control, DecodeError, DecodeRequest, OpenOptions, Raster, SourceFormat, read_raster};
use recto_iiif::Dimensions;
use recto_testkit::data_dir;

use super::{open_bytes, read_level};

/// Average red, green and blue of the quarters: top left, top right, bottom left, bottom right.
fn quarters(raster: &Raster) -> Quarters {
    let (w, h) = (raster.width_px() / 2, raster.height_px() / 2);
    [(0, 0), (w, 0), (0, h), (w, h)].map(|(x, y)| {
        let mut sums = [0_u64; 3];
        for row in y..y + h {
            for pixel in &raster.row(row).as_chunks::<3>().0[x as usize..(x + w) as usize] {
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u64::from(*value));
            }
        }
        sums.map(|sum| sum as f64 / (f64::from(w) * f64::from(h)))
    })
}

/// Average red, green and blue of the quarters of a page.
type Quarters = [[f64; 3]; 4];

/// A file, one of its pages, how many there are, size at 300 dots per inch, and the averages of the quarters.
type Page = (&'static str, u32, u32, (u32, u32), Quarters);

/// What another renderer (poppler) draws.
const PAGES: [Page; 9] = [
    (
        "images/libvips/ISO_12233-reschart.pdf",
        1,
        1,
        (4724, 2835),
        [[171.1, 169.8, 170.2], [169.9, 168.6, 168.9], [165.0, 163.7, 164.0], [166.2, 164.9, 165.2]],
    ),
    (
        "pdf-and-hocr/ccitt.pdf",
        1,
        1,
        (2550, 3300),
        [[231.0, 231.0, 231.0], [238.5, 238.5, 238.5], [234.8, 234.8, 234.8], [237.3, 237.3, 237.3]],
    ),
    (
        "pdf-and-hocr/graph_ocred.pdf",
        1,
        1,
        (2994, 1250),
        [[243.9, 242.5, 243.1], [247.6, 246.1, 244.2], [240.0, 241.3, 240.4], [245.1, 246.6, 247.2]],
    ),
    (
        "pdf-and-hocr/jbig2.pdf",
        1,
        1,
        (2550, 3300),
        [[231.1, 231.1, 231.1], [238.5, 238.5, 238.5], [235.0, 235.0, 235.0], [237.4, 237.4, 237.4]],
    ),
    (
        "pdf-and-hocr/linn.pdf",
        1,
        1,
        (2550, 3300),
        [[231.0, 231.0, 231.0], [238.5, 238.5, 238.5], [234.8, 234.8, 234.8], [237.3, 237.3, 237.3]],
    ),
    (
        "images/libvips/page-box.pdf",
        1,
        1,
        (2953, 3980),
        [[198.6, 196.1, 53.6], [198.5, 196.1, 53.7], [197.5, 195.0, 53.3], [197.6, 195.0, 53.4]],
    ),
    (
        "images/cantaloupe/pdf.pdf",
        1,
        1,
        (417, 367),
        [[145.2, 131.4, 97.1], [148.0, 129.3, 100.6], [131.8, 113.9, 90.2], [154.1, 135.2, 103.1]],
    ),
    (
        "images/cantaloupe/pdf-multipage.pdf",
        1,
        2,
        (417, 367),
        [[145.2, 131.4, 97.1], [148.0, 129.3, 100.6], [131.8, 113.9, 90.2], [154.1, 135.2, 103.1]],
    ),
    (
        "images/cantaloupe/pdf-multipage.pdf",
        2,
        2,
        (367, 417),
        [[131.6, 113.7, 90.1], [145.4, 131.5, 97.2], [154.3, 135.5, 103.3], [148.0, 129.3, 100.5]],
    ),
];

#[test]
fn real_pages_look_as_they_do_elsewhere_on_every_level() {
    let Some(data) = data_dir() else { return };
    for (name, page, pages, (width_px, height_px), want) in PAGES {
        let bytes = fs::read(data.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let options = OpenOptions { page, ..OpenOptions::default() };
        let decoder = open_bytes(&bytes, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoder.facts().source_format, SourceFormat::Pdf, "{name}");
        assert_eq!(decoder.facts().pages, pages, "{name}");
        assert_eq!(decoder.facts().stored_size(), Dimensions::new(width_px, height_px), "{name} page {page}");
        // Fine lines are lighter or darker on the smallest levels, whoever draws them.
        let levels = decoder
            .facts()
            .levels
            .iter()
            .filter(|level| level.size.width_px > 700 || level.size == decoder.facts().stored_size());
        for level in 0..levels.count() {
            let got = quarters(&read_level(decoder.as_ref(), level).unwrap_or_else(|error| panic!("{name}: {error}")));
            // The middle falls between pixels.
            let most = if level == 0 { 2.0 } else { 10.0 };
            let apart = got.iter().flatten().zip(want.iter().flatten()).map(|(got, want)| (got - want).abs());
            let worst = apart.fold(0.0, f64::max);
            assert!(worst <= most, "{name} page {page} level {level}: {got:.1?} instead of {want:?}");
        }
        let beyond = open_bytes(&bytes, &OpenOptions { page: pages + 1, ..OpenOptions::default() });
        assert!(matches!(beyond, Err(DecodeError::NoSuchPage { .. })), "{name}");
    }
}

#[test]
fn a_region_of_a_real_page_is_a_part_of_the_whole() {
    let Some(data) = data_dir() else { return };
    let bytes = fs::read(data.join("pdf-and-hocr/graph_ocred.pdf")).unwrap();
    let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap();
    let level = 1;
    let whole = read_level(decoder.as_ref(), level).unwrap();
    for region in recto_testkit::Rng::new(3).rects_in(whole.size(), 12) {
        let wanted = DecodeRequest { level, region, denominator: 1 };
        let (part, _) = read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap();
        // An edge that falls exactly between two pixels may be rounded to either, seen from another corner.
        let lines = (region.y..region.y + region.h)
            .flat_map(|y| whole.row(y)[region.x as usize * 3..(region.x + region.w) as usize * 3].to_vec());
        let apart = part.data().iter().zip(lines).filter(|(got, want)| got.abs_diff(*want) > 12).count();
        let most = part.data().len() / 200;
        assert!(apart <= most, "region {region}: {apart} of {} samples differ", part.data().len());
    }
}
