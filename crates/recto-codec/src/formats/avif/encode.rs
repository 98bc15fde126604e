//! Writing AVIF: 8 bits, or 10 of pixels that have 16.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rav1e::color::{
    ChromaSampling, ColorDescription, ColorPrimaries, MatrixCoefficients, PixelRange, TransferCharacteristics,
};
use rav1e::config::SpeedSettings;
use rav1e::prelude::{Rational, SceneDetectionSpeed};
use rav1e::{Config, EncoderConfig, EncoderStatus, Frame, Pixel};
use recto_iiif::Dimensions;

use super::container::{self, Coded, Description};
use super::to_yuv::Planes;
use crate::{EncodeError, EncodeHeader, EncodeOptions, Encoder, PixelFormat, Raster};

const FORMAT: &str = "avif";
const MAX_SIDE_PX: u32 = 65_535;
/// The encoder cannot be stopped once it has begun, so what is too much for it is refused before.
const MAX_AREA_PX: u64 = 16_777_216;
/// From this quality on, colour has the resolution of brightness.
const FULL_COLOUR_QUALITY: u8 = 90;
/// `colr`: sRGB's primaries and transfer, luma by BT.601.
const COLOUR: [u16; 3] = [1, 13, 6];

/// The encoder.
pub(crate) fn encoder(header: &EncodeHeader, options: &EncodeOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    let (size, pixels) = (header.size, header.pixels);
    if size.width_px.max(size.height_px) > MAX_SIDE_PX {
        return Err(EncodeError::SideTooLong { format: FORMAT, size, limit_px: MAX_SIDE_PX });
    }
    if size.area_px() > MAX_AREA_PX {
        return Err(EncodeError::AreaTooLarge { format: FORMAT, size, limit_px: MAX_AREA_PX });
    }
    let bits = match pixels {
        PixelFormat::Gray8 | PixelFormat::GrayAlpha8 | PixelFormat::Rgb8 | PixelFormat::Rgba8 => 8,
        PixelFormat::Gray16 | PixelFormat::GrayAlpha16 | PixelFormat::Rgb16 | PixelFormat::Rgba16 => 10,
        _ => return Err(EncodeError::PixelFormat { format: FORMAT, pixels }),
    };
    let sampling = match pixels.samples() {
        1 | 2 => ChromaSampling::Cs400,
        _ if options.avif_quality >= FULL_COLOUR_QUALITY => ChromaSampling::Cs444,
        _ => ChromaSampling::Cs420,
    };
    let planes = Planes::new(pixels, size.width_px as usize, bits, sampling == ChromaSampling::Cs420);
    Ok(Box::new(AvifEncoder {
        header: header.clone(),
        quality: options.avif_quality.clamp(1, 100),
        speed: options.avif_speed.clamp(1, 10),
        bits,
        sampling,
        planes,
        rows_left: size.height_px,
    }))
}

fn failed(what: impl std::fmt::Display) -> EncodeError {
    EncodeError::Failed { format: FORMAT, what: what.to_string() }
}

/// Collects luma and chroma: the encoder looks at the whole image.
struct AvifEncoder {
    header: EncodeHeader,
    quality: u8,
    speed: u8,
    bits: u8,
    sampling: ChromaSampling,
    planes: Planes,
    rows_left: u32,
}

impl Encoder for AvifEncoder {
    fn write(&mut self, rows: &Raster) -> Result<(), EncodeError> {
        let (size, pixels) = (self.header.size, self.header.pixels);
        if rows.format() != pixels || rows.width_px() != size.width_px || rows.height_px() > self.rows_left {
            return Err(failed("rows do not fit the header"));
        }
        self.rows_left -= rows.height_px();
        for y in 0..rows.height_px() {
            self.planes.push(rows.row(y));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, EncodeError> {
        if self.rows_left > 0 {
            return Err(failed(format_args!("{} rows are missing", self.rows_left)));
        }
        self.planes.finish();
        let size = self.header.size;
        let chroma_width = self.planes.chroma_width();
        let width = size.width_px as usize;
        let alpha = std::mem::take(&mut self.planes.alpha);
        let planes = [
            (std::mem::take(&mut self.planes.luma), width),
            (std::mem::take(&mut self.planes.blue), chroma_width),
            (std::mem::take(&mut self.planes.red), chroma_width),
        ];
        let gray = self.sampling == ChromaSampling::Cs400;
        let color = self.encode(&planes, self.sampling)?;
        drop(planes);
        let alpha = if alpha.is_empty() { None } else { Some(self.encode(&[(alpha, width)], ChromaSampling::Cs400)?) };
        let about = Description {
            size,
            channels: if gray { 1 } else { 3 },
            bits: self.bits,
            icc: self.header.icc.as_deref(),
            colour: COLOUR,
            is_baseline: self.sampling != ChromaSampling::Cs444,
        };
        container::write(&color, alpha.as_ref(), &about).ok_or_else(|| failed("the file would be too large"))
    }

    fn written_bytes(&self) -> u64 {
        0
    }
}

impl AvifEncoder {
    fn encode(&self, planes: &[(Vec<u16>, usize)], sampling: ChromaSampling) -> Result<Coded, EncodeError> {
        // The encoder asserts much about its own state: a mistake in it is this image's failure, not the process's.
        let work = || match self.bits {
            8 => encode_as::<u8>(self.config(sampling), planes, |sample| sample as u8),
            _ => encode_as::<u16>(self.config(sampling), planes, |sample| sample),
        };
        let stream = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it gave up".to_owned()));
        Ok(Coded { config: self.decoder_config(sampling), stream: stream.map_err(failed)? })
    }

    /// `av1C`: AV1-ISOBMFF §2.3.3.
    fn decoder_config(&self, sampling: ChromaSampling) -> Vec<u8> {
        let (profile, layout) = match sampling {
            ChromaSampling::Cs400 => (0, 0b111),
            ChromaSampling::Cs420 => (0, 0b011),
            ChromaSampling::Cs422 => (2, 0b010),
            ChromaSampling::Cs444 => (1, 0b000),
        };
        // The level of no particular limits.
        vec![0x81, profile << 5 | 31, u8::from(self.bits > 8) << 6 | layout << 2, 0]
    }

    fn config(&self, sampling: ChromaSampling) -> EncoderConfig {
        let Dimensions { width_px, height_px } = self.header.size;
        let mut speed = SpeedSettings::from_preset(self.speed);
        // What only serves moving pictures.
        speed.multiref = false;
        speed.rdo_lookahead_frames = 1;
        speed.scene_detection_mode = SceneDetectionSpeed::None;
        // 0 would ask for lossless coding, which this encoder does not have.
        let quantizer = ((100 - usize::from(self.quality)) * 255 / 100).max(1);
        let mut config = EncoderConfig::with_speed_preset(self.speed);
        config.width = width_px as usize;
        config.height = height_px as usize;
        config.time_base = Rational::new(1, 1);
        config.bit_depth = self.bits.into();
        config.chroma_sampling = sampling;
        config.pixel_range = PixelRange::Full;
        config.color_description = Some(ColorDescription {
            color_primaries: ColorPrimaries::BT709,
            transfer_characteristics: TransferCharacteristics::SRGB,
            matrix_coefficients: MatrixCoefficients::BT601,
        });
        config.still_picture = true;
        config.min_key_frame_interval = 0;
        config.max_key_frame_interval = 0;
        config.low_latency = false;
        config.quantizer = quantizer;
        config.min_quantizer = quantizer as u8;
        config.speed_settings = speed;
        config
    }
}

#[expect(clippy::default_trait_access, reason = "the type of a plane's offset has no public name")]
fn encode_as<T: Pixel>(
    config: EncoderConfig,
    planes: &[(Vec<u16>, usize)],
    narrow: impl Fn(u16) -> T,
) -> Result<Vec<u8>, String> {
    // One thread: the server has its own for requests.
    let config = Config::new().with_encoder_config(config).with_threads(1);
    let mut context = config.new_context::<T>().map_err(|error| error.to_string())?;
    let mut frame: Frame<T> = context.new_frame();
    for (plane, (samples, width)) in frame.planes.iter_mut().zip(planes) {
        let mut slice = plane.mut_slice(Default::default());
        for (row, samples) in slice.rows_iter_mut().zip(samples.chunks_exact((*width).max(1))) {
            for (to, from) in row.iter_mut().zip(samples) {
                *to = narrow(*from);
            }
        }
    }
    context.send_frame(frame).map_err(|error| error.to_string())?;
    context.flush();
    let mut stream = Vec::new();
    loop {
        match context.receive_packet() {
            Ok(packet) => stream.extend(packet.data),
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::LimitReached) => break,
            Err(error) => return Err(error.to_string()),
        }
    }
    // A file holds one picture, so the mark that separates moments is left out.
    if let Some(rest) = stream.strip_prefix(&[0x12, 0]) {
        stream = rest.to_vec();
    }
    Ok(stream)
}
