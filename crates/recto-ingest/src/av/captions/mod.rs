//! Captions and subtitles: WebVTT and SRT, known by their content; which recording they belong to, by their names.

mod names;
mod parse;

pub use names::{CaptionName, belongs_to, pair};
pub use parse::parse;

/// How captions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptionFormat {
    /// WebVTT, which browsers show.
    WebVtt,
    /// SubRip, which has to be made WebVTT for browsers.
    Srt,
}

impl CaptionFormat {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::WebVtt => "text/vtt",
            Self::Srt => "application/x-subrip",
        }
    }
}

/// A text that is shown for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// From when, in seconds.
    pub start_s: f64,
    /// Until when, in seconds; later than the start.
    pub end_s: f64,
    /// The text without tags; lines are kept.
    pub text: String,
}

/// The captions of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Captions {
    /// How they are written.
    pub format: CaptionFormat,
    /// In the order of the file.
    pub cues: Vec<Cue>,
}

impl Captions {
    /// The captions as WebVTT, for players that know nothing else.
    pub fn to_web_vtt(&self) -> String {
        let mut out = String::from("WEBVTT\n");
        for cue in &self.cues {
            let text = cue.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            out.push_str(&format!("\n{} --> {}\n{text}\n", time(cue.start_s), time(cue.end_s)));
        }
        out
    }
}

/// A time as WebVTT writes it.
fn time(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{:02}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How a file is written, by its content; `None` where it is no captions. The first kilobyte is enough.
pub fn format_of(head: &[u8]) -> Option<CaptionFormat> {
    let text = parse::decoded(&head[..head.len().min(4096)]).0;
    let rest = text.strip_prefix("WEBVTT");
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r'])) {
        return Some(CaptionFormat::WebVtt);
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    let timing = if is_number { lines.next()? } else { first };
    parse::is_timing(timing).then_some(CaptionFormat::Srt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_known_by_their_content() {
        use CaptionFormat::{Srt, WebVtt};
        for (content, format) in [
            (&b"WEBVTT"[..], Some(WebVtt)),
            (b"\xef\xbb\xbfWEBVTT - title\n", Some(WebVtt)),
            (b"WEBVTTX", None),
            (b"1\r\n00:00:01,000 --> 00:00:02,000\r\nx", Some(Srt)),
            (b"\n\n1\n0:00:01.5 --> 00:00:02,000", Some(Srt)),
            (b"00:00:01,000 --> 00:00:02,000", Some(Srt)),
            (b"1\nnothing", None),
            (b"a --> b", None),
            (b"", None),
        ] {
            assert_eq!(format_of(content), format, "{content:?}");
        }
    }

    #[test]
    fn captions_become_web_vtt() {
        let srt = "1\n00:00:01,000 --> 01:00:02,500\n<i>a</i> & b\nc\n";
        let (captions, findings) = parse(srt.as_bytes(), "a.srt");
        assert!(findings.is_empty());
        assert_eq!(captions.to_web_vtt(), "WEBVTT\n\n00:00:01.000 --> 01:00:02.500\na &amp; b\nc\n");
        assert_eq!(parse(captions.to_web_vtt().as_bytes(), "a.vtt").0.cues, captions.cues);
    }
}
