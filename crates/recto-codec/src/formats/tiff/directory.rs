//! What does one image directory mean: size, samples, compression, colour, and all that goes with them?

use std::sync::Arc;

use recto_iiif::Dimensions;

use super::ifd::{File, Values};
use super::intervals::{self, Found};
use super::layout::Layout;
use super::pixels::Interpretation;
use super::predictor::Predictor;
use super::{corrupt, tag, too_large, unsupported};
use crate::{DecodeError, OpenOptions, Orientation};

/// Most samples of a pixel: spectrometers have some hundreds of bands, and all of those of a row are gone through.
const MOST_SAMPLES: u64 = 4096;

/// How chunks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// CCITT modified Huffman: one-dimensional, each row begins at a byte (or at a word).
    ModifiedHuffman {
        words: bool,
    },
    Fax3 {
        two_dimensional: bool,
    },
    Fax4,
    Lzw,
    OldJpeg,
    Jpeg,
    Deflate,
    PackBits,
    Zstd,
    Webp,
    /// `luma_chroma`: three components are luma and chroma, though the stream does not say so.
    Jpeg2000 {
        luma_chroma: bool,
    },
}

impl Compression {
    fn from_tag(value: u64, t4_options: u64) -> Result<Self, DecodeError> {
        Ok(match value {
            1 => Self::None,
            2 => Self::ModifiedHuffman { words: false },
            3 => Self::Fax3 { two_dimensional: t4_options & 1 != 0 },
            4 => Self::Fax4,
            5 => Self::Lzw,
            6 => Self::OldJpeg,
            7 => Self::Jpeg,
            8 | 32946 => Self::Deflate,
            32771 => Self::ModifiedHuffman { words: true },
            32773 => Self::PackBits,
            50000 => Self::Zstd,
            50001 => Self::Webp,
            33003 | 33005 | 34712 if super::picture::reads_jpeg_2000() => {
                Self::Jpeg2000 { luma_chroma: value == 33003 }
            }
            33003 | 33005 | 34712 => return Err(unsupported(format!("compression {value} (JPEG 2000)"))),
            34676 | 34677 => return Err(unsupported(format!("compression {value} (SGI LogLuv)"))),
            22610 | 34934 => return Err(unsupported(format!("compression {value} (JPEG XR)"))),
            34661 => return Err(unsupported("compression 34661 (JBIG)")),
            34925 => return Err(unsupported("compression 34925 (LZMA)")),
            34887 => return Err(unsupported("compression 34887 (LERC)")),
            50002 | 52546 => return Err(unsupported(format!("compression {value} (JPEG XL)"))),
            _ => return Err(unsupported(format!("compression {value}"))),
        })
    }

    /// Its usual name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "uncompressed",
            Self::ModifiedHuffman { .. } => "CCITT modified Huffman",
            Self::Fax3 { two_dimensional: false } => "CCITT Group 3",
            Self::Fax3 { two_dimensional: true } => "CCITT Group 3, two-dimensional",
            Self::Fax4 => "CCITT Group 4",
            Self::Lzw => "LZW",
            Self::OldJpeg => "old-style JPEG",
            Self::Jpeg => "JPEG",
            Self::Deflate => "Deflate",
            Self::PackBits => "PackBits",
            Self::Zstd => "Zstandard",
            Self::Webp => "WebP",
            Self::Jpeg2000 { .. } => "JPEG 2000",
        }
    }

    /// True when a chunk is an image file of its own, which is decoded whole.
    pub(super) const fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::OldJpeg | Self::Webp | Self::Jpeg2000 { .. })
    }

    const fn is_fax(self) -> bool {
        matches!(self, Self::ModifiedHuffman { .. } | Self::Fax3 { .. } | Self::Fax4)
    }
}

/// What the bits of a sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleKind {
    Unsigned,
    Signed,
    Float,
}

/// One image directory, understood.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) size: Dimensions,
    pub(super) bits: u8,
    /// Samples per pixel as stored, those that are not shown included.
    pub(super) samples: u16,
    pub(super) kind: SampleKind,
    pub(super) compression: Compression,
    pub(super) photometric: u64,
    pub(super) predictor: Predictor,
    /// Bits of each byte lie in reverse (`FillOrder` 2).
    pub(super) reversed_bits: bool,
    /// Samples lie in planes of their own.
    pub(super) planar: bool,
    pub(super) layout: Layout,
    pub(super) interpretation: Interpretation,
    pub(super) orientation: Orientation,
    pub(super) icc: Option<Arc<[u8]>>,
    pub(super) dpi: Option<(f64, f64)>,
    /// Of tiles that are restart intervals: everything that goes before the data of one.
    pub(super) jpeg_tables: Option<Vec<u8>>,
    /// Tiles are restart intervals of one JPEG stream.
    pub(super) intervals: bool,
    pub(super) old_jpeg: Option<super::old_jpeg::OldJpeg>,
}

impl Directory {
    /// Reads the directory at `offset`, which may hold at most `max_bytes`.
    pub(super) fn read(file: &File, offset: u64, options: &OpenOptions, max_bytes: u64) -> Result<Self, DecodeError> {
        let ifd = file.ifd(offset)?;
        let values = file.values(&ifd, |tag| tag::DIRECTORY.contains(&tag), max_bytes)?;
        let mut size = image_size(&values, options)?;
        let t4_options = values.number(tag::T4_OPTIONS).unwrap_or(0);
        let compression = Compression::from_tag(values.number(tag::COMPRESSION).unwrap_or(1), t4_options)?;
        let (bits, samples) = depth(&values)?;
        let kind = sample_kind(&values, bits)?;
        if compression.is_fax() && (bits, samples) != (1, 1) {
            return Err(corrupt(format!("it has {samples} samples of {bits} bits and says {}", compression.name())));
        }
        let wide = bits == 16 && matches!(compression, Compression::Jpeg2000 { .. });
        if compression.is_image() && bits != 8 && !wide {
            return Err(unsupported(format!("{} of {bits} bits", compression.name())));
        }
        let planar = samples > 1 && values.number(tag::PLANAR_CONFIGURATION) == Some(2);
        let planes = if planar { u32::from(samples) } else { 1 };
        let photometric = values.number(tag::PHOTOMETRIC).unwrap_or(match (samples, compression.is_fax()) {
            (_, true) => 0,
            (1 | 2, _) => 1,
            _ => 2,
        });
        let interpretation = Interpretation::new(&values, photometric, kind, bits, samples, compression, planar)?;
        let predictor = Predictor::new(&values, compression, kind, bits)?;
        if predictor != Predictor::None && interpretation.subsampling().is_some() {
            // The specification does not say which samples are neighbours there, and readers differ.
            return Err(unsupported("prediction of subsampled YCbCr"));
        }
        let mut jpeg_tables = values.bytes(tag::JPEG_TABLES).map(<[u8]>::to_vec);
        let mut found = None;
        if compression == Compression::Jpeg && !planar && values.bytes(tag::NDPI_VERSION).is_some() {
            match intervals::find(file, &values, size, max_bytes)? {
                Found::Intervals { layout, head } => {
                    jpeg_tables = Some(head);
                    found = Some(layout);
                }
                Found::Whole(whole) => size = whole,
            }
        }
        let intervals = found.is_some();
        let (layout, old_jpeg) = match found {
            Some(layout) => (layout, None),
            None if compression == Compression::OldJpeg => {
                let (layout, streams) = super::old_jpeg::read(file, &values, size, max_bytes)?;
                (layout, Some(streams))
            }
            None => (Layout::new(&values, size, planes, max_bytes)?, None),
        };
        Ok(Self {
            size,
            bits,
            samples,
            kind,
            compression,
            photometric,
            predictor,
            reversed_bits: values.number(tag::FILL_ORDER) == Some(2),
            planar,
            layout,
            interpretation,
            orientation: Orientation::from_tag(values.number(tag::ORIENTATION).unwrap_or(1)),
            icc: values.bytes(tag::ICC_PROFILE).filter(|icc| icc.len() >= 128).map(Arc::from),
            dpi: resolution(&values),
            jpeg_tables,
            intervals,
            old_jpeg,
        })
    }

    /// Bytes that it holds beside itself.
    pub(super) fn held_bytes(&self) -> u64 {
        let profile = self.icc.as_deref().map_or(0, <[u8]>::len);
        let tables = self.jpeg_tables.as_deref().map_or(0, <[u8]>::len);
        let old_jpeg = self.old_jpeg.as_ref().map_or(0, super::old_jpeg::OldJpeg::held_bytes);
        self.layout.held_bytes() + self.interpretation.held_bytes() + old_jpeg + (profile + tables) as u64
    }

    /// Takes up that so many bits of a sample count, where there are words of 16 for fewer.
    pub(super) fn set_significant_bits(&mut self, bits: u8) {
        let in_words = self.bits == 16 && self.kind == SampleKind::Unsigned;
        // Decoders of images know for themselves.
        if in_words && !self.compression.is_image() && (1..16).contains(&bits) {
            self.interpretation.stretch(bits);
        }
    }

    /// Samples of one pixel within a chunk.
    pub(super) fn chunk_samples(&self) -> u16 {
        if self.planar { 1 } else { self.samples }
    }
}

fn image_size(values: &Values, options: &OpenOptions) -> Result<Dimensions, DecodeError> {
    let side = |tag, word| match values.number(tag) {
        Some(side @ 1..=0xffff_ffff) => Ok(side as u32),
        Some(0) => Err(corrupt(format!("its {word} is 0"))),
        Some(side) => Err(too_large(side, u64::from(u32::MAX), "pixels along a side")),
        None => Err(corrupt(format!("it does not say its {word}"))),
    };
    let size = Dimensions::new(side(tag::IMAGE_WIDTH, "width")?, side(tag::IMAGE_LENGTH, "height")?);
    if size.area_px() > options.max_pixels {
        return Err(too_large(size.area_px(), options.max_pixels, "pixels"));
    }
    Ok(size)
}

/// Bits per sample and samples per pixel.
fn depth(values: &Values) -> Result<(u8, u16), DecodeError> {
    let samples = values.number(tag::SAMPLES_PER_PIXEL).unwrap_or(1);
    let samples = match samples {
        0 => return Err(corrupt("its pixels have no samples")),
        1..=MOST_SAMPLES => samples as u16,
        _ => return Err(unsupported(format!("{samples} samples per pixel"))),
    };
    let bits = values.number(tag::BITS_PER_SAMPLE).unwrap_or(1);
    if values.numbers(tag::BITS_PER_SAMPLE).into_iter().flatten().take(samples as usize).any(|other| other != bits) {
        return Err(unsupported("samples of unequal depth"));
    }
    match bits {
        1..=16 | 24 | 32 | 64 => Ok((bits as u8, samples)),
        _ => Err(unsupported(format!("{bits} bits per sample"))),
    }
}

fn sample_kind(values: &Values, bits: u8) -> Result<SampleKind, DecodeError> {
    match values.number(tag::SAMPLE_FORMAT).unwrap_or(1) {
        2 if bits.is_multiple_of(8) => Ok(SampleKind::Signed),
        3 if matches!(bits, 16 | 24 | 32 | 64) => Ok(SampleKind::Float),
        5 | 6 => Err(unsupported("complex numbers as samples")),
        1 | 4 => Ok(SampleKind::Unsigned),
        other => Err(unsupported(format!("sample format {other} at {bits} bits per sample"))),
    }
}

/// Dots per inch.
fn resolution(values: &Values) -> Option<(f64, f64)> {
    let per_inch = match values.number(tag::RESOLUTION_UNIT).unwrap_or(2) {
        2 => 1.0,
        3 => 2.54,
        _ => return None,
    };
    let one = |tag| {
        let dots = values.reals(tag)?.first().copied()? * per_inch;
        (dots.is_finite() && dots > 0.0).then_some(dots)
    };
    let x = one(tag::X_RESOLUTION)?;
    Some((x, one(tag::Y_RESOLUTION).unwrap_or(x)))
}
