//! Facts of real recordings, compared with what is known of them; hostile ones stay within bounds.

#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use recto_ingest::av::captions::{self, CaptionFormat};
use recto_ingest::av::{self, AvError, AvFacts, AvKind};
use recto_testkit::Rng;

fn data() -> Option<PathBuf> {
    Some(recto_testkit::data_dir()?.join("av"))
}

fn read(path: &Path) -> AvFacts {
    av::read(&mut File::open(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn facts_of_real_files_are_those_that_other_readers_find() {
    let Some(folder) = data() else { return };
    for (name, format, duration_s, size, codecs) in [
        ("bear.mp3", "audio/mpeg", 6.295_51, None, "mp3"),
        ("bear.ogg", "audio/ogg", 6.234_558, None, "vorbis"),
        ("rabbit320.webm", "video/webm", 7.8, Some((320, 240)), "vp8 vorbis"),
        ("tiny.webm", "video/webm", 5.041, Some((640, 360)), "vp8 vorbis"),
        ("tiny.avi", "video/x-msvideo", 5.038_73, Some((640, 360)), "h264 mp4a.40.2"),
        ("tiny.flv", "video/x-flv", 5.106, Some((640, 360)), "avc1 mp3"),
        ("tiny.mov", "video/quicktime", 5.039, Some((640, 360)), "avc1.42c01e mp4a.40.2"),
        ("tiny.mp4", "video/mp4", 5.038_333, Some((640, 360)), "avc1.42c01e mp4a.40.2"),
        ("tiny.mpg", "video/mpeg", 5.015_511, Some((640, 360)), "mpeg1video mp2"),
    ] {
        let facts = read(&folder.join(name));
        assert_eq!(facts.format, format, "{name}");
        assert_eq!(facts.kind == AvKind::Video, format.starts_with("video"), "{name}");
        assert_eq!(facts.width_px.zip(facts.height_px), size, "{name}");
        assert_eq!(facts.codecs.join(" "), codecs, "{name}");
        let found = facts.duration_s.unwrap();
        assert!((found - duration_s).abs() < 0.05, "{name}: {found} for {duration_s}");
    }
}

/// What is made here by a program for that, and how.
const MADE: &[(&str, &str, &str)] = &[
    ("a.wav", "audio/wav", ""),
    ("float.wav", "audio/wav", "-c:a pcm_f32le"),
    ("rf64.wav", "audio/wav", "-rf64 always"),
    ("a.aiff", "audio/aiff", ""),
    ("a.flac", "audio/flac", ""),
    ("a.mp3", "audio/mpeg", "-b:a 64k"),
    ("vbr.mp3", "audio/mpeg", "-q:a 5"),
    ("plain.mp3", "audio/mpeg", "-b:a 64k -write_xing 0 -id3v2_version 0"),
    ("a.mp2", "audio/mpeg", ""),
    ("a.aac", "audio/aac", "-c:a aac"),
    ("a.m4a", "audio/mp4", "-c:a aac"),
    ("a.ogg", "audio/ogg", "-c:a libvorbis"),
    ("a.opus", "audio/ogg", "-c:a libopus"),
    ("flac.ogg", "audio/ogg", "-c:a flac"),
    ("a.mka", "audio/x-matroska", "-c:a libvorbis"),
    ("a.webm", "audio/webm", "-c:a libopus"),
    ("live.webm", "audio/webm", "-c:a libopus -live 1"),
    ("v.mp4", "video/mp4", "VIDEO"),
    ("fast.mp4", "video/mp4", "VIDEO -movflags +faststart"),
    ("fragments.mp4", "video/mp4", "VIDEO -movflags frag_keyframe+empty_moov+default_base_moof -g 10"),
    ("shape.mp4", "video/mp4", "VIDEO -vf setsar=2"),
    ("v.mov", "video/quicktime", "VIDEO"),
    ("v.mkv", "video/x-matroska", "VIDEO"),
    ("shape.mkv", "video/x-matroska", "VIDEO -vf setsar=4/3"),
    ("v.webm", "video/webm", "VIDEO -c:v libvpx -c:a libvorbis"),
    ("live2.webm", "video/webm", "VIDEO -c:v libvpx -c:a libvorbis -live 1"),
    ("v.ogv", "video/ogg", "VIDEO -c:v libtheora -c:a libvorbis"),
    ("v.avi", "video/x-msvideo", "VIDEO -c:a mp3"),
    ("v.flv", "video/x-flv", "VIDEO -c:v flv -c:a mp3 -ar 44100"),
    ("untold.flv", "video/x-flv", "VIDEO -c:v flv -c:a mp3 -ar 44100 -flvflags no_duration_filesize"),
    ("v.mpg", "video/mpeg", "VIDEO -c:v mpeg1video -c:a mp2 -r 25"),
    ("wide.mpg", "video/mpeg", "VIDEO -c:v mpeg2video -c:a mp2 -r 25 -f vob -aspect 16:9"),
    ("v.ts", "video/mp2t", "VIDEO -c:v mpeg2video -c:a mp2 -r 25 -f mpegts"),
    ("blue.ts", "video/mp2t", "VIDEO -c:v mpeg2video -c:a mp2 -r 25 -f mpegts -mpegts_m2ts_mode 1"),
    ("h264.ts", "video/mp2t", "VIDEO -c:v libx264 -vf scale=322:182,setsar=4/3 -c:a aac -f mpegts"),
    ("v.3gp", "video/3gpp", "VIDEO -c:v h263 -s 352x288 -c:a aac -ar 8000"),
];

fn make(path: &Path, how: &str) -> Option<()> {
    let has_video = how.starts_with("VIDEO");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-f", "lavfi", "-i", "sine=frequency=440:duration=3.3:sample_rate=44100"]);
    if has_video {
        command.args(["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=3.3", "-pix_fmt", "yuv420p"]);
    }
    command.args(["-map_metadata", "-1"]).args(how.trim_start_matches("VIDEO").split_whitespace()).arg(path);
    let output = command.output().ok()?;
    // A program built without a codec cannot make the file.
    output.status.success().then_some(())
}

/// Length and shown size as another reader finds them.
fn told(path: &Path) -> Option<(f64, Option<(u32, u32)>)> {
    let arguments =
        ["-v", "error", "-of", "json", "-show_entries", "format=duration:stream=width,height,sample_aspect_ratio"];
    let output = Command::new("ffprobe").args(arguments).arg(path).output().ok()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let duration = json["format"]["duration"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let size = json["streams"].as_array()?.iter().find_map(|stream| {
        let (width, height) = (stream["width"].as_f64()?, stream["height"].as_f64()?);
        let shape = stream["sample_aspect_ratio"].as_str().and_then(|text| {
            let (across, down) = text.split_once(':')?;
            Some(across.parse::<f64>().ok()? / down.parse::<f64>().ok()?)
        });
        Some(((width * shape.unwrap_or(1.0)).round() as u32, height as u32))
    });
    Some((duration, size))
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not checked is told")]
fn facts_are_found_in_every_container() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, format, how) in MADE {
        let path = folder.path().join(name);
        let Some((duration_s, size)) = make(&path, how).and_then(|()| told(&path)) else {
            eprintln!("not checked: {name}, which could not be made by `ffmpeg`");
            continue;
        };
        let facts = match av::read(&mut File::open(&path).unwrap()) {
            Ok(facts) => facts,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let found = facts.duration_s.unwrap_or(-1.0);
        // Where nobody else tells the length it is that of what was made.
        let duration_s = if duration_s > 0.0 { duration_s } else { 3.3 };
        if (found - duration_s).abs() > 0.05 || facts.width_px.zip(facts.height_px) != size || facts.format != *format {
            wrong.push(format!("{name}: {facts:?} for {duration_s} {size:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_turned_video_is_as_high_as_it_was_wide() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, turned) = (folder.path().join("a.mp4"), folder.path().join("b.mp4"));
    let turn = |plain: &Path, turned: &Path| {
        let arguments = ["-c", "copy", "-metadata:s:v", "rotate=90"];
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(plain).args(arguments).arg(turned).status().ok()
    };
    if make(&plain, "VIDEO").is_some() && turn(&plain, &turned).is_some_and(|status| status.success()) {
        let facts = read(&turned);
        assert_eq!((facts.width_px, facts.height_px), (Some(240), Some(320)));
    }
}

/// Files of all kinds, at most this long.
fn samples() -> Vec<(String, Vec<u8>)> {
    let mut list: Vec<(String, Vec<u8>)> = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    for (name, _, how) in MADE {
        let path = folder.path().join(name);
        if make(&path, how).is_some() {
            list.push(((*name).to_owned(), std::fs::read(&path).unwrap()));
        }
    }
    for path in data().map(|folder| recto_testkit::files_below(&folder)).unwrap_or_default() {
        list.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    list
}

#[test]
fn cut_and_damaged_files_are_read_or_refused_soon_and_never_believed_beyond_reason() {
    let mut rng = Rng::new(1);
    for (name, whole) in samples() {
        let began = Instant::now();
        for round in 0..60_u32 {
            let mut bytes = whole.clone();
            if round % 3 == 0 {
                bytes.truncate(rng.below(whole.len() as u32) as usize);
            }
            // Most of what is looked at is at the ends.
            let near = bytes.len().min(2000) as u32;
            for _ in 0..if round % 3 == 1 { 0 } else { 1 + rng.below(30) } {
                if near == 0 {
                    break;
                }
                let at = rng.below(near) as usize;
                let at = if rng.below(2) == 0 { at } else { bytes.len() - 1 - at };
                bytes[at] = rng.next_u64() as u8;
            }
            if let Ok(facts) = av::read(&mut Cursor::new(&bytes)) {
                let lengths = [facts.width_px, facts.height_px];
                assert!(lengths.into_iter().flatten().all(|length| (1..=65_536).contains(&length)), "{name}");
                assert!(facts.duration_s.is_none_or(|length| length > 0.0 && length < 1e7), "{name}");
            }
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{name} took {:?}", began.elapsed());
    }
}

/// A file without end that repeats some bytes, and counts what is read of it.
struct Endless {
    pattern: Vec<u8>,
    at: u64,
    read: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.pattern[(self.at % self.pattern.len() as u64) as usize];
            self.at += 1;
        }
        self.read += buffer.len() as u64;
        Ok(buffer.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.at = match position {
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => 1 << 50,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn files_without_end_cost_no_more_than_the_bound() {
    let patterns: [&[u8]; 14] = [
        b"\0\0\0\x08moov",
        b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08free",
        b"\0\0\0\x18moof\0\0\0\x10traf\0\0\0\x08trun",
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x80\x1f\x43\xb6\x75\xff\xa3\x81\x00",
        b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"ID3\x04\0\0\0\0\0\x01x",
        b"\xff\xfb\x90\x00",
        b"\xff\xf1\x50\x80\x00\xff\xfc",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0AVI LIST\x04\0\0\0hdrl",
        b"FLV\x01\x05\0\0\0\x09",
        b"\0\0\x01\xba\0\0\x01\xe0\0\x08\x80\x80\x05\x21\0\x01\0\x01",
        b"FORM\0\0\0\0AIFFabcd\0\0\0\0",
        b"\0",
    ];
    for pattern in patterns {
        let mut source = Endless { pattern: pattern.to_vec(), at: 0, read: 0 };
        let began = Instant::now();
        let _ = av::read(&mut source);
        assert!(source.read <= 70 << 20, "{} bytes of {pattern:?}", source.read);
        assert!(began.elapsed() < Duration::from_secs(20), "{:?} for {pattern:?}", began.elapsed());
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    for bytes in [&b""[..], b"x", b"%PDF-1.7", b"\xff\xd8\xff\xe0", b"\0\0\0\x18ftypheic", b"GIF89a", b"<html>"] {
        assert!(matches!(av::read(&mut Cursor::new(bytes)), Err(AvError::NotAv)), "{bytes:?}");
    }
    let error = av::read(&mut Cursor::new(b"\0\0\0\x10ftypisom\0\0\0\0")).unwrap_err();
    assert!(error.to_string().contains("(`moov`)"), "{error}");
}

#[test]
fn real_captions_are_read_without_findings() {
    let Some(folder) = data() else { return };
    for (name, count, first) in [
        ("Per_voi_signore_Modelli_francesi_en.vtt", 22, "At the fashionable game Canasta."),
        ("Per_voi_signore_Modelli_francesi_it.vtt", 22, ""),
        ("subtitles_en.vtt", 3, ""),
    ] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(captions::format_of(&bytes), Some(CaptionFormat::WebVtt));
        let (captions, findings) = captions::parse(&bytes, name);
        assert!(findings.is_empty(), "{name}: {findings:?}");
        assert_eq!(captions.cues.len(), count, "{name}");
        assert!(captions.cues[0].text.starts_with(first), "{name}: {:?}", captions.cues[0]);
    }
}
