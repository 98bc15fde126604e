//! Pixels in memory: rows without gaps, top to bottom.

use recto_iiif::Dimensions;

/// How one pixel lies in memory. 16-bit samples are in the machine's own byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One sample, 0 is black, 255 white. Bitonal images are this with 0 and 255 only.
    Gray8,
    /// Gray, then alpha (not premultiplied).
    GrayAlpha8,
    /// Red, green, blue.
    Rgb8,
    /// Red, green, blue, alpha (not premultiplied).
    Rgba8,
    /// Cyan, magenta, yellow, black; 0 is no ink, 255 full ink.
    Cmyk8,
    /// As `Gray8` with 16 bits.
    Gray16,
    /// As `GrayAlpha8` with 16 bits.
    GrayAlpha16,
    /// As `Rgb8` with 16 bits.
    Rgb16,
    /// As `Rgba8` with 16 bits.
    Rgba16,
    /// As `Cmyk8` with 16 bits.
    Cmyk16,
    /// CIELAB, 8 bits: L* of 0..=100 as 0..=255, a* and b* as offset 128 (ICC Lab encoding).
    Lab8,
    /// CIELAB, 16 bits: L* of 0..=100 as 0..=65535, a* and b* of -128..=127.996 as 0..=65535: 256 steps each, 0 at 32768.
    Lab16,
}

impl PixelFormat {
    /// Samples per pixel.
    pub const fn samples(self) -> usize {
        match self {
            Self::Gray8 | Self::Gray16 => 1,
            Self::GrayAlpha8 | Self::GrayAlpha16 => 2,
            Self::Rgb8 | Self::Rgb16 | Self::Lab8 | Self::Lab16 => 3,
            Self::Rgba8 | Self::Rgba16 | Self::Cmyk8 | Self::Cmyk16 => 4,
        }
    }

    /// Bytes per sample: 1 or 2.
    pub const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Gray8 | Self::GrayAlpha8 | Self::Rgb8 | Self::Rgba8 | Self::Cmyk8 | Self::Lab8 => 1,
            Self::Gray16 | Self::GrayAlpha16 | Self::Rgb16 | Self::Rgba16 | Self::Cmyk16 | Self::Lab16 => 2,
        }
    }

    /// Bytes per pixel.
    pub const fn bytes_per_pixel(self) -> usize {
        self.samples() * self.bytes_per_sample()
    }

    /// True when the last sample is alpha.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha8 | Self::Rgba8 | Self::GrayAlpha16 | Self::Rgba16)
    }
}

/// A block of pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Raster {
    size: Dimensions,
    format: PixelFormat,
    data: Vec<u8>,
}

impl std::fmt::Debug for Raster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raster({} {:?})", self.size, self.format)
    }
}

impl Raster {
    /// A block whose bytes are all 0.
    ///
    /// # Panics
    /// When the size in bytes does not fit into memory: callers check against their limits first.
    pub fn zeroed(size: Dimensions, format: PixelFormat) -> Self {
        let bytes = size.area_px().checked_mul(format.bytes_per_pixel() as u64).expect("raster size was checked");
        Self { size, format, data: vec![0; usize::try_from(bytes).expect("raster size was checked")] }
    }

    /// A block of these bytes: `height` rows of `width × bytes per pixel`.
    ///
    /// # Panics
    /// When `data` is not exactly that long.
    pub fn from_vec(size: Dimensions, format: PixelFormat, data: Vec<u8>) -> Self {
        assert_eq!(data.len() as u64, size.area_px() * format.bytes_per_pixel() as u64, "rows have no gaps");
        Self { size, format, data }
    }

    /// Size in pixels.
    pub fn size(&self) -> Dimensions {
        self.size
    }

    /// Width in pixels.
    pub fn width_px(&self) -> u32 {
        self.size.width_px
    }

    /// Height in pixels.
    pub fn height_px(&self) -> u32 {
        self.size.height_px
    }

    /// How a pixel lies in memory.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Bytes per row.
    pub fn stride(&self) -> usize {
        self.size.width_px as usize * self.format.bytes_per_pixel()
    }

    /// All bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All bytes, to be changed.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The bytes, given away.
    pub fn into_vec(self) -> Vec<u8> {
        self.data
    }

    /// Row `y`.
    ///
    /// # Panics
    /// When `y` is not below the height.
    pub fn row(&self, y: u32) -> &[u8] {
        let stride = self.stride();
        &self.data[y as usize * stride..(y as usize + 1) * stride]
    }

    /// Row `y`, to be changed.
    ///
    /// # Panics
    /// When `y` is not below the height.
    pub fn row_mut(&mut self, y: u32) -> &mut [u8] {
        let stride = self.stride();
        &mut self.data[y as usize * stride..(y as usize + 1) * stride]
    }
}
