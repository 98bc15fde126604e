//! The options of the use cases.

use recto_codec::formats::WRITABLE;
use recto_codec::{Subsampling, TiffCompression};
use recto_config::{ByteSize, Duration};
use recto_engine::{Bitonal, ColorPolicy, Depth, Intent, RenderOptions, StoredTiles};
use recto_iiif::Dimensions;
use recto_iiif::image::{Format, Limits, ResolvedRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ServiceError;
use crate::work::AdmissionMode;

/// What one request may ask for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitOptions {
    /// Widest result in pixels; `info.json` announces it as `maxWidth`. Without it only the area counts.
    pub max_width: Option<u32>,
    /// Highest result in pixels; `info.json` announces it as `maxHeight`.
    pub max_height: Option<u32>,
    /// Most pixels of a result; `info.json` announces it as `maxArea`. Without it, images are served up to `max_pixels`.
    pub max_area: Option<u64>,
    /// Most pixels of any result. Announced as `maxArea` only for images that are larger.
    pub max_pixels: u64,
    /// Most pixels of a result that is larger than the region it shows. More is refused: nothing is gained by it, and anyone
    /// could keep the server busy with it.
    pub max_upscaled_pixels: u64,
    /// Most pixels that an original may have.
    pub max_source_pixels: u64,
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self {
            max_width: None,
            max_height: None,
            max_area: None,
            max_pixels: 400_000_000,
            max_upscaled_pixels: 25_000_000,
            max_source_pixels: 100_000_000_000,
        }
    }
}

impl LimitOptions {
    /// The limits as they are for an image of this size: what `info.json` says and every request is held against.
    pub fn for_image(&self, size: Dimensions) -> Limits {
        Limits {
            max_width_px: self.max_width,
            max_height_px: self.max_height,
            max_area_px: match self.max_area {
                Some(max_area) => Some(max_area.min(self.max_pixels)),
                None => (size.area_px() > self.max_pixels).then_some(self.max_pixels),
            },
        }
    }
}

impl LimitOptions {
    /// Refuses results that are blown up too far, or that no limit of the image's own caught.
    pub(crate) fn check_upscaling(&self, resolved: &ResolvedRequest) -> Result<(), ServiceError> {
        let wanted_px = resolved.size.area_px();
        let limit_px = if wanted_px > resolved.region.area_px() { self.max_upscaled_pixels } else { self.max_pixels };
        if wanted_px > limit_px { Err(ServiceError::UpscaledTooFar { wanted_px, limit_px }) } else { Ok(()) }
    }
}

/// How much work goes on at a time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkOptions {
    /// Memory for pixels at work, all requests together. Without it: a quarter of the memory that the machine or the
    /// container gives.
    pub memory: Option<ByteSize>,
    /// Threads that touch pixels; one more is kept for tiles alone. Without it: one for each processor.
    pub threads: Option<usize>,
    /// Requests that may wait in each lane before further ones are answered 503.
    pub max_waiting: usize,
    /// Longest wait for memory or a thread; then the answer is 503.
    pub max_wait: Duration,
    /// Longest work on one request; then the answer is 503. What is known beforehand to take longer is 413.
    pub max_time: Duration,
    /// Originals that are kept open between requests; fewer where they hold much, as JPEG 2000 files of many layers do: all of them
    /// no more than half of `memo` and 64 KiB for each.
    pub open_files: u64,
    /// Memory for what decoders remember between requests: indexes, decoded blocks. Without it: a quarter of `memory`, to which
    /// it is added.
    pub memo: Option<ByteSize>,
    /// `enforce` answers 503 at once to what would wait longer than `max_wait`, and 413 to what can never be done. `shadow` only
    /// counts what would be turned away (`recto_work_verdicts_*`) and lets everything in: for trying limits out.
    pub admission: AdmissionMode,
}

impl Default for WorkOptions {
    fn default() -> Self {
        Self {
            memory: None,
            threads: None,
            max_waiting: 4096,
            max_wait: Duration::from_secs(20),
            max_time: Duration::from_secs(60),
            open_files: 512,
            memo: None,
            admission: AdmissionMode::Enforce,
        }
    }
}

impl WorkOptions {
    /// The memory that pixels may take, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.map_or_else(|| available_memory() / 4, ByteSize::bytes).max(64 << 20)
    }

    /// The memory for what decoders remember, in bytes.
    pub fn memo_bytes(&self) -> u64 {
        self.memo.map_or_else(|| self.memory_bytes() / 4, ByteSize::bytes)
    }

    /// The number of pixel threads.
    pub fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, std::num::NonZero::get)).max(1)
    }
}

/// Memory of the machine, or of the control group if that is less; 2 GiB where neither can be read.
fn available_memory() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
    });
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(group).min().unwrap_or(2 << 30)
}

/// Which colours leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColorOption {
    /// Everything is converted to sRGB.
    #[default]
    Srgb,
    /// The original's profile is kept and embedded.
    Keep,
    /// As `keep` for spaces of three primaries wider than sRGB (Display P3, Adobe RGB), as `srgb` for everything else.
    Wide,
}

/// How colours are converted to sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentOption {
    /// By the profile's table for pleasing pictures, where it has one.
    Perceptual,
    /// Paper becomes white and the darkest of inks black; colours between are exact.
    #[default]
    Relative,
    /// By the profile's table for vivid graphics, where it has one.
    Saturation,
    /// Paper keeps its own colour.
    Absolute,
}

/// How many bits samples of answers have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DepthOption {
    /// 8, whatever the original has.
    #[default]
    #[serde(rename = "8")]
    Eight,
    /// As many as the original, up to 16, in the formats that have them (png, tif, jp2).
    #[serde(rename = "stored")]
    Stored,
}

/// Resolution of colour in JPEG.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SubsamplingOption {
    /// That of brightness.
    #[serde(rename = "4:4:4")]
    None,
    /// Half of it.
    #[serde(rename = "4:2:2")]
    Horizontal,
    /// A quarter of it.
    #[default]
    #[serde(rename = "4:2:0")]
    Both,
}

/// Compression of TIFF output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TiffCompressionOption {
    /// As it is.
    None,
    /// Deflate with horizontal prediction.
    #[default]
    Deflate,
}

/// How pictures are made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImageOptions {
    /// Quality of JPEG, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub jpeg_quality: u8,
    /// Quality of WebP, 1 to 100; 100 is lossless.
    #[schemars(range(min = 1, max = 100))]
    pub webp_quality: u8,
    /// Progressive JPEG: smaller, and eight times the work.
    pub jpeg_progressive: bool,
    /// Resolution of colour in JPEG: `4:2:0` is a quarter of brightness's, `4:2:2` half, `4:4:4` all of it (a quarter more
    /// bytes, for red lines and small coloured type).
    pub jpeg_subsampling: SubsamplingOption,
    /// Effort of WebP, 0 (fastest) to 6 (smallest). 4 takes four times as long as 0 for 5 % fewer bytes.
    #[schemars(range(min = 0, max = 6))]
    pub webp_effort: u8,
    /// Quality of AVIF, 1 to 100. From 90 on, colour has the full resolution.
    #[schemars(range(min = 1, max = 100))]
    pub avif_quality: u8,
    /// Speed of AVIF, 1 (smallest) to 10 (fastest). Even 10 is many times the work of JPEG.
    #[schemars(range(min = 1, max = 10))]
    pub avif_speed: u8,
    /// Effort of JPEG XL, 1 (fastest) to 9 (smallest). It is always written without loss.
    #[schemars(range(min = 1, max = 9))]
    pub jxl_effort: u8,
    /// Quality of JPEG 2000, 1 to 100; 100 is lossless.
    #[schemars(range(min = 1, max = 100))]
    pub jp2_quality: u8,
    /// PNG of colour pictures with at most 256 colours, dithered: a third of the bytes. Pictures with translucent pixels and
    /// gray ones stay as they are.
    pub png_palette: bool,
    /// Compression of TIFF: `deflate` or `none`.
    pub tiff_compression: TiffCompressionOption,
    /// TIFF with tiles and reduced levels.
    pub tiff_pyramid: bool,
    /// `srgb` converts every profile to sRGB, `keep` embeds the original's, `wide` embeds those of displays and cameras that
    /// hold more colours than sRGB and converts the rest.
    pub color: ColorOption,
    /// Stored JPEG and WebP tiles leave as they lie in the file. `false` decodes and encodes all of them again.
    pub stored_tiles: bool,
    /// What lies behind transparent pixels, and in the corners of turned images, in formats without transparency: `#rrggbb`.
    pub background: String,
    /// `true` makes bitonal images by dithering instead of by a threshold.
    pub dither: bool,
    /// Tile side announced for images that are not stored in tiles, in pixels.
    #[schemars(range(min = 64, max = 4096))]
    pub tile_size: u32,
    /// Dots per inch at which pages of PDF files are drawn in full size. Pages that would have more than 100 megapixels so get
    /// fewer.
    #[schemars(range(min = 18, max = 2400))]
    pub document_dpi: u32,
    /// Images of at least so many pixels whose files have no reduced sizes (PNG, TIFF in strips, WebP …) get a pyramid in the cache
    /// directory once they are asked for a second time, at the lowest priority. Their tiles and small pictures are quick then.
    /// 0: no image does.
    pub pyramid_from_pixels: u64,
    /// Formats to name in `preferredFormats`, best first.
    pub preferred_formats: Vec<String>,
    /// Requests for `default.jpg` are answered in a better format where the client's `Accept` names one of
    /// `negotiable_formats` outright. One URL then has several answers (`Vary: Accept`), which caches in between must
    /// respect.
    pub negotiate_format: bool,
    /// The formats that may stand in for JPEG, best first: of `avif`, `webp`, `jxl`.
    pub negotiable_formats: Vec<String>,
    /// Rights statement or licence (a URI) to name in every `info.json` of version 3.
    pub rights: Option<String>,
    /// How colours are converted to sRGB: `relative`, `perceptual`, `saturation` or `absolute`.
    pub rendering_intent: IntentOption,
    /// `"stored"` keeps originals of more than 8 bits at 16 in png, tif and jp2; `"8"` makes every answer one of 8 bits.
    pub depth: DepthOption,
    /// Images are made smaller by mixing light instead of sRGB's values: fine bright detail keeps its brightness, at about
    /// twice the work. What is stored smaller in the file, or decoded smaller from JPEG, was mixed otherwise already.
    pub linear_light: bool,
    /// Largest colour profile that `keep` and `wide` embed; images with a larger one are converted to sRGB.
    pub max_profile: ByteSize,
}

impl Default for ImageOptions {
    fn default() -> Self {
        Self {
            jpeg_quality: 80,
            webp_quality: 80,
            jpeg_progressive: false,
            jpeg_subsampling: SubsamplingOption::Both,
            webp_effort: 0,
            avif_quality: 60,
            avif_speed: 10,
            jxl_effort: 1,
            jp2_quality: 80,
            png_palette: false,
            tiff_compression: TiffCompressionOption::Deflate,
            tiff_pyramid: false,
            color: ColorOption::Srgb,
            stored_tiles: true,
            background: "#ffffff".to_owned(),
            dither: false,
            tile_size: 256,
            document_dpi: 300,
            pyramid_from_pixels: 4_000_000,
            preferred_formats: Vec::new(),
            negotiate_format: false,
            negotiable_formats: vec!["avif".to_owned(), "webp".to_owned()],
            rights: None,
            rendering_intent: IntentOption::default(),
            depth: DepthOption::default(),
            linear_light: false,
            max_profile: ByteSize::kib(64),
        }
    }
}

impl ImageOptions {
    /// From how many pixels on images get pyramids, if any do. None with `linear_light`: averages would be of the other kind.
    pub fn pyramid_from_px(&self) -> Option<u64> {
        (self.pyramid_from_pixels > 0 && !self.linear_light).then_some(self.pyramid_from_pixels)
    }

    /// The formats in which a request for `default.jpg` may be answered, best first; none unless that is switched on. Words that
    /// name no format which can be written, or JPEG itself, are left out.
    pub fn negotiable(&self) -> Vec<Format> {
        let words = if self.negotiate_format { self.negotiable_formats.as_slice() } else { &[] };
        let formats = words.iter().filter_map(|word| Format::from_extension(word));
        formats.filter(|format| *format != Format::Jpg && WRITABLE.contains(format)).collect()
    }

    /// What the engine is told. `None` when `background` is not a colour.
    pub fn render(&self) -> Option<RenderOptions> {
        let mut options = RenderOptions::default();
        options.encode.jpeg_quality = self.jpeg_quality.clamp(1, 100);
        options.encode.webp_quality = self.webp_quality.clamp(1, 100);
        let encode = &mut options.encode;
        encode.jpeg_progressive = self.jpeg_progressive;
        encode.jpeg_subsampling = match self.jpeg_subsampling {
            SubsamplingOption::None => Subsampling::None,
            SubsamplingOption::Horizontal => Subsampling::Horizontal,
            SubsamplingOption::Both => Subsampling::Both,
        };
        encode.webp_effort = self.webp_effort.min(6);
        encode.avif_quality = self.avif_quality.clamp(1, 100);
        encode.avif_speed = self.avif_speed.clamp(1, 10);
        encode.jxl_effort = self.jxl_effort.clamp(1, 9);
        encode.jp2_quality = self.jp2_quality.clamp(1, 100);
        encode.png_palette = self.png_palette;
        encode.tiff_compression = match self.tiff_compression {
            TiffCompressionOption::None => TiffCompression::None,
            TiffCompressionOption::Deflate => TiffCompression::Deflate,
        };
        encode.tiff_pyramid = self.tiff_pyramid;
        options.color = match self.color {
            ColorOption::Srgb => ColorPolicy::ToSrgb,
            ColorOption::Keep => ColorPolicy::Keep,
            ColorOption::Wide => ColorPolicy::Wide,
        };
        options.intent = match self.rendering_intent {
            IntentOption::Perceptual => Intent::Perceptual,
            IntentOption::Relative => Intent::Relative,
            IntentOption::Saturation => Intent::Saturation,
            IntentOption::Absolute => Intent::Absolute,
        };
        options.depth = match self.depth {
            DepthOption::Eight => Depth::Eight,
            DepthOption::Stored => Depth::AsStored,
        };
        options.linear_light = self.linear_light;
        options.max_profile_bytes = self.max_profile.bytes();
        options.stored_tiles = if self.stored_tiles { StoredTiles::AsTheyLie } else { StoredTiles::Never };
        options.bitonal = if self.dither { Bitonal::Dither } else { Bitonal::Otsu };
        options.background = parse_color(&self.background)?;
        Some(options)
    }
}

fn parse_color(text: &str) -> Option<[u8; 3]> {
    let digits = text
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let value = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([value(0)?, value(2)?, value(4)?])
}

/// How the library is looked after.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryOptions {
    /// Name of the whole, shown on the first page, and the label of its collection. Without it: the folder's name.
    pub title: Option<String>,
    /// Identifier of the collection of everything. Without it: the folder's name.
    pub identifier: Option<String>,
    /// Look at the folders and publish what is new. `false` publishes what was taken in before, as it was then: for further
    /// servers over one state directory, and for libraries that never change.
    pub watch: bool,
    /// How often the folders are read again even if no change was noticed.
    pub rescan_every: Duration,
    /// Look into new files while there is nothing else to do, so that nobody waits for it who asks for a manifest later.
    pub look_ahead: bool,
    /// Read the texts of pages (ALTO, hOCR, PAGE, captions and others), so that they can be searched.
    pub texts: bool,
}

impl Default for LibraryOptions {
    fn default() -> Self {
        Self {
            title: None,
            identifier: None,
            watch: true,
            rescan_every: Duration::from_secs(300),
            look_ahead: true,
            texts: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_announced_where_it_is_set_or_where_the_image_is_larger_than_the_ceiling() {
        let open = LimitOptions::default();
        let set = LimitOptions { max_area: Some(1_000_000), ..LimitOptions::default() };
        for (limits, size, want) in [
            (&open, Dimensions::new(100, 100), None),
            (&open, Dimensions::new(20_000, 15_000), None),
            (&open, Dimensions::new(40_000, 40_000), Some(400_000_000)),
            (&set, Dimensions::new(100, 100), Some(1_000_000)),
        ] {
            assert_eq!(limits.for_image(size).max_area_px, want, "{size}");
        }
    }

    #[test]
    fn colours_are_six_hexadecimal_digits() {
        for (text, want) in [
            ("#ffffff", Some([255, 255, 255])),
            ("#0a0B10", Some([10, 11, 16])),
            ("ffffff", None),
            ("#fff", None),
            ("#ééé", None),
            ("#+1+1+1", None),
        ] {
            assert_eq!(parse_color(text), want, "{text}");
        }
    }
}
