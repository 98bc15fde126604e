//! Images as objects: §8.9.5, with the filters of §7.4.

use std::io::{Read, Write};

use recto_iiif::Dimensions;
use sha2::{Digest as _, Sha256};

use super::object::{Id, Objects};
use super::{PdfWriter, jpeg, jpeg2000};
use crate::DownloadError;

/// An image in one of the forms that a PDF can hold.
pub enum Image<'a> {
    /// A JPEG file, baseline or progressive, which goes in untouched.
    Jpeg(&'a [u8]),
    /// A JPEG 2000 file (JP2, JPX) or code stream, which goes in untouched.
    Jpeg2000(&'a [u8]),
    /// Fax code (TIFF compressions 2 to 4), which goes in untouched.
    Fax {
        /// Its size.
        size: Dimensions,
        /// How it is coded.
        code: FaxCode,
        /// The code begins each row at a new byte.
        byte_aligned: bool,
        /// What the code calls black is white, as in TIFF files whose photometric interpretation is 1.
        inverted: bool,
        /// The code.
        bytes: &'a [u8],
    },
    /// Pixels, which are read and deflated row by row.
    Pixels {
        /// Their size.
        size: Dimensions,
        /// What a pixel is.
        kind: PixelKind,
        /// The rows, from the top, without gaps.
        rows: &'a mut dyn Read,
    },
}

impl std::fmt::Debug for Image<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Jpeg(_) => "Jpeg",
            Self::Jpeg2000(_) => "Jpeg2000",
            Self::Fax { .. } => "Fax",
            Self::Pixels { .. } => "Pixels",
        })
    }
}

/// How fax code is coded: ITU-T T.4 and T.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaxCode {
    /// Group 3, each row by itself.
    Group3,
    /// Group 3, rows by those before them.
    Group3Mixed,
    /// Group 4.
    Group4,
}

/// What a pixel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelKind {
    /// One bit, the first pixel in the highest; rows begin at a byte. 0 is black.
    Bilevel,
    /// One bit; 1 is black.
    BilevelInverted,
    /// One byte.
    Gray,
    /// Three bytes.
    Rgb,
}

impl PixelKind {
    const fn row_bytes(self, width_px: u32) -> u64 {
        match self {
            Self::Bilevel | Self::BilevelInverted => (width_px as u64).div_ceil(8),
            Self::Gray => width_px as u64,
            Self::Rgb => width_px as u64 * 3,
        }
    }

    const fn entries(self) -> &'static str {
        match self {
            Self::Bilevel => "/ColorSpace/DeviceGray/BitsPerComponent 1",
            Self::BilevelInverted => "/ColorSpace/DeviceGray/BitsPerComponent 1/Decode[1 0]",
            Self::Gray => "/ColorSpace/DeviceGray/BitsPerComponent 8",
            Self::Rgb => "/ColorSpace/DeviceRGB/BitsPerComponent 8",
        }
    }
}

fn head(size: Dimensions) -> String {
    format!("/Type/XObject/Subtype/Image/Width {}/Height {}", size.width_px, size.height_px)
}

impl<W: Write> PdfWriter<W> {
    /// Writes the image as an object. Whatever it refuses, it refuses before anything is written; only rows of pixels can break
    /// off later.
    pub(super) fn write_image(&mut self, image: Image<'_>) -> Result<Id, DownloadError> {
        match image {
            Image::Jpeg(bytes) => self.write_jpeg(bytes),
            Image::Jpeg2000(bytes) => {
                let facts = jpeg2000::read(bytes)?;
                let size = Dimensions::new(facts.width_px, facts.height_px);
                let id = self.objects.reserve()?;
                // Without a colour space that of the file counts.
                let entries = format!("{}/Filter/JPXDecode", head(size));
                self.objects.stream(id, &entries, &[&facts.wrapping, bytes])?;
                Ok(id)
            }
            Image::Fax { size, code, byte_aligned, inverted, bytes } => {
                not_empty(size)?;
                let k = match code {
                    FaxCode::Group3 => 0,
                    FaxCode::Group3Mixed => 1,
                    FaxCode::Group4 => -1,
                };
                let id = self.objects.reserve()?;
                let entries = format!(
                    "{}{}/Filter/CCITTFaxDecode/DecodeParms<</K {k}/Columns {}/Rows {}/BlackIs1 {inverted}/EncodedByteAlign {byte_aligned}>>",
                    head(size),
                    PixelKind::Bilevel.entries(),
                    size.width_px,
                    size.height_px
                );
                self.objects.stream(id, &entries, &[bytes])?;
                Ok(id)
            }
            Image::Pixels { size, kind, rows } => {
                not_empty(size)?;
                let id = self.objects.reserve()?;
                let length = kind.row_bytes(size.width_px) * u64::from(size.height_px);
                let entries = format!("{}{}", head(size), kind.entries());
                match self.objects.deflated_from(id, &entries, rows, length)? {
                    Ok(()) => Ok(id),
                    Err(source) => Err(DownloadError::Read { name: "rows of pixels".to_owned(), source }),
                }
            }
        }
    }

    fn write_jpeg(&mut self, bytes: &[u8]) -> Result<Id, DownloadError> {
        let facts = jpeg::read(bytes)?;
        let plain = match facts.components {
            1 => "/DeviceGray",
            3 => "/DeviceRGB",
            _ => "/DeviceCMYK",
        };
        let space = match &facts.profile {
            Some(profile) => {
                format!("[/ICCBased {}]", self.write_profile(profile, facts.components, plain)?)
            }
            None => plain.to_owned(),
        };
        let mut entries = format!(
            "{}/ColorSpace{space}/BitsPerComponent 8/Filter/DCTDecode",
            head(Dimensions::new(facts.width_px, facts.height_px))
        );
        if facts.inverted {
            entries.push_str("/Decode[1 0 1 0 1 0 1 0]");
        }
        if facts.plain_rgb {
            entries.push_str("/DecodeParms<</ColorTransform 0>>");
        }
        let id = self.objects.reserve()?;
        self.objects.stream(id, &entries, &[bytes])?;
        Ok(id)
    }

    /// The profile as an object: once, however many images have it.
    fn write_profile(&mut self, profile: &[u8], components: u8, plain: &str) -> Result<Id, DownloadError> {
        let key: [u8; 32] = Sha256::digest(profile).into();
        if let Some(id) = self.profiles.get(&key) {
            return Ok(*id);
        }
        let id = write_profile(&mut self.objects, profile, components, plain)?;
        self.profiles.insert(key, id);
        Ok(id)
    }
}

fn write_profile<W: Write>(
    objects: &mut Objects<W>,
    profile: &[u8],
    components: u8,
    plain: &str,
) -> Result<Id, DownloadError> {
    let id = objects.reserve()?;
    objects.deflated(id, &format!("/N {components}/Alternate{plain}"), profile)?;
    Ok(id)
}

fn not_empty(size: Dimensions) -> Result<(), DownloadError> {
    if size.width_px == 0 || size.height_px == 0 {
        return Err(DownloadError::Image { format: "image", reason: "has no pixels" });
    }
    Ok(())
}
