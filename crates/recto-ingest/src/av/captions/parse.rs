//! Cues of WebVTT and SRT. What is broken is left out and told; the rest is kept.

use super::{CaptionFormat, Captions, Cue, format_of};
use crate::finding::{Finding, Findings, Severity};

/// Most cues that are kept: more than a day of speech.
const MOST_CUES: usize = 100_000;

/// Text of a file: UTF-8 or UTF-16 by its mark, else Windows-1252, which old subtitle editors write. True where that was
/// guessed.
pub(super) fn decoded(bytes: &[u8]) -> (String, bool) {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => return (wide(rest, u16::from_le_bytes), false),
        [0xfe, 0xff, rest @ ..] => return (wide(rest, u16::from_be_bytes), false),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        // Cut in the middle of a character, as the beginning of a file may be.
        Err(error) if error.error_len().is_none() => (String::from_utf8_lossy(bytes).into_owned(), false),
        Err(_) => (bytes.iter().map(|byte| windows_1252(*byte)).collect(), true),
    }
}

fn windows_1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => UPPER[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// True for a line such as `00:00:01,000 --> 00:00:02,000`.
pub(super) fn is_timing(line: &str) -> bool {
    timing(line).is_some()
}

/// Start and end of a line of times, and whether they are written as WebVTT wants it.
fn timing(line: &str) -> Option<(f64, f64, bool)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    let (start, start_is_exact) = time(start.trim())?;
    let (end, end_is_exact) = time(end)?;
    Some((start, end, start_is_exact && end_is_exact))
}

/// Seconds of `hh:mm:ss.ttt` or `mm:ss.ttt`, with a comma as well.
fn time(text: &str) -> Option<(f64, bool)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_exact = fraction.len() == 3 && text.contains('.');
    let parts: Vec<&str> = whole.split(':').collect();
    let is_number = |text: &&str| !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(is_number) {
        return None;
    }
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut seconds = 0_u64;
    for (index, part) in parts.iter().enumerate() {
        let value: u64 = part.parse().ok()?;
        if index > 0 && value > 59 {
            return None;
        }
        seconds = seconds * 60 + value;
    }
    let fraction = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().ok()? };
    Some((seconds as f64 + fraction, is_exact))
}

/// Reads captions. `place` is the file's path, for findings. Only broken cues are left out.
pub fn parse(bytes: &[u8], place: &str) -> (Captions, Vec<Finding>) {
    let mut findings = Findings::default();
    let (text, is_guessed) = decoded(bytes);
    if is_guessed {
        findings.push(Finding::new(
            Severity::Warning,
            "caption-encoding",
            place,
            "the captions are not UTF-8; they were read as Windows-1252",
            "save the file as UTF-8",
        ));
    }
    let is_named_vtt = place.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("vtt"));
    let format = format_of(bytes).unwrap_or(if is_named_vtt { CaptionFormat::WebVtt } else { CaptionFormat::Srt });
    if is_named_vtt && !text.starts_with("WEBVTT") {
        findings.push(
            Finding::new(
                Severity::Error,
                "caption-head",
                place,
                "the file does not begin with `WEBVTT`, so browsers refuse all of it",
                "write `WEBVTT` and an empty line at the beginning, or name it `.srt` if it is SRT",
            )
            .at_line(1),
        );
    }
    let mut reader = Reader { format, place, findings, cues: Vec::new(), is_full: false };
    for block in blocks(&text) {
        reader.block(&block);
    }
    if reader.cues.is_empty() && !reader.is_full {
        reader.findings.push(Finding::new(
            Severity::Warning,
            "caption-empty",
            place,
            "no captions were found in the file",
            "check that it holds lines such as `00:00:01.000 --> 00:00:04.000` with text below them",
        ));
    }
    (Captions { format, cues: reader.cues }, reader.findings.into_list())
}

/// Runs of lines that are not empty, each with the number of its first line.
fn blocks(text: &str) -> Vec<Vec<(u32, &str)>> {
    let mut blocks: Vec<Vec<(u32, &str)>> = vec![Vec::new()];
    // A carriage return ends a line by itself as well.
    let lines = text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    for (index, line) in lines.enumerate() {
        if line.trim().is_empty() {
            if blocks.last().is_some_and(|block| !block.is_empty()) {
                blocks.push(Vec::new());
            }
        } else if let Some(block) = blocks.last_mut() {
            block.push((index as u32 + 1, line));
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

struct Reader<'a> {
    format: CaptionFormat,
    place: &'a str,
    findings: Findings,
    cues: Vec<Cue>,
    is_full: bool,
}

impl Reader<'_> {
    fn tell(&mut self, severity: Severity, rule: &'static str, line: u32, message: String, fix: &str) {
        self.findings.push(Finding::new(severity, rule, self.place, message, fix).at_line(line));
    }

    fn block(&mut self, block: &[(u32, &str)]) {
        let first = block[0].1.trim_start_matches('\u{feff}');
        let is_head = block[0].0 == 1 && first.starts_with("WEBVTT");
        let word = first.split_whitespace().next().unwrap_or_default();
        let has_timing = block.iter().any(|(_, line)| line.contains("-->"));
        if self.format == CaptionFormat::WebVtt
            && !has_timing
            && (is_head || matches!(word, "NOTE" | "STYLE" | "REGION"))
        {
            return;
        }
        if word == "NOTE" && self.format == CaptionFormat::WebVtt {
            return;
        }
        let at = block.iter().position(|(_, line)| line.contains("-->"));
        let Some(at) = at else {
            let (line, text) = block[0];
            let shown: String = text.chars().take(40).collect();
            let message = format!("`{shown}` is text without a time, and was left out");
            self.tell(
                Severity::Warning,
                "caption-time",
                line,
                message,
                "write a line of times above it, or remove the empty line above",
            );
            return;
        };
        // Cues of SRT are not always set apart by an empty line: the next begins at the next time.
        let mut start = at;
        while start < block.len() {
            let next = (start + 1..block.len()).find(|index| block[*index].1.contains("-->"));
            let mut end = next.unwrap_or(block.len());
            if next.is_some() && end > start + 1 && block[end - 1].1.trim().bytes().all(|byte| byte.is_ascii_digit()) {
                end -= 1;
            }
            self.cue(block[start], &block[start + 1..end]);
            start = next.unwrap_or(block.len());
        }
    }

    fn cue(&mut self, (line, times): (u32, &str), lines: &[(u32, &str)]) {
        let shown: String = times.chars().take(60).collect();
        let Some((start_s, end_s, is_exact)) = timing(times) else {
            let message = format!("`{shown}` is no time, and its text was left out");
            self.tell(Severity::Error, "caption-time", line, message, "write times as `00:00:01.000 --> 00:00:04.000`");
            return;
        };
        if end_s <= start_s {
            let message = format!("`{shown}` ends before it begins, and its text was left out");
            self.tell(Severity::Error, "caption-order", line, message, "exchange or mend the two times");
            return;
        }
        if !is_exact && self.format == CaptionFormat::WebVtt {
            let message = format!("`{shown}` is not written as WebVTT asks, so browsers pass over it");
            self.tell(
                Severity::Warning,
                "caption-form",
                line,
                message,
                "write times with a point and three digits behind it",
            );
        }
        if self.cues.last().is_some_and(|last| start_s < last.start_s) {
            let message = format!("`{shown}` begins before the one above it");
            self.tell(Severity::Note, "caption-order", line, message, "put captions in the order of their times");
        }
        let text: Vec<String> =
            lines.iter().map(|(_, line)| plain(line.trim(), self.format)).filter(|line| !line.is_empty()).collect();
        if text.is_empty() {
            let message = format!("`{shown}` has no text");
            self.tell(Severity::Note, "caption-empty", line, message, "write text below it, or remove it");
            return;
        }
        if self.cues.len() >= MOST_CUES {
            if !std::mem::replace(&mut self.is_full, true) {
                let message = format!("there are more than {MOST_CUES} captions, and the rest was left out");
                self.tell(Severity::Warning, "caption-count", line, message, "divide the recording and its captions");
            }
            return;
        }
        self.cues.push(Cue { start_s, end_s, text: text.join("\n") });
    }
}

/// A line without tags; entities of WebVTT are what they stand for, and orders in braces of SRT are off.
fn plain(line: &str, format: CaptionFormat) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let close = if tag.starts_with('<') { '>' } else { '}' };
        let is_tag = match tag.as_bytes().get(1) {
            // A sign before a space or digit is text, but for the times in WebVTT.
            Some(b'/' | b'a'..=b'z' | b'A'..=b'Z') => tag.starts_with('<'),
            Some(b'0'..=b'9') => tag.starts_with('<') && format == CaptionFormat::WebVtt,
            Some(b'\\') => tag.starts_with('{'),
            _ => false,
        };
        if let Some(end) = tag.find(close).filter(|_| is_tag) {
            rest = &tag[end + 1..];
        } else {
            out.push_str(&tag[..1]);
            rest = &tag[1..];
        }
    }
    out.push_str(rest);
    if format == CaptionFormat::WebVtt && out.contains('&') {
        for (entity, text) in [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&nbsp;", "\u{a0}"),
            ("&lrm;", "\u{200e}"),
            ("&rlm;", "\u{200f}"),
            ("&quot;", "\""),
            ("&amp;", "&"),
        ] {
            out = out.replace(entity, text);
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cue(start_s: f64, end_s: f64, text: &str) -> Cue {
        Cue { start_s, end_s, text: text.to_owned() }
    }

    #[test]
    fn cues_of_web_vtt_are_read_without_their_dress() {
        let vtt = "WEBVTT Kind: captions\nX-MAP: 1\n\nNOTE a --> b\nmore\n\nSTYLE\n::cue {}\n\nintro\n00:01.000 --> 00:02.500 align:start\n\
            <v.loud Ada>Hello &amp; <i>good</i> <00:01.5>day</v>\n- 1 < 2 {x}\n\n01:00:00.000 --> 01:00:01.000\nlast";
        let (captions, findings) = parse(vtt.as_bytes(), "a.vtt");
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(captions.format, CaptionFormat::WebVtt);
        assert_eq!(captions.cues, [cue(1.0, 2.5, "Hello & good day\n- 1 < 2 {x}"), cue(3600.0, 3601.0, "last")]);
    }

    #[test]
    fn cues_of_srt_are_read_also_without_empty_lines() {
        let srt = "1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<font color=\"red\">eins</font>\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nzwei\r\n";
        let (captions, findings) = parse(srt.as_bytes(), "a.srt");
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(captions.cues, [cue(1.0, 2.0, "eins"), cue(3.0, 4.0, "zwei")]);
        let latin = parse(b"1\n00:00:01,000 --> 00:00:02,000\n\xfcber\x96\n", "a.srt");
        assert_eq!(latin.0.cues[0].text, "über–");
        assert_eq!(latin.1[0].rule, "caption-encoding");
    }

    #[test]
    fn broken_cues_are_left_out_and_told_with_their_line() {
        let vtt = "WEBVTT\n\n00:02.000 --> 00:01.000\nback\n\n00:0x.000 --> 00:05.000\nbad\n\n00:06,000 --> 00:07,000\ncomma\n\n\
            00:03.000 --> 00:04.000\nearly\n\nstray\n\n00:08.000 --> 00:09.000\n";
        let (captions, findings) = parse(vtt.as_bytes(), "a.vtt");
        assert_eq!(captions.cues, [cue(6.0, 7.0, "comma"), cue(3.0, 4.0, "early")]);
        let told: Vec<(&str, Option<u32>)> = findings.iter().map(|finding| (finding.rule, finding.line)).collect();
        assert_eq!(
            told,
            [
                ("caption-order", Some(3)),
                ("caption-time", Some(6)),
                ("caption-form", Some(9)),
                ("caption-order", Some(12)),
                ("caption-time", Some(15)),
                ("caption-empty", Some(17))
            ]
        );
        assert_eq!(
            findings[0].to_string(),
            "error[caption-order] a.vtt:3: `00:02.000 --> 00:01.000` ends before it begins, and its text was left out; exchange or mend the two times"
        );
        assert_eq!(parse(b"00:01.000 --> 00:02.000\nx", "a.vtt").1[0].rule, "caption-head");
        assert_eq!(parse(b"", "a.srt").1[0].rule, "caption-empty");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            parse(&bytes, "a.vtt");
        }

        #[test]
        fn any_text_like_captions_is_read(text in "(WEBVTT\n\n)?([0-9:.,]{1,13} --> [0-9:.,]{1,13}\n|[a<>{}&;/é\n-]{0,12}\n?){0,12}") {
            for cue in parse(text.as_bytes(), "a.vtt").0.cues {
                prop_assert!(cue.end_s > cue.start_s && !cue.text.is_empty());
            }
        }
    }
}
