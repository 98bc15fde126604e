//! Colours to indexes: for GIF, and for PNG where a palette is wanted.

use std::collections::HashMap;

use quantette::deps::palette::Srgb;
use quantette::{Image, PaletteSize, Pipeline};
use recto_iiif::Dimensions;

use crate::PixelFormat;

/// Alpha below this is transparent: a pixel is there or not.
const OPAQUE_FROM: u8 = 128;
const MOST_COLORS: usize = 256;

/// An image of indexes.
pub(crate) struct Indexed {
    /// 1 to 256 colours.
    pub(crate) palette: Vec<[u8; 3]>,
    /// One a pixel.
    pub(crate) indexes: Vec<u8>,
    /// The index that shows nothing.
    pub(crate) transparent: Option<u8>,
}

/// Chooses colours for these pixels and assigns them.
pub(crate) fn index(data: &[u8], pixels: PixelFormat, size: Dimensions) -> Result<Indexed, &'static str> {
    let colors: Vec<Option<[u8; 3]>> = match pixels {
        PixelFormat::Gray8 => data.iter().map(|&v| Some([v; 3])).collect(),
        PixelFormat::GrayAlpha8 => data.as_chunks().0.iter().map(|&[v, a]: &[u8; 2]| visible([v; 3], a)).collect(),
        PixelFormat::Rgb8 => data.as_chunks().0.iter().map(|&rgb| Some(rgb)).collect(),
        PixelFormat::Rgba8 => data.as_chunks().0.iter().map(|&[r, g, b, a]: &[u8; 4]| visible([r, g, b], a)).collect(),
        _ => return Err("the pixel format was checked before"),
    };
    match exact(&colors) {
        Some(indexed) => Ok(indexed),
        None => reduced(&colors, size),
    }
}

fn visible(color: [u8; 3], alpha: u8) -> Option<[u8; 3]> {
    (alpha >= OPAQUE_FROM).then_some(color)
}

/// All colours as they are; `None` when there are too many.
fn exact(colors: &[Option<[u8; 3]>]) -> Option<Indexed> {
    let mut known: HashMap<Option<[u8; 3]>, u8> = HashMap::new();
    let mut palette = Vec::new();
    let mut indexes = Vec::with_capacity(colors.len());
    let mut last = None;
    for &color in colors {
        let index = match last {
            Some((same, index)) if same == color => index,
            _ => match known.get(&color) {
                Some(&index) => index,
                None if palette.len() == MOST_COLORS => return None,
                None => {
                    let index = palette.len() as u8;
                    palette.push(color.unwrap_or_default());
                    known.insert(color, index);
                    index
                }
            },
        };
        last = Some((color, index));
        indexes.push(index);
    }
    Some(Indexed { palette, indexes, transparent: known.get(&None).copied() })
}

/// Wu's quantiser with Floyd-Steinberg dithering; one index is kept for transparent pixels when there are any.
fn reduced(colors: &[Option<[u8; 3]>], size: Dimensions) -> Result<Indexed, &'static str> {
    let has_transparent = colors.contains(&None);
    let most = MOST_COLORS - usize::from(has_transparent);
    // A transparent pixel takes its neighbour's colour, so that it adds none of its own.
    let mut neighbour = colors.iter().flatten().next().copied().unwrap_or_default();
    let opaque: Vec<Srgb<u8>> = colors
        .iter()
        .map(|color| {
            neighbour = color.unwrap_or(neighbour);
            Srgb::from(neighbour)
        })
        .collect();
    let image = Image::new(size.width_px, size.height_px, opaque.as_slice()).map_err(|_| "the image is too large")?;
    let indexed = Pipeline::new()
        .palette_size(PaletteSize::from_usize_clamped(most))
        .input_image(image)
        .output_srgb8_indexed_image();
    let (chosen, mut indexes) = indexed.into_parts();
    let mut palette: Vec<[u8; 3]> = chosen.into_iter().map(<[u8; 3]>::from).collect();
    let mut transparent = None;
    if has_transparent {
        let index = palette.len() as u8;
        palette.push([0; 3]);
        transparent = Some(index);
        for (out, _) in indexes.iter_mut().zip(colors).filter(|(_, color)| color.is_none()) {
            *out = index;
        }
    }
    Ok(Indexed { palette, indexes, transparent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_colours_as_fit_are_kept_exactly() {
        let data: Vec<u8> = (0..=255u8).flat_map(|v| [v, 255 - v, v / 2]).collect();
        let indexed = index(&data, PixelFormat::Rgb8, Dimensions::new(256, 1)).unwrap();
        let back: Vec<u8> = indexed.indexes.iter().flat_map(|&i| indexed.palette[usize::from(i)]).collect();
        assert_eq!((back, indexed.transparent), (data, None));
    }

    #[test]
    fn one_colour_too_many_is_reduced_close_by() {
        let mut data: Vec<u8> =
            (0..300u32).flat_map(|v| [(v % 256) as u8, (v / 2) as u8, (v / 3) as u8, 255]).collect();
        data[3] = 0;
        let indexed = index(&data, PixelFormat::Rgba8, Dimensions::new(300, 1)).unwrap();
        assert!(indexed.palette.len() <= 256);
        assert_eq!(Some(indexed.indexes[0]), indexed.transparent);
        for (pixel, &i) in data.as_chunks::<4>().0.iter().zip(&indexed.indexes).skip(1) {
            assert_ne!(Some(i), indexed.transparent);
            let color = indexed.palette[usize::from(i)];
            let distance = pixel.iter().zip(color).map(|(&a, b)| a.abs_diff(b)).max().unwrap();
            // Dithering moves a pixel by up to a step between neighbours in the palette.
            assert!(distance <= 16, "{pixel:?} became {color:?}");
        }
    }
}
