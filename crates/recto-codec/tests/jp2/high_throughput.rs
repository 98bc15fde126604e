//! High-throughput blocks, written by another encoder.

use openjph_core::codestream::Codestream;
use openjph_core::file::MemOutfile;
use openjph_core::types::{Point, Size};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::position::Samples;

use crate::{open_bytes, read, read_all};

const SIZE: Dimensions = Dimensions::new(203, 157);

fn encode(data: &[u8], components: usize) -> Vec<u8> {
    let mut stream = Codestream::new();
    stream.access_siz_mut().set_image_extent(Point::new(SIZE.width_px, SIZE.height_px));
    stream.access_siz_mut().set_num_components(components as u32);
    for component in 0..components {
        stream.access_siz_mut().set_comp_info(component as u32, Point::new(1, 1), 8, false);
    }
    stream.access_siz_mut().set_tile_size(Size::new(SIZE.width_px, SIZE.height_px));
    stream.access_cod_mut().set_num_decomposition(4);
    stream.access_cod_mut().set_reversible(true);
    stream.access_cod_mut().set_color_transform(false);
    stream.set_planar(0);
    let mut file = MemOutfile::new();
    stream.write_headers(&mut file, &[]).unwrap();
    for row in data.chunks_exact(SIZE.width_px as usize * components) {
        for component in 0..components {
            let line: Vec<i32> = row.iter().skip(component).step_by(components).map(|v| i32::from(*v)).collect();
            stream.exchange(&line, component as u32).unwrap();
        }
    }
    stream.flush(&mut file).unwrap();
    file.get_data().to_vec()
}

#[test]
fn high_throughput_codestreams_give_every_sample() {
    for (samples, components) in [(Samples::Gray8, 1), (Samples::Rgb8, 3)] {
        let data = samples.image(SIZE);
        let decoder = open_bytes(&encode(&data, components)).unwrap();
        assert!(decoder.facts().compression.starts_with("HTJ2K"), "{}", decoder.facts().compression);
        assert_eq!(decoder.facts().levels.len(), 5);
        let whole = read_all(decoder.as_ref(), 0).unwrap();
        assert!(whole.data() == data, "{components} components: pixels differ");
        let part = read(decoder.as_ref(), 0, Rect::new(50, 60, 70, 30)).unwrap();
        for y in 0..30 {
            let start = ((60 + y as usize) * SIZE.width_px as usize + 50) * components;
            assert!(part.row(y) == &data[start..start + 70 * components], "{components} components: row {y} differs");
        }
        for level in 1..5 {
            assert_eq!(read_all(decoder.as_ref(), level).unwrap().size(), decoder.facts().levels[level].size);
        }
    }
}
