//! A picture as a page: the JPEG stream that the JPEG encoder would give, or fax lines for black and white, in the smallest
//! file around it.

use std::convert::Infallible;

use fax::encoder::Encoder as FaxEncoder;
use fax::{Color, VecWriter};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};
use recto_iiif::Dimensions;

use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

/// Pages are as large as the picture is at this many dots per inch, where it does not say.
const USUAL_DPI: f64 = 300.0;

/// The longest side of a page, in its own units.
const MAX_SIDE_UNITS: f64 = 14_400.0;

/// The longest side of a picture: as for JPEG.
const MAX_SIDE_PX: u32 = 65_500;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const PICTURE: Ref = Ref::new(5);
const PICTURE_NAME: Name<'static> = Name(b"I");

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    let size = header.size;
    if size.width_px > MAX_SIDE_PX || size.height_px > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: "pdf", size, limit_px: MAX_SIDE_PX });
    }
    let picture = match header.pixels {
        PixelFormat::Gray8 if header.bitonal => {
            Picture::Fax(Box::new(Fax { encoder: FaxEncoder::new(VecWriter::new()), lines_left: size.height_px }))
        }
        PixelFormat::Gray8 | PixelFormat::Rgb8 => {
            // The page says what it is; a profile is not written, as none comes: colours are sRGB here.
            let header = EncodeHeader { icc: None, ..header.clone() };
            Picture::Jpeg(crate::formats::jpeg::encoder(&header, options)?)
        }
        pixels => return Err(EncodeError::PixelFormat { format: "pdf", pixels }),
    };
    Ok(Box::new(PdfEncoder { size, pixels: header.pixels, dpi: header.dpi, picture, written: 0 }))
}

enum Picture {
    Jpeg(Box<dyn Encoder>),
    Fax(Box<Fax>),
}

struct Fax {
    encoder: FaxEncoder<VecWriter>,
    lines_left: u32,
}

struct PdfEncoder {
    size: Dimensions,
    pixels: PixelFormat,
    dpi: Option<(f64, f64)>,
    picture: Picture,
    /// Fax lines taken, in bytes of pixels: the encoder does not say how long its file is.
    written: u64,
}

fn failed(what: String) -> EncodeError {
    EncodeError::Failed { format: "pdf", what }
}

fn never<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

impl Encoder for PdfEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        match &mut self.picture {
            Picture::Jpeg(encoder) => encoder.write(rows),
            Picture::Fax(fax) => {
                if rows.format() != self.pixels {
                    return Err(EncodeError::PixelFormat { format: "pdf", pixels: rows.format() });
                }
                if rows.width_px() != self.size.width_px || rows.height_px() > fax.lines_left {
                    return Err(failed(format!("{} pixels do not continue this image", rows.size())));
                }
                for line in rows.data().chunks_exact(rows.stride().max(1)) {
                    let colors = line.iter().map(|value| if *value < 128 { Color::Black } else { Color::White });
                    never(fax.encoder.encode_line(colors, self.size.width_px as u16));
                }
                fax.lines_left -= rows.height_px();
                self.written += rows.data().len() as u64 / 8;
                Ok(())
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        let (page, size, pixels) = (PageSize::of(self.size, self.dpi), self.size, self.pixels);
        Ok(match self.picture {
            Picture::Jpeg(encoder) => file(&encoder.finish()?, page, size, pixels, Filter::DctDecode),
            Picture::Fax(fax) => {
                if fax.lines_left > 0 {
                    return Err(failed(format!("{} rows are missing", fax.lines_left)));
                }
                file(&never(fax.encoder.finish()).finish(), page, size, pixels, Filter::CcittFaxDecode)
            }
        })
    }

    fn written_bytes(&self) -> u64 {
        match &self.picture {
            Picture::Jpeg(encoder) => encoder.written_bytes(),
            Picture::Fax(_) => self.written,
        }
    }
}

/// How large a page is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PageSize {
    width: f32,
    height: f32,
    /// Points that make one of its units: 1, but for huge pages.
    unit: f32,
}

impl PageSize {
    fn of(size: Dimensions, dpi: Option<(f64, f64)>) -> Self {
        let sane = |dpi: f64| if dpi.is_finite() && dpi >= 1.0 { dpi } else { USUAL_DPI };
        let (x, y) = dpi.map_or((USUAL_DPI, USUAL_DPI), |(x, y)| (sane(x), sane(y)));
        let (width, height) = (f64::from(size.width_px) * 72.0 / x, f64::from(size.height_px) * 72.0 / y);
        let unit = (width.max(height) / MAX_SIDE_UNITS).ceil().max(1.0);
        Self { width: (width / unit) as f32, height: (height / unit) as f32, unit: unit as f32 }
    }
}

/// The whole file. It holds no date, no title and no name of a program: equal pictures are equal files.
fn file(stream: &[u8], page: PageSize, size: Dimensions, pixels: PixelFormat, filter: Filter) -> Vec<u8> {
    let mut pdf = Pdf::with_capacity(stream.len() + 1024);
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let area = Rect::new(0.0, 0.0, page.width, page.height);
    let mut leaf = pdf.page(PAGE);
    leaf.parent(PAGES).media_box(area).contents(CONTENT);
    if page.unit > 1.0 {
        leaf.user_unit(page.unit);
    }
    leaf.resources().x_objects().pair(PICTURE_NAME, PICTURE);
    leaf.finish();
    let mut content = Content::new();
    content.transform([page.width, 0.0, 0.0, page.height, 0.0, 0.0]).x_object(PICTURE_NAME);
    pdf.stream(CONTENT, &content.finish());
    let (columns, rows) = (size.width_px as i32, size.height_px as i32);
    let mut picture = pdf.image_xobject(PICTURE, stream);
    picture.width(columns).height(rows);
    if pixels == PixelFormat::Rgb8 {
        picture.color_space().device_rgb();
    } else {
        picture.color_space().device_gray();
    }
    if filter == Filter::CcittFaxDecode {
        picture.bits_per_component(1);
        picture.filter(filter).decode_parms().k(-1).columns(columns).rows(rows);
    } else {
        picture.bits_per_component(8);
        picture.filter(filter);
    }
    picture.finish();
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_large_as_its_picture() {
        for (size, dpi, width, height, unit) in [
            ((300, 600), None, 72.0, 144.0, 1.0),
            ((300, 600), Some((150.0, 600.0)), 144.0, 72.0, 1.0),
            ((300, 600), Some((0.0, f64::NAN)), 72.0, 144.0, 1.0),
            ((28_800, 100), Some((72.0, 72.0)), 14_400.0, 50.0, 2.0),
        ] {
            let page = PageSize::of(Dimensions::new(size.0, size.1), dpi);
            assert_eq!(page, PageSize { width, height, unit }, "{size:?} at {dpi:?}");
        }
    }
}
