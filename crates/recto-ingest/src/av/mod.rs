//! What a recording is, from its container alone: length, size of the picture, codecs. Nothing is decoded, and only parts of the
//! file are read, within a bound, whatever it holds.

mod avi;
pub mod captions;
mod flv;
mod h264;
mod matroska;
pub mod media_type;
mod mp4;
mod mp4_codecs;
mod mpeg_audio;
mod mpeg_system;
mod ogg;
mod pcm;
mod window;

use std::io::{self, Read, Seek};

use window::Window;

/// What a recording is.
#[derive(Clone, Debug, PartialEq)]
pub struct AvFacts {
    /// Sound alone, or moving pictures.
    pub kind: AvKind,
    /// Media type of the file.
    pub format: &'static str,
    /// Length in seconds, where the container tells it; greater than 0.
    pub duration_s: Option<f64>,
    /// Width in pixels as it is shown: with the shape of pixels and turned as the container says.
    pub width_px: Option<u32>,
    /// Height in pixels as it is shown.
    pub height_px: Option<u32>,
    /// Codecs of the tracks in order, as RFC 6381 writes them where the container tells enough, else by their usual name.
    pub codecs: Vec<String>,
}

/// Sound alone, or moving pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvKind {
    /// Presentation API class `Sound`.
    Audio,
    /// Presentation API class `Video`.
    Video,
}

/// Why nothing is known about a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AvError {
    /// It could not be read.
    #[error("the recording could not be read")]
    Read(#[from] io::Error),
    /// It is none of the known containers.
    #[error("this is no recording of a known kind; MP4, WebM, MP3, Ogg, WAV and FLAC are among those that are")]
    NotAv,
    /// It is broken.
    #[error("the {format} file {reason}; make it anew from its source, or repair it with a tool for that")]
    Damaged {
        /// The kind of file.
        format: &'static str,
        /// What is the matter with it.
        reason: &'static str,
    },
    /// It has so many parts that looking for the facts would take too long.
    #[error("the recording has more parts than are looked at")]
    TooManyParts,
}

impl AvError {
    /// The kind of failure.
    pub fn kind(&self) -> recto_iiif::ErrorKind {
        use recto_iiif::ErrorKind;
        match self {
            Self::Read(_) => ErrorKind::Internal,
            Self::NotAv => ErrorKind::Unsupported,
            Self::Damaged { .. } => ErrorKind::CorruptSource,
            Self::TooManyParts => ErrorKind::TooLarge,
        }
    }
}

/// Facts as a container gives them, before they are checked.
#[derive(Clone, Debug, Default)]
struct Found {
    format: &'static str,
    has_video: bool,
    duration_s: Option<f64>,
    /// As it is shown; the parts of a pixel's shape may make it uneven.
    size: Option<(f64, f64)>,
    codecs: Vec<String>,
}

/// Longer than this is no recording but a broken number: four months.
const MOST_SECONDS: f64 = 1e7;
/// Wider or higher than this is no video.
const MOST_PIXELS: f64 = 65_536.0;
/// More tracks than this are not told.
const MOST_CODECS: usize = 32;

impl Found {
    fn checked(self) -> AvFacts {
        let size = self.size.filter(|(width, height)| {
            self.has_video && [*width, *height].iter().all(|length| (1.0..=MOST_PIXELS).contains(&length.round()))
        });
        let mut codecs = Vec::new();
        for codec in self.codecs {
            if !codec.is_empty() && !codecs.contains(&codec) && codecs.len() < MOST_CODECS {
                codecs.push(codec);
            }
        }
        AvFacts {
            kind: if self.has_video { AvKind::Video } else { AvKind::Audio },
            format: self.format,
            duration_s: self.duration_s.filter(|seconds| *seconds > 0.0 && *seconds < MOST_SECONDS),
            width_px: size.map(|(width, _)| width.round() as u32),
            height_px: size.map(|(_, height)| height.round() as u32),
            codecs,
        }
    }
}

/// Reads the facts of a recording. It reads some tens of kilobytes of most files, and never more than 64 MiB.
pub fn read(source: &mut (impl Read + Seek)) -> Result<AvFacts, AvError> {
    let mut window = Window::new(source)?;
    let head = window.bytes(0, 64)?;
    let found = match &head[..] {
        head if mp4::is_mp4(head) => mp4::read(&mut window)?,
        [0x1a, 0x45, 0xdf, 0xa3, ..] => matroska::read(&mut window)?,
        [b'O', b'g', b'g', b'S', ..] => ogg::read(&mut window)?,
        [b'f', b'L', b'a', b'C', ..] => pcm::read_flac(&mut window, 0)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => avi::read(&mut window)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => pcm::read_wav(&mut window)?,
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => pcm::read_aiff(&mut window)?,
        [b'F', b'L', b'V', 1, ..] => flv::read(&mut window)?,
        [0, 0, 1, 0xba | 0xb3, ..] => mpeg_system::read_program(&mut window)?,
        _ if mpeg_system::packet_size(&mut window)?.is_some() => mpeg_system::read_transport(&mut window)?,
        _ => mpeg_audio::read(&mut window)?,
    };
    Ok(found.checked())
}
